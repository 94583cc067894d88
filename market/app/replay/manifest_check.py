"""Checks a run's manifest against its tape: the two were written apart, and what is in both must be the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from broker.tape import TAPE_NAME, Record
from broker.tape.files import file_sha256
from broker.wire.messages import BROKER
from market.app.replay.decision import Agreement, Decision, compared
from market.app.replay.derived import derived
from market.app.replay.tally import Tally
from market.app.results.manifest import MANIFEST
from market.app.results.manifest_shape import is_aborted
from market.errors import MarketError
from market.game.result import Verdict
from market.model.vpp import Vpp


def against_manifest(
    run: Path,
    records: Sequence[Record],
    manifest: Mapping[str, Any],
    plants: Sequence[Vpp] | None,
    tally: Tally,
) -> Decision:
    """One decision: whether all of a manifest that is on the tape too is the same; `recorded` is the manifest's.

    plants : as for `derived` · tally : what the tape's replay came to
    """
    try:
        found = dict(derived(records, plants, tally.left, same=not tally.differing))
    except MarketError as error:
        why = f"what the tape comes to cannot be worked out: {error}"
        return Decision(0.0, 0, BROKER, "manifest", Agreement.DIFFERENT, why)
    if is_aborted(manifest):
        found = {name: value for name, value in found.items() if name in manifest}
        found["verdict"] = Verdict.ABORTED.value  # as a run may that breaks behind its tape's end
    elif manifest.get("tape") is not None:
        found["tape_sha256"] = file_sha256(run / TAPE_NAME)
    recorded = {name: manifest[name] for name in found if name in manifest}
    _keep_what_both_count(recorded, found)
    return compared(0.0, 0, BROKER, "manifest", MANIFEST, recorded, found)


def _keep_what_both_count(recorded: dict[str, Any], found: dict[str, Any]) -> None:
    """A day that was told again from its tape counts less than the run itself; what was sent it always counts."""
    if "counters" in found and "counters" in recorded:
        names = ("sent",) if found["time_mode"] == "wall" else ("sent", "delivered")
        for counters in (recorded, found):
            counters["counters"] = {n: counters["counters"][n] for n in names if n in counters["counters"]}
    if "network" in found and recorded.get("network") is None:
        del recorded["network"], found["network"]
