"""Owns reading a run back: its manifest and its tables, typed. Knows nothing of pictures."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.app.network_report.tables import NETWORK_TABLES
from market.app.run_folder.table import Table
from market.errors import Fault, ScenarioError

TABLES = ("roles", "bids", "offers", "selections", "periods", "dispatch", "costs", "trace")
WHOLE = {"period", "stage", "round", "rounds"}
WORDS = {"vpp", "buyer", "seller", "counterpart", "role", "verdict", "scenario", "quantity", "sender", "receiver"}
Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Records:
    """A table by columns: text, whole numbers or doubles, in the order of its rows. NaN: no such number."""

    columns: Mapping[str, Column]

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def where(self, **equal: str | int) -> Records:
        """The rows that have these values."""
        kept = np.ones(len(self), dtype=bool)
        for name, value in equal.items():
            kept &= self.columns[name] == value
        return Records({name: column[kept] for name, column in self.columns.items()})

    def distinct(self, name: str) -> list[Any]:
        """The values of a column, each once, in the order in which they first come."""
        return list(dict.fromkeys(self.columns[name].tolist()))


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run that came to its end: what its folder holds."""

    name: str
    manifest: Mapping[str, Any]
    tables: Mapping[str, Records]
    certificate: Mapping[str, Any]

    def __getitem__(self, table: str) -> Records:
        return self.tables[table]

    @property
    def vpps(self) -> list[str]:
        """Ids in the scenario's order."""
        return list(self.manifest["vpps"])

    @property
    def period_count(self) -> int:
        """T."""
        return int(self.manifest["rules"]["horizon"]["periods"])

    @property
    def period_h(self) -> float:
        """Δt."""
        return float(self.manifest["rules"]["horizon"]["period_h"])

    def account(self, vpp: str, scenario: str, column: str) -> float:
        """A number of `costs`; NaN where it was not shown, or the VPP had no part in the end."""
        found = self["costs"].where(vpp=vpp, scenario=scenario)[column]
        return float(found[0]) if len(found) else float("nan")

    def sellers(self) -> list[str]:
        """VPPs that made an offer in any period, in the scenario's order."""
        offering = set(self["offers"].distinct("vpp"))
        return [vpp for vpp in self.vpps if vpp in offering]

    def buyers(self) -> list[str]:
        """VPPs that selected among offers in any period, in the scenario's order."""
        selecting = set(self["selections"].distinct("buyer"))
        return [vpp for vpp in self.vpps if vpp in selecting]

    def by_period(self, records: Records, column: str) -> NDArray[np.float64]:
        """A column of at most one row a period, shape (T,); NaN where there is no row."""
        values = np.full(self.period_count, np.nan)
        values[records["period"] - 1] = records[column]
        return values


def recorded(
    name: str, manifest: Mapping[str, Any], tables: Mapping[str, Table], certificate: Mapping[str, Any]
) -> RecordedRun:
    """A run as it would be read back from its folder, from what is in memory."""
    read = {key: _from_rows(table.columns, table.rows) for key, table in tables.items()}
    return RecordedRun(name, manifest, read, certificate)


def read_run(folder: Path) -> RecordedRun:
    """Read a run folder back. ScenarioError if it is none, is not readable, or its run broke before the end."""
    manifest = _document(folder, "manifest.json")
    if not {"vpps", "rules", "verdict", "scenario"} <= manifest.keys():
        rule = "a run folder holds manifest.json and the run's tables"
        raise _refused(folder / "manifest.json", rule, "a manifest of something else", "name the folder of a run")
    if manifest.get("verdict") == "aborted" and "rounds" not in manifest:
        why = f"a run that broke: {manifest.get('error', 'no reason given')}"
        raise _refused(folder, "a run must have come to its end", why, "run it again")
    names = (*TABLES, *(NETWORK_TABLES if manifest.get("network") else ()))
    tables = {name: _read(folder / f"{name}.csv") for name in names}
    return RecordedRun(folder.name, manifest, tables, _document(folder, "certificate.json"))


def _document(folder: Path, name: str) -> dict[str, Any]:
    rule, remedy = f"a run folder holds {name} and the run's tables", "name the folder of a run"
    if not os.path.isdir(folder):
        raise _refused(folder, rule, "a file" if os.path.exists(folder) else "no such folder", remedy)
    if (folder / name).exists() and not (folder / name).is_file():
        raise _refused(folder / name, "it must be an ordinary file", "something else", remedy)
    try:
        document = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _refused(folder, rule, f"a folder without {name}", remedy) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(folder / name, "it must be readable JSON", str(error), remedy) from None
    if not isinstance(document, dict):
        raise _refused(folder / name, rule, "JSON of something else", remedy)
    return document


def _read(path: Path) -> Records:
    remedy = "run the scenario again"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError) as error:
        raise _refused(path, "a run folder holds this table", _reason(error), remedy) from None
    if any(len(row) != len(header) for row in rows):
        raise _refused(path, "every row has a cell for each column", "a row that has not", remedy)
    try:
        return _from_rows(header, rows)
    except ValueError as error:
        raise _refused(path, "numbers stand where numbers belong", str(error), remedy) from None


def _from_rows(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Records:
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return Records({name: _column(name, values) for name, values in zip(header, cells, strict=True)})


def _column(name: str, values: Sequence[Any]) -> Column:
    if name in WORDS:
        return np.array([str(value) for value in values], dtype=object)
    number: Callable[[Any], float] = int if name in WHOLE else lambda v: float(v) if v != "" else np.nan
    return np.array([number(value) for value in values], dtype=np.int64 if name in WHOLE else np.float64)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or "an empty file").lower()


def _refused(place: Path, rule: str, value: str, remedy: str) -> ScenarioError:
    return ScenarioError([Fault(rule, value, str(place), remedy)])
