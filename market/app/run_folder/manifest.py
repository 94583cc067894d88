"""Owns `manifest.json`: what was run, how, on what, and how it ended. Knows nothing of files or of markets."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from market.app.network_report.totals import network_document
from market.app.run_facts import RunFacts
from market.outcome import MarketOutcome, Verdict
from market.scenario.model import Scenario
from market.scenario.network_build import network_fields
from market.settlement import BrokenLaw, UnclaimedLaw

FORMAT = 1
PACKAGES = ("vppmarket", "numpy", "ortools", "pyzmq", "msgpack", "pydantic", "PyYAML", "click", "rich")


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What was to be run: the scenario as changed by flags, the seed, and since when (local time with zone)."""

    scenario: Scenario
    seed: int
    in_process: bool
    started: datetime


def manifest_of_run(
    what: Undertaking,
    outcome: MarketOutcome,
    facts: RunFacts,
    broken_laws: tuple[BrokenLaw, ...],
    unclaimed_laws: tuple[UnclaimedLaw, ...],
    wall_s: float,
) -> dict[str, Any]:
    """The manifest of a run that came to its end, ready for JSON."""
    return {
        **_heading(what, outcome.verdict, wall_s),
        "epsilon_cny": outcome.epsilon_cny,
        "epsilon_relative": outcome.epsilon_relative,
        "rounds": max((period.rounds for period in outcome.periods), default=0),
        "periods": dict(sorted(Counter(period.verdict.value for period in outcome.periods).items())),
        "broken_laws": [str(law) for law in broken_laws],
        "laws_not_claimed": [str(law) for law in unclaimed_laws],
        "network": network_document(facts, outcome.verdict),
        **_facts(facts),
        **_surroundings(what.scenario),
    }


def manifest_of_abort(what: Undertaking, error: str, wall_s: float) -> dict[str, Any]:
    """The manifest of a run that was interrupted or broke: why, and what had been planned."""
    return {**_heading(what, Verdict.ABORTED, wall_s), "error": error, **_surroundings(what.scenario)}


def _heading(what: Undertaking, verdict: Verdict, wall_s: float) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "scenario": what.scenario.name,
        "title": what.scenario.title,
        "scenario_digest": what.scenario.digest,
        "public_digest": what.scenario.public.digest,
        "vpps": [vpp.id for vpp in what.scenario.vpps],
        "seed": what.seed,
        "in_process": what.in_process,
        "conditions": None if what.in_process else network_fields(what.scenario.network),
        "started": what.started.isoformat(timespec="seconds"),
        "wall_s": round(wall_s, 6),
        "verdict": verdict.value,
    }


def _facts(facts: RunFacts) -> dict[str, Any]:
    return {
        "time_mode": facts.time_mode,
        "rest_time_s": facts.rest_time_s,
        "counters": dict(facts.counters),
        "refused": dict(facts.refused),
        "refused_by_nodes": {vpp: dict(counts) for vpp, counts in facts.refused_by_nodes.items()},
        "process_ids": dict(facts.process_ids),
        "endpoints": dict(facts.endpoints),
        "tape": facts.tape,
        "withdrawn": list(facts.withdrawn),
        "durations_s": {stage: round(seconds, 6) for stage, seconds in facts.durations_s.items()},
        "peak_memory_mb": {who: round(size, 1) for who, size in facts.peak_memory_mb.items()},
    }


def _surroundings(scenario: Scenario) -> dict[str, Any]:
    """The rules in force, and the software and machine that applied them."""
    return {
        "rules": {
            "horizon": asdict(scenario.public.horizon),
            "market": asdict(scenario.public.market),
            "carbon": asdict(scenario.public.carbon),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "platform": platform.platform(),
    }
