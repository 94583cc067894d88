"""Clears a whole day by the market's mechanism, from what everybody has declared and nothing else.

Whoever holds all declarations, the broker and each node, comes to the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from market.game.clearing.clearing_price import clearing_price
from market.game.period import PeriodGame, period_games
from market.game.result import PeriodResult, Verdict
from market.game.verdict import why_no_trade
from market.mechanisms.bill_sharing import bill_sharing
from market.mechanisms.cleared import ClearedPeriod
from market.mechanisms.k_double_auction import k_double_auction
from market.mechanisms.mcafee import mcafee
from market.mechanisms.mid_market_rate import mid_market_rate
from market.mechanisms.supply_demand_ratio import supply_demand_ratio
from market.mechanisms.uniform_price import uniform_price
from market.mechanisms.vcg import vcg
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration
from market.model.public import PublicRules
from market.model.rules import Mechanism

_Rule: TypeAlias = Callable[[Sequence[PeriodGame], Sequence[str], PublicRules], Sequence[ClearedPeriod]]

RULES: Final[Mapping[Mechanism, _Rule]] = MappingProxyType(
    {
        Mechanism.UNIFORM_PRICE: lambda games, vpps, public: [uniform_price(game) for game in games],
        Mechanism.K_DOUBLE_AUCTION: lambda games, vpps, public: [
            k_double_auction(game, public.market.double_auction_share) for game in games
        ],
        Mechanism.MCAFEE: lambda games, vpps, public: [mcafee(game, vpps) for game in games],
        Mechanism.VCG: lambda games, vpps, public: [vcg(game) for game in games],
        Mechanism.MID_MARKET_RATE: lambda games, vpps, public: [
            mid_market_rate(game, retail) for game, retail in zip(games, _retail(games, public), strict=True)
        ],
        Mechanism.BILL_SHARING: lambda games, vpps, public: bill_sharing(games, _retail(games, public)),
        Mechanism.SUPPLY_DEMAND_RATIO: lambda games, vpps, public: [
            supply_demand_ratio(game, retail) for game, retail in zip(games, _retail(games, public), strict=True)
        ],
    }
)
"""How each mechanism clears the tradable periods of a day."""


def clear_day(declarations: Sequence[Declaration], public: PublicRules) -> tuple[PeriodResult, ...]:
    """Every period's end, in order; declarations of all VPPs. Only for mechanisms that clear by a rule."""
    games = period_games(declarations, public)
    tradable = [game for game in games if game.tradable]
    names = [declaration.vpp for declaration in declarations]
    cleared = RULES[public.market.mechanism](tradable, names, public)
    by_period = {game.period: end for game, end in zip(tradable, cleared, strict=True)}
    return tuple(_result(game, by_period[game.period]) if game.tradable else _nothing(game) for game in games)


def _retail(games: Sequence[PeriodGame], public: PublicRules) -> Array:
    return public.tariff.retail_cny_per_mwh[[game.period for game in games]]


def _result(game: PeriodGame, cleared: ClearedPeriod) -> PeriodResult:
    """As a period's end: each buyer's probabilities are the parts that it gets from each seller."""
    delivered = cleared.delivered_mw
    sold, total = delivered.sum(axis=0), float(delivered.sum())
    part = sold / total if total > 0.0 else game.surplus_mw / float(game.surplus_mw.sum())
    return PeriodResult(
        game=game,
        verdict=Verdict.CLEARED,
        clearing_price_cny_per_mwh=clearing_price(game),
        price_cny_per_mwh=cleared.price_cny_per_mwh,
        probability=frozen(np.tile(part, (len(game.buyers), 1))),
        requested_mw=delivered,
        delivered_mw=delivered,
        rounds=0,
        certificate=None,
        evidence=cleared.evidence,
        transfer_cny=cleared.transfer_cny,
    )


def _nothing(game: PeriodGame) -> PeriodResult:
    nothing = frozen(np.zeros((len(game.buyers), len(game.sellers))))
    prices = frozen(np.full(len(game.sellers), game.floor_cny_per_mwh))
    return PeriodResult(
        game,
        Verdict.NO_TRADE,
        game.floor_cny_per_mwh,
        prices,
        nothing,
        nothing,
        nothing,
        0,
        None,
        why_no_trade(game),
    )
