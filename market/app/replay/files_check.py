"""Checks that the files of a run folder are those that its run wrote, by the digests in its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from broker.wire.messages import BROKER
from market.app.replay.decision import Agreement, Decision, Difference
from market.app.results.written_files import FILES, foreign_files


def against_digests(run: Path, manifest: Mapping[str, Any]) -> Iterator[Decision]:
    """One decision: whether each file is the one that was written; none where a manifest has no digests.

    The tape's is a field of its own, and compared with the others.
    """
    wanted = manifest.get(FILES)
    if wanted is None:
        return
    found = tuple(
        Difference(f"{FILES}.{file.name}", file.wanted, file.sha256)
        for file in foreign_files(run, manifest)
        if file.name in wanted
    )
    agreement = Agreement.DIFFERENT if found else Agreement.SAME
    yield Decision(0.0, 0, BROKER, FILES, agreement, f"SHA-256 of {len(wanted)} files", found)
