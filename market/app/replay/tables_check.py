"""Holds a run's tables and certificate against its tape: what the tape comes to is written again and compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from broker.tape import Opened, Record, Shared
from broker.wire.messages import BROKER
from market.app.replay.conclusion import day_of_tape
from market.app.replay.decision import Agreement, Decision, Difference
from market.app.replay.tally import Tally
from market.app.results.certificate import CERTIFICATE_FILE
from market.app.results.columns import NETWORK_TABLES
from market.app.results.kept import Keep, TableFormat, kept_of
from market.app.results.known_plants import with_known_plants
from market.app.results.manifest import RunSpec
from market.app.results.manifest_shape import manifest_unless_torn
from market.app.results.table import Table
from market.app.results.table_file import text_of
from market.app.results.table_writer import file_of
from market.app.results.telling import telling_of
from market.errors import MarketError
from market.model.network import TimeMode
from market.scenario.scenario import Scenario

SHOWN = 3
"""So many differing cells of a file are named."""


def against_tables(
    run: Path, records: Sequence[Record], tally: Tally, beside: Scenario | None
) -> Iterator[Decision]:
    """One decision: whether every table of a run that came to its end is what its tape comes to.

    beside : the scenario with the plants that the run knew; where that is not known, what only plants tell is left
    out. So are in wall time the network's tables, which do not follow from the tape.
    """
    header, shared = records[0], records[1] if len(records) > 1 else None
    if tally.left is None or tally.differing or not isinstance(header, Opened) or not isinstance(shared, Shared):
        return
    scenario = with_known_plants(shared.scenario, beside)
    kept = kept_of(manifest_unless_torn(run) or {})
    what = RunSpec(scenario, header.seed, False, datetime.min, header.audit, Keep(kept.trace, kept.format))
    try:
        day = day_of_tape(what, tally.left)
    except MarketError:
        return  # the manifest's check says so
    wall = scenario.network.time is TimeMode.WALL
    told = telling_of(scenario)
    files = {
        file_of(table.name, kept.format): _as_read(told.table(table), kept.format)
        for table in day.written
        if not (wall and table.name in NETWORK_TABLES)
    }
    found = [one for name, text in files.items() for one in _differing(run / name, text, beside is None)]
    found += _certificate(run / CERTIFICATE_FILE, json.loads(json.dumps(told.document(day.certificate))))
    agreement = Agreement.DIFFERENT if found else Agreement.SAME
    yield Decision(
        0.0, 0, BROKER, "tables", agreement, f"{len(files)} tables and {CERTIFICATE_FILE}", tuple(found)
    )


def _as_read(table: Table, format: TableFormat) -> str:
    """A table as CSV, as it would be read back: Parquet tells a whole number from a double by its column alone."""
    if format is TableFormat.CSV:
        return table.csv()
    records = table.by_column()
    return Table.of_blocks(table.name, table.columns, lambda: iter([records])).csv()


def _differing(path: Path, text: str, unknown: bool) -> list[Difference]:
    """The first cells in which a table is not the one that the tape comes to. unknown : empty cells are unknown"""
    try:
        recorded = text_of(path)
    except (OSError, ValueError):
        return [Difference(path.name, None, "a table")]
    if recorded == text:
        return []
    told, own = list(csv.reader(recorded.splitlines())), list(csv.reader(text.splitlines()))
    cells = [
        Difference(f"{path.name} row {row} {column}", left, right)
        for row, (ours, theirs) in enumerate(zip(told, own, strict=False))
        for column, left, right in zip(own[0], ours, theirs, strict=False)
        if left != right and not (unknown and right == "")
    ]
    if (len(told), len(told[0]) if told else 0) != (len(own), len(own[0])):
        return [Difference(path.name, f"{len(told)} rows", f"{len(own)} rows")]
    return cells[:SHOWN]


def _certificate(path: Path, own: object) -> list[Difference]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [Difference(path.name, None, "a certificate")]
    return [] if told == own else [Difference(path.name, "another one", "that of the tape")]
