"""Solves many scenarios at once on the cores of this machine.

An interrupt ends it without leaving a process behind: workers do not see it, and what has not begun is dropped.
Where the whole program is killed, they end by themselves.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

from market.app.runs.system import on_linux
from market.errors import RunError

WORKERS_MOST = 8
_PRELOAD = ("market.app.runs.in_process",)
_IN_HAND = 3  # calls of each process that have begun or come next
_PATIENCE_S = 0.2  # an interrupt is noticed at least this often

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def workers() -> int:
    """How many processes are worth starting here."""
    return max(1, min(WORKERS_MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1))


def solve_many(
    function: Callable[[_In], _Out],
    items: Sequence[_In],
    on_done: Callable[[int], None],
    processes: int | None = None,
    preload: Sequence[str] = _PRELOAD,
) -> list[_Out]:
    """`function` of every item, in their order; `on_done` is told how many are ready, in this thread.

    Arguments and errors as for `solve_as_ready`.
    """
    found: dict[int, _Out] = {}

    def on_result(place: int, result: _Out) -> None:
        found[place] = result
        on_done(len(found))

    solve_as_ready(function, items, on_result, processes, preload)
    return [found[place] for place in range(len(items))]


def solve_as_ready(
    function: Callable[[_In], _Out],
    items: Sequence[_In],
    on_result: Callable[[int, _Out], None],
    processes: int | None = None,
    preload: Sequence[str] = _PRELOAD,
) -> None:
    """`function` of every item; `on_result` gets each as it is ready, with its item's place, in this thread.

    `function` must be importable and it, the items and the results picklable. With one process, or one item, and
    on any system but Linux, all is done here. What a call raises is raised here, after the running ones have
    ended and been told of, and so is an interrupt. RunError if a process dies.

    preload : the modules in which `function` and what it needs are
    """
    count = min(processes or workers(), len(items))
    if count <= 1 or not on_linux():
        for place, item in enumerate(items):
            on_result(place, function(item))
        return
    _side_by_side(function, items, on_result, count, preload)


def _side_by_side(
    function: Callable[[_In], _Out],
    items: Sequence[_In],
    on_result: Callable[[int, _Out], None],
    count: int,
    preload: Sequence[str],
) -> None:
    from broker.process.forked import plain_context
    from broker.process.launch import STOPS, deaf_to_interrupts, warm_up

    warm_up(preload)
    pool = ProcessPoolExecutor(count, mp_context=plain_context(), initializer=_as_worker, initargs=(STOPS,))
    places: dict[Future[_Out], int] = {}
    to_come = enumerate(items)

    def submit_more() -> None:
        """No further ahead than keeps every process busy: who interrupts does not wait for all the others."""
        with deaf_to_interrupts():
            for place, item in islice(to_come, count * _IN_HAND - len(places)):
                places[pool.submit(function, item)] = place

    try:
        submit_more()
        while places:
            _tell_ready(places, on_result)
            submit_more()
    except BrokenProcessPool:
        raise RunError("a process that was solving died; the system may have run out of memory") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for future in [one for one in places if one.done() and not one.cancelled() and not one.exception()]:
            on_result(places.pop(future), future.result())


def _tell_ready(places: dict[Future[_Out], int], on_result: Callable[[int, _Out], None]) -> None:
    """Tell of what is ready after a while, and strike it off; raises what the first call to fail raised."""
    done, _ = wait(places, timeout=_PATIENCE_S, return_when=FIRST_COMPLETED)
    for future in done:
        result = future.result()
        on_result(places.pop(future), result)


def _as_worker(stops: Iterable[signal.Signals]) -> None:
    """A worker leaves interrupts to the program that started it, and does not outlive it."""
    for stop in stops:
        signal.signal(stop, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
