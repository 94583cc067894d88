"""Claims: the summary of days in a row says what could not be served, how much, whose and on how many days; and
from when to when the days are that were run; a charge on peaks stands in their table, and in any day's summary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import market
from market.app.cli.main import command
from tests.market.series_of_days import write_days

SECTIONS = {
    "rolling": {"commit_h": 24},
    "forecast": {"model": "noise", "given": "forecast", "noise_share": 0.4, "noise_seed": 4},
}
NARROW = "vpps.P1.exchange.import_max_mw=3"
CHARGE_CNY_PER_MW = 1000.0
CHARGED = f"vpps.P1.exchange.peak_charge_cny_per_mw={CHARGE_CNY_PER_MW}"
ON_PEAKS = "charged on peaks"
UNSERVED = "could not be served"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of eight periods, of which one VPP needs up to 3.8 MW from others in reality, 2.6 MW expected."""
    return write_days(
        tmp_path_factory.mktemp("told") / "s",
        3,
        vpps=2,
        seed=7,
        per_day=8,
        start="2016-06-15",
        tz="Europe/Berlin",
        flexible=False,
        sections=SECTIONS,
    )


def said_of(folder: Path, out: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert command(["run", str(folder), "--in-process", "--out", str(out), *flags]) == 0
    return capsys.readouterr().out


def test_load_that_is_not_served_is_told_with_whose_it_is_and_on_how_many_days(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = said_of(folder, tmp_path / "run", capsys, "--days", "2", "--set", NARROW)
    missed = market.open_days(tmp_path / "run").days.missed_mwh
    assert [amount > 0.0 for amount in missed] == [False, True], "or it says little of days"
    (line,) = (line for line in said.splitlines() if UNSERVED in line)
    much = f"{missed.sum():.2f}"
    assert line.startswith(f"{much} MWh of load {UNSERVED}")
    assert line.endswith(f"on 1 of 2 days: P1 {much}")


def test_where_all_is_served_nothing_is_told_and_the_span_is_that_of_the_days_run(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_of(folder, tmp_path / "two", capsys, "--days", "2")
    assert UNSERVED not in said
    assert "2016-06-15 00:00 to 2016-06-17 00:00, Europe/Berlin" in said
    whole = said_of(folder, tmp_path / "all", capsys)
    assert "2016-06-15 00:00 to 2016-06-18 00:00, Europe/Berlin" in whole


# --- the charge on peaks ---


def told_in(said: str) -> str:
    (line,) = (line for line in said.splitlines() if ON_PEAKS in line)
    return line.partition(": ")[2]


def words_of(charges: Sequence[float]) -> str:
    alone, trading, alone_real, real = (f"{charge:,.0f} CNY" for charge in charges)
    return f"with the grid alone {alone}, trading {trading}; in reality {alone_real} and {real}"


def test_days_have_the_charge_of_each_which_together_is_that_of_the_largest_peak(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = said_of(folder, tmp_path / "run", capsys, "--days", "2", "--set", CHARGED)
    days = market.open_days(tmp_path / "run")
    plants, system = (days.costs[(days.costs.vpp == "system") == whole] for whole in (False, True))
    paid = plants[plants.scenario == "game_realised"].set_index(["day", "vpp"]).peak_cny
    bought_mw = [day.dispatch.query("vpp == 'P1' and stage == 5").buy_mw.max() for day in map(days.day, (1, 2))]
    assert paid[1, "P1"] == pytest.approx(CHARGE_CNY_PER_MW * bought_mw[0])
    assert paid[:, "P1"].sum() == pytest.approx(CHARGE_CNY_PER_MW * max(bought_mw))
    assert (paid[:, "P2"] == 0.0).all()
    together = system.groupby("scenario", sort=False).peak_cny.sum()
    assert plants.groupby("scenario", sort=False).peak_cny.sum().tolist() == pytest.approx(together.tolist())
    assert told_in(said) == words_of(together.tolist())


def test_one_day_tells_its_charge(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = said_of(folder, tmp_path / "run", capsys, "--set", CHARGED, "--set", "rolling=null")
    costs = market.open_run(tmp_path / "run").costs
    charges = costs[costs.vpp == "system"].peak_cny.tolist()
    assert min(charges) > 0.0
    assert told_in(said) == words_of(charges)


@pytest.mark.parametrize("paid", [(), ("--set", CHARGED, "--set", "vpps.P1.exchange.peak_before_mw=50")])
def test_where_nobody_pays_there_is_neither_column_nor_line(
    paid: tuple[str, ...], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_of(folder, tmp_path / "run", capsys, "--days", "1", *paid)
    assert ON_PEAKS not in said
    assert "peak_cny" not in market.open_days(tmp_path / "run").costs.columns
