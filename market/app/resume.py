"""What a run was that broke off, so that it can be taken up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from broker.tape import TAPE_NAME, Ended, Opened, Shared, TapeReader, tape_so_far
from broker.tape.files import open_tape
from broker.tape.torn import MAX_RECORD
from market.app.known_plants import with_known_plants
from market.disclosure import Disclosure
from market.errors import Fault, ScenarioError, TapeError
from market.outcome import Verdict
from market.scenario import load_scenario
from market.scenario.model import PublicScenario, Scenario

SCENARIO_FOLDER = "scenario"
"""Where a run folder keeps the scenario as it was run."""


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """A run that broke off: what it was about, and how many torn bytes its tape ends in.

    ended : whether its market had come to its end: then nothing is to be said any more, only told again
    """

    shared: PublicScenario
    seed: int
    audit: Disclosure
    torn_bytes: int
    ended: bool


def broken_off(run: Path) -> BrokenOff:
    """The run in a folder. ScenarioError if it came to its end, TapeError if there is no tape to go by."""
    if _is_complete(run):
        rule, remedy = "only a run that broke off can be taken up", "look at it with `report` or `view`"
        raise ScenarioError([Fault(rule, "a run that is complete", f"--resume {run}", remedy)])
    tape = tape_so_far(run / TAPE_NAME)
    header, *rest = tape.records
    if not rest or not isinstance(header, Opened) or not isinstance(rest[0], Shared):
        raise TapeError(f"{run / TAPE_NAME}: the run broke off before its scenario was on tape; start it anew")
    return BrokenOff(rest[0].scenario, header.seed, header.audit, tape.torn_bytes, isinstance(rest[-1], Ended))


def _is_complete(run: Path) -> bool:
    """Whether a manifest tells of a run that came to its end; it is written last."""
    path = run / "manifest.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("verdict") != Verdict.ABORTED.value


def can_be_taken_up(run: Path) -> bool:
    """Whether a run folder holds a run that broke off, and whose tape has what it was about."""
    if _is_complete(run):
        return False
    try:
        with open_tape(run / TAPE_NAME) as file:
            first = list(islice(TapeReader(TAPE_NAME).feed(file.read(2 * MAX_RECORD)), 2))
    except (OSError, TapeError):
        return False
    return len(first) == 2 and isinstance(first[1], Shared)


def kept_scenario(run: Path) -> Scenario | None:
    """The scenario that a run folder keeps, None if it keeps none. ScenarioError if it cannot be read."""
    folder = run / SCENARIO_FOLDER
    return load_scenario(str(folder)) if folder.is_dir() else None


def scenario_to_resume(run: Path, shared: PublicScenario, *, own_plants: bool) -> Scenario:
    """The scenario of a run that is taken up, with the plants that its folder keeps.

    own_plants : whether they are all needed here, else nodes bring their own. ScenarioError if one is missing then
    """
    scenario = with_known_plants(shared, kept_scenario(run))
    if own_plants and not scenario.whole:
        known = {vpp.id for vpp in scenario.vpps}
        missing = ", ".join(vpp for vpp in shared.roster if vpp not in known)
        rule = "a run is taken up with the plants that it had"
        remedy = "put its scenario back there, or let others start its nodes: vppmarket broker --resume"
        raise ScenarioError([Fault(rule, f"not those of {missing}", str(run / SCENARIO_FOLDER), remedy)])
    return scenario
