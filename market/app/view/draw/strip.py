"""Draws the strip of periods: the volume traded in each, its verdict, and which one is selected."""

from __future__ import annotations

from collections.abc import Sequence

from market.app.history.period import PeriodNow
from market.app.history.snapshot import Snapshot
from market.app.view.draw import colours
from market.app.view.draw.svg import INK, SOFT, drawing, line, rect, tag, text, title
from market.app.view.told import told_of

WIDTH, HEIGHT = 860.0, 62.0
LEFT = 72.0


def strip_picture(view: Snapshot, nows: Sequence[PeriodNow], chosen: int) -> str:
    """A bar for the power traded in each period above its number, and a foot in the colour of its verdict."""
    count, told = max(1, view.periods), told_of(view)
    width = (WIDTH - LEFT - 4) / count
    most = max((now.traded_mw for now in nows), default=0.0)
    every = 1 if count <= 32 else 4 if count <= 100 else -(-count // 24)
    parts = [text(4, 30, "traded MW", 11.5, fill=SOFT), text(4, 56, "period", 11.5, fill=SOFT)]
    for t in range(count):
        x, now = LEFT + t * width, nows[t] if t < len(nows) else None
        cell = [rect(x + 0.5, 2, width - 1, HEIGHT - 4, fill="#eef3f8" if t == chosen else "transparent")]
        if now is not None and most > 0:
            height = 32 * now.traded_mw / most
            cell.append(rect(x + 2, 36 - height, width - 4, height, fill=colours.SOUND, opacity=0.8))
        ended = colours.verdict_colour(now.verdict.value) if now and now.verdict else None
        if now is not None and not now.game.tradable:
            ended = colours.QUIET
        cell.append(rect(x + 2, 37, width - 4, 5, fill=ended or "#c3ccd5"))
        if t % every == 0 or t == chosen:
            weight = 700 if t == chosen else 400
            cell.append(text(x + width / 2, 56, str(t + 1), 12, text_anchor="middle", font_weight=weight))
        tooltip = f"period {told.period(t + 1)}"
        if now is not None:
            tooltip += f": {now.traded_mw:.2f} MW" + (f", {now.verdict.value}" if now.verdict else "")
        parts.append(tag("g", title(tooltip) + "".join(cell), data_pick=f"period:{t}", class_="period"))
    x = LEFT + chosen * width
    parts.append(rect(x + 0.5, 2, width - 1, HEIGHT - 4, fill="none", stroke=INK, stroke_width=1.6, rx=3))
    parts.append(line(LEFT, 36.5, WIDTH - 4, 36.5, stroke=SOFT, opacity=0.4))
    return drawing(WIDTH, HEIGHT, *parts, name="strip", label="periods")
