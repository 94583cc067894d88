"""Claims: marks that could change a number are refused once, and so are numbers with two readings; others not.

A scenario with what is realised keeps all its files when plants are added.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from market.app.cli.main import command
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from market.scenario.series.marks import broken_marks

FIRST = datetime(2025, 6, 10)
NO_BREAK, NARROW = "\u00a0", "\u202f"
Captured = pytest.CaptureFixture[str]


def rows(*cells: str, sep: str = ";") -> str:
    """A day of hours with two columns: these cells again and again, and 24 steps of the first times the last."""
    hours = [f"{FIRST + timedelta(hours=hour):%Y-%m-%d %H:%M}" for hour in range(24)]
    return "\n".join(
        [sep.join(("time", "a", "b")), *(sep.join((time, cells[0], cells[-1])) for time in hours), ""]
    )


def told(folder: Path, capsys: Captured, text: str, *flags: str) -> list[str]:
    """The lines of errors for a file with two loads; none where it is taken, into `out`."""
    (folder / "m.csv").write_text(text, encoding="utf-8")
    plants = ("--unit", "kW", "--load", "P=a", "--load", "Q=b", "--out", str(folder / "out"), "--quiet")
    code = command(["import", "csv", str(folder / "m.csv"), *plants, *flags])
    lines = capsys.readouterr().err.splitlines()
    assert (code == 0) == (not lines)
    assert (folder / "out").exists() == (not lines)
    return lines


def loads_kw(folder: Path) -> list[float]:
    return [round(float(vpp.load_mw[0]) * 1000.0, 9) for vpp in load_scenario(folder).vpps]


@pytest.mark.parametrize("mark", ["1", "0", "-", "+", "e", "E", "x", "²", "٣", '"', "\\", "ab"])
def test_a_mark_that_numbers_have_otherwise_parts_no_thousands(
    mark: str, tmp_path: Path, capsys: Captured
) -> None:
    (line,) = told(tmp_path, capsys, rows("100,5", "200,0"), "--thousands", mark)
    assert line.startswith("error: --thousands: must be ")
    assert f"got {mark!r}" in line


@pytest.mark.parametrize("mark", [".", ","])
def test_one_mark_is_not_both(mark: str, tmp_path: Path, capsys: Captured) -> None:
    (line,) = told(tmp_path, capsys, rows("100", "200"), "--thousands", mark, "--decimal", mark)
    assert line.startswith("error: --decimal: must not be the mark that stands between columns or thousands")


def test_what_parts_columns_parts_thousands_only_in_cells_with_quotes(tmp_path: Path, capsys: Captured) -> None:
    (line,) = told(tmp_path, capsys, rows("100", "200", sep=","), "--thousands", ",")
    assert line.startswith("error: --thousands: must not be the mark that stands between columns")
    assert not told(tmp_path, capsys, rows('"1,200.5"', '"2,100"', sep=","))
    assert loads_kw(tmp_path / "out") == [1200.5, 2100.0]


@pytest.mark.parametrize("decimal", ["1", "-", ";", "'", " "])
def test_a_decimal_mark_is_a_point_or_a_comma(decimal: str) -> None:
    (broken,) = broken_marks(None, decimal, None)
    assert (broken.field, broken.rule) == ("decimal", "must be . or ,")


@pytest.mark.parametrize(
    ("cells", "sep"),
    [(("1.100", "1.200"), ";"), (("1.100", "1.200"), "\t"), (("200", "-12.345"), ";"), (("999.000", "0"), ";")],
)
def test_points_with_three_digits_behind_each_have_two_readings(
    cells: tuple[str, str], sep: str, tmp_path: Path, capsys: Captured
) -> None:
    (line,) = told(tmp_path, capsys, rows(*cells, sep=sep), *(["--clip", "20 kW"] if "-" in cells[-1] else []))
    assert "m.csv: must have numbers that can be read in one way" in line
    assert "say --decimal . if the point is the decimal mark, or --thousands . if it parts thousands" in line


@pytest.mark.parametrize(
    ("cells", "sep", "flags", "kw"),
    [
        (("1.100", "1.200"), ";", ["--decimal", "."], [1.1, 1.2]),
        (("1.100", "1.200"), ";", ["--thousands", "."], [1100.0, 1200.0]),
        (("0.125", "1.250"), ",", [], [0.125, 1.25]),
        (("1.125", "1.250"), ",", [], [1.125, 1.25]),
        (("0.125", "1.250"), ";", [], [0.125, 1.25]),
        (("1.100", "1.25"), ";", [], [1.1, 1.25]),
        (("1.100", "1250.125"), ";", [], [1.1, 1250.125]),
        (("1.100", "1.200,5"), ";", [], [1100.0, 1200.5]),
        (("1,100", "1,200"), ";", [], [1.1, 1.2]),
    ],
)
def test_other_points_are_read_as_before(
    cells: tuple[str, str], sep: str, flags: list[str], kw: list[float], tmp_path: Path, capsys: Captured
) -> None:
    assert not told(tmp_path, capsys, rows(*cells, sep=sep), *flags)
    assert loads_kw(tmp_path / "out") == kw


@pytest.mark.parametrize(
    ("cells", "remedy"),
    [
        (("1'100.5", "1\u2019200.5"), """say --thousands "'\""""),
        (("1 100.5", f"1{NO_BREAK}200.5"), 'say --thousands " "'),
        (("1 100,5", f"1{NARROW}200,5"), 'say --thousands " "'),
    ],
)
def test_thousands_that_are_not_told_are_one_message_that_helps(
    cells: tuple[str, str], remedy: str, tmp_path: Path, capsys: Captured
) -> None:
    (line,) = told(tmp_path, capsys, rows(*cells))
    assert line.endswith(remedy)
    assert not told(tmp_path, capsys, rows(*cells), "--thousands", remedy[-2])
    assert loads_kw(tmp_path / "out") == [1100.5, 1200.5]


