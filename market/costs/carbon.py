"""Carbon accounting: the free quota (1), the emission (2), and what the excess of a day costs (3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from market.costs.unit_operations import unit_operations
from market.model.arrays import Array
from market.model.assets import MustRun
from market.model.operation import Operation
from market.model.rules import CarbonMode, CarbonRules, Horizon
from market.model.vpp import ControllableLoad, MicroTurbine, Unit, UnitKind, Vpp

# An excess this close to the end of a step, in steps, counts as at its end: solvers stop on the ends.
_STEP_TOLERANCE = 1e-9


_RENEWABLE = (UnitKind.WT, UnitKind.PV)


def grid_emission_t_per_mwh(rules: CarbonRules, periods: int) -> Array:
    """δ_g of each period, shape (periods,): the series where there is one, (M15)."""
    series = rules.grid_emission_by_period_t_per_mwh
    return np.full(periods, rules.grid_emission_t_per_mwh) if series is None else series


def unit_emission_t_per_mwh(unit: Unit) -> float:
    """δ of (2): what a MWh that a unit gives emits; only turbines and must-run units emit."""
    return unit.asset.emission_t_per_mwh if isinstance(unit.asset, MicroTurbine | MustRun) else 0.0


def unit_quota_t_per_mwh(unit: Unit, rules: CarbonRules) -> float:
    """σ of (1): the quota that a MWh of a unit earns; negative where users get credits for load shed."""
    if unit.kind is UnitKind.MT:
        return rules.mt_quota_t_per_mwh
    if unit.kind in _RENEWABLE:
        return rules.renewable_quota_t_per_mwh
    return -unit.asset.credit_t_per_mwh if isinstance(unit.asset, ControllableLoad) else 0.0


def unit_excess_t_per_mwh(unit: Unit, rules: CarbonRules) -> float:
    """What one MWh that a unit gives adds to E = E^a − E^q."""
    return unit_emission_t_per_mwh(unit) - unit_quota_t_per_mwh(unit, rules)


@dataclass(frozen=True, slots=True)
class CarbonAccount:
    """A day's carbon account, t: E^a of (2) and E^q of (1)."""

    emission_t: float
    quota_t: float

    @property
    def excess_t(self) -> float:
        """E of (3); negative when quota is left over."""
        return self.emission_t - self.quota_t


def carbon_account(
    vpp: Vpp, rules: CarbonRules, horizon: Horizon, operation: Operation, quota_in_t: float = 0.0
) -> CarbonAccount:
    """(1) and (2) over the whole day.

        E^a = Σ_t (δ_g buy + δ_MT mt) Δt
        E^q = Σ_t (σ_g buy + σ_MT mt + σ_re (wt + pv) − credit cl) Δt + quota_in

    Every unit has its own δ and σ; δ_g may be a series (M15).
    quota_in_t : net quota that came with traded energy (`DirectExchange.quota_in_t`)
    """
    hours = horizon.period_h
    bought_mwh = float(operation.buy_mw.sum()) * hours
    emission_t = rules.grid_emission_t_per_mwh * bought_mwh
    if rules.grid_emission_by_period_t_per_mwh is not None:
        emission_t = float(rules.grid_emission_by_period_t_per_mwh @ operation.buy_mw) * hours
    quota_t = rules.grid_quota_t_per_mwh * bought_mwh
    shed_t = 0.0
    for unit, does in unit_operations(vpp, operation):
        energy_mwh = float(does.supply_mw.sum()) * hours
        emission_t += unit_emission_t_per_mwh(unit) * energy_mwh
        if unit.kind is UnitKind.CL:
            shed_t += unit_quota_t_per_mwh(unit, rules) * energy_mwh
        elif unit.kind not in _RENEWABLE:
            quota_t += unit_quota_t_per_mwh(unit, rules) * energy_mwh
    renewable_mwh = float(operation.wt_mw.sum() + operation.pv_mw.sum()) * hours
    quota_t += rules.renewable_quota_t_per_mwh * renewable_mwh
    return CarbonAccount(emission_t=emission_t, quota_t=quota_t + shed_t + quota_in_t)


def stepped_cost_cny(rules: CarbonRules, excess_t: float) -> float:
    """What an excess of E costs by the steps of (3); E ≤ 0 earns μE.

        C = μ(1 + nα)(E − n l) + μ l [n + α n(n−1)/2],  E in (n l, (n+1) l],  n = 0 … N−1, the last step unbounded

    >>> from market.model.rules import CarbonRules
    >>> rules = CarbonRules(base_price_cny_per_t=280.0, interval_t=2.0, growth=0.25, steps=5)
    >>> [stepped_cost_cny(rules, excess) for excess in (-1.0, 2.0, 4.0, 6.0, 8.0)]
    [-280.0, 560.0, 1260.0, 2100.0, 3080.0]
    """
    price, growth, interval = rules.base_price_cny_per_t, rules.growth, rules.interval_t
    n = _step(rules, excess_t)
    passed = price * interval * (n + growth * n * (n - 1) / 2)
    return price * (1 + n * growth) * (excess_t - n * interval) + passed


def step_prices_cny_per_t(rules: CarbonRules) -> Array:
    """μ(1 + nα): the price of each step of (3), shape (steps,), rising."""
    return rules.base_price_cny_per_t * (1 + rules.growth * np.arange(rules.steps, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the excess that costs one price: lower_t ≤ its part of E ≤ upper_t."""

    lower_t: float
    upper_t: float
    price_cny_per_t: float


def priced_segments(rules: CarbonRules) -> tuple[Segment, ...]:
    """The carbon term of (4), as stretches of E whose parts add up to E; none in mode `none`.

    Prices rise from one to the next, so minimising fills them in order and no binary is needed.
    """
    if rules.mode is CarbonMode.NONE:
        return ()
    if rules.mode is CarbonMode.FLAT:
        return (Segment(-math.inf, math.inf, rules.flat_price_cny_per_t),)
    last = rules.steps - 1
    return tuple(
        Segment(
            lower_t=0.0 if n else -math.inf,
            upper_t=rules.interval_t if n < last else math.inf,
            price_cny_per_t=float(price),
        )
        for n, price in enumerate(step_prices_cny_per_t(rules))
    )


def carbon_bill_cny(rules: CarbonRules, excess_t: float) -> float:
    """What a VPP pays for an excess of E: by (3) in modes `stepped` and `none`, at one price in `flat`."""
    if rules.mode is CarbonMode.FLAT:
        return rules.flat_price_cny_per_t * excess_t
    return stepped_cost_cny(rules, excess_t)


def marginal_price_cny_per_t(rules: CarbonRules, excess_t: float) -> float:
    """The price of the last tonne of an excess of E, as the VPP's objective sees it.

    At the end of a step it is that step's price, not the next one's. In mode `none` it is 0.
    """
    if rules.mode is CarbonMode.NONE:
        return 0.0
    if rules.mode is CarbonMode.FLAT:
        return rules.flat_price_cny_per_t
    return float(step_prices_cny_per_t(rules)[_step(rules, excess_t)])


def _step(rules: CarbonRules, excess_t: float) -> int:
    """n of (3): E lies in (n l, (n+1) l], cut to 0 … N−1."""
    n = math.ceil(excess_t / rules.interval_t - _STEP_TOLERANCE) - 1
    return min(max(n, 0), rules.steps - 1)
