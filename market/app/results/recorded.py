"""Reads a run folder back: its manifest, its certificate and its tables, typed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.app.results.certificate import CERTIFICATE_FILE
from market.app.results.certificate_shape import CERTIFICATE
from market.app.results.chosen_again import selections_of
from market.app.results.columns import (
    COLUMNS,
    DAY_CERTIFICATE,
    DAY_TABLES,
    IMBALANCE,
    NETWORK_TABLES,
    ROUND_TABLES,
    STRATEGIES,
    TRANSFERS,
    UNIT_TABLES,
)
from market.app.results.document import check_shape, read_document, refused
from market.app.results.kept import TraceLevel, TraceQuantity, kept_of
from market.app.results.later_tables import LaterTables
from market.app.results.manifest import MANIFEST
from market.app.results.manifest_shape import NAME_A_RUN, REMEDY, in_code, is_aborted, read_manifest
from market.app.results.records import Records, column_type
from market.app.results.table import Table
from market.app.results.table_file import Place, read_table
from market.app.results.table_writer import file_of
from market.app.results.telling import Telling, telling_of_manifest
from market.app.results.whole_tables import ReadDay, check_rows
from market.app.results.written_files import FILES, ForeignFile, foreign_files
from market.model.rules import Mechanism


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

    def traced(self, quantity: TraceQuantity) -> Records:
        """What the trace tells of a quantity; nothing where the run does not keep that, see `untraced`."""
        if "trace" not in self.tables:
            return Records({name: np.zeros(0, column_type(name)) for name in COLUMNS["trace"]})
        return self["trace"].where(quantity=quantity.value)

    def untraced(self, quantity: TraceQuantity) -> str:
        """Why the trace tells nothing of a quantity, in a sentence for people; empty where it is kept."""
        needed = TraceLevel.OFFERS if quantity is TraceQuantity.PRICE else TraceLevel.FULL
        level = kept_of(self.manifest).trace
        if level in (needed, TraceLevel.FULL):
            return ""
        return f"This run keeps no such trace: run it with --trace {needed.value}."

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

    @property
    def told(self) -> Telling:
        """How the run is told to people: its currency, and when its periods begin."""
        return telling_of_manifest(self.manifest)

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
    return RecordedRun(name, manifest, LaterTables({n: t.by_column for n, t in tables.items()}), certificate)


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
    place = Place(
        tuple(manifest["vpps"]), int(manifest["rules"]["horizon"]["periods"]), telling_of_manifest(manifest)
    )
    kept = kept_of(manifest)
    names = (
        *(name for name in DAY_TABLES if name != "trace" or kept.trace is not TraceLevel.NONE),
        *(name for name in UNIT_TABLES if file_of(name, kept.format) in manifest.get(FILES, {})),
        *(ROUND_TABLES if manifest["day"] else ()),
        *((TRANSFERS,) if Mechanism(manifest["rules"]["market"]["mechanism"]).transfers else ()),
        *(name for name in (IMBALANCE, DAY_CERTIFICATE, STRATEGIES) if name in manifest),
        *(NETWORK_TABLES if manifest["network"] else ()),
    )
    certificate = _certificate(folder, manifest)
    left_out = () if kept.selections else ("selections",)
    read = {name: read_table(folder, name, place, kept.format) for name in names if name not in left_out}
    check_rows(folder, ReadDay(manifest, certificate, read))
    tables = _tables(names, left_out, read, manifest)
    foreign = tuple(foreign_files(folder, manifest))
    return RecordedRun(folder.name, manifest, tables, certificate, foreign)


def _tables(
    names: Sequence[str], left_out: Sequence[str], read: Mapping[str, Records], manifest: Mapping[str, Any]
) -> LaterTables:
    """Every table; those that are left out are worked out when asked for."""
    makers = {name: partial(selections_of, read, manifest["rules"]) for name in left_out}
    makers |= {name: partial(read.__getitem__, name) for name in read}
    return LaterTables({name: makers[name] for name in names})


def _certificate(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The certificate, which tells the same as the manifest."""
    path = folder / CERTIFICATE_FILE
    try:
        document = read_document(path, REMEDY)
    except FileNotFoundError:
        raise refused(folder, f"a run folder holds {CERTIFICATE_FILE}", "a folder without one", REMEDY) from None
    document = in_code(document, manifest, path, REMEDY)
    check_shape(document, CERTIFICATE, path, REMEDY)
    for name in ("verdict", "epsilon_cny", "epsilon_relative"):
        rule = f"{name} must be what {MANIFEST} tells, {manifest[name]}"
        if document[name] != manifest[name]:
            raise refused(path, rule, str(document[name]), REMEDY)
    certificate: Mapping[str, Any] = document
    return certificate
