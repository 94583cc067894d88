"""Converts typed values to plain msgpack data and back, and checks them on the way in.

A codec is derived from a type hint: numbers must be finite and of their own kind, arrays travel as little-endian
doubles, records as lists of their fields in order, one of several records with its class name before it. Named
tuples travel as the columns of a table, since there may be very many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from market.errors import WireError
from market.model.arrays import Array
from market.model.parameter import came_later, counts

_DOUBLE = np.dtype("<f8")
MAX_TEXT = 4096
MAX_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Codec:
    """`pack` makes plain data of a value; `unpack(data, place)` checks data and makes the value."""

    pack: Callable[[Any], Any]
    unpack: Callable[[Any, str], Any]


def bad(place: str, rule: str, data: object) -> WireError:
    """The error for a field that breaks a rule; the value is shown short."""
    return WireError("bad_field", f"{place} must be {rule}, got {type(data).__name__} {data!r:.40}")


def _real(data: object, place: str) -> float:
    if type(data) is not float or not math.isfinite(data):
        raise bad(place, "a finite double", data)
    return data


def _limit(data: object, place: str) -> float:
    if type(data) is not float or math.isnan(data):
        raise bad(place, "a double or infinite", data)
    return data


def _integer(data: object, place: str) -> int:
    if type(data) is not int or not 0 <= data <= MAX_INTEGER:
        raise bad(place, "an integer from 0 to 2^53", data)
    return data


def _integers(data: object, place: str) -> tuple[int, ...]:
    """As a sequence of `_integer`, but looked at as a whole: such lists are long and frequent."""
    if type(data) is not list:
        raise bad(place, "a list", data)
    if data and (set(map(type, data)) != {int} or min(data) < 0 or max(data) > MAX_INTEGER):
        raise bad(place, "a list of integers from 0 to 2^53", data)
    return tuple(data)


def _text(data: object, place: str) -> str:
    if type(data) is not str or len(data) > MAX_TEXT:
        raise bad(place, f"a text of at most {MAX_TEXT} characters", data)
    return data


def _boolean(data: object, place: str) -> bool:
    if type(data) is not bool:
        raise bad(place, "true or false", data)
    return data


def _bytes(data: object, place: str) -> bytes:
    if type(data) is not bytes:
        raise bad(place, "bytes", data)
    return data


def _pack_vector(value: Array) -> bytes:
    return np.ascontiguousarray(value, _DOUBLE).tobytes()


def _unpack_vector(data: object, place: str) -> Array:
    if type(data) is not bytes or len(data) % 8:
        raise bad(place, "doubles as bytes", data)
    vector = np.frombuffer(data, _DOUBLE)
    if not np.logical_and.reduce(np.isfinite(vector)):
        raise bad(place, "finite doubles", data)
    return vector.astype(np.float64, copy=False)


def _choice(kind: type[StrEnum]) -> Codec:
    members = {member.value: member for member in kind}

    def unpack(data: object, place: str) -> StrEnum:
        if type(data) is not str or data not in members:
            raise bad(place, f"one of {', '.join(members)}", data)
        return members[data]

    return Codec(lambda value: value.value, unpack)


def _inside(place: str, error: WireError) -> WireError:
    """An error in a part of what is at `place`. Places are put together only when something is wrong."""
    return WireError(error.reason, f"{place}{'' if error.detail[0] in ' .[' else '.'}{error.detail}")


def _sequence(item: Codec) -> Codec:
    pack_item, unpack_item = item.pack, item.unpack

    def unpack(data: object, place: str) -> tuple[Any, ...]:
        if type(data) is not list:
            raise bad(place, "a list", data)
        items: list[Any] = []
        try:
            items.extend(unpack_item(entry, "") for entry in data)
        except WireError as error:
            raise _inside(f"{place}[{len(items)}]", error) from None
        return tuple(items)

    return Codec(lambda value: [pack_item(entry) for entry in value], unpack)


def _pack_texts(column: Sequence[str]) -> list[Any]:
    """The texts that differ, and the place of each."""
    places = {text: place for place, text in enumerate(dict.fromkeys(column))}
    return [[*places], [places[text] for text in column]]


def _unpack_texts(data: object, place: str) -> list[str]:
    if type(data) is not list or len(data) != 2 or type(data[0]) is not list:
        raise bad(place, "texts and their places", data)
    texts = [_text(text, place) for text in data[0]]
    places = _integers(data[1], place)
    if len({*texts}) < len(texts) or max(places, default=-1) + 1 != len(texts):
        raise bad(place, "different texts, and places of all of them", data)
    return [texts[at] for at in places]


_COLUMNS = {
    int: Codec(list, _integers),
    float: Codec(
        lambda column: _pack_vector(np.array(column)), lambda data, place: _unpack_vector(data, place).tolist()
    ),
    str: Codec(_pack_texts, _unpack_texts),
}


def _table(kind: Any) -> Codec:
    """Of many named tuples: column by column; an empty list where there is none."""
    hints = get_type_hints(kind)
    columns = [(name, _COLUMNS[hint]) for name, hint in hints.items()]

    def pack(rows: Sequence[Any]) -> list[Any]:
        return [codec.pack(column) for (_, codec), column in zip(columns, zip(*rows, strict=True), strict=False)]

    def unpack(data: object, place: str) -> tuple[Any, ...]:
        if type(data) is not list or len(data) not in (0, len(columns)):
            raise bad(place, f"{len(columns)} columns, or none", data)
        try:
            read = [codec.unpack(column, name) for (name, codec), column in zip(columns, data, strict=False)]
        except WireError as error:
            raise _inside(place, error) from None
        if len({len(column) for column in read}) > 1 or (read and not read[0]):
            raise bad(place, "columns of one length above 0", data)
        return tuple(map(kind._make, zip(*read, strict=True)))

    return Codec(pack, unpack)


def _record(kind: type, infinite: bool) -> Codec:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    codecs = [codec_for(hints[name], infinite) for name in names]
    packers = [(name, codec.pack) for name, codec in zip(names, codecs, strict=True)]
    unpackers = [(name, codec.unpack) for name, codec in zip(names, codecs, strict=True)]

    def pack(value: Any) -> list[Any]:
        return [pack_part(getattr(value, name)) for name, pack_part in packers]

    def unpack(data: object, place: str) -> Any:
        if type(data) is not list or len(data) != len(unpackers):
            raise bad(place, f"a list of {len(unpackers)} fields", data)
        try:
            return kind(
                *[unpack_part(entry, name) for (name, unpack_part), entry in zip(unpackers, data, strict=True)]
            )
        except WireError as error:
            raise _inside(place, error) from None

    return _grown(kind, Codec(pack, unpack), [codec.pack for codec in codecs])


def _grown(kind: type, whole: Codec, packers: Sequence[Callable[[Any], Any]]) -> Codec:
    """The same of a record that has got fields since: at its end those are left out that are untold."""
    own = fields(kind)
    least = len(own)
    while least and came_later(own[least - 1]):
        least -= 1
    if least == len(own):
        return whole

    def pack(value: Any) -> list[Any]:
        data = list(whole.pack(value))
        while len(data) > least and not counts(last := own[len(data) - 1], getattr(value, last.name)):
            data.pop()
        return data

    def unpack(data: object, place: str) -> Any:
        if type(data) is not list or not least <= len(data) <= len(own):
            raise bad(place, f"a list of {least} to {len(own)} fields", data)
        untold = zip(packers[len(data) :], own[len(data) :], strict=True)
        value = whole.unpack([*data, *(pack_part(part.default) for pack_part, part in untold)], place)
        if len(data) != len(pack(value)):
            raise bad(place, "without a last field that says nothing", data)
        return value

    return Codec(pack, unpack)


def _optional(item: Codec) -> Codec:
    return Codec(
        lambda value: None if value is None else item.pack(value),
        lambda data, place: None if data is None else item.unpack(data, place),
    )


def _one_of(kinds: Sequence[type], infinite: bool) -> Codec:
    codecs = {kind.__name__: codec_for(kind, infinite) for kind in kinds}

    def pack(value: Any) -> list[Any]:
        name = type(value).__name__
        return [name, codecs[name].pack(value)]

    def unpack(data: object, place: str) -> Any:
        if type(data) is not list or len(data) != 2 or type(data[0]) is not str or data[0] not in codecs:
            raise bad(place, f"one of {', '.join(codecs)}", data)
        return codecs[data[0]].unpack(data[1], place)

    return Codec(pack, unpack)


def _union(kinds: Sequence[Any], infinite: bool) -> Codec:
    some = [kind for kind in kinds if kind is not NoneType]
    codec = codec_for(some[0], infinite) if len(some) == 1 else _one_of(some, infinite)
    return _optional(codec) if NoneType in kinds else codec


_PLAIN = {
    float: Codec(float, _real),
    int: Codec(int, _integer),
    str: Codec(str, _text),
    bool: Codec(bool, _boolean),
    bytes: Codec(bytes, _bytes),
}


@cache
def codec_for(hint: Any, infinite: bool = False) -> Codec:
    """The codec of a type hint: float, int, str, bool, bytes, Array, a StrEnum, tuple[X, ...], a dataclass of
    these, X | None, a union of dataclasses, or many named tuples of numbers and texts. With `infinite`, a float
    may be infinite.
    """
    if hint is float and infinite:
        return Codec(float, _limit)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint == Array:
        return Codec(_pack_vector, _unpack_vector)
    if hint == tuple[int, ...]:
        return Codec(list, _integers)
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return _table(item) if hasattr(item, "_make") else _sequence(codec_for(item, infinite))
    if get_origin(hint) in (Union, UnionType):
        return _union(get_args(hint), infinite)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choice(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, infinite)
    raise TypeError(f"no wire codec for {hint!r}")
