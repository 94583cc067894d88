"""Claims: what spreadsheets and pandas leave round a table says nothing and is read past; what is ambiguous is not
guessed, and the remedy names it; what looks like a slip is noted, and nothing that is meant is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from market.errors import ScenarioError
from market.scenario import builtin_cases, load_scenario
from market.scenario.fields import plain_id
from market.scenario.plausibility import plausibility_notes
from market.scenario.scenario import Scenario

YAML = "horizon: {periods: 3, period_h: 8}\nvpps:\n  - {id: A, pv: {}}\n  - {id: B}\n"
HEADER = ("period", "retail_cny_per_mwh", "feed_in_cny_per_mwh", "A_load_mw", "A_pv_mw", "B_load_mw")
ROWS = (
    ("1", "700", "350", "1.5", "0", "2"),
    ("2", "800.5", "350", "2", "3.25", "2"),
    ("3", "700", "350", "1", "0", "2"),
)
Lines = list[list[str]]


def table() -> Lines:
    return [list(HEADER), *map(list, ROWS)]


def text_of(lines: Lines) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue()


def loaded(folder: Path, profiles: str | bytes, yaml: str = YAML) -> Scenario:
    folder.mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(yaml, encoding="utf-8")
    data = profiles if isinstance(profiles, bytes) else profiles.encode()
    (folder / "profiles.csv").write_bytes(data)
    return load_scenario(folder)


def fault(folder: Path, lines: Lines) -> tuple[str, str]:
    with pytest.raises(ScenarioError) as refused:
        loaded(folder, text_of(lines))
    first = refused.value.faults[0]
    return first.value, first.remedy


# --- what is read past ---

HARMLESS: dict[str, Callable[[Lines], Lines]] = {
    "rows without a cell at the end": lambda rows: [*rows, [""] * 6, [""] * 6],
    "columns without a cell at the end": lambda rows: [[*row, "", ""] for row in rows],
    "cells without a column at the end": lambda rows: [rows[0], *([*row, ""] for row in rows[1:])],
    "both": lambda rows: [*([*row, ""] for row in rows), [""] * 7],
    "pandas' index from 0": lambda rows: [["", *rows[0]], *([str(n), *row] for n, row in enumerate(rows[1:]))],
    "an index from 1, read and written again": lambda rows: [
        ["Unnamed: 0", *rows[0]],
        *([str(n), *row] for n, row in enumerate(rows[1:], 1)),
    ],
    "periods as decimals": lambda rows: [rows[0], *([f"{row[0]}.0", *row[1:]] for row in rows[1:])],
    "blanks round cells": lambda rows: [[f" {cell} " for cell in row] for row in rows],
}


@pytest.mark.parametrize("kind", HARMLESS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_programs_leave_round_a_table_changes_nothing(
    kind: str, ends: str, mark: bytes, tmp_path: Path
) -> None:
    plain = loaded(tmp_path / "case", text_of(table()))
    text = text_of(HARMLESS[kind](table())).replace("\r\n", ends)
    assert loaded(tmp_path / "case", mark + text.encode()).digest == plain.digest


def test_a_row_that_lacks_something_is_still_refused(tmp_path: Path) -> None:
    lines = table()
    value, _ = fault(tmp_path / "short", [*lines[:3], lines[3][:-1]])
    assert value == "5 cells"
    middle = [*lines[:2], [""] * 6, *lines[2:]]
    assert fault(tmp_path / "middle", middle)[0] == "4 rows"
    unnamed = [["", *lines[0]], *(["7", *row] for row in lines[1:])]
    assert fault(tmp_path / "unnamed", unnamed)[0] == "''"


# --- numbers that may be meant in two ways ---


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("1,200.5", "write 1200.5: no thousands separator"),
        ("1.200,5", "write 1200.5: no thousands separator"),
        ("1 200.5", "write 1200.5: no thousands separator"),
        ("1'200", "write 1200: no thousands separator"),
        ("1\u202f200,25", "write 1200.25: no thousands separator"),
        ("1,200,300", "write 1200300: no thousands separator"),
        ("1,200", "write 1200 if ',' parts thousands, or 1.200 if it is the decimal mark"),
        ("0,75", "write a point as the decimal mark"),
        ("12 kW", "write a plain number, without unit or text"),
    ],
)
def test_a_separator_of_thousands_is_named_and_not_guessed(cell: str, remedy: str, tmp_path: Path) -> None:
    lines = table()
    lines[2][3] = cell
    assert fault(tmp_path / "case", lines)[1].startswith(remedy)


def test_a_comma_that_makes_two_cells_is_named(tmp_path: Path) -> None:
    text = text_of(table()).replace("800.5", "1,200.5")
    with pytest.raises(ScenarioError, match=r"got 7 cells; .* a comma in a number, for thousands or decimals"):
        loaded(tmp_path / "case", text)


# --- names ---


@pytest.mark.parametrize("vpp", ["Müller", "水力", "A B", "Höfe & Söhne", "3rd", "broker"])
def test_an_id_is_of_plain_letters_and_the_fault_says_where_others_go(vpp: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as refused:
        loaded(tmp_path / "case", text_of(table()), YAML.replace("id: B", f"id: '{vpp}'"))
    told = str(refused.value)
    if plain := plain_id(vpp):
        assert f"write {plain}, say, and keep {vpp!r} as its `label`" in told
    again = YAML.replace("id: B", f"id: B, label: '{vpp}'")
    assert loaded(tmp_path / "case", text_of(table()), again).vpp("B").label == vpp


def test_the_path_of_the_file_stands_for_its_folder(tmp_path: Path) -> None:
    scenario = loaded(tmp_path / "case", text_of(table()))
    by_file = load_scenario(tmp_path / "case" / "scenario.yaml")
    assert (by_file.digest, by_file.name) == (scenario.digest, "case")
    with pytest.raises(ScenarioError, match="must be a folder"):
        load_scenario(tmp_path / "case" / "profiles.csv")


# --- slips ---


@pytest.mark.parametrize("case", builtin_cases())
def test_nothing_about_a_built_in_case_looks_like_a_slip(case: str) -> None:
    assert plausibility_notes(load_scenario(case)) == ()


@pytest.mark.parametrize(
    ("column", "factor", "expected"),
    [
        ("A_load_mw", 1000, "A_load_mw: a load should be that of a VPP; got up to 2,000 MW"),
        ("B_load_mw", 1e-6, "B_load_mw: a load should be that of a VPP; got 2 W at most"),
        ("A_pv_mw", 1000, "A_pv_mw: a plant should fit its load; got up to 3,250 MW"),
        ("retail_cny_per_mwh", 1e-3, "are these prices of a kWh?"),
        ("retail_cny_per_mwh", 100, "are these hundredths of the currency"),
        ("retail_cny_per_mwh", 0.1, "the default 300 to 1200, retail 73.35 on average"),
    ],
)
def test_a_unit_that_was_mistaken_is_noted(column: str, factor: float, expected: str, tmp_path: Path) -> None:
    lines = table()
    place = HEADER.index(column)
    for row in lines[1:]:
        row[place] = repr(float(row[place]) * factor)
    notes = [str(note) for note in plausibility_notes(loaded(tmp_path / "case", text_of(lines)))]
    assert any(expected in note for note in notes), notes


def test_a_horizon_that_is_no_day_is_noted(tmp_path: Path) -> None:
    scenario = loaded(tmp_path / "case", text_of(table()), YAML.replace("period_h: 8", "period_h: 0.25"))
    (note,) = plausibility_notes(scenario)
    assert "got 3 periods of 0.25 h, 0.75 h in all" in str(note)
