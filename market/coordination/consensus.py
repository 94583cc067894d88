"""Consensus on a common price of each period, by the alternating direction method of multipliers (M7).

    z_k ← argmin_z F_k(z) + Δt π·z + (Δt ρ/2) ‖z − (z_k − z̄)‖²        π ← π + ρ z̄

(exchange ADMM, Boyd et al. 2011, 7.3). F_k(z) is the cheapest day of VPP k with the net peer power z, and stays
its own: what a VPP reveals is z_k, its cost is asked of it through callables.

For balanced z (Σ_k z_k = 0) and any π the regrets

    r_k = F_k(z_k) + Δt π·z_k − min_z [F_k(z) + Δt π·z] ≥ 0

prove how good z is: Σ_k r_k ≥ Σ_k F_k(z_k) − optimum, since Σ_k min_z [F_k(z) + Δt π·z] ≤ optimum for every π.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import fsum, inf
from typing import Final

import numpy as np

from market.model.arrays import Array, frozen
from market.model.declaration import Declaration
from market.model.rules import Horizon, MarketRules, Tariff

_LEAST_SPREAD_CNY_PER_MWH: Final = 1.0
_UNTRADED_MW: Final = 1.0  # typical power where nobody has anything over or is short of anything
_UNEVEN: Final = 10.0  # the two residuals may differ by this factor before ρ is changed
_STEP_CHANGES: Final = 40  # rounds in which ρ may still change, so that the method converges
_COARSE: Final = 0.01  # of a typical exchange: smaller residuals say nothing about ρ
_NO_GAIN: Final = 1e-9  # of the money moved: regrets as small are none


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of things in a market: typical_mw of an exchange, and ρ, CNY/(MW² h), both public."""

    typical_mw: float
    step: float


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
class ConsensusRound:
    """A round: prices π (periods,), balanced exchange z (participants, periods), F_k(z_k), r_k (participants,).

    imbalance_mw : the largest |Σ_k z_k| of the answers, before they were balanced
    """

    number: int
    price_cny_per_mwh: Array
    net_in_mw: Array
    cost_cny: Array
    regret_cny: Array
    imbalance_mw: float

    @property
    def regrets_cny(self) -> float:
        """Σ_k r_k: no balanced exchange is cheaper by more. Infinite where somebody has no such day."""
        return fsum(self.regret_cny.tolist())


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
    return Scale(typical, max(spread, _LEAST_SPREAD_CNY_PER_MWH) / typical)


def find_consensus(
    participants: Sequence[Participant],
    scale: Scale,
    tariff: Tariff,
    horizon: Horizon,
    rules: MarketRules,
    on_round: Callable[[ConsensusRound], None] = lambda each: None,
) -> Consensus:
    """Rounds until all regrets together are at most a share of what trade saves, or the budget is spent.

    The saving is that of the exchange, Σ_k F_k(0) − Σ_k F_k(z_k), which is never more than the possible one.
    """
    rounds: list[ConsensusRound] = []
    for each in _rounds(participants, scale, tariff, horizon):
        rounds.append(each)
        on_round(each)
        if _reached(each, rounds[0], rules.consensus_regret) or each.number >= rules.consensus_rounds:
            break
    settled = min(rounds, key=lambda each: each.regrets_cny)
    return Consensus(tuple(rounds), settled, _reached(settled, rounds[0], rules.consensus_regret))


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


def _rounds(
    participants: Sequence[Participant], scale: Scale, tariff: Tariff, horizon: Horizon
) -> Iterator[ConsensusRound]:
    price = (tariff.retail_cny_per_mwh + tariff.feed_in_cny_per_mwh) / 2.0
    answers = np.zeros((len(participants), horizon.periods))
    yield _priced(0, participants, price, answers, horizon.period_h)
    number = 0
    while True:
        number += 1
        before, mean = answers, answers.mean(axis=0)
        asked = zip(participants, before, strict=True)
        answers = np.array([each.answer(price, own - mean, scale) for each, own in asked])
        price = price + scale.step * answers.mean(axis=0)
        yield _priced(number, participants, price, answers, horizon.period_h)
        if number <= _STEP_CHANGES:
            scale = _evened(scale, before, answers)


def _evened(scale: Scale, before: Array, after: Array) -> Scale:
    """ρ doubled where answers miss each other by far more than they still move, halved where it is the other way.

    (Boyd et al. 2011, 3.4.1; both residuals are public.)
    """
    mean = after.mean(axis=0)
    primal = float(np.linalg.norm(np.broadcast_to(mean, after.shape)))
    dual = float(np.linalg.norm((after - mean) - (before - before.mean(axis=0))))
    if max(primal, dual) < _COARSE * scale.typical_mw * float(np.sqrt(after.size)):
        return scale
    factor = 2.0 if primal > _UNEVEN * dual else 0.5 if dual > _UNEVEN * primal else 1.0
    return Scale(scale.typical_mw, scale.step * factor)


def _priced(
    number: int, participants: Sequence[Participant], price: Array, answers: Array, period_h: float
) -> ConsensusRound:
    """A round's answers balanced, with what each costs and the regret that it leaves."""
    net_in = balanced_exchange(answers)
    cost = np.array([each.cost_cny(own) for each, own in zip(participants, net_in, strict=True)])
    least = np.array([each.least_cny(price) for each in participants])
    regret = np.full(len(participants), inf)
    if np.isfinite(cost).all():
        regret = np.maximum(cost + period_h * (net_in @ price) - least, 0.0)
    imbalance = float(np.abs(answers.sum(axis=0)).max())
    return ConsensusRound(number, frozen(price), net_in, frozen(cost), frozen(regret), imbalance)


def _reached(each: ConsensusRound, first: ConsensusRound, share: float) -> bool:
    saving = fsum(first.cost_cny.tolist()) - fsum(each.cost_cny.tolist())
    moved = fsum(np.abs(first.cost_cny).tolist())
    return each.regrets_cny <= max(share * saving, _NO_GAIN * moved)
