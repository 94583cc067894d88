"""Starts processes from the fork server without importing the main module of the program that asks for them.

The standard library has each new process import that module, in case what it is to do is defined there. A script
would then have to guard its body against that, and a program that was piped in, or typed into a notebook, is
nowhere to be imported from. What our processes do stands in modules of ours, so their main module is left alone.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, spawn
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from typing import Any

_MAIN = {"init_main_from_name", "init_main_from_path"}
_ONE_AT_A_TIME = threading.RLock()


class PlainProcess(ForkServerProcess):
    """A process from the fork server in which the main module of its parent is not run again."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        with _without_main_module():
            return ForkServerProcess._Popen(process_obj)


class PlainContext(ForkServerContext):
    """As `multiprocessing.get_context("forkserver")`, for processes as above."""

    Process = PlainProcess


@contextmanager
def _without_main_module() -> Iterator[None]:
    """What a process that this thread starts is told of its parent leaves out the main module."""
    here = threading.get_ident()
    with _ONE_AT_A_TIME:
        prepare = spawn.get_preparation_data

        def prepare_without_main(name: str) -> dict[str, Any]:
            found = prepare(name)
            return {key: found[key] for key in found if key not in _MAIN or threading.get_ident() != here}

        spawn.get_preparation_data = prepare_without_main
        try:
            yield
        finally:
            spawn.get_preparation_data = prepare


def _forget_fork_server() -> None:
    """A process that was forked remembers its parent's fork server, which is no child of its own."""
    server: Any = forkserver._forkserver
    if server._forkserver_alive_fd is not None:
        os.close(server._forkserver_alive_fd)
    server.__init__()


os.register_at_fork(after_in_child=_forget_fork_server)


def plain_context() -> PlainContext:
    """The context from which our processes are started."""
    multiprocessing.get_context("forkserver")  # ValueError where the system has none
    return PlainContext()
