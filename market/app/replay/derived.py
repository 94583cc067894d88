"""Derives from a run's tape what its manifest says as well: the day's results, its laws, its audit.

By the code that writes manifests. What only the run could see, such as processes, real time, what was refused and
which software it was, is on no tape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from broker.protocol.run_result import RunResult
from broker.tape import Opened, Record, Shared
from market.app.replay.conclusion import day_of_tape
from market.app.results.kept import KEPT
from market.app.results.known_plants import with_known_plants
from market.app.results.manifest import RunSpec, manifest_of_abort
from market.app.results.telling import telling_of
from market.model.network import TimeMode
from market.model.public import PublicScenario
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario

OF_PLANTS: Final = ("broken_laws", "laws_not_claimed")
"""They also depend on the plants that the run knew."""
OBSERVED: Final = (
    *("started", "wall_s", "error", "refused", "refused_by_nodes", "process_ids", "endpoints", "durations_s"),
    *("peak_memory_mb", "versions", "platform", "tape_sha256", "undisclosed_plants", KEPT),
)
"""What no tape tells; the digest is that of the tape itself, and what is kept was chosen."""
NOT_FOLLOWED: Final = ("counters", "rest_time_s", "network")
"""They follow from a tape whose every decision comes out again, and in virtual time alone."""


def derived(
    records: Sequence[Record], plants: Sequence[Vpp] | None, left: RunResult | None, *, same: bool
) -> Mapping[str, Any]:
    """The fields of a manifest that follow from a tape.

    plants : those that the run knew, None if that is not known here · left : what the run left behind, told again
    same : whether every decision came out as it was recorded
    """
    header, shared = _beginning(records)
    if header is None or shared is None:
        return {}
    scenario = replace(with_known_plants(shared), vpps=tuple(plants or ()))
    what = RunSpec(scenario, header.seed, in_process=False, started=datetime.min, audit=header.audit)
    if left is None:
        return _but(_told(scenario, manifest_of_abort(what, "", 0.0)), OBSERVED)
    unknown = (*OBSERVED, *(OF_PLANTS if plants is None else ()))
    if not same or shared.network.time is TimeMode.WALL:
        unknown = (*unknown, *NOT_FOLLOWED)
    return _but(_told(scenario, day_of_tape(what, left).manifest), unknown)


def _told(scenario: Scenario, manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest with its sentences as they are written, and its names as code knows them."""
    told = telling_of(scenario)
    written: dict[str, Any] = told.plain_document(told.document(manifest))
    return written


def _beginning(records: Sequence[Record]) -> tuple[Opened | None, PublicScenario | None]:
    header = next((record for record in records[:1] if isinstance(record, Opened)), None)
    shared = next((record.scenario for record in records[1:2] if isinstance(record, Shared)), None)
    return header, shared


def _but(manifest: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    return {name: value for name, value in manifest.items() if name not in names}
