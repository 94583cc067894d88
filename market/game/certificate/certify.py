"""Certifies a period, (M4): proves, or refuses, that its prices and selections are an equilibrium.

Shares no code with pricing, selection or satisfaction: it has its own reading of (17), (20), (M2) and (22), and
its own global search (for τ = 0 in `market.game.certificate.on_tick`). So an error there cannot hide here.

The search is a branch and bound over price cells [a, b]. Demand never rises with the own price, so in a cell

    U ≤ (b − r) min(S, Q(a)),   U ≤ R(a) + (b − a) max(0, sup R'),   U ≤ R(b) + (b − a) max(0, −inf R')

with the revenue R = (p − r) Q and bounds of R' from the monotone parts of Q and Q'. Cells whose bound does not
beat the best value found are dropped, the others are cut. What is left over is a bound on every deviation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.errors import ModelError
from market.game.certificate.certified import PeriodCertificate
from market.game.certificate.on_tick import best_deviation, current_profit, price_grid, pure_rest, regrets
from market.game.period import PeriodGame
from market.model.arrays import Array, BoolArray, IndexArray, frozen

_BOUND_GAP = 5e-8  # wanted of (bound − found), as a share of the traded value
_NOTHING_CNY = 1e-6  # less is no trade
_FIRST_CUT, _CUT = 32, 4
_MOST_CELLS = 1 << 16  # a search that needs more at once stops and reports the bound it has
_NARROWEST = 1e-12  # of the price: a cell is cut no further
_NUMBERS_AT_ONCE = 1 << 20
_LARGEST_EXPONENT = 700.0
_TINY = 1e-100
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class _Deviation:
    """Of each seller: the best utility found, where, and a bound on all; per hour, shape (n,)."""

    found: Array
    price: Array
    bound: Array


@dataclass(frozen=True, slots=True)
class _Seen:
    """Demand at prices (C, K) of some sellers: x and y and 1 − y (C, K, m), Q (C, K)."""

    power: Array
    share: Array
    rest: Array
    total: Array


def certify(game: PeriodGame, prices: Array, probability: Array, requested: Array) -> PeriodCertificate:
    """The certificate (M4) of one tradable period.

    prices : shape (n,), CNY/MWh · probability, requested : shape (m, n), MW
    Raises: ModelError if shapes differ, a price is not finite, a row of probabilities is off the simplex, or
    a request exceeds its probability times the deficit.
    """
    _check(game, prices, probability, requested)
    hours = game.period_h
    delivered = requested * np.minimum(1.0, game.surplus_mw / np.maximum(requested.sum(axis=0), _TINY))
    value = float((delivered * prices).sum()) * hours
    value = value if value > _NOTHING_CNY else 1.0
    current = _current_profit(game, prices)
    best = _best_deviation(game, prices, current, _BOUND_GAP * value / hours)
    regret = np.maximum(0.0, best.found - current) * hours
    bound = np.maximum(regret, (best.bound - current) * hours)
    gain, plain = _buyer_gain(game, prices, probability, requested)
    clearing = _clearing(game)
    sold = delivered.sum(axis=0)
    return PeriodCertificate(
        seller_regret_cny=frozen(regret),
        seller_regret_bound_cny=frozen(bound),
        better_price_cny_per_mwh=frozen(best.price),
        buyer_distance=frozen(np.abs(probability - _rest(game, prices)).max(axis=1)),
        buyer_gain_cny=frozen(gain),
        buyer_plain_gap_cny=frozen(plain),
        traded_value_cny=value,
        epsilon_cny=float(max(regret.max(), gain.max())),
        clearing_price_cny_per_mwh=clearing,
        markup_cny_per_mwh=frozen(prices - clearing),
        hhi=float(((sold / sold.sum()) ** 2).sum()) if sold.sum() > 0 else 0.0,
    )


def _check(game: PeriodGame, prices: Array, probability: Array, requested: Array) -> None:
    matrix = (len(game.buyers), len(game.sellers))
    faults = []
    if prices.shape != matrix[1:] or probability.shape != matrix or requested.shape != matrix:
        shapes = (prices.shape, probability.shape, requested.shape)
        faults.append(f"prices, probabilities and requests must fit {matrix} buyers and sellers; got {shapes}")
    elif not np.isfinite(prices).all():
        faults.append(f"prices must be finite; got {prices.tolist()}")
    elif (_off_the_simplex(game, probability) > _SLACK).any() or not (probability >= 0).all():
        faults.append(f"probabilities must be >= 0 and sum to 1; got {probability.tolist()}")
    elif not ((requested >= 0) & (requested <= probability * game.deficit_mw[:, None] + _SLACK)).all():
        faults.append(f"requests must lie between 0 and probability x deficit; got {requested.tolist()}")
    if faults:
        raise ModelError(f"period {game.period + 1}: {faults[0]}; certify only what the participants published")


def _off_the_simplex(game: PeriodGame, probability: Array) -> Array:
    """How far each buyer's probabilities are from adding up to 1; where the grid is a choice they may be less."""
    over: Array = probability.sum(axis=1) - 1.0
    return over if game.grid_option_mw > 0.0 else np.abs(over)


