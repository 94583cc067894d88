"""Instances of the game for tests: hand-made ones and random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from market.game.period import PeriodGame
from market.model.arrays import Array, frozen
from market.model.rules import MarketRules, PriceRule

TOO_BALANCED = 1e-3
"""Nearer to S = D than this there may be several equilibria (MODEL section 3); tests stay out of it."""


def make_rules(
    rule: PriceRule = PriceRule.BEST_RESPONSE,
    *,
    temperature: float = 50.0,
    revision_step: float = 0.5,
    gradient_step: float = 10.0,
    tatonnement_step: float = 20.0,
    offer_budget: int = 5000,
) -> MarketRules:
    """Market rules of which the game itself reads the price rule, the steps and the budget."""
    return MarketRules(
        choice_temperature_cny_per_mwh=temperature,
        price_rule=rule,
        revision_step=revision_step,
        gradient_step_cny_per_mwh_per_mw=gradient_step,
        tatonnement_step_cny_per_mwh=tatonnement_step,
        offer_budget=offer_budget,
    )


def make_game(
    surplus: Sequence[float],
    deficit: Sequence[float],
    *,
    satisfaction: Sequence[float],
    own_supply: Sequence[float] | None = None,
    floor: float = 300.0,
    cap: float = 1200.0,
    feed_in: float | None = None,
    reserve: Sequence[float] | None = None,
    temperature: float = 50.0,
    base_power: float = 0.001,
    tick: float = 1.0,
    period: int = 0,
    period_h: float = 1.0,
) -> PeriodGame:
    """A game of S1, S2, … and B1, B2, …; the feed-in price is the floor and each reserve, where not given."""
    feed_in = floor if feed_in is None else feed_in
    return PeriodGame(
        period=period,
        period_h=period_h,
        floor_cny_per_mwh=floor,
        cap_cny_per_mwh=cap,
        feed_in_cny_per_mwh=feed_in,
        temperature_cny_per_mwh=temperature,
        base_power_mw=base_power,
        tick_cny_per_mwh=tick,
        sellers=tuple(f"S{j + 1}" for j in range(len(surplus))),
        surplus_mw=frozen(surplus),
        reserve_cny_per_mwh=frozen(reserve if reserve is not None else np.full(len(surplus), feed_in)),
        buyers=tuple(f"B{i + 1}" for i in range(len(deficit))),
        deficit_mw=frozen(deficit),
        own_supply_mw=frozen(own_supply if own_supply is not None else np.zeros(len(deficit))),
        satisfaction_cny_per_h=frozen(satisfaction),
    )


def random_game(
    seed: int,
    *,
    sellers: int | None = None,
    buyers: int | None = None,
    temperature: float | None = None,
    ratio: float | None = None,
    period: int = 0,
) -> PeriodGame:
    """1–6 sellers, 1–6 buyers, S/D from 0.05 to 8, τ from 1 to 200, bands from 20 to 900 CNY/MWh wide.

    Buyers value energy by κ λ (S0 + P^s + D), as the model has it, with κ λ from 180 to 1200 CNY/MWh.
    """
    rng = np.random.default_rng(seed)
    n, m = sellers or int(rng.integers(1, 7)), buyers or int(rng.integers(1, 7))
    tau = temperature if temperature is not None else float(np.exp(rng.uniform(0.0, np.log(200.0))))
    feed_in = float(rng.uniform(0.0, 400.0))
    floor = max(300.0, feed_in)
    deficit = rng.uniform(0.05, 6.0, m)
    own = rng.uniform(0.0, 6.0, m) * (rng.random(m) < 0.7)
    wanted = ratio or float(np.exp(rng.uniform(np.log(0.05), np.log(8.0))))
    surplus = rng.uniform(0.05, 6.0, n)
    surplus *= wanted * deficit.sum() / surplus.sum()
    return make_game(
        surplus.tolist(),
        deficit.tolist(),
        satisfaction=(rng.uniform(180.0, 1200.0, m) * (0.001 + own + deficit)).tolist(),
        own_supply=own.tolist(),
        floor=floor,
        cap=floor + float(rng.uniform(20.0, 900.0)),
        feed_in=feed_in,
        temperature=tau,
        period=period,
    )


def narrow_game(seed: int) -> PeriodGame:
    """1–3 sellers, 1–5 buyers who all stop buying 1e-4 to 60 CNY/MWh above the floor of a band of 20 to 900."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    floor = float(rng.uniform(1.0, 400.0))
    own = rng.uniform(0.0, 6.0, m)
    stop = floor + 10.0 ** rng.uniform(-4.0, 1.8, m)
    return make_game(
        rng.uniform(0.01, 6.0, n).tolist(),
        rng.uniform(0.01, 6.0, m).tolist(),
        satisfaction=(stop * (0.001 + own)).tolist(),
        own_supply=own.tolist(),
        floor=floor,
        cap=floor + float(rng.uniform(20.0, 900.0)),
        feed_in=floor - float(rng.choice([0.0, 0.0, 5.0])),
        temperature=float(np.exp(rng.uniform(0.0, 5.0))),
    )


