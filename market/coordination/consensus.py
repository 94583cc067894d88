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

from market.coordination.commitments import Commitments, SearchStage
from market.coordination.extrapolation import Course, next_point
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration
from market.model.rules import Horizon, MarketRules, Tariff

_LEAST_SPREAD_CNY_PER_MWH: Final = 1.0
_UNTRADED_MW: Final = 1.0  # typical power where nobody has anything over or is short of anything
_UNEVEN: Final = 3.0  # the two residuals of a period may differ by this factor before its ρ is changed,
_EVENED: Final = 5  # in one round of so many, since a change begins the course anew; in the others
_STUCK: Final = 1000.0  # by this one
_MOST_CHANGE: Final = 1024.0  # of ρ: where nothing can be balanced prices would lose all sense
_FIRST_ROUNDS: Final = 60  # in which ρ may change, and steps may go further: from then on the method converges
_GOES_ON: Final = 4  # once enough is certified, for a round in as many that it took
_FINER: Final = 0.1  # of what was asked for: certified, it ends at once
_COARSE: Final = 1e-6  # of a typical exchange: smaller residuals say nothing about ρ
_FINE: Final = 0.0001  # of a typical exchange: the least reach that answers are fitted to
_NO_SAVING: Final = 1e-6  # of what typical exchanges of all would cost at retail: regrets as small leave nothing
_NO_GAIN: Final = 1e-9  # of what a day costs without trade: regrets as small are none


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of things in a market, all of it public.

    typical_mw : of an exchange · step : ρ, CNY/(MW² h), shape (periods,)
    reach_mw : how far answers still are from their anchors, to a small share of which they are worked out
    """

    typical_mw: float
    step: Array
    reach_mw: float


@dataclass(frozen=True, slots=True)
class OwnChoice:
    """Where one VPP chooses which units are on: prices, its anchor, and ρ, CNY/(MW² h); shape (periods,) each.

    typical_mw : of an exchange
    """

    price_cny_per_mwh: Array
    anchor_mw: Array
    step: Array
    typical_mw: float


@dataclass(frozen=True, slots=True)
class Participant:
    """One VPP as consensus sees it: what it answers, and what it says of its own costs.

    answer : (π, anchor z_k − z̄, scale, where its units are committed) → z_k, all of shape (periods,)
    commits : whether it has units to be switched on and off
    cost_cny : (z, where its units are committed) → F_k(z), infinite where it has no such day; or, with
    commitments, what the cheapest day with them costs
    least_cny : (π, for a proof, z_k) → a proven lower bound of min_z F_k(z) + Δt π·z, the highest for a proof, or
    that of the relaxed day; where z has no limits of its own, of all z up to twice as far as z_k
    """

    vpp: str
    answer: Callable[[Array, Array, Scale, OwnChoice | None], Array]
    cost_cny: Callable[[Array, OwnChoice | None], float]
    least_cny: Callable[[Array, bool, Array], float]
    commits: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What a participant says of a round: r_k, and what it saves, F_k(0) − F_k(z_k).

    Where it has no such day, its regret is infinite and its saving minus that.
    commits : whether it has units to be switched on and off
    """

    regret_cny: float
    saving_cny: float
    commits: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What everybody knows once all have answered round `number`: prices π (periods,), all answers.

    answers_mw : shape (participants, periods) · scale : for the answers that follow
    anchors_mw : from which each looks for its next answer, of the shape of the answers
    course : of the rounds before · commitments : of those who have units to switch; `opening_step` is ρ of round 0
    """

    number: int
    price_cny_per_mwh: Array
    answers_mw: Array
    scale: Scale
    anchors_mw: Array
    opening_step: Array
    course: Course = field(default=Course(), compare=False)
    commitments: Commitments = field(default=Commitments(), compare=False)

    @property
    def is_proof(self) -> bool:
        """Whether what is said of it should be as near as can be, where units are committed, and not just soon."""
        return not self.number or self.commitments.stage in (SearchStage.MEAN, SearchStage.CHEAPEST)

    @property
    def net_in_mw(self) -> Array:
        """The answers balanced."""
        return balanced_exchange(self.answers_mw)

    def anchor_mw(self, k: int) -> Array:
        """From where participant k looks for its next answer, z_k − z̄ if no step has gone further."""
        anchor: Array = self.anchors_mw[k]
        return anchor

    def choice(self, k: int) -> OwnChoice | None:
        """Where participant k has chosen which units are on; None for the relaxed day."""
        made = self.commitments.choice
        if made is None:
            return None
        return OwnChoice(made.price_cny_per_mwh, made.anchors_mw[k], made.step[k], self.scale.typical_mw)


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

    reached : whether that is as small as was asked for · committed : whether all choices of commitments were made
    """

    rounds: tuple[ConsensusRound, ...]
    settled: ConsensusRound
    reached: bool
    committed: bool = False


