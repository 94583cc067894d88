"""Compares two runs table by table: prices, probabilities, plans, costs and accounts, each with its difference.

`first` and `second` are the two runs' values of one thing, `difference` is second − first; a NaN or an empty
cell means that the thing is in one run only. What cannot be compared is told in `notes`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from market.app.results.disclosed import disclosed
from market.app.results.flat import flat
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.app.results.table import Cell, Table
from market.app.results.written_files import foreign_note
from market.errors import Fault, ScenarioError
from market.model.disclosure import Disclosure

NOTHING = math.nan
SAME_PRICE, SAME_PROBABILITY = 1e-6, 1e-9  # CNY/MWh and 1: less is the last digits of a computation
COSTS = ("operation_cny", "trade_cny", "carbon_cny", "total_cny")
CARBON = ("emission_t", "quota_t", "curtailed_mwh")
FACTS = ("scenario", "title", "seed", "in_process", "conditions", "rules", "versions", "scenario_digest")
RESULTS = ("verdict", "epsilon_cny", "rounds", "periods", "rest_time_s", "counters", "refused", "broken_laws")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side. tables : by name · notes : what could not be compared, and why"""

    first: RecordedRun
    second: RecordedRun
    vpps: tuple[str, ...]
    tables: Mapping[str, Table]
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]


def compare_runs(first: RecordedRun, second: RecordedRun) -> Comparison:
    """Everything that two runs have in common, compared.

    Prices and the like are compared where horizons agree, VPPs where both runs have them and accounts as far as
    both show them; whole-system sums only where the VPPs are the same. ScenarioError if the runs have no VPP in
    common.
    """
    vpps = tuple(vpp for vpp in first.vpps if vpp in second.vpps)
    if not vpps:
        vpp_lists = f"{', '.join(first.vpps)} against {', '.join(second.vpps)}"
        remedy = "compare runs of one scenario or of changed copies of it"
        raise ScenarioError([Fault("two runs must have a VPP in common", vpp_lists, "compare", remedy)])
    same_vpps = first.vpps == second.vpps
    same_horizon = (first.period_count, first.period_h) == (second.period_count, second.period_h)
    accounts = (*vpps, "system") if _members(first) == _members(second) else vpps
    tables = [
        _documents("rules", first.manifest, second.manifest, FACTS),
        _documents("results", first.manifest, second.manifest, RESULTS),
        _accounts("costs", first, second, accounts, COSTS),
        _accounts("carbon", first, second, accounts, CARBON),
    ]
    if same_horizon:
        tables += _by_period(first, second, vpps)
    notes = (
        *_file_notes(first, second),
        *_vpp_notes(first, second, same_vpps),
        *_audit_notes(first, second),
        *_horizon_notes(first, second, same_horizon),
    )
    return Comparison(first, second, vpps, {table.name: table for table in tables}, notes)


def _by_period(first: RecordedRun, second: RecordedRun, vpps: Sequence[str]) -> list[Table]:
    def kept(table: Table, names: int) -> Table:
        return Table(table.name, table.columns, tuple(r for r in table.rows if set(r[:names]) <= set(vpps)))

    return [
        _texts("verdicts", first["periods"], second["periods"], ("period",), "verdict"),
        kept(_texts("roles", first["roles"], second["roles"], ("vpp", "period"), "role"), 1),
        _numbers("clearing_prices", first["periods"], second["periods"], ("period",), "p_clr_cny_per_mwh"),
        kept(_numbers("prices", first["offers"], second["offers"], ("vpp", "period"), "price_cny_per_mwh"), 1),
        kept(
            _numbers(
                "probabilities",
                first["selections"],
                second["selections"],
                ("buyer", "seller", "period"),
                "probability",
            ),
            2,
        ),
    ]


def differing(table: Table, tolerance: float = 0.0) -> Table:
    """The rows in which the two runs differ by more than `tolerance`, or of which one run has nothing."""
    a = table.columns.index("first")
    return Table(table.name, table.columns, tuple(r for r in table.rows if _differ(r[a], r[a + 1], tolerance)))


