"""A page for a terminal: lines of text and tables, drawn for one screen."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console

from market.app.report.terminal.grid import Grid
from market.app.report.terminal.lines import filled
from market.app.report.terminal.screen import Screen


def drawn(parts: Iterable[str | Grid], screen: Screen) -> str:
    """The page as text: paragraphs of rich's markup, and tables; in colours where a person looks at it."""
    console = Console(
        file=io.StringIO(),
        force_terminal=screen.styled,
        width=screen.width,
        legacy_windows=False,
        highlight=False,
    )
    for part in parts:
        for line in filled(part, screen) if isinstance(part, str) else part.lines(screen):
            line.rstrip()
            console.print(line, soft_wrap=True)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    return text
