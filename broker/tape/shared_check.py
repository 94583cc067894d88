"""What the public part of a scenario has to be where it comes from a tape, and not from a scenario's folder.

Its types have been checked. A scenario's own rules are finer; these are what sums, loops and clocks rely on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Final

import numpy as np

from broker.wire.messages import BROKER
from market.errors import TapeError
from market.network import Links, NodeCompute, Partition
from market.scenario.digest import seal_shared
from market.scenario.model import PublicScenario

_LARGEST = 1e12
_SMALLEST = 1e-12
_BETWEEN: Final[dict[str, tuple[float, float]]] = {
    "periods": (1, 35_136),
    "period_h": (1e-3, 168),
    "choice_temperature_cny_per_mwh": (0, _LARGEST),
    "base_power_mw": (_SMALLEST, _LARGEST),
    "role_tolerance": (0, 1),
    "revision_step": (1e-3, 1 - _SMALLEST),
    "gradient_step_cny_per_mwh_per_mw": (_SMALLEST, _LARGEST),
    "tatonnement_step_cny_per_mwh": (_SMALLEST, _LARGEST),
    "price_tick_cny_per_mwh": (_SMALLEST, _LARGEST),
    "offer_budget": (1, 10_000_000),
    "interval_t": (_SMALLEST, _LARGEST),
    "growth": (0, 100),
    "steps": (1, 1000),
    "sigma": (0, 5),
    "loss": (0, 1 - _SMALLEST),
    "duplication": (0, 1),
    "reordering": (0, 1),
    "bandwidth_bit_per_s": (1, _LARGEST),
    "after_s": (1e-3, _LARGEST),
    "backoff": (1, 100),
    "max_s": (1e-3, _LARGEST),
    "stall_after_s": (0.1, 86_400),
    "silence_s": (1, 86_400),
    "wait_s": (0, 1e6),
}
"""By the name of a field, what it may be; a time that is not named here is between 0 and a very long one."""


def check_shared(shared: PublicScenario) -> None:
    """TapeError if this is not the public part of a scenario, or not the one that its digest tells of."""
    _check(bool(shared.roster) and len(set(shared.roster)) == len(shared.roster), "its roster is none")
    _check(BROKER not in shared.roster and "" not in shared.roster, "its roster holds a name that no VPP may have")
    _check(len(shared.plant_digests) == len(shared.roster), "it has not one digest for each plant")
    for place, value in _numbers(shared, ""):
        low, high = range_of(place.rsplit(".", 1)[-1])
        _check(bool(low <= value <= high), f"{place} is {value!r:.40}, not between {low:g} and {high:g}")
    periods = shared.public.horizon.periods
    for name in ("retail_cny_per_mwh", "feed_in_cny_per_mwh"):
        _check(getattr(shared.public.tariff, name).shape == (periods,), f"{name} is not for {periods} periods")
    market = shared.public.market
    _check(market.price_min_cny_per_mwh <= market.price_max_cny_per_mwh, "its price band is none")
    strangers = sorted(set(_named(shared.network)) - set(shared.roster))
    _check(not strangers, f"its network speaks of {', '.join(strangers)!s:.80}, who take no part")
    sealed = seal_shared(shared)
    same = (sealed.digest, sealed.public.digest) == (shared.digest, shared.public.digest)
    _check(same, f"it was altered: its digest is {sealed.digest}, not {shared.digest:.64}")


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise TapeError(f"this is no market's scenario: {otherwise}")


def range_of(name: str) -> tuple[float, float]:
    """Between what a number of a scenario's public part is, by the name of its field."""
    return _BETWEEN.get(name, (0.0 if name.endswith("_s") else -_LARGEST, _LARGEST))


def _numbers(value: object, place: str) -> Iterator[tuple[str, float]]:
    """Every number in a value, by its place; of an array, its extremes. An end that never comes is none."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _numbers(getattr(value, field.name), f"{place}.{field.name}" if place else field.name)
    elif isinstance(value, tuple):
        for entry in value:
            yield from _numbers(entry, place)
    elif isinstance(value, np.ndarray):
        yield from ((place, float(extreme)) for extreme in ((value.min(), value.max()) if value.size else ()))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


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
