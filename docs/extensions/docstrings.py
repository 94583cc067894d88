"""Reads docstrings as the house writes them: lines `name : meaning`, `Returns: …` and `Raises: …` are fields, and
what is set in stands as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sphinx.application import Sphinx

_PARAMETER = re.compile(r"((?:\w+, )*\w+) : (.+)")
_ANSWER = re.compile(r"(Returns|Raises): (.+)")


def as_rest(lines: Sequence[str]) -> list[str]:
    """The lines of a docstring as reStructuredText.

    >>> as_rest(["What it does.", "", "seed : of what is", "random · out : a folder", "Raises: ModelError"])
    ['What it does.', '', ':param seed: of what is random', ':param out: a folder', ':Raises: ModelError']
    >>> as_rest(["So:", "", "    a = |b|", "", ">>> 1 | 2", "3"])
    ['So:', '', '::', '', '    a = |b|', '', '>>> 1 | 2', '3']
    """
    return [line for paragraph in _paragraphs(lines) for line in (*_rest(paragraph), "")][:-1]


def _paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    paragraph = list[str]()
    for line in [*lines, ""]:
        if line.strip():
            paragraph.append(line)
        elif paragraph:
            yield paragraph
            paragraph = []


def _rest(paragraph: Sequence[str]) -> list[str]:
    if paragraph[0].startswith(">>>"):
        return [*paragraph]
    if all(line.startswith("    ") for line in paragraph):
        return ["::", "", *paragraph]
    return _with_fields([line.replace("|", r"\|") for line in paragraph])


def _with_fields(paragraph: Sequence[str]) -> list[str]:
    """A line goes on with the field above it, if there is one."""
    found = list[str]()
    for line in paragraph:
        for part in re.split(r" · (?=\w+ : )", line):
            if field := _field(part):
                found += [] if not found or found[-1].startswith(":") else [""]
                found.append(field)
            elif found and found[-1].startswith(":"):
                found[-1] += f" {part.strip()}"
            else:
                found.append(part)
    return found


def _field(text: str) -> str:
    """The field that a text begins, if it does."""
    if parameter := _PARAMETER.match(text):
        return f":param {parameter[1].replace(', ', ',')}: {parameter[2]}"
    return f":{answer[1]}: {answer[2]}" if (answer := _ANSWER.match(text)) else ""


def _process(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    lines[:] = as_rest(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
