"""Writes what an encoding has no letters for in letters that it has, so that any terminal can show any text."""

from __future__ import annotations

import unicodedata
from typing import Final

_SIGNS: Final = "…·─–—→×−≤≥“”’‘±"
_GREEK: Final = {
    "ε": "eps",
    "τ": "tau",
    "Δ": "D",
    "δ": "d",
    "κ": "k",
    "λ": "lambda",
    "μ": "mu",
    "σ": "s",
    "α": "a",
}
_IN_ASCII: Final = ("...", *".---", "->", "x", "-", "<=", ">=", '"', '"', "'", "'", "+/-")
_PLAIN: Final = _GREEK | dict(zip(_SIGNS, _IN_ASCII, strict=True))
"""What the pages of this program are written with beyond ASCII."""


def spelled(text: str, encoding: str) -> str:
    """The text in letters that an encoding has.

    >>> spelled("ε = 0 · Gösgen → 2", "ascii"), spelled("ε = 0 · Gösgen → 2", "cp1252")
    ('eps = 0 . Gosgen -> 2', 'eps = 0 · Gösgen -> 2')
    """
    if text.isascii():
        return text
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_spelled(letter, encoding) for letter in text)
    return text


def substitute(error: UnicodeError) -> tuple[str, int]:
    """The same as an error handler of a stream, for `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_spelled(letter, "ascii") for letter in letters), error.end


def _spelled(letter: str, encoding: str) -> str:
    """One letter: itself, its sign above, the letter without its accents, or its number."""
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        without_accents = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        return _PLAIN.get(letter) or without_accents or f"\\u{ord(letter):04x}"
    return letter
