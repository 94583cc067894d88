"""What a file says of a series: where it comes from, what its numbers are, how they come to the periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from market.model.parameter import Broken, Parameter
from market.scenario.fields import Section, is_inside, number_of_file, section_of
from market.scenario.series.marks import broken_marks


class Stamp(StrEnum):
    """What the time of a row tells."""

    START = "start"  # the beginning of the interval that its number is for
    END = "end"  # the end of that interval
    INSTANT = "instant"  # the moment of the number; between two of them it changes evenly


class Resample(StrEnum):
    """How numbers come to the periods."""

    MEAN = "mean"  # the mean over each period
    HOLD = "hold"  # what stands as the period begins
    SUM = "sum"  # energy of each interval: evenly over it, then the mean power of each period


class Gaps(StrEnum):
    """What becomes of missing rows and empty cells."""

    REFUSE = "refuse"
    HOLD = "hold"  # as before
    LINEAR = "linear"  # evenly from before to after
    ZERO = "zero"


LONGEST_GAP_H = 2.0
_WORD = {"max_length": 200}
_TEXT_OR_NUMBER = Annotated[str | float, Field(union_mode="left_to_right")]


def _place(source: Section) -> Iterator[Broken]:
    """One place that the numbers come from, inside the folder or the root that is named."""
    if source.file is not None and source.series is not None:
        yield Broken("series", "must not be given together with file", repr(source.series), "keep one of the two")
    if source.file is not None and not is_inside(source.file):
        remedy = "name a file below the scenario's folder; for another folder say root: ../shared"
        yield Broken("file", "must be the name of a file below the folder", repr(source.file[:60]), remedy)


def _marks(source: Section) -> Iterator[Broken]:
    """Marks of one character, no two alike."""
    yield from broken_marks(source.sep, source.decimal, source.thousands)


def _file_or_fields(value: Any) -> Any:
    """The name of a file, or fields that differ."""
    if value is None or (isinstance(value, str | dict) and value):
        return value
    rule, remedy = "must be a file, or {file: …, column: …}", "name the file that tells what became of it"
    broken = [Broken("", rule, repr(value)[:60], remedy)]
    raise PydanticCustomError("rules", "rules are broken", {"broken": broken})


def _optional(kind: Any, meaning: str, **limits: Any) -> tuple[Any, Any]:
    return (kind | None, Field(None, description=meaning, **limits))


def _counted(kind: Any, meaning: str, unit: str, **limits: Any) -> tuple[Any, Any]:
    """The same of a number of things."""
    return _optional(kind, f"{meaning} [{unit}]", json_schema_extra={"unit": unit}, **limits)


def _choice(kind: type[StrEnum], meaning: str) -> tuple[Any, Any]:
    return (Annotated[kind, Strict(False)] | None, Field(None, description=meaning))


_FIELDS: Mapping[str, Any] = {
    "file": _optional(str, "CSV file; or Parquet (.parquet) or Excel (.xlsx) with the extra `tables`", **_WORD),
    "root": _optional(
        str, "Folder in which file is, seen from the scenario's own; left out: the scenario's folder", **_WORD
    ),
    "sheet": _optional(str, "Sheet of an Excel file; left out: the first", **_WORD),
    "series": _optional(str, "Another series of this scenario, in place of a file", **_WORD),
    "column": _counted(str | int, "Column by its name in the header, or by its number from 1", "column"),
    "time": _counted(
        str | int | list[str | int],
        "Column with the time of each row, by name or number from 1, or several that make it up; "
        "left out: a row for each period, in order",
        "column",
    ),
    "time_format": _optional(
        str,
        "How times are written: as in strptime, unix for seconds since 1970, or iso; left out: ISO 8601",
        **_WORD,
    ),
    "tz": _optional(str, "Zone of times that have no distance from UTC; left out: that of the horizon", **_WORD),
    "stamp": _choice(
        Stamp, "What the time of a row is: start or end of its interval, or an instant; left out: start"
    ),
    "step_h": number_of_file(
        Parameter("h", "Distance of two rows; left out: the most frequent one", gt=0, le=8784)
    ),
    "unit": _optional(
        str, "Unit of the numbers: kW, MW, kWh (of each interval), EUR/MWh, ct/kWh, g/kWh …", **_WORD
    ),
    "resample": _choice(
        Resample,
        "How they come to the periods: mean, hold or sum; left out: mean of power, sum of energy, hold of prices",
    ),
    "gaps": _choice(Gaps, "Missing rows and empty cells: refuse, hold, linear or zero; left out: refuse"),
    "longest_gap_h": number_of_file(
        Parameter("h", f"Longest gap that is filled; left out: {LONGEST_GAP_H:g} h", ge=0, le=8784)
    ),
    "scale": _counted(
        _TEXT_OR_NUMBER, "Factor; or what 1 stands for, such as 0.23 MW, where the numbers have no unit", "1"
    ),
    "add": _optional(str, "What is added, with its unit, such as 120 EUR/MWh", **_WORD),
    "realised": _optional(
        Annotated[Any, BeforeValidator(_file_or_fields, json_schema_input_type=str | dict[str, Any])],
        "What became of it, where it is a forecast of a power: a file of the same form, or {file: …, column: …} "
        "with what is not as here",
    ),
    "clip": _optional(str, "Numbers below 0 by no more than this, such as 1 kW, count as 0", **_WORD),
    "sep": _optional(str, "Mark between columns; left out: a comma"),
    "decimal": _optional(str, "Decimal mark; left out: a point"),
    "thousands": _optional(str, "Mark between thousands: `.`, `,`, `'`, `_` or a space; left out: none"),
    "encoding": _optional(str, "Encoding of the file, such as latin-1; left out: UTF-8", **_WORD),
    "skip": _counted(int, "Lines above the header", "lines", ge=0, le=1000),
    "header": _optional(bool, "Whether the first row names the columns; left out: true"),
}
SourceSection = section_of(
    "SourceSection", "A series: where it comes from, and how its numbers are to be taken.", _FIELDS, _place, _marks
)
DefaultsSection = section_of(
    "DefaultsSection",
    "What holds for all series that do not say otherwise.",
    {name: field for name, field in _FIELDS.items() if name not in ("series", "scale", "add", "realised")},
    _marks,
)


def realised_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of `series` with what became of it in place of the forecast; as it is where that is not said."""
    said = entry.get("realised")
    if said is None:
        return dict(entry)
    changes = dict(said) if isinstance(said, Mapping) else {"file": said}
    replaced = {"realised", *({"series"} if "file" in changes else ())}
    return {**{name: value for name, value in entry.items() if name not in replaced}, **changes}


def merged(source: Section, defaults: Section | None) -> Section:
    """The source with what it leaves out taken from the defaults; a series made of another takes none."""
    if defaults is None or source.series is not None:
        return source
    common = {
        name: value
        for name in DefaultsSection.model_fields
        if getattr(source, name) is None and (value := getattr(defaults, name)) is not None
    }
    return source.model_copy(update=common)
