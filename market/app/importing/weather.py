"""A typical meteorological year (TMY) on the hours of a horizon, read by pvlib: sun, temperature, wind.

A TMY has no year of its own: the hour of a day of the year is taken for that hour in the horizon's year, 29
February as the 28th. Its hours end at their stamp (TMY3) or begin there (EPW); here all are told by their begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from market.app.importing.draft import number
from market.app.importing.libraries import quiet
from market.app.importing.source_tables import refuse
from market.model.calendar import end_of, starts
from market.model.rules import Horizon

SAMPLES: Final = {"greensboro": "723170TYA.CSV", "sand-point": "703165TY.csv"}
"""The years that pvlib ships, by the names of their stations."""

_COLUMNS: Final = {
    "ghi": "W/m2",
    "dni": "W/m2",
    "dhi": "W/m2",
    "temp_air": "C",
    "wind_speed": "m/s",
}
WEATHER_FILE: Final = "weather.csv"


@dataclass(frozen=True, slots=True)
class TypicalYear:
    """A year by (month, day, hour that begins), an hour as the columns above. offset_h : of its clocks from UTC"""

    name: str
    latitude: float
    longitude: float
    altitude_m: float
    offset_h: float
    hours: Mapping[tuple[int, int, int], tuple[float, ...]]
    told: str

    @property
    def clock(self) -> str:
        """Its zone, as a distance from UTC."""
        minutes = round(abs(self.offset_h) * 60)
        return f"{'-' if self.offset_h < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


@dataclass(frozen=True, slots=True)
class HourlyWeather:
    """Weather of hours one after another. begins : by the clocks of the year · values : a list a column"""

    begins: tuple[datetime, ...]
    values: Mapping[str, list[float]]

    def csv(self) -> bytes:
        """As a table, with what it is in the names."""
        names = [f"{name}_{unit.replace('/', '_per_')}" for name, unit in _COLUMNS.items()]
        rows = zip(*(self.values[name] for name in _COLUMNS), strict=True)
        lines = (
            ",".join([begin.isoformat(timespec="minutes"), *map(number, row)])
            for begin, row in zip(self.begins, rows, strict=True)
        )
        return "".join(f"{line}\n" for line in (",".join(["begins", *names]), *lines)).encode()


def typical_year(source: str) -> TypicalYear:
    """The year of a file, TMY3 (.csv) or EPW (.epw), or of a sample. ScenarioError if it is none."""
    path, sample = Path(source), source.casefold() in SAMPLES
    if sample:
        import pvlib

        path = Path(pvlib.__file__).parent / "data" / SAMPLES[source.casefold()]
    if not path.is_file():
        remedy = f"give a TMY3 file (.csv), an EPW file (.epw), or a sample: {', '.join(SAMPLES)}"
        refuse("must be a file of a typical year", "no such file", f"--tmy {source}", remedy)
    energy_plus = path.suffix.casefold() == ".epw"
    try:
        frame, station = _read(path, energy_plus)
        hours = _by_hour(frame, 0 if energy_plus else 1)
    except Exception as error:  # whatever its reader raises for a file that is none
        found = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        form = "EPW" if energy_plus else "TMY3"
        refuse(
            f"must be a readable {form} file",
            found,
            f"--tmy {source}",
            "give a TMY3 file (.csv) or an EPW file (.epw)",
        )
    name = str(station.get("Name") or station.get("city") or path.stem).strip('" ')
    shipped = "ships with pvlib; NREL, National Solar Radiation Data Base, TMY3" if sample else "a file of yours"
    return TypicalYear(
        name,
        float(station["latitude"]),
        float(station["longitude"]),
        float(station["altitude"]),
        float(station["TZ"]),
        hours,
        f"{path.name}, typical year of {name}: {shipped}",
    )


def _read(path: Path, energy_plus: bool) -> tuple[Any, Mapping[str, Any]]:
    with quiet():
        import pvlib

        if energy_plus:
            frame, station = pvlib.iotools.read_epw(path, coerce_year=2001)
        else:
            frame, station = pvlib.iotools.read_tmy3(path, coerce_year=2001, map_variables=True)
    return frame, station


def _by_hour(frame: Any, ends_h: int) -> dict[tuple[int, int, int], tuple[float, ...]]:
    columns = [frame[name].astype(float).tolist() for name in _COLUMNS]
    begins = [stamp.to_pydatetime() - timedelta(hours=ends_h) for stamp in frame.index]
    found = {
        (begin.month, begin.day, begin.hour): row
        for begin, row in zip(begins, zip(*columns, strict=True), strict=True)
    }
    if len(found) < 8760:
        raise ValueError(f"{len(found)} hours, not 8760")
    return found


def weather_on(year: TypicalYear, horizon: Horizon) -> HourlyWeather:
    """The hours that a horizon touches."""
    zone = timezone(timedelta(hours=year.offset_h))
    edges = starts(horizon)
    first = edges[0].astimezone(zone).replace(minute=0, second=0, microsecond=0)
    last = end_of(horizon)
    begins = []
    while first < last:
        begins.append(first)
        first += timedelta(hours=1)
    rows = [year.hours[_of_year(begin)] for begin in begins]
    return HourlyWeather(tuple(begins), {name: [row[at] for row in rows] for at, name in enumerate(_COLUMNS)})


def _of_year(begin: datetime) -> tuple[int, int, int]:
    return begin.month, min(begin.day, 28) if begin.month == 2 else begin.day, begin.hour


def share_table(begins: tuple[datetime, ...], columns: Mapping[str, list[float]]) -> bytes:
    """Output as a share of what is installed, a column a kind of plant."""
    rows = zip(*columns.values(), strict=True)
    lines = (
        ",".join([begin.isoformat(timespec="minutes"), *map(number, row)])
        for begin, row in zip(begins, rows, strict=True)
    )
    return "".join(f"{line}\n" for line in (",".join(["begins", *columns]), *lines)).encode()
