"""The benchmark of dispatch runs and prints one row for each thing it times; its times are nobody's promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_benchmark_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "bench" / "dispatch.py"), "--repeats", "1"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(.+?)\s+(\d+\.\d\d)\s+(\d+\.\d)$", done.stdout, flags=re.MULTILINE)
    assert [name.strip() for name, _, _ in rows][:3] == ["bare re-solve", "bare rebuild and solve", "dispatch"]
    assert all(float(milliseconds) > 0.0 for _, milliseconds, _ in rows)
