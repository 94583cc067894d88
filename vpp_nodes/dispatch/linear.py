"""A linear program with some integer columns, solved by GLOP or SCIP: the only module that calls OR-Tools.

Every solve starts from a new solver, since a kept one may stop at another of several optima, depending on what it
solved before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any

import numpy as np
from ortools.linear_solver import linear_solver_pb2 as wire
from ortools.linear_solver import pywraplp

from market.model.arrays import Array

RELATIVE_MIP_GAP = 1e-9
# On a VPP's day the dual simplex without preprocessing takes about half the time of the default. With large
# numbers it may give up on a day that has a plan; then the default is asked, and then the primal simplex as it is.
_GLOP_PARAMETERS = (
    "use_dual_simplex: true use_preprocessing: false",
    "",
    "use_preprocessing: false use_scaling: false",
)
_SCIP_PARAMETERS = "misc/catchctrlc = FALSE"  # an interrupt is for Python: else it would end as an answer
_FINER_NUDGES = (0.1, 0.01)  # where whole ones outweigh a cost that is small, but none to be tolerated


class SolveStatus(StrEnum):
    """How a solve ended, in the order of OR-Tools' status numbers.

    GLOP says INFEASIBLE of an unbounded program too: give every column that matters finite bounds.
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible but not proved optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    ABNORMAL = "abnormal"
    MODEL_INVALID = "model invalid"
    NOT_SOLVED = "not solved"


