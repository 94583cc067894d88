"""Builds the private environment `.venv` of this checkout once, and again when what it stands on changes.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "set-up-stamp"
EXTRAS = "test,all,docs,import"


def foundation() -> str:
    """What an environment cannot survive a change of: the place of the checkout, and the interpreter."""
    return f"{ROOT}\n{platform.python_implementation()} {platform.python_version()} in {sys.base_prefix}\n"


def requirements() -> str:
    """A digest of what is to be installed."""
    digest = hashlib.sha256(EXTRAS.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def stamp() -> str:
    """What was last set up completely, or nothing."""
    return STAMP.read_text(encoding="utf-8") if STAMP.is_file() else ""


def run(*command: str | Path) -> None:
    """Run a step of the set-up with its output on standard error; end if it fails."""
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode:
        fail("the reason stands above")


def fail(reason: str) -> NoReturn:
    """End with one line and the exit code of a run that broke."""
    print(f"error: the environment in {VENV} could not be set up: {reason}", file=sys.stderr)
    sys.exit(4)


def build() -> None:
    """Make or renew the environment; the stamp is written last, so a half-made one is made again."""
    print("Setting up .venv (once, two or three minutes) ...", file=sys.stderr)
    stands = stamp().startswith(foundation())
    STAMP.unlink(missing_ok=True)
    if not stands:
        run(sys.executable, "-m", "venv", "--clear", VENV)
    pip = (VENV / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input")
    run(*pip, "install", "--constraint", "constraints.txt", "--editable", f".[{EXTRAS}]")
    STAMP.write_text(foundation() + requirements(), encoding="utf-8")


def main() -> None:
    """Set up unless that is done; of several calls at once, one builds and the others wait for it."""
    wanted = foundation() + requirements()
    if stamp() == wanted:
        return
    with open(ROOT / "pyproject.toml", "rb") as shared:
        fcntl.flock(shared, fcntl.LOCK_EX)
        if stamp() != wanted:
            build()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as broken:
        fail(str(broken))