# ---- buyers ---------------------------------------------------------------------------------------------------


def _base(game: PeriodGame) -> Array:
    base: Array = game.base_power_mw + game.own_supply_mw
    return base


def _demand(game: PeriodGame, price: Array) -> Array:
    """(20) at prices of any shape, buyers on a new last axis, MW."""
    at = price[..., None]
    elastic = game.satisfaction_cny_per_h / np.where(at > 0, at, 1.0) - _base(game)
    demanded: Array = np.where(at > 0, np.clip(elastic, 0.0, game.deficit_mw), game.deficit_mw)
    return demanded


def _total_demand(game: PeriodGame, price: Array) -> Array:
    """X = Σ_i x*_i at prices of any shape, MW."""
    total: Array = _demand(game, price).sum(axis=-1)
    return total


def _utility(game: PeriodGame, price: Array, power: Array) -> Array:
    """(17), buyers on the last axis, CNY/h."""
    worth: Array = game.satisfaction_cny_per_h * np.log1p(power / _base(game)) - price[..., None] * power
    return worth


def _weight_logarithm(game: PeriodGame, price: Array) -> Array:
    """U/(D τ) at the demanded power, buyers on the last axis."""
    best = _utility(game, price, _demand(game, price))
    exponent: Array = best / (game.deficit_mw * game.temperature_cny_per_mwh)
    return exponent


def _rest(game: PeriodGame, prices: Array) -> Array:
    """(M2), and at τ = 0 what runs down to each seller. Shape (m, n)."""
    if game.temperature_cny_per_mwh == 0:
        pure = pure_rest(game, prices, _total_demand(game, prices)).share
        return np.repeat(pure[None, :], len(game.buyers), axis=0)
    weight = np.log(game.surplus_mw)[:, None] + _weight_logarithm(game, prices)
    if game.grid_option_mw > 0.0:
        weight = np.vstack([weight, _grid_weight(game)])
    share = np.exp(weight - weight.max(axis=0))
    rest: Array = (share / share.sum(axis=0)).T[:, : len(prices)]
    return rest


def _grid_weight(game: PeriodGame) -> Array:
    """The logarithm of the weight of the grid among the choices of each buyer, shape (m,)."""
    weight: Array = np.log(game.grid_option_mw) + _weight_logarithm(game, np.array(game.retail_cny_per_mwh))
    return weight


def _buyer_gain(game: PeriodGame, prices: Array, probability: Array, requested: Array) -> tuple[Array, Array]:
    """What each buyer could gain in the payoff that (M2) maximises and in plain (17), CNY, shape (m,)."""
    share, asked = probability.T, requested.T
    power = np.divide(asked, share, out=np.zeros_like(asked), where=share > 0)
    current = _utility(game, prices, power)
    best = _utility(game, prices, _demand(game, prices))
    hours, heat = game.period_h, game.deficit_mw * game.temperature_cny_per_mwh
    weights = game.surplus_mw
    if game.grid_option_mw > 0.0:
        bought = np.array([game.retail_cny_per_mwh])
        from_grid = _utility(game, bought, _demand(game, bought))
        share = np.vstack([share, np.maximum(0.0, 1.0 - share.sum(axis=0))])
        current, best = np.vstack([current, from_grid]), np.vstack([best, from_grid])
        weights = np.append(weights, game.grid_option_mw)
    plain = np.maximum(0.0, best.max(axis=0) - (share * current).sum(axis=0)) * hours
    if game.temperature_cny_per_mwh == 0:
        pure = pure_rest(game, prices, _total_demand(game, prices))
        return regrets(pure, prices, probability, current.T, best.T) * hours, plain
    part = (weights / weights.sum())[:, None]
    crowding = np.log(share / part, out=np.zeros_like(share), where=share > 0)
    payoff = (share * (current - heat * crowding)).sum(axis=0)
    top = best.max(axis=0)
    optimum = top + heat * np.log((part * np.exp((best - top) / heat)).sum(axis=0))
    return np.maximum(0.0, optimum - payoff) * hours, plain


