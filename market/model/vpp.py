"""One virtual power plant: its assets and their limits, each parameter defined once.

Rules between fields stand behind them. Values are already validated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from market.model.arrays import Array
from market.model.parameter import MAX_POWER_MW, MAX_PRICE_CNY_PER_MWH, Broken, later, parameter
from market.model.strategy import StrategyChoice


@dataclass(frozen=True, slots=True)
class Renewable:
    """A wind or PV plant: (7) 0 ≤ P ≤ forecast, which has shape (periods,)."""

    forecast_mw: Array = parameter("MW", "What it could deliver", ge=0, le=MAX_POWER_MW)
    om_cost_cny_per_mwh: float = parameter("CNY/MWh", "Operation and maintenance", ge=0, le=MAX_PRICE_CNY_PER_MWH)


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroTurbine:
    """A micro-turbine: a P² + b P + c_on per hour, (12), (13).

    With `commitment` the unit may be off (then P = 0 and c_on is not paid); without, it always runs
    between its limits. The quadratic cost is taken as `cost_pieces` equal pieces with chord slopes.
    """

    p_min_mw: float = parameter("MW", "Lowest output while it runs", default=0.0, ge=0, le=MAX_POWER_MW)
    p_max_mw: float = parameter("MW", "Highest output", ge=0, le=MAX_POWER_MW)
    ramp_up_mw_per_h: float = parameter("MW/h", "Ramp limit up", ge=0, le=MAX_POWER_MW)
    ramp_down_mw_per_h: float = parameter("MW/h", "Ramp limit down", ge=0, le=MAX_POWER_MW)
    cost_a_cny_per_mw2h: float = parameter(
        "CNY/(MW² h)", "Quadratic cost", symbol="a", default=0.0, ge=0, le=MAX_PRICE_CNY_PER_MWH
    )
    cost_b_cny_per_mwh: float = parameter("CNY/MWh", "Linear cost", symbol="b", ge=0, le=MAX_PRICE_CNY_PER_MWH)
    cost_on_cny_per_h: float = parameter(
        "CNY/h",
        "Cost of an hour of running, whatever the output",
        symbol="c_on",
        default=0.0,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    commitment: bool = parameter("", "Whether the unit may be switched off; if not, it always runs", default=False)
    cost_pieces: int = parameter(
        "pieces", "Equal pieces that stand for the quadratic cost", default=8, ge=4, le=1000
    )
    emission_t_per_mwh: float = parameter("t CO2/MWh", "Emission", symbol="δ_MT", default=0.6, ge=0, le=100)


def output_limits(turbine: MicroTurbine) -> Iterator[Broken]:
    """The output limits are not upside down."""
    low, high = turbine.p_min_mw, turbine.p_max_mw
    if low > high:
        rule = "p_min_mw must not be above p_max_mw"
        yield Broken("p_min_mw", rule, f"{low!r} above {high!r}", "exchange the two")


@dataclass(frozen=True, slots=True)
class Storage:
    """Energy storage, (8) to (10); the day ends as it began."""

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
        "share", "State of charge at the start, and again at the end", default=0.5, ge=0, le=1
    )
    wear_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "Wear, on energy charged and on energy discharged",
        default=30.0,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )


def charge_limits(storage: Storage) -> Iterator[Broken]:
    """The SOC limits are not upside down, and hold the initial value."""
    low, high, start = storage.soc_min, storage.soc_max, storage.soc_initial
    if low > high:
        rule = "soc_min must not be above soc_max"
        yield Broken("soc_min", rule, f"{low!r} above {high!r}", "exchange the two")
    elif not low <= start <= high:
        rule, value = "soc_initial must be within soc_min and soc_max", f"{start!r} outside {low!r} to {high!r}"
        yield Broken("soc_initial", rule, value, "start inside the limits or widen them")


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


@dataclass(frozen=True, slots=True)
class Vpp:
    """One virtual power plant. Its load has shape (periods,); assets it does not have are None."""

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
