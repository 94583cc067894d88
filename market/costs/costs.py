"""What a day's operation costs, (4) and (5): fuel, wear, curtailment, load control, energy and carbon."""

from __future__ import annotations

import numpy as np

from market.costs.billing import carbon_bills_cny
from market.costs.unit_operations import unit_operations
from market.model.arrays import Array
from market.model.assets import Hydro, MustRun, ShiftableLoad, StoredEnd
from market.model.operation import Operation, UnitOperation
from market.model.plan import CostBreakdown
from market.model.public import PublicRules
from market.model.rules import CarbonMode, CarbonRules, Tariff
from market.model.vpp import (
    ControllableLoad,
    Exchange,
    MicroTurbine,
    Renewable,
    Storage,
    Unit,
    UnitKind,
    Vpp,
)

_CONVEX = 1e-9  # of a slope: one that falls by less does not fall


def mt_breakpoints_mw(mt: MicroTurbine) -> Array:
    """Ends of the pieces of its cost, MW: equal ones between p_min and p_max, or the points of its curve, (M8)."""
    if mt.curve_mw:
        return np.array(mt.curve_mw)
    return np.linspace(mt.p_min_mw, mt.p_max_mw, mt.cost_pieces + 1)


def mt_slopes_cny_per_mwh(mt: MicroTurbine) -> Array:
    """Slopes of its cost, shape (pieces,): of chords of aP² + bP, a (P_n + P_n+1) + b, or of the curve."""
    ends = mt_breakpoints_mw(mt)
    if mt.curve_mw:
        slopes: Array = np.diff(mt.curve_cny_per_h) / np.diff(ends)
        return slopes
    return mt.cost_a_cny_per_mw2h * (ends[:-1] + ends[1:]) + mt.cost_b_cny_per_mwh


def mt_least_cost_cny_per_h(mt: MicroTurbine) -> float:
    """Cost of an hour at p_min: a p_min² + b p_min + c_on, or the first of the curve."""
    p_min = mt.p_min_mw
    if mt.curve_mw:
        return mt.curve_cny_per_h[0]
    return mt.cost_a_cny_per_mw2h * p_min**2 + mt.cost_b_cny_per_mwh * p_min + mt.cost_on_cny_per_h


def mt_cost_cny_per_h(mt: MicroTurbine, mt_mw: Array) -> Array:
    """The piecewise linear cost of (5), per hour, of the shape of `mt_mw`; exact at the ends of pieces.

    With `commitment` an output of 0 is a unit that is off and costs nothing.
    """
    above_mw = mt_mw[..., None] - mt_breakpoints_mw(mt)[:-1]
    running = mt_least_cost_cny_per_h(mt) + np.clip(above_mw, 0.0, mt_widths_mw(mt)) @ mt_slopes_cny_per_mwh(mt)
    return np.where(mt_mw > 0.0, running, 0.0) if mt.commitment else running


def mt_widths_mw(mt: MicroTurbine) -> Array:
    """Widths of the pieces of its cost, shape (pieces,), MW."""
    if mt.curve_mw:
        return np.diff(mt_breakpoints_mw(mt))
    return np.full(mt.cost_pieces, (mt.p_max_mw - mt.p_min_mw) / mt.cost_pieces)


def mt_is_convex(mt: MicroTurbine) -> bool:
    """Whether each stretch of its curve is as steep as the one before or steeper, so that no binaries order them.

    a P² with a ≥ 0 always is.
    """
    if not mt.curve_mw:
        return True
    slopes = mt_slopes_cny_per_mwh(mt)
    return bool((np.diff(slopes) >= -_CONVEX * (1.0 + np.abs(slopes[:-1]))).all())


def mt_starts(mt: MicroTurbine, mt_mw: Array) -> int:
    """How often it starts in a day; into period 1 only where it is known to have been off before."""
    on = mt_mw > 0.0
    first = bool(on[0]) and mt.initial_output_mw == 0.0
    return int((on[1:] & ~on[:-1]).sum()) + first


def tariff_of(vpp: Vpp, public: PublicRules) -> Tariff:
    """What the grid asks of a VPP and pays it: its own tariff, or everybody's."""
    return vpp.tariff.prices if vpp.tariff else public.tariff


def exchange_cny(tariff: Tariff, buy_mw: Array, sell_mw: Array) -> float:
    """What exchange with the grid costs, were each period an hour long; powers of shape (periods,)."""
    return float(tariff.retail_cny_per_mwh @ buy_mw - tariff.feed_in_cny_per_mwh @ sell_mw)


def has_own_tariff(vpp: Vpp) -> bool:
    """Whether the grid bills a VPP otherwise than everybody: by a tariff of its own, or with a fee (M14)."""
    return vpp.tariff is not None or vpp.exchange.peer_fee_cny_per_mwh > 0.0


