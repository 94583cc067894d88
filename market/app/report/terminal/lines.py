"""Text in lines of a screen: broken between words, so that what is to be copied stays whole."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.markup import escape
from rich.text import Text

from market.app.report.terminal.screen import Screen
from market.letters import spelled
from market.visible import visible


def plain(text: str) -> str:
    """Text that is to be shown as it stands: it neither styles a page nor moves its cursor."""
    return escape(visible(text))


def left_out(number: int, what: str, where: str) -> str:
    """What is said below a table of which not everything fits on a page; nothing where it does."""
    return f"… {number:,} more {what} in {where}" if number > 0 else ""


class Whole(str):
    """A line of markup that is to be copied, as a command is: it is never broken."""

    __slots__ = ()


def filled(markup: str, screen: Screen) -> Iterator[Text]:
    """Text of rich's markup in lines of the screen; what goes on stands two letters in. Long words stay whole."""
    text = Text.from_markup(spelled(markup, screen.encoding))
    if isinstance(markup, Whole):
        yield text
        return
    for line in text.split("\n", allow_blank=True):
        yield from _filled(line, screen.width) if screen.is_known else [line]


def _filled(text: Text, width: int) -> Iterator[Text]:
    if text.cell_len <= width:
        yield text
        return
    indent = len(text.plain) - len(text.plain.lstrip(" "))
    line, blanks = Text(), 0
    for word in text.split(" "):
        if not word:
            blanks += 1
        elif line and line.cell_len + blanks + word.cell_len > width:
            yield line
            line, blanks = Text(" " * (indent + 2)).append_text(word), 1
        else:
            line, blanks = line.append(" " * blanks).append_text(word), 1
    yield line


def folded(text: str, width: int) -> list[str]:
    """Plain text in lines of at most so many letters: between the items that two blanks part, else between words.

    >>> folded("between words, where it can be", 14)
    ['between words,', 'where it can', 'be']
    >>> folded("VPP4 400.00  VPP5 398.20", 20)
    ['VPP4 400.00', 'VPP5 398.20']
    """
    blank = "  " if "  " in text else " "
    lines = list[str]()
    for item in text.split(blank):
        if lines and cell_len(lines[-1]) + len(blank) + cell_len(item) <= width:
            lines[-1] += f"{blank}{item}"
        else:
            lines += folded(item, width) if len(blank) > 1 else _pieces(item, width)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    """A word cut where it must be: behind a hyphen or the like if there is one in the later half of the line."""
    pieces = []
    while cell_len(word) > width:
        line = chop_cells(word, width)[0]
        marks = [line.rfind(mark) for mark in "-_/.,"]
        at = max(marks) + 1 if max(marks) + 1 > len(line) // 2 else len(line)
        pieces.append(word[:at])
        word = word[at:]
    return [*pieces, word]
