"""The state of one browser tab: source, position, speed, selected period and VPP.

One clock moves it (`advance`); what a person does moves it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import RLock

from market.app.history.period import PeriodNow, busiest_period, period_now
from market.app.history.snapshot import Snapshot
from market.app.history.timeline import Timeline
from market.app.view.draw.choice import EVERYBODY
from market.app.view.draw.clock import Clock, clock_of
from market.app.view.feeds.feed import Feed, State, Status
from market.app.view.feeds.own import OwnFeed

SPEEDS = (1, 2, 5, 10, 20, 50, 100)
"""Records of the tape at each beat of the clock."""

PLAYED_IN_BEATS = 600
"""A recorded tape is played in about so many beats, unless another speed is chosen."""


@dataclass(frozen=True)  # no slots: what is derived is kept once asked for
class Frame:
    """Everything that is shown at one moment."""

    timeline: Timeline
    view: Snapshot
    status: Status
    length: int
    playing: bool
    following: bool
    speed: int
    period: int
    vpp: str
    buyer: str

    @cached_property
    def nows(self) -> tuple[PeriodNow, ...]:
        """Every period as it stands."""
        found = (period_now(self.view, period) for period in range(len(self.view.games)))
        return tuple(now for now in found if now is not None)

    @property
    def now(self) -> PeriodNow | None:
        """The chosen period, once everybody has declared."""
        return self.nows[self.period] if self.period < len(self.nows) else None

    @property
    def time_s(self) -> float:
        """The time of this moment; in a market that goes on in real time it passes between records as well."""
        passes = self.view.live and self.following and self.status.state is State.GOING_ON
        return max(self.view.time_s, self.status.live.time_s) if passes else self.view.time_s

    @property
    def begun(self) -> int:
        """The position at which the epoch of this moment began."""
        return max(start for start in self.timeline.event_log.epochs if start <= self.view.position)

    @property
    def clock(self) -> Clock:
        """The axis of pictures of convergence."""
        return clock_of(self.view, self.begun)


class Session:
    """One tab. All methods may be called from any thread."""

    def __init__(self, feed: Feed) -> None:
        self._lock = RLock()
        self.shown = 0
        self._speed = 1
        self.look_at(feed)

    @property
    def feed(self) -> Feed:
        """What is looked at."""
        return self._feed

    def look_at(self, feed: Feed) -> None:
        """Look at another source: one that goes on elsewhere is followed, a recorded one stands at its end."""
        with self._lock:
            self._feed = feed
            self._position = len(feed.timeline)
            self._playing = False
            self._following = not isinstance(feed, OwnFeed) and feed.status().state is not State.ENDED
            self._period: int | None = None
            self._vpp = ""
            self._buyer = EVERYBODY
            self._seen: tuple[object, ...] = ()
            whole = 2 if isinstance(feed, OwnFeed) else len(feed.timeline) / PLAYED_IN_BEATS
            self._speed = min(SPEEDS, key=lambda speed: abs(speed - whole))

    # --- the clock ---

    def advance(self) -> bool:
        """One beat. Returns whether there is anything new to show."""
        with self._lock:
            feed = self._feed
            if self._playing:
                self._play(feed)
            if self._following:
                self._position = len(feed.timeline)
            status = feed.status()
            seen = (feed, self._position, len(feed.timeline), self._playing, status)
            new, self._seen = seen != self._seen, seen
            return new

    def _play(self, feed: Feed) -> None:
        """So many records further; a model is stepped as far as that takes."""
        target = self._position + self._speed
        if isinstance(feed, OwnFeed):
            while feed.goes_on and len(feed.timeline) < target:
                feed.step()
        self._position = min(len(feed.timeline), target)
        self._playing = self._position < len(feed.timeline) or (isinstance(feed, OwnFeed) and feed.goes_on)

    # --- what a person does ---

    def play(self) -> None:
        """Start to play, from the beginning if the end has been reached; or pause."""
        with self._lock:
            self._playing, self._following = not self._playing, False
            own = isinstance(self._feed, OwnFeed) and self._feed.goes_on
            if self._playing and self._position >= len(self._feed.timeline) and not own:
                self._position = 0

    def step(self) -> None:
        """One record further, or one step of a model whose end is in sight."""
        with self._lock:
            self._playing = self._following = False
            if isinstance(self._feed, OwnFeed) and self._position >= len(self._feed.timeline):
                self._feed.step()
                self._position = len(self._feed.timeline)
            else:
                self._position = min(len(self._feed.timeline), self._position + 1)

    def go_to(self, position: int) -> None:
        """Look at an earlier moment."""
        with self._lock:
            self._playing = self._following = False
            self._position = max(0, min(position, len(self._feed.timeline)))

    def follow(self) -> None:
        """Look at the newest moment, and go on doing so while the source goes on."""
        with self._lock:
            self._playing, self._following = False, not isinstance(self._feed, OwnFeed)
            self._position = len(self._feed.timeline)

    def set_speed(self, speed: int) -> None:
        """Play at another speed."""
        self._speed = speed

    def pick(self, what: str) -> None:
        """Choose what was clicked: `period:3`, counted from 0, or `vpp:VPP1`."""
        kind, _, name = what.partition(":")
        with self._lock:
            if kind == "period" and name.isdigit():
                self._period = int(name)
            elif kind == "vpp":
                self._vpp = name

    def choose_buyer(self, buyer: str) -> None:
        """Whose probabilities are shown."""
        self._buyer = buyer

    # --- what is shown ---

    def frame(self) -> Frame:
        """This moment."""
        with self._lock:
            timeline = self._feed.timeline
            view = timeline.at(self._position)
            period = busiest_period(view) if self._period is None else min(self._period, max(0, view.periods - 1))
            vpp = self._vpp if self._vpp in view.vpps else next(iter(view.vpps), "")
            buyer = self._buyer if self._buyer in view.vpps else EVERYBODY
            return Frame(
                timeline=timeline,
                view=view,
                status=self._feed.status(),
                length=len(timeline),
                playing=self._playing,
                following=self._following,
                speed=self._speed,
                period=period,
                vpp=vpp,
                buyer=buyer,
            )
