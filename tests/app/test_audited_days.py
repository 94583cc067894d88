"""Claims: a day is recorded, summed up, drawn and compared whatever mix of its plans is shown.

What is shown has the very numbers it has when everything is shown; what is not shown is said to be unknown, never
zero, and no number of it is in any file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from market.app.report.summary.page import summary_text
from market.app.report.terminal.screen import Screen
from market.app.results.concluded_day import ConcludedDay
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import run_day
from market.model.disclosure import Disclosure, disclosure_of, shown
from market.model.plan import DispatchPlan, PlanTotals
from market.settlement.laws import check_laws, unchecked_laws
from market.settlement.outcome import VppDay
from market.settlement.settlement import settle
from tests.app.audited_days import (
    FULL,
    MIXES,
    NONE,
    STARTED,
    TOTALS,
    VPPS,
    level_pairs,
    record,
    shown_day,
    unmistakable,
    whole_day,
)
from tests.processes.command import rows

PRIVATE_ROLES = ("supply_mw", "demand_mw", "sdr", "curtailed_mw", "marginal_value_cny_per_mwh")
POWER_LAWS = {
    "the plan with trade carries exactly the delivered power",
    "direct exchanges of all VPPs sum to zero",
}
NO_LOSS = "no VPP pays more than without trade"
COSTS = ("operation_cny", "carbon_cny", "total_cny", "emission_t", "quota_t")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ConcludedDay]:
    """The day's run folder for every mix."""
    folder = tmp_path_factory.mktemp("mixes")
    return {name: record(levels, folder / name) for name, levels in MIXES.items()}


mixes = pytest.mark.parametrize("mix", MIXES)


def levels(mix: str) -> dict[tuple[str, str], Disclosure]:
    """What each VPP shows, by its name and the scenario's as in `costs.csv`."""
    pairs = level_pairs(MIXES[mix])
    return {
        (vpp, scenario): level
        for vpp, pair in zip(VPPS, pairs, strict=True)
        for scenario, level in zip(("grid_only", "game"), pair, strict=True)
    }


# --- what `shown` leaves ---


def test_shown_leaves_what_it_says_and_never_adds(runs: Mapping[str, ConcludedDay]) -> None:
    plan = whole_day().days[0].before
    assert isinstance(plan, DispatchPlan)
    totals = shown(plan, TOTALS)
    assert totals == PlanTotals(
        plan.costs.operation_cny, plan.costs.carbon_cny, plan.emission_t, plan.quota_t, plan.gap_cny
    )
    assert shown(plan, FULL) is plan
    for given, level in product((plan, totals, None), Disclosure):
        left = shown(given, level)
        assert disclosure_of(left) is min(disclosure_of(given), level, key=list(Disclosure).index)


# --- tables ---


