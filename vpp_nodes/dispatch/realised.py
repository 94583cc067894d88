"""The day of one VPP as it becomes real: its trade and its schedule with the grid are fixed, all else is open.

It is the day of `model` with what is realised in place of what was expected. Its exchange with the grid costs
nothing there: what was scheduled is paid already, and what differs is settled as imbalance, (M17).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from market.costs.carbon import grid_emission_t_per_mwh
from market.costs.costs import exchange_cny, tariff_of
from market.costs.imbalance import ImbalancePrices, deviation_price, imbalance_cny, imbalance_prices
from market.costs.reservoir import with_reachable_end
from market.errors import DispatchError
from market.model.arrays import Array, frozen
from market.model.assets import Hydro
from market.model.disclosure import Disclosure
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.reality import MeteredDay, Reality, as_realised, has_reality
from market.model.rules import CarbonMode, OwnTariff, Tariff
from market.model.unit_limits import supply_sum_mw, use_sum_mw
from market.model.vpp import UnitKind, Vpp
from market.settlement.settlement import quota_in_t
from vpp_nodes.dispatch.columns import nudge_cny_per_mwh
from vpp_nodes.dispatch.day import DispatchDay, checked_day
from vpp_nodes.dispatch.explain import infeasible_day, least_miss
from vpp_nodes.dispatch.linear import LpSolution, SolveStatus
from vpp_nodes.dispatch.model import Model, build_model
from vpp_nodes.dispatch.open_day import solve_program
from vpp_nodes.dispatch.reading import Solution, broken_modes, make_plan, read_powers
from vpp_nodes.dispatch.repair import Powers
from vpp_nodes.dispatch.variables import TOLERATED_SHARE, Binary, buy_limit_mw, commitment_binaries, sell_limit_mw

_DUST_MW = 1e-6  # of what is missed: a solver's tolerance
_SNAP_MW = 1e-9
_NUDGE = 10.0  # in nudges of a day: of equally cheap days the one that deviates least


@dataclass(frozen=True, slots=True)
class RealDay(DispatchDay):
    """A day in reality. missed_mw : load that is not served, below 0 power that goes nowhere, shape (periods,)"""

    missed_mw: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def net_load_mw(self) -> Array:
        return self.vpp.total_load_mw + self.direct.out_mw - self.direct.in_mw - self.missed_mw


@dataclass(frozen=True, slots=True)
class RealPlan:
    """A day in reality: the plan that was made of it, and what is metered.

    The plan's costs are those of its powers and of what was scheduled with the grid; imbalance is not in them, but
    in its objective.
    """

    plan: DispatchPlan
    metered: MeteredDay


def reality_of(vpp: Vpp, public: PublicRules, before: DispatchPlan, after: DispatchPlan) -> Reality:
    """What becomes in reality of a VPP's plan without trade and of the one with it.

    Raises: DispatchError as `dispatch` does.
    """
    alone, trading = realised_day(vpp, public, before), realised_day(vpp, public, after)
    return Reality(alone.metered, trading.metered, alone.plan, trading.plan).shown(Disclosure.FULL)


def realised_day(vpp: Vpp, public: PublicRules, plan: DispatchPlan) -> RealPlan:
    """The cheapest day that a VPP with this plan can still have in reality.

    Where all comes as expected that is the plan itself, (M17). Raises: DispatchError as `dispatch` does.
    """
    if not has_reality(vpp, _real_periods(public)):
        nothing = frozen(np.zeros(public.horizon.periods))
        scheduled = _scheduled_mw(plan)
        return RealPlan(plan, MeteredDay(scheduled, scheduled, nothing))
    return replanned(vpp, public, plan)


def replanned(vpp: Vpp, public: PublicRules, plan: DispatchPlan) -> RealPlan:
    """The same by a program of its own, whatever is realised.

        min F(x) + Δt Σ_t (β⁺ short − β⁻ long)   buy − sell = schedule + short − long

    The whole day is known as it becomes real. Trade stays; units are started and stopped anew; a reservoir ends no
    higher than its inflow allows. Where no day is left, as little as can be is missed of (6): load is not served,
    or power goes nowhere.
    """
    assert public.imbalance is not None
    prices = imbalance_prices(public.imbalance, tariff_of(vpp, public))
    question = _Question(_day(vpp, public, plan), _scheduled_mw(plan), prices)
    solved = _solved(question)
    settled = replace(question, day=replace(question.day, missed_mw=solved.missed_mw))
    return _told(vpp, public, plan, settled, make_plan(settled.day, solved.model, solved.solution))


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked: the day in reality, what was scheduled with the grid, and what deviations cost."""

    day: RealDay
    schedule_mw: Array
    prices: ImbalancePrices


