"""Reads a JSON document of a run folder, or refuses it with the place and the reason."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from market.app.results.shapes import Shape
from market.errors import Fault, ScenarioError
from market.scenario.private import AT_ONCE

MOST_MEBIBYTES: Final = 256
_DEEPEST: Final = 16
"""No document of a run is nested as deep."""


class NoJson(ScenarioError):
    """A document that is not even JSON, as one is whose writing broke off."""


def read_document(path: Path, remedy: str) -> Any:
    """What a file holds. NoJson where that is no JSON, ScenarioError where it cannot be read.

    FileNotFoundError where there is none
    """
    data = _bytes(path, remedy)
    try:
        document = json.loads(data, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise NoJson([Fault("it must be readable JSON", reason, str(path), remedy)]) from None
    if _is_deep(document):
        raise refused(path, f"it must not be nested deeper than {_DEEPEST} times", "more", remedy)
    return document


def check_shape(document: Any, shape: Shape, path: Path, remedy: str) -> None:
    """ScenarioError, naming each field that does not fit."""
    faults = [
        Fault(misfit.rule, misfit.value, f"{path}: {misfit.place}" if misfit.place else str(path), remedy)
        for misfit in _first(shape(document, ""))
    ]
    if faults:
        raise ScenarioError(faults)


def refused(place: Path | str, rule: str, value: str, remedy: str) -> ScenarioError:
    """The error of one broken rule."""
    return ScenarioError([Fault(rule, value, str(place), remedy)])


_MOST_FAULTS = 20


def _first(misfits: Iterator[Any]) -> Iterator[Any]:
    yield from (misfit for misfit, _ in zip(misfits, range(_MOST_FAULTS), strict=False))


def _bytes(path: Path, remedy: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | AT_ONCE)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise refused(path, "it must be an ordinary file", "something else", remedy)
            if status.st_size > MOST_MEBIBYTES << 20:
                value = f"{status.st_size >> 20} MiB"
                raise refused(path, f"it must have at most {MOST_MEBIBYTES} MiB", value, remedy)
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise refused(path, "it must be a file that can be read", str(error.strerror).lower(), remedy) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r:.60} stands twice in one object")
    return found


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _is_deep(document: Any) -> bool:
    """Whether it is nested deeper than any document of a run; level by level, whatever it is."""
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(_DEEPEST):
        inside = [value.values() if isinstance(value, dict) else value for value in level]
        level = [entry for values in inside for entry in values if isinstance(entry, dict | list)]
        if not level:
            return False
    return True
