"""One VPP where a rule clears the declarations: it says no more, and works out what it will be told to settle."""

from __future__ import annotations

from collections.abc import Sequence

from broker.wire.messages import Answer, MarketMessage, Offer, Seen
from market.errors import ProtocolError
from market.game.result import PeriodResult
from market.mechanisms.clear import clear_day
from market.model.declaration import Declaration
from market.model.public import PublicRules


class Clearer:
    """What one VPP knows of an epoch once it holds all declarations. results : every period's end"""

    def __init__(self, declarations: Sequence[Declaration], public: PublicRules) -> None:
        self.results: tuple[PeriodResult, ...] = clear_day(declarations, public)
        self._roster = tuple(declaration.vpp for declaration in declarations)

    def open(self) -> tuple[MarketMessage, ...]:
        """Nothing is to be said."""
        return ()

    def take(self, sender: str, message: Offer | Answer) -> None:
        """ProtocolError: nobody says anything."""
        raise ProtocolError("out_of_turn", f"{sender} says {type(message).__name__} where a rule clears")

    def answer(self) -> tuple[MarketMessage, ...]:
        """Nothing is to be said."""
        return ()

    def seen(self) -> tuple[Seen, ...]:
        """Everybody's declaration."""
        return tuple(Seen(vpp, 1) for vpp in self._roster)

    @property
    def pending(self) -> tuple[int, ...]:
        """Nothing is to be done."""
        return ()
