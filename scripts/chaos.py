"""Owns the chaos trial: whole runs in which nodes and the broker die or stand still, at random, several a run.

Every run has to end in the undisturbed equilibrium, with a complete tape and no process left. Loopback only, and
every run bounded. Prints a table by kind of fault. Run it as `python scripts/chaos.py [RUNS] [--first SEED]`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from broker.tape import TAPE_NAME, Ended, read_tape
from market.outcome import Verdict

COMMAND = Path(sys.executable).parent / "vppmarket"
LONGEST_S = 120.0  # of one command
LEFT_S = 10.0  # for processes to end by themselves
TAPE_BYTES = 150_000  # about as long as the default case's tape
CONDITIONS: Sequence[tuple[str, ...]] = (
    (),
    ("--delay", "lognormal:50ms:1", "--loss", "0.2"),
    ("--delay", "20ms", "--loss", "0.05", "--duplicate", "0.1"),
    ("--time", "wall", "--delay", "5ms", "--loss", "0.02"),
)
KINDS = ("kill node", "pause node", "kill broker")


@dataclass(slots=True)
class Trial:
    """One run with what was done to it, and what came of it: `fault` is empty if all is as it should be."""

    seed: int
    done: list[str] = field(default_factory=list)
    fault: str = ""
    difference: float = 0.0
    seconds: float = 0.0


def prices_of(folder: Path) -> dict[tuple[str, str], float]:
    """The prices of a run, by seller and period."""
    with (folder / "offers.csv").open(encoding="utf-8", newline="") as file:
        return {(row["vpp"], row["period"]): float(row["price_cny_per_mwh"]) for row in csv.DictReader(file)}


def undisturbed(scratch: Path) -> dict[tuple[str, str], float]:
    """The prices that nobody disturbed."""
    folder = scratch / "undisturbed"
    subprocess.run([COMMAND, "run", "--quiet", "--out", folder], check=True, timeout=LONGEST_S)
    return prices_of(folder)


def trial(seed: int, scratch: Path, wanted: dict[tuple[str, str], float]) -> Trial:
    """One run under chaos, taken up again as often as its broker was killed."""
    result, chance, folder = Trial(seed), Random(seed), scratch / f"run-{seed}"
    began = time.monotonic()
    conditions = CONDITIONS[seed % len(CONDITIONS)]
    command: list[str | Path] = ["run", "--quiet", "--out", folder, "--seed", str(seed), "--restart", "20"]
    command += conditions
    try:
        while _disturbed(command, folder, chance, result) is None:
            if (folder / TAPE_NAME).exists() and (folder / TAPE_NAME).stat().st_size:
                command = ["run", "--quiet", "--resume", folder, "--restart", "20"]
            else:  # killed before anything was promised
                shutil.rmtree(folder, ignore_errors=True)
        _judge(folder, wanted, result)
    except (subprocess.SubprocessError, AssertionError, OSError) as error:
        result.fault = f"{type(error).__name__}: {error}"
    result.seconds = time.monotonic() - began
    return result


def _disturbed(command: Sequence[str | Path], folder: Path, chance: Random, result: Trial) -> int | None:
    """One command with some faults; its exit code, or None if it was killed itself."""
    process = subprocess.Popen([COMMAND, *command], stderr=subprocess.PIPE, text=True)
    family: dict[int, psutil.Process] = {}
    try:
        for _ in range(chance.randint(1, 3) if len(result.done) < 5 else 0):
            if not _await_moment(process, folder, chance):
                break
            kind = chance.choice(KINDS)
            family |= _family(process.pid)
            if kind == "kill broker":
                process.kill()
                result.done.append(kind)
                return None
            if _strike(kind, process.pid, chance):
                result.done.append(kind)
        _, complaints = process.communicate(timeout=LONGEST_S)
        assert process.returncode == 0, f"exit code {process.returncode}: {complaints.strip()}"
        return process.returncode
    finally:
        family |= _family(process.pid)
        if process.poll() is None:
            process.kill()
        process.communicate()
        _, alive = psutil.wait_procs(list(family.values()), timeout=LEFT_S)
        for left in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        assert not alive, f"left behind: {alive}"


def _family(process_id: int) -> dict[int, psutil.Process]:
    """Every process below one."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {child.pid: child for child in psutil.Process(process_id).children(recursive=True)}
    return {}


def _await_moment(process: subprocess.Popen[str], folder: Path, chance: Random) -> bool:
    """Wait until the tape has grown to a random length, or the run is over."""
    tape, until = folder / TAPE_NAME, time.monotonic() + LONGEST_S
    start = tape.stat().st_size if tape.exists() else 0
    length = start + chance.choice((0, chance.randint(0, TAPE_BYTES)))
    while process.poll() is None and time.monotonic() < until:
        if tape.exists() and tape.stat().st_size >= length:
            return True
        time.sleep(0.002)
    return False


def _strike(kind: str, process_id: int, chance: Random) -> bool:
    """Kill or stop one of the nodes: they are the children of the fork server."""
    with contextlib.suppress(psutil.NoSuchProcess, IndexError):
        servers = psutil.Process(process_id).children()
        node = chance.choice([node for server in servers for node in server.children()])
        if kind == "kill node":
            node.kill()
        else:
            node.suspend()
            time.sleep(chance.uniform(0.01, 0.5))
            node.resume()
        return True
    return False


def _judge(folder: Path, wanted: dict[tuple[str, str], float], result: Trial) -> None:
    found = prices_of(folder)
    assert found.keys() == wanted.keys(), "other sellers than without disturbance"
    result.difference = max(abs(found[key] - price) for key, price in wanted.items())
    assert result.difference <= 1e-6, f"prices differ by {result.difference:g} CNY/MWh"
    assert list(read_tape(folder / TAPE_NAME))[-1] == Ended(Verdict.EQUILIBRIUM), "the tape is not complete"


def trials(seeds: Sequence[int], scratch: Path) -> list[Trial]:
    """All runs, two at a time."""
    wanted, found = undisturbed(scratch), list[Trial]()
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda seed: trial(seed, scratch, wanted), seeds):
            found.append(result)
            print(f"\r{len(found)} of {len(seeds)} runs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def table(found: Sequence[Trial]) -> str:
    """The results by kind of fault; a run counts under each kind that struck it."""
    lines = [f"{'struck by':28}{'runs':>6}{'strikes':>9}{'failed':>8}{'largest difference':>20}"]
    groups = {kind: [t for t in found if kind in t.done] for kind in KINDS}
    groups["all kinds in one run"] = [t for t in found if set(KINDS) <= set(t.done)]
    groups["nothing (over before)"] = [t for t in found if not t.done]
    groups["all"] = list(found)
    for name, runs in groups.items():
        strikes = sum(t.done.count(name) if name in KINDS else len(t.done) for t in runs)
        failed, worst = sum(bool(t.fault) for t in runs), max((t.difference for t in runs), default=0.0)
        lines.append(f"{name:28}{len(runs):6}{strikes:9}{failed:8}{worst:20.2g}")
    return "\n".join([*lines, *(f"seed {t.seed} ({', '.join(t.done)}): {t.fault}" for t in found if t.fault)])


def main() -> int:
    """Try, print, and say by the exit code whether every run held."""
    parser = argparse.ArgumentParser(description="Runs in which processes die, at random.")
    parser.add_argument("runs", nargs="?", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = trials(range(given.first, given.first + given.runs), Path(scratch))
    print(table(found))
    return int(any(t.fault for t in found))


if __name__ == "__main__":
    sys.exit(main())
