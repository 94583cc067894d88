"""Reads a table of a run folder from its CSV file, or refuses it: by its columns and the values in them."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from market.app.results.columns import COLUMNS, NAMES, TEXTS, WITH_UNITS, WORDS
from market.app.results.document import refused
from market.app.results.manifest_shape import REMEDY
from market.app.results.records import Records, records_of
from market.app.results.shapes import LARGEST
from market.errors import ScenarioError

_NOBODY = ("", "system")  # whom a name may mean beside VPPs


@dataclass(frozen=True, slots=True)
class Place:
    """What rows may speak of: the VPPs of the run, and its periods, from 1 to so many."""

    vpps: tuple[str, ...]
    periods: int


def read_table(folder: Path, name: str, place: Place) -> Records:
    """A table. ScenarioError if it is not what a run leaves, naming the first column that is not."""
    path = folder / f"{name}.csv"
    try:
        header, *rows = csv.reader(io.StringIO(_text(path)))
    except (OSError, ValueError, csv.Error) as error:
        raise _refused(path, "a run folder holds this table", _reason(error)) from None
    if tuple(header) != COLUMNS[name] and (name, tuple(header)) != ("dispatch", WITH_UNITS):
        raise _refused(path, f"its columns must be {', '.join(COLUMNS[name])}", ", ".join(header)[:200])
    if any(len(row) != len(header) for row in rows):
        raise _refused(path, "every row has a cell for each column", "a row that has not")
    try:
        records = records_of(header, rows)
    except (ValueError, OverflowError) as error:
        raise _refused(path, "numbers stand where numbers belong", str(error)[:200]) from None
    for column, rule, value in _misfits(records, place):
        raise _refused(f"{path}: {column}", rule, value)
    return records


def _text(path: Path) -> str:
    """The text of an ordinary file: a pipe would hold us up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="utf-8", newline="") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("something that is no ordinary file")
        return file.read()


def _misfits(records: Records, place: Place) -> Iterator[tuple[str, str, str]]:
    """Each column that holds what it cannot, with the rule and the first such value."""
    who = frozenset((*place.vpps, *_NOBODY))
    for name, column in records.columns.items():
        if name in TEXTS:
            continue
        if name in NAMES or name in WORDS:
            known = who if name in NAMES else WORDS[name]
            if strangers := [value for value in column.tolist() if value not in known]:
                words = ", ".join(sorted(known))
                rule = "must name VPPs of the run" if name in NAMES else f"must be one of {words}"
                yield name, rule, repr(strangers[0])[:60]
            continue
        low, high = _limits(name, place)
        outside = (column < low) | (column > high)
        if outside.any():
            yield name, f"must be of {low:g} to {high:g}", str(column[np.argmax(outside)])


def _limits(name: str, place: Place) -> tuple[float, float]:
    if name == "period":
        return 1, place.periods
    if name == "stage":
        return 1, 3
    return (-np.inf, np.inf) if name == "sdr" else (-LARGEST, LARGEST)  # a VPP with no demand


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or "an empty file").lower()


def _refused(place: Path | str, rule: str, value: str) -> ScenarioError:
    return refused(place, rule, value, REMEDY)
