"""Claim: whatever stands in whatever place of `scenario.yaml`, loading it ends in a scenario or in told faults."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from market.errors import Fault, ScenarioError
from market.scenario import load_scenario
from tests.market.real_days import RealDay
from tests.market.scenario_files import write_files
from tests.market.unit_files import UNITS_FILES

YAML = "scenario.yaml"
ODD: tuple[Any, ...] = (
    *(1, 0, -1, 3.7, float("nan"), float("inf"), 10**40, 20241027, True, None),
    *("", " ", "x", "1", "3 kW", "; ", "é\u2028", b"ab", date(2024, 6, 1)),
    *([], [1], ["x"], [[1]], [None], [{"id": "a", "kind": ["x"]}]),
    *({}, {"a": 1}, {1: 2}, {"kind": "ess"}, {"id": "q", "kind": ["x"]}, {"cooling": {"kind": "load"}}),
)
KEYS = (1, None, True, "zz")
DAYS: Mapping[str, Mapping[str, str]] = {"units": UNITS_FILES, "series": RealDay().files()}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside a document."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from places(inner, (*path, key))


def holder(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        document = document[key]
    return document


def variants(document: Any, path: tuple[Any, ...], chance: random.Random) -> Iterator[Any]:
    """The document with some of the odd values at a place, and with an odd name beside it."""
    for odd in chance.sample(ODD, 5):
        changed = copy.deepcopy(document)
        holder(changed, path)[path[-1]] = odd
        yield changed
    for key in chance.sample(KEYS, 1) if isinstance(path[-1], str) else ():
        changed = copy.deepcopy(document)
        holder(changed, path)[key] = copy.deepcopy(holder(changed, path)[path[-1]])
        yield changed


@pytest.mark.parametrize("day", DAYS)
def test_no_value_in_any_place_breaks_the_loading(day: str, tmp_path: Path) -> None:
    write_files(tmp_path, DAYS[day])
    document = yaml.safe_load(DAYS[day][YAML])
    load_scenario(tmp_path)
    sound = 0
    told = list[Fault]()
    chance = random.Random(len(day))
    for path in places(document):
        for changed in variants(document, path, chance):
            (tmp_path / YAML).write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
            try:
                load_scenario(tmp_path)
                sound += 1
            except ScenarioError as error:
                told += error.faults
    assert len(told) > sound > 0
    assert all(len(str(fault).splitlines()) == 1 and fault.remedy for fault in told)
