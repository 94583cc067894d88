"""Run folders that tests of pictures, reports and comparisons read: days of four kinds, each run once.

two: 2 VPPs, 6 periods · quarter: 4 VPPs, 96 periods · twelve: 12 VPPs, 4 periods · dark: nobody has anything
to sell, one period.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import run_day
from market.scenario import load_scenario
from market.scenario.cases import case_folder

KINDS = ("two", "quarter", "twelve", "dark")


def run_kind(kind: str, folder: Path, **changes: Mapping[str, float]) -> Path:
    """Run one of the kinds into a new folder under `folder`; returns the run folder.

    changes : fields of a section of the scenario, such as carbon={"growth": 0.5}
    """
    scenario = folder / f"{kind}-scenario"
    scenario.mkdir(parents=True)
    _write(kind, scenario, changes)
    run = folder / kind
    run.mkdir()
    what = RunSpec(load_scenario(str(scenario)), 0, True, datetime.fromisoformat("2026-03-01T12:00:00+01:00"))
    run_day(what, run_in_process, RunFolder(run), lambda progress: None, since=0.0)
    return run


def aborted(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a run that broke, from one that came to its end and has an `error`."""
    heading = ("format", "scenario", "title", "scenario_digest", "public_digest", "vpps", "seed", "in_process")
    rest = ("conditions", "started", "wall_s", "error", "rules", "versions", "platform")
    return {**{name: manifest[name] for name in (*heading, *rest)}, "verdict": "aborted"}


def _write(kind: str, folder: Path, changes: Mapping[str, Mapping[str, float]]) -> None:
    case = {"two": "two_vpp", "quarter": "quarter_hours"}.get(kind, "five_vpp")
    source = case_folder(case)
    for path in source.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    document: dict[str, Any] = yaml.safe_load((source / "scenario.yaml").read_text(encoding="utf-8"))
    for section, fields in changes.items():
        document.setdefault(section, {}).update(fields)
    if kind == "twelve":
        _twelve(document, folder)
    if kind == "dark":
        _dark(document, folder)
    (folder / "scenario.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")


def _columns(folder: Path) -> dict[str, list[str]]:
    with (folder / "profiles.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: [row[k] for row in rows] for k, name in enumerate(header)}


def _keep(folder: Path, columns: dict[str, list[str]], hours: list[int]) -> None:
    with (folder / "profiles.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for place, hour in enumerate(hours, 1):
            writer.writerow([place if name == "period" else values[hour] for name, values in columns.items()])


def _twelve(document: dict[str, Any], folder: Path) -> None:
    """The five plants again and again, each time of another size, in four hours of the day."""
    columns, plants = _columns(folder), document["vpps"]
    common = {n: v for n, v in columns.items() if not any(n.startswith(p["id"] + "_") for p in plants)}
    document["vpps"] = []
    for place in range(12):
        plant = plants[place % 5]
        document["vpps"].append({**plant, "id": f"Plant{place + 1}"})
        for name, values in columns.items():
            if name.startswith(plant["id"] + "_"):
                scaled = [repr(float(v) * (1 + 0.05 * (place // 5))) for v in values]
                common[name.replace(plant["id"], f"Plant{place + 1}", 1)] = scaled
    document["horizon"] = {"periods": 4, "period_h": 1.0}
    _keep(folder, common, [1, 2, 9, 12])


def _dark(document: dict[str, Any], folder: Path) -> None:
    """Hour 19 alone, when everybody buys."""
    document["horizon"] = {"periods": 1, "period_h": 1.0}
    for plant in document["vpps"]:
        plant.pop("ess", None)
    _keep(folder, _columns(folder), [18])
