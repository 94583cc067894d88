"""The marks in the numbers of a file: which may be, and when two are one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from market.model.parameter import Broken

_ALIKE: Final = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})
_THOUSANDS: Final = ".,'_ "
_UNTOLD: Final = re.compile(r"[-+]?\d{1,3}(?:([' ])\d{3})(?:\1\d{3})*(?:([.,])\d*)?", re.ASCII)
_NAMES: Final = {"'": "an apostrophe", " ": "a space"}


def plain_marks(text: str) -> str:
    """The text with all spaces that do not break as plain ones, and all apostrophes as straight ones.

    >>> plain_marks("1\\u202f200,5 1\\u2019200.5")
    "1 200,5 1'200.5"
    """
    return text.translate(_ALIKE)


def broken_marks(sep: str | None, decimal: str | None, thousands: str | None) -> Iterator[Broken]:
    """The first rule that marks break, if any: each is one character, of those that no number can be taken for.

    None : not said. What stands between columns may part thousands only in cells with quotes, which a table tells.

    >>> [broken.rule for broken in broken_marks(";", ",", "1")]
    ['must be a point, a comma, an apostrophe, a space or _']
    >>> list(broken_marks(";", ",", "."))
    []
    """
    for name, mark in (("sep", sep), ("decimal", decimal), ("thousands", thousands)):
        if mark is not None and len(mark) != 1:
            yield Broken(name, "must be one character", repr(mark), "write it like ';', ',' or \"\\t\"")
            return
    if decimal is not None and decimal not in ".,":
        yield Broken("decimal", "must be . or ,", repr(decimal), "take one of the two")
    elif thousands is not None and plain_marks(thousands) not in _THOUSANDS:
        rule = "must be a point, a comma, an apostrophe, a space or _"
        yield Broken("thousands", rule, repr(thousands), "say the mark as numbers have it, such as 1'200 or 1.200")
    elif decimal is not None and decimal in (thousands, sep):
        rule = "must not be the mark that stands between columns or thousands"
        yield Broken("decimal", rule, repr(decimal), "correct decimal:, thousands: or sep:")


def untold_thousands(cell: str, decimal: str) -> tuple[str, str] | None:
    """What parts thousands where it is an apostrophe or a space, and what to say; None for other cells.

    >>> untold_thousands("1 200,5", ".")
    ('a space between thousands', 'say thousands: " ", decimal: ","')
    >>> untold_thousands("1200.5", ".")
    """
    found = _UNTOLD.fullmatch(plain_marks(cell))
    if found is None:
        return None
    mark, other = found[1], found[2] or decimal
    also = f', decimal: "{other}"' if other != decimal else ""
    return f"{_NAMES[mark]} between thousands", f'say thousands: "{mark}"{also}'
