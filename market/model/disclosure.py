"""How much of its day a plant discloses once the market is over."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from market.model.plan import DispatchPlan, PlanTotals

ShownPlan: TypeAlias = DispatchPlan | PlanTotals | None
"""As much of a plan as its owner shows: all of it, what it comes to, or nothing."""


class Disclosure(StrEnum):
    """How much of its day a VPP shows in its audit, least first."""

    NONE = "none"  # nothing but that it has settled
    TOTALS = "totals"  # cost, emission and quota of its day, without trade and with it
    FULL = "full"  # both its plans, every period of them


_ORDER = list(Disclosure)


def least(*levels: Disclosure) -> Disclosure:
    """The one that shows least of these.

    >>> least(Disclosure.FULL, Disclosure.TOTALS).value
    'totals'
    """
    return min(levels, key=_ORDER.index)


def shown(plan: ShownPlan, disclosure: Disclosure) -> ShownPlan:
    """What is left to see of a plan under `disclosure`; never more than `plan` itself holds."""
    if disclosure is Disclosure.NONE or plan is None:
        return None
    if disclosure is Disclosure.TOTALS and isinstance(plan, DispatchPlan):
        return plan_totals(plan)
    return plan


def plan_totals(plan: DispatchPlan) -> PlanTotals:
    """What a plan comes to over the day."""
    return PlanTotals(
        operation_cny=plan.costs.operation_cny,
        carbon_cny=plan.costs.carbon_cny,
        emission_t=plan.emission_t,
        quota_t=plan.quota_t,
        gap_cny=plan.gap_cny,
        peak_cny=plan.costs.peak_cny,
    )


def disclosure_of(plan: ShownPlan) -> Disclosure:
    """How much of a plan is to be seen."""
    if plan is None:
        return Disclosure.NONE
    return Disclosure.TOTALS if isinstance(plan, PlanTotals) else Disclosure.FULL
