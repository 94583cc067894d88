"""A day as people have it, written in a form of their choice: for tests of series, units, clocks, currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import cos, pi
from pathlib import Path
from zoneinfo import ZoneInfo

from market.scenario.scenario import Scenario
from tests.market.scenario_files import write_files

PLANTS = {"Farm": ("load", "pv"), "Town": ("load",)}


def moments(start: str, tz: str, days: int, minutes: int) -> list[datetime]:
    """When each interval of so many minutes begins, from midnight on, by the clocks of a zone: a second way."""
    zone = ZoneInfo(tz)
    first = datetime.fromisoformat(start).replace(tzinfo=zone)
    last = (datetime.fromisoformat(start) + timedelta(days=days)).replace(tzinfo=zone)
    now, found = first.astimezone(UTC), []
    while now < last.astimezone(UTC):
        found.append(now.astimezone(zone))
        now += timedelta(minutes=minutes)
    return found


def power_mw(column: str, when: datetime) -> float:
    """What a plant needs or could deliver at a time: a curve of the hour, another one for each."""
    hour = when.hour + when.minute / 60
    if column.endswith("pv"):
        return round(max(0.0, 1.4 * cos((hour - 12.5) * pi / 14)), 6)
    return round(0.4 + 0.2 * cos((hour - (18 if column.startswith("Farm") else 9)) * pi / 12), 6)


def price(when: datetime) -> float:
    """Currency per MWh, the same throughout an hour."""
    return round(60 + 25 * cos((when.hour - 19) * pi / 12), 3)


@dataclass(frozen=True)
class RealDay:
    """A market of two plants, its files as they are to be written."""

    start: str = "2016-06-15"
    tz: str = "Europe/Berlin"
    days: int = 1
    minutes: int = 15
    power_unit: str = "kW"
    per_mw: float = 1000.0
    price_unit: str = "EUR/MWh"
    per_price: float = 1.0
    currency: str = "EUR"
    defaults: Mapping[str, str] = field(default_factory=dict)
    more: str = ""

    def columns(self) -> list[str]:
        return [f"{plant}_{part}" for plant, parts in PLANTS.items() for part in parts]

    def meter(self) -> str:
        """The meter's file: a row for each interval, times without their distance from UTC."""
        rows = [",".join(["time", *self.columns()])]
        for when in moments(self.start, self.tz, self.days, self.minutes):
            numbers = (repr(power_mw(column, when) * self.per_mw) for column in self.columns())
            rows.append(",".join([f"{when:%Y-%m-%d %H:%M}", *numbers]))
        return "\n".join(rows) + "\n"

    def prices(self) -> str:
        times = moments(self.start, self.tz, self.days, 60)
        rows = (f"{when.isoformat()},{price(when) * self.per_price!r}" for when in times)
        return "\n".join(["time,price", *rows]) + "\n"

    def yaml(self) -> str:
        money = self.currency
        defaults = {"file": "meter.csv", "time": "time", "unit": self.power_unit, **self.defaults}
        lines = [
            "title: Two plants, a day as it was",
            f"currency: {money}",
            f"horizon: {{start: {self.start}, days: {self.days}, step: {self.minutes}min, tz: {self.tz}}}",
            f"series_defaults: {{{', '.join(f'{name}: {value}' for name, value in defaults.items())}}}",
            "series:",
            f"  spot: {{file: prices.csv, time: time, column: price, unit: {self.price_unit}, resample: hold}}",
            f"  retail: {{series: spot, add: 120 {money}/MWh}}",
            f"  feed_in: {{series: spot, add: -5 {money}/MWh}}",
            *(f"  {column}: {{column: {column}}}" for column in self.columns()),
            f"market: {{price_min: 1 {money}/MWh, price_max: 300 {money}/MWh, choice_temperature: 5 {money}/MWh}}",
            f"carbon: {{base_price: 60 {money}/t, grid_emission: 350 g/kWh, grid_quota: 0.3 t/MWh}}",
            "vpps:",
            "  - id: Farm",
            f"    pv: {{om_cost: 2 {money}/MWh}}",
            f"    ess: {{energy: 500 kWh, charge_max: 250 kW, discharge_max: 0.25 MW, wear: 8 {money}/MWh}}",
            "  - id: Town",
        ]
        return "\n".join(lines) + "\n" + self.more

    def files(self) -> dict[str, str]:
        return {"scenario.yaml": self.yaml(), "meter.csv": self.meter(), "prices.csv": self.prices()}

    def write(self, folder: Path) -> Path:
        return write_files(folder, self.files())


def changed(files: Mapping[str, str], file: str, old: str, new: str) -> dict[str, str]:
    """The files with one passage of one of them changed."""
    assert old in files[file], old
    return {**files, file: files[file].replace(old, new, 1)}


def arrays(scenario: Scenario) -> dict[str, list[float]]:
    """Every column of a scenario, by name."""
    farm, town = scenario.vpp("Farm"), scenario.vpp("Town")
    tariff = scenario.public.tariff
    assert farm.pv is not None
    return {
        "retail": tariff.retail_cny_per_mwh.tolist(),
        "feed_in": tariff.feed_in_cny_per_mwh.tolist(),
        "Farm_load": farm.load_mw.tolist(),
        "Farm_pv": farm.pv.forecast_mw.tolist(),
        "Town_load": town.load_mw.tolist(),
    }
