"""Screens what a VPP says of a round that is over: the rules beyond its types."""

from __future__ import annotations

from broker.screening.audits import NUMBER_LIMIT
from market.errors import ProtocolError


def screen_review(sender: str, regret_cny: float | None, *, no_loss: bool) -> None:
    """ProtocolError `bad_content` unless a regret is one; who has no such day cannot be without loss."""
    if regret_cny is None:
        if no_loss:
            raise ProtocolError("bad_content", f"{sender} has no day with its trade, and loses nothing by it")
    elif not 0.0 <= regret_cny <= NUMBER_LIMIT:
        raise ProtocolError("bad_content", f"{sender} regrets {regret_cny:g} CNY")
