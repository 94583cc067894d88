"""The manifest of a run of many days: what was run and how, how it ended, what it came to over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import fsum
from typing import Any, Final

from market.app.results.day_record import DayRecord
from market.app.results.days_folder import Header
from market.app.results.days_reality import DaysReality
from market.app.results.days_tables import DayRecords
from market.app.results.manifest import FORMAT, RunSpec, surroundings
from market.app.results.manifest_shape import DAYS_KIND
from market.game.result import Verdict, worst
from market.model.currency import DEFAULT_CURRENCY
from market.rolling.windows import rolling_of

BUDGET: Final = "budget_cny"
"""What the mechanism takes in over all days less what it pays out; told where it is not 0."""


def days_document(
    what: RunSpec, records: DayRecords, header: Header, wall_s: float, peak_memory_mb: float
) -> dict[str, Any]:
    """The manifest of a run that came to its end, ready for JSON."""
    verdicts: Counter[str] = Counter()
    worst_yet, epsilon_cny, laws = Verdict.NO_TRADE, 0.0, list[str]()
    totals: dict[str, list[float]] = {}
    reality = DaysReality()
    for record in records():
        verdicts[record.verdict.value] += 1
        worst_yet = worst([worst_yet, record.verdict])
        epsilon_cny = max(epsilon_cny, record.epsilon_cny)
        laws += [f"day {record.number}: {law}" for law in record.broken_laws]
        for name, value in _figures(record).items():
            totals.setdefault(name, []).append(value)
        reality.add(record)
    summed = {name: fsum(values) for name, values in totals.items()}
    return {
        **_heading(what, worst_yet, wall_s),
        "epsilon_cny": epsilon_cny,
        "days": header.days,
        "whole": header.whole,
        "verdicts": dict(sorted(verdicts.items())),
        "totals": {name: value for name, value in summed.items() if value or name != BUDGET},
        **reality.document(),
        "broken_laws": laws,
        "peak_memory_mb": round(peak_memory_mb, 1),
        **surroundings(what.scenario),
    }


def days_document_of_abort(what: RunSpec, error: str, wall_s: float) -> dict[str, Any]:
    """The manifest of a run that was interrupted or broke."""
    return {**_heading(what, Verdict.ABORTED, wall_s), "error": error, **surroundings(what.scenario)}


def _figures(record: DayRecord) -> Mapping[str, float]:
    grid_only, game = (fsum(account.total_cny for account in side) for side in (record.grid_only, record.game))
    return {
        "grid_only_cny": grid_only,
        "game_cny": game,
        "saving_cny": record.saving_cny,
        "carbon_cny": fsum(account.carbon_cny for account in record.game),
        "emission_t": fsum(account.emission_t for account in record.game),
        BUDGET: record.budget_cny,
    }


def _heading(what: RunSpec, verdict: Verdict, wall_s: float) -> dict[str, Any]:
    scenario, currency = what.scenario, what.scenario.public.currency
    rolling = rolling_of(scenario)
    return {
        "format": FORMAT,
        "kind": DAYS_KIND,
        "scenario": scenario.name,
        "title": scenario.title,
        "scenario_digest": scenario.digest,
        **({} if currency == DEFAULT_CURRENCY else {"currency": currency}),
        "vpps": list(scenario.roster),
        "seed": what.seed,
        "in_process": what.in_process,
        "rolling": {
            "plan_h": rolling.plan_h,
            "commit_h": rolling.commit_h,
            "soc_end": rolling.soc_end.value,
            "end_value_cny_per_mwh": rolling.end_value_cny_per_mwh,
        },
        "started": what.started.isoformat(timespec="seconds"),
        "wall_s": round(wall_s, 6),
        "verdict": verdict.value,
    }
