"""Dispatches a day: the linear program first, binaries only where its answer needs them."""

from __future__ import annotations

import numpy as np

from market.errors import DispatchError
from market.model.plan import DirectExchange, DispatchPlan, SolveMethod
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.dispatch.day import DispatchDay, checked_day
from vpp_nodes.dispatch.explain import infeasible_day
from vpp_nodes.dispatch.linear import LpSolution, SolveStatus
from vpp_nodes.dispatch.model import Model, build_model
from vpp_nodes.dispatch.reading import Solution, broken_modes, make_plan, read_powers
from vpp_nodes.dispatch.variables import TOLERATED_SHARE, Binary, commitment_binaries


def dispatch(vpp: Vpp, public: PublicRules, direct: DirectExchange | None = None) -> DispatchPlan:
    """The cheapest day of one VPP, (1) to (13), with the direct exchange fixed (none in stage 1).

    Of all days within a millionth of the money moved of the cheapest it is, where no binaries are needed, the one
    that uses renewables and does the rest as little and as early as it can; `gap_cny` has the difference.

    The same data give the same plan and λ, whatever was solved before. λ is the dual of (6) per MWh:
    the cost of one more MWh of load, carbon included unless the mode is `none`; where the day needed
    binaries (`SolveMethod.MILP`), at their values. It is a one-sided or intermediate value at kinks.

    Raises: DispatchError for data that are not finite or do not fit, and, in the user's terms, for a day
    that cannot be dispatched.
    """
    day = checked_day(vpp, public, direct)
    binaries = commitment_binaries(vpp)
    while True:
        model = build_model(day, binaries)
        solution = _solve(day, model, binaries)
        missing = broken_modes(solution.powers) - binaries
        if not missing:
            return make_plan(day, model, solution)
        binaries |= missing


def _solve(day: DispatchDay, model: Model, binaries: frozenset[Binary]) -> Solution:
    """GLOP alone, or SCIP and then GLOP with the binaries fixed at SCIP's values."""
    program = model.program
    if not binaries:
        answer = _optimal(day, program.solve_lp(TOLERATED_SHARE), binaries)
        return _solution(day, model, answer, answer.bound, SolveMethod.LP)
    integer = _optimal(day, program.solve_milp(), binaries)
    fixed = {column: float(np.rint(integer.values[column])) for column in program.integers()}
    twin = _optimal(day, program.with_fixed(fixed).solve_lp(TOLERATED_SHARE), binaries)
    return _solution(day, model, twin, integer.bound, SolveMethod.MILP)


def _solution(day: DispatchDay, model: Model, answer: LpSolution, bound: float, method: SolveMethod) -> Solution:
    powers = read_powers(day, model, answer)
    return Solution(powers, answer.duals, answer.objective, bound, method)


def _optimal(day: DispatchDay, answer: LpSolution, binaries: frozenset[Binary]) -> LpSolution:
    """The answer, if it is optimal; DispatchError otherwise."""
    if answer.ending is SolveStatus.OPTIMAL:
        return answer
    # GLOP says ABNORMAL within 1e-6 of feasible.
    if answer.ending in (SolveStatus.INFEASIBLE, SolveStatus.ABNORMAL):
        raise infeasible_day(day, binaries, answer.ending)
    raise DispatchError(
        f"{day.vpp.id} cannot be dispatched: the solver ended as `{answer.ending}`, not optimal"
        f"{' (' + answer.detail + ')' if answer.detail else ''}; "
        "look for numbers that are much too large or limits that are crossed"
    )