def scale_of(declarations: Sequence[Declaration], tariff: Tariff) -> Scale:
    """ρ = mean of retail − feed-in (at least 1 CNY/MWh) / mean of all declared surpluses and deficits but 0.

    It is that of all periods to begin with.
    Where nobody declares any, 1 MW stands in for their mean.
    """
    powers = np.concatenate([[d.surplus_mw, d.deficit_mw] for d in declarations], axis=None)
    typical = float(powers[powers > 0.0].mean()) if (powers > 0.0).any() else _UNTRADED_MW
    spread = float(np.abs(tariff.retail_cny_per_mwh - tariff.feed_in_cny_per_mwh).mean())
    step = np.full(tariff.retail_cny_per_mwh.shape, max(spread, _LEAST_SPREAD_CNY_PER_MWH) / typical)
    return Scale(typical, frozen(step), reach_mw=typical)


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
        settling = now.commitments.stage is SearchStage.CHEAPEST
        self.over = self._reached(each, _FINER) or each.number >= self._last or settling
        return each

    def answered(self, answers_mw: Array) -> None:
        """What everybody answers to the standing."""
        self.standing = after(self.standing, answers_mw, self._rounds[-1].judged if self._rounds else ())

    @property
    def found(self) -> Consensus:
        """What has been found so far; at least one round has been judged."""
        settled = min(self._rounds, key=lambda each: each.regrets_cny)
        committed = self.standing.commitments.stage is SearchStage.CHEAPEST
        return Consensus(tuple(self._rounds), settled, self._reached(settled), committed)

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
        judged = [judged_by(each, now, k, horizon.period_h) for k, each in enumerate(participants)]
        on_round(search.judged(judged))
        if search.over:
            return search.found
        answers = [answer_of(each, now, k) for k, each in enumerate(participants)]
        search.answered(np.array(answers))


def answer_of(participant: Participant, now: Standing, k: int) -> Array:
    """What participant k answers to a standing, shape (periods,)."""
    return participant.answer(now.price_cny_per_mwh, now.anchor_mw(k), now.scale, now.choice(k))


def judged_by(participant: Participant, now: Standing, k: int, period_h: float) -> Judged:
    """What participant k says of a standing. A regret of no more than rounding is none."""
    net_in_mw, price, proof = now.net_in_mw[k], now.price_cny_per_mwh, now.is_proof or not participant.commits
    alone = participant.cost_cny(np.zeros_like(net_in_mw), None)
    cost = participant.cost_cny(net_in_mw, None if proof else now.choice(k))
    if cost == inf:
        return Judged(inf, -inf, participant.commits)
    least = participant.least_cny(price, proof, net_in_mw)
    regret = max(cost + period_h * float(net_in_mw @ price) - least, 0.0)
    return Judged(regret if regret > _NO_GAIN * abs(alone) else 0.0, alone - cost, participant.commits)


def opening(participants: int, scale: Scale, tariff: Tariff, horizon: Horizon) -> Standing:
    """Round 0: no trade, at the mean of the grid's prices."""
    price = (tariff.retail_cny_per_mwh + tariff.feed_in_cny_per_mwh) / 2.0
    nothing = frozen(np.zeros((participants, horizon.periods)))
    return Standing(0, frozen(price), nothing, scale, nothing, scale.step)


