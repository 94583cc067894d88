"""Reads a run folder back: its manifest, its certificate and its tables, typed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.app.results.certificate_shape import CERTIFICATE, CERTIFICATE_FILE
from market.app.results.columns import (
    DAY_CERTIFICATE,
    DAY_TABLES,
    NETWORK_TABLES,
    ROUND_TABLES,
    UNIT_TABLES,
)
from market.app.results.document import check_shape, read_document, refused
from market.app.results.manifest_shape import MANIFEST, NAME_A_RUN, REMEDY, is_aborted, read_manifest
from market.app.results.records import Records, records_of
from market.app.results.table import Table
from market.app.results.table_file import Place, read_table
from market.app.results.written_files import FILES, ForeignFile, foreign_files


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run that came to its end: what its folder holds. foreign : the files that are not what it wrote"""

    name: str
    manifest: Mapping[str, Any]
    tables: Mapping[str, Records]
    certificate: Mapping[str, Any]
    foreign: tuple[ForeignFile, ...] = ()

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
    read = {key: records_of(table.columns, table.rows) for key, table in tables.items()}
    return RecordedRun(name, manifest, read, certificate)


def read_run(folder: Path) -> RecordedRun:
    """Read a run folder back. ScenarioError if it is none, is not readable, or its run broke before the end."""
    rule = f"a run folder holds {MANIFEST} and the run's tables"
    if not os.path.isdir(folder):
        raise refused(folder, rule, "a file" if os.path.exists(folder) else "no such folder", NAME_A_RUN)
    manifest = read_manifest(folder)
    if manifest is None:
        raise refused(folder, rule, f"a folder without {MANIFEST}", NAME_A_RUN)
    if is_aborted(manifest):
        why = f"a run that broke: {manifest['error'] or 'no reason given'}"
        raise refused(folder, "a run must have come to its end", why, "run it again")
    place = Place(tuple(manifest["vpps"]), int(manifest["rules"]["horizon"]["periods"]))
    names = (
        *DAY_TABLES,
        *(UNIT_TABLES if f"{UNIT_TABLES[0]}.csv" in manifest.get(FILES, {}) else ()),
        *(ROUND_TABLES if manifest["day"] else ()),
        *((DAY_CERTIFICATE,) if DAY_CERTIFICATE in manifest else ()),
        *(NETWORK_TABLES if manifest["network"] else ()),
    )
    tables = {name: read_table(folder, name, place) for name in names}
    foreign = tuple(foreign_files(folder, manifest))
    return RecordedRun(folder.name, manifest, tables, _certificate(folder, manifest), foreign)


def _certificate(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The certificate, which tells the same as the manifest."""
    path = folder / CERTIFICATE_FILE
    try:
        document = read_document(path, REMEDY)
    except FileNotFoundError:
        raise refused(folder, f"a run folder holds {CERTIFICATE_FILE}", "a folder without one", REMEDY) from None
    check_shape(document, CERTIFICATE, path, REMEDY)
    for name in ("verdict", "epsilon_cny", "epsilon_relative"):
        rule = f"{name} must be what {MANIFEST} tells, {manifest[name]}"
        if document[name] != manifest[name]:
            raise refused(path, rule, str(document[name]), REMEDY)
    certificate: Mapping[str, Any] = document
    return certificate
