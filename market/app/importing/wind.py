"""`vppmarket import wind`: wind turbines of types that windpowerlib knows, in a typical year's wind.

The model, with windpowerlib: the year's wind, measured at 10 m, at the height of the hub by the logarithmic
profile over a roughness of 0.15 m; the curve of the type, straight between its points. Output is a share of
nominal power, so that how many turbines there are is the `scale` of their series.
Source: S. Haas et al., windpowerlib (wind-python), and the turbine library of the Open Energy Database.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from market.app.importing.draft import Draft, Entry, Fields, Provenance, number, rules
from market.app.importing.libraries import need_libraries, quiet
from market.app.importing.plant_words import PlantWords, plants_said
from market.app.importing.source_tables import refuse
from market.app.importing.sun import DAY
from market.app.importing.wanted import ImportWishes
from market.app.importing.weather import WEATHER_FILE, HourlyWeather, share_table, typical_year, weather_on
from market.scenario.faults import suggestion
from market.scenario.shown_value import shown

FLAG: Final = "--plant"
WORDS: Final = ("number", "hub", "load", "battery")
WIND_FILE: Final = "wind.csv"
MEASURED_M, ROUGHNESS_M = 10.0, 0.15


@dataclass(frozen=True, slots=True)
class Turbine:
    """A turbine of a type. kind : as windpowerlib calls it"""

    kind: str
    hub_m: float
    nominal_mw: float

    @property
    def column(self) -> str:
        """What its column is called."""
        return f"{self.kind}_hub{number(self.hub_m)}"


def wind_draft(tmy: str, plants: Sequence[str], wanted: ImportWishes) -> Draft:
    """Wind plants in the wind of a typical year, with the extra `import`. ScenarioError for what cannot be."""
    need_libraries("vppmarket import wind")
    said = plants_said(plants, FLAG, WORDS)
    types = _types()
    turbines = {plant.id: _turbine(plant, types) for plant in said}
    year = typical_year(tmy)
    fields, horizon = wanted.horizon(DAY, 1, 1.0, year.clock)
    weather = weather_on(year, horizon)
    columns = {turbine.column: shares(weather, turbine) for turbine in dict.fromkeys(turbines.values())}
    series: dict[str, Entry] = {}
    vpps: list[Fields] = []
    took = []
    for plant in said:
        turbine, count = turbines[plant.id], plant.number("number", 1.0, 1.0, 10000.0)
        size = f"{number(round(count * turbine.nominal_mw, 9))} MW"
        series[f"{plant.id}_load"] = plant.quantity("load", "MW", "0 MW")
        series[f"{plant.id}_wt"] = {"file": WIND_FILE, "time": "begins", "column": turbine.column, "scale": size}
        vpps.append(
            {"id": plant.id, "wt": {"om_cost": f"0 {wanted.currency}/MWh"}, **plant.beside(wanted.currency)}
        )
        took.append(
            f"{plant.id}: {number(count)} of type {turbine.kind}, hub at {number(turbine.hub_m)} m, {size}"
        )
    prices = wanted.prices()
    return Draft(
        f"{len(said)} wind plants in the wind of {year.name}",
        wanted.currency,
        {"horizon": fields, **rules(wanted.currency, prices)},
        {**series, "retail": prices.retail, "feed_in": prices.feed_in},
        vpps,
        {WIND_FILE: share_table(weather.begins, columns), WEATHER_FILE: weather.csv()},
        Provenance(
            (
                year.told,
                "windpowerlib (MIT), which works out the power; its curves are of the Open Energy Database",
            ),
            (*took, f"{len(weather.begins)} hours of the year, in {WEATHER_FILE}; output by type, in {WIND_FILE}"),
            ("all other columns of the year, and its other hours", "thrust and power coefficients, wakes"),
            (
                *wanted.assumed(prices, DAY),
                "wind is measured at 10 m and grows with height as over a roughness of 0.15 m; air is as dense as "
                "the curve's",
                "wind costs nothing to run (om_cost); loads are even all day",
            ),
        ),
    )


def _types() -> dict[str, tuple[float, tuple[float, ...]]]:
    """By type: its nominal power, MW, and the heights of hub that it is built with, m."""
    with quiet():
        import pandas as pd
        import windpowerlib

        table = pd.read_csv(Path(windpowerlib.__file__).parent / "oedb" / "turbine_data.csv")
    found = {}
    for row in table.to_dict("records"):
        if str(row["has_power_curve"]) == "True":
            heights = re.findall(r"\d+(?:[.,]\d+)?", str(row["hub_height"]))
            hubs = tuple(float(height.replace(",", ".")) for height in heights)
            found[str(row["turbine_type"])] = (float(row["nominal_power"]) / 1e6, hubs)
    return found


def _turbine(plant: PlantWords, types: dict[str, tuple[float, tuple[float, ...]]]) -> Turbine:
    if plant.size not in types:
        few = ", ".join(sorted(types)[:8])
        remedy = f"{suggestion(plant.size, list(types))}there are {len(types)}, such as {few}"
        refuse("must be a type of turbine with a power curve", shown(plant.size), plant.place, remedy)
    nominal_mw, hubs = types[plant.size]
    if not hubs and "hub" not in plant.more:
        refuse("must have a height of its hub", "none", plant.place, "say hub=100, in m")
    return Turbine(plant.size, plant.number("hub", hubs[0] if hubs else 0.0, 10.0, 300.0), nominal_mw)


def shares(weather: HourlyWeather, turbine: Turbine) -> list[float]:
    """Output of each hour as a share of nominal power."""
    with quiet():
        import pandas as pd
        from windpowerlib import ModelChain, WindTurbine

        built = WindTurbine(turbine_type=turbine.kind, hub_height=turbine.hub_m)
        table = pd.DataFrame(
            {
                ("wind_speed", MEASURED_M): weather.values["wind_speed"],
                ("temperature", 2.0): [degrees + 273.15 for degrees in weather.values["temp_air"]],
                ("roughness_length", 0.0): ROUGHNESS_M,
            },
            index=pd.DatetimeIndex(weather.begins),
        )
        chain = ModelChain(
            built, wind_speed_model="logarithmic", power_output_model="power_curve", density_correction=False
        )
        power = chain.run_model(table).power_output
        return [round(min(1.0, max(0.0, float(value) / built.nominal_power)), 9) for value in power]