_ENDINGS = tuple(SolveStatus)


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be added: lower ≤ Σ coefficient·x."""

    lower: float
    columns: Sequence[int]
    coefficients: Sequence[float]


@dataclass(frozen=True, slots=True)
class LpSolution:
    """What a solver said. Only an OPTIMAL answer has values to be read.

    values : shape (columns,) · duals : d objective / d right-hand side, shape (rows,), empty after SCIP
    bound : proven lower bound of the objective, after GLOP the least there is
    detail : the solver's words, where it refused the program
    """

    ending: SolveStatus
    values: Array
    duals: Array
    objective: float
    bound: float
    detail: str = ""


class LinearProgram:
    """Minimise offset + Σ cost·x subject to lower ≤ A x ≤ upper and bounds on x.

    Numbers must not be NaN (see `vpp_nodes.dispatch.day`); bounds may be infinite. Among equally cheap
    answers of a continuous program the one with the least Σ nudge·x is taken.
    """

    __slots__ = ("_lower", "_model", "_nudges", "_upper")

    def __init__(self) -> None:
        self._model = wire.MPModelProto()
        self._nudges: dict[int, float] = {}
        self._lower: list[Array] = []
        self._upper: list[Array] = []

    def columns(
        self, lower: Array, upper: Array, cost: Array, *, nudge: Array | None = None, integer: bool = False
    ) -> range:
        """Add columns, one for each entry of the arrays; their numbers."""
        first = len(self._model.variable)
        add = self._model.variable.add
        for low, high, price in zip(lower.tolist(), upper.tolist(), cost.tolist(), strict=True):
            variable = add(lower_bound=low, upper_bound=high, objective_coefficient=price)
            if integer:
                variable.is_integer = True
        self._lower.append(lower)
        self._upper.append(upper)
        if nudge is not None:
            self._nudges.update(enumerate(nudge.tolist(), start=first))
        return range(first, first + len(lower))

    def row(self, lower: float, upper: float, columns: list[int], coefficients: list[float]) -> int:
        """Add the row lower ≤ Σ coefficient·x ≤ upper; its number."""
        add = self._model.constraint.add
        add(lower_bound=lower, upper_bound=upper, var_index=columns, coefficient=coefficients)
        return len(self._model.constraint) - 1

    def extend_row(self, row: int, column: int, coefficient: float) -> None:
        """Let one more column take part in a row."""
        self._model.constraint[row].var_index.append(column)
        self._model.constraint[row].coefficient.append(coefficient)

    def offset(self, cost: float) -> None:
        """Add a constant to the objective."""
        self._model.objective_offset += cost

    def without_costs(self) -> LinearProgram:
        """A copy in which nothing costs anything."""
        copy = self._copy()
        copy._nudges.clear()
        copy._model.objective_offset = 0.0
        for variable in copy._model.variable:
            variable.objective_coefficient = 0.0
        return copy

    def with_fixed(self, values: Mapping[int, float]) -> LinearProgram:
        """A copy in which some columns are fixed and continuous: the twin that has duals."""
        copy = self._copy()
        for column, value in values.items():
            variable = copy._model.variable[column]
            variable.lower_bound = variable.upper_bound = value
            variable.is_integer = False
        return copy

    def priced(self, columns: range, cost: Array) -> LinearProgram:
        """A copy in which these columns cost something else."""
        copy = self._copy()
        for column, price in zip(columns, cost.tolist(), strict=True):
            copy._model.variable[column].objective_coefficient = price
        return copy

    def relaxed(self) -> LinearProgram:
        """A copy in which integer columns may take any value between their bounds."""
        copy = self._copy()
        for variable in copy._model.variable:
            variable.is_integer = False
        return copy

    def integers(self) -> list[int]:
        """Numbers of the integer columns."""
        return [n for n, variable in enumerate(self._model.variable) if variable.is_integer]

    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the columns as they were added, each of shape (columns,)."""
        return np.concatenate(self._lower), np.concatenate(self._upper)

    def price_of_all(self) -> float:
        """What one of each column would cost, prices below 0 counted as if above."""
        return math.fsum(abs(variable.objective_coefficient) for variable in self._model.variable)

    def message(self) -> Any:
        """A copy of the program as OR-Tools' own `MPModelProto`, for others to compare with."""
        return self._copy()._model

    def solve_lp(self, tolerated_share: float = 0.0) -> LpSolution:
        """The continuous program by GLOP, with duals.

        It is solved with the nudges added to the costs; then the costs are put right and the solver goes on
        from where it stands: duals and bound are those of the true costs, and so are the values, unless the
        first answer costs no more than the tolerated share of the money moved above the cheapest, or else one
        with finer nudges does. So ties are broken, and with a share above 0 all but equal costs decide nothing
        either.
        """
        nudged = self._copy()
        variables = nudged._model.variable
        for column, nudge in self._nudges.items():
            variables[column].objective_coefficient += nudge
        for parameters in _GLOP_PARAMETERS:
            answer = self._solve_nudged(nudged, parameters, tolerated_share)
            if answer.ending in (SolveStatus.OPTIMAL, SolveStatus.MODEL_INVALID):
                break
        return answer

    def solve_plain(self) -> LpSolution:
        """The continuous program without nudges: for its bound or its cost, whichever answer it is."""
        return self.solve_with_cuts(lambda answer: ())

    def solve_with_cuts(self, cuts: Callable[[LpSolution], Sequence[Row]]) -> LpSolution:
        """The continuous program, to which rows are added after each answer until `cuts` has none for it.

        The solver goes on from where it stands; nudges are left out. Meant for programs with one answer only.
        """
        for parameters in _GLOP_PARAMETERS:
            solver = pywraplp.Solver("", pywraplp.Solver.GLOP_LINEAR_PROGRAMMING)
            solver.SetSolverSpecificParametersAsString(parameters)
            answer = self._solve(solver)
            variables = solver.variables()
            while answer.ending is SolveStatus.OPTIMAL and (rows := cuts(answer)):
                for row in rows:
                    added = solver.Constraint(row.lower, solver.infinity())
                    for column, coefficient in zip(row.columns, row.coefficients, strict=True):
                        added.SetCoefficient(variables[column], coefficient)
                answer = _run(solver)
            if answer.ending in (SolveStatus.OPTIMAL, SolveStatus.MODEL_INVALID):
                break
        return answer

    def _solve_nudged(self, nudged: LinearProgram, parameters: str, tolerated_share: float) -> LpSolution:
        solver = pywraplp.Solver("", pywraplp.Solver.GLOP_LINEAR_PROGRAMMING)
        solver.SetSolverSpecificParametersAsString(parameters)
        answer = nudged._solve(solver)
        if answer.ending is not SolveStatus.OPTIMAL or not self._nudges:
            return answer
        cheapest = self._solve_on(solver, 0.0)
        if cheapest.ending is not SolveStatus.OPTIMAL or not tolerated_share:
            return cheapest
        costs = np.array([variable.objective_coefficient for variable in self._model.variable])
        tolerated = tolerated_share * float(np.abs(costs * cheapest.values).sum())
        for preferred in chain([answer], (self._solve_on(solver, part) for part in _FINER_NUDGES)):
            if preferred.ending is not SolveStatus.OPTIMAL:
                break
            above = float(costs @ (preferred.values - cheapest.values))
            if above <= tolerated:
                return replace(cheapest, values=preferred.values, objective=cheapest.objective + above)
        return cheapest

    def _solve_on(self, solver: Any, part: float) -> LpSolution:
        """With so much of the nudges, from where the solver stands."""
        variables, set_cost, own = solver.variables(), solver.Objective().SetCoefficient, self._model.variable
        for column, nudge in self._nudges.items():
            set_cost(variables[column], own[column].objective_coefficient + part * nudge)
        return _run(solver)

    def solve_milp(self) -> LpSolution:
        """The program with its integer columns by SCIP, to a proven relative gap of 1e-9; no duals, no nudges."""
        solver = pywraplp.Solver("", pywraplp.Solver.SCIP_MIXED_INTEGER_PROGRAMMING)
        solver.SetSolverSpecificParametersAsString(_SCIP_PARAMETERS)
        return self._solve(solver)

    def _copy(self) -> LinearProgram:
        copy = LinearProgram()
        copy._model.CopyFrom(self._model)
        copy._nudges.update(self._nudges)
        copy._lower, copy._upper = list(self._lower), list(self._upper)
        return copy

    def _solve(self, solver: Any) -> LpSolution:
        refusal = solver.LoadModelFromProto(self._model)
        if refusal:
            nothing = np.empty(0)
            return LpSolution(SolveStatus.MODEL_INVALID, nothing, nothing, np.nan, np.nan, refusal)
        return _run(solver)


def _run(solver: Any) -> LpSolution:
    status = _ended_aside(solver) if solver.IsMip() else _ended(solver)
    response = wire.MPSolutionResponse()
    solver.FillSolutionResponseProto(response)
    return LpSolution(
        ending=_ENDINGS[status],
        values=np.array(response.variable_value),
        duals=np.array(response.dual_value),
        objective=response.objective_value,
        bound=response.best_objective_bound if solver.IsMip() else response.objective_value,
    )


def _ended(solver: Any) -> Any:
    parameters = pywraplp.MPSolverParameters()
    parameters.SetDoubleParam(parameters.RELATIVE_MIP_GAP, RELATIVE_MIP_GAP)
    return solver.Solve(parameters)


def _ended_aside(solver: Any) -> Any:
    """The same in a thread of its own, so that an interrupt ends a long search here and now."""
    with ThreadPoolExecutor(1) as aside:
        search = aside.submit(_ended, solver)
        try:
            return search.result()
        except BaseException:
            solver.InterruptSolve()
            raise
