"""The folder of one run on disk: found or refused before the run, its files written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import BinaryIO

from market.errors import Fault, RunError, ScenarioError
from market.scenario.private import FOLDER_MODE, new_file
from market.system_fault import reason_and_remedy, reason_of

try:
    import fcntl as _fcntl
except ImportError:  # not POSIX
    _fcntl = None  # type: ignore[assignment]

RUNS = Path("runs")


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from taking up the same run meanwhile; RunError if one of them is at it.

        ScenarioError where there is no such folder
        """
        if _fcntl is None:
            yield  # this system has no such locks
            return
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK)
        except OSError as error:
            rule, remedy = "it must be a folder that can be opened", "name the folder of a run or a sweep"
            raise ScenarioError([Fault(rule, reason_of(error), str(self.path), remedy)]) from None
        try:
            _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise RunError(f"{self.path} is being written by another process; wait for it, or stop it") from None
        finally:
            os.close(descriptor)

    def write(self, name: str, text: str | Iterable[str]) -> None:
        """Put a file there in one step, for its owner alone: no reader ever sees half of it.

        text : or its pieces. RunError if the disk does not take it.
        """
        pieces = (text,) if isinstance(text, str) else text
        self.fill(name, lambda file: file.writelines(p.encode("utf-8", "backslashreplace") for p in pieces))

    def fill(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """The same of a file that `write` fills."""
        part = self.path / f".{name}.part"
        try:
            part.unlink(missing_ok=True)
            with new_file(part) as file:
                write(file)
            os.replace(part, self.path / name)
        except OSError as error:
            raise RunError(f"{self.path / name} cannot be written: {reason_and_remedy(error)}") from None


def new_run_folder(out: Path | None, scenario_name: str, started: datetime, flag: str = "--out {}") -> RunFolder:
    """The folder `out`, made if need be, or a new one under `runs` called after the scenario and the time.

    What is made is for its owner alone (0700); a folder that was there keeps its mode.
    flag : how messages name `out`
    Raises ScenarioError if `out` holds anything already, or if it cannot be made or written to.
    """
    if out is not None:
        return RunFolder(_made(out, may_exist=True, place=flag.format(out)))
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", scenario_name).strip("-.") or "run"
    for path in _names(RUNS / f"{stem}-{started:%Y%m%d-%H%M%S}"):
        if not os.path.exists(path):
            try:
                return RunFolder(_made(path, may_exist=False, place=flag.format(path)))
            except FileExistsError:  # another run has just taken the name
                continue
    raise AssertionError("names never run out")


def _names(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.name}-{number}") for number in count(2))


def _made(path: Path, *, may_exist: bool, place: str) -> Path:
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=may_exist)
        taken = any(path.iterdir())
    except FileExistsError:
        if not may_exist:
            raise
        raise _refusal(place, "the run folder must be a folder", "a file") from None
    except OSError as error:
        raise _refusal(place, "the run folder must be writable", reason_of(error)) from None
    if taken:
        raise _refusal(place, "the run folder must be empty, so that no run is overwritten", "a folder with files")
    if not os.access(path, os.W_OK | os.X_OK):
        raise _refusal(place, "the run folder must be writable", "no right to write")
    return path


def _refusal(place: str, rule: str, value: str) -> ScenarioError:
    return ScenarioError([Fault(rule, value, place, "choose another folder")])
