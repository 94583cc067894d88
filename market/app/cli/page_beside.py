"""The page that `run --view` opens: a process beside the run that plays its folder, until it is interrupted."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


class PageBeside:
    """At most one page. Leaving the block ends it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PageBeside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            import subprocess

            from market.app.runs.subprocesses import GRACE_S

            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
            self._process.kill()

    def open(self, folder: Path) -> None:
        """Serve a page on a run folder that is being written, and open it. It says itself where it is."""
        import subprocess

        from broker.process.launch import safe_path  # late: not every system has what these need
        from market.app.runs.subprocesses import COMMAND

        self._process = subprocess.Popen(
            [*COMMAND, "view", str(folder), "--from-start", "--open"],
            env={**os.environ, **safe_path()},
            stdin=subprocess.DEVNULL,
            process_group=0,  # an interrupt from the keyboard comes through us alone
        )

    def wait(self) -> None:
        """Until the page ends, or somebody interrupts: that is how one leaves it, and no failure."""
        if self._process is not None:
            with suppress(KeyboardInterrupt):
                self._process.wait()
