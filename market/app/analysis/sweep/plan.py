"""Which runs a sweep consists of: every scenario with every change under every seed, in one fixed order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

from market.app.analysis.currencies import require_one_currency
from market.errors import Fault, ScenarioError
from market.scenario import with_overrides
from market.scenario.scenario import Scenario

Changes = Mapping[str, object]


class Combine(StrEnum):
    """How the values of several paths meet."""

    GRID = "grid"  # each with each
    ZIP = "zip"  # the first with the first, the second with the second


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One run. number : from 1 · scenario : its place in the plan · seed : of all that is random"""

    number: int
    scenario: int
    changes: tuple[tuple[str, object], ...]
    seed: int


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """A sweep before it is carried out.

    paths : of `scenario.yaml`, a column of the table each · processes : whether each run goes over the bus
    """

    scenarios: tuple[Scenario, ...]
    paths: tuple[str, ...]
    runs: tuple[SweepRun, ...]
    processes: bool = False

    def document(self) -> dict[str, Any]:
        """For JSON: all that a run's row depends on, and by which a sweep is known again."""
        return {
            "scenarios": [{"name": s.name, "digest": s.digest} for s in self.scenarios],
            "paths": list(self.paths),
            "runs": [[run.scenario, dict(run.changes), run.seed] for run in self.runs],
            "processes": self.processes,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of that."""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()


def plan_of(
    scenarios: Sequence[Scenario], changes: Sequence[Changes], seeds: Sequence[int], *, processes: bool = False
) -> SweepPlan:
    """The runs of all scenarios with all changes under all seeds, the seeds innermost.

    ScenarioError if there is none, a path that no value of it fits in any scenario, one of the network where there
    is none, or more than one currency.
    """
    paths = tuple(dict.fromkeys(path for each in changes for path in each))
    if not (scenarios and changes and seeds):
        rule, remedy = "a sweep has at least one run", "give a scenario, and a value for each path"
        raise ScenarioError([Fault(rule, "none", "sweep", remedy)])
    require_one_currency([scenario.public.currency for scenario in scenarios], "sweep", "scenarios")
    _check(scenarios, changes, paths)
    if not processes and (networks := [path for path in paths if path.partition(".")[0] == "network"]):
        rule, remedy = "one process has no network", "add --processes, in Python processes=True, or leave it out"
        raise ScenarioError([Fault(rule, path, "sweep", remedy) for path in networks])
    every = product(range(len(scenarios)), changes, seeds)
    runs = tuple(SweepRun(n, s, tuple(each.items()), seed) for n, (s, each, seed) in enumerate(every, 1))
    return SweepPlan(tuple(scenarios), paths, runs, processes)


def combined(values: Mapping[str, Sequence[object]], how: Combine = Combine.GRID) -> tuple[Changes, ...]:
    """The changes that values by path stand for; without a path one change, that is none.

    A path with one value goes with every other. ScenarioError if lists do not fit together.

    >>> [list(each.values()) for each in combined({"a": [1, 2], "b": [3, 4]})]
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    >>> [list(each.values()) for each in combined({"a": [1, 2], "b": [3, 4], "c": [5]}, Combine.ZIP)]
    [[1, 3, 5], [2, 4, 5]]
    """
    if how is Combine.GRID:
        return tuple(dict(zip(values, each, strict=True)) for each in product(*values.values()))
    count = max(map(len, values.values()), default=1)
    faults = [
        Fault(f"lists side by side are equally long, here {count}, or have one value", str(len(each)), path, _FIT)
        for path, each in values.items()
        if len(each) not in (1, count)
    ]
    if faults:
        raise ScenarioError(faults)
    return tuple({path: each[n % len(each)] for path, each in values.items()} for n in range(count))


_FIT = "give as many values, or combine them as a grid"


def _check(scenarios: Sequence[Scenario], changes: Sequence[Changes], paths: Sequence[str]) -> None:
    """A value that breaks a rule costs its row; a path of which no value can be meant, the sweep."""
    faults = [fault for path in paths for fault in _misfits(scenarios, path, changes)]
    if faults:
        raise ScenarioError(faults)


def _misfits(scenarios: Sequence[Scenario], path: str, changes: Sequence[Changes]) -> Iterator[Fault]:
    values = {repr(each[path]): each[path] for each in changes if path in each}
    first: ScenarioError | None = None
    for scenario, value in product(scenarios, values.values()):
        try:
            with_overrides(scenario, {path: value})
        except ScenarioError as error:
            first = first or error
        else:
            return
    yield from first.faults if first else ()
