"""What the tests of carbon, costs, roles and dispatch start from: the paper's rules and a bare operation."""

from __future__ import annotations

from dataclasses import dataclass, field

from market.model.arrays import Array, frozen
from market.model.rules import CarbonRules, MarketRules

MARKET = MarketRules(
    gradient_step_cny_per_mwh_per_mw=1.0,
    tatonnement_step_cny_per_mwh=10.0,
    offer_budget=1000,
)
CARBON = CarbonRules(
    flat_price_cny_per_t=320.0,
    direct_quota_t_per_mwh=0.0,
)


@dataclass(frozen=True)
class Powers:
    """A whole operation, MW."""

    wt_mw: Array
    pv_mw: Array
    mt_mw: Array
    charge_mw: Array
    discharge_mw: Array
    cl_mw: Array
    buy_mw: Array
    sell_mw: Array
    soc_mwh: Array = field(default_factory=lambda: frozen([0.0, 0.0]))
    units: tuple[()] = ()


TWO_PERIODS = Powers(
    wt_mw=frozen([1.0, 2.0]),
    pv_mw=frozen([0.0, 4.0]),
    mt_mw=frozen([0.5, 1.0]),
    charge_mw=frozen([0.4, 0.0]),
    discharge_mw=frozen([0.0, 0.2]),
    cl_mw=frozen([0.3, 0.1]),
    buy_mw=frozen([2.0, 0.0]),
    sell_mw=frozen([0.0, 3.0]),
)
