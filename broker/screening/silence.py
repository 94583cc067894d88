"""What a VPP may say once all have declared, where a rule clears the declarations: nothing."""

from __future__ import annotations

from broker.wire.messages import MarketMessage
from market.errors import ProtocolError


class SilenceRules:
    """Nobody offers, selects or answers."""

    def sells(self, vpp: str) -> tuple[int, ...]:
        """Nobody offers in any period."""
        return ()

    def check(self, sender: str, message: MarketMessage) -> None:
        """ProtocolError for anything."""
        raise ProtocolError("out_of_turn", f"{sender} says {type(message).__name__} where a rule clears")