def test_a_day_shown_whole_is_recorded_as_ever(runs: Mapping[str, ConcludedDay], tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    what = RunSpec(unmistakable(), 0, True, STARTED)
    plain = run_day(what, run_in_process, RunFolder(tmp_path / "plain"), lambda progress: None, since=0.0)
    for name in (*(f"{table}.csv" for table in plain.tables if table != "trace"), "certificate.json"):
        assert (plain.folder / name).read_bytes() == (runs["full"].folder / name).read_bytes(), name


@mixes
def test_tables_hold_what_is_shown_to_the_last_digit_and_no_more(
    runs: Mapping[str, ConcludedDay], mix: str
) -> None:
    whole, part, level = runs["full"].folder, runs[mix].folder, levels(mix)
    for name in ("offers", "selections", "periods", "trace", "bids"):
        assert rows(part, name) == rows(whole, name)
    stage = {"1": "grid_only", "3": "game"}
    expected = [row for row in rows(whole, "dispatch") if level[row["vpp"], stage[row["stage"]]] is FULL]
    assert rows(part, "dispatch") == expected
    for given, known in zip(rows(part, "roles"), rows(whole, "roles"), strict=True):
        hidden = level[known["vpp"], "grid_only"] is not FULL
        assert given == (known | dict.fromkeys(PRIVATE_ROLES, "") if hidden else known)


@mixes
def test_costs_are_those_of_the_plans_wherever_totals_are_shown(
    runs: Mapping[str, ConcludedDay], mix: str
) -> None:
    level, whole = levels(mix), rows(runs["full"].folder, "costs")
    for given, known in zip(rows(runs[mix].folder, "costs"), whole, strict=True):
        name, scenario = known["vpp"], known["scenario"]
        parts = VPPS if name == "system" else (name,)
        least = min((level[vpp, scenario] for vpp in parts), key=list(Disclosure).index)
        gone = {FULL: (), TOTALS: ("curtailed_mwh",), NONE: (*COSTS, "curtailed_mwh")}[least]
        assert given == known | dict.fromkeys(gone, "")
        assert given["trade_cny"]


def test_kappa_is_known_only_where_the_plant_is(runs: Mapping[str, ConcludedDay], tmp_path: Path) -> None:
    assert all(row["kappa"] for row in rows(runs["none"].folder, "bids"))
    scenario = unmistakable()
    here = tuple(vpp for vpp in scenario.vpps if vpp.id == "VPP2")
    for name, known in (("one", here), ("broker", ())):
        report = record(MIXES["none"], tmp_path / name, replace(scenario, vpps=known))
        for row in rows(report.folder, "bids"):
            assert bool(row["kappa"]) is (row["vpp"] in {vpp.id for vpp in known})
        assert report.manifest["vpps"] == list(VPPS)


@mixes
def test_certificate_has_the_gaps_that_are_shown(runs: Mapping[str, ConcludedDay], mix: str) -> None:
    level = levels(mix)
    documents: list[Any] = [
        json.loads((runs[name].folder / "certificate.json").read_text("utf-8")) for name in (mix, "full")
    ]
    given, whole = documents
    assert given["periods"] == whole["periods"]
    for entry, known in zip(given["dispatch"], whole["dispatch"], strict=True):
        shows = level[known["vpp"], {1: "grid_only", 3: "game"}[known["stage"]]]
        gone = {FULL: (), TOTALS: ("method", "objective_cny"), NONE: ("method", "objective_cny", "gap_cny")}[shows]
        assert entry == known | dict.fromkeys(gone, None)


@mixes
def test_manifest_says_who_showed_what_and_which_laws_were_not_checked(
    runs: Mapping[str, ConcludedDay], mix: str
) -> None:
    told, level = json.loads((runs[mix].folder / "manifest.json").read_text("utf-8")), levels(mix)
    assert told["audit"]["asked"] == "full"
    assert {(v, s): x for v, by in told["audit"]["shown"].items() for s, x in by.items()} == level
    unplanned = [vpp for vpp in VPPS if level[vpp, "game"] is not FULL]
    uncosted = [vpp for vpp in VPPS if NONE in (level[vpp, "grid_only"], level[vpp, "game"])]
    expected = {**dict.fromkeys(POWER_LAWS, unplanned), NO_LOSS: uncosted}
    assert {e["law"]: e["vpps"] for e in told["laws_not_checked"]} == {k: v for k, v in expected.items() if v}
    assert told["broken_laws"] == []


# --- laws ---


@mixes
def test_laws_are_still_checked_by_what_is_shown(mix: str) -> None:
    """Each VPP in turn pays more by trade and carries power that nobody delivers: found where it is shown."""
    public, level = unmistakable().public, levels(mix)
    for place, vpp in enumerate(VPPS):
        days = list(whole_day().days)
        days[place] = _dearer(days[place])
        seen = shown_day(MIXES[mix], replace(whole_day(), days=tuple(days)))
        broken = {law.law.split(",")[0] for law in check_laws(seen, settle(seen, public), public)}
        plan_is_shown = level[vpp, "game"] is FULL
        costs_are_shown = NONE not in (level[vpp, "grid_only"], level[vpp, "game"])
        assert broken == (POWER_LAWS if plan_is_shown else set()) | ({NO_LOSS} if costs_are_shown else set())
        unchecked = {law.law for law in unchecked_laws(seen, public) if vpp in law.vpps}
        assert broken ^ unchecked == {*POWER_LAWS, NO_LOSS}


def _dearer(day: VppDay) -> VppDay:
    """Its plan with trade costs a million more and takes a MW that nobody delivers."""
    plan = day.after
    assert isinstance(plan, DispatchPlan)
    costs = replace(plan.costs, grid_cny=plan.costs.grid_cny + 1e6)
    return replace(day, after=replace(plan, costs=costs, direct_in_mw=plan.direct_in_mw + 1.0))


# --- the summary ---


@mixes
def test_summary_fits_80_columns_and_names_who_did_not_show(runs: Mapping[str, ConcludedDay], mix: str) -> None:
    level = levels(mix)
    text = summary_text(runs[mix], Screen(80))
    costs = text[text.index("Costs in CNY") :]
    assert "nan" not in text.lower()
    assert "…" not in costs
    assert all(len(line) <= 80 for line in costs.splitlines() if "/" not in line)
    least = {vpp: min((level[vpp, s] for s in ("grid_only", "game")), key=list(Disclosure).index) for vpp in VPPS}
    for words, kind in (("shown as totals only: ", TOTALS), ("not shown: ", NONE)):
        named = ", ".join(vpp for vpp in VPPS if least[vpp] is kind)
        assert (words + named in text) if named else (words not in text)
    system = settle(shown_day(MIXES[mix]), unmistakable().public).game_system
    line = next(line for line in costs.splitlines() if line.split()[:1] == ["system"])
    assert ("–" in line) is isnan(system.total_cny)


def test_the_page_on_disclosure_names_every_law_that_needs_more_than_is_public() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "disclosure.md").read_text("utf-8")
    assert all(f"| {law} |" in page for law in (*POWER_LAWS, NO_LOSS))