def _differ(first: Cell, second: Cell, tolerance: float) -> bool:
    if isinstance(first, str) or isinstance(second, str):
        return first != second
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) != math.isnan(second)
    return abs(second - first) > tolerance


def _numbers(name: str, first: Records, second: Records, keys: Sequence[str], column: str) -> Table:
    one, two = _by_key(first, keys, column), _by_key(second, keys, column)
    rows = (
        (*key, float(a), float(b), float(b) - float(a))
        for key in _all_keys(one, two)
        for a, b in [(one.get(key, NOTHING), two.get(key, NOTHING))]
    )
    return Table(name, (*keys, "first", "second", "difference"), tuple(rows))


def _texts(name: str, first: Records, second: Records, keys: Sequence[str], column: str) -> Table:
    one, two = _by_key(first, keys, column), _by_key(second, keys, column)
    rows = tuple((*key, one.get(key, ""), two.get(key, "")) for key in _all_keys(one, two))
    return Table(name, (*keys, "first", "second"), rows)


def _by_key(records: Records, keys: Sequence[str], column: str) -> dict[tuple[Any, ...], Any]:
    names = zip(*(records[key].tolist() for key in keys), strict=True)
    return dict(zip(names, records[column].tolist(), strict=True))


def _all_keys(one: Mapping[tuple[Any, ...], Any], two: Mapping[tuple[Any, ...], Any]) -> list[tuple[Any, ...]]:
    """Keys of either, in the order of the first, those of the second alone at the end."""
    return list(dict.fromkeys([*one, *two]))


def _accounts(
    name: str, first: RecordedRun, second: RecordedRun, vpps: Sequence[str], quantities: Sequence[str]
) -> Table:
    """What both runs show of it: what one of them does not show is not a difference."""
    rows = []
    for vpp in vpps:
        for scenario in ("grid_only", "game"):
            for quantity in quantities:
                a, b = (run.account(vpp, scenario, quantity) for run in (first, second))
                if not (math.isnan(a) or math.isnan(b)):
                    rows.append((vpp, scenario, quantity, a, b, b - a))
    return Table(name, ("vpp", "scenario", "quantity", "first", "second", "difference"), tuple(rows))


def _documents(name: str, first: Mapping[str, Any], second: Mapping[str, Any], keys: Sequence[str]) -> Table:
    one, two = (dict(flat({key: told.get(key) for key in keys})) for told in (first, second))
    rows = tuple((key, one.get(key, ""), two.get(key, "")) for key in dict.fromkeys([*one, *two]))
    return Table(name, ("name", "first", "second"), rows)


def _file_notes(first: RecordedRun, second: RecordedRun) -> Iterator[str]:
    for run, which in ((first, "first"), (second, "second")):
        if note := foreign_note(f"the {which} run", run.foreign):
            yield note


def _vpp_notes(first: RecordedRun, second: RecordedRun, same: bool) -> Iterator[str]:
    for run, other, which in ((first, second, "first"), (second, first, "second")):
        if alone := [vpp for vpp in run.vpps if vpp not in other.vpps]:
            yield f"only the {which} run has {', '.join(alone)}: left out, and so are sums over all VPPs"
    if not same and set(first.vpps) == set(second.vpps):
        yield "the VPPs stand in another order; they are compared by name"


def _audit_notes(first: RecordedRun, second: RecordedRun) -> Iterator[str]:
    """Whose accounts a run does not have, or not all of them."""
    for run, which in ((first, "first"), (second, "second")):
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


def _horizon_notes(first: RecordedRun, second: RecordedRun, same: bool) -> Iterator[str]:
    if not same:
        one, two = (f"{run.period_count} periods of {run.period_h:g} h" for run in (first, second))
        yield f"the horizons differ ({one}; {two}): roles, prices and probabilities by period are not compared"
