"""Solves one period's game from bare numbers, certifies prices that are given, finds a seller's best response.

Arrays have the shape (n,) over the sellers, (m, n) over buyers and sellers.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from market.errors import ModelError
from market.game import pricing
from market.game import solver as equilibrium
from market.game.certificate.certified import PeriodCertificate
from market.game.certificate.certify import certify as certify_game
from market.game.clearing.rationing import requested_power
from market.game.demand_curve import demanded_power
from market.game.period import PeriodGame
from market.game.replicator import rest_point
from market.game.result import PeriodResult
from market.model.arguments import of_kind, real_numbers
from market.model.arrays import Array
from market.model.rules import MarketRules
from market.scenario.plain_value import plain_value


def solve_period(game: PeriodGame, rules: MarketRules | None = None) -> PeriodResult:
    """One period from the clearing price to its certified end: sellers re-price, (26), buyers answer, (17)–(25).

    rules : how sellers re-price, how often at most, and how buyers revise; those of a scenario are its
    `public.market`. Where none are given, a scenario's defaults: best responses. Band, τ and tick are the game's.
    Returns: verdict, prices (n,) in CNY/MWh, probabilities (m, n), powers requested and delivered (m, n) in MW,
    rounds, and the certificate (M4), which is None where nothing can be traded. ScenarioError for what is no game.

    >>> import market
    >>> game = market.PeriodGame.of(
    ...     surplus_mw=[3.0, 1.5],
    ...     deficit_mw=[2.0, 2.0],
    ...     satisfaction_cny_per_h=[1800.0, 1500.0],
    ...     floor_cny_per_mwh=400.0,
    ...     cap_cny_per_mwh=1200.0,
    ... )
    >>> result = market.solve_period(game)
    >>> result.verdict.value, result.price_cny_per_mwh.round(2).tolist()
    ('equilibrium', [533.33, 524.22])
    >>> result.certificate.epsilon_cny < 1e-6
    True
    """
    given = MarketRules() if rules is None else rules
    taken = of_kind(MarketRules, given, "rules", "take those of market.load().public.market")
    return equilibrium.solve_period(_game(game), taken)


def certify(
    game: PeriodGame,
    price_cny_per_mwh: ArrayLike,
    probability: ArrayLike | None = None,
    requested_mw: ArrayLike | None = None,
) -> PeriodCertificate:
    """The certificate (M4): how much anybody could still gain by moving from here, found by a search of its own.

    price_cny_per_mwh : shape (n,) · probability : shape (m, n), rows sum to 1; else where buyers rest, (M2)
    requested_mw : shape (m, n); else what buyers want of each seller, times its probability, (20), (21)
    Raises: ModelError if the game is not tradable, a price is outside the band or under its seller's reserve, or
    shapes or numbers do not fit; ScenarioError for what is no game, or no numbers.

    >>> import market
    >>> game = market.PeriodGame.of(
    ...     surplus_mw=[3.0, 1.5],
    ...     deficit_mw=[2.0, 2.0],
    ...     satisfaction_cny_per_h=[1800.0, 1500.0],
    ...     floor_cny_per_mwh=400.0,
    ...     cap_cny_per_mwh=1200.0,
    ... )
    >>> certificate = market.certify(game, [700.0, 700.0])
    >>> certificate.seller_regret_cny.round(2).tolist()
    [39.18, 36.33]
    """
    prices = _prices(_game(game), price_cny_per_mwh)
    chosen = rest_point(game, prices) if probability is None else real_numbers("probability", probability)
    if requested_mw is None:
        if chosen.shape != (len(game.buyers), len(game.sellers)):
            raise ModelError(_misfit("probability", (len(game.buyers), len(game.sellers)), chosen))
        requested = requested_power(chosen, demanded_power(game, prices))
    else:
        requested = real_numbers("requested_mw", requested_mw)
    return certify_game(game, prices, chosen, requested)


def best_response(game: PeriodGame, seller: int | str, price_cny_per_mwh: ArrayLike) -> float:
    """The price in CNY/MWh that is best for one seller while the others keep theirs, the maximum of (22), (26).

    seller : its name, or its place from 0 · price_cny_per_mwh : of all sellers, shape (n,), its own included,
    which does not matter. Of equally good prices the lowest; with τ = 0 on the tick grid.
    Raises: as in `certify`.

    >>> import market
    >>> game = market.PeriodGame.of(
    ...     surplus_mw=[3.0, 1.5],
    ...     deficit_mw=[2.0, 2.0],
    ...     satisfaction_cny_per_h=[1800.0, 1500.0],
    ...     floor_cny_per_mwh=400.0,
    ...     cap_cny_per_mwh=1200.0,
    ... )
    >>> round(market.best_response(game, "S1", [700.0, 700.0]), 2)
    679.73
    """
    return pricing.best_response(_game(game), _place(game, seller), _prices(game, price_cny_per_mwh))


def _game(given: object) -> PeriodGame:
    return of_kind(PeriodGame, given, "game")


def _place(game: PeriodGame, seller: int | str) -> int:
    if isinstance(seller, str) and seller in game.sellers:
        return game.sellers.index(seller)
    seller = plain_value(seller)
    if type(seller) is int and 0 <= seller < len(game.sellers):
        return seller
    raise ModelError(f"only a seller prices; got {seller!r}; name one of {', '.join(game.sellers)}, or its place")


def _prices(game: PeriodGame, given: ArrayLike) -> Array:
    """Prices that the sellers of a game may ask."""
    if not game.tradable:
        raise ModelError(
            "there is nothing to trade in this game; it takes a seller, a buyer, and a floor below a cap"
        )
    prices = real_numbers("price_cny_per_mwh", given)
    if prices.shape != (len(game.sellers),):
        raise ModelError(_misfit("price_cny_per_mwh", (len(game.sellers),), prices))
    least, cap = game.least_price_cny_per_mwh, game.cap_cny_per_mwh
    for seller, price, low in zip(game.sellers, prices.tolist(), least.tolist(), strict=True):
        if not low <= price <= cap:
            raise ModelError(f"{seller} may ask {low:g} to {cap:g} CNY/MWh; got {price:g}; stay within that")
    return prices


def _misfit(name: str, shape: tuple[int, ...], given: Array) -> str:
    return f"{name} must have the shape {shape}; got {given.shape}; give one number for each seller"
