"""Owns the command `replay`: a run folder in; a page or one JSON object, and an exit code, out.

Knows nothing of how decisions are computed again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from broker.tape import TAPE_NAME, Shared, TapeSoFar, tape_so_far
from market.app.exit_codes import ExitCode
from market.app.known_plants import known_plants
from market.app.replay.decision import Agreement, Decision
from market.app.replay.manifest_check import against_manifest
from market.app.replay.page import replay_text
from market.app.replay.tally import Tally, replayed
from market.app.resume import kept_scenario
from market.app.run_day import json_text
from market.app.screen import complain, put, put_json
from market.errors import Fault, ScenarioError, TapeError
from market.scenario import load_scenario
from market.vpp import Vpp


def replay_command(run: Path, until_s: float | None, *, as_json: bool, plants: str | None = None) -> int:
    """Replay a run's tape and say what came of it. ScenarioError if the tape cannot be read.

    plants : the scenario that holds the plants, where the run's folder does not or may not be asked
    """
    try:
        tape = _tape(run)
        try:
            tally = replayed(tape.records, until_s, _plants(run, tape, plants))
            tally.add(against_manifest(run, tape.records))
        except TapeError as error:
            raise _unreadable(run, error) from None
    except ScenarioError as error:
        if as_json:
            put_json(json_text({"exit_code": int(ExitCode.BAD_INPUT), "error": str(error)}))
        raise
    code = ExitCode.BROKEN if tally.differing else ExitCode.EQUILIBRIUM
    if as_json:
        put_json(json_text(document(run, tally, tape.torn_bytes, code)))
    else:
        put(replay_text(str(run), tally, tape.torn_bytes))
    if tally.differing:
        complain(f"error: {len(tally.differing)} decisions of {run} differ from those computed here")
    return code


def _tape(run: Path) -> TapeSoFar:
    path = run / TAPE_NAME
    if not os.path.exists(path):  # unlike Path.exists, never raises
        rule, remedy = f"a run to replay has a {TAPE_NAME}", "name the folder of a run with messages"
        value = "no such folder" if not os.path.isdir(run) else "a folder without one"
        raise ScenarioError([Fault(rule, value, str(run), remedy)])
    try:
        return tape_so_far(path)
    except TapeError as error:
        raise _unreadable(run, error) from None


def _plants(run: Path, tape: TapeSoFar, named: str | None) -> Mapping[str, Vpp]:
    """The plants that are known: those of the scenario that is named, else of the one that the run's folder keeps.

    ScenarioError where a plant that is named is not the run's.
    """
    shared = next((record.scenario for record in tape.records[:2] if isinstance(record, Shared)), None)
    if shared is None:
        return {}
    beside = load_scenario(named) if named else kept_scenario(run)
    known = {vpp.id: vpp for vpp in known_plants(shared, beside)}
    if named and beside is not None:
        rule, remedy = "a plant must be the one that took part", "name the scenario as it was run"
        others = [vpp.id for vpp in beside.vpps if vpp.id in shared.roster and vpp.id not in known]
        faults = [Fault(rule, f"another plant of {vpp}", f"--plants {named}", remedy) for vpp in others]
        if not known and not faults:
            who = ", ".join(vpp.id for vpp in beside.vpps) or "no plant"
            faults = [Fault("it must hold plants of this run", who, f"--plants {named}", remedy)]
        if faults:
            raise ScenarioError(faults)
    return known


def _unreadable(run: Path, error: TapeError) -> ScenarioError:
    remedy = "if other software wrote it (see the run's manifest.json), use that; else it was damaged or altered"
    return ScenarioError([Fault("the tape must be one that this software reads", str(error), str(run), remedy)])


def document(run: Path, tally: Tally, torn_bytes: int, code: ExitCode) -> dict[str, Any]:
    """What `--json` prints."""
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for (who, what, agreement), count in sorted(tally.counts.items()):
        rows.setdefault((who, what), {kind.name.lower(): 0 for kind in Agreement})[agreement.name.lower()] = count
    return {
        "exit_code": int(code),
        "folder": str(run),
        "complete": tally.complete,
        "torn_bytes": torn_bytes,
        **{agreement.name.lower(): tally.number(agreement) for agreement in Agreement},
        "unknown": tally.unknown,
        "largest_difference": tally.largest_difference,
        "decisions": [{"who": who, "what": what, **counts} for (who, what), counts in rows.items()],
        "differences": [_differing(decision) for decision in tally.differing],
        "stood": tally.stood,
    }


def _differing(decision: Decision) -> dict[str, Any]:
    return {
        "time_s": decision.time_s,
        "epoch": decision.epoch,
        "who": decision.who,
        "what": decision.what,
        "detail": decision.detail,
        "values": [
            {"place": d.place, "recorded": _json(d.recorded), "computed": _json(d.computed)}
            for d in decision.differences
        ],
    }


def _json(value: Any) -> Any:
    return value if type(value) is not float or isfinite(value) else str(value)
