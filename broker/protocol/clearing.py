"""The state of an epoch whose trade is cleared by a rule: over once everybody holds everybody's declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from broker.delivery.undelivered import Undelivered, story
from broker.screening.silence import SilenceRules
from broker.wire.messages import Done, MarketMessage
from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.mechanisms.clear import clear_day
from market.model.arrays import frozen
from market.model.declaration import Declaration
from market.model.public import PublicRules


class Clearing:
    """One epoch's declarations, and who holds all of them: that one can work out what it is told to settle."""

    def __init__(self, declarations: Sequence[Declaration], public: PublicRules) -> None:
        self.parts = SilenceRules()
        self._roster = tuple(declaration.vpp for declaration in declarations)
        self._results = clear_day(declarations, public)
        self._heard: set[str] = set()
        self._stalled = ""

    def take(self, sender: str, message: MarketMessage) -> None:
        """Nothing is said once all have declared; the screening lets nothing through."""

    def done(self, vpp: str, done: Done) -> None:
        """A confirmation: who has seen anything has seen all declarations."""
        if done.seen:
            self._heard.add(vpp)

    def concerned(self, message: MarketMessage) -> set[str]:
        """A declaration matters to everybody."""
        return set(self._roster)

    def settled(self) -> bool:
        """Whether everybody holds all declarations."""
        return len(self._roster) == 1 or self._heard.issuperset(self._roster)

    def stall(self, undelivered: Sequence[Undelivered], otherwise: str) -> None:
        """Nothing will come any more: nothing is traded."""
        if not self.settled():
            self._stalled = story(list(undelivered)) or otherwise

    def residual(self) -> int:
        """How many periods are not cleared yet for all: all of them, or none."""
        return 0 if self.settled() else len(self._results)

    def unconfirmed(self, game: PeriodGame) -> tuple[str, ...]:
        """Who does not hold all declarations."""
        return () if self.settled() else tuple(vpp for vpp in self._roster if vpp not in self._heard)

    def rounds(self) -> int:
        """Nobody offers."""
        return 0

    def results(self) -> tuple[PeriodResult, ...]:
        """Every period's end."""
        return (
            tuple(_stalled(result, self._stalled) for result in self._results) if self._stalled else self._results
        )


def _stalled(result: PeriodResult, why: str) -> PeriodResult:
    nothing = frozen(np.zeros_like(result.delivered_mw))
    return replace(result, verdict=Verdict.STALLED, evidence=why, delivered_mw=nothing, transfer_cny={})
