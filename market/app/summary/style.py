"""Owns how tables look. Knows nothing of what is in them."""

from __future__ import annotations

from rich import box
from rich.table import Table


def new_table(title: str, padding: tuple[int, int, int, int] = (0, 1, 0, 1)) -> Table:
    """An empty table in the one style of the summary."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=box.SIMPLE_HEAD,
        padding=padding,
        pad_edge=False,
    )
