"""The numbered list of the model's equations: what each says, on what ground, and where the code has it.

Docstrings cite the numbers; a test keeps both sides true.

    [P]  the paper's words fix it     [R]  reconstructed: the usual form that fits the words
    [B]  beyond the paper             (M…) our own numbers
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Mark(StrEnum):
    """On what ground an equation stands."""

    PAPER = "P"
    RECONSTRUCTED = "R"
    BEYOND = "B"


@dataclass(frozen=True, slots=True)
class Equation:
    """One equation. `where`: places "module:name" in the code, `name` a function, class or class.method."""

    number: str
    marks: tuple[Mark, ...]
    statement: str
    where: tuple[str, ...]


_P, _R, _B = Mark.PAPER, Mark.RECONSTRUCTED, Mark.BEYOND

EQUATIONS: Final[tuple[Equation, ...]] = (
    Equation(
        "1",
        (_R,),
        "Carbon quota of a day: E^q = Σ_t (σ_g P^buy + σ_MT P^MT [+ σ_re (P^WT + P^PV)]) Δt.",
        ("market.costs.carbon:unit_quota_t_per_mwh", "market.costs.carbon:carbon_account"),
    ),
    Equation(
        "2",
        (_P,),
        "Emission of a day: E^a = Σ_t (δ_g P^buy + δ_MT P^MT) Δt.",
        ("market.costs.carbon:unit_emission_t_per_mwh", "market.costs.carbon:carbon_account"),
    ),
    Equation(
        "3",
        (_P, _R),
        "Stepped carbon cost of E = E^a − E^q: step n = 0…N−1 costs μ(1 + nα) per tonne over E in (n l, (n+1) l], "
        "the last step has no end, E ≤ 0 earns μE; convex, so C is the largest of the affine pieces.",
        ("market.costs.carbon:stepped_cost_cny", "vpp_nodes.dispatch.model:carbon_excess_3"),
    ),
    Equation(
        "4",
        (_P,),
        "A VPP's day minimises F = C^op + C^CO2.",
        ("market.costs.costs:objective_cny", "vpp_nodes.dispatch.solve:dispatch"),
    ),
    Equation(
        "5",
        (_P, _R),
        "Operating cost C^op: O&M of WT and PV, wear of ESS, aP² + bP + c of MT, grid purchase less feed-in, "
        "compensation of CL.",
        ("market.costs.costs:cost_breakdown",),
    ),
    Equation(
        "6",
        (_P,),
        "Balance of each period: WT + PV + MT + discharge + CL + buy + dir_in = load + charge + sell + dir_out.",
        ("vpp_nodes.dispatch.model:power_balance_6",),
    ),
    Equation(
        "7",
        (_P,),
        "WT and PV run between 0 and their forecast.",
        ("vpp_nodes.dispatch.variables:add_variables",),
    ),
    Equation(
        "8",
        (_P,),
        "ESS power limits; a binary keeps it from charging and discharging at once.",
        ("vpp_nodes.dispatch.store:storage_mode_8",),
    ),
    Equation(
        "9",
        (_P,),
        "SOC_t = SOC_{t−1} + (η_c charge − discharge/η_d) Δt.",
        ("vpp_nodes.dispatch.store:storage_energy_9",),
    ),
    Equation(
        "10",
        (_P,),
        "SOC stays within its limits and ends the day as it began.",
        ("vpp_nodes.dispatch.store:battery_columns", "vpp_nodes.dispatch.store:storage_energy_9"),
    ),
    Equation(
        "11",
        (_P,),
        "Limits of exchange with the grid and with other VPPs; never buying and selling at once.",
        ("vpp_nodes.dispatch.model:exchange_mode_11",),
    ),
    Equation("12", (_P,), "MT output limits, on or off.", ("vpp_nodes.dispatch.turbine:mt_output_12",)),
    Equation("13", (_P,), "MT ramps.", ("vpp_nodes.dispatch.turbine:mt_ramps_13",)),
    Equation(
        "14",
        (_P,),
        "Supply over demand: SDR = (WT + PV + MT + discharge)/(load − CL + charge).",
        ("market.bidding.roles:sdr",),
    ),
    Equation(
        "15",
        (_P,),
        "SDR > 1 + ε_r sells S, SDR < 1 − ε_r buys D, between is idle; S counts what would be curtailed.",
        ("market.bidding.roles:day_roles",),
    ),
    Equation(
        "16",
        (_P, _R),
        "A seller's utility: v ln(1 + L/S0) for its own load, which no price moves, plus what it earns with its "
        "surplus, a MWh not delivered being worth its reserve price r.",
        ("market.game.pricing.best_response:utility",),
    ),
    Equation(
        "17",
        (_R, _B),
        "A buyer's utility per hour: U_ij = k_i ln[(S0 + P^s_i + x)/(S0 + P^s_i)] − p_j x, with "
        "k_i = κ_i λ_i (S0 + P^d_i).",
        ("market.game.demand_curve:utility", "market.bidding.declare:declare"),
    ),
    Equation(
        "18",
        (_R,),
        "Revision protocol: a block of demand at j copies one at m at the rate y_m max(0, f_m − f_j).",
        ("market.game.replicator:imitation_rates",),
    ),
    Equation(
        "19",
        (_R,),
        "Replicator dynamics: dy_ij/dt = y_ij (f_ij − Σ_m y_im f_im).",
        ("market.game.replicator:replicator_field",),
    ),
    Equation(
        "20",
        (_R,),
        "Wanted power: x*_ij = clip(k_i/p_j − S0 − P^s_i, 0, D_i), which maximises (17).",
        ("market.game.demand_curve:demanded_power",),
    ),
    Equation(
        "21",
        (_P, _R),
        "Requested y_ij x*_ij; delivered q_ij = y_ij x*_ij min(1, S_j/Q_j) with Q_j = Σ_i y_ij x*_ij; the rest "
        "comes from the grid.",
        ("market.game.clearing.rationing:requested_power", "market.game.clearing.rationing:delivered_power"),
    ),
    Equation(
        "22",
        (_P, _R),
        "Leader's problem: U_j = v_j ln(1 + L_j/S0) + [(p_j − r_j) min(S_j, Q_j(p)) + r_j S_j] Δt, Q_j at the "
        "followers' rest.",
        ("market.game.pricing.residual_demand:power", "market.game.pricing.best_response:best_prices"),
    ),
    Equation(
        "23", (_P,), "Leaders choose p_j within [max(floor, r_j), cap].", ("market.game.price_grid:on_price_grid",)
    ),
    Equation("24", (_P,), "Followers choose y_i on the simplex.", ("market.game.price_grid:on_probability_grid",)),
    Equation(
        "25",
        (_P, _R),
        "Discrete replicator step: y ← y exp(δ₁ f)/Σ, 0 < δ₁τ < 1, from y = 1/n.",
        ("market.game.replicator:evolve", "market.game.buyers:answer_day"),
    ),
    Equation(
        "26",
        (_R,),
        "Price update: the best response; or p + δ₂ ∂U/∂p; or p + δ₂ (Q − S)/S; kept within the band.",
        ("market.game.pricing.reprice:reprice", "market.game.pricing.local_rules:step"),
    ),
    Equation(
        "M1",
        (_B,),
        "Fitness with crowding: f_ij = U_ij(x*_ij)/D_i − τ ln[y_ij/(S_j/Σ_m S_m)].",
        ("market.game.replicator:fitness",),
    ),
    Equation(
        "M2",
        (_B,),
        "Rest of (25) under (M1): y_ij ∝ S_j exp[U_ij/(D_i τ)]; with τ = 0 blocks take, in random order, the "
        "cheapest seller that still has something.",
        ("market.game.replicator:rest_point", "market.game.clearing.residual_demand:pure_choice"),
    ),
    Equation(
        "M3",
        (_B,),
        "Equilibrium is declared only when everybody has consumed the newest value of everything relevant to its "
        "rule without changing its own; a value changes only on its grid.",
        ("broker.equilibrium.quiescence:QuiescenceDetector.rests", "market.game.price_grid:on_price_grid"),
    ),
    Equation(
        "M4",
        (_B,),
        "Certificate: each seller's regret by a global search of its own with a bound on every deviation, each "
        "buyer's distance from (M2) and gain in Σ_j y_j [U_ij/D_i − τ ln(y_j Σ_m S_m/S_j)].",
        ("market.game.certificate.certify:certify",),
    ),
    Equation(
        "M5",
        (_B,),
        "A seller declares a reserve price r = max(f, what the last MWh of its surplus costs it): f for energy "
        "that it would export, the plant's O&M with its carbon effect for what it would curtail, λ for the rest; "
        "above the cap it is idle. p_clr is the lowest common p with Σ x*(p) ≤ Σ S_j over r_j ≤ p; each starts at "
        "max(p_clr, r_j).",
        ("market.bidding.reserve:reserve_cny_per_mwh", "market.game.clearing.clearing_price:clearing_price"),
    ),
    Equation(
        "M6",
        (_B,),
        "The day's regret of k: what it pays over the day, less the least it could pay with any plan of its own "
        "and in each period anything on the menu M_kt of trades that the others' final messages leave open to it. "
        "It is at most the same with the hull conv M_kt in place of M_kt.",
        ("vpp_nodes.dispatch.regret:day_regret", "market.day_certificate.trade_options:trade_options"),
    ),
    Equation(
        "M7",
        (_B,),
        "For a balanced exchange z (Σ_k z_k = 0) and any prices π the regrets r_k = F_k(z_k) + Δt π·z_k − "
        "min_z [F_k(z) + Δt π·z] are ≥ 0, and Σ_k r_k ≥ Σ_k F_k(z_k) − optimum.",
        ("market.coordination.consensus:find_consensus", "vpp_nodes.dispatch.participant:participant"),
    ),
    Equation(
        "M8",
        (_B,),
        "A turbine's cost by points, straight between them: P = p_min on + Σ pieces; where not convex a piece is "
        "used only when the one before is full, by a binary each. start_t ≥ on_t − on_{t−1} costs c_start; "
        "Σ start over the last min_up ≤ on_t, over the last min_down ≤ 1 − on_{t−min_down}.",
        (
            "market.costs.costs:mt_breakpoints_mw",
            "vpp_nodes.dispatch.turbine:cost_order_m8",
            "vpp_nodes.dispatch.turbine:starts_m8",
        ),
    ),
    Equation(
        "M9",
        (_B,),
        "The end of a store: E_T = E_0, or a given level, or anything within its limits, or that with "
        "−v (E_T − E_0) in (5). Of what a battery holds the share (1 − s)^Δt is left after a period.",
        ("market.costs.costs:stored_worth_cny", "vpp_nodes.dispatch.store:stored_at_end_mwh"),
    ),
    Equation(
        "M10",
        (_B,),
        "Load moved: 0 ≤ away ≤ share · load, 0 ≤ here ≤ up_max, and Σ away = Σ here in each window of the day.",
        ("vpp_nodes.dispatch.flexible:shift_columns", "vpp_nodes.dispatch.flexible:shift_windows_m10"),
    ),
    Equation(
        "M11",
        (_B,),
        "A vehicle or a task: 0 ≤ P_t ≤ P_max times the share of t within its window, and Σ_t P Δt = energy / η.",
        ("vpp_nodes.dispatch.flexible:task_limit_mw", "vpp_nodes.dispatch.flexible:task_energy_m11"),
    ),
    Equation(
        "M12",
        (_B,),
        "Hydro: level_t = level_{t−1} + (inflow − P − spilt) Δt; without a reservoir P + spilt = inflow.",
        ("vpp_nodes.dispatch.store:hydro_columns", "vpp_nodes.dispatch.store:reservoir_m12"),
    ),
    Equation(
        "M13",
        (_B,),
        "Every unit gives and takes in (6), with its own cost in (5), emission in (2), quota in (1); the output "
        "of a must-run unit is given; a net-metered load may be below 0 and counts as supply in (14) then.",
        ("market.costs.costs:unit_cost_cny", "market.costs.carbon:unit_excess_t_per_mwh"),
    ),
    Equation(
        "M14",
        (_B,),
        "A VPP with a tariff of its own pays and earns by it in (5); with a fee φ on what others deliver it pays "
        "φ · dir_in to the grid, and k_i = κ_i (λ_i − φ)(S0 + P^d_i). The band stays everybody's.",
        ("market.costs.costs:tariff_of", "vpp_nodes.dispatch.peer_fee:peer_fee_m14"),
    ),
    Equation(
        "M15",
        (_B,),
        "The grid's emission by period: E^a = Σ_t (δ_{g,t} P^buy + …) Δt.",
        ("market.costs.carbon:grid_emission_t_per_mwh", "market.costs.carbon:carbon_account"),
    ),
    Equation(
        "M16",
        (_B,),
        "Days in a row: H is planned and h ≤ H kept; stores, turbines, tasks and limits go on from what was kept, "
        "and each billing period costs C(E_before + E) − C(E_before) by (3).",
        ("market.rolling.carry:state_after", "market.costs.billing:carbon_bills_cny"),
    ),
    Equation(
        "M17",
        (_B,),
        "In reality, trade and the schedule g_t = buy − sell fixed: min F(x) + Δt Σ_t (β⁺ short − β⁻ long), "
        "buy − sell = g + u, u = short − long; β⁺ ≥ max(retail, feed-in), β⁻ ≤ min(retail, feed-in). What u "
        "costs is β u Δt, with β = β⁺ for u > 0 and β⁻ for u < 0, or with one price that of the side of Σ_k u_k. "
        "Whoever foresaw all has u = 0.",
        ("vpp_nodes.dispatch.realised:replanned", "market.costs.imbalance:imbalance_prices"),
    ),
    Equation(
        "M18",
        (_B,),
        "Forecasts by simple models: x̂_t = x_t; x̂_t = x_{t−24 h}; x̂_t = x_t max(0, 1 + e_t), "
        "e_t = ρ^Δt e_{t−1} + √(1 − ρ^{2Δt}) σ n_t.",
        ("market.forecast.errors:noisy", "market.model.calendar:day_earlier"),
    ),
    Equation(
        "M19",
        (_B,),
        "A plant that cannot steer its output schedules its quantile (β − β⁻)/(β⁺ − β⁻).",
        ("market.forecast.newsvendor:newsvendor_quantile", "market.forecast.newsvendor:newsvendor_schedule_mw"),
    ),
    Equation(
        "M20",
        (_B,),
        "A charge ψ on the largest power bought: ψ max(0, max_t P^buy_t − P_before) in (5), with P_before the "
        "largest before the first period.",
        ("market.costs.costs:peak_charge_cny", "vpp_nodes.dispatch.peak:peak_charge_m20"),
    ),
    Equation(
        "M21",
        (_B,),
        "A connection: −export_max ≤ P^buy − P^sell + dir_in − dir_out ≤ import_max. Of plants behind one "
        "transformer each has its share w_k/Σw of the common limits.",
        ("vpp_nodes.dispatch.connection:connection_m21", "market.scenario.groups:with_shares"),
    ),
    Equation(
        "M22",
        (_B,),
        "In consensus a VPP that switches units holds the commitments of argmin_z F_k(z) + Δt π·z + "
        "(Δt/2) ‖√(φρ) (z − a_k)‖², for one φ after the other, each time from where the cheapest has ended. The "
        "cheapest exchange of all rounds is settled, at the prices with the highest Σ_k min_z [F_k(z) + Δt π·z].",
        ("market.coordination.commitments:Commitments", "vpp_nodes.dispatch.committed:committed_at"),
    ),
)


def equation(number: str) -> Equation:
    """The equation of that number, without parentheses; KeyError if there is none.

    >>> equation("20").where
    ('market.game.demand_curve:demanded_power',)
    """
    for entry in EQUATIONS:
        if entry.number == number:
            return entry
    raise KeyError(number)
