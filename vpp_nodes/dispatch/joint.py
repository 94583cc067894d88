"""The cooperative optimum: one dispatch of all VPPs at once, which exchange energy freely among themselves.

It is the yardstick of a market: nobody's private interest is in it, nor any price between VPPs, and every trade
that a market can arrange is among its plans.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np

from market.errors import DispatchError
from market.model.arrays import Array, frozen
from market.model.plan import DispatchPlan, SolveMethod
from market.model.public import PublicRules
from market.model.rules import CarbonMode
from market.model.vpp import Vpp
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.free_exchange import FreeDay, net_exchange_11
from vpp_nodes.dispatch.linear import LinearProgram, LpSolution
from vpp_nodes.dispatch.model import Model, build_model
from vpp_nodes.dispatch.open_day import (
    direct_of,
    movable_mw,
    open_day,
    solve_program,
)
from vpp_nodes.dispatch.reading import Solution, bill, broken_modes, make_plan, read_powers
from vpp_nodes.dispatch.repair import Powers
from vpp_nodes.dispatch.variables import Binary, commitment_binaries

_COST_TOLERANCE = 1e-6  # of the money moved


@dataclass(frozen=True, slots=True)
class JointPlan:
    """The plans of all VPPs, in their order. Their totals add up to `total_cny`, exchange costs nothing.

    gap_cny : how far from optimal it may be · method : of the one programme
    price_cny_per_mwh : duals π of the balances Σ_k dir_kt = 0, shape (periods,): at them each VPP by itself would
    exchange as it does here, where nothing is switched on or off
    """

    plans: tuple[DispatchPlan, ...]
    total_cny: float
    gap_cny: float
    method: SolveMethod
    price_cny_per_mwh: Array


@dataclass(frozen=True, slots=True)
class _JointModel:
    """One programme; `net_in` has a run of columns for each VPP, its net direct exchange, + where it takes.

    balances : the row of each period in which all of it adds up to 0
    """

    program: LinearProgram
    models: tuple[Model, ...]
    net_in: tuple[range, ...]
    balances: tuple[int, ...]


def joint_dispatch(vpps: Sequence[Vpp], public: PublicRules) -> JointPlan:
    """The day that is cheapest for all together: (1) to (13) of every VPP and Σ_k dir_kt = 0 in each period.

    Carbon is billed to each VPP by itself, as ever. In mode `none`, where a VPP leaves the bill out of its own
    objective, the steps of (3) are minimised all the same, so that nothing billed is cheaper than this.
    Never dearer than any market's day: its plans, with what it delivered, are among those compared.
    Raises: DispatchError for data that are not finite or do not fit, and where the system has no plan.
    """
    if public.carbon.mode is CarbonMode.NONE:
        public = replace(public, carbon=replace(public.carbon, mode=CarbonMode.STEPPED))
    days = _free_days(vpps, public)
    binaries = [commitment_binaries(vpp) for vpp in vpps]
    while True:
        model = _build(days, binaries)
        answer, bound, method = solve_program(model.program, any(binaries), _refusal)
        powers = [read_powers(day, part, answer) for day, part in zip(days, model.models, strict=True)]
        missing = [broken_modes(power) - own for power, own in zip(powers, binaries, strict=True)]
        if not any(missing):
            return _joint_plan(days, model, answer, bound, method)
        binaries = [own | more for own, more in zip(binaries, missing, strict=True)]


def _free_days(vpps: Sequence[Vpp], public: PublicRules) -> list[FreeDay]:
    """Every VPP's day; limits of exchange that are infinite give way to what the system could move at all."""
    movable = movable_mw(vpps, public.horizon.periods)
    return [open_day(vpp, public, movable, movable) for vpp in vpps]


def _build(days: Sequence[FreeDay], binaries: Sequence[Collection[Binary]]) -> _JointModel:
    program = LinearProgram()
    models = tuple(build_model(day, kinds, program) for day, kinds in zip(days, binaries, strict=True))
    net_in = tuple(net_exchange_11(program, day, model) for day, model in zip(days, models, strict=True))
    periods = days[0].periods if days else 0
    balances = [program.row(0.0, 0.0, [run[t] for run in net_in], [1.0] * len(net_in)) for t in range(periods)]
    return _JointModel(program, models, net_in, tuple(balances))


def _refusal(answer: LpSolution) -> DispatchError:
    return DispatchError(
        f"the VPPs cannot be dispatched together: the solver ended as `{answer.ending}`; "
        "see that each VPP has a plan of its own (`vppmarket run --in-process`)"
    )


def _joint_plan(
    days: Sequence[FreeDay], model: _JointModel, answer: LpSolution, bound: float, method: SolveMethod
) -> JointPlan:
    plans = []
    for day, part, run in zip(days, model.models, model.net_in, strict=True):
        settled = replace(day, direct=direct_of(day, answer.values[run.start : run.stop]))
        powers = read_powers(day, part, answer)
        cost_cny = _cost_cny(settled, powers)
        plans.append(make_plan(settled, part, Solution(powers, answer.duals, cost_cny, cost_cny, method)))
    total = fsum(plan.costs.total_cny for plan in plans)
    _check_cost(total, answer.objective, plans)
    prices = -answer.duals[np.array(model.balances, dtype=np.intp)] / (days[0].period_h if days else 1.0)
    return JointPlan(tuple(plans), total, max(total - bound, 0.0), method, frozen(prices))


def _cost_cny(day: DispatchDay, powers: Powers) -> float:
    return bill(day, powers)[1].total_cny


def _check_cost(total_cny: float, minimised_cny: float, plans: Sequence[DispatchPlan]) -> None:
    """Refuse plans whose cost is not the one minimised (the check of one VPP's plan, for all together)."""
    moved = fsum(abs(plan.costs.operation_cny) + abs(plan.costs.carbon_cny) for plan in plans)
    if abs(total_cny - minimised_cny) > _COST_TOLERANCE * (1.0 + moved):
        raise DispatchError(
            f"the VPPs cannot be dispatched together: their plans cost {total_cny:.6g} CNY, but "
            f"{minimised_cny:.6g} CNY were minimised; costs must be convex, see each VPP's own dispatch"
        )
