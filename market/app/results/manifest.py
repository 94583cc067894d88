"""Writes `manifest.json`: what was run, how, with which software, and how it ended."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

from market.app.results.columns import IMBALANCE
from market.app.results.kept import UNASKED, Keep
from market.app.results.laws import LawsOfDay
from market.app.results.network_totals import network_document
from market.app.results.run_metadata import RunMetadata
from market.game.result import Verdict
from market.model.currency import DEFAULT_CURRENCY
from market.model.disclosure import Disclosure, disclosure_of
from market.model.imbalance import ImbalanceRules
from market.model.parameter import counts
from market.model.rules import CarbonRules
from market.scenario.network_build import network_fields
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome

MANIFEST: Final = "manifest.json"
FORMAT = 1
EMISSION_IS_SERIES = "grid_emission_is_series"
"""Among the rules of carbon where the emission of the grid is a series, of which they tell the mean."""
PACKAGES = ("vppmarket", "numpy", "ortools", "pyzmq", "msgpack", "pydantic", "PyYAML", "click", "rich")


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What was to be run: the scenario as changed by flags, the seed, and since when (local time with zone).

    audit : what VPPs are asked to show of their day · keep : what its folder is to hold
    """

    scenario: Scenario
    seed: int
    in_process: bool
    started: datetime
    audit: Disclosure = Disclosure.FULL
    keep: Keep = UNASKED


def manifest_of_run(
    what: RunSpec,
    outcome: MarketOutcome,
    facts: RunMetadata,
    laws: LawsOfDay,
    wall_s: float,
) -> dict[str, Any]:
    """The manifest of a run that came to its end, ready for JSON."""
    return {
        **_heading(what, outcome.verdict, wall_s),
        "epsilon_cny": outcome.epsilon_cny,
        "epsilon_relative": outcome.epsilon_relative,
        "rounds": max((period.rounds for period in outcome.periods), default=0),
        "periods": dict(sorted(Counter(period.verdict.value for period in outcome.periods).items())),
        "broken_laws": [str(law) for law in laws.broken],
        "laws_not_claimed": [str(law) for law in laws.unclaimed],
        "laws_not_checked": [asdict(law) for law in laws.unchecked],
        "audit": {"asked": what.audit.value, "shown": audit_document(outcome)},
        "day": rounds_document(outcome),
        "possible_saving_cny": facts.possible_saving_cny,
        "network": network_document(facts, outcome.verdict),
        **_facts(facts),
        **surroundings(what.scenario),
    }


def audit_document(outcome: MarketOutcome) -> dict[str, dict[str, str]]:
    """How much each VPP has shown of its plan without trade and of the one with it, ready for JSON."""
    return {
        day.declaration.vpp: {
            "grid_only": disclosure_of(day.before).value,
            "game": disclosure_of(day.after).value,
        }
        for day in outcome.days
    }


def rounds_document(outcome: MarketOutcome) -> dict[str, Any] | None:
    """Of a day of several rounds: which one is settled, what each VPP could still save; ready for JSON."""
    if outcome.rounds is None:
        return None
    return {
        "rounds": len(outcome.rounds.rounds),
        "settled_round": outcome.rounds.settled,
        "agreed": outcome.rounds.agreed,
        "regrets_cny": outcome.rounds.regrets_cny,
        "regret_cny": dict(outcome.rounds.regret_cny),
    }


def manifest_of_abort(what: RunSpec, error: str, wall_s: float) -> dict[str, Any]:
    """The manifest of a run that was interrupted or broke: why, and what had been planned."""
    return {**_heading(what, Verdict.ABORTED, wall_s), "error": error, **surroundings(what.scenario)}


def _heading(what: RunSpec, verdict: Verdict, wall_s: float) -> dict[str, Any]:
    currency = what.scenario.public.currency
    return {
        "format": FORMAT,
        "scenario": what.scenario.name,
        "title": what.scenario.title,
        "scenario_digest": what.scenario.digest,
        "public_digest": what.scenario.public.digest,
        **({} if currency == DEFAULT_CURRENCY else {"currency": currency}),
        "vpps": list(what.scenario.roster),
        "seed": what.seed,
        "in_process": what.in_process,
        "conditions": None if what.in_process else network_fields(what.scenario.network),
        "started": what.started.isoformat(timespec="seconds"),
        "wall_s": round(wall_s, 6),
        "verdict": verdict.value,
    }


def _facts(facts: RunMetadata) -> dict[str, Any]:
    return {
        "time_mode": facts.time_mode,
        "rest_time_s": facts.rest_time_s,
        "counters": dict(facts.counters),
        "refused": dict(facts.refused),
        "refused_by_nodes": {vpp: dict(counts) for vpp, counts in facts.refused_by_nodes.items()},
        "process_ids": dict(facts.process_ids),
        "endpoints": dict(facts.endpoints),
        "tape": facts.tape,
        "tape_sha256": facts.tape_sha256,
        "withdrawn": list(facts.withdrawn),
        "undisclosed_plants": list(facts.undisclosed),
        "durations_s": {stage: round(seconds, 6) for stage, seconds in facts.durations_s.items()},
        "peak_memory_mb": {who: round(size, 1) for who, size in facts.peak_memory_mb.items()},
    }


def _told(value: Any) -> dict[str, Any]:
    """A dataclass by its fields, but for those that came later and say nothing."""
    return {part.name: given for part in fields(value) if counts(part, given := getattr(value, part.name))}


def _without_series(rules: dict[str, Any]) -> dict[str, Any]:
    """Rules without their series, which are in the scenario."""
    return {name: value for name, value in rules.items() if "_by_period_" not in name}


def _imbalance(rules: ImbalanceRules | None) -> dict[str, Any]:
    """How deviations are settled, where the day becomes real."""
    return {} if rules is None else {IMBALANCE: _without_series(_told(rules))}


def _carbon(rules: CarbonRules) -> dict[str, Any]:
    """Rules of carbon; of a series, which is in the scenario, its mean, and that it is one."""
    series = rules.grid_emission_by_period_t_per_mwh
    if series is not None:
        mean = float(series.mean())
        rules = replace(rules, grid_emission_t_per_mwh=mean, grid_emission_by_period_t_per_mwh=None)
    told = _without_series(_told(rules))
    return told if series is None else {**told, EMISSION_IS_SERIES: True}


def surroundings(scenario: Scenario) -> dict[str, Any]:
    """The rules in force, and the software and machine that applied them."""
    return {
        "rules": {
            "horizon": _told(scenario.public.horizon),
            "market": asdict(scenario.public.market),
            "carbon": _carbon(scenario.public.carbon),
            **_imbalance(scenario.public.imbalance),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "platform": platform.platform(),
    }
