"""What is kept of a day of many: its accounts, as planned and in reality, and what the next day begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from market.app.results.day_record import DayRecord, KeptReality, ending, traded_of
from market.costs.costs import tariff_of
from market.costs.imbalance import imbalance_prices
from market.errors import Fault, RunError, ScenarioError
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.reality import Reality
from market.model.stretch import stretch
from market.model.vpp import Vpp
from market.rolling.carry import state_after
from market.rolling.cut import window_plant
from market.rolling.kept import kept_account, kept_real_account, stored_mwh
from market.rolling.plant_state import PlantState, state_of
from market.rolling.windows import PlanWindow, rolling_of
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.reality import ImbalanceBill, bills_of
from market.settlement.settlement import Account, net_payment_cny
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.realised import RealPlan, realised_day


@dataclass(frozen=True, slots=True)
class DayResult:
    """A day that was run. broken_laws : those of settlement that it does not obey"""

    outcome: MarketOutcome
    broken_laws: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pasts:
    """How each VPP begins a day: in the market, and alone with the grid."""

    states: Mapping[str, PlantState]
    alone: Mapping[str, PlantState]

    @classmethod
    def after(cls, scenario: Scenario, record: DayRecord | None) -> Pasts:
        """Those after a day, or before the first."""
        if record is not None:
            return cls(record.states, record.alone)
        first = {vpp.id: state_of(vpp) for vpp in scenario.vpps}
        return cls(first, first)


@dataclass(frozen=True, slots=True)
class _PlantEnd:
    """How a plant's day ended. plan : as it was made · trade_cny : what was paid for trade in the kept periods

    real : what became of the plan; None where nothing is told of reality
    """

    vpp: Vpp
    plan: DispatchPlan
    trade_cny: float
    real: RealPlan | None

    @property
    def ended(self) -> DispatchPlan:
        """What the next day goes on from."""
        return self.plan if self.real is None else self.real.plan


@dataclass(frozen=True, slots=True)
class _EndOfAll:
    """The days of all plants, with the market or without it. kept : how many periods count"""

    public: PublicRules
    kept: int
    ends: Sequence[_PlantEnd]

    def accounts(self) -> tuple[Account, ...]:
        """As planned."""
        return tuple(kept_account(end.vpp, self.public, end.plan, self.kept, end.trade_cny) for end in self.ends)

    def real(self) -> KeptReality | None:
        """In reality; None where nothing is told of it."""
        metered = {end.vpp.id: end.real.metered for end in self.ends if end.real is not None}
        rules = self.public.imbalance
        if rules is None:
            return None
        prices = {end.vpp.id: imbalance_prices(rules, tariff_of(end.vpp, self.public)) for end in self.ends}
        bills = [stretch(bill, range(self.kept)) for bill in bills_of(metered, prices, self.public)]
        return KeptReality(
            accounts=tuple(self._real_account(end, bill) for end, bill in zip(self.ends, bills, strict=True)),
            short_mwh={bill.vpp: bill.short_mwh for bill in bills},
            long_mwh={bill.vpp: bill.long_mwh for bill in bills},
            missed_mwh={bill.vpp: bill.missed_mwh for bill in bills},
            stored_mwh={end.vpp.id: stored_mwh(end.vpp, end.ended, self.kept) for end in self.ends},
        )

    def _real_account(self, end: _PlantEnd, bill: ImbalanceBill) -> Account:
        return kept_real_account(end.vpp, self.public, end.plan, end.ended, bill, end.trade_cny)

    def stored_mwh(self) -> dict[str, float]:
        """What each plant's stores were planned to hold in the end."""
        return {end.vpp.id: stored_mwh(end.vpp, end.plan, self.kept) for end in self.ends}

    def states(self) -> dict[str, PlantState]:
        """What each plant brings into the next day: in reality, where that is told."""
        return {end.vpp.id: state_after(end.vpp, self.public, end.ended, self.kept) for end in self.ends}


def record_of(
    whole: Scenario, scenario: Scenario, window: PlanWindow, pasts: Pasts, result: DayResult
) -> DayRecord:
    """What is kept of a day. whole : the scenario of all days · scenario : what was planned in the window

    RunError where a VPP had no part in its end. DispatchError where one that goes on alone has no day.
    """
    periods = result.outcome.periods[: window.kept]
    days = {own.declaration.vpp: own for own in result.outcome.days}
    if lost := [vpp.id for vpp in scenario.vpps if vpp.id not in days]:
        raise RunError(f"{', '.join(lost)} had no part in the end; days go on only with everybody")
    public, trading, others = scenario.public, [], []
    for vpp in scenario.vpps:
        day = days[vpp.id]
        trading.append(_in_the_market(vpp, day, net_payment_cny(vpp.id, periods)))
        same = pasts.alone[vpp.id] == pasts.states[vpp.id]
        others.append(_as_planned_alone(vpp, day) if same else _alone(whole, vpp.id, public, window, pasts))
    game, grid_only = (_EndOfAll(public, window.kept, ends) for ends in (trading, others))
    verdict, epsilon_cny = ending(periods)
    traded_mw, price = traded_of(periods)
    return DayRecord(
        number=window.number,
        first=window.first,
        kept=window.kept,
        verdict=verdict,
        epsilon_cny=epsilon_cny,
        broken_laws=result.broken_laws,
        game=game.accounts(),
        grid_only=grid_only.accounts(),
        stored_mwh=game.stored_mwh(),
        stored_alone_mwh=grid_only.stored_mwh(),
        verdicts=tuple(period.verdict for period in periods),
        traded_mw=traded_mw,
        price_cny_per_mwh=price,
        states=game.states(),
        alone=grid_only.states(),
        digest=scenario.digest,
        game_real=game.real(),
        grid_only_real=grid_only.real(),
    )


def _in_the_market(vpp: Vpp, day: VppDay, trade_cny: float) -> _PlantEnd:
    reality: Reality | None = day.reality
    real = None if reality is None else RealPlan(_shown(vpp.id, reality.after_plan), reality.after)
    return _PlantEnd(vpp, _shown(vpp.id, day.after), trade_cny, real)


def _as_planned_alone(vpp: Vpp, day: VppDay) -> _PlantEnd:
    """Alone with the grid, from where it has come to with the market as well."""
    reality: Reality | None = day.reality
    real = None if reality is None else RealPlan(_shown(vpp.id, reality.before_plan), reality.before)
    return _PlantEnd(vpp, _shown(vpp.id, day.before), 0.0, real)


def _alone(whole: Scenario, name: str, public: PublicRules, window: PlanWindow, pasts: Pasts) -> _PlantEnd:
    """Alone with the grid, from where it has come to without the market."""
    horizon, rolling = whole.public.horizon, rolling_of(whole)
    vpp = window_plant(whole.vpp(name), horizon, rolling, window, pasts.alone[name])
    plan = dispatch(vpp, public, None)
    return _PlantEnd(vpp, plan, 0.0, None if public.imbalance is None else realised_day(vpp, public, plan))


def _shown(vpp: str, plan: Any) -> DispatchPlan:
    """A plan that its owner shows: without it nobody knows what the next day begins with."""
    if isinstance(plan, DispatchPlan):
        return plan
    rule, remedy = "days go on from plans that are shown", "run it with --audit full, or audit: full"
    raise ScenarioError([Fault(rule, "a plan that is not shown", vpp, remedy)])