def unit_cost_cny(unit: Unit, does: UnitOperation, hours: float) -> float:
    """What a unit's day costs, its part of (5), (M13); what it does is of shape (periods,), of so many hours each.

    What a store holds more at the end than at the start is worth its price, with `end` valued, (M9).
    """
    match unit.asset:
        case Renewable() | Hydro() | MustRun() as plant:
            return plant.om_cost_cny_per_mwh * float(does.supply_mw.sum()) * hours - stored_worth_cny(unit, does)
        case MicroTurbine() as mt:
            starts = mt.start_cost_cny * mt_starts(mt, does.supply_mw) if mt.start_cost_cny else 0.0
            return float(mt_cost_cny_per_h(mt, does.supply_mw).sum()) * hours + starts
        case Storage() as ess:
            throughput_mw = float((does.use_mw + does.supply_mw).sum())
            return ess.wear_cny_per_mwh * throughput_mw * hours - stored_worth_cny(unit, does)
        case ControllableLoad() | ShiftableLoad() as users:
            return users.compensation_cny_per_mwh * float(does.supply_mw.sum()) * hours
    return 0.0


def stored_worth_cny(unit: Unit, does: UnitOperation) -> float:
    """What is stored at the end beyond what was at the start, at the price that the scenario gives it, (M9)."""
    store = unit.asset
    if not isinstance(store, Storage | Hydro) or store.end is not StoredEnd.VALUED:
        return 0.0
    return (store.end_value_cny_per_mwh or 0.0) * (float(does.stored_mwh[-1]) - stored_at_start_mwh(store))


def stored_at_start_mwh(store: Storage | Hydro) -> float:
    """What a battery or a reservoir holds before the first period."""
    if isinstance(store, Hydro):
        return store.level_initial * store.reservoir_mwh
    return store.soc_initial * store.energy_mwh


def cost_breakdown(
    vpp: Vpp,
    public: PublicRules,
    operation: Operation,
    excess_t: float | tuple[float, ...],
    direct_in_mw: Array | None = None,
) -> CostBreakdown:
    """(4) and (5) of a day, CNY; the carbon bill is that of an excess of `excess_t` t, or of one for each bill.

    C^op = Σ_t [om (wt + pv) + wear (charge + discharge) + C_MT(mt) + retail buy − feed_in sell + c_CL cl] Δt

    and what other units cost. The grid's prices are the VPP's own where it has a tariff of its own; what it takes
    from other VPPs costs the fee of (M14), and its largest import the charge of (M20).
    """
    hours, tariff = public.horizon.period_h, tariff_of(vpp, public)
    excesses_t = excess_t if isinstance(excess_t, tuple) else (excess_t,)
    grid = exchange_cny(tariff, operation.buy_mw, operation.sell_mw)
    if direct_in_mw is not None and vpp.exchange.peer_fee_cny_per_mwh:
        grid += vpp.exchange.peer_fee_cny_per_mwh * float(direct_in_mw.sum())
    costs = [(unit.kind, unit_cost_cny(unit, does, hours)) for unit, does in unit_operations(vpp, operation)]

    def of(*kinds: UnitKind) -> float:
        return sum((cost for kind, cost in costs if kind in kinds), 0.0)

    return CostBreakdown(
        wt_cny=of(UnitKind.WT),
        pv_cny=of(UnitKind.PV),
        ess_cny=of(UnitKind.ESS),
        mt_cny=of(UnitKind.MT),
        grid_cny=grid * hours,
        cl_cny=of(UnitKind.CL),
        carbon_cny=carbon_bills_cny(vpp, public.carbon, excesses_t),
        other_cny=of(*_OTHERS),
        peak_cny=peak_charge_cny(vpp.exchange, operation.buy_mw),
    )


_OTHERS = (UnitKind.BIOMASS, UnitKind.HYDRO, UnitKind.MUST_RUN, UnitKind.SHIFT)


def peak_charge_cny(exchange: Exchange, buy_mw: Array) -> float:
    """(M20) The charge on the largest power bought, MW, shape (periods,), beyond the largest before.

    >>> peak_charge_cny(Exchange(peak_charge_cny_per_mw=50.0, peak_before_mw=1.0), np.array([0.5, 3.0]))
    100.0
    """
    rise_mw = float(buy_mw.max()) - exchange.peak_before_mw
    return exchange.peak_charge_cny_per_mw * max(rise_mw, 0.0)


def objective_cny(rules: CarbonRules, costs: CostBreakdown) -> float:
    """F of (4), what a dispatch minimises; in mode `none` the carbon bill is left out of it."""
    return costs.operation_cny if rules.mode is CarbonMode.NONE else costs.total_cny
