"""Owns the description of one virtual power plant: its assets and their limits.

Knows nothing of prices, other VPPs or how a day is planned. Values are already validated.
"""

from __future__ import annotations

from dataclasses import dataclass

from market.arrays import Array


@dataclass(frozen=True, slots=True)
class Renewable:
    """A wind or PV plant: (7) 0 ≤ P ≤ forecast. `forecast_mw` has shape (periods,)."""

    forecast_mw: Array
    om_cost_cny_per_mwh: float


@dataclass(frozen=True, slots=True)
class MicroTurbine:
    """A micro-turbine: cost aP² + bP + c_on per hour, output limits (12), ramps (13).

    With `commitment` the unit may be off (then P = 0 and c_on is not paid); without, it always runs
    between its limits. The quadratic cost is taken as `cost_pieces` equal pieces with chord slopes.
    """

    p_min_mw: float
    p_max_mw: float
    ramp_up_mw_per_h: float
    ramp_down_mw_per_h: float
    cost_a_cny_per_mw2h: float
    cost_b_cny_per_mwh: float
    cost_on_cny_per_h: float
    commitment: bool
    cost_pieces: int
    emission_t_per_mwh: float


@dataclass(frozen=True, slots=True)
class Storage:
    """Energy storage, (8) to (10). SOC limits are shares of `energy_mwh`; the day ends as it began."""

    energy_mwh: float
    charge_max_mw: float
    discharge_max_mw: float
    charge_efficiency: float
    discharge_efficiency: float
    soc_min: float
    soc_max: float
    soc_initial: float
    wear_cny_per_mwh: float


@dataclass(frozen=True, slots=True)
class ControllableLoad:
    """Load that may be shed against compensation, at most `share_of_load` of each period's load.

    credit_t_per_mwh : carbon credits given to users per MWh shed (they leave the quota), 0 for none
    """

    share_of_load: float
    compensation_cny_per_mwh: float
    daily_energy_max_mwh: float | None
    credit_t_per_mwh: float


@dataclass(frozen=True, slots=True)
class Exchange:
    """Limits (11) of the exchange with the grid (may be infinite) and of direct exchange with other VPPs."""

    grid_buy_max_mw: float
    grid_sell_max_mw: float
    direct_in_max_mw: float
    direct_out_max_mw: float


@dataclass(frozen=True, slots=True)
class Vpp:
    """One virtual power plant. `load_mw` has shape (periods,); assets it does not have are None.

    satisfaction : κ_i, the share of its own marginal value up to which a buyer lets peers serve it whole
    """

    id: str
    label: str
    load_mw: Array
    wt: Renewable | None
    pv: Renewable | None
    mt: MicroTurbine | None
    ess: Storage | None
    cl: ControllableLoad | None
    exchange: Exchange
    satisfaction: float
