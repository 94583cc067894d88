"""Tries every frame: each frame of a day in memory is lost, doubled and late, one at a time.

By default every frame of `five_vpp`, in virtual and wall time, with and without waiting for who is lost: hours.
`--sample N` takes N frames of each kind and direction only. Each day has to end in the prices of the
undisturbed one. Prints a table by kind of message; exit code 1 if a day ended otherwise.

    python scripts/bench/every_frame.py [SCENARIO] [--sample N] [--seed S] [--conditions …] [--on-loss …]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[2]))  # started as a file, it finds the modules beside it all the same

from broker.wire.messages import BROKER
from market.model.network import OnLoss
from scripts.bench.branched_days import BranchedDay
from scripts.bench.frame_fates import CONDITIONS, Fate, FrameTrial, MarketSetup, Spot, frames_of, struck

SHOWN = 40  # faults that are printed in full


@dataclass(frozen=True, slots=True)
class FrameCase:
    """One frame and what is to become of it."""

    market: MarketSetup
    spot: Spot
    fate: Fate


def direction(spot: Spot) -> str:
    """Who says it to whom."""
    return "to broker" if spot.hop.receiver == BROKER else "to nodes"


def sampled(spots: Sequence[Spot], most: int, random: Random) -> list[Spot]:
    """At most so many frames of each kind and direction, drawn at random; in the order of the day."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, spot in enumerate(spots):
        groups[spot.kind, direction(spot)].append(index)
    chosen = [index for group in groups.values() for index in random.sample(group, min(most, len(group)))]
    return [spots[index] for index in sorted(chosen)]


def markets(scenario: str, conditions: Sequence[str], rules: Sequence[OnLoss], seed: int) -> list[MarketSetup]:
    """All these conditions with all these rules for losses."""
    return [MarketSetup(scenario, under, on_loss, seed) for under in conditions for on_loss in rules]


def cases(tried_in: Sequence[MarketSetup], most: int | None, seed: int) -> list[FrameCase]:
    """Every frame of every market, or a sample, with every fate."""
    random, found = Random(seed), list[FrameCase]()
    for market in tried_in:
        spots = frames_of(market) if most is None else sampled(frames_of(market), most, random)
        found += [FrameCase(market, spot, fate) for spot in spots for fate in Fate]
    return found


def tried(case: FrameCase) -> FrameTrial:
    """One day."""
    return struck(case.market, case.spot, case.fate)


def by_market(todo: Sequence[FrameCase]) -> Mapping[MarketSetup, Mapping[Spot, Sequence[Fate]]]:
    """What is to be tried in the day of each market."""
    found = dict[MarketSetup, dict[Spot, list[Fate]]]()
    for case in todo:
        found.setdefault(case.market, {}).setdefault(case.spot, []).append(case.fate)
    return found


class Trials:
    """What came of the days so far; prints how many there are, and the first faults."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done: list[FrameTrial] = []
        self._told_at = 0.0

    def take(self, trial: FrameTrial) -> None:
        """One day more."""
        self.done.append(trial)
        if trial.fault and sum(bool(t.fault) for t in self.done) <= SHOWN:
            print(trial, flush=True)
        if time.monotonic() - self._told_at > 1.0 or len(self.done) == self.total:
            self._told_at = time.monotonic()
            print(f"\r{len(self.done)} of {self.total} days", end="", file=sys.stderr, flush=True)


def table(trials: Sequence[FrameTrial]) -> str:
    """Failed of tried, by kind and direction, fate and conditions."""
    columns = [(fate, conditions) for conditions in CONDITIONS for fate in Fate]
    tried_, failed = Counter[tuple[str, Fate, str]](), Counter[tuple[str, Fate, str]]()
    for trial in trials:
        key = (f"{trial.spot.kind} {direction(trial.spot)}", trial.fate, trial.market.conditions)
        tried_[key] += 1
        failed[key] += bool(trial.fault)
    lines = [f"{'failed of tried':22}" + "".join(f"{f'{fate}, {short}':>21}" for fate, short in columns)]
    for kind in sorted({kind for kind, _, _ in tried_}):
        cells = (f"{failed[kind, *column]} of {tried_[kind, *column]}" for column in columns)
        lines.append(f"{kind:22}" + "".join(f"{cell:>21}" for cell in cells))
    total = f"{sum(failed.values())} of {tried_.total()} failed; longest {max(t.took_s for t in trials):.1f} s"
    return "\n".join([*lines, f"{total} of market time after the frame"])


def main() -> int:
    """Try, print, and say by the exit code whether every day held and none was left out."""
    parser = argparse.ArgumentParser(description="Every frame of a day lost, doubled and late, one at a time.")
    parser.add_argument("scenario", nargs="?", default="five_vpp")
    parser.add_argument("--sample", type=int, metavar="N", help="N frames of each kind and direction only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--conditions", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument("--on-loss", nargs="+", type=OnLoss, default=[OnLoss.STOP, OnLoss.WAIT])
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    todo = cases(markets(given.scenario, given.conditions, given.on_loss, given.seed), given.sample, given.seed)
    trials = Trials(len(todo))
    for market, tries in by_market(todo).items():
        BranchedDay(market, tries, given.processes, trials.take).live()
    print(file=sys.stderr)
    print(table(trials.done))
    return int(any(trial.fault for trial in trials.done))


if __name__ == "__main__":
    sys.exit(main())
