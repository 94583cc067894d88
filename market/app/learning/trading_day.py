"""A day whose sellers post their prices before it begins: what each earns, and what it could have earned.

All plan and declare; then each seller asks one price in each period, whatever the others ask, and buyers choose.
Arrays have the shape (V, T): VPPs in the order of the roster, periods of the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from market.errors import Fault, ScenarioError
from market.game.certificate.certify import certify
from market.game.clearing.clearing_price import clearing_price, opening_prices
from market.game.clearing.rationing import delivered_power
from market.game.period import PeriodGame, period_games
from market.game.price_grid import on_price_grid
from market.game.pricing import PriceMove, RulePricer
from market.game.solver import answers
from market.model.arrays import Array, BoolArray, frozen
from market.model.rules import Coupling, Mechanism
from market.scenario.parts import require_one_plan, require_plants
from market.scenario.scenario import Scenario
from vpp_nodes.dispatch import dispatch
from vpp_nodes.strategies.behaviour import Behaviours

_MOST_REMEMBERED: Final = 200_000
"""Price vectors of which is remembered what they earned; beyond that all are forgotten."""


At: TypeAlias = tuple[int, tuple[float, ...]]
"""A period, and what its sellers ask."""


class Regrets(NamedTuple):
    """What other own prices would have earned in addition, shape (V, T), CNY, 0 where a VPP does not sell.

    found : by the best deviation · bound : no deviation gains more, proved (M4)
    """

    found_cny: Array
    bound_cny: Array


@dataclass(frozen=True, eq=False)  # no slots: what was worked out is remembered
class TradingDay:
    """The games of a day that has been planned.

    sells : who sells when · least_price_cny_per_mwh, surplus_mw, deficit_mw : (V, T), 0 where that is not the role
    cap_cny_per_mwh : shape (T,) · opening_cny_per_mwh : the first prices by the market's rules, NaN where none
    """

    scenario: Scenario
    games: tuple[PeriodGame, ...]
    behave: Behaviours
    sells: BoolArray
    least_price_cny_per_mwh: Array
    cap_cny_per_mwh: Array
    surplus_mw: Array
    deficit_mw: Array
    opening_cny_per_mwh: Array
    _profits: dict[At, Array] = field(default_factory=dict, init=False)
    _regrets: dict[At, tuple[Array, Array]] = field(default_factory=dict, init=False)
    _replies: dict[tuple[int, *At], float] = field(default_factory=dict, init=False)

    @property
    def vpps(self) -> tuple[str, ...]:
        """All of them, in the order of the rows."""
        return self.scenario.roster

    def row(self, vpp: str) -> int:
        """Its place."""
        return self.vpps.index(vpp)

    def asked(self, vpp: str, share: Array) -> Array:
        """What a seller asks that goes these shares of the way from its least price to the cap, (T,), CNY/MWh.

        share : shape (T,), 0 … 1. On the grid of prices; NaN where it does not sell.
        """
        k, prices = self.row(vpp), np.full(len(self.games), np.nan)
        for t in np.flatnonzero(self.sells[k]).tolist():
            least = float(self.least_price_cny_per_mwh[k, t])
            price = least + float(share[t]) * (float(self.cap_cny_per_mwh[t]) - least)
            prices[t] = on_price_grid(price, self.games[t], least)
        return prices

    def share_of(self, price_cny_per_mwh: Array) -> Array:
        """Where prices (V, T) stand between least price and cap, 0 … 1; 0 where a VPP does not sell."""
        width = self.cap_cny_per_mwh - self.least_price_cny_per_mwh
        open_band = self.sells & (width > 0.0)
        share = np.zeros(self.sells.shape)
        above = price_cny_per_mwh - self.least_price_cny_per_mwh
        np.divide(above, width, out=share, where=open_band)
        return np.clip(share, 0.0, 1.0)

    def reply(self, vpp: str, price_cny_per_mwh: Array) -> Array:
        """What a seller answers to prices (V, T) by its rule or strategy, in one turn: (T,), NaN as above."""
        k, found = self.row(vpp), np.full(len(self.games), np.nan)
        due = [self._at(t, price_cny_per_mwh) for t in np.flatnonzero(self.sells[k]).tolist()]
        _forget(self._replies)
        new = [key for key in due if (k, *key) not in self._replies]
        if new:
            pricer = self.behave.pricers.get(vpp) or RulePricer(self.scenario.public.market)
            turns = [
                PriceMove(self.games[t], self.games[t].sellers.index(vpp), frozen(np.array(p)), pricer.fresh())
                for t, p in new
            ]
            for (t, prices), answer in zip(new, pricer.price_all(turns), strict=True):
                self._replies[k, t, prices] = answer.price
        for t, prices in due:
            found[t] = self._replies[k, t, prices]
        return found

    def profit_cny(self, price_cny_per_mwh: Array) -> Array:
        """What each seller earns over its reserve at these prices, (22): (V, T), 0 where it does not sell."""
        at = self._traded(price_cny_per_mwh)
        _forget(self._profits)
        new = [key for key in at if key not in self._profits]
        if new:
            for (key, game), prices, (_, requested) in self._answered(new):
                self._profits[key] = profit_of(game, prices, delivered_power(game, requested))
        return self.table({key[0]: self._profits[key] for key in at})

    def regrets(self, price_cny_per_mwh: Array) -> Regrets:
        """How much each seller would have gained by other prices, the others' given."""
        at = self._traded(price_cny_per_mwh)
        _forget(self._regrets)
        new = [key for key in at if key not in self._regrets]
        if new:
            for (key, game), prices, (probability, requested) in self._answered(new):
                certificate = certify(game, prices, probability, requested)
                self._regrets[key] = certificate.seller_regret_cny, certificate.seller_regret_bound_cny
        found, bound = ({key[0]: self._regrets[key][which] for key in at} for which in (0, 1))
        return Regrets(self.table(found), self.table(bound))

    def table(self, by_period: dict[int, Array]) -> Array:
        """What is known of the sellers of some games, (n,) each, as one array (V, T); 0 elsewhere."""
        return self._spread(by_period, 0.0)

    def prices(self, by_period: dict[int, Array]) -> Array:
        """Prices of the sellers of some games, (n,) each, as one array (V, T); NaN elsewhere."""
        return self._spread(by_period, np.nan)

    def _spread(self, by_period: dict[int, Array], elsewhere: float) -> Array:
        whole = np.full(self.sells.shape, elsewhere)
        for t, values in by_period.items():
            whole[[self.row(seller) for seller in self.games[t].sellers], t] = values
        return whole

    def _traded(self, price_cny_per_mwh: Array) -> list[At]:
        """The prices of every game that is traded."""
        return [self._at(t, price_cny_per_mwh) for t, game in enumerate(self.games) if game.tradable]

    def _at(self, t: int, price_cny_per_mwh: Array) -> At:
        """The prices of one game, in its order."""
        column = price_cny_per_mwh[:, t].tolist()
        return t, tuple(column[self.row(seller)] for seller in self.games[t].sellers)

    def _answered(self, at: Sequence[At]) -> Iterator[tuple[tuple[At, PeriodGame], Array, tuple[Array, Array]]]:
        """What buyers choose and request at prices of several games."""
        games = [self.games[t] for t, _ in at]
        vectors = [np.array(prices) for _, prices in at]
        chosen = answers(games, vectors, self.scenario.public.market, self.behave.choosers)
        yield from zip(zip(at, games, strict=True), vectors, chosen, strict=True)


