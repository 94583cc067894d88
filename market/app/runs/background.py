"""A day over processes that goes on by itself, in a thread of this process, while others read its tape.

No process is left behind: when it is let go of, when this program ends, or when whatever holds it is forgotten.
"""

from __future__ import annotations

import atexit
import gc
import shutil
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from weakref import WeakSet

from broker.tape import TAPE_NAME, Record, TapeReader
from broker.tape.files import open_tape
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import RunProgress
from market.app.runs.detached import DetachedThread
from market.app.runs.keyring import Keyring
from market.app.runs.ways import ProcessOptions, as_processes
from market.errors import RunError
from market.model.disclosure import Disclosure
from market.scenario.scenario import Scenario
from market.system_fault import as_run_error

LOOK_EVERY_S = 0.01
COLLECT_EVERY_S = 2.0
COLLECTING_SHARE = 0.05
"""Who drops a model expects its processes to end. Models are cyclic garbage, which nobody looks for at any certain
time; while processes run it is looked for this often, and for at most this share of the time."""


class BackgroundMarket:
    """One market day with a process for each plant. Each `more` waits until something has been said.

    RunError if no process can be started.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        audit = scenario.audit or Disclosure.FULL
        self._what = RunSpec(scenario, seed, False, datetime.now().astimezone(), audit)
        self._reader = TapeReader(scenario.name)
        self._tape: BinaryIO | None = None
        self._error: Exception | None = None
        self._unwanted, self._ended = threading.Event(), threading.Event()
        self._collector = _Collector()
        self._run = as_processes(self._what, ProcessOptions(lambda notice: None, self._opened))
        self._scratch = Path(tempfile.mkdtemp(prefix="vppmarket-"))
        _UNDER_WAY.add(self)
        self._thread = DetachedThread(self._serve)

    # --- the thread that runs the day ---

    def _serve(self) -> None:
        what = self._what
        try:
            with as_run_error():
                self._run(what.scenario, what.seed, self._scratch, self._progress)
        except _Unwanted:
            self._error = RunError("the market was let go of before its end")
        except Exception as error:  # raised again where somebody waits for more
            self._error = error
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._ended.set()
            if self._unwanted.is_set():
                self._close_tape()

    def _opened(self, address: str, keys: Keyring) -> None:
        """The tape is there; who holds it open reads it to its end, though its folder goes with the run."""
        self._tape = open_tape(self._scratch / TAPE_NAME)

    def _progress(self, progress: RunProgress) -> None:
        if self._unwanted.is_set():
            raise _Unwanted
        self._collector.look()

    # --- who reads ---

    def more(self) -> list[Record]:
        """The records that come next, after waiting for one; none once the day is over.

        DispatchError if a plant's day cannot be planned, RunError if the run breaks.
        """
        while True:
            ended = self._ended.is_set()  # looked at first: what was written before it is then read
            tape = self._tape
            records = list(self._reader.feed(tape.read())) if tape else []
            if records:
                return records
            if ended:
                self._close_tape()
                if self._error is not None:
                    raise self._error
                return []
            self._ended.wait(LOOK_EVERY_S)

    def release(self) -> None:
        """Let the market break off, soon, if it is not over; returns at once."""
        self._unwanted.set()
        if self._ended.is_set():
            self._close_tape()

    def close(self) -> None:
        """Let the market break off, and wait until none of its processes is left."""
        self.release()
        self._thread.join()

    def _close_tape(self) -> None:
        tape, self._tape = self._tape, None
        if tape is not None:
            tape.close()


class _Unwanted(Exception):
    """Nobody wants the market any more."""


class _Collector:
    """Looks for cyclic garbage now and then, so that a model that was dropped lets go of its market."""

    def __init__(self) -> None:
        self._due_at = time.monotonic() + COLLECT_EVERY_S

    def look(self) -> None:
        """Do so if it is time."""
        now = time.monotonic()
        if now >= self._due_at:
            gc.collect()
            took_s = time.monotonic() - now
            self._due_at = now + max(COLLECT_EVERY_S, took_s / COLLECTING_SHARE)


_UNDER_WAY: WeakSet[BackgroundMarket] = WeakSet()


@atexit.register
def _end_all() -> None:
    for market in list(_UNDER_WAY):
        market.release()
    for market in list(_UNDER_WAY):
        market.close()
