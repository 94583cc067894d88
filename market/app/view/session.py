"""The state of one browser tab: source, position, speed, selected period and VPP.

One clock moves it (`advance`); what a person does moves it as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock, RLock
from typing import TypeAlias

from market.app.feeds.feed import Feed, State, Status
from market.app.history.period import PeriodNow, busiest_period, period_now
from market.app.history.snapshot import Snapshot
from market.app.history.timeline import Timeline
from market.app.view.draw.choice import EVERYBODY
from market.app.view.draw.clock import Clock, clock_of
from market.app.view.own_feed import OwnFeed
from market.scenario.scenario import Scenario

SPEEDS = (1, 2, 5, 10, 20, 50, 100)
"""Records of the tape at each beat of the clock."""

Stretch: TypeAlias = tuple[float, float]

PLAYED_IN_BEATS = 600
"""A recorded tape is played in about so many beats, unless another speed is chosen."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What a person has chosen to look at.

    period : counted from 0; None is the busiest
    clock, periods : the stretch of time, or of periods counted from 1, that plots show; None is the whole
    """

    period: int | None = None
    vpp: str = ""
    buyer: str = EVERYBODY
    clock: Stretch | None = None
    periods: Stretch | None = None

    def then(self, what: str) -> Picked:
        """After one more choice, such as `period:3`, counted from 0, `vpp:VPP1`, `buyer:VPP1`, `clock:0.2 0.9`.

        `clock:` and `periods:` without ends show the whole again; what is none of these changes nothing.
        """
        kind, _, name = what.partition(":")
        if kind == "clock":
            return replace(self, clock=_stretch(name))
        if kind == "periods":
            return replace(self, periods=_stretch(name))
        if kind == "period":
            return replace(self, period=int(name)) if name.isdecimal() else self
        if kind == "vpp":
            return replace(self, vpp=name)
        return replace(self, buyer=name) if kind == "buyer" else self

    def in_view(self, view: Snapshot) -> tuple[int, str, str]:
        """The period, the VPP and the buyer that are shown of a market."""
        period = busiest_period(view) if self.period is None else min(self.period, max(0, view.periods - 1))
        vpp = self.vpp if self.vpp in view.vpps else next(iter(view.vpps), "")
        return period, vpp, self.buyer if self.buyer in view.vpps else EVERYBODY

    def window(self, view: Snapshot) -> range:
        """The periods that plots show, counted from 0."""
        if self.periods is None or not view.periods:
            return range(view.periods)
        low, high = (min(view.periods, max(1, round(end))) for end in self.periods)
        return range(low - 1, high)


def _stretch(text: str) -> Stretch | None:
    """Two ends as a browser sends them; None where they are none."""
    try:
        low, high = (float(end) for end in text.split())
    except ValueError:
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None


@dataclass(frozen=True)  # no slots: what is derived is kept once asked for
class Frame:
    """Everything that is shown at one moment. scenario : with the plants, where they are at hand"""

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
    picked: Picked = Picked()
    scenario: Scenario | None = None

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
        return clock_of(self.view, self.begun).zoomed(self.picked.clock)

    @property
    def window(self) -> range:
        """The periods that plots show, counted from 0."""
        return self.picked.window(self.view)


class Session:
    """One tab. All methods may be called from any thread."""

    def __init__(self, feed: Feed) -> None:
        self._lock = RLock()
        self._stepping = Lock()  # a model may have to wait for its processes; nobody else waits with it
        self._feed = feed
        self.shown = 0
        self._speed = 1
        self.look_at(feed)

    @property
    def feed(self) -> Feed:
        """What is looked at."""
        return self._feed

    def look_at(self, feed: Feed, *, playing: bool = False) -> None:
        """Look at another source: one that goes on elsewhere is followed, a recorded one stands at its end.

        playing : whether it plays at once
        """
        with self._lock:
            if feed is not self._feed:
                self.close()
            self._feed = feed
            self._position = len(feed.timeline)
            self._playing = playing
            self._following = not isinstance(feed, OwnFeed) and feed.status().state is not State.ENDED
            self._picked = Picked()
            self._seen: tuple[object, ...] = ()
            whole = 2 if isinstance(feed, OwnFeed) else len(feed.timeline) / PLAYED_IN_BEATS
            self._speed = min(SPEEDS, key=lambda speed: abs(speed - whole))

    # --- the clock ---

    def advance(self) -> bool:
        """One beat. Returns whether there is anything new to show."""
        with self._lock:
            feed, playing = self._feed, self._playing
            target = self._position + self._speed
        if playing and isinstance(feed, OwnFeed):
            self._step(feed, target)
        with self._lock:
            if feed is self._feed and playing and self._playing:
                self._position = min(len(feed.timeline), target)
                self._playing = self._position < len(feed.timeline) or _goes_on(feed)
            feed = self._feed
            if self._following:
                self._position = len(feed.timeline)
            status = feed.status()
            seen = (feed, self._position, len(feed.timeline), self._playing, status)
            new, self._seen = seen != self._seen, seen
            return new

    def _step(self, feed: OwnFeed, target: int) -> None:
        """Step a model until it has so many records, or is over."""
        with self._stepping:
            while feed.goes_on and len(feed.timeline) < target:
                feed.step()

    # --- what a person does ---

    def close(self) -> None:
        """Nobody looks any more: the processes of a model of this tab's end."""
        if isinstance(self._feed, OwnFeed):
            self._feed.release()

    def from_the_start(self) -> None:
        """Play from the first record on."""
        with self._lock:
            self._position, self._playing, self._following = 0, True, False

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
            feed, position = self._feed, self._position
        if isinstance(feed, OwnFeed) and position >= len(feed.timeline):
            self._step(feed, len(feed.timeline) + 1)
            position = len(feed.timeline)
        else:
            position += 1
        with self._lock:
            if feed is self._feed:
                self._position = min(len(feed.timeline), position)

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
        """Choose what was pressed, as `Picked.then`."""
        with self._lock:
            self._picked = self._picked.then(what)

    # --- what is shown ---

    def frame(self) -> Frame:
        """This moment."""
        with self._lock:
            timeline = self._feed.timeline
            view = timeline.at(self._position)
            period, vpp, buyer = self._picked.in_view(view)
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
                picked=self._picked,
                scenario=self._feed.scenario,
            )


def _goes_on(feed: Feed) -> bool:
    """Whether more may come of a source than it has now."""
    return feed.status().state in (State.SEARCHING, State.GOING_ON)
