"""What one VPP could trade over the day, period by period, others' final messages given: M_kt of (M6).

Deviations are those of a VPP that keeps the rules and plans otherwise: as a seller it may declare any surplus that
its plants could make and ask any price of the band; as a buyer any deficit that it could use, wanting all of it;
or it may stay with what it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from market.day_certificate.buying_menu import BuyingMenu, buying_menu
from market.day_certificate.market_end import MarketEnd
from market.day_certificate.selling_menu import SellingMenu, selling_menu
from market.game.period import PeriodGame
from market.model.arrays import Array, IndexArray, frozen
from market.model.unit_limits import LATER_KINDS, RENEWABLES, supply_sum_mw, use_sum_mw
from market.model.vpp import ControllableLoad, UnitKind, Vpp

_NOTHING_MW = 1e-9  # what is declared is rounded to it
_NEAR_MW = 1e-6  # the same power, as far as a solver can tell


@dataclass(frozen=True, slots=True)
class OfferedTrade:
    """A trade of the menus: powers in MW, and payments less earnings in CNY/h, shape (periods,)."""

    in_mw: Array
    out_mw: Array
    paid_cny_per_h: Array


@dataclass(frozen=True, slots=True)
class TradeOptions:
    """One VPP's menus of a day; None where there is no period to sell, or to buy, in.

    sells, buys : the periods of `selling` and `buying`
    held_mw, held_cny_per_h : what it buys of others as things stand, shape (periods,)
    """

    sells: IndexArray
    selling: SellingMenu | None
    buys: IndexArray
    buying: BuyingMenu | None
    held_mw: Array
    held_cny_per_h: Array

    @property
    def most_out_mw(self) -> Array:
        """The most that can be sold in each period, shape (periods,)."""
        return self._in_place(self.sells, self.selling.most_mw if self.selling else None)

    @property
    def most_in_mw(self) -> Array:
        """The most that can be bought in each period, shape (periods,)."""
        most = self._in_place(self.buys, self.buying.most_mw if self.buying else None)
        return np.maximum(most, self.held_mw)

    def selling_support(self, worth: Array) -> Array:
        """Bounds on max (p − v) q, v = `worth` (periods,), CNY/h; 0 where nothing can be sold."""
        return self._in_place(self.sells, self.selling.support(worth[self.sells]) if self.selling else None)

    def buying_support(self, worth: Array) -> Array:
        """Bounds on max (v q − payment), v = `worth` (periods,), CNY/h, what is held included."""
        bound = self._in_place(self.buys, self.buying.support(worth[self.buys]) if self.buying else None)
        return np.maximum(bound, worth * self.held_mw - self.held_cny_per_h)

    def trade_near(self, sold_mw: Array, bought_mw: Array) -> OfferedTrade:
        """A trade of the menus with these powers, or next to them, shape (periods,).

        In each period only the larger of the two; what is held is bought again where just that power is wanted.
        """
        sold_mw = np.where(sold_mw > bought_mw, sold_mw, 0.0)
        bought_mw = np.where(sold_mw > 0.0, 0.0, bought_mw)
        out_mw, in_mw = np.zeros_like(self.held_mw), np.zeros_like(self.held_mw)
        paid = np.zeros_like(self.held_mw)
        if self.selling is not None:
            wanted = np.minimum(sold_mw[self.sells], self.selling.most_mw)
            out_mw[self.sells], earned = self.selling.revenue(wanted)
            paid[self.sells] -= earned
        if self.buying is not None:
            wanted = np.minimum(bought_mw[self.buys], self.buying.most_mw)
            got, spent = self.buying.payment(wanted)
            in_mw[self.buys] = np.where(wanted > _NOTHING_MW, got, 0.0)
            paid[self.buys] += np.where(wanted > _NOTHING_MW, spent, 0.0)
        stays = (self.held_mw > 0.0) & (np.abs(bought_mw - self.held_mw) <= _NEAR_MW)
        return OfferedTrade(
            frozen(np.where(stays, self.held_mw, in_mw)),
            frozen(np.where(stays, 0.0, out_mw)),
            frozen(np.where(stays, self.held_cny_per_h, paid)),
        )

    def _in_place(self, periods: IndexArray, values: Array | None) -> Array:
        placed = np.zeros_like(self.held_mw)
        if values is not None:
            placed[periods] = values
        return placed


def trade_options(vpp: Vpp, end: MarketEnd) -> TradeOptions:
    """The menus of a VPP, from everybody's declarations and final offers. τ > 0."""
    most_out, most_in = declarable_mw(vpp)
    others = [_without(vpp.id, *period) for period in zip(end.games, end.offers_cny_per_mwh, strict=True)]
    can_sell = [_open(game) and bool(game.buyers) for game, _ in others]
    can_buy = [_open(game) and bool(game.sellers) for game, _ in others]
    sells = np.flatnonzero(np.array(can_sell) & (most_out > _NOTHING_MW))
    buys = np.flatnonzero(np.array(can_buy) & (most_in > _NOTHING_MW))
    return TradeOptions(
        sells=sells,
        selling=selling_menu(vpp.id, *_taken(others, sells), most_out[sells]) if sells.size else None,
        buys=buys,
        buying=buying_menu(*_taken(others, buys), most_in[buys]) if buys.size else None,
        held_mw=end.held_mw,
        held_cny_per_h=end.held_cny_per_h,
    )


