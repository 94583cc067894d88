"""Arguments as scripts and notebooks give them, and one clear error for what an argument does not take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from market.app.results.run_metadata import RunProgress
from market.errors import Fault, ScenarioError
from market.scenario.plain_value import plain_value
from market.scenario.shown_value import shown


def listed(values: object, where: str) -> list[Any]:
    """Several values, in a list or whatever gives one after the other, numpy's as Python's.

    ScenarioError for a single one.

    >>> listed(("VPP1", "VPP3"), "learners")
    ['VPP1', 'VPP3']
    """
    one = isinstance(values, str | bytes | Mapping) or (isinstance(values, np.ndarray) and not values.ndim)
    if isinstance(values, Iterable) and not one:
        return [plain_value(value) for value in values]
    several = isinstance(values, str) and re.fullmatch(r"[\d.]+ ?[,:-][\d., :-]+", values)
    remedy = "give a list of them, such as [0, 1]" if values is None or several else f"write [{values!r}]"
    raise ScenarioError([Fault("must be a list of values", shown(values), where, remedy)])


def folder_at(given: object, name: str) -> Path:
    """The folder as a path. ScenarioError for what is neither a text nor a path, and for what no folder is called.

    name : of the argument, for the error
    """
    if isinstance(given, str | Path) and str(given) and "\0" not in str(given):
        return Path(given)
    remedy = 'give a text or a pathlib.Path, such as "runs/monday"'
    raise ScenarioError([Fault("must be the path of a folder", repr(given)[:60], name, remedy)])


def yes_or_no(value: object, name: str) -> bool:
    """Whether something is wanted. ScenarioError for what is neither True nor False.

    >>> yes_or_no(np.True_, "processes")
    True
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ScenarioError([Fault("must be True or False", repr(value)[:60], name, "give one of these")])


def told(on_progress: object) -> Callable[[RunProgress], None]:
    """Who is told how far a run is; nobody for None. ScenarioError for what cannot be called."""
    if on_progress is None:
        return lambda progress: None
    if callable(on_progress):
        return on_progress
    remedy = "give one such as print, or leave it out"
    fault = Fault("must be a function of how far the run is", repr(on_progress)[:60], "on_progress", remedy)
    raise ScenarioError([fault])
