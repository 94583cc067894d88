"""Cycles of prices in which nobody gains anything by any step, which count as rest.

Where surplus and demand just balance, every common price of a stretch can be an equilibrium, a best reply is to
ask what the others ask, and rounding makes sellers swap prices for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from market.game.buyers import answer_day
from market.game.certificate.certify import certify
from market.game.period import PeriodGame
from market.game.result import Verdict
from market.game.verdict import CERTIFICATE_TOLERANCE, Ending, cycle_story, proven
from market.model.arrays import Array, frozen
from market.model.rules import MarketRules

LARGEST_AMPLITUDE_CNY_PER_MWH: Final = 1e-5
"""A cycle in which some price moves by more is one."""


def answers(game: PeriodGame, prices: Array, rules: MarketRules) -> tuple[Array, Array]:
    """What all buyers answer to `prices`: probabilities and requests in MW, shape (m, n) each."""
    given = [answer_day(buyer, [game], [prices], rules)[0] for buyer in game.buyers]
    return np.array([answer.probability for answer in given]), np.array([answer.requested_mw for answer in given])


def ending_of_cycle(
    game: PeriodGame, cycle: Sequence[Array], rules: MarketRules, unit: str, preferred: Callable[[], Array | None]
) -> Ending:
    """What a cycle of price vectors amounts to: where nobody gains anything on the way round, it is a rest.

    unit : what passes from one vector to the next · preferred : as in `rest_of_cycle`
    """
    settled = rest_of_cycle(game, cycle, rules, preferred)
    if settled is None:
        story = cycle_story(game, [tuple(prices.tolist()) for prices in cycle], unit)
        return Ending(Verdict.CYCLING, story)
    return Ending(Verdict.EQUILIBRIUM, _dithering_story(cycle), settled)


def rest_of_cycle(
    game: PeriodGame, cycle: Sequence[Array], rules: MarketRules, preferred: Callable[[], Array | None]
) -> Array | None:
    """Where a cycle settles that is no more than dithering; None if it is a true one.

    It is dithering if no price moves by more than 1e-5 CNY/MWh and nobody gains more than 1e-6 of the value at any
    of its vectors. It settles at what `preferred` gives if that is as near and as good, else at each seller's
    highest price, else at the highest vector: none of these depends on who moved first.
    """
    vectors = np.unique(np.array(cycle), axis=0)
    least, most = vectors.min(axis=0), vectors.max(axis=0)
    if (most - least).max() > LARGEST_AMPLITUDE_CNY_PER_MWH:
        return None
    if not all(_certified(game, vector, rules) for vector in vectors):
        return None
    first = preferred()
    candidates = [most] if first is None or not _near(first, least, most) else [first, most]
    good = (frozen(candidate) for candidate in candidates if _certified(game, candidate, rules))
    return next(good, frozen(vectors[-1]))


def _near(prices: Array, least: Array, most: Array) -> bool:
    """Whether no price is further from any of the cycle's than those may be from each other."""
    off = np.maximum(np.abs(prices - least), np.abs(prices - most))
    return bool(off.max() <= LARGEST_AMPLITUDE_CNY_PER_MWH)


def _certified(game: PeriodGame, prices: Array, rules: MarketRules) -> bool:
    certificate = certify(game, prices, *answers(game, prices, rules))
    return proven(certificate) <= CERTIFICATE_TOLERANCE


def _dithering_story(cycle: Sequence[Array]) -> str:
    """In words what was settled."""
    amplitude = float(np.ptp(np.array(cycle), axis=0).max())
    return f"prices came back within {amplitude:.1e} CNY/MWh of each other, where nobody gains: settled there"
