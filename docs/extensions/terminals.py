"""Carries out the shell commands that a page shows, in a folder of the page's own, and keeps what they print."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

PORT = 5555
"""Stands on pages for the first of three ports; those of a page are free ones, and shown as this."""
OTHER_MACHINE = {"192.0.2.10": "127.0.0.2"}
"""An address that stands on pages for another machine, and the one of this machine that is used for it."""
LIMIT_S = 600.0


class CommandFailed(Exception):
    """Commands of a page that ended otherwise than the page says."""


@dataclass(eq=False)
class Terminals:
    """The terminals of one page: all in one folder, with this program first on the path."""

    _scratch: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="vppmarket-page-")
    )
    _real: dict[str, str] = field(default_factory=lambda: {**OTHER_MACHINE, **_free_ports()})
    _open: dict[str, _Terminal] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the commands are carried out."""
        return Path(self._scratch.name).resolve()

    def run(self, script: str, exit_code: int = 0) -> str:
        """Carry out a script to its end; returns what it prints. CommandFailed if it ends with another code."""
        return self._ended(_Terminal(self._start(script)), exit_code)

    def start(self, name: str, script: str, until: str) -> str:
        """Leave a script running in a terminal of this name; returns what it prints until a line holds a text."""
        terminal = self._open[name] = _Terminal(self._start(script))
        if not terminal.prints(until):
            raise CommandFailed(f"it prints no {until!r}, but: {self._shown(terminal.text())}")
        return self._shown(terminal.shown)

    def finish(self, name: str, exit_code: int = 0) -> str:
        """What a terminal has printed since `start`, once its script has ended."""
        terminal = self._open.pop(name)
        seen = self._shown(terminal.shown)
        return self._ended(terminal, exit_code).removeprefix(seen)

    def close(self) -> None:
        """End whatever is still running, and remove the folder."""
        for terminal in self._open.values():
            terminal.kill()
        self._open.clear()
        self._scratch.cleanup()

    def _start(self, script: str) -> subprocess.Popen[str]:
        for shown, real in self._real.items():
            script = re.sub(rf"\b{re.escape(shown)}\b", real, script)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "HOME": str(self.folder), "COLUMNS": "80", "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def _ended(self, terminal: _Terminal, exit_code: int) -> str:
        found, text = terminal.ended(), self._shown(terminal.text())
        if found != exit_code:
            raise CommandFailed(f"exit code {found}, not {exit_code}: {text}")
        return text

    def _shown(self, text: str) -> str:
        """What people see who do the same at home: no folder of ours, no port or address of ours."""
        text = text.replace(f"{Path(sys.executable).parent}{os.sep}", "").replace(str(self.folder), "~")
        for shown, real in self._real.items():
            text = re.sub(rf"\b{re.escape(real)}\b", shown, text)
        return text


class _Terminal:
    """One script at work, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self._lines, self.shown = process, list[str](), ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as printed:
            for line in printed:
                self._lines.append(line)

    def text(self) -> str:
        """All that was printed."""
        return "".join(self._lines)

    def prints(self, text: str) -> bool:
        """Wait until a line with this text is printed; False if the script ends, or takes too long, before."""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            alive = self._reader.is_alive()
            lines = [*self._lines]
            if found := [place for place, line in enumerate(lines) if text in line]:
                self.shown = "".join(lines[: found[0] + 1])
                return True
            if not alive:
                return False
            self._reader.join(0.02)
        return False

    def ended(self) -> int:
        """The exit code of the script, once it has ended; what takes too long is killed."""
        try:
            code = self._process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise CommandFailed(f"it has not ended after {LIMIT_S:g} s: {self.text()}") from None
        self._reader.join(LIMIT_S)
        return code

    def kill(self) -> None:
        """End the script and all that it has started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, 9)
            self._process.wait()


def _free_ports() -> dict[str, str]:
    """For each port that pages name the one that stands for it here: three in a row that are free."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        if first < 65_000 and all(_is_free(port) for port in (first + 1, first + 2)):
            return {str(PORT + place): str(first + place) for place in range(3)}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
