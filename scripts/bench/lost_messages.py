"""Tries broken networks: whole markets behind a proxy, started as people start them, one blow to each.

By default every kind of control message is lost once in each of virtual and wall time, with and without waiting
for who is lost. `--all` tries all connections reset in mid-trade, `--blow NAME` any blow of `network_blows`, each
`--runs` times; exit code 0, the undisturbed offers to the last digit and nodes that end well are what is right.
Prints a table; exit code 1 if a run ended otherwise. Loopback only, and every run bounded.

    python scripts/bench/lost_messages.py [--scenario two_vpp|five_vpp] [--runs N] [--all] [--blow NAME]…
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # started as a file, it finds the modules beside it all the same

from scripts.bench.network_blows import BLOWS, KINDS, TIMES, BlowTrial, tried, with_flags
from scripts.bench.started_market import FIVE, LIMIT_S, TWO, Setup, Undisturbed, undisturbed

RULES = ("stop", "wait")
SETUPS = {setup.scenario: setup for setup in (TWO, FIVE)}


@dataclass(frozen=True, slots=True)
class BlowCase:
    """One market to be tried."""

    blow: str
    setup: Setup
    seed: int


def cases(
    setup: Setup, blows: Sequence[str], times: Sequence[str], rules: Sequence[str], seeds: Sequence[int]
) -> list[BlowCase]:
    """Every blow in every time mode with every rule, once for each seed."""
    return [
        BlowCase(blow, with_flags(setup, time_mode, rule, blow), seed)
        for seed in seeds
        for blow in blows
        for time_mode in times
        for rule in rules
        if (blow, time_mode) != ("lost Turns", "wall")  # there are none
    ]


def trials(
    todo: Sequence[BlowCase], scratch: Path, calm: Undisturbed, at_once: int = 2, limit_s: float = LIMIT_S
) -> list[BlowTrial]:
    """All of them, some at a time."""
    found = list[BlowTrial]()
    with ThreadPoolExecutor(at_once) as pool:
        for trial in pool.map(lambda c: tried(c.blow, c.setup, c.seed, scratch, calm, limit_s), todo):
            found.append(trial)
            print(f"{len(found)} of {len(todo)}: {trial}", file=sys.stderr, flush=True)
    return found


def table(found: Sequence[BlowTrial]) -> str:
    """Failed of tried, by blow and flags."""
    columns = sorted({trial.setup.label for trial in found})
    lines = [f"{'failed of tried':22}" + "".join(f"{label:>18}" for label in columns)]
    for blow in dict.fromkeys(trial.blow for trial in found):
        groups = [[t for t in found if t.blow == blow and t.setup.label == label] for label in columns]
        cells = (f"{sum(bool(t.fault) for t in group)} of {len(group)}" if group else "–" for group in groups)
        lines.append(f"{blow:22}" + "".join(f"{cell:>18}" for cell in cells))
    failed = sum(bool(trial.fault) for trial in found)
    lines.append(f"{failed} of {len(found)} failed; longest {max(t.took_s for t in found):.0f} s")
    return "\n".join([*lines, *(str(trial) for trial in found if trial.fault)])


def main() -> int:
    """Try, print, and say by the exit code whether every market held."""
    parser = argparse.ArgumentParser(description="Markets whose network breaks, one blow to each.")
    parser.add_argument("--scenario", choices=sorted(SETUPS), default="two_vpp")
    parser.add_argument("--runs", type=int, default=1, help="of each combination")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--all", action="store_true", help="all connections reset at once, in mid-trade")
    parser.add_argument("--blow", action="append", choices=sorted(BLOWS), default=[])
    parser.add_argument("--time", nargs="+", choices=sorted(TIMES), default=sorted(TIMES))
    parser.add_argument("--on-loss", nargs="+", choices=("stop", "wait", "withdraw"), default=list(RULES))
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds for one market")
    given = parser.parse_args()
    blows = given.blow or (["reset all"] if given.all else [f"lost {kind}" for kind in KINDS])
    setup, seeds = SETUPS[given.scenario], range(given.first, given.first + given.runs)
    with tempfile.TemporaryDirectory() as scratch:
        calm = undisturbed(setup, Path(scratch) / "undisturbed")
        todo = cases(setup, blows, given.time, given.on_loss, seeds)
        found = trials(todo, Path(scratch), calm, given.at_once, given.limit)
    print(table(found))
    return int(any(trial.fault for trial in found))


if __name__ == "__main__":
    sys.exit(main())
