"""The scale for what learners earn: where a day's negotiation ends, and the largest joint profit that is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np

from market.app.learning.trading_day import TradingDay, profit_of
from market.game.clearing.rationing import delivered_power
from market.game.period import PeriodGame
from market.game.price_grid import on_price_grid
from market.game.result import worst
from market.game.solver import answers
from market.model.arrays import Array, frozen
from market.model.rules import MarketRules

_POINTS: Final = 25  # prices that are tried along a line at once
_NARROWINGS: Final = 7  # how often the line is drawn shorter round the best
_NARROWER: Final = 0.2
_SWEEPS: Final = 40
_NO_GAIN: Final = 1e-10  # of the profit: a sweep that gains no more is the last


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Both ends of a scale for what sellers earn in a day. Rows are VPPs in the order of the roster.

    equilibrium_cny_per_mwh : (V, T), where the day's own negotiation ends · verdict : of that end
    joint_cny_per_mwh : (V, T), where the sellers of each period together earn most of all prices that were tried
    equilibrium_profit_cny, joint_profit_cny : (V,), over reserves, of the day

    >>> prices, profits = np.zeros((2, 1)), (np.array([2.0, 3.0]), np.array([4.0, 7.0]))
    >>> ends = Benchmarks(("A", "B"), "equilibrium", prices, prices, *profits)
    >>> ends.delta({"A": 3.0, "B": 3.0})
    0.16666666666666666
    """

    vpps: tuple[str, ...]
    verdict: str
    equilibrium_cny_per_mwh: Array
    joint_cny_per_mwh: Array
    equilibrium_profit_cny: Array
    joint_profit_cny: Array

    def delta(self, profit_cny: Mapping[str, float]) -> float:
        """Δ = (π − π_N)/(π_M − π_N) of these VPPs' profits together: 0 at the equilibrium, 1 at joint prices.

        Joint prices are best for all sellers of a period, so they may earn some of them less. NaN where they earn
        these no more than the equilibrium does. Source: Calvano, Calzolari, Denicolò &
        Pastorello 2020, AER 110(10), 3267-3297, equation (9).
        """
        rows = [self.vpps.index(vpp) for vpp in profit_cny]
        nash, joint = (float(each[rows].sum()) for each in (self.equilibrium_profit_cny, self.joint_profit_cny))
        room = joint - nash
        return (sum(profit_cny.values()) - nash) / room if room > _NO_GAIN * max(abs(nash), 1.0) else nan


def benchmarks_of(day: TradingDay) -> Benchmarks:
    """Both ends, worked out from the games of the day."""
    results = day.behave.played(day.games, day.scenario.public.market).results
    nash = day.prices({t: result.price_cny_per_mwh for t, result in enumerate(results) if result.game.tradable})
    joint = _joint_prices(day, nash)
    return Benchmarks(
        day.vpps,
        worst([result.verdict for result in results]).value,
        frozen(nash),
        frozen(joint),
        *(frozen(day.profit_cny(prices).sum(axis=1)) for prices in (nash, joint)),
    )


def _joint_prices(day: TradingDay, nash: Array) -> Array:
    """The best that is found uphill from the equilibrium and from the caps; that it is best is not proved."""
    traded = [t for t, game in enumerate(day.games) if game.tradable]
    climb = _Climb([day.games[t] for t in traded], day)
    from_nash = [nash[[day.row(seller) for seller in day.games[t].sellers], t] for t in traded]
    from_caps = [np.full(len(day.games[t].sellers), day.games[t].cap_cny_per_mwh) for t in traded]
    (low, low_worth), (high, high_worth) = climb.up(from_nash), climb.up(from_caps)
    best = [a if x >= y else b for a, b, x, y in zip(low, high, low_worth, high_worth, strict=True)]
    return day.prices(dict(zip(traded, best, strict=True)))


class _Climb:
    """Uphill in what the sellers of each game earn together, one price after the other, then all at once."""

    def __init__(self, games: Sequence[PeriodGame], day: TradingDay) -> None:
        self._games = games
        self._rules: MarketRules = day.scenario.public.market
        self._choosers = day.behave.choosers
        self._lines = max((len(game.sellers) for game in games), default=0) + 1

    def up(self, starts: Sequence[Array]) -> tuple[list[Array], list[float]]:
        """The prices where no line leads higher, and what they earn."""
        best, worth = list(starts), self._worth([[start] for start in starts])
        found = [float(each[0]) for each in worth]
        share = 1.0
        for _ in range(_NARROWINGS):
            for _ in range(_SWEEPS):
                before = list(found)
                for line in range(self._lines):
                    best, found = self._along(line, share, best, found)
                if all(now - was <= _NO_GAIN * max(abs(now), 1.0) for now, was in zip(found, before, strict=True)):
                    break
            share *= _NARROWER
        return best, found

    def _along(
        self, line: int, share: float, best: list[Array], found: list[float]
    ) -> tuple[list[Array], list[float]]:
        tried = [self._points(game, line, share, now) for game, now in zip(self._games, best, strict=True)]
        for place, (points, worth) in enumerate(zip(tried, self._worth(tried), strict=True)):
            top = int(worth.argmax()) if worth.size else -1
            if top >= 0 and worth[top] > found[place]:
                best[place], found[place] = points[top], float(worth[top])
        return best, found

    def _points(self, game: PeriodGame, line: int, share: float, now: Array) -> list[Array]:
        """Price vectors along a line through `now`: that of one seller, or, as the last one, all together."""
        if self._lines - 1 > line >= len(game.sellers):
            return []
        least, cap = game.least_price_cny_per_mwh, game.cap_cny_per_mwh
        moves = share * (cap - float(least.min())) * np.linspace(-1.0, 1.0, _POINTS)
        moved = np.ones(len(now)) if line == self._lines - 1 else np.eye(len(now))[line]
        vectors = np.clip(now + moves[:, None] * moved, least, cap)
        return [
            np.array([on_price_grid(p, game, low) for p, low in zip(row, least.tolist(), strict=True)])
            for row in np.unique(vectors, axis=0).tolist()
        ]

    def _worth(self, tried: Sequence[Sequence[Array]]) -> list[Array]:
        """What the sellers of each game earn together at each of its price vectors."""
        games = [game for game, vectors in zip(self._games, tried, strict=True) for _ in vectors]
        flat = [vector for vectors in tried for vector in vectors]
        if not flat:
            return [np.zeros(0) for _ in tried]
        chosen = answers(games, flat, self._rules, self._choosers)
        earned = np.array(
            [
                float(profit_of(game, prices, delivered_power(game, requested)).sum())
                for game, prices, (_, requested) in zip(games, flat, chosen, strict=True)
            ]
        )
        return np.split(earned, np.cumsum([len(vectors) for vectors in tried])[:-1])
