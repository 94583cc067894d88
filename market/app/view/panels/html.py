"""HTML elements that the tabs share: columns, boxes, facts, notes."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def columns(*content: str, name: str = "") -> str:
    """Blocks side by side where there is room, else one below the other."""
    return f'<div class="columns {name}">' + "".join(f"<div>{block}</div>" for block in content) + "</div>"


def box(heading: str, *content: str, name: str = "") -> str:
    """A block with a heading."""
    return f'<section class="box {name}"><h2>{escape(heading)}</h2>{"".join(content)}</section>'


def undusted(value: float, digits: int = 4) -> float:
    """A number as a table of so many digits shows it: zero where rounding left next to nothing, of either sign."""
    return 0.0 if abs(value) < 0.5 * 10.0**-digits else value


def note(words: str) -> str:
    """A sentence on what is to be seen, or why nothing is."""
    return f'<p class="note">{escape(words)}</p>'


def facts(entries: Iterable[tuple[str, str, str]]) -> str:
    """(name, what, value): a line of numbers, each with its class `fact-name` for whoever looks for it."""
    shown = (
        f'<span class="fact"><span class="what">{escape(what)}</span> '
        f'<b class="fact-{name}">{escape(value)}</b></span>'
        for name, what, value in entries
        if value
    )
    return f'<div class="facts">{"".join(shown)}</div>'
