"""The plan of one VPP's day, which its dispatch yields: powers, costs, totals, and the direct exchange in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.model.arrays import Array, frozen
from market.model.parameter import later
from market.model.vpp import UnitKind


class SolveMethod(StrEnum):
    """How a dispatch was solved."""

    LP = "lp"
    MILP = "milp"


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """The cost of a day, (4) and (5), CNY. Payments between VPPs are not in it (settlement adds them).

    grid_cny : what is bought less what is sold, and the fee on what other VPPs deliver
    carbon_cny is the bill: by (3) in modes `stepped` and `none`, flat in mode `flat`.
    other_cny : of units of other kinds than the first
    peak_cny : of the largest power bought from the grid, (M20)
    """

    wt_cny: float
    pv_cny: float
    ess_cny: float
    mt_cny: float
    grid_cny: float
    cl_cny: float
    carbon_cny: float
    other_cny: float = later(0.0)
    peak_cny: float = later(0.0)

    @property
    def operation_cny(self) -> float:
        """C^op of (5) without direct trade."""
        first = self.wt_cny + self.pv_cny + self.ess_cny + self.mt_cny + self.grid_cny + self.cl_cny
        return first + self.other_cny + self.peak_cny

    @property
    def total_cny(self) -> float:
        """F of (4) without direct trade."""
        return self.operation_cny + self.carbon_cny


@dataclass(frozen=True, slots=True)
class PlanTotals:
    """What is told of a day's plan where the plan itself is not shown; costs as in (4), the rest as in it.

    peak_cny : a part of `operation_cny`
    """

    operation_cny: float
    carbon_cny: float
    emission_t: float
    quota_t: float
    gap_cny: float
    peak_cny: float = later(0.0)


@dataclass(frozen=True, slots=True)
class DirectExchange:
    """Power fixed by trade with other VPPs, MW, shape (periods,); `quota_in_t`: net quota that came along."""

    in_mw: Array
    out_mw: Array
    quota_in_t: float = 0.0


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """One unit's day: an `UnitOperation` by name. curtailed_mw : what it could have given besides"""

    unit: str
    kind: UnitKind
    supply_mw: Array
    use_mw: Array
    stored_mwh: Array
    curtailed_mw: Array


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """One VPP's day: every quantity of (6) to (13), all arrays of shape (periods,), MW unless named otherwise.

    soc_mwh : energy stored at the end of each period
    marginal_value_cny_per_mwh : λ, the dual of (6) per MWh, the carbon price included
    emission_t, quota_t : E^a of (2) and E^q of (1) over the whole day
    objective_cny : what the solver minimised, recomputed from the plan; gap_cny : how far from optimal it may be
    units : the day of each of `Vpp.all_units`; nothing where a VPP has none but those of its fields. Powers above
    are sums over all units of a kind, and the load is that of all units that are loads
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
    units: tuple[UnitPlan, ...] = later(())

    def supplied_mw(self, kind: UnitKind) -> Array:
        """What all units of a kind give together, shape (periods,); 0 where `units` tells of none."""
        return self._sum(kind, "supply_mw")

    def used_mw(self, kind: UnitKind) -> Array:
        """What all units of a kind take together, shape (periods,); 0 where `units` tells of none."""
        return self._sum(kind, "use_mw")

    def _sum(self, kind: UnitKind, quantity: str) -> Array:
        found: list[Array] = [getattr(unit, quantity) for unit in self.units if unit.kind is kind]
        return frozen(sum(found, 0.0 * self.load_mw))

    @property
    def biomass_mw(self) -> Array:
        """Output of biomass units."""
        return self.supplied_mw(UnitKind.BIOMASS)

    @property
    def hydro_mw(self) -> Array:
        """Output of hydro units."""
        return self.supplied_mw(UnitKind.HYDRO)

    @property
    def must_run_mw(self) -> Array:
        """Output of must-run units."""
        return self.supplied_mw(UnitKind.MUST_RUN)

    @property
    def moved_away_mw(self) -> Array:
        """Load that is moved to other periods."""
        return self.supplied_mw(UnitKind.SHIFT)

    @property
    def moved_here_mw(self) -> Array:
        """Load that is moved here from other periods."""
        return self.used_mw(UnitKind.SHIFT)

    @property
    def tasks_mw(self) -> Array:
        """What vehicles and deferrable tasks take."""
        return frozen(self.used_mw(UnitKind.EV) + self.used_mw(UnitKind.DEFERRABLE))
