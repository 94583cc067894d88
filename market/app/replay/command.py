"""Owns the command `replay`: a run folder in; a page or one JSON object, and an exit code, out.

Knows nothing of how decisions are computed again.
"""

from __future__ import annotations

from math import isfinite, isnan
from pathlib import Path
from typing import Any

from broker.tape import TAPE_NAME, TapeSoFar, tape_so_far
from market.app.exit_codes import ExitCode
from market.app.replay.decision import Agreement, Decision
from market.app.replay.page import replay_text
from market.app.replay.tally import Tally, replayed
from market.app.run_day import json_text
from market.app.screen import complain, put
from market.errors import Fault, ScenarioError, TapeError


def replay_command(run: Path, until_s: float | None, *, as_json: bool) -> int:
    """Replay a run's tape and say what came of it. ScenarioError if the tape cannot be read."""
    try:
        _check_moment(until_s)
        tape = _tape(run)
        try:
            tally = replayed(tape.records, until_s)
        except TapeError as error:
            raise _unreadable(run, error) from None
    except ScenarioError as error:
        if as_json:
            put(json_text({"exit_code": int(ExitCode.BAD_INPUT), "error": str(error)}))
        raise
    code = ExitCode.BROKEN if tally.differing else ExitCode.EQUILIBRIUM
    put(
        json_text(document(run, tally, tape.torn_bytes, code))
        if as_json
        else replay_text(str(run), tally, tape.torn_bytes)
    )
    if tally.differing:
        complain(f"error: {len(tally.differing)} decisions of {run} differ from those computed here")
    return code


def _check_moment(until_s: float | None) -> None:
    if until_s is not None and isnan(until_s):
        raise ScenarioError([Fault("must be a number of seconds", "nan", "--until", "give one, such as 0.5")])


def _tape(run: Path) -> TapeSoFar:
    path = run / TAPE_NAME
    if not path.is_file():
        rule, remedy = f"a run to replay has a {TAPE_NAME}", "name the folder of a run with messages"
        value = "no such folder" if not run.is_dir() else "a folder without one"
        raise ScenarioError([Fault(rule, value, str(run), remedy)])
    try:
        return tape_so_far(path)
    except TapeError as error:
        raise _unreadable(run, error) from None


def _unreadable(run: Path, error: TapeError) -> ScenarioError:
    remedy = "replay it with the software that wrote it; the run's manifest.json names its version"
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
