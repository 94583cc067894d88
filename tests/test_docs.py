"""Claims: the Python that README.md and docs/ show runs as it stands, what it calls true is true, and the first
example is a short one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    if "```python\n" in path.read_text(encoding="utf-8")
)


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_first_example_has_six_lines_at_most() -> None:
    assert {"README.md", "docs/python.md"} <= set(PAGES)
    for page in ("README.md", "docs/python.md"):
        assert len(examples(page)[0].splitlines()) <= 6
    assert "  # True" in "".join(examples("docs/python.md"))


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_one_after_the_other(page: str, tmp_path: Path) -> None:
    program = re.sub(r"^(.+?)  # True\b.*$", r"assert \1", "\n".join(examples(page)), flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=program,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} <= {"runs"}
