"""Pictures as a run is told: money by its currency, and axes of periods by the clock where the run has a start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from market.app.figures.picture import Picture
from market.app.results.telling import Telling
from market.model.calendar import clock_ticks, starts

_LABEL = "period"
_INCH_A_LABEL = 0.62


def told_pictures(pictures: Iterable[Picture], told: Telling) -> Iterator[Picture]:
    """The pictures with what they say in the run's currency, and its times below axes of periods."""
    for picture in pictures:
        told_figure(picture.figure, told)
        yield replace(picture, title=told.text(picture.title), caption=told.text(picture.caption))


def told_figure(figure: Figure, told: Telling) -> Figure:
    """The figure itself, told that way."""
    if told.starts:
        _by_the_clock(figure, told)
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_text(told.text(text.get_text()))
    return figure


def _by_the_clock(figure: Figure, told: Telling) -> None:
    """Times in place of numbers below every axis that periods stand on."""
    if all(ax.get_xlabel() != _LABEL for ax in figure.axes):
        return
    on_periods = [ax for ax in figure.axes if _has_periods(ax, told)]
    abreast = max(len({round(ax.get_position().x0, 2) for ax in on_periods}), 1)
    width_in = figure.get_size_inches()[0] * 0.9 / abreast
    for ax in on_periods:
        ticks = clock_ticks(starts(told.horizon), max(2, int(width_in / _INCH_A_LABEL)))
        ax.set_xticks([place + 0.5 for place, _ in ticks], [label for _, label in ticks])
        if ax.get_xlabel() == _LABEL:
            ax.set_xlabel(told.axis)


def _has_periods(ax: Axes, told: Telling) -> bool:
    """Whether an axis goes from the first period to the last, and says nothing else."""
    low, high = ax.get_xlim()
    whole = abs(low - 0.5) < 1e-9 and abs(high - told.horizon.periods - 0.5) < 1e-9
    return whole and ax.get_xlabel() in ("", _LABEL)
