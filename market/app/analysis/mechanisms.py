"""The same declarations under every mechanism: cost, prices, gains, losers, budget, and what a lie would pay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import fsum

from market.app.analysis.economics import mean_price_cny_per_mwh, pay_more, traded_mwh
from market.app.analysis.lies import TriedLie, TryAll, best_lies
from market.app.results.table import Cell, Table
from market.app.runs.in_process import market_day
from market.model.rules import Mechanism
from market.scenario import with_overrides
from market.scenario.scenario import Scenario
from market.settlement.laws import UnclaimedLaw, unclaimed_laws
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Settlement, budget_cny, settle
from vpp_nodes.dispatch.joint import joint_dispatch

NOTHING = float("nan")


@dataclass(frozen=True, slots=True)
class MechanismDay:
    """A day under one mechanism, and for each plant the best lie about each thing that it declares."""

    name: str
    outcome: MarketOutcome
    settlement: Settlement
    lies: tuple[TriedLie, ...]
    unclaimed: tuple[UnclaimedLaw, ...]

    @property
    def cost_cny(self) -> float:
        """Of the system: what the mechanism itself adds or keeps is no saving."""
        return self.settlement.game_system.total_cny - budget_cny(self.outcome.periods)

    @property
    def best_lie(self) -> TriedLie:
        """The one that gains most; the truth, with a gain of 0, where none gains."""
        return max(self.lies, key=lambda each: each.gain_cny)


@dataclass(frozen=True, slots=True)
class MechanismStudy:
    """One scenario under every mechanism. alone_cny, together_cny : the system's cost without trade, and as one"""

    scenario: Scenario
    days: tuple[MechanismDay, ...]
    alone_cny: float
    together_cny: float


def mechanism_study(
    scenario: Scenario, try_all: TryAll, on_stage: Callable[[str], None] = lambda stage: None
) -> MechanismStudy:
    """Run a day, and try the lies, under each. DispatchError where a VPP has no day.

    try_all : carries out many trials · on_stage : told what is being done, in words
    """
    days = []
    for mechanism in Mechanism:
        running = f"running the day under {mechanism.value}"
        on_stage(running)
        changed = with_overrides(scenario, _changes(mechanism))
        outcome = market_day(changed, partial(_say_round, on_stage, running))
        settlement = settle(outcome, changed.public)
        lies = best_lies(changed, try_all)
        unclaimed = unclaimed_laws(outcome, changed.public, changed.vpps)
        days.append(MechanismDay(mechanism.value, outcome, settlement, lies, unclaimed))
    alone_cny = days[0].settlement.grid_only_system.total_cny
    on_stage("planning the day of all together")
    return MechanismStudy(
        scenario, tuple(days), alone_cny, joint_dispatch(scenario.vpps, scenario.public).total_cny
    )


def _say_round(on_stage: Callable[[str], None], running: str, round: int) -> None:
    on_stage(f"{running}, round {round}")


def _changes(mechanism: Mechanism) -> dict[str, object]:
    """What makes a day one of this mechanism; only in a game do buyers choose, and may they choose the grid."""
    once: dict[str, object] = {"market.coupling": "once", "market.day_certificate": False}
    if mechanism is not Mechanism.GAME:
        once["market.grid_option_mw"] = 0.0
    return {"market.mechanism": mechanism.value, **once}


def mechanism_tables(study: MechanismStudy) -> tuple[Table, ...]:
    """All tables, in the order in which they are written."""
    return mechanisms_table(study), gains_table(study.days), lies_table(study.days)


def mechanisms_table(study: MechanismStudy) -> Table:
    """One row for each mechanism, between the grid only and cooperation.

    budget_cny : what the mechanism takes in less what it pays out · pay_more : how many lose by it
    lie_… : the best lie of all that were tried, and what it gains
    """
    columns = (
        *("mechanism", "total_cny", "saving_cny", "share_of_possible_saving", "traded_mwh"),
        *("mean_price_cny_per_mwh", "budget_cny", "pay_more", "worst_gain_cny"),
        *("lie_gain_cny", "lie_vpp", "lie_about", "lie_factor", "verdict"),
    )
    none: tuple[Cell, ...] = (NOTHING, NOTHING, 0, NOTHING, NOTHING, "", "", NOTHING, "")
    rows: list[tuple[Cell, ...]] = [("grid_only", *_saved(study, study.alone_cny), 0.0, *none)]
    for day in study.days:
        gains, best = list(day.settlement.gains_cny.values()), day.best_lie
        rows.append(
            (
                *(day.name, *_saved(study, day.cost_cny), traded_mwh(day.outcome)),
                *(mean_price_cny_per_mwh(day.outcome), budget_cny(day.outcome.periods)),
                *(pay_more(gains), min(gains), best.gain_cny),
                *(_who(best), _about(best), best.lie.factor if _about(best) else NOTHING),
                day.outcome.verdict.value,
            )
        )
    rows.append(("cooperation", *_saved(study, study.together_cny), NOTHING, *none))
    return Table("mechanisms", columns, tuple(rows))


def gains_table(days: Sequence[MechanismDay]) -> Table:
    """What each mechanism saves each VPP against the grid only, CNY."""
    gains = [day.settlement.gains_cny for day in days]
    rows: list[tuple[Cell, ...]] = [(vpp, *(gain[vpp] for gain in gains)) for vpp in gains[0]]
    sums = (fsum(gain.values()) for gain in gains)
    columns = ("vpp", *(f"{day.name}_gain_cny" for day in days))
    return Table("mechanism_gains", columns, (*rows, ("system", *sums)))


def lies_table(days: Sequence[MechanismDay]) -> Table:
    """For each mechanism, plant and thing declared the best lie of the family; a gain of 0 where none pays."""
    columns = ("mechanism", "vpp", "about", "factor", "gain_cny")
    rows = (
        (day.name, each.lie.vpp, each.lie.about, each.lie.factor, each.gain_cny)
        for day in days
        for each in day.lies
    )
    return Table("mechanism_lies", columns, tuple(rows))


def _saved(study: MechanismStudy, cost_cny: float) -> tuple[float, float, float]:
    possible, saving = study.alone_cny - study.together_cny, study.alone_cny - cost_cny
    return cost_cny, saving, saving / possible if possible > 0.0 else NOTHING


def _who(best: TriedLie) -> str:
    return best.lie.vpp if best.gain_cny > 0.0 else ""


def _about(best: TriedLie) -> str:
    return best.lie.about if best.gain_cny > 0.0 else ""
