"""The day of one VPP whose direct exchange is still open: its limits, its columns, its solves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from market.coordination.coupling import OpenTrade
from market.errors import DispatchError
from market.model.arrays import Array, frozen
from market.model.plan import DirectExchange, DispatchPlan, SolveMethod
from market.model.public import PublicRules
from market.model.unit_limits import LATER_KINDS, RENEWABLES, supply_sum_mw, use_sum_mw
from market.model.vpp import UnitKind, Vpp
from vpp_nodes.dispatch.day import DispatchDay, checked_day
from vpp_nodes.dispatch.free_exchange import FreeDay, net_exchange_11
from vpp_nodes.dispatch.linear import LinearProgram, LpSolution, SolveStatus
from vpp_nodes.dispatch.model import Model, build_model
from vpp_nodes.dispatch.reading import Solution, broken_modes, make_plan, read_powers
from vpp_nodes.dispatch.variables import TOLERATED_SHARE, Binary, commitment_binaries


@dataclass(frozen=True, slots=True)
class ExchangeOption:
    """What a VPP may exchange with others: up to these powers, MW, at these prices; shape (periods,) each.

    Whoever takes pays the price, whoever gives earns it.
    """

    most_in_mw: Array
    most_out_mw: Array
    price_cny_per_mwh: Array


def option_of(left_open: OpenTrade) -> ExchangeOption:
    """What the end of a game leaves open, as what may be exchanged."""
    return ExchangeOption(left_open.most_in_mw, left_open.most_out_mw, left_open.price_cny_per_mwh)


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """The cheapest day with an option. cost_cny : its objective and what it pays for its exchange

    net_in_mw : what it takes, less what it gives, shape (periods,) · bound_cny : no day costs less
    """

    plan: DispatchPlan
    net_in_mw: Array
    cost_cny: float
    bound_cny: float


def open_day(vpp: Vpp, public: PublicRules, most_in_mw: Array | float, most_out_mw: Array | float) -> FreeDay:
    """The day of `vpp` with exchange up to these powers and its own limits of (11); (M21) has rows of its own."""
    day = checked_day(vpp, public, None)
    limits = vpp.exchange
    return FreeDay(
        vpp,
        public,
        day.direct,
        day.filled(0.0) + np.minimum(limits.direct_in_max_mw, most_in_mw),
        day.filled(0.0) + np.minimum(limits.direct_out_max_mw, most_out_mw),
    )


def movable_mw(vpps: Sequence[Vpp], periods: int) -> Array:
    """All that these VPPs can make or use in a period, shape (periods,): it stands in for infinite limits."""
    movable = np.zeros(periods)
    for vpp in vpps:
        powers = np.abs(vpp.total_load_mw) * 2.0
        powers = powers + (np.zeros(periods) + supply_sum_mw(vpp, RENEWABLES))
        turbine = supply_sum_mw(vpp, [UnitKind.MT])
        storage = use_sum_mw(vpp, [UnitKind.ESS]) + supply_sum_mw(vpp, [UnitKind.ESS])
        storage = storage + supply_sum_mw(vpp, LATER_KINDS) + use_sum_mw(vpp, LATER_KINDS)
        limits = (vpp.exchange.grid_buy_max_mw, vpp.exchange.grid_sell_max_mw)
        movable = movable + (powers + turbine + storage + sum(limit for limit in limits if math.isfinite(limit)))
    return movable


def solve_program(
    program: LinearProgram,
    integer: bool,
    refusal: Callable[[LpSolution], Exception],
    tolerated_share: float = 0.0,
) -> tuple[LpSolution, float, SolveMethod]:
    """The answer, a proven lower bound of its cost, and how it was found; as in `vpp_nodes.dispatch.solve`."""
    if not integer:
        answer = _optimal(program.solve_lp(tolerated_share), refusal)
        return answer, answer.bound, SolveMethod.LP
    milp = _optimal(program.solve_milp(), refusal)
    fixed = {column: float(np.rint(milp.values[column])) for column in program.integers()}
    twin = program.with_fixed(fixed).solve_lp(tolerated_share)
    return _optimal(twin, refusal), milp.bound, SolveMethod.MILP


def _optimal(answer: LpSolution, refusal: Callable[[LpSolution], Exception]) -> LpSolution:
    if answer.ending is SolveStatus.OPTIMAL:
        return answer
    raise refusal(answer)


def direct_of(day: DispatchDay, net_in_mw: Array) -> DirectExchange:
    """Net exchange as what is taken and what is given, and the quota that comes along."""
    carbon = day.public.carbon
    quota_t = carbon.direct_quota_t_per_mwh * float(net_in_mw.sum()) * day.period_h
    return DirectExchange(
        frozen(np.maximum(net_in_mw, 0.0)),
        frozen(np.maximum(-net_in_mw, 0.0)),
        quota_t if carbon.credits_follow_energy else 0.0,
    )


class OpenProgram:
    """The program of a day with open exchange, built once for many prices; limits in MW, shape (periods,).

    Raises: DispatchError as `open_day` does.
    """

    def __init__(
        self, vpp: Vpp, public: PublicRules, most_in_mw: Array | float, most_out_mw: Array | float
    ) -> None:
        self.day = open_day(vpp, public, most_in_mw, most_out_mw)
        self._built: dict[frozenset[Binary], tuple[Model, range]] = {}

    def at(self, price_cny_per_mwh: Array, binaries: frozenset[Binary]) -> tuple[Model, range]:
        """The day's model with these binaries at these prices, its own copy, and the columns of net exchange."""
        if binaries not in self._built:
            built = build_model(self.day, binaries)
            self._built[binaries] = built, net_exchange_11(built.program, self.day, built)
        model, run = self._built[binaries]
        return replace(model, program=model.program.priced(run, price_cny_per_mwh * self.day.period_h)), run


