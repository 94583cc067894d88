"""The outcome of a market day: how each period ended, and what each VPP discloses of its two plans.

Both ways of running a day, in one process or as many, end in this shape; tables, run folders and
pictures are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np

from market.game.result import PeriodResult, Verdict, worst
from market.model.declaration import Declaration
from market.model.disclosure import ShownPlan
from market.model.reality import Reality
from market.settlement.regret_bounds import RegretBounds
from market.settlement.rounds import DayRounds


@dataclass(frozen=True, slots=True)
class VppDay:
    """One VPP's day: its declaration, and what it shows of its plans without trade (stage 1) and with it (3).

    planned : the plan that it declares; None where that is the one without trade
    regret : of the whole day (M6), where the rules ask for it · reality : what became of both plans, likewise
    """

    declaration: Declaration
    before: ShownPlan
    after: ShownPlan
    planned: ShownPlan = None
    regret: RegretBounds | None = None
    reality: Reality | None = None

    @property
    def declared(self) -> ShownPlan:
        """The plan that it declares."""
        return self.before if self.planned is None else self.planned


@dataclass(frozen=True, slots=True)
class MarketOutcome:
    """A whole day. `days` is in the order of the scenario's VPPs, `periods` has one entry per period.

    rounds : where the day took several, which they were; None where everybody planned and traded once
    """

    periods: tuple[PeriodResult, ...]
    days: tuple[VppDay, ...]
    rounds: DayRounds | None = None

    @property
    def verdict(self) -> Verdict:
        """The day's verdict, see `worst`."""
        return worst([period.verdict for period in self.periods])

    @property
    def epsilon_cny(self) -> float:
        """The largest regret or gain of any seller or buyer in any period, or of any VPP that agrees to prices."""
        return max(
            (*(p.certificate.epsilon_cny for p in self.periods if p.certificate), *self._regrets_cny), default=0.0
        )

    @property
    def epsilon_relative(self) -> float:
        """The largest ε of a period relative to its traded value; of an agreement, relative to that of the day.

        To 1 CNY where nothing is traded.
        """
        periods = (p.certificate.epsilon_relative for p in self.periods if p.certificate)
        value = fsum(_traded_value_cny(result) for result in self.periods) or 1.0
        return max((*periods, *(regret / abs(value) for regret in self._regrets_cny)), default=0.0)

    @property
    def _regrets_cny(self) -> tuple[float, ...]:
        """The regrets of all who agree to prices; none where prices come from a game."""
        return tuple(self.rounds.regret_cny.values()) if self.rounds and self.rounds.agreed else ()


def _traded_value_cny(result: PeriodResult) -> float:
    if not (result.verdict.rests and result.game.tradable):
        return 0.0
    return float(np.abs(result.delivered_mw * result.price_cny_per_mwh).sum()) * result.game.period_h
