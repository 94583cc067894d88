"""The regret of one VPP over the day, the others' final messages given: its part of (M6).

Two numbers hold the true regret between them: what a day that was found gains, and what no day can gain, since
even the hull of the menus does not hold a cheaper one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from market.day_certificate.market_end import MarketEnd
from market.day_certificate.trade_options import TradeOptions, trade_options
from market.errors import DispatchError
from market.model.arrays import Array
from market.model.plan import DirectExchange
from market.model.public import PublicRules
from market.model.vpp import Vpp
from market.settlement.regret_bounds import RegretBounds
from market.settlement.settlement import quota_in_t
from vpp_nodes.dispatch.day import checked_day
from vpp_nodes.dispatch.free_exchange import FreeDay
from vpp_nodes.dispatch.hull import Lines, day_hull, first_lines, lines_at
from vpp_nodes.dispatch.hull_program import HullProgram, MixedTrade, hull_program
from vpp_nodes.dispatch.linear import LpSolution, SolveStatus
from vpp_nodes.dispatch.reading import broken_modes, read_powers
from vpp_nodes.dispatch.solve import dispatch
from vpp_nodes.dispatch.variables import Binary, commitment_binaries

_MOST_SOLVES = 40
_ENOUGH = 1e-6  # of the day's cost: a bound that rises by less is as good as it gets
_BOTH_MW = 1e-6  # sold and bought in one period by more than this is both


@dataclass(frozen=True, slots=True)
class _Choices:
    """What must be one thing or the other; unless `whole`, mixtures are still let pass."""

    kinds: frozenset[Binary]
    decided: frozenset[int] = frozenset()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class _Relaxed:
    """No day costs less than `bound_cny`; `trade` is that of the day that would cost so much, None without one."""

    bound_cny: float
    trade: MixedTrade | None


def day_regret(vpp: Vpp, public: PublicRules, end: MarketEnd, cost_cny: float) -> RegretBounds:
    """What `vpp` could gain, (M6):

        lower = cost − [F(z) + Σ_t c_t Δt] of a day whose (z_t, c_t) are on its menus,
        upper = cost − min {F(z) + Σ_t c_t Δt : (z_t, c_t) in the hulls of its menus},

    with F(z) the cheapest day of net peer power z by `dispatch`, and c_t what is paid for it less what it earns.
    end : how the market ended for it
    cost_cny : what it minimises (4), as its day ended, payments included. τ > 0.
    """
    options = trade_options(vpp, end)
    relaxed = _relaxed_day(vpp, public, options, cost_cny)
    found = 0.0
    if relaxed.trade is not None:
        with suppress(DispatchError):  # a trade next to the one that has a plan may have none
            found = cost_cny - _cost_near_cny(vpp, public, options, relaxed.trade)
    lower = max(found, 0.0)
    upper = max(cost_cny - relaxed.bound_cny, lower)
    return RegretBounds(lower, upper if isfinite(upper) else None)


def _cost_near_cny(vpp: Vpp, public: PublicRules, options: TradeOptions, wanted: MixedTrade) -> float:
    """What a day costs that trades on the menus as nearly as it can what is wanted."""
    trade = options.trade_near(wanted.sold_mw, wanted.bought_mw)
    quota_t = quota_in_t(trade.in_mw, trade.out_mw, public)
    plan = dispatch(vpp, public, DirectExchange(trade.in_mw, trade.out_mw, quota_t))
    return plan.objective_cny + float(trade.paid_cny_per_h.sum()) * public.horizon.period_h


def _relaxed_day(vpp: Vpp, public: PublicRules, options: TradeOptions, cost_cny: float) -> _Relaxed:
    """The cheapest day in the hulls, whose lines are added where its answers break them most.

    First with mixtures of everything; where the answer mixes what cannot be mixed (selling and buying, charging
    and discharging, a unit half on), with that decided. Whenever it stops, the best bound so far holds.
    """
    day = _free_day(vpp, public, options)
    cap = day.filled(public.market.price_max_cny_per_mwh)
    lines, choices, best = first_lines(options, cap), _Choices(commitment_binaries(vpp)), _Relaxed(-np.inf, None)
    for _ in range(_MOST_SOLVES):
        hull = day_hull(lines, options.most_out_mw, options.most_in_mw)
        model = hull_program(day, hull, choices.kinds, choices.decided)
        answer = _solved(model, whole=choices.whole)
        if answer.ending is not SolveStatus.OPTIMAL:
            break
        trade, gained = model.trade(answer), answer.bound - best.bound_cny
        best = _Relaxed(max(answer.bound, best.bound_cny), trade)
        if gained > _ENOUGH * (1.0 + abs(cost_cny)):
            lines = lines.and_more(_broken_most(options, cap, trade))
            continue
        following = _more_choices(day, model, answer, choices)
        if following == choices:
            break
        choices = following
    return best


def _free_day(vpp: Vpp, public: PublicRules, options: TradeOptions) -> FreeDay:
    day = checked_day(vpp, public, None)
    return FreeDay(day.vpp, day.public, day.direct, options.most_in_mw, options.most_out_mw)


def _solved(model: HullProgram, *, whole: bool) -> LpSolution:
    if whole and model.program.integers():
        return model.program.solve_milp()
    return model.program.relaxed().solve_lp()


def _broken_most(options: TradeOptions, cap: Array, trade: MixedTrade) -> Lines:
    share = trade.seller_share
    return lines_at(options, cap, (trade.sold_mw, share), (trade.bought_mw, 1.0 - share))


def _more_choices(day: FreeDay, model: HullProgram, answer: LpSolution, choices: _Choices) -> _Choices:
    """The choices with those that the answer has not made; the same where it has made them all."""
    kinds = choices.kinds | broken_modes(read_powers(day, model.model, answer))
    trade = model.trade(answer)
    both = np.flatnonzero((trade.sold_mw > _BOTH_MW) & (trade.bought_mw > _BOTH_MW))
    return replace(
        choices,
        kinds=kinds,
        decided=choices.decided | frozenset(both.tolist()),
        whole=bool(kinds or both.size) or choices.whole,
    )
