"""Takes a list where several values are asked for, and tells who gives a single one how to write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from market.errors import Fault, ScenarioError
from market.scenario.plain_value import plain_value
from market.scenario.shown_value import shown


def listed(values: object, where: str) -> list[Any]:
    """Several values, in a list or whatever gives one after the other, numpy's as Python's.

    ScenarioError for a single one.

    >>> listed(("VPP1", "VPP3"), "learners")
    ['VPP1', 'VPP3']
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping):
        return [plain_value(value) for value in values]
    several = isinstance(values, str) and re.fullmatch(r"[\d.]+ ?[,:-][\d., :-]+", values)
    remedy = "give a list of them, such as [0, 1]" if values is None or several else f"write [{values!r}]"
    raise ScenarioError([Fault("must be a list of values", shown(values), where, remedy)])
