"""Measures how a day in one process grows: plants x periods x mechanism, processor time and memory by stage.

Each size runs in a process of its own, so that memory is its own too. Prints a table, ratios to a reference of the
same process (a million exponentials), and the exponents with which time grows in plants and in periods.

Run it as `python scripts/bench/scale.py [--plants 5,30,…] [--periods 24,96,…] [--picture FILE]`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

sys.path.append(str(Path(__file__).parents[2]))  # started as a file, it finds the modules beside it all the same

from market.app.results.concluded_day import conclude_day
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import RunProgress
from market.app.results.scenario_copy import keep_scenario
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import write_day
from market.scenario import load_scenario, with_overrides
from scripts.bench.random_day import write_random_day

_Out = TypeVar("_Out")
PLANTS, PERIODS = "5,30,100,200", "24,48,96"
OF_PERIODS = 30  # plants where periods grow
MECHANISMS: dict[str, dict[str, object]] = {
    "once": {},
    "iterate": {"market.coupling": "iterate", "market.coupling_rounds": 5},
    "consensus": {"market.mechanism": "consensus"},
}
FEW = 10  # plants of the mechanisms that solve many plans
STAGES = ("reading", "planning", "trading", "settling", "accounting", "writing")


@dataclass
class _Clock:
    """Processor time by stage."""

    spent: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    since: float = 0.0

    def enter(self, stage: str) -> None:
        now = time.process_time()
        if self.stage:
            self.spent[self.stage] = self.spent.get(self.stage, 0.0) + now - self.since
        self.stage, self.since = stage, now

    def told(self, progress: RunProgress) -> None:
        self.enter(progress.stage if progress.stage in STAGES else "trading")

    def of(self, stage: str, act: Callable[[], _Out]) -> _Out:
        self.enter(stage)
        found = act()
        self.enter("")
        return found


def measured(plants: int, periods: int, mechanism: str) -> dict[str, object]:
    """One day in this process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, clock = Path(scratch) / "day", _Clock()
        write_random_day(folder, plants, periods)
        scenario = clock.of("reading", lambda: load_scenario(str(folder)))
        scenario = with_overrides(scenario, MECHANISMS[mechanism]) if MECHANISMS[mechanism] else scenario
        out = RunFolder(Path(scratch) / "run")
        out.path.mkdir()
        what, wall = RunSpec(scenario, 0, True, datetime.now().astimezone()), time.monotonic()
        outcome, facts = run_in_process(scenario, 0, out.path, clock.told)
        report = clock.of("accounting", lambda: conclude_day(what, outcome, facts))
        clock.enter("writing")
        keep_scenario(scenario, out.path)
        write_day(report, out)
        clock.enter("")
        wall_s = time.monotonic() - wall
        written = sum(path.stat().st_size for path in out.path.rglob("*") if path.is_file())
    return {
        "plants": plants,
        "periods": periods,
        "mechanism": mechanism,
        "verdict": outcome.verdict.value,
        "seconds": clock.spent,
        "wall_s": wall_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "written_mb": written / 1e6,
        "million_exponentials_s": _reference_s(),
    }


def _reference_s() -> float:
    numbers = np.linspace(-1.0, 1.0, 1_000_000)
    since = time.process_time()
    for _ in range(10):
        np.exp(numbers)
    return (time.process_time() - since) / 10


def one(plants: int, periods: int, mechanism: str) -> dict[str, object]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "scripts.bench.scale", "--one", f"{plants},{periods},{mechanism}"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def total_s(day: dict[str, object]) -> float:
    """All of a day but the reading of its scenario."""
    spent = day["seconds"]
    assert isinstance(spent, dict)
    return float(sum(spent[stage] for stage in STAGES[1:] if stage in spent))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The slope of log time over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def line(day: dict[str, object]) -> str:
    """A row of the printed table."""
    spent = day["seconds"]
    assert isinstance(spent, dict)
    stages = "".join(f"{spent.get(stage, 0.0):11.2f}" for stage in STAGES)
    reference = float(str(day["million_exponentials_s"]))
    head = f"{day['plants']:7} {day['periods']:8} {day['mechanism']:10}{stages}{total_s(day):9.2f}"
    return (
        f"{head}{total_s(day) / reference:10.0f}{day['wall_s']:9.2f}{day['peak_mb']:9.0f}"
        f"{day['written_mb']:9.2f}  {day['verdict']}"
    )


def main(plants: Sequence[int], periods: Sequence[int], picture: Path | None) -> int:
    """Measure, print, draw."""
    print(f"{'plants':>7} {'periods':>8} {'mechanism':10}{''.join(f'{stage:>11}' for stage in STAGES)}"
          f"{'total s':>9}{'Mexp':>10}{'wall s':>9}{'MB':>9}{'written':>9}")  # fmt: skip
    sizes = [(n, 24, "once") for n in plants] + [(OF_PERIODS, t, "once") for t in periods]
    days = {size: _shown(*size) for size in dict.fromkeys(sizes)}
    for mechanism in ("iterate", "consensus"):
        _shown(FEW, 24, mechanism)
    by_plants = [days[n, 24, "once"] for n in plants if n >= OF_PERIODS]
    by_periods = [days[OF_PERIODS, t, "once"] for t in periods]
    if len(by_plants) > 1:
        grown = exponent([float(str(day["plants"])) for day in by_plants], [total_s(day) for day in by_plants])
        print(f"time grows with plants to the power of {grown:.2f} (from {OF_PERIODS} on)")
    if len(by_periods) > 1:
        grown = exponent([float(str(day["periods"])) for day in by_periods], [total_s(day) for day in by_periods])
        print(f"time grows with periods to the power of {grown:.2f}")
    if picture is not None:
        _draw([days[n, 24, "once"] for n in plants], by_periods, picture)
    return 0


def _shown(plants: int, periods: int, mechanism: str) -> dict[str, object]:
    day = one(plants, periods, mechanism)
    print(line(day), flush=True)
    return day


def _draw(by_plants: Sequence[dict[str, object]], by_periods: Sequence[dict[str, object]], path: Path) -> None:
    """Processor time by stage, over plants and over periods, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure((9.0, 3.8), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    marks = dict(zip(STAGES[1:], "osD^v", strict=True))
    for ax, days, size, unit in ((axes[0], by_plants, "plants", "plants, 24 hours"),
                                 (axes[1], by_periods, "periods", f"periods, {OF_PERIODS} plants")):  # fmt: skip
        sizes = [float(str(day[size])) for day in days]
        for stage, mark in marks.items():
            spent = [day["seconds"].get(stage, 0.0) for day in days]  # type: ignore[attr-defined]
            ax.plot(sizes, spent, marker=mark, linewidth=1, label=stage)
        ax.plot(sizes, [total_s(day) for day in days], color="black", linewidth=2, label="all")
        ax.set(xscale="log", yscale="log", xlabel=unit)
        ax.set_xticks(sizes, [f"{value:g}" for value in sizes], minor=False)
        ax.minorticks_off()
        ax.grid(visible=True, alpha=0.3)
    axes[0].set_ylabel("processor time in s")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--plants", default=PLANTS)
    options.add_argument("--periods", default=PERIODS)
    options.add_argument("--picture", type=Path)
    options.add_argument("--one")
    given = options.parse_args()
    if given.one:
        wanted, length, way = given.one.split(",")
        print(json.dumps(measured(int(wanted), int(length), way)))
        sys.exit(0)
    plants, periods = ([int(n) for n in text.split(",")] for text in (given.plants, given.periods))
    sys.exit(main(plants, periods, given.picture))
