"""Makes folders and files that nobody but their owner can read or enter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = ("O_CLOEXEC", "O_BINARY")
AS_BYTES = sum(getattr(os, name, 0) for name in _OTHERS)
"""For any file that is opened by number: no child inherits it, and no system changes its bytes."""
AT_ONCE = AS_BYTES | getattr(os, "O_NONBLOCK", 0)
"""The same, and never waits for whatever a pipe's other end does."""
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | AS_BYTES


def create_file(path: Path, data: bytes) -> None:
    """A new file with this content, mode 0600. OSError where there is anything of that name already."""
    with new_file(path) as file:
        file.write(data)


def new_file(path: Path) -> BinaryIO:
    """The same, still empty and open to be written."""
    return os.fdopen(os.open(path, _NEW_FILE, FILE_MODE), "wb")


def create_folder(path: Path) -> None:
    """A new folder, mode 0700; those above it as usual. OSError where there is anything of that name already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=FOLDER_MODE)


def take_folder(path: Path) -> bool:
    """A new folder, or one that is there already and holds nothing, for our own use: mode 0700.

    False, and nothing is changed, where it holds anything. OSError where it is no folder, or not ours.
    """
    try:
        create_folder(path)
    except FileExistsError:
        if any(path.iterdir()):
            return False
        path.chmod(FOLDER_MODE)
    return True
