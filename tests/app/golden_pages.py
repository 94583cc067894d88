"""The default run as people read it, in three widths and three encodings, kept whole in `goldens`.

What a machine's speed and a folder's place change is masked. After a change of the page that was meant

    python -m tests.app.golden_pages

writes the files anew; `git diff tests/app/goldens` then shows what people will see.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from itertools import product
from pathlib import Path

from tests.processes.command import COMMAND

GOLDENS = Path(__file__).parent / "goldens"
PAGES = tuple(product((60, 80, 120), ("ascii", "cp1252", "utf-8")))


def golden_file(width: int, letters: str) -> Path:
    """Where a page is kept."""
    return GOLDENS / f"default-run-{width}-{letters}.txt"


def page(folder: Path, width: int, letters: str) -> bytes:
    """What the default run, over the bus, in an empty folder says on a screen of that kind, as its bytes."""
    environment = {**os.environ, "COLUMNS": str(width), "PYTHONIOENCODING": letters}
    told = subprocess.run(
        [COMMAND, "run", "--out", "day"], cwd=folder, env=environment, capture_output=True, timeout=150, check=True
    )
    assert told.stderr == b"", told.stderr
    return _masked(told.stdout, folder)


def _masked(said: bytes, folder: Path) -> bytes:
    """A page without what is not the same everywhere: seconds of real time, the place of program and folder."""
    said = re.sub(rb"\d+\.\d s$", b"#.# s", said, count=1, flags=re.MULTILINE)
    return said.replace(bytes(COMMAND), b"vppmarket").replace(bytes(folder.resolve()), b"/place")


def renew() -> None:
    """Write every page anew."""
    for width, letters in PAGES:
        with tempfile.TemporaryDirectory() as place:
            golden_file(width, letters).write_bytes(page(Path(place), width, letters))


if __name__ == "__main__":
    renew()
