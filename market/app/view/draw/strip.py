"""Draws the strip of periods: the volume traded in each, its verdict, and which one is selected."""

from __future__ import annotations

from collections.abc import Sequence

from market.app.history.period import PeriodNow
from market.app.history.snapshot import Snapshot
from market.app.results.telling import Telling
from market.app.view.draw import colours
from market.app.view.draw.plane import period_ticks
from market.app.view.draw.svg import INK, SOFT, drawing, line, rect, tag, text, title
from market.app.view.told import told_of

WIDTH, HEIGHT = 860.0, 62.0
LEFT = 72.0
LEAST_MARK = 5.0
"""How wide the chosen period is marked at least, however many there are."""


def strip_picture(view: Snapshot, nows: Sequence[PeriodNow], chosen: int) -> str:
    """A bar for the power traded in each period above its number, and a foot in the colour of its verdict.

    It can be reached by the keyboard, as a slider over the periods.
    """
    count, told = max(1, view.periods), told_of(view)
    width = (WIDTH - LEFT - 4) / count
    gap = min(2.0, 0.12 * width)
    most = max((now.traded_mw for now in nows), default=0.0)
    numbered = set(period_ticks(range(count), 24)) if count > 1 else {1}
    parts = [text(4, 30, "traded MW", 11.5, fill=SOFT), text(4, 56, "period", 11.5, fill=SOFT)]
    for t in range(count):
        x, now = LEFT + t * width, nows[t] if t < len(nows) else None
        cell = [rect(x, 2, width, HEIGHT - 4, fill="#eef3f8" if t == chosen else "transparent")]
        if now is not None and most > 0:
            height = 32 * now.traded_mw / most
            cell.append(rect(x + gap, 36 - height, width - 2 * gap, height, fill=colours.SOUND, opacity=0.8))
        ended = colours.verdict_colour(now.verdict.value) if now and now.verdict else None
        if now is not None and not now.game.tradable:
            ended = colours.QUIET
        cell.append(rect(x + gap, 37, width - 2 * gap, 5, fill=ended or "#c3ccd5"))
        parts.append(
            tag("g", title(_words(told, t, now)) + "".join(cell), data_pick=f"period:{t}", class_="period")
        )
    parts += [_number(t, LEFT + (t - 0.5) * width) for t in sorted(numbered) if abs(t - 1 - chosen) * width > 22]
    parts.append(_number(chosen + 1, LEFT + (chosen + 0.5) * width, chosen=True))
    x, wide = LEFT + chosen * width, max(width, LEAST_MARK)
    x -= (wide - width) / 2
    parts.append(rect(x, 2, wide, HEIGHT - 4, fill="none", stroke=INK, stroke_width=1.6, rx=min(3.0, wide / 3)))
    parts.append(line(LEFT, 36.5, WIDTH - 4, 36.5, stroke=SOFT, opacity=0.4))
    return drawing(
        WIDTH,
        HEIGHT,
        *parts,
        name="strip",
        label="period",
        role="slider",
        tabindex=0,
        data_slide="period",
        aria_valuemin=1,
        aria_valuemax=count,
        aria_valuenow=chosen + 1,
        aria_valuetext=_words(told, chosen, nows[chosen] if chosen < len(nows) else None),
    )


def _number(period: int, x: float, *, chosen: bool = False) -> str:
    x = min(max(x, LEFT + 6), WIDTH - 14)
    return text(x, 56, str(period), 12, text_anchor="middle", font_weight=700 if chosen else 400)


def _words(told: Telling, t: int, now: PeriodNow | None) -> str:
    words = f"period {told.period(t + 1)}"
    if now is None:
        return words
    if not now.game.tradable:
        return f"{words}: nothing to trade"
    return f"{words}: {now.traded_mw:.2f} MW" + (f", {now.verdict.value.replace('_', ' ')}" if now.verdict else "")
