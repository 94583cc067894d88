"""Looks on at a market that runs elsewhere: its broker is asked for the tape, a few times a second.

Read only. It joins late and catches up; a broker that is gone is asked again until it answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from broker.bus.keys import WATCHER
from broker.bus.viewer_end import ViewerEnd
from broker.tape import Ended, Record, TapeReader
from broker.wire.frames import Envelope, decode, encode
from broker.wire.messages import Refused, Watch, Watched
from market.app.feeds.feed import LiveStatus, State, Status
from market.app.feeds.whereabouts import Whereabouts
from market.app.runs.detached import DetachedThread
from market.errors import MarketError, WireError

ASK_EVERY_S = 1 / 15
ASK_AGAIN_S = 0.5
PATIENCE_S = 2.0


class Watcher:
    """The market at an address. A thread of its own hands each piece of the tape to `on_records` as it comes.

    on_status : gets what a terminal should show: each state in words, once
    """

    def __init__(
        self,
        where: Whereabouts,
        on_records: Callable[[list[Record]], None],
        on_status: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._address, self._token, self._keys = where.address, where.token, where.keys
        self._on_records = on_records
        self._on_status = on_status
        self._reader = TapeReader(where.address)
        self._complete = False
        self._live = LiveStatus()
        self._since = time.monotonic()
        self._answered_at: float | None = None
        self._listens = self._refused = False
        self._over = False
        self._fault = ""
        self._refusal = ""
        self._last_shown = ""
        self._closed = threading.Event()
        self._thread = DetachedThread(self._look_on)

    def close(self) -> None:
        """Stop looking on, and wait until that is so."""
        self.release()
        self._thread.join(2 * PATIENCE_S)

    def release(self) -> None:
        """Stop looking on, soon; returns at once."""
        self._closed.set()

    # --- the thread that asks ---

    def _look_on(self) -> None:
        try:
            with ViewerEnd(self._address, self._keys) as end:
                while not self._closed.is_set() and not self._over:
                    self._ask(end)
                    self._tell()
        except MarketError as error:
            self._fault, self._over = str(error), True
            self._tell()

    def _tell(self) -> None:
        """Report what is new about how the source is."""
        status = self.status()
        line = f"{self._address}: {status.words}" + (f": {status.fault}" if status.fault else "")
        if line != self._last_shown and not self._closed.is_set():
            self._last_shown = line
            self._on_status(line)

    def _ask(self, end: ViewerEnd) -> None:
        """One request, and what comes of it; the next one is due when this returns."""
        watch = Envelope(1, WATCHER, 0, Watch(self._reader.received))
        end.ask(encode(watch, self._token))
        asked_at = time.monotonic()
        while not (frames := end.wait(0.1)) and time.monotonic() - asked_at < ASK_AGAIN_S:
            if self._closed.is_set():
                return
        self._listens, self._refused = end.connected, end.refused
        behind = [self._take(frame) for frame in frames]
        if not any(behind) and not self._over:
            pause_s = ASK_AGAIN_S if self._refusal else ASK_EVERY_S
            self._closed.wait(max(0.0, pause_s - (time.monotonic() - asked_at)))

    def _take(self, frame: bytes) -> bool:
        """Take in an answer; returns whether there is more to ask for at once."""
        try:
            shown = decode(frame, self._token).message
        except WireError:
            return False
        if isinstance(shown, Refused):
            self._refusal = shown.reason
            return False
        if not isinstance(shown, Watched):
            return False
        self._answered_at, self._refusal = time.monotonic(), ""
        counts = {entry.name: entry.count for entry in shown.counts}
        self._live = LiveStatus(shown.time_s, shown.waiting_for, shown.waiting_s, counts)
        if shown.from_byte == self._reader.received:
            self._hand_on(list(self._reader.feed(shown.piece)))
        self._fault = shown.fault
        self._over = shown.over and self._reader.received >= shown.size
        return self._reader.received < shown.size

    def _hand_on(self, records: list[Record]) -> None:
        if records:
            self._on_records(records)
            self._complete = isinstance(records[-1], Ended)

    # --- how it is ---

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._over or self._complete

    def status(self) -> Status:
        """Searching, going on, ended, or broken; a fault says what to do."""
        if self._complete:
            return Status(State.ENDED, "ended", live=LiveStatus(counts=self._live.counts))
        if self._over:
            return Status(State.BROKEN, "broken off", self._fault or "the run ended before it was complete")
        if self._refusal and self._listens:
            return Status(State.SEARCHING, "refused", f"the broker refuses: {self._refusal}")
        silent_s = time.monotonic() - (self._since if self._answered_at is None else self._answered_at)
        if silent_s <= PATIENCE_S:
            found = self._answered_at is not None
            return Status(State.GOING_ON if found else State.SEARCHING, "live" if found else "searching",
                          live=self._live)  # fmt: skip
        if self._answered_at is None and self._refused and not self._listens:
            why = f"{self._address} turns this viewer away: does the run use keys, and are these --keys its own?"
            return Status(State.SEARCHING, "no answer", why)
        if self._answered_at is None:
            why = (
                f"{self._address} listens but does not answer: is it a broker, and is the token this run's?"
                if self._listens
                else f"nobody listens at {self._address}: is the address right, and does the run go on?"
            )
            return Status(State.SEARCHING, "no answer", why)
        if self._listens:
            return Status(State.GOING_ON, "live", "the broker is busy and has not answered for some seconds",
                          live=self._live)  # fmt: skip
        return Status(State.BROKEN, "gone", f"the broker at {self._address} is gone; what it told last is shown")
