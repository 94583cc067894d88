"""Measures the whole main job: `vppmarket run`, five processes, from the command to the tables.

Prints medians, and ratios to a reference in the same run: an interpreter that imports numpy, OR-Tools and pyzmq.
Absolute times hold for the machine and its load only. Run it as `python scripts/bench/run.py [RUNS]`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = Path(sys.executable).parent / "vppmarket"
REFERENCE = "import numpy, zmq, msgpack; from ortools.linear_solver import pywraplp"


@dataclass(slots=True)
class Samples:
    """What was measured, one entry a run."""

    reference_s: list[float] = field(default_factory=list)
    command_s: list[float] = field(default_factory=list)
    negotiation_s: list[float] = field(default_factory=list)
    in_process_s: list[float] = field(default_factory=list)
    node_mb: list[float] = field(default_factory=list)


def seconds(*command: str | Path) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def measure(scratch: Path, samples: Samples) -> None:
    """One round: the reference, the command, the same day in one process."""
    folder, alone = scratch / f"{time.time_ns()}", scratch / f"{time.time_ns()}-alone"
    samples.reference_s.append(seconds(sys.executable, "-c", REFERENCE))
    samples.command_s.append(seconds(COMMAND, "run", "--out", folder))
    samples.in_process_s.append(seconds(COMMAND, "run", "--in-process", "--out", alone))
    manifest = json.loads((folder / "manifest.json").read_text())
    samples.negotiation_s.append(manifest["durations_s"]["trading"])
    samples.node_mb.append(max(size for who, size in manifest["peak_memory_mb"].items() if who != "broker"))


def main(runs: int) -> None:
    """Measure and print."""
    samples = Samples()
    with tempfile.TemporaryDirectory() as scratch:
        measure(Path(scratch), Samples())  # fills the caches of the disk
        for _ in range(runs):
            measure(Path(scratch), samples)
    base = statistics.median(samples.reference_s)
    print(f"{runs} runs, medians (lowest … highest); reference = bare imports")
    for name, values in (
        ("reference", samples.reference_s),
        ("vppmarket run, five node processes", samples.command_s),
        ("  of which negotiation", samples.negotiation_s),
        ("vppmarket run --in-process", samples.in_process_s),
    ):
        middle, low, high = statistics.median(values), min(values), max(values)
        print(f"{name:36} {middle:7.3f} s  ({low:.3f} … {high:.3f})  {middle / base:6.2f} × reference")
    print(f"{'largest node, peak resident':36} {statistics.median(samples.node_mb):7.1f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
