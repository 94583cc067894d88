"""The certificate of one period, (M4): the regrets that prove, or refuse, an equilibrium.

They are computed in `market.game.certificate.certify`.
"""

from __future__ import annotations

from dataclasses import dataclass

from market.model.arrays import Array


@dataclass(frozen=True, slots=True)
class PeriodCertificate:
    """Evidence for one period, n sellers and m buyers. Money is CNY for the period (powers × Δt).

    seller_regret_cny : the best deviation found, less the current profit, ≥ 0, shape (n,)
    seller_regret_bound_cny : no deviation gains more than this, shape (n,)
    better_price_cny_per_mwh : where that best deviation is, shape (n,)
    buyer_distance : largest |y − (M2)| of each buyer, shape (m,)
    buyer_gain_cny : gain of the best other (y, x) in the payoff that (M2) maximises, shape (m,)
    buyer_plain_gap_cny : the same in plain utility (17), crowding left out, shape (m,)
    traded_value_cny : Σ q p Δt, or 1 where nothing is traded; epsilon_cny : the largest regret or gain
    clearing_price : p_clr · markup : price over p_clr, shape (n,) · hhi : of the sellers' delivered power, 0…1
    """

    seller_regret_cny: Array
    seller_regret_bound_cny: Array
    better_price_cny_per_mwh: Array
    buyer_distance: Array
    buyer_gain_cny: Array
    buyer_plain_gap_cny: Array
    traded_value_cny: float
    epsilon_cny: float
    clearing_price_cny_per_mwh: float
    markup_cny_per_mwh: Array
    hhi: float

    @property
    def epsilon_relative(self) -> float:
        """ε as a share of the period's traded value."""
        return self.epsilon_cny / self.traded_value_cny
