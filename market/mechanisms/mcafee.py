"""McAfee's auction by trade reduction: the last buyer and the last seller set the prices, and do not trade.

Buyers pay the bid of the buyer that is left out, sellers get the ask of the seller that is (McAfee 1992; for
amounts that can be divided Huang, Scheller-Wolf & Sycara 2002): nobody who trades sets its own price. Each bids
for all that it is short of, what the last MW of it is worth. What buyers pay above what sellers get nobody may
keep: it goes back to all VPPs in equal parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from market.game.period import PeriodGame
from market.mechanisms.cleared import ClearedPeriod, served
from market.mechanisms.merit_order import asks_cny_per_mwh, bids_cny_per_mwh
from market.model.arrays import Array, IndexArray, frozen

_NOTHING_MW = 1e-12


@dataclass(frozen=True, slots=True)
class _Last:
    """The last of those who would trade, as places in the two orders."""

    buyer: int
    seller: int


def mcafee(game: PeriodGame, vpps: Sequence[str]) -> ClearedPeriod:
    """One period. vpps : all of the market, to whom what is left over goes back"""
    bids, asks = bids_cny_per_mwh(game, game.deficit_mw), asks_cny_per_mwh(game)
    buyers, sellers = np.argsort(-bids, kind="stable"), np.argsort(asks, kind="stable")
    last = _last(bids[buyers], game.deficit_mw[buyers], asks[sellers], game.surplus_mw[sellers])
    bought, sold = np.zeros(len(game.buyers)), np.zeros(len(game.sellers))
    if last is None:
        return ClearedPeriod(frozen(np.maximum(asks, game.floor_cny_per_mwh)), served(bought, sold))
    paid, earned = float(bids[buyers[last.buyer]]), float(asks[sellers[last.seller]])
    _trade(bought, game.deficit_mw, buyers[: last.buyer], sold, game.surplus_mw, sellers[: last.seller])
    more_cny = (paid - earned) * bought * game.period_h
    back_cny = float(more_cny.sum()) / len(vpps)
    transfers = dict.fromkeys(vpps, -back_cny)
    for buyer, more in zip(game.buyers, more_cny.tolist(), strict=True):
        transfers[buyer] += more
    transfers = transfers if back_cny > 0.0 else {}
    return ClearedPeriod(frozen(np.full(len(game.sellers), earned)), served(bought, sold), transfers)


def _last(bids: Array, wanted_mw: Array, asks: Array, offered_mw: Array) -> _Last | None:
    """Who comes last where both sides are taken in their order as long as a bid is no less than an ask."""
    buyer = seller = 0
    wanted, offered, last = float(wanted_mw[0]), float(offered_mw[0]), None
    while bids[buyer] >= asks[seller]:
        last = _Last(buyer, seller)
        traded = min(wanted, offered)
        wanted, offered = wanted - traded, offered - traded
        if wanted <= _NOTHING_MW:
            buyer += 1
            if buyer == len(bids):
                break
            wanted = float(wanted_mw[buyer])
        if offered <= _NOTHING_MW:
            seller += 1
            if seller == len(asks):
                break
            offered = float(offered_mw[seller])
    return last


def _trade(
    bought: Array, wanted_mw: Array, buyers: IndexArray, sold: Array, offered_mw: Array, sellers: IndexArray
) -> None:
    """Fill in what these buyers and sellers trade: all of the shorter side, the longer in proportion."""
    wanted, offered = float(wanted_mw[buyers].sum()), float(offered_mw[sellers].sum())
    traded = min(wanted, offered)
    if traded > 0.0:
        bought[buyers] = wanted_mw[buyers] * (traded / wanted)
        sold[sellers] = offered_mw[sellers] * (traded / offered)
