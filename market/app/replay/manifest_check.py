"""Holds a run's tape against its manifest, where its folder has one: the two were written apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from broker.tape import TAPE_NAME, Ended, Opened, Record, Shared
from broker.tape.files import tape_sha256
from broker.wire.messages import BROKER
from market.app.replay.decision import Agreement, Decision, compared
from market.outcome import Verdict

MANIFEST = "manifest.json"


def against_manifest(run: Path, records: Sequence[Record]) -> Iterator[Decision]:
    """One decision: whether header, scenario and end of a tape are what the manifest says; none without one."""
    path = run / MANIFEST
    if not path.exists():
        return
    try:
        told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        yield Decision(0.0, 0, BROKER, "manifest", Agreement.DIFFERENT, f"{MANIFEST} cannot be read")
        return
    found = _on_tape(run, records, told)
    known = {name: told[name] for name in found if name in told}
    yield compared(0.0, 0, BROKER, "manifest", MANIFEST, {name: found[name] for name in known}, known)


def _on_tape(run: Path, records: Sequence[Record], told: dict[str, Any]) -> dict[str, Any]:
    """What the tape says of what stands in a manifest as well."""
    found: dict[str, Any] = {"tape_sha256": tape_sha256(run / TAPE_NAME)}
    for record in (*records[:2], *records[-1:]):
        if isinstance(record, Opened):
            found |= {"seed": record.seed, "scenario_digest": record.scenario_digest, "vpps": list(record.roster)}
        elif isinstance(record, Shared):
            shared = record.scenario
            found |= {"scenario": shared.name, "title": shared.title, "public_digest": shared.public.digest}
        elif isinstance(record, Ended) and told.get("verdict") != Verdict.ABORTED.value:
            found["verdict"] = record.verdict.value
    return found
