"""Prints a command that people paste into a shell: quoted, so that it works as it stands, in any folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "vppmarket"
_KEPT = frozenset(map(chr, range(32, 127))) - frozenset("\\%'-")


def pasted(*words: str | Path) -> str:
    """This program with these arguments, for `sh`. A path is made absolute, so no `-` leads it either."""
    return " ".join(map(_quoted, (_program(), *map(_text, words))))


def _text(word: str | Path) -> str:
    if isinstance(word, str):
        return word
    text = str(word.absolute())
    return f"{text}/." if text.endswith("\n") else text  # a shell drops the last line ends of what it is given


def _quoted(text: str) -> str:
    """As `shlex.quote`, but in characters that can be shown: where one cannot be, by the numbers of its bytes."""
    if text.isprintable() and _can_be_shown(text):
        return shlex.quote(text)
    plain = (chr(byte) if chr(byte) in _KEPT else f"\\{byte:03o}" for byte in os.fsencode(text))
    return f"\"$(printf '{''.join(plain)}')\""


def _can_be_shown(text: str) -> bool:
    try:
        for stream in (sys.stdout, sys.stderr):
            text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _program() -> str:
    """Its name, where a shell finds this very program by it; else where it is."""
    own, found = Path(sys.executable).parent / NAME, shutil.which(NAME)
    if not os.path.isfile(own) or (found and own.samefile(found)):
        return NAME
    return str(own)
