"""What may pass a VPP's connection in all, from and to the grid and other VPPs together, (M21)."""

from __future__ import annotations

from math import inf

from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram


def connection_m21(program: LinearProgram, day: DispatchDay, buy: range, sell: range) -> tuple[int, ...]:
    """(M21) −export_max ≤ buy − sell + dir_in − dir_out ≤ import_max, a row a period; none without limits."""
    exchange = day.vpp.exchange
    if exchange.import_max_mw == exchange.export_max_mw == inf:
        return ()
    least, most = -exchange.export_max_mw, exchange.import_max_mw
    net_in_mw = (day.direct.in_mw - day.direct.out_mw).tolist()
    return tuple(
        program.row(least - net_in, most - net_in, [buy[t], sell[t]], [1.0, -1.0])
        for t, net_in in enumerate(net_in_mw)
    )
