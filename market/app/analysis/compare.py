"""Compares runs: their tables side by side, each difference against the first run.

A NaN or an empty cell means that the thing is not in that run. What cannot be compared is told in `notes`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from market.app.analysis.changes import Change, CompareInput, changes, changes_notes
from market.app.analysis.currencies import require_one_currency
from market.app.results.columns import IMBALANCE, TRANSFERS
from market.app.results.disclosed import disclosed
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.app.results.table import Cell, Table
from market.app.results.written_files import foreign_note
from market.errors import Fault, ScenarioError
from market.model.disclosure import Disclosure
from market.settlement.settlement import saved_cny

NOTHING = math.nan
SAME_MONEY, SAME_PRICE = 1e-6, 1e-6  # CNY and CNY/MWh: less is the last digits of a computation
SAME_PROBABILITY = 1e-9
COSTS = ("operation_cny", "trade_cny", "carbon_cny", "total_cny")
CARBON = ("emission_t", "quota_t", "curtailed_mwh")
ORDINALS: Final = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth"),
)
"""What runs are called, in the order in which they were named; more than these cannot be read side by side."""


@dataclass(frozen=True, slots=True)
class ComparedTable:
    """One thing of all runs. keys : what names a row · rows : by these, the value of each run

    numeric : whether the values are numbers, of which there are differences
    """

    name: str
    keys: tuple[str, ...]
    rows: Mapping[tuple[Cell, ...], tuple[Cell, ...]]
    numeric: bool = True

    def differing(self, tolerance: float = 0.0) -> ComparedTable:
        """The rows in which a run differs from the first by more than `tolerance`, or one of them has nothing."""
        rows = {key: values for key, values in self.rows.items() if _differ(values, tolerance)}
        return ComparedTable(self.name, self.keys, rows, self.numeric)

    def difference(self, key: tuple[Cell, ...], number: int) -> float:
        """A run's value less the first's; number : the run's, counted from 0"""
        values = self.rows[key]
        return float(values[number]) - float(values[0])

    def by_size(self) -> list[tuple[Cell, ...]]:
        """The keys of all rows, those with the largest differences first; what one run lacks comes before all."""
        return sorted(self.rows, key=lambda key: -self._size(key))

    def _size(self, key: tuple[Cell, ...]) -> float:
        sizes = [abs(self.difference(key, number)) for number in range(1, len(self.rows[key]))]
        return math.inf if any(map(math.isnan, sizes)) else max(sizes)

    def together(self) -> list[tuple[tuple[Cell, ...], tuple[Cell, ...], list[int]]]:
        """Rows that differ in the period alone, which is the last key, as one: key, values, periods."""
        alike: dict[tuple[tuple[Cell, ...], tuple[Cell, ...]], list[int]] = {}
        for (*key, period), values in self.rows.items():
            alike.setdefault((tuple(key), values), []).append(int(period))
        return [(key, values, periods) for (key, values), periods in alike.items()]

    def table(self, runs: int) -> Table:
        """As a table with a column for each run, and of numbers one for each difference."""
        columns = (*self.keys, *ORDINALS[:runs], *(difference_names(runs) if self.numeric else ()))
        rows = tuple(
            (
                *key,
                *values,
                *((self.difference(key, number) for number in range(1, runs)) if self.numeric else ()),
            )
            for key, values in self.rows.items()
        )
        return Table(self.name, columns, rows)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side. changes : what was not the same from the start · results : what each run comes to

    tables : by name, what came of it in detail · notes : what could not be compared, and why
    """

    runs: tuple[RecordedRun, ...]
    vpps: tuple[str, ...]
    changes: tuple[Change, ...]
    tables: Mapping[str, ComparedTable]
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> ComparedTable:
        return self.tables[name]

    def csv_tables(self) -> Iterator[Table]:
        """Every table, the changes first."""
        count = len(self.runs)
        rows = tuple((change.path, *change.values) for change in self.changes)
        yield Table("changes", ("field", *ORDINALS[:count]), rows)
        yield from (table.table(count) for table in self.tables.values())


def difference_names(runs: int) -> tuple[str, ...]:
    """The columns of differences: of two runs there is one."""
    return ("difference",) if runs == 2 else tuple(f"difference_{name}" for name in ORDINALS[1:runs])


def compare_runs(*inputs: CompareInput) -> Comparison:
    """Everything that runs have in common, compared with the first.

    Prices and the like are compared where horizons agree, VPPs where all runs have them and accounts as far as all
    show them; whole-system sums only where the VPPs are the same. ScenarioError if the runs have no VPP in
    common, or there are too few of them, or too many.
    """
    runs = tuple(each.run for each in inputs)
    _check(runs)
    vpps = tuple(vpp for vpp in runs[0].vpps if all(vpp in run.vpps for run in runs))
    same_members = len({frozenset(_members(run)) for run in runs}) == 1
    same_horizon = len({(run.period_count, run.period_h) for run in runs}) == 1
    accounts = (*vpps, "system") if same_members else vpps
    tables = [
        _results(runs, same_members=same_members),
        _accounts("costs", runs, accounts, COSTS, (*COSTS, "imbalance_cny")),
        _accounts("carbon", runs, accounts, CARBON, CARBON),
    ]
    if same_horizon:
        tables += _by_period(runs, vpps)
    notes = (
        *_file_notes(runs),
        *changes_notes(inputs, ORDINALS),
        *_vpp_notes(runs),
        *_audit_notes(runs),
        *_horizon_notes(runs, same_horizon),
    )
    return Comparison(runs, vpps, changes(inputs), {table.name: table for table in tables}, notes)


def _check(runs: Sequence[RecordedRun]) -> None:
    if not 2 <= len(runs) <= len(ORDINALS):
        rule, remedy = f"2 to {len(ORDINALS)} runs can be compared", "name the runs to be read side by side"
        raise ScenarioError([Fault(rule, str(len(runs)), "RUN", remedy)])
    if not set.intersection(*(set(run.vpps) for run in runs)):
        vpp_lists = " against ".join(", ".join(run.vpps) for run in runs)
        remedy = "compare runs of one scenario or of changed copies of it"
        raise ScenarioError([Fault("runs must have a VPP in common", vpp_lists, "compare", remedy)])
    require_one_currency([run.told.currency for run in runs], "compare", "runs")


def _results(runs: Sequence[RecordedRun], *, same_members: bool) -> ComparedTable:
    """What one asks first of a run; sums over all VPPs only where they are the same."""
    told = [_of_market(run) for run in runs]
    if same_members:
        transfers = any(TRANSFERS in run.tables for run in runs)
        real = any(IMBALANCE in run.tables for run in runs)
        told = [
            _of_all_vpps(run, transfers=transfers) | (_in_reality(run) if real else {}) | market
            for run, market in zip(runs, told, strict=True)
        ]
    rows: dict[tuple[Cell, ...], tuple[Cell, ...]] = {}
    for name in told[0]:
        values = tuple(each[name] for each in told)
        known = [value == value for value in values]
        if all(known) or (any(known) and name in _OF_SOME):
            rows[(name,)] = values
    return ComparedTable("results", ("quantity",), rows)


_REALISED: Final = ("grid_only_realised_total_cny", "game_realised_total_cny", "saving_realised_cny")
_IMBALANCE: Final = "game_realised_imbalance_cny"
_OF_SOME: Final = frozenset({"mean_price_cny_per_mwh", "messages", "rest_time_s", *_REALISED, _IMBALANCE})
"""What a run may come to its end without; of anything else, a run that does not show it is not compared."""


def _of_all_vpps(run: RecordedRun, *, transfers: bool) -> dict[str, float]:
    """Costs of the system; what a mechanism pays out beside prices is none of what trade saves.

    transfers : whether what it takes in, less what it pays out, is told as well
    """
    system = {
        "grid_only_total_cny": run.account("system", "grid_only", "total_cny"),
        "game_total_cny": run.account("system", "game", "total_cny"),
        "game_carbon_cny": run.account("system", "game", "carbon_cny"),
        "game_emission_t": run.account("system", "game", "emission_t"),
        "game_curtailed_mwh": run.account("system", "game", "curtailed_mwh"),
    }
    budget = _budget_cny(run)
    saving = {"saving_cny": saved_cny(system["grid_only_total_cny"], system["game_total_cny"], budget)}
    return system | saving | ({"budget_cny": budget} if transfers else {})


def _budget_cny(run: RecordedRun) -> float:
    return float(run[TRANSFERS]["transfer_cny"].sum()) if TRANSFERS in run.tables else 0.0


def _in_reality(run: RecordedRun) -> dict[str, float]:
    """The same costs as they became real, and what deviations cost of them; of a run without a reality nothing."""
    alone, game = (run.account("system", f"{plans}_realised", "total_cny") for plans in ("grid_only", "game"))
    amounts = dict(zip(_REALISED, (alone, game, saved_cny(alone, game, _budget_cny(run))), strict=True))
    known = IMBALANCE in run.tables
    return amounts | {_IMBALANCE: run.account("system", "game_realised", "imbalance_cny") if known else NOTHING}


def _of_market(run: RecordedRun) -> dict[str, float]:
    manifest, delivered = run.manifest, run["selections"]
    traded_mw, paid_cny = delivered["delivered_mw"], delivered["payment_cny"]
    traded_mwh = float(traded_mw.sum()) * run.period_h
    return {
        "traded_mwh": traded_mwh,
        "mean_price_cny_per_mwh": float(paid_cny.sum()) / traded_mwh if traded_mwh else NOTHING,
        "epsilon_cny": float(manifest["epsilon_cny"]),
        "rounds": float(manifest["rounds"]),
        "messages": float(manifest["counters"].get("sent", NOTHING)),
        "rest_time_s": NOTHING if manifest["rest_time_s"] is None else float(manifest["rest_time_s"]),
    }


def _by_period(runs: Sequence[RecordedRun], vpps: Sequence[str]) -> list[ComparedTable]:
    def kept(table: ComparedTable, names: int) -> ComparedTable:
        rows = {key: values for key, values in table.rows.items() if set(key[:names]) <= set(vpps)}
        return ComparedTable(table.name, table.keys, rows, table.numeric)

    selection = ("buyer", "seller", "period")
    return [
        _column("verdicts", runs, "periods", ("period",), "verdict", numeric=False),
        kept(_column("roles", runs, "roles", ("vpp", "period"), "role", numeric=False), 1),
        _column("clearing_prices", runs, "periods", ("period",), "p_clr_cny_per_mwh"),
        kept(_column("prices", runs, "offers", ("vpp", "period"), "price_cny_per_mwh"), 1),
        kept(_column("probabilities", runs, "selections", selection, "probability"), 2),
    ]


def _differ(values: Sequence[Cell], tolerance: float) -> bool:
    return any(_is_other(values[0], value, tolerance) for value in values[1:])


def _is_other(first: Cell, other: Cell, tolerance: float) -> bool:
    if isinstance(first, str) or isinstance(other, str):
        return first != other
    if math.isnan(first) or math.isnan(other):
        return math.isnan(first) != math.isnan(other)
    return abs(other - first) > tolerance


def _column(
    name: str, runs: Sequence[RecordedRun], table: str, keys: Sequence[str], column: str, *, numeric: bool = True
) -> ComparedTable:
    """A column of a table of all runs, by its keys: those of the first run in their order, then further ones."""
    told = [_by_key(run[table], keys, column) for run in runs]
    absent: Cell = NOTHING if numeric else ""
    names = dict.fromkeys(key for each in told for key in each)
    return ComparedTable(
        name, tuple(keys), {k: tuple(each.get(k, absent) for each in told) for k in names}, numeric
    )


def _by_key(records: Records, keys: Sequence[str], column: str) -> dict[tuple[Any, ...], Any]:
    names = zip(*(records[key].tolist() for key in keys), strict=True)
    return dict(zip(names, records[column].tolist(), strict=True))


def _accounts(
    name: str, runs: Sequence[RecordedRun], vpps: Sequence[str], planned: Sequence[str], real: Sequence[str]
) -> ComparedTable:
    """What all runs show of it: what one of them does not show is not a difference.

    planned, real : the quantities of accounts as planned, and of those in reality where all runs have one
    """
    rows: dict[tuple[Cell, ...], tuple[Cell, ...]] = {}
    of = dict.fromkeys(("grid_only", "game"), planned)
    if all(IMBALANCE in run.tables for run in runs):
        of |= dict.fromkeys(("grid_only_realised", "game_realised"), real)
    for vpp in vpps:
        for scenario, quantities in of.items():
            for quantity in quantities:
                values = tuple(run.account(vpp, scenario, quantity) for run in runs)
                if not any(map(math.isnan, values)):
                    rows[vpp, scenario, quantity] = values
    return ComparedTable(name, ("vpp", "scenario", "quantity"), rows)


def _file_notes(runs: Sequence[RecordedRun]) -> Iterator[str]:
    for run, which in zip(runs, ORDINALS, strict=False):
        if note := foreign_note(f"the {which} run", run.foreign):
            yield note


def _vpp_notes(runs: Sequence[RecordedRun]) -> Iterator[str]:
    first = runs[0]
    for run, which in zip(runs, ORDINALS, strict=False):
        if alone := [vpp for vpp in run.vpps if not all(vpp in other.vpps for other in runs)]:
            whose = f"only the {which} run has" if len(runs) == 2 else f"the {which} run has, and another has not,"
            yield f"{whose} {', '.join(alone)}: left out, and so are sums over all VPPs"
        if run.vpps != first.vpps and set(run.vpps) == set(first.vpps):
            yield "the VPPs stand in another order; they are compared by name"


def _audit_notes(runs: Sequence[RecordedRun]) -> Iterator[str]:
    """Whose accounts a run does not have, or not all of them."""
    for run, which in zip(runs, ORDINALS, strict=False):
        day, members = disclosed(run), _members(run)
        parts = (
            ("went on without", [vpp for vpp in run.vpps if vpp not in members]),
            ("has totals only of", day.at(Disclosure.TOTALS)),
            ("does not have all accounts of", day.at(Disclosure.NONE)),
        )
        for what, vpps in parts:
            if vpps:
                names = ", ".join(vpps)
                yield f"the {which} run {what} {names}: what it lacks, and sums over it, are not compared"


def _members(run: RecordedRun) -> set[str]:
    """Who took part to the end."""
    return set(disclosed(run).members)


def _horizon_notes(runs: Sequence[RecordedRun], same: bool) -> Iterator[str]:
    if not same:
        told = "; ".join(f"{run.period_count} periods of {run.period_h:g} h" for run in runs)
        yield f"the horizons differ ({told}): roles, prices and probabilities by period are not compared"
