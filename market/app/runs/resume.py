"""Recognises a run that broke off, and reads from its folder what is needed to resume it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from broker.tape import TAPE_NAME, Ended, Opened, Shared, TapeReader
from broker.tape.files import open_tape
from broker.tape.torn import MAX_RECORD
from market.app.results.kept_scenario import SCENARIO_FOLDER, kept_scenario, unlike
from market.app.results.known_plants import with_known_plants
from market.app.results.manifest import MANIFEST
from market.app.results.manifest_shape import is_aborted, manifest_unless_torn
from market.app.results.run_tape import tape_of_run
from market.app.results.written_files import foreign_files
from market.errors import Fault, ScenarioError, TapeError
from market.model.disclosure import Disclosure
from market.model.public import PublicScenario
from market.scenario.scenario import Scenario


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
    """The run in a folder. ScenarioError if it came to its end, or there is nothing to go by."""
    manifest = manifest_unless_torn(run)  # it is written last
    if manifest is not None and not is_aborted(manifest):
        raise ScenarioError([_complete(run, manifest)])
    tape = tape_of_run(run, f"--resume {run}", "name the folder of a run that broke off")
    header, *rest = tape.records
    if not rest or not isinstance(header, Opened) or not isinstance(rest[0], Shared):
        rule, value = "the tape must hold its scenario", "one that ends before it"
        raise ScenarioError([Fault(rule, value, f"--resume {run}", "start the run anew")])
    return BrokenOff(rest[0].scenario, header.seed, header.audit, tape.torn_bytes, isinstance(rest[-1], Ended))


def _complete(run: Path, manifest: Mapping[str, Any]) -> Fault:
    """What keeps a run whose manifest says that it is complete from being taken up: that, or its tape's state."""
    place, rule = f"--resume {run}", "only a run that broke off can be taken up"
    if not any(file.name == manifest["tape"] for file in foreign_files(run, manifest)):
        return Fault(rule, "a run that is complete", place, "look at it with `report` or `view`")
    whole = "put the whole tape back, from where it is"
    if _ends_early(run):
        remedy = f"{whole}; or, to take up what is left of it, move {MANIFEST} away"
        value = f"a run that is complete by its {MANIFEST}, with a tape that was cut since"
        return Fault(rule, value, place, remedy)
    return Fault(rule, "a run that is complete, with a tape that was altered since", place, whole)


def _ends_early(run: Path) -> bool:
    """Whether a tape can be read, and goes on to no end."""
    try:
        tape = tape_of_run(run, "", "")
    except ScenarioError:
        return False
    return not isinstance(tape.records[-1], Ended)


def can_be_taken_up(run: Path) -> bool:
    """Whether a run folder holds a run that broke off, and whose tape has what it was about."""
    try:
        manifest = manifest_unless_torn(run)
        if manifest is not None and not is_aborted(manifest):
            return False
        with open_tape(run / TAPE_NAME) as file:
            first = list(islice(TapeReader(TAPE_NAME).feed(file.read(2 * MAX_RECORD)), 2))
    except (OSError, TapeError, ScenarioError):
        return False
    return len(first) == 2 and isinstance(first[1], Shared)


def scenario_to_resume(run: Path, shared: PublicScenario, *, own_plants: bool) -> Scenario:
    """The scenario of a run that is taken up, with the plants that its folder keeps.

    own_plants : whether they are all needed here, else nodes bring their own. ScenarioError if one is missing
    then, or if the folder keeps another scenario than was run
    """
    kept = kept_scenario(run)
    if kept is not None and (found := unlike(kept, shared)):
        rule = "the scenario that is kept must be the one that the tape tells of"
        raise ScenarioError([Fault(rule, what, str(run / SCENARIO_FOLDER), _PUT_BACK) for what in found])
    scenario = with_known_plants(shared, kept)
    if own_plants and not scenario.whole:
        known = {vpp.id for vpp in scenario.vpps}
        missing = ", ".join(vpp for vpp in shared.roster if vpp not in known)
        rule = "a run is taken up with the plants that it had"
        raise ScenarioError([Fault(rule, f"not those of {missing}", str(run / SCENARIO_FOLDER), _PUT_BACK)])
    return scenario


_PUT_BACK = "put its scenario back there, or let others start its nodes: vppmarket broker --resume"
