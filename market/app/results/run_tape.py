"""Reads the whole tape of a run folder; an error names the folder that people gave."""

from __future__ import annotations

import os
from pathlib import Path

from broker.tape import TAPE_NAME, TapeSoFar, tape_so_far
from market.errors import Fault, ScenarioError, TapeError


def tape_of_run(run: Path, place: str, remedy: str) -> TapeSoFar:
    """What a run's tape holds. ScenarioError, with `remedy` where there is none, if it cannot be read.

    place : as the folder was named
    """
    path = run / TAPE_NAME
    if not os.path.exists(path):
        value = "a folder without one" if os.path.isdir(run) else "no such folder"
        raise ScenarioError([Fault(f"a run to go by has a {TAPE_NAME}", value, place, remedy)])
    try:
        return tape_so_far(path)
    except TapeError as error:
        raise unreadable(place, error) from None


def unreadable(place: str, error: TapeError) -> ScenarioError:
    """The error of a tape that no run leaves, or another software."""
    remedy = "if other software wrote it (see the run's manifest.json), use that; else it was damaged or altered"
    return ScenarioError([Fault("the tape must be one that this software reads", str(error), place, remedy)])
