"""The laws of settlement as reported of a day: broken, not claimed, not checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.model.public import PublicRules
from market.model.vpp import Vpp
from market.settlement.laws import (
    BrokenLaw,
    UncheckedLaw,
    UnclaimedLaw,
    check_laws,
    unchecked_laws,
    unclaimed_laws,
)
from market.settlement.outcome import MarketOutcome
from market.settlement.reality import schedule_laws
from market.settlement.settlement import Settlement


@dataclass(frozen=True, slots=True)
class LawsOfDay:
    """The laws of settlement that a day breaks, those not claimed of it, and those that nobody could check."""

    broken: tuple[BrokenLaw, ...]
    unclaimed: tuple[UnclaimedLaw, ...]
    unchecked: tuple[UncheckedLaw, ...]


def laws_of_day(
    outcome: MarketOutcome, settlement: Settlement, public: PublicRules, plants: Sequence[Vpp]
) -> LawsOfDay:
    """The laws of a settled day. plants : those that are known where it is told"""
    return LawsOfDay(
        (*check_laws(outcome, settlement, public, plants), *schedule_laws(outcome)),
        unclaimed_laws(outcome, public, plants),
        unchecked_laws(outcome, public),
    )
