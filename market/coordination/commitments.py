"""Consensus where units are switched on and off: when commitments are chosen, which are kept, what is settled.

Where somebody commits units, answers are first those of the relaxed day. Once they have come to rest all choose
their commitments at once, each those of its best day not too far from its anchor, binaries included,

    argmin_z F_k(z) + Δt π·z + (Δt/2) ‖√ρ (z − a_k)‖²                                                    (M22)

and hold them while prices and exchange come to rest again: a leg. That is done several times, with another ρ each,
from where the cheapest leg so far has ended. Neighbours choose with different ρ: those that are alike would else
all start where one should. Of each round all know, up to the same Σ_k F_k(0), what it costs, and a lower bound of
what any costs:

    Σ_k F_k(z_k) = Σ_k F_k(0) − saving        Σ_k min_z [F_k(z) + Δt π·z] = Σ_k F_k(0) − saving − Σ_k r_k

so at last the cheapest exchange of all rounds is judged at prices of the highest bound: no round has less Σ r_k.
The mean of the last leg, later rounds counting more, is among them, since answers swing about the best exchange.
Prices with the highest bound there is are those of the least uplift (Gribik, Hogan and Pope 2007).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import inf
from typing import Final

import numpy as np

from market.model.arrays import Array, frozen

_LOOKS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # times ρ of the opening: ever nearer to the anchor
_LAST_CHOICE: Final = 85  # the round after which no more are made
_REST: Final = 0.01  # of a typical exchange: a leg ends once nothing moves, or is missing, by more
_LAST_REST: Final = 0.0002
_MOST_RELAXED_ROUNDS: Final = 50
_MOST_ROUNDS: Final = 12  # of a leg with commitments: more are better spent on other choices
_MOST_LAST_ROUNDS: Final = 80  # of the last one, which counts


@dataclass(frozen=True, slots=True)
class Choice:
    """Where commitments are chosen: prices π, shape (periods,); anchors and ρ, (participants, periods)."""

    price_cny_per_mwh: Array
    anchors_mw: Array
    step: Array


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg that has ended. choice : None for the relaxed day · saving_cny : the most of its rounds

    price_cny_per_mwh, anchors_mw : where it has ended
    """

    choice: Choice | None
    saving_cny: float
    price_cny_per_mwh: Array
    anchors_mw: Array


@dataclass(frozen=True, slots=True)
class Cheapest:
    """Of all rounds: the most that is saved, and by which exchange, (participants, periods).

    bound_cny : the least saving + Σ_k r_k, which no exchange saves more than, and at which prices
    """

    saving_cny: float
    exchange_mw: Array
    bound_cny: float
    price_cny_per_mwh: Array


class SearchStage(Enum):
    """What a round is judged for."""

    LEG = "any leg but the last"
    LAST_LEG = "the last leg, with the best choice there was"
    MEAN = "the mean of the last leg"
    CHEAPEST = "what is settled"


@dataclass(frozen=True, slots=True)
class Commitments:
    """How far the search for commitments has come.

    choice : of this leg · begun : after which round · made : how many choices before and with it
    saving_cny : the most in this leg · best : of the legs before
    weighed_mw : the sum of the last leg's answers, each as often as it is rounds after the beginning
    """

    choice: Choice | None = None
    begun: int = 0
    made: int = 0
    stage: SearchStage = SearchStage.LEG
    saving_cny: float = -inf
    best: Leg | None = None
    cheapest: Cheapest | None = None
    weighed_mw: Array | None = None

    def judged(self, exchange_mw: Array, price: Array, saving_cny: float, regrets_cny: float) -> Commitments:
        """With what all say of a round of this leg."""
        bound_cny, known = saving_cny + regrets_cny, self.cheapest
        if known is None:
            known = Cheapest(saving_cny, exchange_mw, bound_cny, price)
        if saving_cny > known.saving_cny:
            known = replace(known, saving_cny=saving_cny, exchange_mw=exchange_mw)
        if bound_cny < known.bound_cny:
            known = replace(known, bound_cny=bound_cny, price_cny_per_mwh=price)
        return replace(self, cheapest=known, saving_cny=max(self.saving_cny, saving_cny))

    def weighed(self, number: int, answers_mw: Array) -> Commitments:
        """With the answers of a round of the last leg."""
        before = 0.0 if self.weighed_mw is None else self.weighed_mw
        return replace(self, weighed_mw=frozen(before + (number - self.begun) * answers_mw))

    def mean_mw(self, number: int) -> Array:
        """The mean of the last leg, which has ended with that round; answers, not balanced."""
        assert self.weighed_mw is not None
        rounds = number - self.begun
        return frozen(self.weighed_mw / (rounds * (rounds + 1) / 2))

    def at_rest(self, number: int, moved_mw: float, typical_mw: float) -> bool:
        """Whether this leg ends with that round, in which nothing has moved, or is missing, by more than that."""
        rest, most = _REST, _MOST_ROUNDS if self.choice else _MOST_RELAXED_ROUNDS
        if self.stage is SearchStage.LAST_LEG:
            rest, most = _LAST_REST, _MOST_LAST_ROUNDS
        return moved_mw <= rest * typical_mw or number - self.begun >= most

    def next_leg(self, number: int, price: Array, anchors_mw: Array, step: Array) -> tuple[Commitments, Leg]:
        """Once this leg has ended there: the next one, and the leg it sets out from. step : ρ of the opening"""
        ended = Leg(self.choice, self.saving_cny, price, anchors_mw)
        best = self._better(ended)
        if self.made == len(_LOOKS) or number >= _LAST_CHOICE:
            return replace(self, choice=best.choice, begun=number, stage=SearchStage.LAST_LEG, best=best), best
        looks = [_LOOKS[(self.made + k) % len(_LOOKS)] for k in range(len(best.anchors_mw))]
        choice = Choice(best.price_cny_per_mwh, best.anchors_mw, frozen(np.outer(looks, step)))
        leg = replace(self, choice=choice, begun=number, made=self.made + 1, saving_cny=-inf, best=best)
        return leg, best

    def _better(self, ended: Leg) -> Leg:
        """That leg, or the best before it; the relaxed day gives way to any other."""
        best = self.best
        return ended if best is None or best.choice is None or ended.saving_cny > best.saving_cny else best
