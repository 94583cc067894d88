"""The verdict on a period: whether the prices and selections at which it came to rest are an equilibrium.

Runs of many processes and the solver conclude by the same function, so they conclude alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from market.game.certificate.certified import PeriodCertificate
from market.game.certificate.certify import certify
from market.game.clearing.clearing_price import clearing_price
from market.game.clearing.rationing import delivered_power
from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.model.arrays import Array, frozen

CERTIFICATE_TOLERANCE: Final = 1e-6
"""Largest regret of an equilibrium, as a share of the period's traded value."""

_SIMPLEX_TOLERANCE = 1e-9
_CYCLE_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Ending:
    """How the negotiation of a period stopped, and why. EQUILIBRIUM: nobody moves any more, certified later.

    settled : prices, shape (n,), of a cycle in which nobody gains, where they are not the last that were asked
    """

    verdict: Verdict
    evidence: str = ""
    settled: Array | None = None


AT_REST: Final = Ending(Verdict.EQUILIBRIUM)


def budget_spent(moves: int, *, of_day: bool = False) -> Ending:
    """The ending where a seller would go on after so many moves in a period, or so many offers of a day."""
    done = f"has made {moves} offers" if of_day else f"has moved {moves} times"
    return Ending(Verdict.BUDGET_SPENT, f"a seller {done} and would go on; raise market.offer_budget")


def conclude(
    game: PeriodGame, prices: Array, probability: Array, requested: Array, rounds: int, ending: Ending = AT_REST
) -> PeriodResult:
    """Certify where a period ended and give its verdict.

    A period at rest is an equilibrium only if the certificate proves every regret within CERTIFICATE_TOLERANCE; it
    is UNCERTIFIED otherwise, and where there is no certificate, since somebody has not answered. Another ending
    keeps its evidence, delivers nothing, and has a certificate where all have priced and answered.
    prices : shape (n,), CNY/MWh · probability, requested : shape (m, n), MW
    """
    return certified(ended(game, prices, probability, requested, rounds, ending))


def ended(
    game: PeriodGame, prices: Array, probability: Array, requested: Array, rounds: int, ending: Ending = AT_REST
) -> PeriodResult:
    """What `conclude` makes of a period before it is certified: the trade is the same, the verdict may not be."""
    verdict, evidence = ending.verdict, ending.evidence
    if not game.tradable:
        verdict, evidence = Verdict.NO_TRADE, why_no_trade(game)
    delivered = delivered_power(game, requested) if verdict.rests else np.zeros_like(requested)
    clearing = clearing_price(game) if game.tradable else game.floor_cny_per_mwh
    powers = (frozen(probability), frozen(requested), frozen(delivered))
    return PeriodResult(game, verdict, clearing, frozen(prices), *powers, rounds, None, evidence)


def certified(result: PeriodResult) -> PeriodResult:
    """What has ended, with its certificate and the verdict by that, as `conclude` says."""
    game, prices, probability = result.game, result.price_cny_per_mwh, result.probability
    if not game.tradable:
        return result
    certificate, verdict, evidence = None, result.verdict, result.evidence
    if _complete(game, prices, probability):
        certificate = certify(game, prices, probability, result.requested_mw)
    if verdict is Verdict.EQUILIBRIUM and certificate and proven(certificate) > CERTIFICATE_TOLERANCE:
        verdict, evidence = Verdict.UNCERTIFIED, _who_gains(game, certificate)
    if verdict is Verdict.EQUILIBRIUM and certificate is None:
        verdict, evidence = Verdict.UNCERTIFIED, _who_is_silent(game, probability)
    return replace(result, verdict=verdict, certificate=certificate, evidence=evidence)


def _complete(game: PeriodGame, prices: Array, probability: Array) -> bool:
    """Whether every seller has priced inside the band, at its reserve or above, and every buyer has answered."""
    priced = (prices >= game.least_price_cny_per_mwh) & (prices <= game.cap_cny_per_mwh)
    over = probability.sum(axis=1) - 1.0
    chosen = (over <= 0.0) & probability.any(axis=1) if game.grid_option_mw > 0.0 else False
    answered = (np.abs(over) <= _SIMPLEX_TOLERANCE) | chosen
    return bool(priced.all() and answered.all())


def proven(certificate: PeriodCertificate) -> float:
    """The largest regret that the certificate does not exclude, as a share of the traded value."""
    worst = max(certificate.seller_regret_bound_cny.max(), certificate.buyer_gain_cny.max())
    return float(worst) / certificate.traded_value_cny


def _who_gains(game: PeriodGame, certificate: PeriodCertificate) -> str:
    sellers, buyers = certificate.seller_regret_bound_cny, certificate.buyer_gain_cny
    if sellers.max() >= buyers.max():
        j = int(sellers.argmax())
        better, gain = certificate.better_price_cny_per_mwh[j], certificate.seller_regret_cny[j]
        return f"at rest, but {game.sellers[j]} would gain {gain:.6g} CNY at {better:.6g} CNY/MWh"
    i = int(buyers.argmax())
    return f"at rest, but {game.buyers[i]} would gain {buyers[i]:.6g} CNY by choosing otherwise"


def _who_is_silent(game: PeriodGame, probability: Array) -> str:
    silent = [buyer for buyer, row in zip(game.buyers, probability, strict=True) if not row.any()]
    return f"at rest, but {', '.join(silent) or 'somebody'} has not answered"


def why_no_trade(game: PeriodGame) -> str:
    """Why a game is not tradable, in words."""
    if not game.sellers:
        return "nobody sells"
    if not game.buyers:
        return "nobody buys"
    return f"floor {game.floor_cny_per_mwh:g} above cap {game.cap_cny_per_mwh:g} CNY/MWh"


def cycle_story(game: PeriodGame, cycle: Sequence[tuple[float, ...]], unit: str) -> str:
    """A cycle of price vectors in words, a long one from its dearest vector on with its middle left out.

    cycle : one price for each seller at each place, CNY/MWh · unit : what passes from one place to the next
    """
    low, high = min(map(min, cycle)), max(map(max, cycle))
    steps = [f"({', '.join(f'{price:g}' for price in prices)})" for prices in cycle]
    if len(steps) > _CYCLE_SHOWN:
        dearest = max(range(len(cycle)), key=lambda place: sum(cycle[place]))
        steps = steps[dearest:] + steps[:dearest]
        half = _CYCLE_SHOWN // 2
        steps = [*steps[:half], f"… {len(steps) - 2 * half} more …", *steps[-half:]]
    who, span = ", ".join(game.sellers), f"between {low:g} and {high:g} CNY/MWh"
    return f"prices of {who} repeat after {len(cycle)} {unit}, {span}: {' → '.join(steps)}"
