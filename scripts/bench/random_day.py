"""Random market days of any size as scenario folders: plants of every kind, a tariff by the clock."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from market.model.arrays import Array


def write_random_day(folder: Path, plants: int, periods: int, period_h: float = 1.0, seed: int = 1) -> None:
    """A day of so many plants and periods, in CNY; sun, wind, turbines and batteries by chance.

    The same arguments give the same folder.
    """
    rng = np.random.default_rng([plants, periods, seed])
    hour: Array = (np.arange(periods, dtype=np.float64) + 0.5) * period_h % 24.0
    retail = np.select([hour < 7, (hour >= 17) & (hour < 21)], [400.0, 1200.0], 750.0)
    columns = {"retail_cny_per_mwh": retail, "feed_in_cny_per_mwh": retail * np.where(hour < 7, 0.8, 0.45)}
    made = [_plant(f"P{number}", hour, columns, rng) for number in range(1, plants + 1)]
    document = {
        "title": f"Random day of {plants} plants and {periods} periods",
        "horizon": {"periods": periods, "period_h": period_h},
        "profiles": "profiles.csv",
        "market": {"price_min_cny_per_mwh": 300, "price_max_cny_per_mwh": 1200, "satisfaction": 0.85},
        "carbon": {"mode": "stepped", "base_price_cny_per_t": 280, "interval_t": 2, "growth": 0.25, "steps": 5},
        "vpps": made,
    }
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    with (folder / "profiles.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["period", *columns])
        for period, row in enumerate(np.column_stack(list(columns.values())).tolist(), 1):
            writer.writerow([period, *(f"{value:.4f}" for value in row)])


def _plant(name: str, hour: Array, columns: dict[str, Array], rng: np.random.Generator) -> dict[str, Any]:
    """One plant; its profiles are added to the columns."""
    evening, noon = np.exp(-(((hour - 19.5) / 2.5) ** 2)), np.exp(-(((hour - 12.5) / 3.0) ** 2))
    load = (1.0 + rng.uniform(0.0, 0.6) * evening + rng.uniform(0.0, 0.5) * noon) * rng.uniform(1.0, 4.0)
    load = load * rng.uniform(0.92, 1.08, hour.size)
    peak, plant = float(load.max()), dict[str, Any](id=name)
    columns[f"{name}_load_mw"] = load
    if rng.random() < 0.6:
        columns[f"{name}_pv_mw"] = noon * rng.uniform(0.4, 1.7) * peak * rng.uniform(0.85, 1.0, hour.size)
        plant["pv"] = {"om_cost_cny_per_mwh": 12}
    if rng.random() < 0.5:
        gusts = np.convolve(rng.uniform(0, 1, hour.size + 5), np.ones(6) / 6, "valid")
        columns[f"{name}_wt_mw"] = gusts * rng.uniform(0.5, 2.0) * peak
        plant["wt"] = {"om_cost_cny_per_mwh": 15}
    if rng.random() < 0.7:
        top = round(float(rng.uniform(0.2, 0.7)) * peak, 3)
        costs = {"cost_a_cny_per_mw2h": 90, "cost_b_cny_per_mwh": round(float(rng.uniform(400, 720)), 2)}
        plant["mt"] = {"p_min_mw": 0, "p_max_mw": top, "ramp_mw_per_h": top, "emission_t_per_mwh": 0.6, **costs}
    if rng.random() < 0.7:
        energy = round(float(rng.uniform(0.4, 1.4)) * peak, 3)
        power = {"charge_max_mw": round(0.35 * energy, 4), "discharge_max_mw": round(0.35 * energy, 4)}
        shares = {"soc_min": 0.1, "soc_max": 0.9, "soc_initial": 0.5, "wear_cny_per_mwh": 30}
        plant["ess"] = {"energy_mwh": energy, **power, **shares}
        plant["ess"] |= {"charge_efficiency": 0.95, "discharge_efficiency": 0.95}
    plant["exchange"] = {"grid_buy_max_mw": 40, "grid_sell_max_mw": round(peak, 3), "direct_max_mw": 20}
    return plant
