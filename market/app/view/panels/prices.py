"""The tab of prices: converging in the selected period, standing in all."""

from __future__ import annotations

from market.app.history.event_log import SaidAt, until
from market.app.view.draw.prices import price_day_picture, price_paths_picture
from market.app.view.panels.html import box, columns, note
from market.app.view.session import Frame
from market.app.view.told import told_of

HOW = "Press a period to choose it. Drag over a plot to see a stretch of it, press twice to see the whole again."


def said_so_far(frame: Frame) -> list[SaidAt]:
    """Offers and selections of this epoch up to this moment."""
    said = until(frame.timeline.event_log.said, frame.view.position)
    return [entry for entry in said if entry.epoch == frame.view.epoch]


def prices_panel(frame: Frame) -> str:
    """Prices on their way and all prices of the day."""
    paths = price_paths_picture(frame.view, frame.period, frame.now, said_so_far(frame), frame.clock)
    day = price_day_picture(frame.view, frame.nows, frame.period, frame.window)
    return columns(
        box(f"On their way in period {told_of(frame.view).period(frame.period + 1)}", paths),
        box(
            "As they stand, all periods",
            day,
            note(HOW),
        ),
    )
