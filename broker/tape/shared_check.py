"""Checks the public part of a scenario where it comes from a tape, and not from a scenario's folder.

Its types have been checked. Every parameter is within the bounds that a scenario's file has for it, and the rules
between fields hold on which sums, loops and clocks rely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np

from broker.wire.messages import BROKER
from market.costs.imbalance import outside_tariff
from market.errors import TapeError
from market.model.calendar import is_sound
from market.model.currency import is_currency
from market.model.network import Links, NodeCompute, Partition, attempts
from market.model.parameter import Parameter, parameter_of
from market.model.public import PublicRules, PublicScenario
from market.model.rules import MARKET_RULES
from market.scenario.digest import seal_shared


def check_shared(shared: PublicScenario) -> None:
    """TapeError if this is not the public part of a scenario, or not the one that its digest tells of."""
    _check(bool(shared.roster) and len(set(shared.roster)) == len(shared.roster), "its roster is none")
    _check(BROKER not in shared.roster and "" not in shared.roster, "its roster holds a name that no VPP may have")
    _check(len(shared.plant_digests) == len(shared.roster), "it has not one digest for each plant")
    for place, value, bounds in _numbers(shared, ""):
        _check(bounds.holds(value), f"{place} is {value!r:.40}, not {bounds.limits}")
    periods = shared.public.horizon.periods
    for name in ("retail_cny_per_mwh", "feed_in_cny_per_mwh"):
        _check(getattr(shared.public.tariff, name).shape == (periods,), f"{name} is not for {periods} periods")
    _check_imbalance(shared.public)
    _check(is_sound(shared.public.horizon), "its horizon begins at no time that there is")
    _check(is_currency(shared.public.currency), f"its currency is {shared.public.currency!r:.40}")
    market = shared.public.market
    of_market = (broken for rule in MARKET_RULES for broken in rule(market))
    for broken in (*of_market, *attempts(shared.network.retransmission)):
        _check(False, f"{broken.rule}, and {broken.field} is {broken.value}")
    strangers = sorted(set(_named(shared.network)) - set(shared.roster))
    _check(not strangers, f"its network speaks of {', '.join(strangers)!s:.80}, who take no part")
    sealed = seal_shared(shared)
    same = (sealed.digest, sealed.public.digest) == (shared.digest, shared.public.digest)
    _check(same, f"it was altered: its digest is {sealed.digest}, not {shared.digest:.64}")


def _check_imbalance(public: PublicRules) -> None:
    """Prices by period are for these periods, and reward no deviation."""
    if public.imbalance is None:
        return
    for side in ("short", "long"):
        prices = getattr(public.imbalance, f"{side}_by_period_cny_per_mwh")
        whole = prices is None or prices.shape == (public.horizon.periods,)
        _check(whole, f"{side}_by_period_cny_per_mwh is not for {public.horizon.periods} periods")
    crossed = list(outside_tariff(public.imbalance, public.tariff))
    _check(not crossed, "its prices of imbalance reward deviations")


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise TapeError(f"this is no market's scenario: {otherwise}")


def _numbers(value: object, place: str) -> Iterator[tuple[str, float, Parameter]]:
    """Every number in a value, by its place, with its bounds; of an array, its extremes. None is none."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            part, inside = getattr(value, field.name), f"{place}.{field.name}" if place else field.name
            parameter = parameter_of(field.metadata)
            if parameter is None:
                yield from _numbers(part, inside)
            else:
                yield from ((inside, number, parameter) for number in _plain_numbers(part))
    elif isinstance(value, tuple):
        for entry in value:
            yield from _numbers(entry, place)


def _plain_numbers(value: object) -> Iterator[float]:
    if isinstance(value, np.ndarray):
        yield from map(float, (value.min(), value.max()) if value.size else ())
    elif isinstance(value, tuple):
        yield from value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _named(value: object) -> Iterator[str]:
    """Every VPP that network conditions speak of."""
    if isinstance(value, Links):
        yield from (vpp for vpp in (value.sender, value.receiver, value.vpp) if vpp is not None)
    elif isinstance(value, NodeCompute):
        yield value.vpp
    elif isinstance(value, Partition):
        yield from (vpp for group in value.groups for vpp in group)
    elif isinstance(value, tuple):
        for entry in value:
            yield from _named(entry)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _named(getattr(value, field.name))
