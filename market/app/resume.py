"""Owns finding out what a run was that broke off, so that it can be taken up. Knows nothing of how it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from broker.scenario_record import scenario_of
from broker.tape import TAPE_NAME, tape_so_far
from market.errors import Fault, ScenarioError, TapeError
from market.outcome import Verdict
from market.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """A run that broke off: what it was about, and how many torn bytes its tape ends in."""

    scenario: Scenario
    seed: int
    torn_bytes: int


def broken_off(run: Path) -> BrokenOff:
    """The run in a folder. ScenarioError if it came to its end, TapeError if there is no tape to go by."""
    if _is_complete(run):
        rule, remedy = "only a run that broke off can be taken up", "look at it with `report` or `view`"
        raise ScenarioError([Fault(rule, "a run that is complete", f"--resume {run}", remedy)])
    tape = tape_so_far(run / TAPE_NAME)
    if len(tape.records) < 2:
        raise TapeError(f"{run / TAPE_NAME}: the run broke off before its scenario was on tape; start it anew")
    seed = int(tape.records[0][4])
    return BrokenOff(scenario_of(tape.records[1]), seed, tape.torn_bytes)


def _is_complete(run: Path) -> bool:
    """Whether a manifest tells of a run that came to its end; it is written last."""
    try:
        told = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("verdict") != Verdict.ABORTED.value
