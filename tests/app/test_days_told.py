"""Claims: the summary of days in a row says what could not be served, how much, whose and on how many days; and
from when to when the days are that were run.
"""

from __future__ import annotations

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
