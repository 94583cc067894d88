"""Claims: every known answer is met to its last printed digit, with a bound on what anybody could still gain."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import pytest

from market.app.analysis.known.answer import KnownAnswer
from market.app.analysis.known.table import COLUMNS
from tests.app.commands import vppmarket

PUBLISHED = {  # stated here once more, so that no answer is dropped or altered unseen
    "logit duopoly": ("1.47293", "0.22293"),
    "logit duopoly, joint profit": ("1.92498", "0.33749"),
    "Cournot, five firms": ("36.9325", "41.8181", "43.7066", "42.6592", "39.1790"),
    "river basin, variational equilibrium": ("21.145", "16.028", "2.726", "0.574", "0.000"),
    "newsvendor, uniform output": ("0.375",),
    "insurance pool": ("51750.00", "25875.00", "12375.00", "52687.50", "24468.75", "12843.75"),
    "bankruptcy, estate 100": ("33.3333",) * 3,
    "bankruptcy, estate 200": ("50.0000", "75.0000", "75.0000"),
    "bankruptcy, estate 300": ("50.0000", "100.0000", "150.0000"),
    "covered logit with capacities": ("500.000000", "475.000000", "462.500000", "0.2000000", "650.00000"),
    "logit duopoly, as a period here": ("1.47293", "0.22293"),
    "efficient trade, five_vpp": ("100720.9", "1.0000"),
}


@dataclass(frozen=True)
class KnownRun:
    """What the command printed, and the table that it wrote."""

    printed: str
    rows: list[dict[str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> KnownRun:
    place = tmp_path_factory.mktemp("known")
    done = vppmarket("experiment", "known", "--out", "known", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    with (place / "known" / "known.csv").open(encoding="utf-8") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        return KnownRun(done.stdout, list(reader))


def test_the_list_is_whole_and_printed(run: KnownRun) -> None:
    found: dict[str, tuple[str, ...]] = {}
    for row in run.rows:
        found[row["game"]] = (*found.get(row["game"], ()), row["published"])
    assert found == PUBLISHED
    assert all(row["source"] in run.printed for row in run.rows)
    count = sum(len(numbers) for numbers in PUBLISHED.values())
    assert f"{count} of {count} numbers are met" in run.printed
    assert all(number in run.printed for numbers in PUBLISHED.values() for number in numbers)


def test_every_number_is_met_to_its_last_printed_digit(run: KnownRun) -> None:
    for row in run.rows:
        digits = len(row["published"].partition(".")[2])
        off = abs(float(row["computed"]) - float(row["published"]))
        assert off <= 0.5 * 10.0**-digits * (1.0 + 1e-9), row
        assert float(row["difference"]) == pytest.approx(float(row["computed"]) - float(row["published"]))
        assert row["met"] == "yes"


def test_whoever_plays_gains_next_to_nothing_by_moving_and_games_of_others_prove_it(run: KnownRun) -> None:
    others = [row for row in run.rows if row["game"] in list(PUBLISHED)[:5]]
    assert all(row["rigorous"] == "yes" and float(row["regret_bound"]) < 1e-8 for row in others)
    own = [row for row in run.rows if row["game"] == "covered logit with capacities"]
    assert all(float(row["regret_bound"]) < 1e-3 for row in own)


@pytest.mark.parametrize(("computed", "met"), [(1.2345, True), (1.23549, False), (1.23451, True), (1.2346, False)])
def test_a_number_that_is_off_by_more_than_half_a_digit_is_not_met(computed: float, met: bool) -> None:
    assert KnownAnswer("game", "x", "source", "1.2345", computed).met is met
