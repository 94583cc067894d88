"""What a VPP pays for its trades."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from broker.wire.messages import Trade


def paid_cny(trades: Sequence[Trade], period_h: float) -> float:
    """What is paid to the others, less what they pay."""
    bought = [t.delivered_mw * t.price_cny_per_mwh * period_h for t in trades if t.delivered_mw > 0]
    sold = [-t.delivered_mw * t.price_cny_per_mwh * period_h for t in trades if t.delivered_mw < 0]
    return fsum(bought) - fsum(sold)
