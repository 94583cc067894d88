"""Detects quiescence, (M3), and cycles: distributed termination detection by confirmations.

A period is quiescent when everybody who plays in it has consumed the newest price of every seller in it, has said
so *after* publishing whatever that changed, and wants no step of its own. "Nothing has changed for a while" is not
asked: under long delays it is no evidence. Whether a rest is an equilibrium is for the certificate to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from broker.wire.messages import Done, Offer
from market.game.period import PeriodGame
from market.model.arrays import Array, frozen

CYCLE_SIGHTINGS = 3
"""A price vector seen this often, with others in between, is a cycle."""


@dataclass(slots=True)
class _SellerLog:
    version: int = 0
    changed_at: dict[int, int] = field(default_factory=dict)  # period -> version that last changed its price
    price: dict[int, float] = field(default_factory=dict)
    moves: Counter[int] = field(default_factory=Counter)  # period -> how often its price has changed


@dataclass(slots=True)
class _Confirmed:
    seen: dict[str, int] = field(default_factory=dict)
    pending: frozenset[int] = frozenset()


@dataclass(slots=True)
class _PriceHistory:
    """The price vectors a period went through, in order, to see them come back."""

    vectors: list[tuple[float, ...]] = field(default_factory=list)
    seen_at: dict[tuple[float, ...], list[int]] = field(default_factory=dict)

    def add(self, vector: tuple[float, ...]) -> None:
        if self.vectors and self.vectors[-1] == vector:
            return
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
        self._confirmed: dict[str, _Confirmed] = {}
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
                log.changed_at[period] = offer.version

    def done(self, node: str, done: Done) -> None:
        """A participant confirms what it consumed; its own messages up to then were given to `offer` before."""
        confirmed = self._confirmed.setdefault(node, _Confirmed())
        confirmed.seen.update({entry.vpp: entry.version for entry in done.seen})
        confirmed.pending = frozenset(done.pending)

    def note_prices(self) -> None:
        """Remember the prices that stand now, once a batch is complete."""
        for game in self._games:
            prices = self._prices(game)
            if prices is not None:
                self._history[game.period].add(prices)

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
        return not game.tradable or all(self._settled(who, game) for who in (*game.sellers, *game.buyers))

    def unconfirmed(self, game: PeriodGame) -> tuple[str, ...]:
        """Who has not confirmed the newest prices of a period yet, or would go on of its own accord."""
        if not game.tradable:
            return ()
        return tuple(who for who in (*game.sellers, *game.buyers) if not self._settled(who, game))

    def _settled(self, participant: str, game: PeriodGame) -> bool:
        confirmed = self._confirmed.get(participant)
        if confirmed is None or game.period in confirmed.pending:
            return False
        return all(self._has_seen(confirmed.seen, s, game.period) for s in game.sellers if s != participant)

    def _has_seen(self, seen: Mapping[str, int], seller: str, period: int) -> bool:
        log = self._sellers.get(seller)
        return log is not None and period in log.changed_at and seen.get(seller, 0) >= log.changed_at[period]

    def cycle(self, game: PeriodGame) -> tuple[tuple[float, ...], ...]:
        """The cycle that this period's prices have gone through, empty if none has been seen."""
        return self._history[game.period].cycle() if game.tradable else ()