def after(before: Standing, answers_mw: Array, judged: Sequence[Judged] = ()) -> Standing:
    """The standing once all have answered: prices move by the mean of the answers, and each anchor to its answer.

    In the first rounds ρ is evened out, and both go as far as the rounds before promise.
    judged : what all have said of the standing before; it matters where somebody commits units
    """
    standing, stage = _moved(before, answers_mw), before.commitments.stage
    if not any(each.commits for each in judged) or stage is SearchStage.CHEAPEST:
        return standing
    saving, regrets = fsum(each.saving_cny for each in judged), fsum(each.regret_cny for each in judged)
    known = before.commitments.judged(before.net_in_mw, before.price_cny_per_mwh, saving, regrets)
    if stage is SearchStage.MEAN:
        return _cheapest(standing, known)
    if stage is SearchStage.LAST_LEG:
        known = known.weighed(standing.number, answers_mw)
    moved_mw = max(np.abs(answers_mw - before.anchors_mw).max(), np.abs(answers_mw.mean(axis=0)).max())
    if not known.at_rest(standing.number, float(moved_mw), standing.scale.typical_mw):
        return replace(standing, commitments=known)
    return _mean(standing, known) if stage is SearchStage.LAST_LEG else _next_leg(standing, known)


def _moved(before: Standing, answers_mw: Array) -> Standing:
    """One step of ADMM."""
    number, scale = before.number + 1, before.scale
    mean = answers_mw.mean(axis=0)
    price, anchors = before.price_cny_per_mwh + scale.step * mean, answers_mw - mean
    course = Course()
    since = number - before.commitments.begun
    if since <= _FIRST_ROUNDS:
        scale = _evened(before, anchors, mean, _STUCK if since % _EVENED else _UNEVEN)
        if (scale.step == before.scale.step).all():
            price, anchors, course = _gone_further(before, price, anchors)
    reach_mw = _reach_mw(scale, answers_mw - before.anchors_mw)
    return replace(
        before,
        number=number,
        price_cny_per_mwh=frozen(price),
        answers_mw=frozen(answers_mw),
        scale=replace(scale, reach_mw=reach_mw),
        anchors_mw=frozen(anchors),
        course=course,
    )


def _next_leg(standing: Standing, known: Commitments) -> Standing:
    """Where a leg has ended: on with other commitments, from where the best one has."""
    commitments, best = known.next_leg(
        standing.number, standing.price_cny_per_mwh, standing.anchors_mw, standing.opening_step
    )
    return replace(
        standing,
        price_cny_per_mwh=best.price_cny_per_mwh,
        anchors_mw=best.anchors_mw,
        scale=Scale(standing.scale.typical_mw, standing.opening_step, standing.scale.typical_mw),
        course=Course(),
        commitments=commitments,
    )


def _mean(standing: Standing, known: Commitments) -> Standing:
    """Where the last leg has ended: its mean."""
    known = replace(known, stage=SearchStage.MEAN)
    return replace(standing, answers_mw=known.mean_mw(standing.number), commitments=known)


def _cheapest(standing: Standing, known: Commitments) -> Standing:
    """The cheapest exchange of all rounds at the prices of the highest bound."""
    assert known.cheapest is not None
    return replace(
        standing,
        price_cny_per_mwh=known.cheapest.price_cny_per_mwh,
        answers_mw=known.cheapest.exchange_mw,
        commitments=replace(known, stage=SearchStage.CHEAPEST),
    )


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


def _evened(before: Standing, anchors: Array, mean: Array, uneven: float) -> Scale:
    """ρ of a period doubled where answers miss each other by far more than they still move, halved where it is the
    other way round.

    (Boyd et al. 2011, 3.4.1; both residuals are public.) anchors, mean : of the answers, z_k − z̄ and z̄
    """
    scale, root = before.scale, float(np.sqrt(len(anchors)))
    primal, dual = root * np.abs(mean), np.linalg.norm(anchors - before.anchors_mw, axis=0)
    factor = np.where(primal > uneven * dual, 2.0, np.where(dual > uneven * primal, 0.5, 1.0))
    fine = np.maximum(primal, dual) < _COARSE * scale.typical_mw * root
    step, opening_step = scale.step * np.where(fine, 1.0, factor), before.opening_step
    step = np.clip(step, opening_step / _MOST_CHANGE, opening_step * _MOST_CHANGE)
    return replace(scale, step=frozen(step))
