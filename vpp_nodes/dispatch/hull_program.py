"""The program of one VPP's day with its trade anywhere in the hull of its menus, (M6).

Each period has a share β in which the VPP is a seller. What it sells and earns is a mixture, β in all, of the
corners of the selling side's hull; what it buys and pays one, 1 − β in all, of the buying side's. With β between 0
and 1 that is conv M_kt; with β 0 or 1 it is what one who does not both sell and buy in one period can have.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from market.model.arrays import Array
from vpp_nodes.dispatch.free_exchange import FreeDay, net_exchange_11
from vpp_nodes.dispatch.hull import DayHull
from vpp_nodes.dispatch.linear import LinearProgram, LpSolution
from vpp_nodes.dispatch.model import Model, build_model
from vpp_nodes.dispatch.variables import Binary

_Corners = tuple[Array, Array]  # powers in MW and money in CNY/h, of one period


@dataclass(frozen=True, slots=True)
class MixedTrade:
    """An answer's trade, shape (periods,): MW, and β."""

    sold_mw: Array
    bought_mw: Array
    seller_share: Array


@dataclass(frozen=True, slots=True)
class HullProgram:
    """The programme, with a run of columns for each quantity; `share` is β."""

    program: LinearProgram
    model: Model
    sold: range
    bought: range
    share: range

    def trade(self, answer: LpSolution) -> MixedTrade:
        """What an answer trades."""
        sold, bought, share = (answer.values[run.start : run.stop] for run in (self.sold, self.bought, self.share))
        return MixedTrade(np.maximum(sold, 0.0), np.maximum(bought, 0.0), np.clip(share, 0.0, 1.0))


def hull_program(
    day: FreeDay, hull: DayHull, binaries: Collection[Binary] = (), decided: Collection[int] = ()
) -> HullProgram:
    """The programme; `decided` are the periods in which β is 0 or 1."""
    program = LinearProgram()
    model = build_model(day, binaries, program)
    net_in = net_exchange_11(program, day, model)
    sold = program.columns(day.filled(0.0), day.most_out_mw, day.filled(0.0))
    bought = program.columns(day.filled(0.0), day.most_in_mw, day.filled(0.0))
    share = _sides(program, day, decided)
    for t in range(day.periods):
        program.row(0.0, 0.0, [net_in[t], bought[t], sold[t]], [1.0, -1.0, 1.0])
        _mixture(program, hull.selling[t], -day.period_h, sold[t], (share[t], -1.0, 0.0))
        _mixture(program, hull.buying[t], day.period_h, bought[t], (share[t], 1.0, 1.0))
    return HullProgram(program, model, sold, bought, share)


def _sides(program: LinearProgram, day: FreeDay, decided: Collection[int]) -> range:
    """β, fixed where only one side is open."""
    both = (day.most_in_mw > 0.0) & (day.most_out_mw > 0.0)
    only = np.where(day.most_out_mw > 0.0, 1.0, 0.0)
    low, high = np.where(both, 0.0, only), np.where(both, 1.0, only)
    nothing = np.zeros(1)
    runs = [
        program.columns(low[t : t + 1], high[t : t + 1], nothing, integer=t in decided) for t in range(day.periods)
    ]
    return range(runs[0].start, runs[-1].stop)


def _mixture(
    program: LinearProgram, corners: _Corners, hours: float, amount: int, weighed: tuple[int, float, float]
) -> None:
    """amount = Σ w q,  cost = hours Σ w money,  Σ w + factor β = total; `weighed` is (β, factor, total)."""
    power_mw, money = corners
    share, factor, total = weighed
    weights = list(program.columns(np.zeros(power_mw.size), np.ones(power_mw.size), hours * money))
    program.row(0.0, 0.0, [amount, *weights], [1.0, *(-power_mw).tolist()])
    program.row(total, total, [share, *weights], [factor, *[1.0] * len(weights)])
