"""Detects quiescence, (M3), and cycles: distributed termination detection by confirmations.

A period is quiescent when everybody who plays in it has consumed the newest price of every seller in it, has said
so *after* publishing whatever that changed, and wants no step of its own. "Nothing has changed for a while" is not
asked: under long delays it is no evidence. Whether a rest is an equilibrium is for the certificate to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from broker.wire.messages import Done, Offer
from market.game.period import PeriodGame
from market.model.arrays import Array, BoolArray, IndexArray, frozen

CYCLE_SIGHTINGS = 3
"""A price vector seen this often, with others in between, is a cycle."""


@dataclass(slots=True)
class _SellerLog:
    version: int = 0
    price: dict[int, float] = field(default_factory=dict)
    moves: Counter[int] = field(default_factory=Counter)  # period -> how often its price has changed


_NEVER = 1 << 62
"""The version of an offer that has not been made: nobody has seen it."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Who plays in a period, by place: sellers, then buyers, none twice."""

    sellers: IndexArray
    players: IndexArray

    @classmethod
    def of(cls, game: PeriodGame, place: Mapping[str, int]) -> _Part:
        sellers = [place[vpp] for vpp in game.sellers]
        return cls(
            np.array(sellers, dtype=np.intp),
            np.array([*sellers, *(place[vpp] for vpp in game.buyers)], dtype=np.intp),
        )


class _Confirmations:
    """What each has confirmed, in arrays: of n players, each in its place, over T periods.

    seen : the newest version of each seller that each has consumed, its own always, shape (n, n)
    changed_at : the version of each seller that last changed its price in each period, shape (n, T)
    """

    def __init__(self, players: int, periods: int) -> None:
        self._seen = np.zeros((players, players), dtype=np.int64)
        np.fill_diagonal(self._seen, _NEVER)
        self._changed_at = np.full((players, periods), _NEVER, dtype=np.int64)
        self._waiting = np.ones((players, periods), dtype=np.bool_)  # not heard of yet, or wants another step
        self._settled: dict[int, BoolArray] = {}  # by period, as long as nothing is said that it follows from

    def changed(self, seller: int, period: int, version: int) -> None:
        self._changed_at[seller, period] = version
        self._settled.pop(period, None)

    def confirmed(self, node: int, seen: Mapping[int, int], pending: Iterable[int]) -> None:
        if seen:
            known = self._seen[node]
            sellers = np.fromiter(seen, np.intp, len(seen))
            known[sellers] = np.maximum(known[sellers], np.fromiter(seen.values(), np.int64, len(seen)))
        self._waiting[node] = False
        self._waiting[node, list(pending)] = True
        self._settled.clear()

    def newest(self, part: _Part, period: int) -> IndexArray:
        """The versions in which the sellers of a period have last changed their prices."""
        versions: IndexArray = self._changed_at[part.sellers, period]
        return versions

    def known_to_sellers(self, part: _Part, versions: IndexArray) -> bool:
        """Whether each seller of a period has consumed these versions of all of them."""
        return bool((self._seen[np.ix_(part.sellers, part.sellers)] >= versions).all())

    def settled(self, part: _Part, period: int) -> BoolArray:
        """Whether each player of a period has consumed its newest prices and wants no step of its own."""
        if period not in self._settled:
            newest = self.newest(part, period)
            seen = (self._seen[np.ix_(part.players, part.sellers)] >= newest).all(axis=1)
            self._settled[period] = seen & ~self._waiting[part.players, period]
        return self._settled[period]


@dataclass(slots=True)
class _PriceHistory:
    """The price vectors a period went through, in order, to see them come back.

    first : by vector, the versions of the offers that it was made of when it was seen first
    """

    vectors: list[tuple[float, ...]] = field(default_factory=list)
    seen_at: dict[tuple[float, ...], list[int]] = field(default_factory=dict)
    first: dict[tuple[float, ...], IndexArray] = field(default_factory=dict)

    def stands_at(self, vector: tuple[float, ...]) -> bool:
        """Whether it is the newest one."""
        return bool(self.vectors) and self.vectors[-1] == vector

    def add(self, vector: tuple[float, ...], versions: IndexArray) -> None:
        """One that differs from the newest one."""
        self.first.setdefault(vector, versions)
        self.seen_at.setdefault(vector, []).append(len(self.vectors))
        self.vectors.append(vector)

    def cycle(self) -> tuple[tuple[float, ...], ...]:
        """The longest way from one sighting of the newest to the next, if it has been seen often enough.

        Where delays differ, a seller can come back for a moment to what it has just left; the cycle is the way
        round.
        """
        if not self.vectors:
            return ()
        sightings = self.seen_at[self.vectors[-1]]
        if len(sightings) < CYCLE_SIGHTINGS:
            return ()
        start, end = max(pairwise(sightings), key=lambda stretch: stretch[1] - stretch[0])
        return tuple(self.vectors[start:end])