# ---- sellers --------------------------------------------------------------------------------------------------


def _current_profit(game: PeriodGame, prices: Array) -> Array:
    """(p − r) min(S, Q) of each seller at the prices certified, shape (n,), CNY/h."""
    if game.temperature_cny_per_mwh == 0:
        return current_profit(game, prices, _total_demand(game, prices))
    everyone = np.arange(len(prices))
    total = _seen(game, _rivalry(game, prices), everyone, prices[:, None]).total[:, 0]
    worth: Array = (prices - game.reserve_cny_per_mwh) * np.minimum(game.surplus_mw, total)
    return worth


def _best_deviation(game: PeriodGame, prices: Array, current: Array, gap: float) -> _Deviation:
    if game.temperature_cny_per_mwh == 0:
        return _best_tick(game, prices, current)
    rivalry = _rivalry(game, prices)
    size = max(1, _NUMBERS_AT_ONCE // ((_FIRST_CUT + 1) * len(game.buyers)))
    everyone = np.arange(len(prices))
    parts = [
        _search(game, rivalry, everyone[i : i + size], prices, current, gap) for i in range(0, len(prices), size)
    ]
    return _Deviation(
        np.concatenate([part.found for part in parts]),
        np.concatenate([part.price for part in parts]),
        np.concatenate([part.bound for part in parts]),
    )


def _best_tick(game: PeriodGame, prices: Array, current: Array) -> _Deviation:
    """Every price of the tick grid tried; the bound is what was found."""
    grid = price_grid(game)
    demanded, grid_demand = _total_demand(game, prices), _total_demand(game, grid)
    worth, where = best_deviation(game, prices, demanded, grid, grid_demand)
    found = np.maximum(current, worth)
    return _Deviation(found, np.where(worth > current, where, prices), found)


def _rivalry(game: PeriodGame, prices: Array) -> Array:
    """ln of the rivals' weights in (M2), shape (n, m): running sums from both ends leave one seller out."""
    weight = np.log(game.surplus_mw)[:, None] + _weight_logarithm(game, prices)
    none = np.full((1, len(game.buyers)), -np.inf)
    ahead = np.concatenate([none, np.logaddexp.accumulate(weight, axis=0)[:-1]])
    behind = np.concatenate([np.logaddexp.accumulate(weight[::-1], axis=0)[::-1][1:], none])
    rivals: Array = np.logaddexp(ahead, behind)
    return np.logaddexp(rivals, _grid_weight(game)) if game.grid_option_mw > 0.0 else rivals


def _seen(game: PeriodGame, rivalry: Array, seller: IndexArray, price: Array) -> _Seen:
    """The followers' rest as the sellers (C,) see it at own prices (C, K)."""
    own = np.log(game.surplus_mw)[seller, None, None] + _weight_logarithm(game, price)
    lag = np.minimum(rivalry[seller][:, None, :] - own, _LARGEST_EXPONENT)
    odds = np.exp(lag)
    share = 1.0 / (1.0 + odds)
    power = _demand(game, price)
    return _Seen(power, share, odds * share, (share * power).sum(axis=-1))


def _search(
    game: PeriodGame, rivalry: Array, sellers: IndexArray, prices: Array, current: Array, gap: float
) -> _Deviation:
    """Branch and bound for the given sellers; `gap` in CNY/h is how near the bound has to come."""
    found, at, bound = current[sellers].copy(), prices[sellers].copy(), current[sellers].copy()
    row = np.arange(sellers.size)
    low = np.maximum(game.floor_cny_per_mwh, game.reserve_cny_per_mwh[sellers])
    high = np.full(row.size, game.cap_cny_per_mwh)
    pieces = _FIRST_CUT
    while row.size:
        price = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, pieces + 1)
        price[:, -1] = high
        seen = _seen(game, rivalry, sellers[row], price)
        surplus = game.surplus_mw[sellers[row], None]
        reserve = game.reserve_cny_per_mwh[sellers[row], None]
        worth = (price - reserve) * np.minimum(surplus, seen.total)
        _keep_best(found, at, row, price, worth)
        most = _cell_bounds(game, price, seen, surplus, reserve)
        narrow = np.diff(price, axis=1) <= _NARROWEST * np.abs(price[:, 1:])
        going = (most > found[row][:, None] + gap) & ~narrow
        if going.sum() > _MOST_CELLS:
            going[:] = False
        np.maximum.at(bound, row, np.where(going, -np.inf, most).max(axis=1))
        cell, piece = np.nonzero(going)
        row, low, high, pieces = row[cell], price[cell, piece], price[cell, piece + 1], _CUT
    return _Deviation(found, at, np.maximum(found, bound))


