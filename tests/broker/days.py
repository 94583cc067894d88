"""Small market days for tests of the broker and the nodes: rules and declarations, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from market.model.arrays import frozen
from market.model.declaration import Declaration, Role
from market.model.public import PublicRules
from market.model.rules import CarbonRules, Horizon, MarketRules, PriceRule, Tariff

SELLS, BUYS, IDLES = Role.SELLER, Role.BUYER, Role.IDLE


def market_rules(
    temperature: float = 50.0, rule: PriceRule = PriceRule.BEST_RESPONSE, offer_budget: int = 5000
) -> MarketRules:
    """The default market rules, with what tests vary."""
    return MarketRules(
        choice_temperature_cny_per_mwh=temperature,
        price_rule=rule,
        offer_budget=offer_budget,
    )


def public_rules(
    periods: int = 2, retail: float = 750.0, feed_in: float = 400.0, market: MarketRules | None = None
) -> PublicRules:
    """A flat tariff and the paper's carbon parameters."""
    carbon = CarbonRules(direct_quota_t_per_mwh=0.0)
    return PublicRules(
        Horizon(periods, 1.0),
        Tariff(frozen([retail] * periods), frozen([feed_in] * periods)),
        market or market_rules(),
        carbon,
        "digest",
    )


def declaration(
    vpp: str, volumes: Sequence[float], willing: float = 700.0, own_supply: float = 0.5, reserve: float = 400.0
) -> Declaration:
    """A declaration from signed volumes, MW: > 0 surplus, < 0 deficit; buyers are willing to pay `willing`."""
    surplus = frozen([max(v, 0.0) for v in volumes])
    deficit = frozen([max(-v, 0.0) for v in volumes])
    own = frozen([own_supply if v < 0 else 0.0 for v in volumes])
    satisfaction = frozen([willing * (0.001 + own_supply - v) if v < 0 else 0.0 for v in volumes])
    roles = tuple(SELLS if v > 0 else BUYS if v < 0 else IDLES for v in volumes)
    reserves = frozen([reserve if v > 0 else 0.0 for v in volumes])
    return Declaration(vpp, roles, surplus, deficit, own, satisfaction, reserves)


def market_day(volumes: Mapping[str, Sequence[float]]) -> tuple[Declaration, ...]:
    """Everybody's declaration."""
    return tuple(declaration(vpp, row) for vpp, row in volumes.items())