def test_a_decimal_mark_is_named_with_the_mark_between_thousands(tmp_path: Path, capsys: Captured) -> None:
    (line,) = told(tmp_path, capsys, rows("1 100,5", "1 200,5"), "--decimal", ".")
    assert line.endswith('say --thousands " ", --decimal ","')


def test_points_where_the_decimal_mark_is_a_comma_may_part_thousands(tmp_path: Path, capsys: Captured) -> None:
    lines = told(tmp_path, capsys, rows("1.100"), "--decimal", ",")
    assert all("say --thousands '.' if that parts thousands, or --decimal '.'" in line for line in lines)


def test_a_file_that_goes_back_in_time_is_told_so(tmp_path: Path, capsys: Captured) -> None:
    header, *lines = rows("100").splitlines()
    (line,) = told(tmp_path, capsys, "\n".join([header, *reversed(lines)]))
    assert "must have times that ascend; got 2025-06-10 23:00 and then 2025-06-10 22:00" in line
    assert line.endswith("sort the rows by time, the earliest first")
    (line,) = told(tmp_path, capsys, "\n".join([header, lines[0]]))
    assert "must have two rows or more; got 1;" in line


@pytest.mark.parametrize(("flag", "value"), [("--clip", "-1 kW"), ("--longest-gap", "-2 h")])
def test_lengths_have_no_sign(flag: str, value: str, tmp_path: Path, capsys: Captured) -> None:
    (line,) = told(tmp_path, capsys, rows("100"), flag, value)
    assert line == f"error: {flag}: must not be below 0; got {value!r}; say it without its sign"


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "(2025-06-10T00:00+00:00);"), (2, "and 1 more such period;"), (3, "and 2 more such periods;")],
)
def test_other_periods_are_counted_where_there_are_any(
    count: int, words: str, tmp_path: Path, capsys: Captured
) -> None:
    text = rows("100").replace(";100;", ";-100;", count)
    (line,) = told(tmp_path, capsys, text)
    assert words in line
    assert "and 0 more" not in line


def realised_mw(scenario: Scenario) -> list[float | None]:
    return [None if (real := vpp.realised_load_mw) is None else float(real[0]) for vpp in scenario.vpps]


@pytest.mark.parametrize("name", ["actual.csv", "days/actual.csv"])
def test_plants_come_beside_those_of_a_scenario_with_reality(name: str, tmp_path: Path, capsys: Captured) -> None:
    assert not told(tmp_path, capsys, rows("100", "200"))
    base = (tmp_path / "out").rename(tmp_path / "base")
    path = base / "scenario.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("{column: a}") == text.count("{column: b}") == 1
    text = text.replace("{column: a}", f"{{column: a, realised: {name}}}")
    text = text.replace("{column: b}", f"{{series: P_load, scale: 2.0, realised: {{file: {name}, column: b}}}}")
    path.write_text(f"{text}imbalance: {{pricing: single}}\n", encoding="utf-8")
    (base / name).parent.mkdir(exist_ok=True)
    (base / name).write_text(rows("90", "210"), encoding="utf-8")
    before = load_scenario(base)

    (tmp_path / "new.csv").write_text(rows("1,5", "2,5"), encoding="utf-8")
    flags = ("--unit", "kW", "--load", "R=a", "--add-to", str(base), "--out", str(tmp_path / "more"), "--quiet")
    assert command(["import", "csv", str(tmp_path / "new.csv"), *flags]) == 0
    more = load_scenario(tmp_path / "more")
    assert (tmp_path / "more" / name).read_bytes() == (base / name).read_bytes()
    assert [vpp.id for vpp in more.vpps] == ["P", "Q", "R"]
    for old, new in zip(before.vpps, more.vpps, strict=False):
        assert old.load_mw.tolist() == new.load_mw.tolist()
        assert old.realised_load_mw is not None
        assert new.realised_load_mw is not None
        assert old.realised_load_mw.tolist() == new.realised_load_mw.tolist()
    assert realised_mw(more) == [0.09, 0.42, None]
