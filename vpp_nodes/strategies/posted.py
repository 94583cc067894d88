"""A seller that asks prices which were settled before the day, whoever asks what: a move in a repeated game."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from market.errors import StrategyError
from vpp_nodes.strategies.turns import PriceTurn

POSTED = "vpp_nodes.strategies.posted:Posted"
"""How a scenario names it."""


class Posted:
    """Prices of a whole day. prices : one for each period, CNY/MWh, with spaces between; nan where none is settled

    >>> Posted("450.0 nan 512.5").price_by_period
    (450.0, nan, 512.5)
    """

    def __init__(self, prices: str) -> None:
        self.price_by_period = tuple(map(float, prices.split()))

    def price(self, turn: PriceTurn) -> float:
        """That of the period. StrategyError where there is none."""
        period = turn.game.period
        if period >= len(self.price_by_period) or isnan(self.price_by_period[period]):
            raise StrategyError(f"{turn.vpp}: no price is posted for period {period + 1}; post one for each")
        return self.price_by_period[period]


def posted(price_cny_per_mwh: Sequence[float]) -> dict[str, object]:
    """How a scenario says that a plant asks these prices, one for each period.

    >>> posted([450.0, 512.5])["options"]
    {'prices': '450.0 512.5'}
    """
    return {"use": POSTED, "options": {"prices": " ".join(repr(float(price)) for price in price_cny_per_mwh)}}
