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
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from broker.bus.descriptors import ask_for_descriptors
from broker.process.forked import plain_context
from broker.process.interrupts import STOPS
from broker.process.last_words import heard_endings, heard_last
from market.errors import RunError
from market.system_fault import reason_and_remedy

Order: TypeAlias = tuple[Callable[..., None], tuple[Any, ...]]
"""What a process does, and with what."""

GRACE_S = 2.0
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


@dataclass(slots=True)
class _Host:
    """A process of ours for some VPPs: the pipe on which it tells of a node that ends, and who is still there."""

    process: ForkServerProcess
    endings: Connection
    vpps: tuple[str, ...]
    there: list[str]


class LocalNodes:
    """The node processes of one run. Leaving the block ends them all: asked first, then forced.

    order : what a process does, and the arguments that come first, for the nodes of some VPPs; it is also given a
    pipe on which it tells of a node that ends while others go on, as `say_ended` does
    restarts : how often each VPP's node may be started again after it has died
    """

    def __init__(self, order: Callable[[Sequence[str]], Order], restarts: int = 0) -> None:
        self._context = plain_context()
        self._order = order
        self._hosts: list[_Host] = []
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
        for host in self._hosts:
            host.endings.close()

    def start(self, vpps: Sequence[str]) -> None:
        """Start one process for the nodes of these VPPs; what it does must be importable and picklable."""
        with deaf_to_interrupts(), _start_explained():
            heard, told = self._context.Pipe(duplex=False)
            try:
                self._hosts.append(_Host(self._started(vpps, told), heard, tuple(vpps), [*vpps]))
            finally:
                told.close()

    def _started(self, vpps: Sequence[str], endings: Connection) -> ForkServerProcess:
        """A new process. A fork server that dies meanwhile is replaced once it is known to be dead."""
        target, arguments = self._order(vpps)
        for pause_s in (*_AGAIN_AFTER_S, None):
            process = self._context.Process(
                target=target, args=(*arguments, self.last_words, endings), name=vpps[0], daemon=True
            )
            try:
                process.start()
                break
            except (EOFError, ConnectionError):
                if pause_s is None:
                    raise
            time.sleep(pause_s)
        return process

    def restart(self, vpps: Sequence[str]) -> Set[str]:
        """Start the nodes of these VPPs again in one process; which of them had not been started often enough."""
        again = [vpp for vpp in vpps if self._restarted[vpp] < self._restarts]
        self._restarted.update(again)
        if again:
            self.start(again)
        return frozenset(again)

    def reasons(self) -> tuple[str, ...]:
        """Why processes of ours could not go on, each reason once."""
        return tuple(dict.fromkeys(heard_last(self._heard)))

    def process_ids(self) -> dict[str, int]:
        """The process id of each VPP's newest node."""
        return {vpp: host.process.pid or 0 for host in self._hosts for vpp in host.vpps}

    def descriptors(self) -> Set[int]:
        """File descriptors that become readable when a process of several nodes tells of one, or when it ends."""
        there = [host for host in self._hosts if host.there]
        telling = [host.endings.fileno() for host in there if len(host.there) > 1]
        return frozenset([*(host.process.sentinel for host in there), *telling])

    def ended(self, descriptor: int) -> Mapping[str, str]:
        """Whose nodes have ended, now that a descriptor is readable, and how."""
        host = next(h for h in self._hosts if descriptor in (h.process.sentinel, h.endings.fileno()))
        told = {vpp: code for vpp, code in heard_endings(host.endings) if vpp in host.there}
        ended = {vpp: f"(id {host.process.pid}) has ended {vpp}'s part with exit code {told[vpp]}" for vpp in told}
        if descriptor == host.process.sentinel or not told:  # a pipe without a word has lost its other end
            how = self._how(host.process)
            ended |= {vpp: how for vpp in host.there if vpp not in told}
        host.there = [vpp for vpp in host.there if vpp not in ended]
        return ended

    def _how(self, process: ForkServerProcess) -> str:
        """How a process ended."""
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
            processes = [host.process for host in self._hosts]
            for process in processes:
                process.join(timeout=max(0.0, deadline - time.monotonic()))
            for process in processes:
                if process.exitcode == _LOST:
                    _end_orphan(process.pid)
            for end in (ForkServerProcess.terminate, ForkServerProcess.kill):
                left = [process for process in processes if process.is_alive()]
                for process in left:
                    end(process)
                for process in left:
                    process.join(timeout=GRACE_S)


def _end_orphan(pid: int | None) -> None:
    """End a process of ours of whose end nobody would hear any more; another one with its number is left alone."""
    with suppress(OSError):
        if pid and os.getsid(pid) == os.getsid(0):
            os.kill(pid, signal.SIGKILL)
