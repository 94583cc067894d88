"""What needs Linux, and is refused elsewhere: all that goes over the bus. Days in one process run anywhere."""

from __future__ import annotations

import sys

from market.errors import Fault, ScenarioError

IN_ONE_PROCESS = "solve the day in this process: vppmarket run --in-process, in Python without processes=True"


def on_linux() -> bool:
    """Whether this is the system on which processes of a market have been tried."""
    return sys.platform == "linux"


def missing_linux(place: str, remedy: str = IN_ONE_PROCESS) -> Fault | None:
    """What is wrong with this system. place : what asks for it, such as a command · remedy : what can be done"""
    return None if on_linux() else Fault("it needs Linux", f"the system {sys.platform}", place, remedy)


def need_linux(place: str, remedy: str = IN_ONE_PROCESS) -> None:
    """ScenarioError on another system, as above."""
    if fault := missing_linux(place, remedy):
        raise ScenarioError([fault])
