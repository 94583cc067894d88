"""The paper's Models 1 to 4 (Table 2): one VPP's day without trade, under four ways to price carbon.

Each model has a bill of its own, so all four are also billed under one tariff, the steps of (3), to be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum

from market.app.results.columns import DISPATCH_QUANTITIES
from market.app.results.table import Cell, Table
from market.costs.carbon import stepped_cost_cny
from market.model.plan import DispatchPlan
from market.model.rules import CarbonMode, CarbonRules
from market.scenario.scenario import Scenario
from vpp_nodes.dispatch import dispatch

HIGHER_FLAT_PRICE_CNY_PER_T = 320.0  # Model 2's, from the paper's text


@dataclass(frozen=True, slots=True)
class CarbonModel:
    """One of the four models: its number, the carbon rules it plans and is billed by, and the plan."""

    number: int
    rules: CarbonRules
    plan: DispatchPlan

    @property
    def excess_t(self) -> float:
        """E of (3)."""
        return self.plan.emission_t - self.plan.quota_t

    @property
    def stepped_bill_cny(self) -> float:
        """What the plan's carbon costs under the common tariff, (3)."""
        return stepped_cost_cny(self.rules, self.excess_t)


def four_models(scenario: Scenario, vpp_id: str) -> tuple[CarbonModel, ...]:
    """The day of one VPP under Models 1 to 4, the grid only. DispatchError if it cannot be planned."""
    carbon = scenario.public.carbon
    base = carbon.base_price_cny_per_t
    rules = (
        replace(carbon, mode=CarbonMode.FLAT, flat_price_cny_per_t=base),
        replace(carbon, mode=CarbonMode.FLAT, flat_price_cny_per_t=HIGHER_FLAT_PRICE_CNY_PER_T),
        replace(carbon, mode=CarbonMode.NONE),
        replace(carbon, mode=CarbonMode.STEPPED),
    )
    vpp = scenario.vpp(vpp_id)
    return tuple(
        CarbonModel(number, rule, dispatch(vpp, replace(scenario.public, carbon=rule)))
        for number, rule in enumerate(rules, start=1)
    )


def models_table(models: tuple[CarbonModel, ...], period_h: float) -> Table:
    """The paper's Table 2, and beside it what the same plans cost under the steps of (3)."""
    columns = (
        "model",
        "carbon_mode",
        "operation_cny",
        "carbon_cny",
        "total_cny",
        "emission_t",
        "curtailed_mwh",
        "quota_t",
        "excess_t",
        "cl_mwh",
        "stepped_carbon_cny",
        "stepped_total_cny",
    )
    return Table("table2", columns, tuple(_model_row(model, period_h) for model in models))


def model_dispatch_table(models: tuple[CarbonModel, ...], vpp_id: str) -> Table:
    """Every quantity of the four plans, period by period."""
    rows = tuple(
        (vpp_id, model.number, t + 1, *values)
        for model in models
        for t, values in enumerate(
            zip(*(getattr(model.plan, q).tolist() for q in DISPATCH_QUANTITIES), strict=True)
        )
    )
    return Table("model_dispatch", ("vpp", "model", "period", *DISPATCH_QUANTITIES), rows)


def _model_row(model: CarbonModel, period_h: float) -> tuple[Cell, ...]:
    plan, costs = model.plan, model.plan.costs
    return (
        model.number,
        model.rules.mode.value,
        *(costs.operation_cny, costs.carbon_cny, costs.total_cny, plan.emission_t),
        fsum(plan.curtailed_mw.tolist()) * period_h,
        *(plan.quota_t, model.excess_t),
        fsum(plan.cl_mw.tolist()) * period_h,
        *(model.stepped_bill_cny, costs.operation_cny + model.stepped_bill_cny),
    )
