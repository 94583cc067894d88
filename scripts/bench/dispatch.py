"""Measures one VPP's dispatch against bare GLOP on the same matrix, as ratios within one run.

    python scripts/bench/dispatch.py [--repeats N]

Rows are timed in turn, round after round, so that a slow moment of the machine falls on all of them.
`bare re-solve` keeps one solver and changes all loads; its answers depend on what it solved before, which is
why dispatch rebuilds. Times are medians over all VPPs of the built-in case.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

from market.model.public import PublicRules
from market.model.vpp import Vpp
from market.scenario import load_scenario
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.day import checked_day
from vpp_nodes.dispatch.model import build_model

Work = dict[str, Callable[[], object]]


class BareGlop:
    """The day's matrix in pywraplp's usual interface, without anything of ours."""

    def __init__(self, message: Any, balance_rows: tuple[int, ...]) -> None:
        self.message, self.balance_rows = message, balance_rows
        self.kept = self.built()
        self.kept.Solve()
        self.rows = self.kept.constraints()
        self.loads_mw = np.array([message.constraint[row].lower_bound for row in balance_rows])
        self.random = np.random.default_rng(0)

    def built(self) -> Any:
        solver = pywraplp.Solver("", pywraplp.Solver.GLOP_LINEAR_PROGRAMMING)
        columns = [solver.NumVar(v.lower_bound, v.upper_bound, "") for v in self.message.variable]
        objective = solver.Objective()
        for column, variable in zip(columns, self.message.variable, strict=True):
            objective.SetCoefficient(column, variable.objective_coefficient)
        for constraint in self.message.constraint:
            row = solver.Constraint(constraint.lower_bound, constraint.upper_bound)
            for number, coefficient in zip(constraint.var_index, constraint.coefficient, strict=True):
                row.SetCoefficient(columns[number], coefficient)
        return solver

    def rebuild(self) -> None:
        solver = self.built()
        solver.Solve()
        _ = [column.solution_value() for column in solver.variables()]

    def drawn_loads(self) -> list[float]:
        factors = self.random.uniform(0.99, 1.01, len(self.loads_mw))
        return [float(load) for load in self.loads_mw * factors]

    def re_solve(self) -> None:
        """Other loads, within 1 %, in the kept solver."""
        for load, number in zip(self.drawn_loads(), self.balance_rows, strict=True):
            self.rows[number].SetBounds(load, load)
        self.kept.Solve()
        _ = [column.solution_value() for column in self.kept.variables()]


def work(vpp: Vpp, public: PublicRules) -> Work:
    """What is timed for one VPP, by the name of its row."""
    day = checked_day(vpp, public, None)
    model = build_model(day)
    bare = BareGlop(model.program.message(), model.balance_rows)
    rows: Work = {
        "bare re-solve": bare.re_solve,
        "bare rebuild and solve": bare.rebuild,
        "dispatch": lambda: dispatch(vpp, public),
        "  of which checking the data": lambda: checked_day(vpp, public, None),
        "  of which building": lambda: build_model(day),
        "  of which solving": model.program.solve_lp,
    }
    if vpp.mt is not None:
        unit = replace(vpp.mt, commitment=True, p_min_mw=0.3 * vpp.mt.p_max_mw, cost_on_cny_per_h=50.0)
        committed = replace(vpp, mt=unit)
        rows["dispatch with commitment (SCIP)"] = lambda: dispatch(committed, public)
    return rows


def milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=40, help="rounds over all VPPs (default 40)")
    repeats = parser.parse_args().repeats
    scenario = load_scenario("five_vpp")
    works = [work(vpp, scenario.public) for vpp in scenario.vpps]
    times: dict[str, list[float]] = {name: [] for name in works[0]}
    for _ in range(repeats):
        for rows in works:
            for name, action in rows.items():
                times[name].append(milliseconds(action))
    medians = {name: statistics.median(values) for name, values in times.items()}
    unit = medians["bare re-solve"]
    print(f"{scenario.name}: {scenario.public.horizon.periods} periods, median of {repeats * len(works)} solves")
    print(f"{'':34}{'ms':>8}{'x re-solve':>12}")
    for name, value in medians.items():
        print(f"{name:34}{value:8.2f}{value / unit:12.1f}")


if __name__ == "__main__":
    main()
