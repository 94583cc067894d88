"""Cuts a stretch of periods out of whatever has series: prices, plants, plans."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np

from market.model.arrays import frozen

_Value = TypeVar("_Value")


def stretch(value: _Value, periods: range) -> _Value:
    """The same with every series below it cut to these periods, counted from 0; all else is as it was.

    A value without a series in it is given back itself.

    >>> from market.model.rules import Tariff
    >>> stretch(Tariff(frozen([1.0, 2.0, 3.0]), frozen([0.0, 0.0, 0.5])), range(1, 3)).retail_cny_per_mwh
    array([2., 3.])
    """
    return cast("_Value", _cut(value, periods))


def _cut(value: Any, periods: range) -> Any:
    if isinstance(value, np.ndarray):
        return frozen(value[periods.start : periods.stop])
    if isinstance(value, tuple):
        parts = tuple(_cut(item, periods) for item in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    if is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for field in fields(value):
            old = getattr(value, field.name)
            if (new := _cut(old, periods)) is not old:
                changed[field.name] = new
        return replace(value, **changed) if changed else value
    return value
