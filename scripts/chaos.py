"""The chaos trial: whole runs in which processes die or stand still and connections break, several a run.

Every other run is one of `vppmarket run`, whose nodes and broker are struck; the others are markets started by
hand with a proxy between nodes and broker, whose connections are struck as well. Every run has to end in the
undisturbed equilibrium, with a complete tape and no process left. Loopback only, and every run bounded. Prints a
table by kind of blow. Run it as `python scripts/chaos.py [RUNS] [--first SEED]`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # started as a file, it finds the modules beside it all the same

from scripts.bench.chaos_links import disturb_links
from scripts.bench.chaos_processes import disturb_processes
from scripts.bench.chaos_trial import OF_PROCESSES, ChaosTrial, Kind, Prices, judge, prices_of, undisturbed

__all__ = ["ChaosTrial", "Kind", "prices_of", "table", "trials"]


def trial(seed: int, scratch: Path, wanted: Prices) -> ChaosTrial:
    """One run under chaos."""
    result, folder = ChaosTrial(seed, proxied=seed % 2 == 1), scratch / f"run-{seed}"
    began = time.monotonic()
    try:
        if result.proxied:
            judge(disturb_links(result, folder), wanted, result)
        else:
            disturb_processes(result, folder)
            judge(folder, wanted, result)
    except (subprocess.SubprocessError, AssertionError, OSError) as error:
        result.fault = f"{type(error).__name__}: {error}"
    result.seconds = time.monotonic() - began
    return result


def trials(seeds: Sequence[int], scratch: Path) -> list[ChaosTrial]:
    """All runs, two at a time."""
    wanted, found = undisturbed(scratch), list[ChaosTrial]()
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda seed: trial(seed, scratch, wanted), seeds):
            found.append(result)
            failed = sum(bool(t.fault) for t in found)
            print(f"\r{len(found)} of {len(seeds)} runs, {failed} failed", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def table(found: Sequence[ChaosTrial]) -> str:
    """The results by kind of blow; a run counts under each kind that struck it."""
    head = f"{'struck by':28}{'runs':>6}{'blows':>7}{'as undisturbed':>16}{'failed':>8}"
    lines = [f"{head}{'largest difference':>20}{'longest':>9}"]
    groups: dict[str, list[ChaosTrial]] = {kind: [t for t in found if kind in t.done] for kind in Kind}
    groups["processes, all three kinds"] = [t for t in found if set(OF_PROCESSES) <= set(t.done)]
    groups["three kinds and more"] = [t for t in found if len({*t.done}) > 2]
    groups["nothing (over before)"] = [t for t in found if not t.done]
    groups["on this machine, all"] = [t for t in found if not t.proxied]
    groups["behind a proxy, all"] = [t for t in found if t.proxied]
    groups["all"] = list(found)
    for name, runs in groups.items():
        blows = sum(t.done.count(Kind(name)) if name in {*Kind} else len(t.done) for t in runs)
        failed, worst = sum(bool(t.fault) for t in runs), max((t.difference for t in runs), default=0.0)
        longest = max((t.seconds for t in runs), default=0.0)
        counts = f"{len(runs):6}{blows:7}{len(runs) - failed:16}{failed:8}"
        lines.append(f"{name:28}{counts}{worst:20.2g}{longest:7.0f} s")
    return "\n".join([*lines, *(f"seed {t.seed} ({', '.join(t.done)}): {t.fault}" for t in found if t.fault)])


def main() -> int:
    """Try, print, and say by the exit code whether every run held."""
    parser = argparse.ArgumentParser(description="Runs in which processes die and connections break, at random.")
    parser.add_argument("runs", nargs="?", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = trials(range(given.first, given.first + given.runs), Path(scratch))
    print(table(found))
    return int(any(t.fault for t in found))


if __name__ == "__main__":
    sys.exit(main())
