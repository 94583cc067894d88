"""Results of complete tapes, computed once for each: tables, certificate, pictures of the day.

All pages that show one tape share them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from threading import Lock
from typing import TypeVar
from weakref import WeakKeyDictionary

from matplotlib.figure import Figure

from market.app.figures.picture import svg_bytes
from market.app.figures.told import told_figure
from market.app.history.timeline import Timeline
from market.app.replay.conclusion import ReplayedConclusion
from market.app.results.recorded import RecordedRun
from market.app.view.session import Frame
from market.app.view.told import told_of
from market.game.result import PeriodResult
from market.settlement.rounds import DayRounds

_LOCK = Lock()
_KEPT: WeakKeyDictionary[Timeline, dict[object, object]] = WeakKeyDictionary()
_TOLD: WeakKeyDictionary[Timeline, ReplayedConclusion] = WeakKeyDictionary()
_T = TypeVar("_T")


def _once(timeline: Timeline, key: object, make: Callable[[], _T]) -> _T:
    with _LOCK:
        kept = _KEPT.setdefault(timeline, {})
        if key not in kept:
            kept[key] = make()
        return kept[key]  # type: ignore[return-value]  # what `make` gave


def day_of(frame: Frame) -> RecordedRun | None:
    """The tables of a day that is over at this moment."""
    timeline, view = frame.timeline, frame.view
    if not view.verdict or view.epoch != timeline.newest.epoch:
        return None
    return _once(timeline, "day", partial(_recorded, timeline))


def _recorded(timeline: Timeline) -> RecordedRun | None:
    day = _replayed(timeline).day()
    return day.recorded(day.scenario.name) if day else None


def _replayed(timeline: Timeline) -> ReplayedConclusion:
    """The tape told again up to its newest record; only ever by one page at a time."""
    found = _TOLD.setdefault(timeline, ReplayedConclusion())
    found.take(timeline.records)
    return found


def results_at(frame: Frame) -> tuple[PeriodResult, ...]:
    """Every period's result with its certificate, once the broker has concluded."""
    view = frame.view
    if not view.verdicts:
        return ()
    epoch = view.market_epoch
    return _once(frame.timeline, ("results", epoch), lambda: _replayed(frame.timeline).results.get(epoch, ()))


def rounds_at(frame: Frame) -> DayRounds | None:
    """The rounds in which prices were agreed on, once that is over; None where they are offered."""
    epoch = frame.view.market_epoch
    if not results_at(frame):
        return None
    return _once(frame.timeline, ("rounds", epoch), lambda: _replayed(frame.timeline).rounds.get(epoch))


def drawn(frame: Frame, name: str, make: Callable[[], Figure]) -> str:
    """A picture of the day that is over, as SVG to stand in a page."""
    told = told_of(frame.view)
    return _once(frame.timeline, ("picture", name), lambda: _inline(name, told_figure(make(), told)))


def _inline(name: str, figure: Figure) -> str:
    text = svg_bytes(figure).decode()
    head = f'<svg role="img" aria-label="{escape(name, quote=True)}"'
    return f'<div class="figure">{head}{text[text.index("<svg") + len("<svg") :]}</div>'
