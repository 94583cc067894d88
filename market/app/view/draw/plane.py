"""The parts of a plot: scales, ticks, axes, stepped lines, marks, legends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from market.app.results.telling import Telling
from market.app.view.draw.svg import RULE, SOFT, line, tag, text
from market.model.calendar import clock_ticks, starts

NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
Mark: TypeAlias = tuple[float, str]
"""Where something stands along an axis, and what it says."""


@dataclass(frozen=True, slots=True)
class AxisScale:
    """Values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class PlotArea:
    """Two scales; y grows upwards."""

    x: AxisScale
    y: AxisScale


@dataclass(frozen=True, slots=True)
class LegendItem:
    """A line of a legend."""

    label: str
    colour: str
    dash: str | None = None


def plane(width: float, height: float, x: tuple[float, float], y: tuple[float, float]) -> PlotArea:
    """The plane of a picture of this size, with room for labels left of it and below, a legend above."""
    low, high = y
    pad = 0.06 * (high - low) or max(1.0, abs(high) * 0.05)
    return PlotArea(AxisScale(*x, 64.0, width - 16.0), AxisScale(low - pad, high + pad, height - 44.0, 34.0))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two, at most about `most`."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low]
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next(size * n for n in NICE if span / (size * n) <= most)
    first = math.ceil(low / step - 1e-9)
    return [step * k for k in range(first, math.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A number with thousands set apart and no more digits than it needs."""
    return f"{0.0 if abs(value) < 1e-12 else value:,.10g}".replace("-", "−")


def axes(on: PlotArea, x_label: str, y_label: str, x_ticks: Sequence[Mark] | None = None) -> str:
    """Grid, tick labels and the names of both axes."""
    bottom, left, right = on.y.start, on.x.start, on.x.end
    parts = []
    for value in ticks(on.y.low, on.y.high):
        y = on.y(value)
        parts.append(line(left, y, right, y, stroke=RULE))
        parts.append(text(left - 8, y + 4, number(value), 12, text_anchor="end", fill=SOFT))
    for value, words in _numbered(ticks(on.x.low, on.x.high, 8)) if x_ticks is None else x_ticks:
        parts.append(line(on.x(value), bottom, on.x(value), bottom + 4))
        parts.append(text(on.x(value), bottom + 18, words, 12, text_anchor="middle", fill=SOFT))
    parts.append(line(left, bottom, right, bottom))
    parts.append(text((left + right) / 2, bottom + 36, x_label, 12, text_anchor="middle", fill=SOFT))
    middle = (on.y.start + on.y.end) / 2
    parts.append(
        text(14, middle, y_label, 12, text_anchor="middle", fill=SOFT, transform=f"rotate(-90 14 {middle:.1f})")
    )
    return "".join(parts)


def _numbered(values: Sequence[float]) -> list[Mark]:
    return [(value, number(value)) for value in values]


def zoomable(on: PlotArea, axis: str, unit: str) -> dict[str, object]:
    """What a browser needs to tell the values at the pointer, and to choose a stretch: attributes of the drawing.

    axis : what is chosen a stretch of, `clock` or `periods` · unit : what is along the axis
    """
    ends = {"data_x": on.x, "data_y": on.y}
    told = {name: f"{s.low!r} {s.high!r} {s.start:.2f} {s.end:.2f}" for name, s in ends.items()}
    return {**told, "data_zoom": axis, "data_unit_x": unit, "tabindex": 0}


def inside(span: tuple[float, float], path: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The part of a stepped line within a stretch: it comes in with the last level before."""
    low, high = span
    before = [(low, y) for x, y in path if x < low][-1:]
    return before + [(x, y) for x, y in path if low <= x <= high]


def steps(
    on: PlotArea, path: Sequence[tuple[float, float]], colour: str, until: float | None = None, name: str = ""
) -> str:
    """A line that keeps each value until the next one, and the last until `until`. `name`: what it tells of."""
    path = inside((on.x.low, on.x.high), path)
    if not path:
        return ""
    points = [f"M{on.x(path[0][0]):.1f} {on.y(path[0][1]):.1f}"]
    for x, y in path[1:]:
        points.append(f"H{on.x(x):.1f}V{on.y(y):.1f}")
    if until is not None:
        points.append(f"H{on.x(until):.1f}")
    return tag("path", d="".join(points), fill="none", stroke=colour, stroke_width=2, data_series=name or None)


def marks(on: PlotArea, path: Sequence[tuple[float, float]], colour: str, radius: float = 3) -> str:
    """A dot at each point."""
    shown = [(x, y) for x, y in path if on.x.low <= x <= on.x.high]
    return "".join(tag("circle", cx=on.x(x), cy=on.y(y), r=radius, fill=colour) for x, y in shown)


def level(on: PlotArea, value: float, colour: str, dash: str | None = None) -> str:
    """A horizontal line across the plane."""
    return line(
        on.x.start, on.y(value), on.x.end, on.y(value), stroke=colour, stroke_dasharray=dash, stroke_width=1.4
    )


def short_name(name: str, most: int = 12) -> str:
    """A name of at most so many characters: its beginning and its end, which is where names differ."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - (most - most // 2 - 1) :]}"


def legend(entries: Sequence[LegendItem], width: float = 600.0, left: float = 64.0, top: float = 16.0) -> str:
    """Entries side by side above a plane; what does not fit is counted."""
    parts, x = [], left
    for k, entry in enumerate(entries):
        label = short_name(entry.label, 16)
        end = x + 26 + 7.2 * len(label) + 18
        more = f"and {len(entries) - k} more"
        if end > width - (0 if k == len(entries) - 1 else 7.2 * len(more)):
            parts.append(text(x, top, more, 12, fill=SOFT))
            break
        parts.append(
            line(x, top - 4, x + 20, top - 4, stroke=entry.colour, stroke_width=3, stroke_dasharray=entry.dash)
        )
        parts.append(text(x + 26, top, label, 12))
        x = end
    return "".join(parts)


def period_marks(told: Telling, window: range, most: int = 12) -> list[Mark]:
    """What stands below the periods of a window, counted from 1: round times where it has any, else numbers.

    most : so many numbers of periods fit, and half as many times
    """
    if told.starts:
        moments = starts(told.horizon)[window.start : window.stop]
        return [(window.start + place + 1, words) for place, words in clock_ticks(moments, max(2, most // 2))]
    return [(period, str(period)) for period in _period_ticks(window, most)]


def _period_ticks(window: range, most: int) -> list[int]:
    """Round numbers of periods, counted from 1; the first one among them."""
    every = next(n for n in (1, 2, 4, 8, 12, 24, 48, 96, 192, 384, 10**9) if len(window) <= n * most)
    return [t + 1 for t in window if t == window.start or ((t + 1) % every == 0 and t - window.start >= every / 2)]
