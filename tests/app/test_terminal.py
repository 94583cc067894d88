"""Claims: whatever a terminal's width and letters, pages fit it, and no digit of a table is cut.

The default run is compared whole with files, `golden_pages` says how they are renewed; others are drawn.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from market.app.report.summary.page import summary_text
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.numbers import decimal, energy_unit, money_digits, rounded
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen
from market.letters import spelled
from tests.app.drawn_days import concluded, write_market
from tests.app.golden_pages import GOLDENS, PAGES, golden_file, page
from tests.processes.command import COMMAND
from tests.sampling import law

LETTERS = ("ascii", "cp1252", "utf-8", "koi8-r")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("width", "letters"), PAGES)
def test_the_default_run_reads_as_it_is_kept(width: int, letters: str, tmp_path: Path) -> None:
    assert page(tmp_path, width, letters).decode(letters) == golden_file(width, letters).read_bytes().decode(
        letters
    )


def test_every_page_that_is_kept_fits_its_width_and_belongs_to_a_test() -> None:
    kept = {golden_file(width, letters): (width, letters) for width, letters in PAGES}
    assert set(GOLDENS.iterdir()) == set(kept)
    for path, (width, letters) in kept.items():
        assert max(map(len, path.read_bytes().decode(letters).splitlines())) <= width


# --- pages of markets of any size ---

SIZES = [
    (2, 24, 1e-6, True),
    (3, 24, 0.004, False),
    (5, 96, 3e4, True),
    (12, 24, 0.05, True),
    (40, 24, 2.0, True),
    (40, 96, 2e4, False),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("vpps", "periods", "size_mw", "long_ids"), SIZES)
def test_no_line_is_too_wide_and_no_number_is_cut(
    vpps: int, periods: int, size_mw: float, long_ids: bool, tmp_path: Path
) -> None:
    day = concluded(write_market(tmp_path / "m", vpps, periods, size_mw, long_ids=long_ids), tmp_path)
    accounts = [*day.settlement.grid_only[:24], *day.settlement.game[:24], day.settlement.game_system]
    digits = money_digits(a.total_cny for a in (*day.settlement.grid_only, *day.settlement.game))
    names = {a.vpp for a in accounts}
    for width, letters in product((60, 80, 100, 120), LETTERS):
        text = summary_text(day, Screen(width, letters))
        text.encode(letters)
        lines = text.splitlines()
        assert [line for line in lines if cell_len(line) > width and "vppmarket" not in line] == []
        words = set(text.split())
        assert names <= words
        assert {decimal(a.total_cny, digits) for a in accounts} <= words
        assert {str(t) for t in range(1, periods + 1)} <= words
        assert not re.search(r"(?<![\w.])-0(\.0+)?(?![\d.,])|\de-\d", text)


def test_a_day_of_households_shows_its_energy_and_its_money(tmp_path: Path) -> None:
    day = concluded(write_market(tmp_path / "m", 3, 24, 0.003, long_ids=False), tmp_path)
    text = summary_text(day, Screen(100))
    assert "kWh" in text
    assert "MWh" not in text.replace("CNY/MWh", "")
    traded = [row for row in text.splitlines() if re.match(r" +\d+ +\d+\.\d\d +812", row)]
    assert traded
    assert [row for row in traded if row.split()[3] == "0.00"] == []
    for account in day.settlement.grid_only:
        assert decimal(account.total_cny, 2) in text.split()


def test_a_day_that_hardly_trades_says_what_is_left_unused(tmp_path: Path) -> None:
    text = summary_text(concluded("flexible", tmp_path), Screen(200))
    assert "trade saves 15,097 CNY: 35.9 % of the 42,037 CNY that one plan for all would save" in text
    assert "left unused: 26,940 CNY, 64.1 % of it" in text
    assert "balanced, neither selling nor buying: 36.5 % of all turns" in text


# --- tables ---

CELLS = st.text(alphabet="0123456789.,-", min_size=1, max_size=12)


@given(
    keys=st.integers(1, 2),
    columns=st.lists(
        st.tuples(st.sampled_from(["", "a", "group"]), st.lists(CELLS, min_size=3, max_size=3)), max_size=12
    ),
    width=st.integers(50, 140),
    most=st.integers(1, 20),
)
@law(200)
def test_a_table_is_split_between_its_columns_and_keeps_every_cell(
    keys: int, columns: list[tuple[str, list[str]]], width: int, most: int
) -> None:
    first = [Column(f"key{k}", ["one", "two", "three"], right=False) for k in range(keys)]
    grid = Grid(
        "", first, [Column(f"c{n}", cells, group=group) for n, (group, cells) in enumerate(columns)], most=most
    )
    text = drawn([grid], Screen(width))
    assert max(map(len, text.splitlines())) <= width
    for row, name in enumerate(("one", "two", "three")):
        shown = [
            word
            for line in text.splitlines()
            if line.startswith(f" {name} ") or line == f" {name}"
            for word in line.split()
        ]
        assert [word for word in shown if word != name] == [cells[row] for _, cells in columns]
    headings = [word for line in text.splitlines() for word in line.split() if re.fullmatch(r"c\d+", word)]
    assert headings == [f"c{n}" for n in range(len(columns))]


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=40), width=st.integers(50, 90))
def test_words_are_folded_and_all_are_there(text: str, width: int) -> None:
    grid = Grid(
        "", [Column("k", ["x"])], [Column("words", [re.sub(r"[\[\\]", "", text)], right=False, words=True)]
    )
    shown = drawn([grid], Screen(width, "ascii"))
    shown.encode("ascii")


@pytest.mark.parametrize("letters", LETTERS)
def test_what_pages_are_written_with_has_a_sign_in_any_letters(letters: str) -> None:
    shown = spelled("… · ─ – → ε τ × − ≤ ≥ “x” λ μ ± ² é", letters)
    shown.encode(letters)
    assert "\\u" not in shown


# --- numbers ---


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(0, 6))
def test_zero_has_no_sign_and_no_number_an_exponent(value: float, digits: int) -> None:
    for text in (decimal(value, digits), rounded(value)):
        assert "e" not in text
        assert not re.fullmatch(r"-0(\.0*)?", text)
        assert abs(float(decimal(value, digits).replace(",", "")) - value) <= 0.51 * 10**-digits + 1e-12 * abs(
            value
        )


@pytest.mark.parametrize(
    ("size_mwh", "name"), [(1e-6, "Wh"), (2e-5, "Wh"), (1e-4, "kWh"), (0.0999, "kWh"), (0.1, "MWh"), (1e6, "MWh")]
)
def test_the_unit_of_energy_leaves_digits_to_see(size_mwh: float, name: str) -> None:
    unit = energy_unit([0.0, size_mwh])
    assert unit.name == name
    assert float(unit.text(size_mwh).replace(",", "")) > 0.0


def test_a_market_cut_to_pieces_is_told_in_one_line_and_not_as_a_success(tmp_path: Path) -> None:
    """Nineteen periods that stalled for the same reason; no ε is claimed where nothing came to rest."""
    environment = {**os.environ, "COLUMNS": "400"}
    cut = ("--partition", "VPP1/VPP2/VPP3/VPP4/VPP5:0s")
    told = subprocess.run(
        [COMMAND, "run", *cut, "--out", "day"], cwd=tmp_path, env=environment, capture_output=True, timeout=150
    ).stdout.decode()
    (line,) = [line for line in told.splitlines() if "waits for" in line]
    assert line.startswith("periods 1–16, 22–24: stalled: VPP")
    assert "no period came to rest: nothing is traded, and what could be gained is not known" in told
    assert "ε" not in told
    assert "left unused: 28,622 CNY, 100 % of it" in told
    assert "what --set" not in told  # another design would not arrive either


def test_an_error_is_broken_between_words_for_a_person_and_one_line_for_a_program(tmp_path: Path) -> None:
    keyboard, screen = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60"}
    arguments = [str(COMMAND), "check", "nowhere"]
    with subprocess.Popen(arguments, cwd=tmp_path, env=environment, stderr=screen) as running:
        os.close(screen)
        shown = b""
        try:
            while chunk := os.read(keyboard, 65536):
                shown += chunk
        except OSError:  # the other end is closed: the command has ended
            pass
    os.close(keyboard)
    assert running.returncode == 2
    lines = shown.decode().splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
    piped = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, timeout=150, check=False)
    (line,) = piped.stderr.decode().splitlines()
    assert " ".join(" ".join(lines).split()) == line


def test_a_sentence_is_one_line_where_nobody_is_known_to_look(tmp_path: Path) -> None:
    day = concluded("flexible", tmp_path)
    text = summary_text(day, Screen(is_known=False))
    assert "balanced, neither selling nor buying: 36.5 % of all turns\n" in text
    tables = text[text.index("Costs in CNY") :].splitlines()
    assert max(map(len, tables)) <= 80
