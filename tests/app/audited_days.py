"""One day of `five_vpp`, solved once, whose VPPs then disclose as much of it as a test wants, in run folders.

Its forecasts are scaled so that hardly a number of its plans is a round one: any of them is known when it is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from market.app.results.concluded_day import ConcludedDay
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import OnProgress, RunMetadata
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import Runner, run_day
from market.model.arrays import frozen
from market.model.disclosure import Disclosure, shown
from market.model.vpp import Storage, Vpp
from market.scenario import load_scenario
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome

FULL, TOTALS, NONE = Disclosure.FULL, Disclosure.TOTALS, Disclosure.NONE
STARTED = datetime.fromisoformat("2026-03-01T12:00:00+01:00")
VPPS = ("VPP1", "VPP2", "VPP3", "VPP4", "VPP5")

Levels = Sequence[Disclosure | tuple[Disclosure, Disclosure]]
"""What each VPP shows, in their order: of both plans alike, or of the one without trade and the one with it."""

MIXES: Mapping[str, Levels] = {
    "full": (FULL,) * 5,
    "totals": (TOTALS,) * 5,
    "none": (NONE,) * 5,
    "one_of_each": (FULL, TOTALS, NONE, FULL, TOTALS),
    "one_hidden": (FULL, FULL, NONE, FULL, FULL),
    "one_shown": (NONE, NONE, FULL, NONE, NONE),
    "by_stage": ((FULL, NONE), (NONE, FULL), (TOTALS, FULL), (TOTALS, NONE), (NONE, TOTALS)),
}


@cache
def unmistakable() -> Scenario:
    """The built-in day with awkward forecasts."""
    plain = load_scenario("five_vpp")
    vpps = tuple(_awkward(vpp, 1.0 + 0.00137 * (place + 1.3)) for place, vpp in enumerate(plain.vpps))
    return seal_scenario(plain.name, plain.title, plain.public, vpps, plain.network)


def _awkward(vpp: Vpp, factor: float) -> Vpp:
    """The same plant, everything in it a little larger."""
    return replace(
        vpp,
        load_mw=frozen(vpp.load_mw * factor),
        wt=vpp.wt and replace(vpp.wt, forecast_mw=frozen(vpp.wt.forecast_mw * factor)),
        pv=vpp.pv and replace(vpp.pv, forecast_mw=frozen(vpp.pv.forecast_mw * factor)),
        mt=vpp.mt and replace(vpp.mt, p_max_mw=vpp.mt.p_max_mw * factor),
        ess=vpp.ess and _larger(vpp.ess, factor),
    )


def _larger(ess: Storage, factor: float) -> Storage:
    return replace(
        ess,
        energy_mwh=ess.energy_mwh * factor,
        charge_max_mw=ess.charge_max_mw * factor,
        discharge_max_mw=ess.discharge_max_mw * factor,
    )


@cache
def whole_day() -> MarketOutcome:
    """The day with everything that is to be known of it."""
    return run_in_process(unmistakable(), 0, Path(), lambda progress: None)[0]


def shown_day(levels: Levels, whole: MarketOutcome | None = None) -> MarketOutcome:
    """The day, or another one, as it is when each VPP shows so much."""
    whole = whole or whole_day()
    days = tuple(
        replace(day, before=shown(day.before, before), after=shown(day.after, after))
        for day, (before, after) in zip(whole.days, level_pairs(levels), strict=True)
    )
    return replace(whole, days=days)


def level_pairs(levels: Levels) -> tuple[tuple[Disclosure, Disclosure], ...]:
    """What each VPP shows of its plan without trade and of the one with it."""
    return tuple(level if isinstance(level, tuple) else (level, level) for level in levels)


def runner_of(outcome: MarketOutcome) -> Runner:
    """Runs nothing: the day is known."""

    def runner(
        scenario: Scenario, seed: int, out_dir: Path, on_progress: OnProgress
    ) -> tuple[MarketOutcome, RunMetadata]:
        return outcome, RunMetadata(time_mode="none", process_ids={"market": 1})

    return runner


def record(
    levels: Levels, folder: Path, scenario: Scenario | None = None, whole: MarketOutcome | None = None
) -> ConcludedDay:
    """Write a run folder of the day, or another one, as it is shown.

    scenario : what the one who writes it knows of it
    """
    folder.mkdir(parents=True)
    what = RunSpec(scenario or unmistakable(), 0, True, STARTED)
    return run_day(what, runner_of(shown_day(levels, whole)), RunFolder(folder), lambda progress: None, since=0.0)
