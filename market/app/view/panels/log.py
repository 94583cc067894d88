"""The tab of the event log in words, the newest events on top."""

from __future__ import annotations

from market.app.history.event_log import until
from market.app.report.page import table
from market.app.view.panels.html import box, note
from market.app.view.session import Frame

MOST_LINES = 400


def log_panel(frame: Frame) -> str:
    """Everything up to this moment, as far as it is shown."""
    count = len(until(frame.timeline.event_log.lines, frame.view.position))
    more = note(f"The newest {MOST_LINES} of {count:,} events.") if count > MOST_LINES else ""
    return box("What has happened", more, lines_table(frame, MOST_LINES), name="log")


def lines_table(frame: Frame, most: int) -> str:
    """The newest lines as a table."""
    lines = until(frame.timeline.event_log.lines, frame.view.position)[-most:]
    rows = [(line.position, f"{line.time_s:.3f}", line.who or "—", line.text) for line in reversed(lines)]
    return table(("record", "time s", "who", "what"), rows, fold=False)