@dataclass(frozen=True, slots=True)
class _Solved:
    model: Model
    solution: Solution
    missed_mw: Array


class _NoDay(Exception):
    """No day keeps (6) in every period."""


def _solved(question: _Question) -> _Solved:
    """The cheapest day among those that miss (6) by as little as can be, which mostly is nothing."""
    day, missed_mw, binaries = question.day, 0.0, commitment_binaries(question.day.vpp)
    while True:
        real = _real_model(question, binaries, missed_mw)
        try:
            answer, bound, method = solve_program(
                real.model.program, bool(binaries), partial(_refusal, day), TOLERATED_SHARE
            )
        except _NoDay:
            missed_mw = _least_missed_mw(day, binaries, missed_mw)
            continue
        powers = _netted(day, read_powers(day, real.model, answer))
        missing = broken_modes(powers) - binaries
        if not missing:
            break
        binaries |= missing
    beside = float(sum(price * answer.values[column] for column, price in real.prices.items()))
    solution = Solution(powers, answer.duals, answer.objective - beside, bound - beside, method)
    return _Solved(real.model, solution, real.missed_mw(answer))


def _least_missed_mw(day: RealDay, binaries: Collection[Binary], tried_mw: float) -> float:
    """By how much (6) has to be missed in all, with a little room; DispatchError where that is not the trouble."""
    miss = least_miss(day, binaries)
    least = _DUST_MW if miss is None else miss.sum_mw * (1.0 + _DUST_MW) + _DUST_MW
    if miss is None or least <= tried_mw:
        raise infeasible_day(day, binaries, SolveStatus.INFEASIBLE)
    return least


def _refusal(day: DispatchDay, answer: LpSolution) -> Exception:
    # GLOP says ABNORMAL within 1e-6 of feasible.
    if answer.ending in (SolveStatus.INFEASIBLE, SolveStatus.ABNORMAL):
        return _NoDay()
    return DispatchError(
        f"{day.vpp.id} cannot be dispatched in reality: the solver ended as `{answer.ending}`, not optimal; look "
        "for numbers that are much too large in what is realised"
    )


def _day(vpp: Vpp, public: PublicRules, plan: DispatchPlan) -> RealDay:
    """The day as realised, with the trade of the plan, and without a price of exchange with the grid."""
    nothing = np.zeros(public.horizon.periods)
    free = OwnTariff("", Tariff(nothing, nothing))
    quota_t = quota_in_t(plan.direct_in_mw, plan.direct_out_mw, public)
    direct = DirectExchange(plan.direct_in_mw, plan.direct_out_mw, quota_t)
    day = checked_day(replace(as_realised(vpp, _real_periods(public)), tariff=free), public, direct)
    return RealDay(_with_reachable_ends(day), public, direct, nothing)


def _with_reachable_ends(day: DispatchDay) -> Vpp:
    """The plant, its reservoirs ending no higher than they can come."""
    vpp, changed = day.vpp, []
    for unit in vpp.units:
        if isinstance(unit.asset, Hydro):
            unit = replace(unit, asset=with_reachable_end(unit.asset, day.period_h))
        changed.append(unit)
    return replace(vpp, units=tuple(changed))


@dataclass(frozen=True, slots=True)
class _RealModel:
    """The program of a day in reality, and its columns beside those of `Model`."""

    model: Model
    unserved: range
    spilt: range
    prices: dict[int, float]

    def missed_mw(self, answer: LpSolution) -> Array:
        """What is not served, less what goes nowhere."""
        missed = answer.values[_of(self.unserved)] - answer.values[_of(self.spilt)]
        return frozen(np.where(np.abs(missed) <= _DUST_MW, 0.0, missed))


