"""The style of tables in the terminal: titles, columns of names and numbers, notes on what is left out."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from market.visible import visible

VPPS_SHOWN = 24


def plain(text: str) -> str:
    """Text that is to be shown as it stands: it neither styles a page nor moves its cursor."""
    return escape(visible(text))


def new_table(gap: int = 1) -> Table:
    """An empty table in the one style of the summary, with `gap` + 1 blanks between columns."""
    return Table(
        caption_justify="left",
        header_style="dim",
        box=box.SIMPLE_HEAD,
        padding=(0, gap, 0, 0),
        pad_edge=False,
    )


def titled(title: str, table: Table) -> Group:
    """A table below its title, which may be wider."""
    return Group(f"[bold]{title}[/bold]", table)


def add_names(table: Table, heading: str) -> None:
    """A first column of names, which are cut where they are too long."""
    table.add_column(heading, no_wrap=True, max_width=14)


def add_numbers(table: Table, headings: Iterable[str]) -> None:
    """Columns of numbers."""
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)


def note_left_out(table: Table, number: int, what: str, where: str) -> None:
    """Say below a table that not everything fits on a page."""
    if number > 0:
        table.caption = f"… {number} more {what} in {where}"
