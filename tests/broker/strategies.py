"""Hypothesis strategies for wire messages, derived from the types of their fields."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from hypothesis import strategies as st

from broker.wire.messages import Message
from market.model.arrays import Array, frozen

doubles = st.floats(allow_nan=False, allow_infinity=False)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a wire type."""
    plain: dict[Any, st.SearchStrategy[Any]] = {
        float: doubles,
        int: st.integers(0, 2**53),
        str: st.text(max_size=20),
        bool: st.booleans(),
        bytes: st.binary(max_size=64),
        NoneType: st.none(),
    }
    if hint in plain:
        return plain[hint]
    if hint == Array:
        return st.lists(doubles, max_size=5).map(frozen)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([values_of(one) for one in get_args(hint)])
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    assert isinstance(hint, type), hint
    return st.builds(hint, *map(values_of, get_type_hints(hint).values()))


messages: st.SearchStrategy[Message] = st.one_of([values_of(kind) for kind in get_args(Message)])


def same(left: Any, right: Any) -> bool:
    """Equality that looks into records and arrays, bit for bit."""
    if isinstance(left, np.ndarray):
        return bool(np.array_equal(left, right))
    if is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, field.name), getattr(right, field.name)) for field in fields(left)
        )
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)
