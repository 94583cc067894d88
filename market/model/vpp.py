"""One virtual power plant: its assets and their limits, each parameter defined once.

Rules between fields stand behind them. Values are already validated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeAlias

from market.model.arrays import Array
from market.model.assets import (
    MAX_TIME_H,
    Deferrable,
    FixedLoad,
    Hydro,
    MustRun,
    ShiftableLoad,
    StoredEnd,
    Vehicle,
    end_said_once,
)
from market.model.group import Group
from market.model.parameter import (
    MAX_COST_CNY_PER_H,
    MAX_POWER_MW,
    MAX_PRICE_CNY_PER_MWH,
    MAX_SLOPE_CNY_PER_MW2H,
    Broken,
    later,
    origin,
    parameter,
)
from market.model.rules import OwnTariff
from market.model.strategy import StrategyChoice


@dataclass(frozen=True, slots=True)
class Renewable:
    """A wind or PV plant: (7) 0 ≤ P ≤ forecast, which has shape (periods,)."""

    forecast_mw: Array = parameter("MW", "What it could deliver", ge=0, le=MAX_POWER_MW)
    om_cost_cny_per_mwh: float = parameter("CNY/MWh", "Operation and maintenance", ge=0, le=MAX_PRICE_CNY_PER_MWH)
    realised_mw: Array | None = parameter(
        "MW", "What it could deliver in reality", default=None, ge=0, le=MAX_POWER_MW, later=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroTurbine:
    """A micro-turbine: a P² + b P + c_on per hour, (12), (13).

    With `commitment` the unit may be off (then P = 0 and c_on is not paid); without, it always runs
    between its limits. The quadratic cost is taken as `cost_pieces` equal pieces with chord slopes; a curve of
    points, (M8), stands in its place.
    """

    p_min_mw: float = parameter("MW", "Lowest output while it runs", default=0.0, ge=0, le=MAX_POWER_MW)
    p_max_mw: float = parameter("MW", "Highest output", ge=0, le=MAX_POWER_MW)
    ramp_up_mw_per_h: float = parameter("MW/h", "Ramp limit up", ge=0, le=MAX_POWER_MW)
    ramp_down_mw_per_h: float = parameter("MW/h", "Ramp limit down", ge=0, le=MAX_POWER_MW)
    cost_a_cny_per_mw2h: float = parameter(
        "CNY/(MW² h)", "Quadratic cost", symbol="a", default=0.0, ge=0, le=MAX_SLOPE_CNY_PER_MW2H
    )
    cost_b_cny_per_mwh: float = parameter("CNY/MWh", "Linear cost", symbol="b", ge=0, le=MAX_PRICE_CNY_PER_MWH)
    cost_on_cny_per_h: float = parameter(
        "CNY/h",
        "Cost of an hour of running, whatever the output",
        symbol="c_on",
        default=0.0,
        ge=0,
        le=MAX_COST_CNY_PER_H,
    )
    commitment: bool = parameter("", "Whether the unit may be switched off; if not, it always runs", default=False)
    cost_pieces: int = parameter(
        "pieces", "Equal pieces that stand for the quadratic cost", default=8, ge=4, le=1000
    )
    emission_t_per_mwh: float = parameter("t CO2/MWh", "Emission", symbol="δ_MT", default=0.6, ge=0, le=100)
    curve_mw: tuple[float, ...] = parameter(
        "MW",
        "Outputs at which the cost is given, from p_min_mw to p_max_mw; in place of cost_a, cost_b, cost_on",
        default=(),
        ge=0,
        le=MAX_POWER_MW,
        later=True,
    )
    curve_cny_per_h: tuple[float, ...] = parameter(
        "CNY/h",
        "Cost of an hour at each output of curve_mw, straight between them; not convex needs binaries",
        default=(),
        ge=0,
        le=MAX_COST_CNY_PER_H,
        later=True,
    )
    start_cost_cny: float = parameter(
        "CNY", "Cost of a start; needs commitment", default=0.0, ge=0, le=1e9, later=True
    )
    min_up_h: float = parameter(
        "h", "It runs at least so long; needs commitment", default=0.0, ge=0, le=MAX_TIME_H, later=True
    )
    min_down_h: float = parameter(
        "h", "It is off at least so long; needs commitment", default=0.0, ge=0, le=MAX_TIME_H, later=True
    )
    initial_output_mw: float | None = parameter(
        "MW",
        "Output before the day, 0 for off; left out: nothing is said of it, and any first output is free",
        default=None,
        ge=0,
        le=MAX_POWER_MW,
        later=True,
    )
    initial_state_h: float | None = parameter(
        "h",
        "How long it has been on or off before the day; left out: long enough",
        default=None,
        ge=0,
        le=MAX_TIME_H,
        later=True,
    )


def output_limits(turbine: MicroTurbine) -> Iterator[Broken]:
    """The output limits are not upside down."""
    low, high = turbine.p_min_mw, turbine.p_max_mw
    if low > high:
        rule = "p_min_mw must not be above p_max_mw"
        yield Broken("p_min_mw", rule, f"{low!r} above {high!r}", "exchange the two")


def cost_curve(turbine: MicroTurbine) -> Iterator[Broken]:
    """A cost curve has a cost for each output, and its outputs rise from the lowest to the highest there is."""
    outputs, costs = turbine.curve_mw, turbine.curve_cny_per_h
    low, high = turbine.p_min_mw, turbine.p_max_mw
    if len(outputs) != len(costs):
        rule = "must have a cost for each output of curve_mw"
        yield Broken("curve_cny_per_h", rule, f"{len(costs)} costs, {len(outputs)} outputs", "make them as many")
    elif len(outputs) == 1:
        yield Broken(
            "curve_mw", "must have two points or more", repr(outputs[0]), "add the cost of another output"
        )
    elif any(after <= before for before, after in pairwise(outputs)):
        yield Broken("curve_mw", "must rise from point to point", _listed(outputs), "sort the points, each once")
    elif outputs and (outputs[0] != low or outputs[-1] != high):
        rule = "must begin at p_min_mw and end at p_max_mw"
        yield Broken("curve_mw", rule, f"{outputs[0]!r} to {outputs[-1]!r}", f"let it go from {low!r} to {high!r}")


_OF_COMMITMENT = ("start_cost_cny", "min_up_h", "min_down_h")


def commitment_limits(turbine: MicroTurbine) -> Iterator[Broken]:
    """Starts and times need a unit that may be off, and whose being on shows; what was before fits its limits."""
    for field in _OF_COMMITMENT:
        value = getattr(turbine, field)
        if value and not turbine.commitment:
            yield Broken(
                field, "must be 0 without commitment", repr(value), "set commitment: true, or leave it out"
            )
        elif value and not turbine.p_min_mw:
            rule = "must be 0 where p_min_mw is 0, since a unit at 0 MW counts as off"
            yield Broken(field, rule, repr(value), "give the lowest output at which it runs")
    output, hours = turbine.initial_output_mw, turbine.initial_state_h
    if output is None and hours is not None:
        remedy = "give the output before the day, 0 for off"
        yield Broken("initial_state_h", "must come with initial_output_mw", repr(hours), remedy)
    if output is None:
        return
    low, high = turbine.p_min_mw, turbine.p_max_mw
    off = output == 0.0 and turbine.commitment
    if not off and not low <= output <= high:
        value = f"{output!r} outside {low!r} to {high!r}"
        remedy = (
            "0 for off, or an output of the unit" if turbine.commitment else "it always runs: give an output of it"
        )
        yield Broken("initial_output_mw", "must be within p_min_mw and p_max_mw", value, remedy)


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values[:8]) + (" …" if len(values) > 8 else "")


@dataclass(frozen=True, slots=True)
class Storage:
    """Energy storage, (8) to (10); the day ends as it began, unless `end` says otherwise, (M9)."""

    energy_mwh: float = parameter("MWh", "Capacity, which the SOC shares refer to", ge=0, le=MAX_POWER_MW)
    charge_max_mw: float = parameter("MW", "Highest charging power", ge=0, le=MAX_POWER_MW)
    discharge_max_mw: float = parameter("MW", "Highest discharging power", ge=0, le=MAX_POWER_MW)
    charge_efficiency: float = parameter(
        "share", "Share of the energy taken that is stored", default=0.95, gt=0, le=1
    )
    discharge_efficiency: float = parameter(
        "share", "Share of the energy released that arrives", default=0.95, gt=0, le=1
    )
    soc_min: float = parameter("share", "Lowest state of charge", default=0.1, ge=0, le=1)
    soc_max: float = parameter("share", "Highest state of charge", default=0.9, ge=0, le=1)
    soc_initial: float = parameter(
        "share", "State of charge at the start; at the end too, with end as_begun", default=0.5, ge=0, le=1
    )
    wear_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "Wear, on energy charged and on energy discharged",
        default=30.0,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    end: StoredEnd = parameter(
        "", "What must be stored at the end of the day", default=StoredEnd.AS_BEGUN, later=True
    )
    soc_end: float | None = parameter(
        "share", "State of charge at the end, with end given", default=None, ge=0, le=1, later=True
    )
    end_value_cny_per_mwh: float | None = parameter(
        "CNY/MWh",
        "Worth of what is stored at the end, with end valued",
        default=None,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
        later=True,
    )
    self_discharge_per_h: float = parameter(
        "share/h", "Share of what is stored that is lost in an hour", default=0.0, ge=0, lt=1, later=True
    )


def charge_limits(storage: Storage) -> Iterator[Broken]:
    """The SOC limits are not upside down, and hold the initial value and the last; the end is said once."""
    low, high, start = storage.soc_min, storage.soc_max, storage.soc_initial
    if low > high:
        rule = "soc_min must not be above soc_max"
        yield Broken("soc_min", rule, f"{low!r} above {high!r}", "exchange the two")
    elif not low <= start <= high:
        rule, value = "soc_initial must be within soc_min and soc_max", f"{start!r} outside {low!r} to {high!r}"
        yield Broken("soc_initial", rule, value, "start inside the limits or widen them")
    elif storage.soc_end is not None and not low <= storage.soc_end <= high:
        value = f"{storage.soc_end!r} outside {low!r} to {high!r}"
        yield Broken("soc_end", "soc_end must be within soc_min and soc_max", value, "end inside the limits")
    yield from end_said_once(storage, "soc_end")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllableLoad:
    """Load that may be shed against compensation."""

    share_of_load: float = parameter(
        "share", "Most that may be shed of each period's load", default=0.1, ge=0, le=1
    )
    compensation_cny_per_mwh: float = parameter(
        "CNY/MWh", "What users get for energy shed", ge=0, le=MAX_PRICE_CNY_PER_MWH
    )
    daily_energy_max_mwh: float | None = parameter(
        "MWh", "Most energy shed in all periods; left out: no such limit", default=None, ge=0, le=1e9
    )
    credit_t_per_mwh: float = parameter(
        "t CO2/MWh",
        "Carbon credits users get for energy shed; they leave the quota",
        default=0.0,
        ge=0,
        le=100,
    )
    limit_each_day: bool = parameter(
        "",
        "Whether daily_energy_max_mwh is for each day by itself, not for all periods together; so a run of many "
        "days takes it",
        default=False,
        later=True,
    )
    shed_before_mwh: float = parameter(
        "MWh",
        "What has been shed before the first period, of what daily_energy_max_mwh allows",
        default=0.0,
        ge=0,
        le=1e9,
        later=True,
    )


@dataclass(frozen=True, slots=True)
class Exchange:
    """Limits of exchange, (11), and how a reserve is told; a limit left out, or null, is no limit."""

    grid_buy_max_mw: float = parameter(
        "MW", "Most power bought from the grid", default=math.inf, ge=0, le=MAX_POWER_MW
    )
    grid_sell_max_mw: float = parameter(
        "MW", "Most power sold to the grid", default=math.inf, ge=0, le=MAX_POWER_MW
    )
    direct_in_max_mw: float = parameter(
        "MW", "Most power taken from other VPPs", default=math.inf, ge=0, le=MAX_POWER_MW
    )
    direct_out_max_mw: float = parameter(
        "MW", "Most power given to other VPPs", default=math.inf, ge=0, le=MAX_POWER_MW
    )
    reserve_step_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "A reserve above the feed-in price is declared as the next multiple of this, so that it tells less; "
        "0: as it is",
        default=0.0,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    peer_fee_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "What it pays the grid for each MWh taken from other VPPs, (M14)",
        default=0.0,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
        later=True,
    )
    peak_charge_cny_per_mw: float = parameter(
        "CNY/MW",
        "What it pays the grid for each MW of the largest power bought in any period, once for all periods, (M20)",
        default=0.0,
        ge=0,
        le=1e9,
        later=True,
    )
    peak_before_mw: float = parameter(
        "MW",
        "Largest power bought before the first period, of what peak_charge is for; it is paid already",
        default=0.0,
        ge=0,
        le=MAX_POWER_MW,
        later=True,
    )
    import_max_mw: float = parameter(
        "MW",
        "Most power taken through its connection, from the grid and other VPPs together, (M21)",
        default=math.inf,
        ge=0,
        le=MAX_POWER_MW,
        later=True,
    )
    export_max_mw: float = parameter(
        "MW",
        "Most power given through its connection, to the grid and other VPPs together, (M21)",
        default=math.inf,
        ge=0,
        le=MAX_POWER_MW,
        later=True,
    )

    @property
    def most_demanded_mw(self) -> float:
        """The most that it may ask others for: what it may take of them, (11), and what may come in, (M21)."""
        return min(self.direct_in_max_mw, self.import_max_mw)

    @property
    def most_offered_mw(self) -> float:
        """The most that it may offer to others, likewise."""
        return min(self.direct_out_max_mw, self.export_max_mw)


class UnitKind(StrEnum):
    """What a unit is; the first five are called as the fields of a VPP that has one of each."""

    WT = "wt"
    PV = "pv"
    MT = "mt"
    ESS = "ess"
    CL = "cl"
    LOAD = "load"
    BIOMASS = "biomass"
    HYDRO = "hydro"
    MUST_RUN = "must_run"
    SHIFT = "shift"
    EV = "ev"
    DEFERRABLE = "deferrable"


Asset: TypeAlias = (
    Renewable
    | MicroTurbine
    | Storage
    | ControllableLoad
    | FixedLoad
    | Hydro
    | MustRun
    | ShiftableLoad
    | Vehicle
    | Deferrable
)
FIELDS: Final = (UnitKind.WT, UnitKind.PV, UnitKind.MT, UnitKind.ESS, UnitKind.CL)
"""The kinds of which a VPP may have one by a field of its own."""
_BY_NAME: Final = tuple((kind.value, kind) for kind in FIELDS)  # a name is looked up slowly


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a VPP. A biomass unit is a micro-turbine that earns no quota."""

    id: str
    label: str
    kind: UnitKind
    asset: Asset


