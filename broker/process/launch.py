"""The processes of a local run: started by a fork server, watched, and never left behind.

An interrupt from the keyboard reaches the whole process group; the processes started here do not see it, since it
is the run's owner who ends them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from broker.bus.descriptors import ask_for_descriptors
from broker.process.forked import plain_context
from broker.process.last_words import heard_last
from market.errors import RunError
from market.system_fault import reason_and_remedy

GRACE_S = 2.0
STOPS = frozenset({signal.SIGINT, signal.SIGTERM})
"""What asks this program to end: from the keyboard, or from whoever manages the machine."""

_LOST = 255
"""What a process is said to have ended with whose fork server is gone; no node ends with it by itself."""

_AGAIN_AFTER_S = (0.02, 0.1, 0.3)
"""How long after the fork server has failed to start a process it is tried again, each time."""

_MOMENT_S = 0.3
_SCRATCH_CHARACTERS = 107 - len("/pymp-12345678/listener-12345678")
"""How long the path of a folder may be in which the fork server can listen: a limit of the system's."""


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Whatever asks this program to end is held back until the end of the block, and raised there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def warm_up(preload: Sequence[str]) -> None:
    """Start the fork server with these modules imported, in the background; later starts are then quick.

    It never sees SIGINT, nor do the processes that come from it; of SIGTERM they end. RunError if it cannot start.
    """
    if multiprocessing.current_process().daemon:
        raise RunError(
            "a daemonic process may not start others; start it from a concurrent.futures.ProcessPoolExecutor, "
            "or run without processes"
        )
    ask_for_descriptors()
    _find_scratch()
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(preload))
    with _start_explained(), _safe_path():
        resource_tracker.ensure_running()  # starting it lifts a block of SIGINT, so it is started before the block
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def safe_path() -> dict[str, str]:
    """The environment in which a new interpreter finds our modules, and none in the folder it is started in."""
    ours = str(Path(__file__).parents[2])
    path = [ours, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path)}


@contextmanager
def _safe_path() -> Iterator[None]:
    """What is started meanwhile is started so."""
    before = {name: os.environ.get(name) for name in safe_path()}
    os.environ.update(safe_path())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _find_scratch() -> None:
    """See to it that the folder for temporary files is one in which the fork server can listen."""
    try:
        found = tempfile.gettempdir()
    except OSError:
        raise RunError("there is no folder for temporary files; set TMPDIR to one that can be written") from None
    if len(os.fsencode(found)) <= _SCRATCH_CHARACTERS:
        return
    for other in (os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp", "/dev/shm"):
        if other and len(other) <= _SCRATCH_CHARACTERS and os.path.isdir(other) and os.access(other, os.W_OK):
            tempfile.tempdir = other
            return
    raise RunError(f"the path of the folder for temporary files is too long; set TMPDIR to a shorter one: {found}")


@contextmanager
def _start_explained() -> Iterator[None]:
    """RunError where the system does not let a process start."""
    try:
        yield
    except (EOFError, ConnectionError):
        raise RunError("no process can be started: the fork server that starts them was killed") from None
    except OSError as error:
        raise RunError(f"no process can be started: {reason_and_remedy(error)}") from None


class LocalNodes:
    """The node processes of one run, by VPP. Leaving the block ends them all: asked first, then forced.

    restarts : how often each VPP's process may be started again after it has died
    last_words : a pipe by which they can tell why they cannot go on
    """

    def __init__(self, restarts: int = 0) -> None:
        self._context = plain_context()
        self._processes: dict[str, ForkServerProcess] = {}
        self._orders: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        self._restarts = restarts
        self._heard, self.last_words = self._context.Pipe(duplex=False)
        self._restarted: Counter[str] = Counter()

    def __enter__(self) -> LocalNodes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._heard.close()
        self.last_words.close()

    def start(self, vpp: str, target: Callable[..., None], *arguments: Any) -> None:
        """Start a VPP's process; `target` and its arguments must be importable and picklable."""
        self._orders[vpp] = (target, arguments)
        with deaf_to_interrupts(), _start_explained():
            self._processes[vpp] = self._started(vpp)

    def _started(self, vpp: str) -> ForkServerProcess:
        """A new process of a VPP. A fork server that dies meanwhile is replaced once it is known to be dead."""
        target, arguments = self._orders[vpp]
        for pause_s in (*_AGAIN_AFTER_S, None):
            process = self._context.Process(target=target, args=arguments, name=vpp, daemon=True)
            try:
                process.start()
                break
            except (EOFError, ConnectionError):
                if pause_s is None:
                    raise
            time.sleep(pause_s)
        return process

    def restart(self, vpp: str) -> int | None:
        """Start a VPP's process again; the descriptor to watch, or None if it has been started often enough."""
        if self._restarted[vpp] >= self._restarts:
            return None
        self._restarted[vpp] += 1
        target, arguments = self._orders[vpp]
        self.start(vpp, target, *arguments)
        return self._processes[vpp].sentinel

    def reasons(self) -> tuple[str, ...]:
        """Why processes of ours could not go on, each reason once."""
        return tuple(dict.fromkeys(heard_last(self._heard)))

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
        if code in (_LOST, -signal.SIGTERM):
            time.sleep(_MOMENT_S)  # whoever ends a whole group of processes ends us in this moment as well
        if code == _LOST:
            _end_orphan(process.pid)
            return f"(id {process.pid}) is lost: the fork server that starts node processes was killed"
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
            for process in self._processes.values():
                if process.exitcode == _LOST:
                    _end_orphan(process.pid)
            for end in (ForkServerProcess.terminate, ForkServerProcess.kill):
                left = [process for process in self._processes.values() if process.is_alive()]
                for process in left:
                    end(process)
                for process in left:
                    process.join(timeout=GRACE_S)


def _end_orphan(pid: int | None) -> None:
    """End a process of ours of whose end nobody would hear any more; another one with its number is left alone."""
    with suppress(OSError):
        if pid and os.getsid(pid) == os.getsid(0):
            os.kill(pid, signal.SIGKILL)
