"""Stands between the market and a strategy of somebody's: asks it, and takes only what may be said."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from market.errors import MarketError, StrategyError
from market.game.buyers import BuyersReply, answer_day
from market.game.clearing.rationing import requested_power
from market.game.demand_curve import demanded_power
from market.game.period import PeriodGame
from market.game.price_grid import on_price_grid, on_probability_grid
from market.game.pricing import PriceMove, Repricing
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import MarketRules
from vpp_nodes.strategies.turns import ChoiceTurn, DeclareTurn, Price, PriceTurn

_NEARLY_ONE = 1e-6  # a choice may miss its sum by so much; it is taken in proportion
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered of one period. turns : taken, where the strategy learns · own : what it remembers"""

    turns: int = 0
    own: Hashable = None


class ForeignPricer:
    """Prices by a strategy. learning_turns : after so many turns in a period one that learns keeps its price."""

    def __init__(self, vpp: str, strategy: Any, seed: int, learning_turns: int) -> None:
        self._vpp = vpp
        self._strategy = strategy
        self._seed = seed
        self._turns = learning_turns if getattr(strategy, "learns", False) else None

    def fresh(self) -> Hashable:
        """As in `Pricer`."""
        return Remembered()

    def price_all(self, turns: Sequence[PriceMove]) -> Sequence[Repricing]:
        """As in `Pricer`. StrategyError for what may not be asked."""
        return [self._price(turn) for turn in turns]

    def _price(self, turn: PriceMove) -> Repricing:
        known = turn.memory
        assert isinstance(known, Remembered)
        own = float(turn.prices[turn.seller])
        if self._turns is not None and known.turns >= self._turns:
            return Repricing(own, known, False)
        number = known.turns + 1
        told = PriceTurn(
            self._vpp, turn.game, turn.seller, turn.prices, number, self._turns, known.own, self._seed
        )
        answer = asked(self._vpp, turn.game, self._strategy.price, told)
        answer = answer if isinstance(answer, Price) else Price(answer)
        price = self._on_grid(turn, answer.price_cny_per_mwh)
        again = bool(answer.again) and self._turns is not None and number < self._turns
        return Repricing(price, self._remembered(turn.game, number, answer.memory), again)

    def _on_grid(self, turn: PriceMove, price: object) -> float:
        least, cap = float(turn.game.least_price_cny_per_mwh[turn.seller]), turn.game.cap_cny_per_mwh
        asks = float(price) if isinstance(price, int | float | np.floating) else float("nan")
        if not isfinite(asks) or not least - _ROUNDING <= asks <= cap + _ROUNDING:
            found = f"asks {price!r:.60}; a price is from {least:g} to {cap:g} CNY/MWh"
            raise _broken(self._vpp, turn.game, found)
        return on_price_grid(asks, turn.game, least)

    def _remembered(self, game: PeriodGame, number: int, memory: Hashable) -> Remembered:
        try:
            hash(memory)
        except TypeError:
            found = (
                f"remembers a {type(memory).__name__}; a memory is something that can be hashed, such as a tuple"
            )
            raise _broken(self._vpp, game, found) from None
        return Remembered(0 if self._turns is None else number, memory)


@dataclass(frozen=True, slots=True)
class ForeignChooser:
    """Chooses by a strategy; how much it demands of each seller follows from its curve, (20), as ever."""

    strategy: Any

    def __call__(
        self, buyer: str, games: Sequence[PeriodGame], prices: Sequence[Array], rules: MarketRules
    ) -> Sequence[BuyersReply]:
        """As `answer_day`. StrategyError for a choice that is none."""
        usual = answer_day(buyer, games, prices, rules)
        parts = zip(games, prices, usual, strict=True)
        return [self._reply(buyer, game, offered, reply) for game, offered, reply in parts]

    def _reply(self, buyer: str, game: PeriodGame, prices: Array, usual: BuyersReply) -> BuyersReply:
        place = game.buyers.index(buyer)
        told = ChoiceTurn(buyer, game, place, prices, usual.probability)
        chosen = _share(buyer, game, asked(buyer, game, self.strategy.choose, told))
        probability = on_probability_grid(chosen)[: len(game.sellers)]
        requested = requested_power(probability, demanded_power(game, prices)[place])
        return replace(usual, probability=probability, requested_mw=requested)


def _share(vpp: str, game: PeriodGame, chosen: object) -> Array:
    """The choice as shares that sum to 1, (n,); where buyers may choose the grid (n + 1,), the last one its.

    There it is what the choice leaves of 1.
    """
    try:
        shares = np.array(chosen, dtype=np.float64)
    except (TypeError, ValueError):
        shares = np.zeros(0)
    grid = game.grid_option_mw > 0.0
    fits = shares.shape == (len(game.sellers),) and bool(np.isfinite(shares).all()) and not (shares < 0.0).any()
    total = float(shares.sum()) if fits else np.inf
    if total - 1.0 > _NEARLY_ONE or (1.0 - total > _NEARLY_ONE and not grid):
        most = "at most 1, the rest being the grid's" if grid else "1"
        found = f"chooses {chosen!s:.80}; a choice is {len(game.sellers)} shares from 0 on that sum to {most}"
        raise _broken(vpp, game, found)
    if grid:
        shares = np.append(shares, max(1.0 - total, 0.0))
    return frozen(shares / shares.sum())


def declared_by(
    strategy: Any, vpp: str, plan: DispatchPlan, public: PublicRules, truthful: Declaration
) -> Declaration:
    """What a strategy makes public of a plan. StrategyError unless it is a declaration of this VPP."""
    answer = asked(vpp, None, strategy.declare, DeclareTurn(vpp, plan, public, truthful))
    if not isinstance(answer, Declaration) or answer.vpp != vpp:
        raise StrategyError(f"{vpp}: its strategy declares {answer!r:.60}; it answers a Declaration of {vpp}")
    return answer


def asked(vpp: str, game: PeriodGame | None, ask: Callable[[Any], Any], turn: Any) -> Any:
    """The answer of somebody's code. StrategyError in place of whatever else it raises."""
    try:
        return ask(turn)
    except MarketError:
        raise
    except (Exception, SystemExit) as error:  # what ends a program ends no market
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        where = f" ({last.tb_frame.f_code.co_filename}, line {last.tb_lineno})" if last else ""
        raise _broken(vpp, game, f"fails with {type(error).__name__}: {error}{where}") from error


def _broken(vpp: str, game: PeriodGame | None, what: str) -> StrategyError:
    when = "" if game is None else f"period {game.period + 1}: "
    return StrategyError(f"{vpp}: {when}its strategy {what}")
