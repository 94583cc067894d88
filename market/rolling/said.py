"""Says how a scenario of days in a row will be run."""

from __future__ import annotations

from collections.abc import Iterator

from market.model.rolling import PlanEnd
from market.model.rules import BillingPeriod
from market.rolling.windows import days_in, windows
from market.scenario.scenario import Scenario

_ENDS = {
    PlanEnd.OWN: "as each says itself",
    PlanEnd.AS_BEGUN: "with what they held when the run began",
    PlanEnd.FREE: "with whatever is cheapest",
}
_BILLS = {
    BillingPeriod.HORIZON: "all days together",
    BillingPeriod.DAY: "each day",
    BillingPeriod.WEEK: "each seven days",
}


def rolling_said(scenario: Scenario) -> Iterator[str]:
    """Lines for who checks a scenario; nothing where it is one plan.

    ScenarioError where its days do not fit its periods.
    """
    rolling, public = scenario.rolling, scenario.public
    if rolling is None:
        return
    days, plans = days_in(public.horizon), len(windows(public.horizon, rolling))
    each = f"each looks {rolling.plan_h:g} h ahead and is kept for {rolling.commit_h:g} h"
    yield f"days in a row: {_counted(days, 'day')} in {_counted(plans, 'plan')}, {each}"
    worth = f"with what is worth keeping at {rolling.end_value_cny_per_mwh or 0.0:g} CNY/MWh"
    yield f"  stores end each plan {_ENDS.get(rolling.soc_end, worth)}"
    yield f"  carbon is billed for {_BILLS[public.carbon.billing_period]}"
    if public.imbalance is not None:
        yield "  each goes on from what became of the one before; only what is kept becomes real"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
