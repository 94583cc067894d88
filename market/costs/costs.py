"""What a day's operation costs, (4) and (5): fuel, wear, curtailment, load control, energy and carbon."""

from __future__ import annotations

import numpy as np

from market.costs.carbon import carbon_bill_cny
from market.model.arrays import Array
from market.model.operation import Operation
from market.model.plan import CostBreakdown
from market.model.public import PublicRules
from market.model.rules import CarbonMode, CarbonRules
from market.model.vpp import MicroTurbine, Renewable, Vpp


def mt_breakpoints_mw(mt: MicroTurbine) -> Array:
    """Ends of the equal pieces between p_min and p_max, shape (cost_pieces + 1,), MW."""
    return np.linspace(mt.p_min_mw, mt.p_max_mw, mt.cost_pieces + 1)


def mt_slopes_cny_per_mwh(mt: MicroTurbine) -> Array:
    """Chord slopes of aP² + bP over the pieces, shape (cost_pieces,): a (P_n + P_n+1) + b."""
    ends = mt_breakpoints_mw(mt)
    return mt.cost_a_cny_per_mw2h * (ends[:-1] + ends[1:]) + mt.cost_b_cny_per_mwh


def mt_least_cost_cny_per_h(mt: MicroTurbine) -> float:
    """Cost of an hour at p_min: a p_min² + b p_min + c_on."""
    p_min = mt.p_min_mw
    return mt.cost_a_cny_per_mw2h * p_min**2 + mt.cost_b_cny_per_mwh * p_min + mt.cost_on_cny_per_h


def mt_cost_cny_per_h(mt: MicroTurbine, mt_mw: Array) -> Array:
    """The piecewise linear cost of (5), per hour, of the shape of `mt_mw`; exact at the ends of pieces.

    With `commitment` an output of 0 is a unit that is off and costs nothing.
    """
    above_mw = mt_mw[..., None] - mt_breakpoints_mw(mt)[:-1]
    width_mw = (mt.p_max_mw - mt.p_min_mw) / mt.cost_pieces
    running = mt_least_cost_cny_per_h(mt) + np.clip(above_mw, 0.0, width_mw) @ mt_slopes_cny_per_mwh(mt)
    return np.where(mt_mw > 0.0, running, 0.0) if mt.commitment else running


def cost_breakdown(vpp: Vpp, public: PublicRules, operation: Operation, excess_t: float) -> CostBreakdown:
    """(4) and (5) of a day, CNY; the carbon bill is that of an excess of `excess_t` tonnes.

    C^op = Σ_t [om (wt + pv) + wear (charge + discharge) + C_MT(mt) + retail buy − feed_in sell + c_CL cl] Δt
    """
    hours, tariff = public.horizon.period_h, public.tariff
    grid = tariff.retail_cny_per_mwh @ operation.buy_mw - tariff.feed_in_cny_per_mwh @ operation.sell_mw
    throughput_mw = float((operation.charge_mw + operation.discharge_mw).sum())
    return CostBreakdown(
        wt_cny=_renewable_cny(vpp.wt, operation.wt_mw, hours),
        pv_cny=_renewable_cny(vpp.pv, operation.pv_mw, hours),
        ess_cny=vpp.ess.wear_cny_per_mwh * throughput_mw * hours if vpp.ess else 0.0,
        mt_cny=float(mt_cost_cny_per_h(vpp.mt, operation.mt_mw).sum()) * hours if vpp.mt else 0.0,
        grid_cny=float(grid) * hours,
        cl_cny=vpp.cl.compensation_cny_per_mwh * float(operation.cl_mw.sum()) * hours if vpp.cl else 0.0,
        carbon_cny=carbon_bill_cny(public.carbon, excess_t),
    )


def objective_cny(rules: CarbonRules, costs: CostBreakdown) -> float:
    """F of (4), what a dispatch minimises; in mode `none` the carbon bill is left out of it."""
    return costs.operation_cny if rules.mode is CarbonMode.NONE else costs.total_cny


def _renewable_cny(plant: Renewable | None, used_mw: Array, hours: float) -> float:
    return plant.om_cost_cny_per_mwh * float(used_mw.sum()) * hours if plant else 0.0
