"""Scenarios of many days, drawn from a seed: sun, wind and load differ from day to day; batteries of 3 hours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from market.model.calendar import hours_of_days, moment


def write_days(
    folder: Path,
    days: int,
    *,
    vpps: int = 3,
    per_day: int = 24,
    seed: int = 0,
    start: str = "",
    tz: str = "",
    flexible: bool = True,
    sections: Mapping[str, object] | None = None,
) -> Path:
    """A scenario folder; `sections` stand in it as they are. Every second plant has much wind, and sells.

    flexible : whether they have turbines, loads that may be shed or moved, and vehicles that come every evening
    """
    rng, step_h = np.random.default_rng([seed, 77]), 24.0 / per_day
    hours = hours_of_days(moment(start, tz), days) if start else 24.0 * days
    at = np.arange(round(hours / step_h)) * step_h
    wave = np.sin((at - 14.0) / 24.0 * 2.0 * np.pi)
    columns = {
        "retail_cny_per_mwh": np.round(800.0 + 250.0 * wave + rng.normal(0.0, 20.0, at.size), 2),
        "feed_in_cny_per_mwh": np.full(at.size, 300.0),
    }
    plants = []
    for number in range(vpps):
        name, size = f"P{number + 1}", float(rng.uniform(1.0, 4.0))
        load = 1.0 + 0.4 * np.sin((at - rng.uniform(8.0, 14.0)) / 24.0 * 2.0 * np.pi)
        sun = np.clip(np.sin((at % 24.0 - 6.0) / 12.0 * np.pi), 0.0, None)
        gusts = np.convolve(rng.normal(0.5, 0.5, at.size + 11), np.ones(12) / 12.0, "valid")
        columns[f"{name}_load_mw"] = np.round(size * (load + rng.uniform(0.0, 0.2, at.size)), 4)
        columns[f"{name}_pv_mw"] = np.round(size * rng.uniform(0.0, 1.8) * sun * rng.uniform(0.3, 1.0, at.size), 4)
        columns[f"{name}_wt_mw"] = np.round(size * (3.0 if number % 2 else 0.6) * np.clip(gusts, 0.0, 1.0), 4)
        plants.append(_plant(name, size, number, flexible=flexible))
    horizon: dict[str, Any] = {"periods": at.size, "period_h": step_h}
    if start:
        horizon = {"start": start, "tz": tz, "days": days, "step_h": step_h}
    document = {"title": "days in a row", "horizon": horizon, **(sections or {}), "vpps": plants}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(["period", *columns])]
    lines += [",".join([str(period), *map(repr, row)]) for period, row in enumerate(rows, start=1)]
    (folder / "profiles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _plant(name: str, size: float, number: int, *, flexible: bool) -> dict[str, Any]:
    power = 0.5 * size
    ess = {"energy_mwh": 3.0 * power, "charge_max_mw": power, "discharge_max_mw": power, "wear_cny_per_mwh": 20.0}
    plant: dict[str, Any] = {"id": name, "pv": {}, "wt": {}, "ess": ess}
    if not flexible:
        return plant
    if number % 2 == 0:
        costs = {"cost_a_cny_per_mw2h": 40.0, "cost_b_cny_per_mwh": 480.0}
        plant["mt"] = {"p_max_mw": 0.8 * size, "ramp_mw_per_h": 0.3 * size, **costs}
    shed = {"share_of_load": 0.1, "compensation_cny_per_mwh": 500.0, "daily_energy_max_mwh": size}
    plant["cl"] = {**shed, "limit_each_day": True}
    vehicle = {"energy_mwh": 0.8 * size, "power_max_mw": 0.4 * size, "arrival_h": 18.0, "departure_h": 31.0}
    plant["units"] = [
        {"kind": "shift", "id": "S", "share_of_load": 0.1, "window_h": 4.0},
        {"kind": "ev", "id": "E", **vehicle, "every_day": True},
    ]
    return plant
