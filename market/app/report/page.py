"""A self-contained HTML page: sections of text, tables and pictures.

All text given to it is escaped; pictures and style are inside the file, which refers to nothing outside it.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, NewType

from market.app.report.theme import CSS
from market.app.results.table import Cell

if TYPE_CHECKING:
    from market.app.figures.picture import Picture, Rendered

Html = NewType("Html", str)
MOST_ROWS = 40
"""A table of more is folded."""


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of a page with a heading of its own; its blocks come from the functions of this module.

    folded : whether only the heading is seen until somebody opens it
    """

    title: str
    blocks: Sequence[Html]
    folded: bool = False

    def html(self) -> Html:
        """Heading and blocks."""
        return _unfolding(Html(f"<h2>{escape(self.title)}</h2>"), self.blocks, self.folded)


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A whole page: a title, a line below it, and sections that the reader can jump to."""

    title: str
    subtitle: str
    sections: Sequence[ReportSection]

    def html(self) -> str:
        """The page as one file."""
        names = [_anchor(number, section.title) for number, section in enumerate(self.sections, 1)]
        jumps = "".join(
            f'<a href="#{name}">{escape(section.title)}</a>'
            for name, section in zip(names, self.sections, strict=True)
        )
        body = "".join(
            f'<section id="{name}">{section.html()}</section>\n'
            for name, section in zip(names, self.sections, strict=True)
        )
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self.title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
            f"<header><h1>{escape(self.title)}</h1><p>{escape(self.subtitle)}</p></header>\n"
            f"<nav>{jumps}</nav>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )


def paragraph(text: str) -> Html:
    """A paragraph."""
    return Html(f"<p>{escape(text)}</p>")


def folded(title: str, blocks: Sequence[Html]) -> Html:
    """What is seen only once somebody opens it."""
    return _unfolding(Html(escape(title)), blocks, folded=True)


def callout(text: str, *, good: bool) -> Html:
    """A sentence that a reader must not miss."""
    return Html(f'<p class="callout {"good" if good else "bad"}">{escape(text)}</p>')


def cards(numbers: Iterable[tuple[str, str]]) -> Html:
    """The few numbers to know first: (what, number with unit)."""
    shown = "".join(
        f"<div><strong>{escape(number)}</strong><span>{escape(what)}</span></div>" for what, number in numbers
    )
    return Html(f'<div class="cards">{shown}</div>')


def bullets(lines: Iterable[str]) -> Html:
    """A list."""
    return Html("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    caption: str = "",
    *,
    digits: int = 2,
    sum_row: bool = False,
    unknown: str = "",
    fold: bool = True,
) -> Html:
    """A table; numbers stand to the right, doubles with so many digits, NaN as `unknown`.

    sum_row : the last row is a sum, set apart · fold : whether a long one is folded
    """
    filled = [list(row) for row in rows]
    numeric = [
        bool(filled) and all(not isinstance(row[k], str) or row[k] == "" for row in filled)
        for k in range(len(columns))
    ]
    head = "".join(
        f"<th{' class=number' if right else ''}>{escape(c)}</th>"
        for c, right in zip(columns, numeric, strict=True)
    )
    body = "".join(_row(row, digits, unknown, last=sum_row and row is filled[-1]) for row in filled)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = Html(
        f'<div class="wide"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
    if not fold or len(filled) <= MOST_ROWS:
        return whole
    return folded(f"{caption or 'Table'}: {len(filled):,} rows", [whole])


def picture(shown: Picture | Rendered) -> Html:
    """A figure with its caption, as SVG inside the page."""
    data = base64.b64encode(shown.svg).decode("ascii")
    return Html(
        f'<figure id="figure-{escape(shown.name)}"><h3>{escape(shown.title)}</h3>'
        f'<img alt="{escape(shown.title)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(shown.caption)}</figcaption></figure>"
    )


def number_text(cell: Cell, digits: int = 2, unknown: str = "") -> str:
    """A cell for people: thousands set apart, a true minus sign, `unknown` for NaN."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}".replace("-", "−")
    if math.isnan(cell):
        return unknown
    small = cell != 0 and abs(cell) < 0.5 * 10**-digits
    text = f"{cell:.1e}" if small else f"{cell:,.{digits}f}"
    return text.replace("-", "−")


def _unfolding(summary: Html, blocks: Sequence[Html], folded: bool) -> Html:
    """Blocks that can be hidden and shown by what stands above them."""
    opening = "<details>" if folded else "<details open>"
    return Html(f"{opening}<summary>{summary}</summary>{''.join(blocks)}</details>")


def _row(row: Sequence[Cell], digits: int, unknown: str, *, last: bool) -> str:
    cells = "".join(
        f"<td>{escape(cell)}</td>"
        if isinstance(cell, str)
        else f"<td class=number>{escape(number_text(cell, digits, unknown))}</td>"
        for cell in row
    )
    return f"<tr{' class=sum' if last else ''}>{cells}</tr>"


def _anchor(number: int, title: str) -> str:
    return f"{number}-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
