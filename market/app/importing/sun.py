"""`vppmarket import pvlib`: PV plants at a site, their power from a typical year.

The model, with pvlib: sun at the middle of each hour; isotropic sky on the tilted plane, albedo 0.25; cell
temperature of Faiman; PVWatts: −0.4 %/K, 14 % losses, an inverter as large as the modules, 96 % efficient. Output
is a share of what is installed, so that a plant's size is the `scale` of its series.
Source: W. F. Holmgren, C. W. Hansen, M. A. Mikofski, pvlib python, J. Open Source Software 3 (2018) 884.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from market.app.importing.draft import Draft, Entry, Fields, Provenance, number, rules
from market.app.importing.libraries import need_libraries, quiet
from market.app.importing.plant_words import PlantWords, checked_quantity, plants_said
from market.app.importing.source_tables import refuse
from market.app.importing.wanted import ImportWishes
from market.app.importing.weather import (
    WEATHER_FILE,
    HourlyWeather,
    TypicalYear,
    share_table,
    typical_year,
    weather_on,
)
from market.scenario.shown_value import shown

FLAG: Final = "--plant"
WORDS: Final = ("tilt", "azimuth", "load", "battery")
SUN_FILE: Final = "sun.csv"
ALBEDO, LOSSES, PER_KELVIN, INVERTER = 0.25, 0.14, -0.004, 0.96
DAY: Final = "2025-06-21"


@dataclass(frozen=True, slots=True)
class PvPlane:
    """How modules stand. tilt : degrees from level · azimuth : degrees from north, 180 is south"""

    tilt: float
    azimuth: float

    @property
    def column(self) -> str:
        """What its column is called."""
        return f"tilt{number(self.tilt)}_azimuth{number(self.azimuth)}"


def sun_draft(tmy: str, site: str | None, plants: Sequence[str], wanted: ImportWishes) -> Draft:
    """PV plants of a site. ScenarioError for what cannot be; the extra `import` is needed."""
    need_libraries("vppmarket import pvlib")
    said = plants_said(plants, FLAG, WORDS)
    year = typical_year(tmy)
    where = _site(site, year)
    fields, horizon = wanted.horizon(DAY, 1, 1.0, year.clock)
    weather = weather_on(year, horizon)
    planes = {plant.id: _plane(plant) for plant in said}
    columns = {plane.column: shares(weather, where, plane) for plane in dict.fromkeys(planes.values())}
    series: dict[str, Entry] = {}
    vpps: list[Fields] = []
    for plant in said:
        size = checked_quantity(plant.size, "MW", plant.place)
        series[f"{plant.id}_load"] = plant.quantity("load", "MW", "0 MW")
        series[f"{plant.id}_pv"] = {
            "file": SUN_FILE,
            "time": "begins",
            "column": planes[plant.id].column,
            "scale": size,
        }
        vpps.append(
            {"id": plant.id, "pv": {"om_cost": f"0 {wanted.currency}/MWh"}, **plant.beside(wanted.currency)}
        )
    prices = wanted.prices()
    files = {SUN_FILE: share_table(weather.begins, columns), WEATHER_FILE: weather.csv()}
    place = f"{number(where[0])}, {number(where[1])}"
    return Draft(
        f"{len(said)} PV plants at {place}",
        wanted.currency,
        {"horizon": fields, **rules(wanted.currency, prices)},
        {**series, "retail": prices.retail, "feed_in": prices.feed_in},
        vpps,
        files,
        Provenance(
            (year.told, "pvlib (BSD-3-Clause), which works out the power"),
            (
                *(f"{plant.id}: {plant.size} of modules, {planes[plant.id].column}" for plant in said),
                f"{len(weather.begins)} hours of the year, in {WEATHER_FILE}; output by plane, in {SUN_FILE}",
            ),
            ("all other columns of the year, and its other hours",),
            (
                *wanted.assumed(prices, DAY),
                "isotropic sky, albedo 0.25, cell temperature of Faiman, PVWatts with 14 % losses, an inverter as "
                "large as the modules, 96 % efficient",
                "PV costs nothing to run (om_cost); loads are even all day",
            ),
        ),
    )


def _plane(plant: PlantWords) -> PvPlane:
    return PvPlane(plant.number("tilt", 30.0, 0.0, 90.0), plant.number("azimuth", 180.0, 0.0, 360.0))


def _site(site: str | None, year: TypicalYear) -> tuple[float, float, float]:
    """Latitude, longitude and altitude: the year's own, where no other is said."""
    if site is None:
        return year.latitude, year.longitude, year.altitude_m
    try:
        numbers = [float(part) for part in site.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not -90 <= numbers[0] <= 90 or not -180 <= numbers[1] <= 180:
        rule = "must be latitude and longitude in degrees, north and east above 0"
        refuse(rule, shown(site), "--site", "write it like --site=36.1,-79.95")
    return numbers[0], numbers[1], numbers[2] if len(numbers) == 3 else year.altitude_m


def shares(weather: HourlyWeather, where: tuple[float, float, float], plane: PvPlane) -> list[float]:
    """Output of each hour as a share of what is installed."""
    with quiet():
        import numpy as np
        import pandas as pd
        import pvlib

        middles = pd.DatetimeIndex([begin + timedelta(minutes=30) for begin in weather.begins])
        sun = pvlib.location.Location(where[0], where[1], altitude=where[2]).get_solarposition(middles)
        seen = {name: np.array(values) for name, values in weather.values.items()}
        zenith, azimuth = sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
        light = pvlib.irradiance.get_total_irradiance(
            *(plane.tilt, plane.azimuth, zenith, azimuth, seen["dni"], seen["ghi"], seen["dhi"]),
            albedo=ALBEDO,
            model="isotropic",
        )
        warm = pvlib.temperature.faiman(light["poa_global"], seen["temp_air"], seen["wind_speed"])
        direct = pvlib.pvsystem.pvwatts_dc(light["poa_global"], warm, 1.0, PER_KELVIN) * (1.0 - LOSSES)
        power: Any = pvlib.inverter.pvwatts(direct, 1.0 / INVERTER, eta_inv_nom=INVERTER)
        return [round(float(value), 9) for value in np.clip(np.nan_to_num(power), 0.0, None)]
