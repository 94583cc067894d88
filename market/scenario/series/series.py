"""The section `series` of a scenario: each profile column that it gives, in the units of the model.

A series is a value with its unit, a source, or a list of those that are added up. Its name is that of the column
it stands for, with or without the unit; other names are for use in `series:` of others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from pydantic import ValidationError

from market.errors import Fault
from market.model.arrays import Array
from market.model.calendar import stamps
from market.model.currency import DEFAULT_CURRENCY, spoken_name
from market.model.parameter import Parameter, unit_in_name
from market.model.rules import Horizon
from market.model.units import BadUnit, Dimension, UnitSize, quantity, resized, unit_of
from market.scenario.faults import schema_faults, suggestion
from market.scenario.fields import Section
from market.scenario.series.reading import FileReader
from market.scenario.series.source import DefaultsSection, SourceSection, merged, realised_entry
from market.scenario.shown_value import shown
from market.scenario.spoken import plain

Place: TypeAlias = Callable[[Sequence[str | int]], str]
_ENERGY: Dimension = (0, 1, 1, 0, 0)
_POWER: Dimension = (0, 1, 0, 0, 0)
_NONE: Dimension = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Given:
    """What a file says of its series. values : the sections as they are · horizon : None where it has faults"""

    series: object
    defaults: object
    currency: str
    horizon: Horizon | None
    place: Place


@dataclass(frozen=True, slots=True)
class PowerColumns:
    """Which columns are powers, of which something may be realised: the column that tells what, by theirs.

    day_before : the horizon a day earlier, where what was realised then is the forecast; None elsewhere
    """

    realised: Mapping[str, str]
    day_before: Horizon | None = None


@dataclass(slots=True)
class SeriesColumns:
    """Columns by their names, in the units of the model; where each came from, in words; and faults."""

    columns: dict[str, Array] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Numbers in MW, h, t and currency, with what they are of, and what was done."""

    values: Array
    dimension: Dimension
    told: str


def columns_of_series(given: Mapping[str, object], columns: Collection[str], currency: str) -> dict[str, str]:
    """The wanted columns that series stand for: by column, the name of the series."""
    names = {name: column for column in columns for name in _called(column, currency)}
    return {names[name]: name for name in given if name in names}


def realised_by_series(given: Mapping[str, object], columns: Mapping[str, str], powers: PowerColumns) -> set[str]:
    """The columns of reality that series tell by their `realised`, or by yesterday's values being the forecast.

    columns : as `columns_of_series` has them
    """
    told = {column for column, name in columns.items() if powers.day_before or tells_reality(given, given[name])}
    return {powers.realised[column] for column in told if column in powers.realised}


def tells_reality(given: Mapping[str, object], entry: object, above: frozenset[str] = frozenset()) -> bool:
    """Whether an entry of `series`, or one that it is made of, says what became of it."""
    if isinstance(entry, list):
        return any(tells_reality(given, part, above) for part in entry)
    if not isinstance(entry, Mapping):
        return False
    other = entry.get("series")
    if entry.get("realised") is not None:
        return True
    if not isinstance(other, str) or other not in given or other in above:
        return False
    return tells_reality(given, given[other], above | {other})


def read_series(
    folder: Path,
    given: Given,
    columns: Collection[str] | None,
    told: Callable[[str], Parameter],
    powers: PowerColumns = PowerColumns({}),
) -> SeriesColumns:
    """Every wanted column that a series is given for.

    columns : those that are wanted, None where the file does not tell · told : what is said of a column's field
    """
    found = SeriesColumns()
    if given.series is None and given.defaults is None:
        return found
    if not isinstance(given.series, Mapping):
        if given.series is not None:
            remedy = "write `name: {file: …, column: …, unit: …}` lines below it"
            found.faults.append(
                Fault("must be a mapping of series", shown(given.series), given.place(("series",)), remedy)
            )
        return found
    reader = _SeriesReader(folder, given, found)
    stands_for = columns_of_series(given.series, columns or (), given.currency)
    for column, name in stands_for.items():
        reader.column(column, name, told(column))
    _read_reality(folder, given, found, stands_for, told, powers)
    if columns is not None:
        reader.unused(set(stands_for.values()), columns)
    found.faults[:] = _told_once(found.faults)
    return found


