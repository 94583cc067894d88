"""Consensus on a common price of each period, by the alternating direction method of multipliers (M7).

    z_k ← argmin_z F_k(z) + Δt π·z + (Δt ρ/2) ‖z − (z_k − z̄)‖²        π ← π + ρ z̄

(exchange ADMM, Boyd et al. 2011, 7.3; the first rounds go further in the direction of those before, see
`extrapolation`). F_k(z) is the cheapest day of VPP k with the net peer power z, and stays
its own: what a VPP reveals is z_k, its cost is asked of it through callables.

For balanced z (Σ_k z_k = 0) and any π the regrets

    r_k = F_k(z_k) + Δt π·z_k − min_z [F_k(z) + Δt π·z] ≥ 0

prove how good z is: Σ_k r_k ≥ Σ_k F_k(z_k) − optimum, since Σ_k min_z [F_k(z) + Δt π·z] ≤ optimum for every π.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import fsum, inf
from typing import Final

import numpy as np

from market.coordination.extrapolation import Course, next_point
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration
from market.model.rules import Horizon, MarketRules, Tariff

_LEAST_SPREAD_CNY_PER_MWH: Final = 1.0
_UNTRADED_MW: Final = 1.0  # typical power where nobody has anything over or is short of anything
_UNEVEN: Final = 10.0  # the two residuals may differ by this factor before ρ is changed
_FIRST_ROUNDS: Final = 40  # in which ρ may change, and steps may go further: from then on the method converges
_GOES_ON: Final = 4  # once enough is certified, for a round in as many that it took
_FINER: Final = 0.1  # of what was asked for: certified, it ends at once
_COARSE: Final = 1e-6  # of a typical exchange: smaller residuals say nothing about ρ
_FINE: Final = 0.0001  # of a typical exchange: the least reach that answers are fitted to
_NO_SAVING: Final = 1e-6  # of what typical exchanges of all would cost at retail: regrets as small leave nothing
_NO_GAIN: Final = 1e-9  # of what a day costs without trade: regrets as small are none


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of things in a market, all of it public.

    typical_mw : of an exchange · step : ρ, CNY/(MW² h)
    reach_mw : how far answers still are from their anchors, to a small share of which they are worked out
    """

    typical_mw: float
    step: float
    reach_mw: float


@dataclass(frozen=True, slots=True)
class Participant:
    """One VPP as consensus sees it: what it answers, and what it says of its own costs.

    answer : (π, anchor z_k − z̄, scale) → z_k, all of shape (periods,)
    cost_cny : z → F_k(z), infinite where it has no such day
    least_cny : π → a proven lower bound of min_z F_k(z) + Δt π·z
    """

    vpp: str
    answer: Callable[[Array, Array, Scale], Array]
    cost_cny: Callable[[Array], float]
    least_cny: Callable[[Array], float]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a participant says of a round: r_k, and what it saves, F_k(0) − F_k(z_k).

    Where it has no such day, its regret is infinite and its saving minus that.
    """

    regret_cny: float
    saving_cny: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What everybody knows once all have answered round `number`: prices π (periods,), all answers.

    answers_mw : shape (participants, periods) · scale : for the answers that follow
    anchors_mw : from which each looks for its next answer, of the shape of the answers
    course : of the rounds before
    """

    number: int
    price_cny_per_mwh: Array
    answers_mw: Array
    scale: Scale
    anchors_mw: Array
    course: Course = field(default=Course(), compare=False)

    @property
    def net_in_mw(self) -> Array:
        """The answers balanced."""
        return balanced_exchange(self.answers_mw)

    def anchor_mw(self, k: int) -> Array:
        """From where participant k looks for its next answer, z_k − z̄ if no step has gone further."""
        anchor: Array = self.anchors_mw[k]
        return anchor


@dataclass(frozen=True, slots=True)
class ConsensusRound:
    """A round: prices π (periods,), balanced exchange z (participants, periods), and what each says of it.

    imbalance_mw : the largest |Σ_k z_k| of the answers, before they were balanced
    """

    number: int
    price_cny_per_mwh: Array
    net_in_mw: Array
    judged: tuple[Judged, ...]
    imbalance_mw: float

    @property
    def regrets_cny(self) -> float:
        """Σ_k r_k: no balanced exchange is cheaper by more. Infinite where somebody has no such day."""
        return fsum(each.regret_cny for each in self.judged)

    @property
    def saving_cny(self) -> float:
        """Σ_k F_k(0) − F_k(z_k); minus infinity where somebody has no such day."""
        return fsum(each.saving_cny for each in self.judged)


