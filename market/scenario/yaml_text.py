"""Writes plain values as YAML that reads well and comes back as the same values, to the last bit.

What it writes is read alike by YAML 1.2, which `scenario.yaml` is, and by the 1.1 of older readers, but for
numbers such as 1e-06, which those take for words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*", re.ASCII)
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def yaml_lines(fields: Mapping[str, object], indent: int = 0) -> Iterator[str]:
    """A mapping as lines: what fits on one line stands on one, save for the uppermost sections."""
    margin = " " * indent
    for key, value in fields.items():
        text = _flow(value) if indent or _is_flat(value) else ""
        if _is_flat(value) or (indent and _fits(margin + key, text)):
            yield f"{margin}{_word(key)}: {text}"
        else:
            yield f"{margin}{_word(key)}:"
            yield from _block(value, indent + 2)


def _block(value: object, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from yaml_lines(value, indent)
    for entry in value if isinstance(value, list) else ():
        yield from _entry(entry, indent)


def _entry(entry: object, indent: int) -> Iterator[str]:
    """An item of a list: behind its dash, on one line or on several."""
    text = _flow(entry)
    if not isinstance(entry, Mapping) or _fits(" " * indent, text):
        yield f"{' ' * indent}- {text}"
        return
    first, *others = yaml_lines(entry, indent + 2)
    yield f"{' ' * indent}- {first.lstrip()}"
    yield from others


def _fits(before: str, text: str) -> bool:
    return len(before) + len(text) + 2 <= _WIDTH


def _is_flat(value: object) -> bool:
    """A scalar, a list of them, or nothing at all: never written over several lines."""
    if isinstance(value, str | int | float):
        return True
    if isinstance(value, Mapping):
        return not value
    return isinstance(value, list) and not any(isinstance(item, list | Mapping) for item in value)


def _flow(value: object) -> str:
    """A value on one line."""
    if isinstance(value, str | int | float):
        return _scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join([f"{_word(key)}: {_flow(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join([_flow(item) for item in value]) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _word(value)
    if isinstance(value, bool):
        return str(value).lower()
    return repr(int(value)) if isinstance(value, int) else _number(float(str(value)))


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    """As it is where it can only be a word, else in quotes."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else f'"{"".join(map(_escaped, text))}"'


def _number(value: float) -> str:
    """All its digits, with a point: readers of YAML 1.1 take `1e-05` for a word."""
    text = repr(value)
    return text if "." in text or not text[-1].isdigit() else text.replace("e", ".0e")


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"