def declarable_mw(vpp: Vpp) -> tuple[Array, Array]:
    """The largest surplus and deficit that any plan could have, by (7) to (12) and (15), each of shape (periods,).

    A plan's surplus is WT + PV + MT + discharge + CL − load, its deficit load + charge less its own supply; other
    units give and take as well.
    """
    load, shares = vpp.total_load_mw, [users.share_of_load for users in _shedding(vpp)]
    make = np.zeros_like(load) + supply_sum_mw(vpp, RENEWABLES)
    make = make + supply_sum_mw(vpp, [UnitKind.MT]) + supply_sum_mw(vpp, [UnitKind.ESS])
    make = make + supply_sum_mw(vpp, LATER_KINDS)
    kept = np.where(load > 0.0, load * (1.0 - sum(shares, 0.0)), load)
    use = load + use_sum_mw(vpp, tuple(UnitKind))
    surplus = np.clip(make - kept, 0.0, vpp.exchange.most_offered_mw)
    return surplus, np.clip(use, 0.0, vpp.exchange.most_demanded_mw)


def _shedding(vpp: Vpp) -> list[ControllableLoad]:
    return [unit.asset for unit in vpp.all_units if isinstance(unit.asset, ControllableLoad)]


_Others: TypeAlias = tuple[PeriodGame, Array]  # a period without one VPP, and the offers of the sellers in it


def _taken(others: Sequence[_Others], periods: IndexArray) -> tuple[list[PeriodGame], list[Array]]:
    chosen = [others[t] for t in periods.tolist()]
    return [game for game, _ in chosen], [offers for _, offers in chosen]


def _without(vpp_id: str, game: PeriodGame, offers: Array) -> _Others:
    sells = [j for j, seller in enumerate(game.sellers) if seller != vpp_id]
    buys = [i for i, buyer in enumerate(game.buyers) if buyer != vpp_id]
    others = replace(
        game,
        sellers=tuple(game.sellers[j] for j in sells),
        surplus_mw=game.surplus_mw[sells],
        reserve_cny_per_mwh=game.reserve_cny_per_mwh[sells],
        buyers=tuple(game.buyers[i] for i in buys),
        deficit_mw=game.deficit_mw[buys],
        own_supply_mw=game.own_supply_mw[buys],
        satisfaction_cny_per_h=game.satisfaction_cny_per_h[buys],
    )
    return others, offers[sells]


def _open(game: PeriodGame) -> bool:
    return game.floor_cny_per_mwh <= game.cap_cny_per_mwh