def dispatch_with_option(vpp: Vpp, public: PublicRules, option: ExchangeOption) -> OpenPlan:
    """The cheapest day of one VPP that may exchange as much of an option as it likes: min F(z) + Δt Σ π z.

    Raises: DispatchError as `dispatch` does.
    """
    return cheapest_at(OpenProgram(vpp, public, option.most_in_mw, option.most_out_mw), option.price_cny_per_mwh)


def cheapest_at(opened: OpenProgram, price_cny_per_mwh: Array) -> OpenPlan:
    """The same at one of many prices."""
    day = opened.day
    model, run, (answer, bound, method) = _with_modes(opened, price_cny_per_mwh, _chosen)
    net_in = answer.values[run.start : run.stop]
    settled = replace(day, direct=direct_of(day, net_in))
    paid = float(net_in @ price_cny_per_mwh) * day.period_h
    powers = read_powers(day, model, answer)
    solution = Solution(powers, answer.duals, answer.objective - paid, bound - paid, method)
    plan = make_plan(settled, model, solution)
    return OpenPlan(plan, frozen(net_in), plan.objective_cny + paid, bound)


def least_at(opened: OpenProgram, price_cny_per_mwh: Array) -> float:
    """A proven lower bound of what the cheapest day costs at a price, CNY; which of several it is has no say."""
    return _with_modes(opened, price_cny_per_mwh, _least)[2][1]


_Solved: TypeAlias = tuple[LpSolution, float, SolveMethod]
_Solver: TypeAlias = Callable[[LinearProgram, bool, Callable[[LpSolution], Exception]], _Solved]


def _with_modes(opened: OpenProgram, price_cny_per_mwh: Array, solve: _Solver) -> tuple[Model, range, _Solved]:
    """What solves the day at a price, with those binaries that its answer would break (8) or (11) without."""
    day = opened.day
    binaries = commitment_binaries(day.vpp)
    while True:
        model, run = opened.at(price_cny_per_mwh, binaries)
        solved = solve(model.program, bool(binaries), lambda end: _refusal(day, end))
        missing = broken_modes(read_powers(day, model, solved[0])) - binaries
        if not missing:
            return model, run, solved
        binaries |= missing


def _chosen(program: LinearProgram, integer: bool, refusal: Callable[[LpSolution], Exception]) -> _Solved:
    return solve_program(program, integer, refusal, TOLERATED_SHARE)


def _least(program: LinearProgram, integer: bool, refusal: Callable[[LpSolution], Exception]) -> _Solved:
    if integer:
        answer, method = program.solve_milp(), SolveMethod.MILP
    else:
        answer, method = program.solve_plain(), SolveMethod.LP
    return _optimal(answer, refusal), answer.bound, method


def _refusal(day: FreeDay, answer: LpSolution) -> DispatchError:
    return DispatchError(
        f"{day.vpp.id} cannot be dispatched with trade as an option: the solver ended as `{answer.ending}`, not "
        "optimal; see that it has a plan without trade (`market.coupling` once)"
    )
