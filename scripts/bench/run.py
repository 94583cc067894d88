"""Measures the whole main job: `vppmarket run`, five processes, from the command to the tables.

Prints medians, and ratios to a reference in the same run: an interpreter that imports numpy, OR-Tools and pyzmq.
In one process it is the processor's time that counts, which holds on a busy machine as well. Absolute times hold
for the machine and its load only. Sources are compiled once, before the first run that counts. Run it as
`python scripts/bench/run.py [RUNS]`.
"""

from __future__ import annotations

import json
import os
import resource
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
    reference_cpu_s: list[float] = field(default_factory=list)
    command_s: list[float] = field(default_factory=list)
    negotiation_s: list[float] = field(default_factory=list)
    in_process_s: list[float] = field(default_factory=list)
    in_process_cpu_s: list[float] = field(default_factory=list)
    node_mb: list[float] = field(default_factory=list)


def seconds(*command: str | Path) -> tuple[float, float]:
    """How long a command takes, and how much of the processor's time."""
    compiling = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began, spent_s = time.perf_counter(), _spent_s()
    subprocess.run(command, check=True, capture_output=True, env=compiling)
    return time.perf_counter() - began, _spent_s() - spent_s


def _spent_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(scratch: Path, samples: Samples) -> None:
    """One round: the reference, the command, the same day in one process."""
    folder, alone = scratch / f"{time.time_ns()}", scratch / f"{time.time_ns()}-alone"
    wall_s, cpu_s = seconds(sys.executable, "-c", REFERENCE)
    samples.reference_s.append(wall_s)
    samples.reference_cpu_s.append(cpu_s)
    samples.command_s.append(seconds(COMMAND, "run", "--out", folder)[0])
    wall_s, cpu_s = seconds(COMMAND, "run", "--in-process", "--out", alone)
    samples.in_process_s.append(wall_s)
    samples.in_process_cpu_s.append(cpu_s)
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
    print(f"{runs} runs, medians (lowest … highest); reference = bare imports")
    for name, values, reference in (
        ("reference", samples.reference_s, samples.reference_s),
        ("vppmarket run, five node processes", samples.command_s, samples.reference_s),
        ("  of which negotiation", samples.negotiation_s, samples.reference_s),
        ("vppmarket run --in-process", samples.in_process_s, samples.reference_s),
        ("reference, processor", samples.reference_cpu_s, samples.reference_cpu_s),
        ("  --in-process, processor", samples.in_process_cpu_s, samples.reference_cpu_s),
    ):
        middle, low, high, base = statistics.median(values), min(values), max(values), statistics.median(reference)
        print(f"{name:36} {middle:7.3f} s  ({low:.3f} … {high:.3f})  {middle / base:6.2f} × reference")
    print(f"{'largest node, peak resident':36} {statistics.median(samples.node_mb):7.1f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