def _read_reality(
    folder: Path,
    given: Given,
    found: SeriesColumns,
    stands_for: Mapping[str, str],
    told: Callable[[str], Parameter],
    powers: PowerColumns,
) -> None:
    """What series say became of them; where yesterday is the forecast, that in place of what was read."""
    assert isinstance(given.series, Mapping)
    real = _SeriesReader(folder, given, found, realised=True)
    before = None
    if powers.day_before is not None:
        before = _SeriesReader(folder, replace(given, horizon=powers.day_before), found)
    for column, name in stands_for.items():
        says = tells_reality(given.series, given.series[name])
        other = powers.realised.get(column)
        if other is None:
            if says:
                rule = "must not say what is realised: that is for powers"
                remedy = "leave realised out; prices are those that all know beforehand"
                found.faults.append(Fault(rule, "realised", given.place(("series", name)), remedy))
        elif column not in found.columns:
            continue  # what is wrong there is told
        elif says and other in stands_for:
            rule, remedy = "must be given only once", f"keep realised here, or the series {stands_for[other]}"
            found.faults.append(Fault(rule, "realised as well", given.place(("series", name)), remedy))
        elif says:
            real.column(other, name, told(other))
        elif before is not None and other not in stands_for and column in found.columns:
            found.columns[other], found.sources[other] = found.columns[column], found.sources[column]
            before.column(column, name, told(column))


def _told_once(faults: Sequence[Fault]) -> Iterator[Fault]:
    """Each fault once: what is wrong in the defaults, or in a file, is so for every series of it."""
    alike: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        alike.setdefault((fault.rule, fault.value, fault.remedy), []).append(fault)
    for (rule, value, remedy), found in alike.items():
        places = {fault.place for fault in found}
        more = f", and so in {len(places) - 1} more" if len(places) > 1 else ""
        yield Fault(rule, value, f"{found[0].place}{more}", remedy)


def _called(column: str, currency: str) -> set[str]:
    """The names of a column: with its unit, with money named after the currency, and without a unit."""
    bare = next((column.removesuffix(f"_{end}") for end in _ENDINGS if column.endswith(f"_{end}")), column)
    return {column, spoken_name(column, currency), bare}


_ENDINGS = tuple(unit_in_name(unit) for unit in ("t CO2/MWh", "CNY/MWh", "MW", "MWh"))


