"""Where a run is written or read, as it is given."""

from __future__ import annotations

from pathlib import Path

from market.errors import Fault, ScenarioError


def folder_at(given: object, name: str) -> Path:
    """The folder as a path. ScenarioError for what is neither a text nor a path, and for what no folder is called.

    name : of the argument, for the error
    """
    if isinstance(given, str | Path) and str(given) and "\0" not in str(given):
        return Path(given)
    remedy = 'give a text or a pathlib.Path, such as "runs/monday"'
    raise ScenarioError([Fault("must be the path of a folder", repr(given)[:60], name, remedy)])
