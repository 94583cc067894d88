"""Reads measured latencies from CSV files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from market.errors import Fault
from market.model.network import Empirical
from market.model.parameter import parameters_of
from market.scenario.faults import more_faults
from market.scenario.fields import is_inside
from market.scenario.files import read_text
from market.scenario.shown_value import shown

COLUMN = "latency_s"
MAX_MEBIBYTES = 16
_MOST = 3
((_, _TIME, _),) = parameters_of(Empirical)


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """Samples by name of file, seconds. Where there are faults, files may be missing."""

    by_file: Mapping[str, tuple[float, ...]]
    faults: tuple[Fault, ...]


def read_samples(folder: Path, network: object) -> SampleFiles:
    """Every file that the section `network`, which may have faults of its own, names; all faults at once."""
    by_file: dict[str, tuple[float, ...]] = {}
    faults: list[Fault] = []
    for name in dict.fromkeys(_named(network)):
        by_file[name], broken = read_sample_file(folder / name, name)
        faults += broken
    return SampleFiles(by_file, tuple(faults))


def read_sample_file(path: Path, place: str) -> tuple[tuple[float, ...], list[Fault]]:
    """The samples of one file, seconds, in its order, and what is wrong with it. `place`: its name in messages."""
    text = read_text(path, place, MAX_MEBIBYTES)
    if isinstance(text, Fault):
        return (), [text]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except csv.Error as error:
        remedy = "correct the quotes of that line, or write the file without quotes"
        return (), [Fault("must be readable CSV", str(error), f"{place}:{reader.line_num}", remedy)]
    line, header = rows[0]
    if header.count(COLUMN) != 1:
        remedy = f"name the column of latencies, in seconds, {COLUMN} in the first row"
        return (), [Fault(f"must have one column {COLUMN}", shown(",".join(header)), f"{place}:{line}", remedy)]
    if len(rows) == 1:
        remedy = "add measured latencies, one a row"
        return (), [Fault("must have a sample", "a header only", place, remedy)]
    return _numbers(rows[1:], header.index(COLUMN), place)


def _numbers(rows: list[tuple[int, list[str]]], column: int, place: str) -> tuple[tuple[float, ...], list[Fault]]:
    samples: list[float] = []
    broken: list[Fault] = []
    rule = f"must be a number from {_TIME.ge:.12g} to {_TIME.le:.12g} {_TIME.unit}"
    for line, cells in rows:
        cell = cells[column] if column < len(cells) else ""
        value = _number(cell)
        if _TIME.holds(value):
            samples.append(value)
        else:
            found = shown(cell) if cell else "an empty cell"
            broken.append(Fault(rule, found, f"{place}:{line} column {COLUMN}", "write seconds as a plain number"))
    return tuple(samples), [*islice(broken, _MOST), *more_faults(len(broken) - _MOST, place)]


def _number(cell: str) -> float:
    try:
        return float(cell) if cell.isascii() and "_" not in cell else math.nan
    except ValueError:
        return math.nan


def _named(network: object) -> Iterator[str]:
    """The names of files that are ones, wherever the section gives a latency."""
    if not isinstance(network, dict):
        return
    links = network.get("links")
    for entry in (network, *(links if isinstance(links, list) else ())):
        latency = entry.get("latency") if isinstance(entry, dict) else None
        name = latency.get("file") if isinstance(latency, dict) else None
        if isinstance(name, str) and is_inside(name):
            yield name
