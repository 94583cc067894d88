"""What a VPP may have as units beside the plants of `market.model.vpp`, each parameter defined once.

Rules between fields stand behind them. Values are already validated; series have the shape (periods,).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from market.model.arrays import Array
from market.model.parameter import MAX_POWER_MW, MAX_PRICE_CNY_PER_MWH, Broken, parameter

MAX_TIME_H = 1e6


class StoredEnd(StrEnum):
    """What must be in a store at the end of the day, (M9)."""

    AS_BEGUN = "as_begun"  # as much as at the start
    GIVEN = "given"  # a share of its capacity
    FREE = "free"  # anything within its limits
    VALUED = "valued"  # anything, what is more than at the start earning a price and what is less costing it


def _taken_before() -> Any:
    """What a vehicle or task has had already of a time that is under way."""
    return parameter(
        "MWh",
        "What it has taken from the connection before the first period, of a time that has begun before",
        default=0.0,
        ge=0,
        le=MAX_POWER_MW,
        later=True,
    )


@dataclass(frozen=True, slots=True)
class FixedLoad:
    """A load of its own; it is served, and what may be shed or shifted is a share of all loads together."""

    load_mw: Array = parameter("MW", "What its users need", ge=-MAX_POWER_MW, le=MAX_POWER_MW)
    net_metered: bool = parameter(
        "", "Whether its series is net of generation behind the meter, and may be below 0", default=False
    )
    realised_load_mw: Array | None = parameter(
        "MW", "What its users need in reality", default=None, ge=-MAX_POWER_MW, le=MAX_POWER_MW, later=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MustRun:
    """Output that is given and cannot be curtailed, (M13)."""

    output_mw: Array = parameter("MW", "What it delivers", ge=0, le=MAX_POWER_MW)
    om_cost_cny_per_mwh: float = parameter(
        "CNY/MWh", "Operation and maintenance", default=0.0, ge=0, le=MAX_PRICE_CNY_PER_MWH
    )
    emission_t_per_mwh: float = parameter("t CO2/MWh", "Emission; it earns no quota", default=0.0, ge=0, le=100)
    realised_output_mw: Array | None = parameter(
        "MW", "What it delivers in reality", default=None, ge=0, le=MAX_POWER_MW, later=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hydro:
    """Hydro power with a reservoir or without, (M12): what flows in is turbined, stored or spilt."""

    inflow_mw: Array = parameter("MW", "What flows in, as the power that it could make", ge=0, le=MAX_POWER_MW)
    p_max_mw: float = parameter("MW", "Highest output", ge=0, le=MAX_POWER_MW)
    reservoir_mwh: float = parameter(
        "MWh", "What the reservoir holds, as energy; 0: run-of-river", default=0.0, ge=0, le=1e9
    )
    level_min: float = parameter("share", "Lowest level of the reservoir", default=0.0, ge=0, le=1)
    level_max: float = parameter("share", "Highest level of the reservoir", default=1.0, ge=0, le=1)
    level_initial: float = parameter("share", "Level at the start", default=0.5, ge=0, le=1)
    end: StoredEnd = parameter("", "What must be in the reservoir at the end", default=StoredEnd.AS_BEGUN)
    level_end: float | None = parameter("share", "Level at the end, with end given", default=None, ge=0, le=1)
    end_value_cny_per_mwh: float | None = parameter(
        "CNY/MWh",
        "Worth of what is in the reservoir at the end, with end valued",
        default=None,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    om_cost_cny_per_mwh: float = parameter(
        "CNY/MWh", "Operation and maintenance", default=0.0, ge=0, le=MAX_PRICE_CNY_PER_MWH
    )
    realised_inflow_mw: Array | None = parameter(
        "MW", "What flows in in reality", default=None, ge=0, le=MAX_POWER_MW, later=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftableLoad:
    """Load that may be moved to another time; its energy is conserved within each window, (M10)."""

    share_of_load: float = parameter(
        "share", "Most that may be moved away of each period's load", default=0.1, ge=0, le=1
    )
    window_h: float = parameter(
        "h",
        "Length of the windows within which what is moved away is taken again: one after the other from the start "
        "of each day; longer than a day, from the start of the run",
        default=4.0,
        gt=0,
        le=MAX_TIME_H,
    )
    up_max_mw: float | None = parameter(
        "MW",
        "Most that may be added in a period; left out: as much as may be moved away at the largest load",
        default=None,
        ge=0,
        le=MAX_POWER_MW,
    )
    compensation_cny_per_mwh: float = parameter(
        "CNY/MWh", "What users get for energy moved away", default=0.0, ge=0, le=MAX_PRICE_CNY_PER_MWH
    )
    moved_before_mwh: float = parameter(
        "MWh",
        "Of the window that has begun before the first period: what has been moved away and not yet taken again",
        default=0.0,
        ge=-MAX_POWER_MW,
        le=MAX_POWER_MW,
        later=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """An electric vehicle that is charged between arrival and departure, (M11)."""

    energy_mwh: float = parameter("MWh", "What it has to be charged by before it leaves", ge=0, le=MAX_POWER_MW)
    power_max_mw: float = parameter("MW", "Highest charging power", ge=0, le=MAX_POWER_MW)
    arrival_h: float = parameter("h", "When it comes, from the start of the day", default=0.0, ge=0, le=MAX_TIME_H)
    departure_h: float | None = parameter(
        "h", "When it leaves, from the start of the day; left out: at its end", default=None, gt=0, le=MAX_TIME_H
    )
    charge_efficiency: float = parameter(
        "share", "Share of the energy taken that is stored", default=0.95, gt=0, le=1
    )
    every_day: bool = parameter(
        "",
        "Whether it comes every day: its hours then count from the start of each, and may pass midnight",
        default=False,
        later=True,
    )
    taken_before_mwh: float = _taken_before()

    @property
    def taken_mwh(self) -> float:
        """What it takes from the connection in all."""
        return self.energy_mwh / self.charge_efficiency

    @property
    def window_h(self) -> tuple[float, float | None]:
        """When it may take it, from the start of the day; None for the end."""
        return self.arrival_h, self.departure_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferrable:
    """A task that needs its energy at any time within a window, and may be interrupted, (M11)."""

    energy_mwh: float = parameter("MWh", "What it needs in all", ge=0, le=MAX_POWER_MW)
    power_max_mw: float = parameter("MW", "Highest power", ge=0, le=MAX_POWER_MW)
    earliest_h: float = parameter(
        "h", "When it may begin, from the start of the day", default=0.0, ge=0, le=MAX_TIME_H
    )
    latest_h: float | None = parameter(
        "h",
        "When it must be over, from the start of the day; left out: at its end",
        default=None,
        gt=0,
        le=MAX_TIME_H,
    )
    every_day: bool = parameter(
        "",
        "Whether it has to be done every day: its hours then count from the start of each, and may pass midnight",
        default=False,
        later=True,
    )
    taken_before_mwh: float = _taken_before()

    @property
    def taken_mwh(self) -> float:
        """What it takes from the connection in all."""
        return self.energy_mwh

    @property
    def window_h(self) -> tuple[float, float | None]:
        """When it may take it, from the start of the day; None for the end."""
        return self.earliest_h, self.latest_h


class Store(Protocol):
    """What a battery and a reservoir have in common: how the day ends for them."""

    @property
    def end(self) -> StoredEnd: ...
    @property
    def end_value_cny_per_mwh(self) -> float | None: ...


def end_said_once(store: Store, share: str) -> Iterator[Broken]:
    """What the end asks for is given, and nothing else is; `share` is the field of the given end."""
    for field, end in ((share, StoredEnd.GIVEN), ("end_value_cny_per_mwh", StoredEnd.VALUED)):
        value = getattr(store, field)
        if store.end is end and value is None:
            yield Broken(field, f"must be given with end {end.value}", "nothing", "add it, or choose another end")
        elif store.end is not end and value is not None:
            rule = f"must be given with end {end.value} only, and end is {store.end.value}"
            yield Broken(field, rule, repr(value), f"take it out, or set end: {end.value}")


def level_limits(hydro: Hydro) -> Iterator[Broken]:
    """The levels are not upside down, and hold the first one and the last; the end is said once."""
    low, high = hydro.level_min, hydro.level_max
    if low > high:
        yield Broken(
            "level_min", "level_min must not be above level_max", f"{low!r} above {high!r}", "exchange the two"
        )
    else:
        for field in ("level_initial", "level_end"):
            level = getattr(hydro, field)
            if level is not None and not low <= level <= high:
                rule, value = (
                    f"{field} must be within level_min and level_max",
                    f"{level!r} outside {low!r} to {high!r}",
                )
                yield Broken(field, rule, value, "choose a level inside the limits or widen them")
    yield from end_said_once(hydro, "level_end")


def charging_window(vehicle: Vehicle) -> Iterator[Broken]:
    """A vehicle leaves after it has come."""
    yield from _window(vehicle.arrival_h, vehicle.departure_h, "departure_h", "arrival_h", vehicle.every_day)


def task_window(task: Deferrable) -> Iterator[Broken]:
    """A task ends after it may begin."""
    yield from _window(task.earliest_h, task.latest_h, "latest_h", "earliest_h", task.every_day)


_DAY_H = 24.0


def _window(start_h: float, end_h: float | None, last: str, first: str, every_day: bool) -> Iterator[Broken]:
    if end_h is not None and end_h <= start_h:
        rule, value = f"{last} must be after {first}", f"{end_h!r}, not after {start_h!r}"
        remedy = (
            "over midnight, add 24 to it"
            if every_day
            else "both count from the start of the day; over midnight, name two units"
        )
        yield Broken(last, rule, value, remedy)
    elif every_day and start_h >= _DAY_H:
        rule = f"must be below {_DAY_H:g} with every_day"
        yield Broken(first, rule, repr(start_h), "count from the start of each day")
    elif every_day and end_h is not None and end_h > start_h + _DAY_H:
        rule, value = f"must be at most 24 h after {first} with every_day", f"{end_h!r} after {start_h!r}"
        yield Broken(last, rule, value, "end before it begins again")