@dataclass(frozen=True, slots=True)
class Consensus:
    """All rounds, the first being no trade; `settled` is the one with the least Σ_k r_k, the first of them.

    reached : whether that is as small as was asked for
    """

    rounds: tuple[ConsensusRound, ...]
    settled: ConsensusRound
    reached: bool


def scale_of(declarations: Sequence[Declaration], tariff: Tariff) -> Scale:
    """ρ = mean of retail − feed-in (at least 1 CNY/MWh) / mean of all declared surpluses and deficits but 0.

    Where nobody declares any, 1 MW stands in for their mean.
    """
    powers = np.concatenate([[d.surplus_mw, d.deficit_mw] for d in declarations], axis=None)
    typical = float(powers[powers > 0.0].mean()) if (powers > 0.0).any() else _UNTRADED_MW
    spread = float(np.abs(tariff.retail_cny_per_mwh - tariff.feed_in_cny_per_mwh).mean())
    return Scale(typical, max(spread, _LEAST_SPREAD_CNY_PER_MWH) / typical, reach_mw=typical)


class ConsensusSearch:
    """Rounds until all regrets together are at most a share of what trade saves, or none, or the budget is spent.

    Once that is certified a few rounds follow: regrets should be a small share of what the day costs as well,
    which is told to nobody and may be much less than what trade saves.

    Turn by turn: what all say of the standing, `judged`, then what all answer, `answered`, unless it is `over`.
    """

    def __init__(
        self, participants: int, scale: Scale, tariff: Tariff, horizon: Horizon, rules: MarketRules
    ) -> None:
        self.standing = opening(participants, scale, tariff, horizon)
        self.over = False
        self._rounds: list[ConsensusRound] = []
        self._last = rules.consensus_rounds
        self._rules = rules
        retail = float(np.abs(tariff.retail_cny_per_mwh).sum()) * horizon.period_h
        self._nothing_cny = _NO_SAVING * participants * scale.typical_mw * retail

    def judged(self, judged: Sequence[Judged]) -> ConsensusRound:
        """What everybody says of the standing."""
        now = self.standing
        imbalance = float(np.abs(now.answers_mw.sum(axis=0)).max())
        each = ConsensusRound(now.number, now.price_cny_per_mwh, now.net_in_mw, tuple(judged), imbalance)
        self._rounds.append(each)
        if self._reached(each):
            self._last = min(self._last, each.number + each.number // _GOES_ON)
        self.over = self._reached(each, _FINER) or each.number >= self._last
        return each

    def answered(self, answers_mw: Array) -> None:
        """What everybody answers to the standing."""
        self.standing = after(self.standing, answers_mw)

    @property
    def found(self) -> Consensus:
        """What has been found so far; at least one round has been judged."""
        settled = min(self._rounds, key=lambda each: each.regrets_cny)
        return Consensus(tuple(self._rounds), settled, self._reached(settled))

    @property
    def rounds(self) -> tuple[ConsensusRound, ...]:
        """Those that have been judged."""
        return tuple(self._rounds)

    def _reached(self, each: ConsensusRound, part: float = 1.0) -> bool:
        """Whether that part of what was asked for is certified.

        The saving is that of the exchange, which is never more than the possible one.
        """
        return each.regrets_cny <= max(part * self._rules.consensus_regret * each.saving_cny, self._nothing_cny)


def is_last(number: int, rules: MarketRules) -> bool:
    """Whether no answers are asked for after this round."""
    return number >= rules.consensus_rounds


def find_consensus(
    participants: Sequence[Participant],
    scale: Scale,
    tariff: Tariff,
    horizon: Horizon,
    rules: MarketRules,
    on_round: Callable[[ConsensusRound], None] = lambda each: None,
) -> Consensus:
    """The rounds of participants that are all here."""
    search = ConsensusSearch(len(participants), scale, tariff, horizon, rules)
    while True:
        now = search.standing
        net_in = now.net_in_mw
        judged = [
            judged_by(each, net_in[k], now.price_cny_per_mwh, horizon.period_h)
            for k, each in enumerate(participants)
        ]
        on_round(search.judged(judged))
        if search.over:
            return search.found
        answers = [answer_of(each, now, k) for k, each in enumerate(participants)]
        search.answered(np.array(answers))


def answer_of(participant: Participant, now: Standing, k: int) -> Array:
    """What participant k answers to a standing, shape (periods,)."""
    return participant.answer(now.price_cny_per_mwh, now.anchor_mw(k), now.scale)


def judged_by(participant: Participant, net_in_mw: Array, price: Array, period_h: float) -> Judged:
    """What a participant says of its exchange at these prices. A regret of no more than rounding is none."""
    alone, cost = (participant.cost_cny(power) for power in (np.zeros_like(net_in_mw), net_in_mw))
    if cost == inf:
        return Judged(inf, -inf)
    regret = max(cost + period_h * float(net_in_mw @ price) - participant.least_cny(price), 0.0)
    return Judged(regret if regret > _NO_GAIN * abs(alone) else 0.0, alone - cost)


def opening(participants: int, scale: Scale, tariff: Tariff, horizon: Horizon) -> Standing:
    """Round 0: no trade, at the mean of the grid's prices."""
    price = (tariff.retail_cny_per_mwh + tariff.feed_in_cny_per_mwh) / 2.0
    nothing = frozen(np.zeros((participants, horizon.periods)))
    return Standing(0, frozen(price), nothing, scale, nothing)


def after(before: Standing, answers_mw: Array) -> Standing:
    """The standing once all have answered: prices move by the mean of the answers, and each anchor to its answer.

    In the first rounds ρ is evened out, and both go as far as the rounds before promise.
    """
    number, scale = before.number + 1, before.scale
    mean = answers_mw.mean(axis=0)
    price, anchors = before.price_cny_per_mwh + scale.step * mean, answers_mw - mean
    course = Course()
    if number <= _FIRST_ROUNDS:
        scale = _evened(before, anchors, mean)
        if scale == before.scale:
            price, anchors, course = _gone_further(before, price, anchors)
    reach_mw = _reach_mw(scale, answers_mw - before.anchors_mw)
    scale = replace(scale, reach_mw=reach_mw)
    return Standing(number, frozen(price), frozen(answers_mw), scale, frozen(anchors), course)


def _gone_further(before: Standing, price: Array, anchors: Array) -> tuple[Array, Array, Course]:
    """Prices and anchors past those of a round, as its course promises; Σ_k of the anchors stays 0.

    Measured in MW, as ADMM's own distance is: √K π/ρ for K participants, beside their anchors.
    """
    unit = before.scale.step / float(np.sqrt(len(anchors)))
    ends = np.vstack([price / unit, anchors])
    begun = np.vstack([before.price_cny_per_mwh / unit, before.anchors_mw])
    point, course = next_point(before.course, begun.ravel(), ends.ravel())
    rows = point.reshape(ends.shape)
    return rows[0] * unit, rows[1:] - rows[1:].mean(axis=0), course


def balanced_exchange(answers_mw: Array) -> Array:
    """Answers (participants, periods) with Σ_k z_kt = 0: in each period the longer side gives way, in proportion.

    Nobody exchanges more than it answered, nor the other way round.
    """
    taken, given = np.maximum(answers_mw, 0.0), np.maximum(-answers_mw, 0.0)
    wanted, offered = taken.sum(axis=0), given.sum(axis=0)
    traded = np.minimum(wanted, offered)
    return frozen(taken * _share(traded, wanted) - given * _share(traded, offered))


def _share(traded: Array, of: Array) -> Array:
    return np.divide(traded, of, out=np.zeros_like(of), where=of > 0.0)


def _reach_mw(scale: Scale, distance_mw: Array) -> float:
    """The largest distance of an answer from its anchor, within _FINE … 1 of a typical exchange."""
    return min(max(float(np.abs(distance_mw).max()), _FINE * scale.typical_mw), scale.typical_mw)


def _evened(before: Standing, anchors: Array, mean: Array) -> Scale:
    """ρ doubled where answers miss each other by far more than they still move, halved where it is the other way.

    (Boyd et al. 2011, 3.4.1; both residuals are public.) anchors, mean : of the answers, z_k − z̄ and z̄
    """
    scale = before.scale
    primal = float(np.linalg.norm(np.broadcast_to(mean, anchors.shape)))
    dual = float(np.linalg.norm(anchors - before.anchors_mw))
    if max(primal, dual) < _COARSE * scale.typical_mw * float(np.sqrt(anchors.size)):
        return scale
    factor = 2.0 if primal > _UNEVEN * dual else 0.5 if dual > _UNEVEN * primal else 1.0
    return replace(scale, step=scale.step * factor)
