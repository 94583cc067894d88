"""Shows a comparison in the terminal: what was changed, what came of it, and where it shows most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import floor, isnan, log10
from typing import Final

from market.app.analysis.compare import (
    ORDINALS,
    SAME_MONEY,
    SAME_PRICE,
    SAME_PROBABILITY,
    ComparedTable,
    Comparison,
)
from market.app.report.printed import column_digits
from market.app.report.summary.units import PRICE
from market.app.report.terminal.grid import Column, Grid
from market.app.report.terminal.lines import left_out, plain
from market.app.report.terminal.numbers import UNKNOWN, decimal, ranges, rounded
from market.app.report.terminal.page import drawn
from market.app.report.terminal.screen import Screen
from market.app.results.table import Cell

ROWS_SHOWN: Final = 20
DETAILS: Final = {
    "verdicts": ("Verdicts of periods", 0.0),
    "roles": ("Roles", 0.0),
    "costs": ("Costs, CNY", SAME_MONEY),
    "carbon": ("Carbon and curtailment, t and MWh", 1e-9),
    "clearing_prices": (f"Clearing prices, {PRICE}", SAME_PRICE),
    "prices": (f"Prices at rest, {PRICE}", SAME_PRICE),
    "probabilities": ("Probabilities", SAME_PROBABILITY),
}
"""The tables of details in their order, each with its title and what counts as the same."""

RESULTS: Final = {
    "grid_only_total_cny": "costs of all, grid only, CNY",
    "game_total_cny": "costs of all, trading, CNY",
    "saving_cny": "trade saves, CNY",
    "budget_cny": "the mechanism keeps, CNY",
    "grid_only_realised_total_cny": "costs in reality, grid only, CNY",
    "game_realised_total_cny": "costs in reality, trading, CNY",
    "saving_realised_cny": "trade saves in reality, CNY",
    "game_realised_imbalance_cny": "imbalance, trading, CNY",
    "game_carbon_cny": "carbon cost, trading, CNY",
    "game_emission_t": "emission, trading, t CO2",
    "game_curtailed_mwh": "curtailed, trading, MWh",
    "traded_mwh": "traded, MWh",
    "mean_price_cny_per_mwh": f"mean price, {PRICE}",
    "epsilon_cny": "ε, CNY",
    "rounds": "rounds",
    "messages": "messages",
    "rest_time_s": "at rest after, s",
}
"""What each quantity of the results is called."""


def comparison_text(compared: Comparison, names: Sequence[str], screen: Screen) -> str:
    """The page. names : the folders of the runs, as people gave them"""
    return drawn(_parts(compared, names), screen)


def _parts(compared: Comparison, names: Sequence[str]) -> Iterator[str | Grid]:
    width = max(map(len, ORDINALS[: len(names)]))
    for which, name, run in zip(ORDINALS, names, compared.runs, strict=False):
        yield f"{which + ':':{width + 1}} {plain(name)}  {run.manifest['verdict'].replace('_', ' ')}"
    yield from (f"note: {plain(note)}" for note in compared.notes)
    yield ""
    yield "[bold]What was changed[/bold]"
    yield _changes(compared) if compared.changes else "  nothing that the runs tell of\n"
    yield _results(compared)
    same, unknown = list[str](), list[str]()
    for name, (title, tolerance) in DETAILS.items():
        if name not in compared.tables:
            continue
        differing = compared[name].differing(tolerance)
        if not differing.rows:
            (same if compared[name].rows else unknown).append(title.partition(",")[0].lower())
        else:
            yield _details(title, differing)
    for what, names in (("No difference", same), ("Nothing that all runs show", unknown)):
        if names:
            yield f"{what}: {', '.join(names)}"


def _changes(compared: Comparison) -> Grid:
    """Of two runs `3 → 6`, of more a column for each."""
    paths = [plain(change.path) for change in compared.changes]
    key = [Column("field", paths, right=False)]
    if len(compared.runs) == 2:
        arrows = [plain(" → ".join(change.values)) for change in compared.changes]
        return Grid("", key, [Column("first → second", arrows, right=False, words=True)], gap=2)
    columns = [
        Column(which, [plain(change.values[number]) for change in compared.changes], right=False, words=True)
        for number, which in enumerate(ORDINALS[: len(compared.runs)])
    ]
    return Grid("", key, columns, gap=2)


def _results(compared: Comparison) -> Grid:
    table = compared["results"]
    keys = list(table.rows)
    digits = [_digits([table.rows[key]]) if key[0] not in _WHOLE else 0 for key in keys]
    columns = [
        Column(which, [_result(str(key[0]), table.rows[key][run], d) for key, d in zip(keys, digits, strict=True)])
        for run, which in enumerate(ORDINALS[: len(compared.runs)])
    ]
    names = [Column("", [RESULTS[str(key[0])] for key in keys], right=False)]
    return Grid("What came of it", names, [*columns, *_differences(table, keys, len(compared.runs))], gap=2)


def _digits(rows: Sequence[Sequence[Cell]]) -> int:
    """Digits behind the point that say something, and with which what differs looks different.

    >>> _digits([(102.9, 102.0822)]), _digits([(456.0, 456.0)])
    (2, 0)
    """
    gaps = [abs(float(value) - float(row[0])) for row in rows for value in row[1:]]
    told = [floor(log10(gap)) for gap in gaps if gap >= 10.0**-_MOST_DIGITS]
    return max(column_digits(float(v) for row in rows for v in row), min(_MOST_DIGITS, 1 - min(told, default=1)))


_MOST_DIGITS: Final = 6
_WHOLE: Final = frozenset({"rounds", "messages"})
_DUST: Final = {"epsilon_cny": 1e-6}


def _result(name: str, value: Cell, digits: int) -> str:
    """A result; ε below what money can tell is so much at most."""
    least = _DUST.get(name, 0.0)
    return f"< {least:.6f}" if 0.0 < float(value) < least else decimal(float(value), digits)


def _differences(table: ComparedTable, keys: Sequence[tuple[Cell, ...]], runs: int) -> list[Column]:
    """What each further run has more than the first."""
    return [
        Column(
            "difference" if runs == 2 else f"{which}\nless first",
            [_signed(table.difference(key, number), table.rows[key], _is_money(key)) for key in keys],
        )
        for number, which in enumerate(ORDINALS[1:runs], start=1)
    ]


def _is_money(key: Sequence[Cell]) -> bool:
    return str(key[-1]).endswith("_cny")


def _signed(difference: float, values: Sequence[Cell], money: bool) -> str:
    """A difference with its sign; what is less than the last digits of its values is none."""
    largest = max((abs(float(value)) for value in values if value == value), default=0.0)
    if isnan(difference):
        return UNKNOWN
    if abs(difference) <= max(SAME_MONEY if money else 1e-9, 1e-12 * largest):
        return "0"
    text = decimal(difference, 0) if abs(difference) >= 1000 else rounded(difference, 4)
    return text if difference < 0 else f"+{text}"


def _details(title: str, table: ComparedTable) -> Grid:
    """The rows with the largest differences first; rows of words together, with all their periods."""
    runs = len(next(iter(table.rows.values())))
    heading = f"{title}: {len(table.rows):,} difference{'s' if len(table.rows) > 1 else ''}"
    if not table.numeric:
        return _words(heading, table, runs)
    keys = table.by_size()
    shown = keys[:ROWS_SHOWN]
    digits = max(_DIGITS.get(table.name, 2), _digits([table.rows[key] for key in shown]))
    values = [
        Column(which, [decimal(float(table.rows[key][run]), digits) for key in shown])
        for run, which in enumerate(ORDINALS[:runs])
    ]
    note = left_out(len(keys) - ROWS_SHOWN, "rows", f"{table.name}.csv of --out DIR")
    columns = [*values, *_differences(table, shown, runs)]
    return Grid(heading, [_key_column(table, shown)], columns, gap=2, note=note)


_DIGITS: Final = {"probabilities": 4}
_PLANS: Final = {
    "grid_only": "grid only",
    "game": "trading",
    "grid_only_realised": "grid only, in reality",
    "game_realised": "trading, in reality",
}


def _key_column(table: ComparedTable, keys: Iterable[tuple[Cell, ...]]) -> Column:
    """The names of rows as one column, their parts below each other."""
    texts = [[_PLANS.get(str(part), str(part)) for part in key] for key in keys]
    columns = zip(table.keys, zip(*texts, strict=True), strict=True)
    widths = [max(map(len, (name, *parts))) for name, parts in columns]

    def line(parts: Sequence[str]) -> str:
        return " ".join(f"{part:{width}}" for part, width in zip(parts, widths, strict=True))

    return Column(line(table.keys), [plain(line(parts)) for parts in texts], right=False)


def _words(heading: str, table: ComparedTable, runs: int) -> Grid:
    alike = table.together()
    rows = alike[:ROWS_SHOWN]
    columns = [
        Column(which, [str(values[run]).replace("_", " ") or UNKNOWN for _, values, _ in rows], right=False)
        for run, which in enumerate(ORDINALS[:runs])
    ]
    periods = Column("periods", [ranges(numbers) for *_, numbers in rows], right=False, words=True)
    note = left_out(len(alike) - ROWS_SHOWN, "rows", f"{table.name}.csv of --out DIR")
    if len(table.keys) == 1:
        return Grid(heading, [periods], columns, gap=2, note=note)
    names = Column(table.keys[0], [plain(str(key[0])) for key, *_ in rows], right=False)
    return Grid(heading, [names], [*columns, periods], gap=2, note=note)
