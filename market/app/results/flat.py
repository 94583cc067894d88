"""Flattens a nested document to lines of names and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def flat(document: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a document with its name, the names of what it is in before it, parted by dots.

    >>> list(flat({"a": {"b": 1.5, "c": True}, "d": None}))
    [('a.b', '1.5'), ('a.c', 'yes'), ('d', 'none')]
    """
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(document, list | tuple) and any(isinstance(value, Mapping) for value in document):
        for number, value in enumerate(document, 1):
            yield from flat(value, f"{name}.{number}")
    else:
        yield name, _text(document)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, float):
        return f"{value:.12g}"
    return "none" if value is None else str(value)