class _SeriesReader:
    """Reads series by name, each once, and those that they are made of."""

    def __init__(self, folder: Path, given: Given, found: SeriesColumns, *, realised: bool = False) -> None:
        self._realised = realised
        self._given, self._found = given, found
        self._entries: Mapping[str, object] = given.series if isinstance(given.series, Mapping) else {}
        self._files = FileReader(folder, given.horizon, found.faults) if given.horizon else None
        self._read: dict[str, _Numbers | None] = {}
        self._under_way: list[str] = []
        self._used: set[str] = set()
        self._defaults = (
            self._section(DefaultsSection, given.defaults, ("series_defaults",)) if given.defaults else None
        )

    def column(self, column: str, name: str, parameter: Parameter) -> None:
        """A profile column from its series, within the bounds of its field."""
        numbers = self._named(name)
        if numbers is None:
            return
        where = self._given.place(("series", name))
        unit = parameter.unit.replace(DEFAULT_CURRENCY, self._given.currency)
        wanted = unit_of(unit, self._given.currency)
        if numbers.dimension != wanted.dimension:
            rule, remedy = f"must be in {unit}, or another unit of the same kind", "correct unit: or scale:"
            self._found.faults.append(Fault(rule, numbers.told, where, remedy))
            return
        values = resized(numbers.values, 1.0, wanted.size)
        if (fault := self._out_of_bounds(values, parameter, unit, where)) is not None:
            self._found.faults.append(fault)
            return
        self._found.columns[column] = values
        self._found.sources[column] = numbers.told

    def unused(self, used: set[str], columns: Collection[str]) -> None:
        """Series that no column and no other series asks for: a name is misspelt."""
        known = sorted(min(_called(column, self._given.currency), key=len) for column in columns)
        for name in self._entries:
            if name not in used | self._used:
                rule = "must be a series that the scenario calls for, or another series"
                remedy = f"{suggestion(str(name), known)}wanted are {', '.join(known[:12])}"
                self._found.faults.append(Fault(rule, shown(name), self._given.place(("series", name)), remedy))

    def _out_of_bounds(self, values: Array, parameter: Parameter, unit: str, where: str) -> Fault | None:
        low, high = parameter.ge, parameter.le
        outside = np.zeros(len(values), dtype=bool)
        outside |= (values < low) if low is not None else False
        outside |= (values > high) if high is not None else False
        if not outside.any():
            return None
        at = int(np.argmax(outside))
        horizon = self._given.horizon
        when = f" ({stamps(horizon)[at]})" if horizon is not None and horizon.start else ""
        more = int(outside.sum()) - 1
        others = f", and {more} more such period{'s' if more > 1 else ''}" if more else ""
        found = f"{values[at]:.6g} {unit} in period {at + 1}{when}{others}"
        small = low == 0 and bool(np.all(values[outside] < 0))
        remedy = (
            "if it is noise, say clip: and down to where, such as clip: 1 kW"
            if small
            else "correct unit: or scale:"
        )
        return Fault(f"must be from {low:.12g} to {high:.12g} {unit}", found, where, remedy)

    def _named(self, name: str) -> _Numbers | None:
        if name not in self._read:
            path = ("series", name)
            if name in self._under_way:
                circle = " → ".join([*self._under_way, name])
                rule, remedy = "must not be made of itself", "name a series that comes from a file"
                self._found.faults.append(Fault(rule, circle, self._given.place(path), remedy))
                return None
            self._under_way.append(name)
            self._read[name] = self._entry(self._entries[name], path)
            self._under_way.pop()
        return self._read[name]

    def _entry(self, entry: object, path: tuple[str | int, ...]) -> _Numbers | None:
        if isinstance(entry, list) and entry:
            parts = [self._entry(part, (*path, place)) for place, part in enumerate(entry)]
            return self._sum([part for part in parts if part is not None], len(parts), path)
        if isinstance(entry, Mapping):
            entry = realised_entry(entry) if self._realised else entry
            source = self._section(SourceSection, entry, path)
            return None if source is None else self._source(merged(source, self._defaults), path)
        if isinstance(entry, str) and self._given.horizon is not None:
            found = self._quantity(entry, path)
            if found is None:
                return None
            values = np.full(self._given.horizon.periods, resized(found[0], found[1].size))
            return _Numbers(values, found[1].dimension, f"{entry} in every period")
        if self._given.horizon is not None:
            remedy = "write a value with its unit, or {file: …, column: …, unit: …}, or a list of those"
            self._fault("must be a series", shown(entry), path, remedy)
        return None

    def _sum(self, parts: Sequence[_Numbers], count: int, path: tuple[str | int, ...]) -> _Numbers | None:
        if len(parts) < count:
            return None
        if len({part.dimension for part in parts}) > 1:
            told = "; ".join(part.told for part in parts)
            self._fault("must be of one kind, to be added up", told, path, "correct the units")
            return None
        told = " + ".join(part.told for part in parts)
        return _Numbers(np.sum([part.values for part in parts], axis=0), parts[0].dimension, told)

    def _source(self, source: Section, path: tuple[str | int, ...]) -> _Numbers | None:
        found = self._made_of(source, path) if source.series is not None else self._from_file(source, path)
        if found is None:
            return None
        values, dimension, told = found.values, found.dimension, found.told
        if source.scale is not None:
            scale = self._scale(source.scale, path)
            if scale is None:
                return None
            factor, unit = scale
            values = resized(values * factor, unit.size)
            dimension = unit.times(UnitSize(1.0, dimension)).dimension
            told += f", × {source.scale}"
        if source.add is not None:
            added = self._same_kind(source.add, dimension, (*path, "add"))
            if added is None:
                return None
            values, told = values + added, f"{told}, + {source.add}"
        if source.clip is not None:
            least = self._same_kind(source.clip, dimension, (*path, "clip"))
            if least is None:
                return None
            if least < 0:
                self._fault("must not be below 0", shown(source.clip), (*path, "clip"), "say it without its sign")
                return None
            small = (values < 0) & (values >= -least)
            if small.any():
                told += f", {int(small.sum())} of 0 to −{source.clip} taken as 0"
            values = np.where(small, 0.0, values)
        return _Numbers(values, dimension, told)

    def _made_of(self, source: Section, path: tuple[str | int, ...]) -> _Numbers | None:
        name = source.series
        if name not in self._entries:
            remedy = (
                f"{suggestion(name, list(self._entries))}there are {', '.join(map(str, list(self._entries)[:12]))}"
            )
            self._fault("must be the name of a series", shown(name), (*path, "series"), remedy)
            return None
        self._used.add(name)
        found = self._named(name)
        return None if found is None else _Numbers(found.values, found.dimension, f"{name} ({found.told})")

    def _from_file(self, source: Section, path: tuple[str | int, ...]) -> _Numbers | None:
        if source.file is None and self._given.defaults and self._defaults is None:
            return None  # what the defaults say is to be corrected first
        if source.file is None:
            self._fault("must say where it comes from", "no file", path, "add file:, or series: for another one")
            return None
        unit = self._unit(source, path)
        if unit is None or self._files is None:
            return None
        found = self._files.read(source, unit.dimension, self._given.place(path))
        if found is None:
            return None
        dimension = _POWER if unit.dimension == _ENERGY else unit.dimension
        values = resized(found.values, unit.size)
        return _Numbers(values, dimension, f"{found.told}, in {source.unit or 'parts of 1'}")

    def _unit(self, source: Section, path: tuple[str | int, ...]) -> UnitSize | None:
        """The unit of a file's numbers; where a scale with a unit says what 1 stands for they need none."""
        if source.unit is None:
            if (
                isinstance(source.scale, str)
                and (scale := self._scale(source.scale, path))
                and scale[1].dimension != _NONE
            ):
                return UnitSize(1.0, _NONE)
            remedy = "add unit:, such as kW, MW, kWh (of each interval), EUR/MWh, ct/kWh, or g/kWh"
            self._fault("must say the unit of its numbers", "nothing", (*path, "unit"), remedy)
            return None
        try:
            return unit_of(source.unit, self._given.currency)
        except BadUnit as error:
            self._fault(error.rule, error.found, (*path, "unit"), error.remedy)
            return None

    def _scale(self, scale: object, path: tuple[str | int, ...]) -> tuple[float, UnitSize] | None:
        if isinstance(scale, int | float):
            return float(scale), UnitSize(1.0, _NONE)
        return self._quantity(str(scale), (*path, "scale"))

    def _same_kind(self, text: str, dimension: Dimension, path: tuple[str | int, ...]) -> float | None:
        found = self._quantity(text, path)
        if found is None:
            return None
        if found[1].dimension != dimension:
            self._fault("must be of the same kind as the series", shown(text), path, "correct its unit")
            return None
        return float(resized(found[0], found[1].size))

    def _quantity(self, text: str, path: tuple[str | int, ...]) -> tuple[float, UnitSize] | None:
        try:
            found = quantity(text, self._given.currency)
        except BadUnit as error:
            self._fault(error.rule, error.found, path, error.remedy)
            return None
        return found.number, found.unit

    def _section(self, schema: type[Section], values: object, path: tuple[str | int, ...]) -> Section | None:
        if not isinstance(values, Mapping):
            self._fault(
                "must be a section of `name: value` lines", shown(values), path, "write its fields below it"
            )
            return None
        spoken = plain(schema, values, self._given.currency)

        def place(below: Sequence[str | int]) -> str:
            return self._given.place((*path, *spoken.as_written(below)))

        for below, fault in spoken.faults:
            self._found.faults.append(Fault(fault.rule, fault.value, place(below), fault.remedy))
        if spoken.faults:
            return None
        try:
            return schema.model_validate(spoken.values)
        except ValidationError as error:
            self._found.faults += schema_faults(schema, error, place)
            return None

    def _fault(self, rule: str, value: str, path: tuple[str | int, ...], remedy: str) -> None:
        self._found.faults.append(Fault(rule, value, self._given.place(path), remedy))
