"""Screens audits: the rules beyond their types, so that a day's accounts and tables can be made of them.

Whether the plans in an audit are any good is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from broker.wire.messages import Audit
from market.errors import ProtocolError
from market.model.arrays import Array
from market.model.disclosure import Disclosure, disclosure_of
from market.model.plan import DispatchPlan, PlanTotals, UnitPlan
from market.model.reality import MeteredDay
from market.settlement.regret_bounds import RegretBounds

_UNIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)

NUMBER_LIMIT = 1e30
"""No scenario leads to as large a number, in any unit; far from where sums and products overflow."""


def screen_audit(sender: str, audit: Audit, periods: int, *, certified: bool, realised: bool = False) -> None:
    """ProtocolError `bad_content` unless both plans are for a day of `periods`, all numbers within reason.

    certified, realised : whether the market's rules ask for the regret of the day, for what became of it
    """
    _screen_regret(sender, audit.regret, certified=certified)
    _screen_reality(sender, audit, periods, realised=realised)
    if disclosure_of(audit.before) is not disclosure_of(audit.after):
        raise ProtocolError("bad_content", f"{sender} shows not as much of one plan as of the other")
    if audit.planned is not None and disclosure_of(audit.before) is not Disclosure.FULL:
        raise ProtocolError("bad_content", f"{sender} shows what it had declared by, and no other plan")
    of_reality = (audit.reality.before_plan, audit.reality.after_plan) if audit.reality else ()
    for plan in (audit.before, audit.after, audit.planned, *of_reality):
        if plan is None:
            continue
        _screen_units(sender, plan)
        if any(vector.shape != (periods,) for vector in _vectors(plan)):
            raise ProtocolError("bad_content", f"{sender}'s plan is not for {periods} periods")
        numbers = np.concatenate([*_vectors(plan), list(_scalars(plan)), [audit.peak_memory_mb]])
        if (np.abs(numbers) > NUMBER_LIMIT).any():
            raise ProtocolError("bad_content", f"{sender}'s plan holds a number beyond {NUMBER_LIMIT:g}")


def _screen_regret(sender: str, regret: RegretBounds | None, *, certified: bool) -> None:
    if (regret is not None) is not certified:
        asked = "its regret of the day" if certified else "no regret of the day"
        raise ProtocolError("bad_content", f"{sender} is asked for {asked}, and tells otherwise")
    if regret is None:
        return
    upper_cny = regret.lower_cny if regret.upper_cny is None else regret.upper_cny
    if not 0.0 <= regret.lower_cny <= upper_cny <= NUMBER_LIMIT:
        raise ProtocolError("bad_content", f"{sender}'s regret of the day lies between no two numbers")


def _screen_reality(sender: str, audit: Audit, periods: int, *, realised: bool) -> None:
    """What is metered is for the same periods, and as much is shown of reality as of the plans."""
    reality = audit.reality
    if (reality is not None) is not realised:
        asked = "what became of its day" if realised else "nothing of what became of its day"
        raise ProtocolError("bad_content", f"{sender} is asked for {asked}, and tells otherwise")
    if reality is None:
        return
    for plan in (reality.before_plan, reality.after_plan):
        if disclosure_of(plan) is not disclosure_of(audit.before):
            raise ProtocolError("bad_content", f"{sender} shows not as much of reality as of its plans")
    vectors = [value for day in (reality.before, reality.after) for value in _arrays(day)]
    if any(vector.shape != (periods,) for vector in vectors):
        raise ProtocolError("bad_content", f"{sender}'s meters are not for {periods} periods")
    if any((np.abs(vector) > NUMBER_LIMIT).any() for vector in vectors):
        raise ProtocolError("bad_content", f"{sender}'s meters hold a number beyond {NUMBER_LIMIT:g}")


def _screen_units(sender: str, plan: DispatchPlan | PlanTotals) -> None:
    """Units have names of their own, as a scenario may give them."""
    names = [unit.unit for unit in plan.units] if isinstance(plan, DispatchPlan) else []
    if len(set(names)) < len(names) or not all(_UNIT_NAME.fullmatch(name) for name in names):
        raise ProtocolError("bad_content", f"{sender}'s plan names its units as no scenario may")


def _vectors(plan: DispatchPlan | PlanTotals) -> Iterator[Array]:
    """Every series of a plan, those of its units included."""
    for part in (plan, *(plan.units if isinstance(plan, DispatchPlan) else ())):
        yield from _arrays(part)


def _arrays(part: DispatchPlan | PlanTotals | UnitPlan | MeteredDay) -> Iterator[Array]:
    """Every field that is a series."""
    values = (getattr(part, field.name) for field in fields(part))
    yield from (value for value in values if isinstance(value, np.ndarray))


def _scalars(plan: DispatchPlan | PlanTotals) -> Iterator[float]:
    for part in (plan, plan.costs) if isinstance(plan, DispatchPlan) else (plan,):
        values = (getattr(part, field.name) for field in fields(part))
        yield from (value for value in values if isinstance(value, float))
