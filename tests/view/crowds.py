"""Markets of any number of plants and periods: farms with wind and villages with sun by turns."""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from broker.tape import TAPE_NAME, TapeWriter
from market.app.runs.local_market import LocalMarket
from market.scenario import load_scenario
from market.scenario.cases import case_folder


def crowd(folder: Path, plants: int, periods: int, start: str = "") -> Path:
    """A scenario that stands in a folder of its own. Nothing in it is drawn at random.

    start : a day of so many quarter hours in Berlin; else periods are at no time
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = yaml.safe_load((case_folder("two_vpp") / "scenario.yaml").read_text(encoding="utf-8"))
    document["title"] = f"{plants} plants, {periods} periods"
    day = {"start": start, "days": 1, "step": "15min", "tz": "Europe/Berlin"}
    document["horizon"] = day if start else {"periods": periods, "period_h": 0.25}
    names = [f"{'Farm' if n % 2 else 'Village'}-{n:02d}" for n in range(1, plants + 1)]
    document["vpps"] = [{"id": name, ("wt" if name.startswith("Farm") else "pv"): {}} for name in names]
    (folder / "scenario.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    columns = [f"{name}_load_mw,{name}_{'wt' if name.startswith('Farm') else 'pv'}_mw" for name in names]
    lines = [f"period,retail_cny_per_mwh,feed_in_cny_per_mwh,{','.join(columns)}"]
    for period in range(1, periods + 1):
        powers = [f"{_load_mw(n, period):.3f},{_green_mw(n, period):.3f}" for n in range(1, plants + 1)]
        lines.append(f"{period},730,400,{','.join(powers)}")
    (folder / "profiles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def recorded_crowd(folder: Path, plants: int, periods: int, start: str = "") -> Path:
    """The tape of such a market, run in this process, in a folder of its own."""
    market = LocalMarket(load_scenario(str(crowd(folder / "case", plants, periods, start))), seed=0)
    run = folder / f"{plants} x {periods}"
    run.mkdir()
    with TapeWriter(run / TAPE_NAME) as tape:
        while records := market.more():
            for record in records:
                tape.add(record)
    return run


def _load_mw(plant: int, period: int) -> float:
    return 2.0 + 0.3 * math.sin(0.26 * period + plant) + 0.02 * plant


def _green_mw(plant: int, period: int) -> float:
    """Wind that turns with the days, and sun at noon."""
    if plant % 2:
        return max(0.0, 2.2 + 2.0 * math.sin(0.03 * period + 0.7 * plant))
    return max(0.0, 4.5 * math.sin(2 * math.pi * (period - 24) / 96))