def narrow_prices(game: PeriodGame, seed: int) -> Array:
    """Prices of the sellers on the grid, within 10 CNY/MWh of the floor, shape (n,)."""
    rng = np.random.default_rng([seed, 1])
    highest = min(game.floor_cny_per_mwh + 10.0, game.cap_cny_per_mwh)
    return np.round(rng.uniform(game.floor_cny_per_mwh, highest, len(game.sellers)), 8)


def prices_that_sell(game: PeriodGame) -> Array:
    """A dense grid below each price at which a buyer stops buying, within the band, CNY/MWh."""
    stops = game.satisfaction_cny_per_h / (game.base_power_mw + game.own_supply_mw)
    tops = np.minimum(stops, game.cap_cny_per_mwh)
    grids = [np.linspace(game.floor_cny_per_mwh, top, 400) for top in tops.tolist()]
    every: Array = np.unique(np.concatenate(grids))
    return every


def random_prices(game: PeriodGame, seed: int) -> Array:
    """Prices of the sellers on the grid, anywhere in the band, shape (n,)."""
    rng = np.random.default_rng(seed)
    return np.round(rng.uniform(game.floor_cny_per_mwh, game.cap_cny_per_mwh, len(game.sellers)), 8)


def balance(game: PeriodGame) -> float:
    """ΣS/ΣD."""
    return float(game.surplus_mw.sum() / game.deficit_mw.sum())


@st.composite
def games(draw: st.DrawFn, *, temperature: float | None = None, sellers: int | None = None) -> PeriodGame:
    """Random games that are not balanced."""
    game = random_game(draw(st.integers(0, 2**32 - 1)), temperature=temperature, sellers=sellers)
    assume(abs(balance(game) - 1.0) > TOO_BALANCED)
    return game


def same_price(game: PeriodGame, price: float) -> Array:
    """Every seller at one price, shape (n,)."""
    return np.full(len(game.sellers), price)


def permuted(game: PeriodGame, sellers: Sequence[int], buyers: Sequence[int]) -> PeriodGame:
    """The same game with its participants in another order."""
    return PeriodGame(
        game.period,
        game.period_h,
        game.floor_cny_per_mwh,
        game.cap_cny_per_mwh,
        game.feed_in_cny_per_mwh,
        game.temperature_cny_per_mwh,
        game.base_power_mw,
        game.tick_cny_per_mwh,
        tuple(game.sellers[j] for j in sellers),
        frozen(game.surplus_mw[list(sellers)]),
        frozen(game.reserve_cny_per_mwh[list(sellers)]),
        tuple(game.buyers[i] for i in buyers),
        frozen(game.deficit_mw[list(buyers)]),
        frozen(game.own_supply_mw[list(buyers)]),
        frozen(game.satisfaction_cny_per_h[list(buyers)]),
    )
