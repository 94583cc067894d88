"""Solves many scenarios at once on the cores of this machine.

An interrupt ends it without leaving a process behind: workers do not see it, what has begun is waited for, and the
rest is dropped. Whoever interrupts once more waits for nothing. Where the whole program is killed, workers end by
themselves.
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

from broker.process.interrupts import STOPS
from market.app.runs.system import on_linux
from market.errors import RunError

WORKERS_MOST = 8
_PRELOAD = ("market.app.runs.in_process",)
_SPARE = 1  # call in hand besides one for each process, so that none is idle long
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
    on_wait: Callable[[int], None] = lambda last: None,
) -> None:
    """`function` of every item; `on_result` gets each as it is ready, with its item's place, in this thread.

    `function` must be importable and it, the items and the results picklable. With one process, or one item, and
    on any system but Linux, all is done here. What a call raises is raised here, after the running ones have
    ended and been told of, and so is an interrupt. RunError if a process dies.

    preload : the modules in which `function` and what it needs are
    on_wait : told again and again, while others work, how many are the last that are waited for; 0 until then
    """
    count = min(processes or workers(), len(items))
    if count <= 1 or not on_linux():
        for place, item in enumerate(items):
            on_result(place, function(item))
        return
    _side_by_side(function, items, on_result, count, preload, on_wait)


def _side_by_side(
    function: Callable[[_In], _Out],
    items: Sequence[_In],
    on_result: Callable[[int, _Out], None],
    count: int,
    preload: Sequence[str],
    on_wait: Callable[[int], None],
) -> None:
    from broker.process.forked import plain_context
    from broker.process.launch import deaf_to_interrupts, warm_up

    warm_up(preload)
    pool = ProcessPoolExecutor(count, mp_context=plain_context(), initializer=_as_worker, initargs=(STOPS,))
    places: dict[Future[_Out], int] = {}
    to_come = enumerate(items)

    def submit_more() -> None:
        """No further ahead than keeps every process busy: who interrupts does not wait for all the others."""
        with deaf_to_interrupts():
            for place, item in islice(to_come, count + _SPARE - len(places)):
                places[pool.submit(function, item)] = place

    try:
        submit_more()
        while places:
            _tell_ready(places, on_result)
            submit_more()
            on_wait(0)
    except BrokenProcessPool:
        raise RunError("a process that was solving died; the system may have run out of memory") from None
    finally:
        _end(pool, places, on_result, on_wait)


def _tell_ready(places: dict[Future[_Out], int], on_result: Callable[[int, _Out], None]) -> None:
    """Tell of what is ready after a while, and strike it off; raises what the first call to fail raised."""
    done, _ = wait(places, timeout=_PATIENCE_S, return_when=FIRST_COMPLETED)
    for future in done:
        result = future.result()
        on_result(places.pop(future), result)


def _end(
    pool: ProcessPoolExecutor,
    places: dict[Future[_Out], int],
    on_result: Callable[[int, _Out], None],
    on_wait: Callable[[int], None],
) -> None:
    """Drop what has not begun, wait for what has, and tell of it; an interrupt meanwhile ends the workers."""
    try:
        pool.shutdown(wait=False, cancel_futures=True)
        while running := [one for one in places if not one.done()]:
            on_wait(len(running))
            wait(running, timeout=_PATIENCE_S)
        pool.shutdown(wait=True)
    except BaseException:
        for process in [*(pool._processes or {}).values()]:  # the library has a name for it from Python 3.14 on
            process.kill()
        raise
    for future in [one for one in places if not one.cancelled() and not one.exception()]:
        on_result(places.pop(future), future.result())


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
