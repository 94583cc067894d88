"""What a page is drawn for: how wide its reader has it, which letters it may have, whether it is in colour."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, TextIO

WIDTH: Final = 80
"""Columns of a page that is read nowhere in particular: a file, or a program."""
NARROWEST: Final = 50
"""On fewer columns lines are longer than the screen: no digit is ever cut."""
_STREAMS: Final = (1, 2, 0)


@dataclass(frozen=True, slots=True)
class Screen:
    """Columns, the name of an encoding, and whether a person looks at it in colour.

    is_known : whether somebody looks at it in that width; else a sentence is a line, for programs to find
    """

    width: int = WIDTH
    encoding: str = "utf-8"
    styled: bool = False
    is_known: bool = True


def screen_of(stream: TextIO) -> Screen:
    """The screen behind a stream, as wide as COLUMNS says, else as the terminal of any standard stream is.

    So a page is as wide for `| less` as without it.
    """
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isascii() and columns.isdigit() else _terminal_width()
    return Screen(max(width or WIDTH, NARROWEST), stream.encoding or "ascii", stream.isatty(), width > 0)


def _terminal_width() -> int:
    """Columns of the terminal, 0 where there is none."""
    for number in _STREAMS:
        try:
            if columns := os.get_terminal_size(number).columns:
                return columns
        except OSError:
            continue
    return 0
