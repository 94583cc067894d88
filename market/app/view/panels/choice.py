"""The tab of choice: probabilities by seller and period, and how those of a period came about."""

from __future__ import annotations

from market.app.view.draw.choice import choice_heat_picture, choice_paths_picture
from market.app.view.panels.html import box, columns
from market.app.view.panels.prices import said_so_far
from market.app.view.session import Frame
from market.app.view.told import told_of


def choice_panel(frame: Frame) -> str:
    """The heat map, and the probabilities of the chosen period on their way."""
    heat = choice_heat_picture(frame.view, frame.nows, frame.period, frame.buyer, frame.window)
    paths = choice_paths_picture(frame.view, frame.period, frame.now, frame.buyer, said_so_far(frame), frame.clock)
    return columns(
        box("Whom buyers choose", heat),
        box(f"On the way in period {told_of(frame.view).period(frame.period + 1)}, {frame.buyer}", paths),
    )
