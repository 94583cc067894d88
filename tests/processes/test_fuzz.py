"""Claims: hostile frames of every kind change nothing; the script that sends a million sends a few here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_some_thousand_hostile_frames_change_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "bench" / "fuzz.py"), "2500", "--seed", "3"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("answer   unchanged") == 3
    total = re.search(r"^([\d,]+) frames: as it should be$", done.stdout, flags=re.MULTILINE)
    assert total
    assert int(total[1].replace(",", "")) >= 2500
    for reason in ("not_msgpack", "wrong_token", "wrong_version", "bad_field", "wrong_key", "foreign_topic"):
        assert f"{reason} " in done.stdout
