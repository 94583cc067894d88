"""How far sellers who learn end from the certified equilibrium: all at once, and one among best replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from market.app.learning.benchmarks import Benchmarks, benchmarks_of
from market.app.learning.environment import market_env
from market.app.learning.tabular import Learning, TabularLearner, bandit, q_learning
from market.app.learning.trading_day import planned_day
from market.app.learning.training import LearningPath, trained
from market.app.results.table import Table
from market.model.arrays import Array
from market.scenario.scenario import Scenario

STRETCHES: Final = 60
KINDS: Final[dict[str, Callable[[float], Learning]]] = {"q_learning": q_learning, "bandit": bandit}
ALL: Final = "all learn"
_EXPLORING: Final = 8  # the chance of a price at random is e^-8 in the end

PATHS: Final = (
    *("setting", "learner", "seed", "day", "vpp"),
    *("mean_price_cny_per_mwh", "profit_cny", "regret_bound_cny", "delta"),
)
ENDS: Final = (
    *("setting", "learner", "seed", "vpp", "mean_price_cny_per_mwh", "equilibrium_price_cny_per_mwh"),
    *("joint_price_cny_per_mwh", "profit_cny", "equilibrium_profit_cny", "joint_profit_cny", "regret_bound_cny"),
    "delta",
)


class SolveAllPaths(Protocol):
    """`solve_many` under a name that people are told."""

    def __call__(
        self,
        name: str,
        function: Callable[[LearningTask], LearningPath],
        items: Sequence[LearningTask],
        what: str = ...,
    ) -> list[LearningPath]: ...


@dataclass(frozen=True, slots=True)
class LearningTask:
    """One run: who learns how, from which seed, for how many days."""

    scenario: Scenario
    setting: str
    learners: tuple[str, ...]
    kind: str
    seed: int
    days: int


@dataclass(frozen=True, slots=True)
class LearningStudy:
    """The scale, and every run with what became of it."""

    scenario: Scenario
    ends: Benchmarks
    days: int
    runs: tuple[tuple[LearningTask, LearningPath], ...]


def learning_study(
    scenario: Scenario,
    learners: Sequence[str] | None,
    days: int,
    seeds: Sequence[int],
    solve_all: SolveAllPaths,
) -> LearningStudy:
    """Let both kinds of learners learn, all at once, and the first of them alone. learners : None for all sellers

    ScenarioError where nobody of that name sells, or the market is none that is learnt in.
    """
    day = planned_day(scenario)
    names = tuple(market_env([day], learners, days, processes=False, seed=0).possible_agents)
    settings = {ALL: names, **({f"{names[0]} alone": names[:1]} if len(names) > 1 else {})}
    tasks = [
        LearningTask(scenario, setting, who, kind, seed, days)
        for setting, who in settings.items()
        for kind in KINDS
        for seed in seeds
    ]
    paths = solve_all("learning", carried_out, tasks, "runs")
    return LearningStudy(scenario, benchmarks_of(day), days, tuple(zip(tasks, paths, strict=True)))


def carried_out(task: LearningTask) -> LearningPath:
    """One run."""
    env = market_env([planned_day(task.scenario)], task.learners, task.days, processes=False, seed=0)
    how = KINDS[task.kind](task.days / _EXPLORING)
    learners = {
        vpp: TabularLearner(how, int(np.random.SeedSequence([task.seed, k]).generate_state(1)[0]))
        for k, vpp in enumerate(task.learners)
    }
    return trained(env, learners, task.days, STRETCHES)


def learning_tables(study: LearningStudy) -> tuple[Table, Table]:
    """The way, a row for each stretch of days and learner; and the ends, beside both ends of the scale."""
    return (
        Table("learning", PATHS, tuple(row for run in study.runs for row in _path_rows(study, *run))),
        Table("learning_ends", ENDS, tuple(row for run in study.runs for row in _end_rows(study, *run))),
    )


def deltas(study: LearningStudy, path: LearningPath) -> list[float]:
    """Δ of all learners of a run together, in each stretch."""
    return [study.ends.delta(dict(zip(path.learners, row, strict=True))) for row in path.profit_cny.tolist()]


def _path_rows(study: LearningStudy, task: LearningTask, path: LearningPath) -> Iterator[tuple[str | float, ...]]:
    for w, delta in enumerate(deltas(study, path)):
        for k, vpp in enumerate(path.learners):
            numbers = (float(each[w, k]) for each in (path.price_cny_per_mwh, path.profit_cny, path.regret_cny))
            yield (task.setting, task.kind, task.seed, int(path.day[w]), vpp, *numbers, delta)


def _end_rows(study: LearningStudy, task: LearningTask, path: LearningPath) -> Iterator[tuple[str | float, ...]]:
    ends = study.ends
    for k, vpp in enumerate(path.learners):
        row, profit = ends.vpps.index(vpp), float(path.profit_cny[-1, k])
        yield (
            *(task.setting, task.kind, task.seed, vpp, float(path.price_cny_per_mwh[-1, k])),
            *(_mean(ends.equilibrium_cny_per_mwh[row]), _mean(ends.joint_cny_per_mwh[row]), profit),
            *(float(ends.equilibrium_profit_cny[row]), float(ends.joint_profit_cny[row])),
            *(float(path.regret_cny[-1, k]), ends.delta({vpp: profit})),
        )


def _mean(prices: Array) -> float:
    return float(np.nanmean(prices))
