"""Owns what every VPP of a market shares: horizon, tariff, market rules, carbon rules.

Knows nothing of single plants, files or messages. Values here are already validated
(`market.scenario` does that); units are in the names, periods count from 1 for people
and from 0 in arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.arrays import Array


class CarbonMode(StrEnum):
    """How carbon enters a VPP's objective (the paper's Models 1 to 4)."""

    STEPPED = "stepped"  # (3) in the objective and in the bill (Model 4)
    FLAT = "flat"  # one price in the objective and in the bill (Models 1 and 2)
    NONE = "none"  # not in the objective, billed afterwards by (3) (Model 3)


class PriceRule(StrEnum):
    """How a seller updates its price, (26)."""

    BEST_RESPONSE = "best_response"
    GRADIENT = "gradient"
    TATONNEMENT = "tatonnement"


@dataclass(frozen=True, slots=True)
class Horizon:
    """`periods` equal periods of `period_h` hours."""

    periods: int
    period_h: float


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the main grid asks (retail) and pays (feed-in), CNY/MWh, shape (periods,)."""

    retail_cny_per_mwh: Array
    feed_in_cny_per_mwh: Array


@dataclass(frozen=True, slots=True)
class MarketRules:
    """Rules of the VPP-to-VPP market, the same for all.

    choice_temperature_cny_per_mwh : τ of (M1), ≥ 0; 0 is pure choice, sellers then undercut each other on a tick
    revision_step : δ₁·τ of (25), dimensionless, in (0, 1): by how much one replicator step contracts
    gradient_step_cny_per_mwh_per_mw, tatonnement_step_cny_per_mwh : δ₂ of (26), one for each local rule
    price_tick_cny_per_mwh : the grid on which prices move when τ = 0
    offer_budget : how often one seller may change its price in a period before that ends as `budget_spent`
    """

    price_min_cny_per_mwh: float
    price_max_cny_per_mwh: float
    choice_temperature_cny_per_mwh: float
    base_power_mw: float
    role_tolerance: float
    price_rule: PriceRule
    revision_step: float
    gradient_step_cny_per_mwh_per_mw: float
    tatonnement_step_cny_per_mwh: float
    price_tick_cny_per_mwh: float
    offer_budget: int


@dataclass(frozen=True, slots=True)
class CarbonRules:
    """Stepped carbon trading, (1) to (3).

    base_price_cny_per_t : μ · interval_t : l · growth : α · steps : N
    flat_price_cny_per_t : the one price of mode `flat`
    grid_emission_t_per_mwh : δ_g · grid_quota_t_per_mwh : σ_g · mt_quota_t_per_mwh : σ_MT
    renewable_quota_t_per_mwh : σ_re, 0 unless `quota_sources` names WT and PV (the other reading of (1))
    credits_follow_energy, direct_quota_t_per_mwh : whether traded energy carries quota, and σ_dir
    """

    mode: CarbonMode
    base_price_cny_per_t: float
    flat_price_cny_per_t: float
    interval_t: float
    growth: float
    steps: int
    grid_emission_t_per_mwh: float
    grid_quota_t_per_mwh: float
    mt_quota_t_per_mwh: float
    renewable_quota_t_per_mwh: float
    credits_follow_energy: bool
    direct_quota_t_per_mwh: float
