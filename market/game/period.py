"""One period's game as a value: its sellers and buyers, their surplus and deficit, and the price band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from market.game.given import check_game, columns, numbered
from market.model.arguments import names_of, one_number
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration, Role
from market.model.public import PublicRules
from market.model.rules import MarketRules

_USUAL: Final = MarketRules()
"""What a game is made with where nothing else is said: the defaults of a scenario."""


@dataclass(frozen=True, slots=True)
class PeriodGame:
    """The public data of one period, n sellers and m buyers, each in the order of the declarations.

    period : index from 0 · floor, cap : the band [p̲, p̄] · feed_in : f
    temperature : τ of (M1) · base_power_mw : S0 of (17) · tick : price grid, used only when τ = 0
    surplus_mw : S, > 0, reserve_cny_per_mwh : r of (M5), f ≤ r ≤ p̄, shape (n,)
    deficit_mw : D, own_supply_mw : P^s, satisfaction_cny_per_h : k, shape (m,)
    grid_option_mw : weight of the grid among what buyers choose from, at the price retail; 0: it is no choice
    """

    period: int
    period_h: float
    floor_cny_per_mwh: float
    cap_cny_per_mwh: float
    feed_in_cny_per_mwh: float
    temperature_cny_per_mwh: float
    base_power_mw: float
    tick_cny_per_mwh: float
    sellers: tuple[str, ...]
    surplus_mw: Array
    reserve_cny_per_mwh: Array
    buyers: tuple[str, ...]
    deficit_mw: Array
    own_supply_mw: Array
    satisfaction_cny_per_h: Array
    grid_option_mw: float = 0.0
    retail_cny_per_mwh: float = 0.0

    @classmethod
    def of(
        cls,
        *,
        surplus_mw: ArrayLike,
        deficit_mw: ArrayLike,
        satisfaction_cny_per_h: ArrayLike,
        floor_cny_per_mwh: float,
        cap_cny_per_mwh: float,
        own_supply_mw: ArrayLike = 0.0,
        temperature_cny_per_mwh: float = _USUAL.choice_temperature_cny_per_mwh,
        feed_in_cny_per_mwh: float | None = None,
        reserve_cny_per_mwh: ArrayLike | None = None,
        base_power_mw: float = _USUAL.base_power_mw,
        tick_cny_per_mwh: float = _USUAL.price_tick_cny_per_mwh,
        period_h: float = 1.0,
        grid_option_mw: float = 0.0,
        retail_cny_per_mwh: float | None = None,
        sellers: Sequence[str] = (),
        buyers: Sequence[str] = (),
    ) -> PeriodGame:
        """A game from bare numbers: S and r of each seller, D, P^s and k of each buyer, or one for all of them.

        A buyer wants all of its deficit up to the price k / (S0 + P^s + D), less above it, (20). Where they are
        not given, the feed-in price is the floor, each reserve is the feed-in price, and who takes part is called
        S1, S2, … and B1, B2, …; the grid, where it is a choice, sells at the cap. Raises ScenarioError with every
        fault at once.

        >>> game = PeriodGame.of(
        ...     surplus_mw=[3.0, 1.5],
        ...     deficit_mw=[2.0, 2.0],
        ...     own_supply_mw=[1.0, 0.5],
        ...     satisfaction_cny_per_h=[1800.0, 1500.0],
        ...     floor_cny_per_mwh=400.0,
        ...     cap_cny_per_mwh=1200.0,
        ... )
        >>> game.sellers, game.buyers, game.tradable
        (('S1', 'S2'), ('B1', 'B2'), True)
        """
        floor, cap = (
            one_number("floor_cny_per_mwh", floor_cny_per_mwh),
            one_number("cap_cny_per_mwh", cap_cny_per_mwh),
        )
        feed_in = floor if feed_in_cny_per_mwh is None else one_number("feed_in_cny_per_mwh", feed_in_cny_per_mwh)
        surplus, reserve = columns(
            surplus_mw=surplus_mw,
            reserve_cny_per_mwh=feed_in if reserve_cny_per_mwh is None else reserve_cny_per_mwh,
        )
        deficit, own_supply, satisfaction = columns(
            deficit_mw=deficit_mw, own_supply_mw=own_supply_mw, satisfaction_cny_per_h=satisfaction_cny_per_h
        )
        game = cls(
            0,
            one_number("period_h", period_h),
            floor,
            cap,
            feed_in,
            one_number("temperature_cny_per_mwh", temperature_cny_per_mwh),
            one_number("base_power_mw", base_power_mw),
            one_number("tick_cny_per_mwh", tick_cny_per_mwh),
            names_of("sellers", sellers) or numbered("S", surplus),
            surplus,
            reserve,
            names_of("buyers", buyers) or numbered("B", deficit),
            deficit,
            own_supply,
            satisfaction,
            one_number("grid_option_mw", grid_option_mw),
            cap if retail_cny_per_mwh is None else one_number("retail_cny_per_mwh", retail_cny_per_mwh),
        )
        check_game(game)
        return game

    @property
    def base_mw(self) -> Array:
        """What a buyer uses without this market, S0 + P^s of (17), shape (m,)."""
        return self.base_power_mw + self.own_supply_mw

    @property
    def tradable(self) -> bool:
        """Whether there is anything to negotiate: a seller, a buyer, and a band that is not empty."""
        return bool(self.sellers) and bool(self.buyers) and self.floor_cny_per_mwh <= self.cap_cny_per_mwh

    @property
    def least_price_cny_per_mwh(self) -> Array:
        """The lowest price that each seller may ask, max(p̲, r), shape (n,)."""
        least: Array = np.maximum(self.floor_cny_per_mwh, self.reserve_cny_per_mwh)
        return least


def period_games(declarations: Sequence[Declaration], public: PublicRules) -> tuple[PeriodGame, ...]:
    """The games of all periods, from everybody's declaration.

    The band is p̲ = max(p_min, feed-in), p̄ = min(p_max, retail) (MODEL section 3). Who declares a reserve above it
    (and above the feed-in price, which is everybody's) has nothing to sell here.
    Sellers and buyers keep the order of `declarations`.
    """
    ordered = tuple(declarations)
    return tuple(_period_game(t, ordered, public) for t in range(public.horizon.periods))


def _period_game(t: int, declarations: tuple[Declaration, ...], public: PublicRules) -> PeriodGame:
    market, tariff = public.market, public.tariff
    feed_in, retail = float(tariff.feed_in_cny_per_mwh[t]), float(tariff.retail_cny_per_mwh[t])
    cap = min(market.price_max_cny_per_mwh, retail)
    sellers = [
        d for d in declarations if d.roles[t] is Role.SELLER and d.reserve_cny_per_mwh[t] <= max(cap, feed_in)
    ]
    buyers = [d for d in declarations if d.roles[t] is Role.BUYER]
    return PeriodGame(
        period=t,
        period_h=public.horizon.period_h,
        floor_cny_per_mwh=max(market.price_min_cny_per_mwh, feed_in),
        cap_cny_per_mwh=cap,
        feed_in_cny_per_mwh=feed_in,
        temperature_cny_per_mwh=market.choice_temperature_cny_per_mwh,
        base_power_mw=market.base_power_mw,
        tick_cny_per_mwh=market.price_tick_cny_per_mwh,
        sellers=tuple(d.vpp for d in sellers),
        surplus_mw=frozen(np.array([d.surplus_mw[t] for d in sellers])),
        reserve_cny_per_mwh=frozen(np.array([d.reserve_cny_per_mwh[t] for d in sellers])),
        buyers=tuple(d.vpp for d in buyers),
        deficit_mw=frozen(np.array([d.deficit_mw[t] for d in buyers])),
        own_supply_mw=frozen(np.array([d.own_supply_mw[t] for d in buyers])),
        satisfaction_cny_per_h=frozen(np.array([d.satisfaction_cny_per_h[t] for d in buyers])),
        grid_option_mw=market.grid_option_mw,
        retail_cny_per_mwh=retail,
    )
