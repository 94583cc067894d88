"""One period of a market at a moment: prices asked, sellers chosen, power that would be delivered.

Pure functions of a `Snapshot`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.app.history.snapshot import Snapshot
from market.coordination.consensus import Standing
from market.coordination.pool import pooled_period
from market.game.clearing.clearing_price import clearing_price
from market.game.clearing.rationing import delivered_power
from market.game.period import PeriodGame
from market.game.result import Verdict
from market.mechanisms.clear import clear_day
from market.model.arrays import Array, frozen
from market.model.declaration import Role
from market.model.public import PublicRules


@dataclass(frozen=True, slots=True)
class PeriodNow:
    """A period as it stands, n sellers and m buyers in the order of `game`.

    price_cny_per_mwh : shape (n,), NaN where nothing has been offered yet
    probability, requested_mw, delivered_mw : shape (m, n), 0 for a buyer that has not chosen yet; delivered is
    what (21) makes of the requests as they stand, and nothing in a period that ended without coming to rest
    clearing_price_cny_per_mwh : NaN where nothing can be traded · verdict : None until the period is concluded
    """

    game: PeriodGame
    price_cny_per_mwh: Array
    probability: Array
    requested_mw: Array
    delivered_mw: Array
    clearing_price_cny_per_mwh: float
    verdict: Verdict | None

    @property
    def traded_mw(self) -> float:
        """The power that changes hands."""
        return float(self.delivered_mw.sum())


def period_now(view: Snapshot, period: int) -> PeriodNow | None:
    """A period, counted from 0; None until everybody has declared."""
    if period >= len(view.games):
        return None
    if view.standing is not None and view.scenario is not None:
        return _pool_now(view, period, view.standing, view.scenario.public)
    game = view.games[period]
    if view.scenario is not None and view.scenario.public.market.mechanism.clears:
        return _cleared_now(view, period, view.scenario.public)
    prices = np.full(len(game.sellers), np.nan)
    for j, seller in enumerate(game.sellers):
        offer = view.offers.get(seller)
        if offer is not None and period in offer.periods:
            prices[j] = offer.price_cny_per_mwh[offer.periods.index(period)]
    probability = np.zeros((len(game.buyers), len(game.sellers)))
    requested = np.zeros_like(probability)
    for i, buyer in enumerate(game.buyers):
        selection = view.selections.get(buyer)
        if selection is not None and period in selection.periods:
            part = selection.part(period)
            probability[i], requested[i] = selection.probability[part], selection.requested_mw[part]
    verdict = view.verdicts[period] if view.verdicts else None
    moved = game.tradable and (verdict is None or verdict.rests)
    return PeriodNow(
        game=game,
        price_cny_per_mwh=frozen(prices),
        probability=frozen(probability),
        requested_mw=frozen(requested),
        delivered_mw=frozen(delivered_power(game, requested) if moved else np.zeros_like(requested)),
        clearing_price_cny_per_mwh=clearing_price(game) if game.tradable else float("nan"),
        verdict=verdict,
    )


def _pool_now(view: Snapshot, period: int, standing: Standing, public: PublicRules) -> PeriodNow:
    """Where prices are agreed on: the pool of the answers as they stand, once they are balanced."""
    price = float(standing.price_cny_per_mwh[period])
    net_in, end = standing.net_in_mw[:, period], (Verdict.UNCERTIFIED, "")
    pool = pooled_period(period, view.roster, net_in, price, end, public)
    verdict = view.verdicts[period] if view.verdicts else None
    moved = verdict is None or verdict.rests
    return PeriodNow(
        game=pool.game,
        price_cny_per_mwh=pool.price_cny_per_mwh,
        probability=pool.probability,
        requested_mw=pool.requested_mw,
        delivered_mw=pool.delivered_mw if moved else frozen(np.zeros_like(pool.delivered_mw)),
        clearing_price_cny_per_mwh=price if pool.game.tradable else float("nan"),
        verdict=verdict,
    )


def _cleared_now(view: Snapshot, period: int, public: PublicRules) -> PeriodNow:
    """Where a rule clears: what it makes of the declarations, which are all here once the games are known."""
    result = clear_day([view.declarations[vpp] for vpp in view.roster], public)[period]
    verdict = view.verdicts[period] if view.verdicts else None
    moved = verdict is None or verdict.rests
    return PeriodNow(
        game=result.game,
        price_cny_per_mwh=result.price_cny_per_mwh,
        probability=result.probability,
        requested_mw=result.requested_mw,
        delivered_mw=result.delivered_mw if moved else frozen(np.zeros_like(result.delivered_mw)),
        clearing_price_cny_per_mwh=result.clearing_price_cny_per_mwh if result.game.tradable else float("nan"),
        verdict=verdict,
    )


def role_of(view: Snapshot, vpp: str, period: int) -> Role | None:
    """What a VPP is in a period; None before it has declared."""
    declared = view.declarations.get(vpp)
    return declared.roles[period] if declared is not None and period < len(declared.roles) else None


def busiest_period(view: Snapshot) -> int:
    """The period in which most sellers meet most buyers, the earliest of equals; 0 before anything is known."""
    counts = [(len(game.sellers), len(game.buyers)) if game.tradable else (0, 0) for game in view.games]
    return counts.index(max(counts)) if counts else 0