def planned_day(scenario: Scenario) -> TradingDay:
    """All plan and declare. ScenarioError where nothing can be posted; DispatchError, StrategyError as a run."""
    require_one_plan(require_plants(scenario))
    _check(scenario)
    public = scenario.public
    behave = Behaviours.of(scenario.vpps, public.market)
    plans = [dispatch(vpp, public, None) for vpp in scenario.vpps]
    declarations = [behave.declared(vpp, plan, public) for vpp, plan in zip(scenario.vpps, plans, strict=True)]
    games = period_games(declarations, public)
    roster, shape = scenario.roster, (len(scenario.roster), len(games))
    sells, least, opening = np.zeros(shape, dtype=bool), np.zeros(shape), np.full(shape, np.nan)
    surplus, deficit = np.zeros(shape), np.zeros(shape)
    for t, game in enumerate(games):
        rows = [roster.index(seller) for seller in game.sellers]
        buyers = [roster.index(buyer) for buyer in game.buyers]
        surplus[rows, t], deficit[buyers, t] = game.surplus_mw, game.deficit_mw
        if game.tradable:
            sells[rows, t], least[rows, t] = True, game.least_price_cny_per_mwh
            opening[rows, t] = opening_prices(game, clearing_price(game))
    cap = np.array([game.cap_cny_per_mwh for game in games])
    sells.flags.writeable = False
    frozen_arrays = frozen(least), frozen(cap), frozen(surplus), frozen(deficit), frozen(opening)
    return TradingDay(scenario, games, behave, sells, *frozen_arrays)


def profit_of(game: PeriodGame, price_cny_per_mwh: Array, delivered_mw: Array) -> Array:
    """What each seller of a period earns over its reserve, (n,), CNY."""
    earned: Array = game.period_h * (price_cny_per_mwh - game.reserve_cny_per_mwh) * delivered_mw.sum(axis=0)
    return earned


def _check(scenario: Scenario) -> None:
    market = scenario.public.market
    wanted: Sequence[tuple[str, str, str]] = (
        ("mechanism", market.mechanism.value, Mechanism.GAME.value),
        ("coupling", market.coupling.value, Coupling.ONCE.value),
    )
    faults = [
        Fault(f"must be {right} where sellers learn to price", value, f"market.{name}", f"take {right}")
        for name, value, right in wanted
        if value != right
    ]
    if faults:
        raise ScenarioError(faults)


def _forget(remembered: dict[Any, Any]) -> None:
    """Keep memory bounded; what is forgotten is worked out again."""
    if len(remembered) >= _MOST_REMEMBERED:
        remembered.clear()