class QuiescenceDetector:
    """What has been published and confirmed in one epoch, and what follows from it, period by period."""

    def __init__(self, games: Sequence[PeriodGame]) -> None:
        self._games = [game for game in games if game.tradable]
        self._sellers: dict[str, _SellerLog] = {}
        players = dict.fromkeys(vpp for game in self._games for vpp in (*game.sellers, *game.buyers))
        self._place = {vpp: place for place, vpp in enumerate(players)}
        self._parts = {game.period: _Part.of(game, self._place) for game in self._games}
        periods = 1 + max((game.period for game in games), default=-1)
        self._confirmations = _Confirmations(len(players), periods)
        self._history = {game.period: _PriceHistory() for game in self._games}

    def offer(self, seller: str, offer: Offer) -> None:
        """A seller has published prices."""
        log = self._sellers.setdefault(seller, _SellerLog())
        log.version = offer.version
        for period, price in zip(offer.periods, offer.price_cny_per_mwh.tolist(), strict=True):
            known = log.price.get(period)
            if known != price:
                log.moves[period] += known is not None
                log.price[period] = price
                self._confirmations.changed(self._place[seller], period, offer.version)

    def done(self, node: str, done: Done) -> None:
        """A participant confirms what it consumed; its own messages up to then were given to `offer` before."""
        place = self._place.get(node)
        if place is not None:
            seen = {self._place[entry.vpp]: entry.version for entry in done.seen if entry.vpp in self._place}
            self._confirmations.confirmed(place, seen, done.pending)

    def note_prices(self) -> None:
        """Remember the prices that stand now, once a batch is complete."""
        for game in self._games:
            prices, history = self._prices(game), self._history[game.period]
            if prices is not None and not history.stands_at(prices):
                history.add(prices, self._confirmations.newest(self._parts[game.period], game.period))

    def prices(self, game: PeriodGame) -> Array | None:
        """The newest price of each seller of a game, shape (n,), or None before all have offered."""
        prices = self._prices(game)
        return None if prices is None else frozen(prices)

    def _prices(self, game: PeriodGame) -> tuple[float, ...] | None:
        try:
            return tuple([self._sellers[seller].price[game.period] for seller in game.sellers])
        except KeyError:
            return None

    def rounds(self, game: PeriodGame) -> int:
        """The most offers that any one seller of this game has published."""
        return max((self._sellers[s].version for s in game.sellers if s in self._sellers), default=0)

    def moves(self, game: PeriodGame) -> int:
        """How often the seller that did so most has changed its price in this game."""
        return max((self._sellers[s].moves[game.period] for s in game.sellers if s in self._sellers), default=0)

    def rests(self, game: PeriodGame) -> bool:
        """Whether (M3) holds in this period; a period with nothing to trade always rests."""
        return not game.tradable or bool(self._settled(game).all())

    def unconfirmed(self, game: PeriodGame) -> tuple[str, ...]:
        """Who has not confirmed the newest prices of a period yet, or would go on of its own accord."""
        if not game.tradable:
            return ()
        players = (*game.sellers, *game.buyers)
        return tuple(who for who, settled in zip(players, self._settled(game), strict=True) if not settled)

    def _settled(self, game: PeriodGame) -> BoolArray:
        return self._confirmations.settled(self._parts[game.period], game.period)

    def cycle(self, game: PeriodGame) -> tuple[tuple[float, ...], ...]:
        """The cycle that this period's prices have gone through, empty if none has been seen.

        Its sellers have to know what it began with: as long as an offer is under way, those that have not heard of
        it may go round though it will end that.
        """
        if not game.tradable:
            return ()
        history, part = self._history[game.period], self._parts[game.period]
        found = history.cycle()
        return found if found and self._confirmations.known_to_sellers(part, history.first[found[0]]) else ()
