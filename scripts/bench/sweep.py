"""Measures sweeps: one process against two, one that is killed and taken up, and Ray; all tables have to be equal.

Run it as `python scripts/bench/sweep.py [RUNS] [--engine local|ray|both]`, by default 500 five-plant days and
`local`; Ray needs the extra `sweep`. Times hold for a quiet machine only. Exit code 1 if a table differs or a run
was run twice.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = Path(sys.executable).parent / "vppmarket"
CASE = "five_vpp"


def values(runs: int) -> str:
    """So many values of one field."""
    return "market.choice_temperature_cny_per_mwh=" + ",".join(f"{20 + 0.25 * n:g}" for n in range(runs))


def swept(out: Path, runs: int, *flags: str) -> float:
    """Carry a sweep out; returns how long it took."""
    since = time.monotonic()
    subprocess.run([COMMAND, "sweep", CASE, "--set", values(runs), "--out", out, "--quiet", *flags], check=True)
    return time.monotonic() - since


def numbers(folder: Path) -> list[int]:
    """The runs whose lines are whole, in the order in which they ended."""
    path = folder / "runs.jsonl"
    data = path.read_bytes() if path.exists() else b""
    return [json.loads(line)[0] for line in data[: data.rfind(b"\n") + 1].splitlines()]


def broken_off(out: Path, runs: int) -> int:
    """Kill a sweep in the middle and take it up; returns how many runs had ended by then."""
    process = subprocess.Popen([COMMAND, "sweep", CASE, "--set", values(runs), "--out", out, "--quiet"])
    while len(numbers(out)) < runs // 2:
        if process.poll() is not None:
            raise RuntimeError("it ended before it could be killed")
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(numbers(out))
    subprocess.run([COMMAND, "sweep", "--resume", out, "--quiet"], check=True)
    return before


def main(runs: int, engine: str) -> int:
    """Carry out, compare, print."""
    with tempfile.TemporaryDirectory() as scratch:
        place, sound = Path(scratch), True

        def check(name: str, folder: Path) -> None:
            nonlocal sound
            equal = (folder / "sweep.csv").read_bytes() == (place / "one" / "sweep.csv").read_bytes()
            once = sorted(numbers(folder)) == list(range(1, runs + 1))
            sound &= equal and once
            told = ("equal" if equal else "another", "nothing" if once else "something")
            print(f"{name}: {told[0]} table, {told[1]} run twice", flush=True)

        one_s = swept(place / "one", runs, "--jobs", "1")
        print(f"{runs} days of {CASE} by one process: {one_s:.1f} s", flush=True)
        if engine != "ray":
            two_s = swept(place / "two", runs, "--jobs", "2")
            print(f"by two: {two_s:.1f} s, {one_s / two_s:.2f} times as fast", flush=True)
            check("by two", place / "two")
            before = broken_off(place / "broken", runs)
            check(f"killed after {before} runs and taken up", place / "broken")
        if engine != "local":
            ray_s = swept(place / "ray", runs, "--engine", "ray", "--jobs", "2")
            print(f"on Ray, two at once: {ray_s:.1f} s, {one_s / ray_s:.2f} times as fast", flush=True)
            check("on Ray", place / "ray")
    return 0 if sound else 1


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("runs", nargs="?", type=int, default=500)
    options.add_argument("--engine", choices=["local", "ray", "both"], default="local")
    given = options.parse_args()
    sys.exit(main(given.runs, given.engine))
