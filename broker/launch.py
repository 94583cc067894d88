"""Owns the processes of a local run: started by a fork server, watched, and never left behind.

Knows nothing of what the processes do. An interrupt from the keyboard reaches the whole process group; the
processes started here do not see it, since it is the run's owner who ends them.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerProcess
from types import TracebackType
from typing import Any

GRACE_S = 2.0


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started inside never see SIGINT; here it is held back until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def warm_up(preload: Sequence[str]) -> None:
    """Start the fork server with these modules imported, in the background; later starts are then quick."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(preload))
    resource_tracker.ensure_running()  # starting it lifts a block of SIGINT, so it is started before the block
    with deaf_to_interrupts():
        forkserver.ensure_running()


class LocalNodes:
    """The node processes of one run, by VPP. Leaving the block ends them all: asked first, then forced.

    restarts : how often each VPP's process may be started again after it has died
    """

    def __init__(self, restarts: int = 0) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._processes: dict[str, ForkServerProcess] = {}
        self._orders: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        self._restarts = restarts
        self._restarted: Counter[str] = Counter()

    def __enter__(self) -> LocalNodes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, vpp: str, target: Callable[..., None], *arguments: Any) -> None:
        """Start a VPP's process; `target` and its arguments must be importable and picklable."""
        self._orders[vpp] = (target, arguments)
        process = self._context.Process(target=target, args=arguments, name=vpp, daemon=True)
        with deaf_to_interrupts():
            process.start()
            self._processes[vpp] = process

    def restart(self, vpp: str) -> int | None:
        """Start a VPP's process again; the descriptor to watch, or None if it has been started often enough."""
        if self._restarted[vpp] >= self._restarts:
            return None
        self._restarted[vpp] += 1
        target, arguments = self._orders[vpp]
        self.start(vpp, target, *arguments)
        return self._processes[vpp].sentinel

    def process_ids(self) -> dict[str, int]:
        """The process id of each VPP."""
        return {vpp: process.pid or 0 for vpp, process in self._processes.items()}

    def descriptors(self) -> Mapping[int, str]:
        """The VPP of each file descriptor that becomes readable when its process ends."""
        return {process.sentinel: vpp for vpp, process in self._processes.items()}

    def how(self, vpp: str) -> str:
        """How a VPP's process ended."""
        process = self._processes[vpp]
        process.join(timeout=GRACE_S)
        code = process.exitcode
        if code is None:
            return f"(id {process.pid}) is gone"
        if code < 0:
            return f"(id {process.pid}) was killed by signal {-code} ({signal.Signals(-code).name})"
        return f"(id {process.pid}) ended with exit code {code}"

    def stop(self) -> None:
        """End every process: wait for those that are leaving, then terminate, then kill."""
        with deaf_to_interrupts():
            deadline = time.monotonic() + GRACE_S
            for process in self._processes.values():
                process.join(timeout=max(0.0, deadline - time.monotonic()))
            for end in (ForkServerProcess.terminate, ForkServerProcess.kill):
                left = [process for process in self._processes.values() if process.is_alive()]
                for process in left:
                    end(process)
                for process in left:
                    process.join(timeout=GRACE_S)
