"""Makes text that others wrote safe to show: nothing in it moves a cursor or turns a line around.

What is left out of a line is shown in its place as JSON would write it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_CONTROLS: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_TURNING: Final = "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
"""Beside control characters: what turns the direction of text around, ends lines, or cannot be written at all."""
_HIDDEN: Final = re.compile(f"[{_CONTROLS}{_TURNING}]")
_IN_A_LINE: Final = re.compile(f"[\t\n{_CONTROLS}{_TURNING}]")
_STYLED: Final = re.compile(f"(\x1b\\[[0-9;]*m)|[{_CONTROLS}{_TURNING}]")


def visible(text: str) -> str:
    r"""Text of one line or several, whose control characters are shown escaped.

    >>> visible("a\x1b[2Jb\n")
    'a\\u001b[2Jb\n'
    """
    return _HIDDEN.sub(_escaped, text)


def visible_line(text: str) -> str:
    r"""The same of what stands within a line.

    >>> visible_line("VPP1\nerror: none")
    'VPP1\\nerror: none'
    """
    return _IN_A_LINE.sub(_escaped, text)


def visible_styled(text: str) -> str:
    """The same of a page whose colours are its own."""
    return _STYLED.sub(lambda found: found[1] or _escaped(found), text)


def _escaped(found: re.Match[str]) -> str:
    short = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return short.get(found[0], f"\\u{ord(found[0]):04x}")


def some_of(names: Sequence[str], most: int = 8) -> str:
    """Names for people: all of a few, of many the first and how many more there are.

    >>> some_of(["A", "B", "C"], most=2)
    'A, B and 1 more'
    """
    told = ", ".join(names[:most])
    return f"{told} and {len(names) - most:,} more" if len(names) > most else told
