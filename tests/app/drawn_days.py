"""Markets of any size for tests of pages: few plants or many, long names, powers of a phone or of a country."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random

from market.app.results.concluded_day import ConcludedDay
from market.app.results.manifest import RunSpec
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import report_of
from market.scenario import load_scenario

LONG = "Virtual_Power-Plant_of_Somebody"


def write_market(folder: Path, vpps: int, periods: int, size_mw: float, *, long_ids: bool, seed: int = 0) -> Path:
    """A scenario of plants with load and PV. size_mw : the load of each is at most this"""
    chance = Random(seed)
    ids = [f"{LONG[:28]}_{k:03}" if long_ids else f"P{k}" for k in range(1, vpps + 1)]
    folder.mkdir(parents=True)
    horizon = f"horizon: {{periods: {periods}, period_h: {24 / periods!r}}}"
    plants = "".join(
        f"  - {{id: {vpp}, pv: {{}}, exchange: {{direct_max_mw: {4 * size_mw:.9f}}}}}\n" for vpp in ids
    )
    (folder / "scenario.yaml").write_text(
        f"{horizon}\nmarket: {{base_power_mw: {size_mw / 1e3:.12f}}}\nvpps:\n{plants}", encoding="utf-8"
    )
    columns = [f"{vpp}_{asset}_mw" for vpp in ids for asset in ("load", "pv")]
    lines = [",".join(["period", "retail_cny_per_mwh", "feed_in_cny_per_mwh", *columns])]
    for period in range(1, periods + 1):
        powers = []
        for number in range(vpps):
            sun = chance.uniform(0.5, 2.0) if (number + period) % 3 == 0 else 0.0
            powers += [size_mw * chance.uniform(0.2, 1.0), size_mw * sun]
        lines.append(",".join([str(period), "812.5", "356.25", *map(repr, powers)]))
    (folder / "profiles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def concluded(scenario: Path | str, place: Path) -> ConcludedDay:
    """The day of a scenario, solved here; nothing is written."""
    what = RunSpec(load_scenario(scenario), 0, True, datetime.fromisoformat("2026-03-01T12:00:00+01:00"))
    return replace(
        report_of(what, run_in_process, place, lambda progress: None, since=0.0), folder=Path("runs/day")
    )
