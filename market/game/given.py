"""Checks a period's game that somebody makes up from bare numbers.

Games of a market day are made of declarations, which have been checked as they came.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from market.errors import Fault, ScenarioError
from market.model.arguments import real_numbers
from market.model.arrays import Array, BoolArray, frozen
from market.model.rules import LEAST_TEMPERATURE_CNY_PER_MWH

if TYPE_CHECKING:
    from market.game.period import PeriodGame

_MOST_TICKS: Final = 1_000_000
_MOST: Final = 1e12
"""No number is larger: squares and products of them have to be numbers, too."""
_POSITIVE: Final = ("surplus_mw", "deficit_mw", "satisfaction_cny_per_h", "base_power_mw", "period_h")
_PRICES: Final = ("floor_cny_per_mwh", "cap_cny_per_mwh", "tick_cny_per_mwh")
_NOT_NEGATIVE: Final = ("own_supply_mw", "temperature_cny_per_mwh", "grid_option_mw")


def columns(**given: ArrayLike) -> tuple[Array, ...]:
    """All as arrays as long as the first, shape (n,); a single number counts for all.

    ScenarioError if one has another length or is no row of numbers.

    >>> columns(deficit_mw=[1.0, 2.0], own_supply_mw=5.0)[1].tolist()
    [5.0, 5.0]
    """
    rows = {name: real_numbers(name, values) for name, values in given.items()}
    length = next(iter(rows.values())).size
    for name, row in rows.items():
        if row.ndim > 1 or (row.ndim == 1 and row.size != length):
            rule = f"one number, or one for each of {length}"
            remedy = "give as many as there are sellers, or buyers"
            raise ScenarioError([Fault(rule, f"numbers of shape {row.shape}", name, remedy)])
    return tuple(frozen(np.broadcast_to(row, (length,))) for row in rows.values())


def numbered(letter: str, column: Array) -> tuple[str, ...]:
    """Names for those whom nobody has named.

    >>> numbered("S", frozen([3.0, 1.5]))
    ('S1', 'S2')
    """
    return tuple(f"{letter}{number}" for number in range(1, column.size + 1))


def check_game(game: PeriodGame) -> None:
    """ScenarioError with every rule that the game breaks."""
    faults = [*_numbers(game), *_names(game)]
    faults = faults or [*_reserves(game), *_spread(game), *_ticks(game)]
    if faults:
        raise ScenarioError(faults)


def _numbers(game: PeriodGame) -> Iterator[Fault]:
    for names, rule, low in (
        ((*_POSITIVE, *_PRICES), f"must be a number above 0, at most {_MOST:g}", 0.0),
        (_NOT_NEGATIVE, f"must be a number of 0 or more, at most {_MOST:g}", -math.ulp(0.0)),
        (
            ("feed_in_cny_per_mwh", "reserve_cny_per_mwh", "retail_cny_per_mwh"),
            f"must be a number from {-_MOST:g} to {_MOST:g}",
            math.nextafter(-_MOST, -math.inf),
        ),
    ):
        for name in names:
            values = np.asarray(getattr(game, name), dtype=np.float64)
            yield from _where(name, values, (values > low) & (values <= _MOST), rule)


def _where(name: str, values: Array, sound: BoolArray, rule: str) -> Iterator[Fault]:
    if values.ndim == 0:
        places = [] if sound else [name]
    else:
        places = [f"{name}[{place}]" for place in np.flatnonzero(~sound)]
    for place, value in zip(places, np.atleast_1d(values)[~np.atleast_1d(sound)].tolist(), strict=True):
        yield Fault(rule, repr(value), place, "give another one")


def _names(game: PeriodGame) -> Iterator[Fault]:
    for name, given, size in (
        ("sellers", game.sellers, game.surplus_mw.size),
        ("buyers", game.buyers, game.deficit_mw.size),
    ):
        if len(given) != size or len(set(given)) != size:
            yield Fault(
                f"must be {size} different names", repr(list(given)), name, "name each once, or none at all"
            )


def _reserves(game: PeriodGame) -> Iterator[Fault]:
    """f ≤ p̲, and f ≤ r ≤ p̄ where there is a band, (M5)."""
    feed_in, reserve = game.feed_in_cny_per_mwh, game.reserve_cny_per_mwh
    if feed_in > game.floor_cny_per_mwh:
        rule, remedy = "must not be above the floor", "nobody sells to a peer for less than the grid pays"
        yield Fault(rule, repr(feed_in), "feed_in_cny_per_mwh", remedy)
    most = max(game.cap_cny_per_mwh, feed_in)
    rule = f"must lie between the feed-in price, {feed_in:g}, and the cap, {most:g}"
    yield from _where("reserve_cny_per_mwh", reserve, (reserve >= feed_in) & (reserve <= most), rule)


def _spread(game: PeriodGame) -> Iterator[Fault]:
    temperature = game.temperature_cny_per_mwh
    if temperature == 0.0 < game.grid_option_mw:
        rule = "must be above 0 where the grid is a choice: buyers have to spread over sellers"
        yield Fault(rule, "0", "temperature_cny_per_mwh", "leave grid_option_mw out")
    if 0.0 < temperature < LEAST_TEMPERATURE_CNY_PER_MWH:
        rule = f"must be 0, or at least {LEAST_TEMPERATURE_CNY_PER_MWH:g}"
        yield Fault(rule, repr(temperature), "temperature_cny_per_mwh", "take 0: the cheapest is chosen")


def _ticks(game: PeriodGame) -> Iterator[Fault]:
    wide = game.cap_cny_per_mwh - game.floor_cny_per_mwh
    if game.temperature_cny_per_mwh == 0 and wide / game.tick_cny_per_mwh > _MOST_TICKS:
        rule, remedy = f"the band must not hold more than {_MOST_TICKS:,} ticks", "take a larger tick"
        yield Fault(rule, repr(game.tick_cny_per_mwh), "tick_cny_per_mwh", remedy)
