"""Which runs a sweep consists of: every scenario with every change under every seed, in one fixed order."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from typing import Any, Final

from market.app.analysis.currencies import require_one_currency
from market.app.runs.seeds import seed_fault
from market.errors import Fault, ScenarioError
from market.scenario import with_overrides
from market.scenario.scenario import Scenario
from market.scenario.shown_value import shown

Changes = Mapping[str, object]
_ROLLING: Final = "rolling"  # the section of days in a row; null takes it out


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

    Scenarios of one name are numbered behind it, so that rows tell them apart.
    ScenarioError if there is none, a seed that is none, a path that no value of it fits in any scenario, or more
    than one currency; if no changes fit together, there is a path of the network and no network, or days in a row
    would go over processes.
    """
    paths = tuple(dict.fromkeys(path for each in changes for path in each))
    if not (scenarios and changes and seeds):
        rule, remedy = "a sweep has at least one run", "give a scenario, and a value for each path"
        raise ScenarioError([Fault(rule, "none", "sweep", remedy)])
    if faults := [fault for seed in seeds if (fault := seed_fault(seed, "seeds"))]:
        raise ScenarioError(faults)
    require_one_currency([scenario.public.currency for scenario in scenarios], "sweep", "scenarios")
    _check(scenarios, changes, paths)
    if not processes and (networks := [path for path in paths if path.partition(".")[0] == "network"]):
        rule, remedy = "one process has no network", "add --processes, in Python processes=True, or leave it out"
        raise ScenarioError([Fault(rule, path, "sweep", remedy) for path in networks])
    if processes and (faults := list(_days_over_processes(scenarios, changes))):
        raise ScenarioError(faults)
    every = product(range(len(scenarios)), changes, seeds)
    runs = tuple(SweepRun(n, s, tuple(each.items()), seed) for n, (s, each, seed) in enumerate(every, 1))
    return SweepPlan(tuple(_told_apart(scenarios)), paths, runs, processes)


def days_over_processes(scenario: Scenario) -> Fault:
    """What is wrong with a sweep of a scenario of days in a row that has a process for each plant."""
    rule, remedy = "days in a row are swept in one process", "leave --processes out, in Python processes=True"
    return Fault(rule, "days over processes", f"scenario {scenario.name}: rolling", remedy)


def _days_over_processes(scenarios: Sequence[Scenario], changes: Sequence[Changes]) -> Iterator[Fault]:
    for scenario in scenarios:
        if any(_has_days(scenario, each) for each in changes):
            yield days_over_processes(scenario)


def _has_days(scenario: Scenario, changes: Changes) -> bool:
    """Whether a scenario so changed is one of days in a row."""
    if any(path.startswith(f"{_ROLLING}.") for path in changes):
        return True
    return changes.get(_ROLLING, scenario.rolling) is not None


def _told_apart(scenarios: Sequence[Scenario]) -> Iterator[Scenario]:
    """The same, those numbered that have one name: it is all that a row tells of its scenario."""
    names, so_far = Counter(scenario.name for scenario in scenarios), Counter[str]()
    for scenario in scenarios:
        so_far[scenario.name] += 1
        alone = names[scenario.name] == 1
        yield scenario if alone else replace(scenario, name=f"{scenario.name} ({so_far[scenario.name]})")


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
    """A value that breaks a rule costs its row; where no value of a path fits, or no run's changes, the sweep."""
    faults = [
        fault for path in paths for fault in (*_unwritable(path, changes), *_unfit(scenarios, path, changes))
    ]
    faults = faults or (list(_misfits(scenarios, changes)) if paths else [])
    if faults:
        raise ScenarioError(faults)


def _unwritable(path: str, changes: Sequence[Changes]) -> Iterator[Fault]:
    """The first value that the sweep's own files cannot hold."""
    for each in changes:
        try:
            json.dumps(each.get(path), allow_nan=False)
        except (TypeError, ValueError):
            rule, remedy = (
                "must be a finite number, a word, true, false or nothing, or made of these",
                "give another",
            )
            yield Fault(rule, shown(each[path]), f"override {path}", remedy)
            return


def _unfit(scenarios: Sequence[Scenario], path: str, changes: Sequence[Changes]) -> Iterator[Fault]:
    values = {repr(each[path]): each[path] for each in changes if path in each}
    yield from _misfits(scenarios, [{path: value} for value in values.values()])


def _misfits(scenarios: Sequence[Scenario], changes: Sequence[Changes]) -> Iterator[Fault]:
    """What is wrong with the first of changes of which none fits in any scenario; nothing where one does."""
    first: ScenarioError | None = None
    for scenario, each in product(scenarios, changes):
        try:
            with_overrides(scenario, each)
        except ScenarioError as error:
            first = first or error
        else:
            return
    yield from first.faults if first else ()
