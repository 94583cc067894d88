"""What is wrong with a figure as it is drawn: text cut off, text upon text, data outside their axes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from market.app.figures.picture import png_bytes

SLACK_PX = 1.0  # of 100 to the inch
SLACK_SHARE = 1e-6  # of an axis


def faults(figure: Figure) -> list[str]:
    """Everything that is wrong, in words; empty for a figure that is right."""
    png_bytes(figure)  # lays it out
    figure.draw_without_rendering()
    boxes = [(text, text.get_window_extent()) for text in drawn_texts(figure)]
    return [*_cut_off(boxes, figure), *_upon_each_other(boxes), *_outside(figure)]


def drawn_texts(figure: Figure) -> list[Text]:
    """The text that is seen: not that of ticks which lie outside their axis."""
    hidden = {id(text) for tick in _ticks_outside(figure) for text in (tick.label1, tick.label2)}
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in found if text.get_visible() and text.get_text().strip() and id(text) not in hidden]


def _ticks_outside(figure: Figure) -> Iterator[Tick]:
    for ax in figure.findobj(Axes):
        assert isinstance(ax, Axes)
        for axis in (ax.xaxis, ax.yaxis):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not _within(axis, tick.get_loc()):
                    yield tick


def _within(axis: Axis, value: float) -> bool:
    """Whether a value is in sight, by the lengths on paper: an axis may be logarithmic."""
    to_paper = axis.get_transform().transform
    low, high = sorted(to_paper(np.array(axis.get_view_interval())).tolist())
    slack = SLACK_SHARE * (high - low)
    return bool(low - slack <= to_paper(np.array([value]))[0] <= high + slack)


def _cut_off(boxes: list[tuple[Text, Bbox]], figure: Figure) -> Iterator[str]:
    whole = figure.bbox
    for text, box in boxes:
        beyond = max(whole.x0 - box.x0, whole.y0 - box.y0, box.x1 - whole.x1, box.y1 - whole.y1)
        if beyond > SLACK_PX:
            yield f"{text.get_text()!r} is cut off by {beyond:.1f} px"


def _upon_each_other(boxes: list[tuple[Text, Bbox]]) -> Iterator[str]:
    for (one, box), (other, its) in combinations(boxes, 2):
        wide = min(box.x1, its.x1) - max(box.x0, its.x0)
        high = min(box.y1, its.y1) - max(box.y0, its.y0)
        if wide > SLACK_PX and high > SLACK_PX:
            yield f"{one.get_text()!r} and {other.get_text()!r} overlap by {wide:.1f} × {high:.1f} px"


def _outside(figure: Figure) -> Iterator[str]:
    for ax in figure.findobj(Axes):
        assert isinstance(ax, Axes)
        for name, axis, ends in (("x", ax.xaxis, ax.dataLim.intervalx), ("y", ax.yaxis, ax.dataLim.intervaly)):
            yield from _beyond(f"{ax.get_title(loc='left')!r} {name}", axis, sorted(ends.tolist()))


def _beyond(where: str, axis: Axis, ends: list[float]) -> Iterator[str]:
    low, high = sorted(axis.get_view_interval())
    if ends[0] <= ends[1] and not all(_within(axis, end) for end in ends):
        yield f"{where}: data from {ends[0]:g} to {ends[1]:g}, shown from {low:g} to {high:g}"
