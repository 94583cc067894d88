"""What prices a seller: the market's rule, or whatever else its owner has chosen."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

from market.game.pricing.price_move import PriceMove, Repricing
from market.game.pricing.reprice import fresh_memory, reprice_all
from market.model.rules import MarketRules


class Pricer(Protocol):
    """Prices a seller, or several alike. What it remembers of a period goes from turn to turn with the moves."""

    def fresh(self) -> Hashable:
        """What it remembers before the first turn of a period."""
        ...

    def price_all(self, turns: Sequence[PriceMove]) -> Sequence[Repricing]:
        """The answer to each turn, in order; none depends on which others are asked."""
        ...


class RulePricer:
    """A seller that prices by a rule of the market, (26)."""

    def __init__(self, rules: MarketRules) -> None:
        self._rules = rules

    def fresh(self) -> Hashable:
        """As in `Pricer`."""
        return fresh_memory(self._rules)

    def price_all(self, turns: Sequence[PriceMove]) -> Sequence[Repricing]:
        """As in `Pricer`: the next price by the rule."""
        return reprice_all(self._rules, turns)
