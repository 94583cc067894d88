"""Derives from a run's tape what its manifest says as well: the day's results, its laws, its audit.

By the code that writes manifests. What only the run could see, such as processes, real time, what was refused and
which software it was, is on no tape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from broker.delivery.network_log import NetworkLog
from broker.tape import TAPE_NAME, Ended, Opened, Record, Shared
from market.app.history.conclusion import outcome_of
from market.app.history.snapshot import Snapshot
from market.app.history.timeline import Timeline
from market.app.results.known_plants import with_known_plants
from market.app.results.laws import LawsOfDay, laws_of_day
from market.app.results.manifest import RunSpec, manifest_of_abort, manifest_of_run
from market.app.results.run_metadata import RunMetadata
from market.day.outcome import MarketOutcome
from market.day.settlement import settle
from market.model.public import PublicScenario
from market.model.vpp import Vpp

OF_PLANTS: Final = ("broken_laws", "laws_not_claimed")
"""They also depend on the plants that the run knew."""
OBSERVED: Final = (
    *("started", "wall_s", "error", "refused", "refused_by_nodes", "process_ids", "endpoints", "durations_s"),
    *("peak_memory_mb", "versions", "platform", "tape_sha256", "undisclosed_plants"),
)
"""What no tape tells; the digest is that of the tape itself."""
IN_TURNS: Final = ("rest_time_s", "network")
"""They follow from a tape where nodes are given turns: in virtual time."""
IN_ONE_EPOCH: Final = ("counters", *IN_TURNS)
"""What was under way when somebody was lost is on no tape."""


def derived(records: Sequence[Record], plants: Sequence[Vpp] | None, log: NetworkLog | None) -> Mapping[str, Any]:
    """The fields of a manifest that follow from a tape.

    plants : those that the run knew, None if that is not known here · log : what became of messages, if known
    """
    header, shared = _beginning(records)
    if header is None or shared is None:
        return {}
    timeline = Timeline(records)
    outcome = outcome_of(timeline) if isinstance(records[-1], Ended) else None
    scenario = with_known_plants(shared)
    what = RunSpec(scenario, header.seed, in_process=False, started=datetime.min, audit=header.audit)
    if outcome is None:
        return _but(manifest_of_abort(what, "", 0.0), OBSERVED)
    view = timeline.newest
    laws = laws_of_day(outcome, settle(outcome, shared.public), shared.public, plants or ())
    return _but(_of_run(what, outcome, laws, view, log), _unknown(plants, log, view))


def _beginning(records: Sequence[Record]) -> tuple[Opened | None, PublicScenario | None]:
    header = next((record for record in records[:1] if isinstance(record, Opened)), None)
    shared = next((record.scenario for record in records[1:2] if isinstance(record, Shared)), None)
    return header, shared


def _of_run(
    what: RunSpec, outcome: MarketOutcome, laws: LawsOfDay, view: Snapshot, log: NetworkLog | None
) -> dict[str, Any]:
    facts = RunMetadata(
        time_mode=what.scenario.network.time.value,
        process_ids={},
        counters={"sent": view.sent, "delivered": view.delivered},
        tape=TAPE_NAME,
        rest_time_s=view.time_s,
        network=log,
        withdrawn=tuple(vpp for vpp in view.vpps if vpp not in view.roster),
    )
    return manifest_of_run(what, outcome, facts, laws, 0.0)


def _unknown(plants: Sequence[Vpp] | None, log: NetworkLog | None, view: Snapshot) -> tuple[str, ...]:
    of_plants = OF_PLANTS if plants is None else ()
    if log is None or view.epoch > 1:
        return (*OBSERVED, *of_plants, *IN_ONE_EPOCH)
    return (*OBSERVED, *of_plants, *(IN_TURNS if view.live else ()))


def _but(manifest: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    return {name: value for name, value in manifest.items() if name not in names}
