"""What a VPP pays for the largest power that it buys from the grid, (M20)."""

from __future__ import annotations

import numpy as np

from vpp_nodes.dispatch.columns import INFINITY
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram


def peak_charge_m20(program: LinearProgram, day: DispatchDay, buy: range) -> None:
    """(M20) peak ≥ buy in each period, and ≥ the largest before, which is paid; nothing without a price."""
    exchange = day.vpp.exchange
    price, before_mw = exchange.peak_charge_cny_per_mw, exchange.peak_before_mw
    if price == 0.0:
        return
    (peak,) = program.columns(np.array([before_mw]), np.array([INFINITY]), np.array([price]))
    program.offset(-price * before_mw)
    for bought in buy:
        program.row(0.0, INFINITY, [peak, bought], [1.0, -1.0])