def _of(run: range) -> slice:
    return slice(run.start, run.stop)


def _real_model(question: _Question, binaries: Collection[Binary], missed_mw: float) -> _RealModel:
    """The program of `model`, with deviations from the schedule, and with what is missed of (6).

    missed_mw : how much in all
    """
    day, schedule, prices = question.day, question.schedule_mw, question.prices
    model, hours, nothing = build_model(day, binaries), day.period_h, day.filled(0.0)
    program, run = model.program, model.variables
    room, nudge = np.abs(schedule) + 1.0, day.filled(_NUDGE * nudge_cny_per_mwh(day) * hours)
    most_short, most_long = buy_limit_mw(day) + room, sell_limit_mw(day) + room
    short = program.columns(nothing, most_short, prices.short_cny_per_mwh * hours, nudge=nudge)
    long = program.columns(nothing, most_long, -prices.long_cny_per_mwh * hours, nudge=nudge)
    kinds = tuple(UnitKind)
    most = np.abs(day.net_load_mw) + supply_sum_mw(day.vpp, kinds) + use_sum_mw(day.vpp, kinds) + 1.0
    most = nothing if missed_mw == 0.0 else most
    cost = prices.missed_cny_per_mwh * hours
    unserved, spilt = (program.columns(nothing, most, day.filled(cost)) for _ in range(2))
    for t, row in enumerate(model.balance_rows):
        columns = [run.buy[t], run.sell[t], short[t], long[t]]
        program.row(float(schedule[t]), float(schedule[t]), columns, [1.0, -1.0, -1.0, 1.0])
        program.extend_row(row, unserved[t], 1.0)
        program.extend_row(row, spilt[t], -1.0)
    if missed_mw:
        program.row(0.0, missed_mw, [*unserved, *spilt], [1.0] * (2 * day.periods))
    each = ((short, prices.short_cny_per_mwh), (long, -prices.long_cny_per_mwh))
    costs = {column: float(price[t]) * hours for columns, price in each for t, column in enumerate(columns)}
    return _RealModel(model, unserved, spilt, costs | dict.fromkeys((*unserved, *spilt), cost))


def _netted(day: DispatchDay, powers: Powers) -> Powers:
    """The same without what is bought and sold at once, which nobody is paid for where it emits no less."""
    carbon = day.public.carbon
    excess = grid_emission_t_per_mwh(carbon, day.periods) - carbon.grid_quota_t_per_mwh
    if carbon.mode is not CarbonMode.NONE and excess.min() < 0.0:
        return powers
    both = np.minimum(powers.buy_mw, powers.sell_mw)
    return replace(powers, buy_mw=frozen(powers.buy_mw - both), sell_mw=frozen(powers.sell_mw - both))


def _told(vpp: Vpp, public: PublicRules, plan: DispatchPlan, question: _Question, made: DispatchPlan) -> RealPlan:
    """The plan with its scheduled exchange paid, and what is metered of it."""
    hours, tariff, scheduled = public.horizon.period_h, tariff_of(vpp, public), question.schedule_mw
    prices, missed_mw = question.prices, question.day.missed_mw
    realised = made.buy_mw - made.sell_mw
    realised = frozen(np.where(np.abs(realised - scheduled) <= _SNAP_MW, scheduled, realised))
    metered = MeteredDay(scheduled, realised, missed_mw)
    paid = exchange_cny(tariff, plan.buy_mw, plan.sell_mw) * hours
    costs = replace(made.costs, grid_cny=made.costs.grid_cny + paid)
    deviation = metered.deviation_mw
    beside = float(imbalance_cny(deviation_price(prices, deviation), deviation, hours).sum())
    beside += prices.missed_cny_per_mwh * float(np.abs(missed_mw).sum()) * hours
    return RealPlan(replace(made, costs=costs, objective_cny=made.objective_cny + paid + beside), metered)


def _real_periods(public: PublicRules) -> int | None:
    """How many periods become real; None for all."""
    return None if public.imbalance is None else public.imbalance.settled_periods


def _scheduled_mw(plan: DispatchPlan) -> Array:
    """Net exchange with the grid, above 0 where it takes, shape (periods,)."""
    return frozen(plan.buy_mw - plan.sell_mw)
