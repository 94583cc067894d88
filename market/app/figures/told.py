"""Pictures as a run is told: money by its currency, and axes of periods by the clock where the run has a start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from market.app.figures.picture import Picture
from market.app.results.telling import Telling
from market.model.calendar import starts

_LABEL = "period"
_INCH_A_LABEL = 0.62
_HOURS = (1, 2, 3, 4, 6, 8, 12, 24, 48, 168, 336, 672)


def told_pictures(pictures: Iterable[Picture], told: Telling) -> Iterator[Picture]:
    """The pictures with what they say in the run's currency, and its times below axes of periods."""
    for picture in pictures:
        if told.starts:
            _by_the_clock(picture.figure, told)
        for text in picture.figure.findobj(Text):
            if isinstance(text, Text):
                text.set_text(told.text(text.get_text()))
        yield replace(picture, title=told.text(picture.title), caption=told.text(picture.caption))


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
            ax.set_xlabel(f"time, {told.horizon.tz or 'UTC'}")


def _has_periods(ax: Axes, told: Telling) -> bool:
    """Whether an axis goes from the first period to the last, and says nothing else."""
    low, high = ax.get_xlim()
    whole = abs(low - 0.5) < 1e-9 and abs(high - told.horizon.periods - 0.5) < 1e-9
    return whole and ax.get_xlabel() in ("", _LABEL)


def clock_ticks(moments: tuple[datetime, ...], most: int) -> list[tuple[int, str]]:
    """Periods that begin at round hours, at most about `most`, each with the time, or the day as it begins.

    Places count from 0.

    >>> from market.model.calendar import starts
    >>> from market.model.rules import Horizon
    >>> clock_ticks(starts(Horizon(24, 1, "2016-06-15T00:00+02:00", "Europe/Berlin")), 4)
    [(0, '15 Jun'), (6, '06:00'), (12, '12:00'), (18, '18:00')]
    """
    for hours in _HOURS:
        found = [(place, when) for place, when in enumerate(moments) if _is_round(when, moments[0], hours)]
        if len(found) <= most:
            break
    return [
        (place, f"{when:%d %b}" if when.hour == when.minute == 0 else f"{when:%H:%M}") for place, when in found
    ]


def _is_round(when: datetime, first: datetime, hours: int) -> bool:
    if when.minute or when.second:
        return False
    if hours <= 24:
        return when.hour % hours == 0
    return when.hour == 0 and (when.date() - first.date()).days % (hours // 24) == 0
