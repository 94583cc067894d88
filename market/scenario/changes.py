"""Changes to a scenario that flags ask for, and the notation `PATH=VALUE`. `overrides` knows which paths exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from market.errors import Fault, ScenarioError
from market.scenario.shown_value import shown

if TYPE_CHECKING:
    from market.scenario.scenario import Scenario

SET = "--set"
_LONGEST = 80
"""Characters of a path that messages show; those of fields are shorter."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Values by path of `scenario.yaml`, and by path the flag each came from."""

    values: dict[str, object]
    sources: dict[str, str]


def read_value(text: str, place: str, faults: list[Fault]) -> object:
    """What the text behind = stands for; what is wrong with it goes to `faults`."""
    from market.scenario.document import parse_value

    try:
        return parse_value(text)
    except ScenarioError as error:
        faults += [Fault(fault.rule, fault.value, place, fault.remedy) for fault in error.faults]
        return None


Read: TypeAlias = Callable[[str, str, list[Fault]], object]


def set_changes(settings: Sequence[str], read: Read = read_value) -> Changes:
    """The changes that flags `--set` stand for. ScenarioError with every flag that cannot be read.

    read : takes the text behind =, its place, and faults to be added to
    """
    changes, faults = Changes({}, {}), list[Fault]()
    for text in settings:
        path, equals, value = text.partition("=")
        path = path.strip()
        place = f"{SET} {path[:_LONGEST]}"
        if not equals or not path:
            remedy = "write it like market.choice_temperature_cny_per_mwh=20"
            faults.append(Fault("must be a path, =, and a value", shown(text), SET, remedy))
        elif path in changes.values:
            faults.append(Fault("must set each path only once", shown(text), place, "leave one of them out"))
        else:
            changes.sources[path] = place
            changes.values[path] = read(value, place, faults)
    if faults:
        raise ScenarioError(faults)
    return changes


def together(first: Changes, second: Changes) -> Changes:
    """Both. ScenarioError for a path that both change."""
    twice = [path for path in first.values if path in second.values]
    if twice:
        rule = "must be given by one flag only"
        remedy = "leave one of the two out"
        named_twice = [(first.sources.get(path, path), second.sources.get(path, path), path) for path in twice]
        raise ScenarioError(
            [Fault(rule, f"{path}, also by {flag}", place, remedy) for flag, place, path in named_twice]
        )
    return Changes({**first.values, **second.values}, {**first.sources, **second.sources})


def as_flags(settings: Sequence[str]) -> list[str]:
    """The flags again, for another command line."""
    return [part for text in settings for part in (SET, text)]


def changed(scenario: Scenario, settings: Sequence[str]) -> Scenario:
    """The scenario with what `--set` changes; the very same where that is nothing. ScenarioError."""
    return with_changes(scenario, set_changes(settings))


def with_changes(scenario: Scenario, changes: Changes) -> Scenario:
    """The scenario with its changes; the very same, checked already, where there are none. ScenarioError."""
    if not changes.values:
        return scenario
    from market.scenario.overrides import with_overrides

    return with_overrides(scenario, changes.values, changes.sources)
