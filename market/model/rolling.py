"""How a horizon of many days is run: so much is planned at a time, a part of it kept, the rest planned anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.model.calendar import DAY_H
from market.model.parameter import MAX_PRICE_CNY_PER_MWH, Broken, follow, parameter
from market.model.rules import MAX_RUN_H

_WHOLE = 1e-9  # how far from whole a number may be


class PlanEnd(StrEnum):
    """What stores must hold at the end of each plan."""

    OWN = "own"  # what each says itself
    AS_BEGUN = "as_begun"  # as much as at the start of the run
    FREE = "free"  # anything within their limits
    VALUED = "valued"  # anything, at a price


@dataclass(frozen=True, slots=True)
class Rolling:
    """How far plans look ahead, and how much of each is kept before the next is made, (M16).

    A whole number of days is told by the clocks where the horizon has a start: one of them has 23 hours, one 25.
    """

    plan_h: float = parameter(
        "h", "How far each plan looks ahead", symbol="H", follows="commit_h", gt=0, le=MAX_RUN_H
    )
    commit_h: float = parameter(
        "h",
        "How much of each plan is kept: a number of days, or a part of one",
        symbol="h",
        default=DAY_H,
        gt=0,
        le=MAX_RUN_H,
    )
    soc_end: PlanEnd = parameter(
        "",
        "What batteries and reservoirs must hold at the end of each plan: own, what each says, or in place of it "
        "as_begun, as much as at the start of the run; free; valued",
        default=PlanEnd.OWN,
    )
    end_value_cny_per_mwh: float | None = parameter(
        "CNY/MWh",
        "Worth of what they hold at the end of each plan, with soc_end valued",
        default=None,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )

    def __post_init__(self) -> None:
        follow(self)


DAY_BY_DAY: Final = Rolling()
"""A day is planned and kept, and so on."""


def rolling_rules(rolling: Rolling) -> Iterator[Broken]:
    """What is kept is planned, in days or parts of one; what stores end with is said once."""
    plan_h = rolling.commit_h if rolling.plan_h is None else rolling.plan_h
    if rolling.commit_h > plan_h:
        rule, value = f"must be at most plan_h, {plan_h:g} h", f"{rolling.commit_h:g} h"
        yield Broken("commit_h", rule, value, "keep less of each plan, or look further ahead")
    parts = max(rolling.commit_h, DAY_H) / min(rolling.commit_h, DAY_H)
    if abs(parts - round(parts)) > _WHOLE * parts:
        rule = "must be a number of days or a part of one, so that days begin together with plans"
        yield Broken("commit_h", rule, f"{rolling.commit_h:g} h", "take 24, 48, 12, 8, 6 h or the like")
    if rolling.soc_end is PlanEnd.VALUED and rolling.end_value_cny_per_mwh is None:
        rule = "must be given with soc_end valued"
        yield Broken("end_value_cny_per_mwh", rule, "nothing", "add it, or choose another end")
    elif rolling.soc_end is not PlanEnd.VALUED and rolling.end_value_cny_per_mwh is not None:
        rule = "must be given with soc_end valued only"
        value = f"{rolling.end_value_cny_per_mwh:g}"
        yield Broken("end_value_cny_per_mwh", rule, value, "take it out, or set soc_end: valued")


def whole_steps(rolling: Rolling, period_h: float) -> Iterator[Broken]:
    """What is planned and what is kept are whole numbers of periods."""
    for field in ("plan_h", "commit_h"):
        hours = getattr(rolling, field)
        if hours is None:
            continue
        periods = hours / period_h
        if round(periods) < 1 or abs(periods - round(periods)) > _WHOLE * max(periods, 1.0):
            rule = f"must be a whole number of periods of {period_h:g} h"
            least = max(round(periods), 1) * period_h
            yield Broken(field, rule, f"{hours:g} h, {periods:g} periods", f"take {least:g} h or another multiple")
