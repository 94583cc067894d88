"""The plan of one VPP's day, which its dispatch yields: powers, costs, totals, and the direct exchange in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.model.arrays import Array


class SolveMethod(StrEnum):
    """How a dispatch was solved."""

    LP = "lp"
    MILP = "milp"


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """The cost of a day, (4) and (5), CNY. Payments between VPPs are not in it (settlement adds them).

    carbon_cny is the bill: by (3) in modes `stepped` and `none`, flat in mode `flat`.
    """

    wt_cny: float
    pv_cny: float
    ess_cny: float
    mt_cny: float
    grid_cny: float
    cl_cny: float
    carbon_cny: float

    @property
    def operation_cny(self) -> float:
        """C^op of (5) without direct trade."""
        return self.wt_cny + self.pv_cny + self.ess_cny + self.mt_cny + self.grid_cny + self.cl_cny

    @property
    def total_cny(self) -> float:
        """F of (4) without direct trade."""
        return self.operation_cny + self.carbon_cny


@dataclass(frozen=True, slots=True)
class PlanTotals:
    """What is told of a day's plan where the plan itself is not shown; costs as in (4), the rest as in it."""

    operation_cny: float
    carbon_cny: float
    emission_t: float
    quota_t: float
    gap_cny: float


@dataclass(frozen=True, slots=True)
class DirectExchange:
    """Power fixed by trade with other VPPs, MW, shape (periods,); `quota_in_t`: net quota that came along."""

    in_mw: Array
    out_mw: Array
    quota_in_t: float = 0.0


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """One VPP's day: every quantity of (6) to (13), all arrays of shape (periods,), MW unless named otherwise.

    soc_mwh : energy stored at the end of each period
    marginal_value_cny_per_mwh : λ, the dual of (6) per MWh, the carbon price included
    emission_t, quota_t : E^a of (2) and E^q of (1) over the whole day
    objective_cny : what the solver minimised, recomputed from the plan; gap_cny : how far from optimal it may be
    """

    load_mw: Array
    wt_mw: Array
    pv_mw: Array
    mt_mw: Array
    charge_mw: Array
    discharge_mw: Array
    soc_mwh: Array
    cl_mw: Array
    buy_mw: Array
    sell_mw: Array
    direct_in_mw: Array
    direct_out_mw: Array
    curtailed_mw: Array
    marginal_value_cny_per_mwh: Array
    emission_t: float
    quota_t: float
    costs: CostBreakdown
    objective_cny: float
    gap_cny: float
    method: SolveMethod