def _keep_best(found: Array, at: Array, row: IndexArray, price: Array, worth: Array) -> None:
    """Update what was found, in place: per row the largest worth of all its cells, where it beats the old."""
    pick = worth.argmax(axis=1)[:, None]
    top = np.take_along_axis(worth, pick, axis=1)[:, 0]
    where = np.take_along_axis(price, pick, axis=1)[:, 0]
    rising = np.argsort(top, kind="stable")
    rising = rising[top[rising] > found[row[rising]]]
    found[row[rising]], at[row[rising]] = top[rising], where[rising]


def _cell_bounds(game: PeriodGame, price: Array, seen: _Seen, surplus: Array, reserve: Array) -> Array:
    """A bound on the utility in each cell between neighbouring prices, shape (C, K − 1), CNY/h."""
    a, b = price[:, :-1], price[:, 1:]
    total_a, total_b = seen.total[:, :-1], seen.total[:, 1:]
    least, most = _demand_drop(game, price, seen)
    margin_a, margin_b = a - reserve, b - reserve
    rise = np.maximum(0.0, total_a - margin_a * least)
    drop = np.maximum(0.0, margin_b * most - total_b)
    by_value = margin_b * np.minimum(surplus, total_a)
    from_a, from_b = margin_a * total_a + (b - a) * rise, margin_b * total_b + (b - a) * drop
    return np.minimum(by_value, np.minimum(from_a, from_b))


def _demand_drop(game: PeriodGame, price: Array, seen: _Seen) -> tuple[Array, Array]:
    """The least and the most of −Q' in each cell, MW per CNY/MWh.

    −Q' = Σ y (1 − y) x²/(D τ) + Σ y k/p² over the buyers who save; y and x fall with p and 1 − y rises.
    """
    heat = game.deficit_mw * game.temperature_cny_per_mwh
    x, y, z = seen.power, seen.share, seen.rest
    least = y[:, 1:] * z[:, :-1] * x[:, 1:] ** 2 / heat
    most = y[:, :-1] * z[:, 1:] * x[:, :-1] ** 2 / heat
    a, b = price[:, :-1, None], price[:, 1:, None]
    full = game.satisfaction_cny_per_h / (_base(game) + game.deficit_mw)
    none = game.satisfaction_cny_per_h / _base(game)
    always: BoolArray = (a >= full) & (b <= none)
    ever: BoolArray = (b >= full) & (a <= none)
    saving = game.satisfaction_cny_per_h
    least = least + np.where(always, y[:, 1:] * saving / np.maximum(b, _TINY) ** 2, 0.0)
    steepest = np.maximum(np.maximum(a, full), _TINY)
    most = most + np.where(ever, y[:, :-1] * saving / steepest**2, 0.0)
    return least.sum(axis=-1), most.sum(axis=-1)


# ---- for the reader -------------------------------------------------------------------------------------------


def _clearing(game: PeriodGame) -> float:
    """p_clr by repeated section: the lowest price at which demand fits the surplus, else the cap; CNY/MWh."""
    low, high = game.floor_cny_per_mwh, game.cap_cny_per_mwh
    if game.temperature_cny_per_mwh == 0:
        grid = price_grid(game)
        fits = np.flatnonzero(_total_demand(game, grid) <= _offered(game, grid))
        return float(grid[fits[0]]) if fits.size else high
    for _ in range(9):
        grid = np.linspace(low, high, 65)
        fits = np.flatnonzero(_total_demand(game, grid) <= _offered(game, grid))
        if not fits.size or fits[0] == 0:
            return high if not fits.size else low
        low, high = float(grid[fits[0] - 1]), float(grid[fits[0]])
    return min(max(round(high, 8), game.floor_cny_per_mwh), game.cap_cny_per_mwh)


def _offered(game: PeriodGame, grid: Array) -> Array:
    """Σ S over the sellers whose reserve is at most each price of the grid, MW."""
    rising = np.argsort(game.reserve_cny_per_mwh, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(game.surplus_mw[rising])])
    supply: Array = total[np.searchsorted(game.reserve_cny_per_mwh[rising], grid, side="right")]
    return supply
