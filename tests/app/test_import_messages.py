"""What cannot be imported is told by the flags that the user has, in one message with its remedy."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market.app.cli.main import command
from market.app.importing.flag_words import CSV_FLAGS, PLACES, by_flags
from market.errors import Fault
from market.scenario import load_scenario

FIRST = datetime(2024, 1, 1)


def rows(cells: list[str]) -> str:
    """A file of a day with semicolons: a row for each cell, an hour apart."""
    lines = (f"{FIRST + timedelta(hours=at):%Y-%m-%d %H:%M};{cell};50" for at, cell in enumerate(cells))
    return "\n".join(["time;load;price", *lines]) + "\n"


PLAIN = [str(1200 + hour) for hour in range(24)]
NOISY = ["-0.3", "-0.2", *PLAIN[2:]]
GAPS = rows(PLAIN).replace("2024-01-01 04:00;1204;50\n2024-01-01 05:00;1205;50\n2024-01-01 06:00;1206;50\n", "")


Captured = pytest.CaptureFixture[str]


def imported(folder: Path, capsys: Captured, text: str, *flags: str, encoding: str = "utf-8") -> str:
    """What is said of a file with these flags; nothing where it is taken, into `out`."""
    (folder / "m.csv").write_text(text, encoding=encoding)
    given = ("--load", "Farm=load", *([] if "--unit" in flags else ["--unit", "kW"]))
    code = command(
        ["import", "csv", str(folder / "m.csv"), *given, *flags, "--out", str(folder / "out"), "--quiet"]
    )
    told = capsys.readouterr().err
    assert (code == 0) == (told == "")
    assert "scenario.yaml" not in told
    assert all(line.startswith("error: ") for line in told.splitlines())
    return told


FARM = "--load Farm=load"


def timed(form: str, first: float | None = None) -> str:
    """A file whose times are written so; first : of numbers, one an hour of 3600."""
    times: list[datetime | float] = [
        FIRST + timedelta(hours=at) if first is None else first + 3600 * at for at in range(24)
    ]
    lines = [f"{time:{form}};{load};50" for time, load in zip(times, PLAIN, strict=True)]
    return "\n".join(["time;load;price", *lines]) + "\n"


OTHERS = "correct it, or take the row out if it is none of the series; the others are"
REFUSED: dict[str, tuple[Any, ...]] = {
    "a day that no calendar has": (
        (timed("%Y-%m-%d %H:%M").replace("2024-01-01 05", "2024-02-30 05"),),
        "m.csv:7 column time: must be a time of a form that is known; got '2024-02-30 05:00'",
        "no calendar has it",
    ),
    "a sum below": (
        (rows(PLAIN) + "Total;99;50\n",),
        "m.csv:26 column time:",
        "got 'Total'",
        f"{OTHERS} in ISO 8601",
    ),
    "units below the names": (
        (timed("%d.%m.%Y %H:%M").replace("price\n", "price\n-;kW;EUR\n"),),
        "m.csv:2 column time:",
        f"{OTHERS} written as %d.%m.%Y %H:%M",
    ),
    "seconds since 1970": ((timed(".0f", 1704067200.0),), "got '1704067200'; say --time-format unix if they are"),
    "milliseconds": ((timed(".0f", 1704067200000.0),), "divide them by 1000 if they are milliseconds"),
    "remarks on top": (("# made by hand\n" + rows(PLAIN),), "N if the first N lines stand above the header"),
    "negatives": (
        (rows(NOISY),),
        f"{FARM}: must be from 0 to 1000000 MW; got -0.0003 MW",
        "if it is noise, say --clip and down to where, such as --clip '1 kW'",
    ),
    "a gap": (
        (GAPS,),
        f"m.csv ({FARM}): must have no gaps;",
        "complete the file, or say --gaps hold, linear or zero, and --longest-gap '3 h'",
    ),
    "a long gap": ((GAPS, "--gaps", "hold"), "must have no gaps longer than 2 h", "--longest-gap '3 h'"),
    "a length without a unit": (
        (GAPS, "--gaps", "hold", "--longest-gap", "2"),
        "--longest-gap: must have a unit; got '2'",
        "write it like '2 h' or '90 min'",
    ),
    "clip without a unit": ((rows(NOISY), "--clip", "1"), "--clip: must have a unit; got '1'", "like '1 kW'"),
    "an unknown unit": ((rows(PLAIN), "--unit", "kWx"), "--unit: must be a known unit; got 'kWx'", "known are W"),
    "another unit": ((rows(PLAIN), "--unit", "EUR"), f"{FARM}: must be in MW", "correct --unit"),
    "a price's unit": (
        (rows(PLAIN), "--retail", "price", "--price-unit", "kW"),
        "--retail: must be in EUR/MWh",
        "correct --price-unit",
    ),
    "ends for starts": (
        (rows(PLAIN), "--stamp", "end"),
        f"m.csv ({FARM}): must have no gaps",
        "say --stamp start",
    ),
    "a header alone": (("time;load;price\n",), "m.csv: must have rows below its header", "give a file with rows"),
    "nothing": (("",), "m.csv: must not be empty", "a smaller --skip"),
    "another mark": ((rows(PLAIN), "--sep", ","), "must have a comma between its columns; got", 'say --sep ";"'),
    "two marks": ((rows(PLAIN), "--thousands", ";;"), "--thousands: must be one character", "write it like"),
    "a bare carbon price": ((rows(PLAIN), "--carbon-price", "5"), "--carbon-price: must have a unit", "write"),
    "a battery below 0": (
        (rows(PLAIN), "--battery", "Farm=400 kWh,-1 kW"),
        "--battery Farm: must be a number >= 0",
        "[MW]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_faults_name_flags_and_say_what_to_do(name: str, tmp_path: Path, capsys: Captured) -> None:
    given, *expected = REFUSED[name]
    told = imported(tmp_path, capsys, *given)
    for part in expected:
        assert part in told


def test_utf_16_is_recognised_and_read(tmp_path: Path, capsys: Captured) -> None:
    assert "say --encoding utf-16" in imported(tmp_path, capsys, rows(PLAIN), encoding="utf-16")
    assert not imported(tmp_path, capsys, rows(PLAIN), "--encoding", "utf-16", encoding="utf-16")
    assert load_scenario(tmp_path / "out").vpps[0].load_mw.tolist() == [float(cell) / 1000.0 for cell in PLAIN]


def test_small_negatives_are_clipped_where_that_is_said(tmp_path: Path, capsys: Captured) -> None:
    assert not imported(tmp_path, capsys, rows(NOISY), "--clip", "1 kW")
    assert load_scenario(tmp_path / "out").vpps[0].load_mw.tolist()[:3] == [0.0, 0.0, 1.202]


@pytest.mark.parametrize(
    ("cell", "flags"),
    [
        ("1.200,5", []),
        ("1,200.5", []),
        ("1'200.5", ["--thousands", "'"]),
        ("1.200,5", ["--decimal", ",", "--thousands", "."]),
    ],
)
def test_thousands_are_read(cell: str, flags: list[str], tmp_path: Path, capsys: Captured) -> None:
    assert not imported(tmp_path, capsys, rows([cell] * 24), *flags)
    assert set(load_scenario(tmp_path / "out").vpps[0].load_mw.tolist()) == {1.2005}


def test_a_place_without_a_flag_is_in_the_scenario_that_is_made() -> None:
    fault = Fault("must be so", "not", "scenario.yaml:44 vpps[0].units[2].p_max", "say unit: MW")
    assert by_flags(fault, {}, PLACES).place == "the scenario that is made, vpps[0].units[2].p_max"
    assert by_flags(fault, {}, PLACES).remedy == "say unit: MW"
    below = Fault("must be so", "not", "scenario.yaml vpps[0].ess.energy", "say unit: MW")
    assert by_flags(below, CSV_FLAGS, {"vpps[0].ess": "--battery A"}).place == "--battery A"


@pytest.mark.parametrize(
    "text", ["sep=;\n" + rows(PLAIN), timed("%Y%m%d%H"), timed("%Y%m%d%H%M"), timed("%Y%m%d %H%M")]
)
def test_a_line_for_excel_and_times_in_digits_are_taken(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, capsys, text) == ""
    (farm,) = load_scenario(tmp_path / "out").vpps
    assert farm.total_load_mw.tolist() == pytest.approx([float(load) / 1000.0 for load in PLAIN])
