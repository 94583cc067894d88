"""Measures the front door: how long `import market` takes, and what a day from Python costs.

Prints medians, and ratios to a reference in the same run: an interpreter that does nothing. Absolute times hold
for the machine and its load only. Run it as `python scripts/bench/door.py [RUNS]`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

MEASURED = {
    "an interpreter that does nothing": "",
    "import market": "import market",
    "market.solve_period of a small game": (
        "import market; market.solve_period(market.PeriodGame.of(surplus_mw=[3.0, 1.5], deficit_mw=[2.0, 2.0], "
        "satisfaction_cny_per_h=[1800.0, 1500.0], floor_cny_per_mwh=400.0, cap_cny_per_mwh=1200.0))"
    ),
    "market.run('five_vpp')": "import market; market.run('five_vpp')",
    "  and a data frame of it": "import market; market.run('five_vpp').offers",
    "market.run('five_vpp', processes=True)": "import market; market.run('five_vpp', processes=True)",
}
IN_IT = "import time; began = time.perf_counter(); import market; print(time.perf_counter() - began)"


def seconds(program: str) -> float:
    """How long a program takes, its interpreter included."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return time.perf_counter() - began


def import_s() -> float:
    """How long the import takes inside an interpreter that runs already."""
    done = subprocess.run([sys.executable, "-c", IN_IT], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main(runs: int) -> None:
    """Measure in turns, and print."""
    samples: dict[str, list[float]] = {name: [] for name in MEASURED}
    inside = []
    for _ in range(runs):
        inside.append(import_s())
        for name, program in MEASURED.items():
            samples[name].append(seconds(program))
    base = statistics.median(samples["an interpreter that does nothing"])
    print(f"{runs} runs, medians (lowest … highest)")
    for name, values in samples.items():
        middle, low, high = statistics.median(values), min(values), max(values)
        print(f"{name:40} {middle:7.3f} s  ({low:.3f} … {high:.3f})  {middle / base:6.1f} × an interpreter")
    print(f"the import alone: {1000 * statistics.median(inside):.1f} ms ({1000 * min(inside):.1f} at least)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