@dataclass(frozen=True, slots=True)
class Vpp:
    """One virtual power plant. Its load has shape (periods,); assets it does not have are None.

    wt, pv, mt, ess, cl : the same as a unit of that kind, which is then called so
    units : any number of any kind beside them · tariff : its own, in place of everybody's
    group : whose limits it has its share of; `exchange` is within that share already, so digests go without it
    """

    id: str
    label: str
    load_mw: Array = parameter("MW", "What its users need", ge=0, le=MAX_POWER_MW)
    wt: Renewable | None = None
    pv: Renewable | None = None
    mt: MicroTurbine | None = None
    ess: Storage | None = None
    cl: ControllableLoad | None = None
    exchange: Exchange = Exchange()
    satisfaction: float = parameter(
        "share",
        "Share of its marginal value up to which a buyer lets peers serve its whole deficit",
        symbol="κ",
        default=0.85,
        gt=0,
        le=10,
        first=True,
    )
    strategy: StrategyChoice | None = later()
    units: tuple[Unit, ...] = later(())
    tariff: OwnTariff | None = later()
    realised_load_mw: Array | None = parameter(
        "MW", "What its users need in reality", default=None, ge=0, le=MAX_POWER_MW, later=True
    )
    excess_before_t: float = parameter(
        "t CO2",
        "Excess emission before the first period, of the billing period that has begun before",
        default=0.0,
        ge=-1e9,
        le=1e9,
        later=True,
    )
    group: Group | None = origin()

    @property
    def all_units(self) -> tuple[Unit, ...]:
        """Those of the fields, in the order of `FIELDS`, then `units`."""
        of_fields = ((name, kind, getattr(self, name)) for name, kind in _BY_NAME)
        return (
            *(Unit(name, "", kind, asset) for name, kind, asset in of_fields if asset is not None),
            *self.units,
        )

    @property
    def total_load_mw(self) -> Array:
        """Its own load and those of its units, shape (periods,)."""
        total = self.load_mw
        for unit in self.units:
            if isinstance(unit.asset, FixedLoad):
                total = total + unit.asset.load_mw
        return total

    def place_of(self, unit: Unit) -> str:
        """Where a unit stands below the VPP, as paths have it: `mt`, `units.G2`."""
        return f"units.{unit.id}" if any(each.id == unit.id for each in self.units) else unit.id
