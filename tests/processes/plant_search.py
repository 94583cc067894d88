"""Finds the numbers of plants in bytes of any kind, however they may be written there.

A number is found as a double in either order of its bytes, which is also how the wire has it; in single precision
behind the wire's mark for that, or beside another number of the plants; and in any text of digits whose first six,
and of many digits nine, are its own, wherever the point stands. Four bytes alone would be met by chance in a tape
every now and then.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from tests.market.unmistakable import digits

_TEXT = re.compile(rb"\d+\.?\d*(?:[eE][-+]?\d{1,3})?|\.\d+(?:[eE][-+]?\d{1,3})?")
_LEAST_DIGITS = 6
_EXACT_DIGITS = 9
_SINGLE_MARK = b"\xca"


def _agree(text: bytes, number: float) -> bool:
    """Whether a text that tells more than nine digits tells nine of the number: a measured time may tell six."""
    mantissa = re.split(rb"[eE]", text)[0].replace(b".", b"").lstrip(b"0")
    exact = len(mantissa) > _EXACT_DIGITS
    return not exact or f"{float(text):.8e}"[:10] == f"{number:.8e}"[:10]


class PlantSearch:
    """The search for these numbers; a whole number of few digits is no evidence of anything."""

    def __init__(self, numbers: Iterable[float]) -> None:
        self.numbers = tuple(number for number in numbers if number % 1)
        assert len({digits(number) for number in self.numbers}) == len(self.numbers)

    def found(self, data: bytes) -> set[float]:
        """The numbers that the bytes give away."""
        return self._as_text(data) | self._as_doubles(data) | self._as_singles(data)

    def found_in(self, named: Mapping[str, bytes]) -> dict[str, list[float]]:
        """The same for each of several, where there is anything."""
        return {name: sorted(found) for name, data in named.items() if (found := self.found(data))}

    @cached_property
    def _by_digits(self) -> Mapping[str, float]:
        return {digits(number): number for number in self.numbers}

    def _as_text(self, data: bytes) -> set[float]:
        """A text of fewer digits than six is taken for as many: it gives too little away."""
        texts = (text for text in _TEXT.findall(data) if sum(map(text.count, b"0123456789")) >= _LEAST_DIGITS)
        pairs = ((text, self._by_digits.get(digits(float(text)))) for text in texts if len(text) < 30)
        return {number for text, number in pairs if number is not None and _agree(text, number)}

    def _as_doubles(self, data: bytes) -> set[float]:
        return {n for n in self.numbers if struct.pack("<d", n) in data or struct.pack(">d", n) in data}

    def _as_singles(self, data: bytes) -> set[float]:
        marked = {n for n in self.numbers if _SINGLE_MARK + struct.pack(">f", n) in data}
        for order in "<>":
            packed = {struct.pack(f"{order}f", number): number for number in self.numbers}
            for form, number in packed.items():
                at = data.find(form)
                while at >= 0 and number not in marked:
                    if data[at + 4 : at + 8] in packed or data[max(0, at - 4) : at] in packed:
                        marked.add(number)
                    at = data.find(form, at + 1)
        return marked


def files_in(folder: Path, *, leave_out: Iterable[Path] = ()) -> dict[str, bytes]:
    """The files of a folder by their paths in it, but for those that are below any of these."""
    left_out = tuple(leave_out)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(path == out or out in path.parents for out in left_out)
    }
