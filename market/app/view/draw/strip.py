"""Draws the strip of periods: the volume traded in each, its verdict, and which one is selected."""

from __future__ import annotations

from collections.abc import Sequence

from market.app.history.period import PeriodNow
from market.app.history.snapshot import Snapshot
from market.app.results.telling import Telling
from market.app.view.draw import colours
from market.app.view.draw.plane import Mark, period_marks
from market.app.view.draw.svg import INK, SOFT, drawing, line, rect, tag, text, text_width, title
from market.app.view.told import told_of

WIDTH, HEIGHT = 860.0, 62.0
LEFT = 72.0
FOOT = 42.0
"""How high a period is, its verdict with it; what it is called stands below, in no frame that could cross it."""
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
    below = "time" if told.starts else "period"
    parts = [text(4, 30, "traded MW", 11.5, fill=SOFT), text(4, 56, below, 11.5, fill=SOFT)]
    for t in range(count):
        x, now = LEFT + t * width, nows[t] if t < len(nows) else None
        cell = [rect(x, 2, width, FOOT, fill="#eef3f8" if t == chosen else "transparent")]
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
    parts += _numbers(told, chosen, count, width)
    x, wide = LEFT + chosen * width, max(width, LEAST_MARK)
    x -= (wide - width) / 2
    parts.append(rect(x, 2, wide, FOOT, fill="none", stroke=INK, stroke_width=1.6, rx=min(3.0, wide / 3)))
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


def _numbers(told: Telling, chosen: int, count: int, width: float) -> list[str]:
    """What the chosen period is called, and others as far as they stand clear of it."""
    marks = period_marks(told, range(count), 24) if count > 1 else []
    words = told.period(chosen + 1)
    half, x = text_width(words, 12, bold=True) / 2, LEFT + (chosen + 0.5) * width
    x = min(max(x, LEFT + half), WIDTH - half - 2)
    around = [_number(mark, width) for mark in marks if _clear(mark, width, x, half)]
    return [*around, text(x, 56, words, 12, text_anchor="middle", font_weight=700)]


def _clear(mark: Mark, width: float, x: float, half: float) -> bool:
    """Whether a mark stands clear of the chosen one, whose middle and half width are given."""
    period, words = mark
    return abs(_middle(period, words, width) - x) > half + text_width(words, 12) / 2 + 5


def _middle(period: float, words: str, width: float) -> float:
    half = text_width(words, 12) / 2
    return min(max(LEFT + (period - 0.5) * width, LEFT + half), WIDTH - half - 2)


def _number(mark: Mark, width: float) -> str:
    period, words = mark
    return text(_middle(period, words, width), 56, words, 12, text_anchor="middle")


def _words(told: Telling, t: int, now: PeriodNow | None) -> str:
    words = f"period {told.period(t + 1)}"
    if now is None:
        return words
    if not now.game.tradable:
        return f"{words}: nothing to trade"
    return f"{words}: {now.traded_mw:.2f} MW" + (f", {now.verdict.value.replace('_', ' ')}" if now.verdict else "")
