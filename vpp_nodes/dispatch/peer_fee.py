"""What a VPP pays the grid for what it takes from other VPPs, (M14), where its exchange is still open."""

from __future__ import annotations

from vpp_nodes.dispatch.columns import INFINITY
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram


def peer_fee_m14(program: LinearProgram, day: DispatchDay, net_in: range) -> None:
    """(M14) taken ≥ net_in, taken ≥ 0, at the fee; nothing where there is none."""
    fee = day.vpp.exchange.peer_fee_cny_per_mwh
    if fee == 0.0:
        return
    taken = program.columns(day.filled(0.0), day.filled(INFINITY), day.filled(fee * day.period_h))
    for t in range(day.periods):
        program.row(0.0, INFINITY, [taken[t], net_in[t]], [1.0, -1.0])
