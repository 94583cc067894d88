"""Claims: whatever standard output and error lead to, and whatever letters they have, no command breaks on it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.processes.command import COMMAND

RUN = ("run", "two_vpp", "--out", "day")
TOLD: Sequence[Sequence[str]] = (
    (),
    ("--help",),
    ("--version",),
    ("run", "--help"),
    ("experiment",),
    ("schema",),
    ("check", "two_vpp"),
    RUN,
    (*RUN, "--in-process"),
    (*RUN, "--in-process", "--json"),
)


def done(
    arguments: Sequence[str], folder: Path, shell: str = 'exec "$@"', **environment: str
) -> tuple[int, str, str]:
    """Exit code, output and errors of a command that a shell starts in its own way."""
    ended = subprocess.run(
        ["sh", "-c", shell, "sh", COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=150,
    )
    letters = environment.get("PYTHONIOENCODING", "utf-8")
    return ended.returncode, ended.stdout.decode(letters, "replace"), ended.stderr.decode(errors="replace")


@pytest.mark.sampled(5)
@pytest.mark.parametrize("arguments", TOLD, ids=" ".join)
@pytest.mark.parametrize("shell", ['exec "$@" >&-', 'exec "$@" 2>&-', 'exec "$@" >&- 2>&- <&-'])
def test_a_closed_stream(arguments: Sequence[str], shell: str, tmp_path: Path) -> None:
    """And nothing that is said lands in a file that has taken its number."""
    code, _, told = done(arguments, tmp_path, shell)
    assert (code, told) == (0, "")


@pytest.mark.sampled(5)
@pytest.mark.parametrize("arguments", TOLD, ids=" ".join)
@pytest.mark.parametrize("stream", ["stdout", "stderr", "both"])
def test_a_reader_that_has_gone(arguments: Sequence[str], stream: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out, err = (writing if stream in (name, "both") else subprocess.PIPE for name in ("stdout", "stderr"))
    ended = subprocess.run([COMMAND, *arguments], cwd=tmp_path, stdout=out, stderr=err, check=False, timeout=150)
    os.close(writing)
    assert (ended.returncode, ended.stderr or b"") == (0, b"")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_error_has_its_exit_code_though_nobody_hears_it(stream: str, tmp_path: Path) -> None:
    number = {"stdout": 1, "stderr": 2}[stream]
    code, _, told = done(("check", "nowhere"), tmp_path, f'exec "$@" {number}>&-')
    assert code == 2
    assert "Traceback" not in told


@pytest.mark.sampled(5)
@pytest.mark.parametrize("arguments", TOLD, ids=" ".join)
@pytest.mark.parametrize("letters", ["ascii", "cp1252", "latin-1", "koi8-r"])
def test_narrow_letters(arguments: Sequence[str], letters: str, tmp_path: Path) -> None:
    code, out, told = done(arguments, tmp_path, PYTHONIOENCODING=letters)
    assert (code, told) == (0, "")
    if "--json" in arguments or "schema" in arguments:
        assert json.loads(out)


def test_json_is_the_same_in_any_letters(tmp_path: Path) -> None:
    """A title keeps its letters."""
    assert done(("new", "mine", "--from", "two_vpp"), tmp_path)[0] == 0
    path = tmp_path / "mine" / "scenario.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join("title: ε → Ω …" if x.startswith("title:") else x for x in lines), encoding="utf-8")
    told = []
    for number, letters in enumerate(("utf-8", "ascii", "cp1252")):
        arguments = ("run", "mine", "--in-process", "--json", "--out", f"{number}")
        code, out, _ = done(arguments, tmp_path, PYTHONIOENCODING=letters)
        assert code == 0
        told.append(json.loads(out)["tables"])
        assert json.loads(out)["title"] == "ε → Ω …"
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}, {"COLUMNS": "40"}, {"COLUMNS": "x"}])
def test_a_poor_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    keyboard, screen = pty.openpty()
    with subprocess.Popen(
        [COMMAND, *RUN], cwd=tmp_path, env={**os.environ, **environment}, stdout=screen, stderr=screen
    ) as running:
        os.close(screen)
        shown = b""
        try:
            while chunk := os.read(keyboard, 65536):
                shown += chunk
        except OSError:  # the other end is closed: the command has ended
            pass
        os.close(keyboard)
    assert running.returncode == 0
    assert b"equilibrium" in shown
    assert b"Traceback" not in shown
