"""Solves many scenarios at once on the cores of this machine.

An interrupt ends it without leaving a process behind: workers do not see it, and what has not begun is dropped.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import TypeVar

from market.app.runs.system import on_linux

WORKERS_MOST = 8
_PRELOAD = ("market.app.runs.in_process",)
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

    `function` must be importable and it, the items and the results picklable. With one process, or one item, and
    on any system but Linux, all is done here. What a call raises is raised here, after the running ones have
    ended.

    preload : the modules in which `function` and what it needs are
    """
    count = min(processes or workers(), len(items))
    if count <= 1 or not on_linux():
        return _one_by_one(function, items, on_done)
    return _side_by_side(function, items, on_done, count, preload)


def _side_by_side(
    function: Callable[[_In], _Out],
    items: Sequence[_In],
    on_done: Callable[[int], None],
    count: int,
    preload: Sequence[str],
) -> list[_Out]:
    from broker.process.forked import plain_context
    from broker.process.launch import STOPS, deaf_to_interrupts, warm_up

    warm_up(preload)
    pool = ProcessPoolExecutor(count, mp_context=plain_context(), initializer=_ignore, initargs=(STOPS,))
    try:
        with deaf_to_interrupts():
            futures = [pool.submit(function, item) for item in items]
        _watch(futures, on_done)
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_by_one(
    function: Callable[[_In], _Out], items: Sequence[_In], on_done: Callable[[int], None]
) -> list[_Out]:
    results = []
    for item in items:
        results.append(function(item))
        on_done(len(results))
    return results


def _watch(futures: Sequence[Future[_Out]], on_done: Callable[[int], None]) -> None:
    """Wait for all; raises what the first one to fail raised."""
    left = set(futures)
    while left:
        done, left = wait(left, timeout=_PATIENCE_S, return_when=FIRST_COMPLETED)
        if done:
            on_done(len(futures) - len(left))
        for future in done:
            future.result()


def _ignore(stops: Iterable[signal.Signals]) -> None:
    for stop in stops:
        signal.signal(stop, signal.SIG_IGN)
