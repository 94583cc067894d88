"""A second formulation of a VPP's day, to compare `vpp_nodes.dispatch` with.

Independent on purpose: one dense matrix solved by HiGHS; costs of the micro-turbine and of carbon as maxima of
lines above which a cost variable must lie (not as pieces that are filled); no energy variables in the
storage, whose energy is a running sum; binaries always there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from market.model.arrays import Array
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.rules import CarbonMode, CarbonRules
from market.model.vpp import MicroTurbine, Vpp

_BLOCKS = ("wt", "pv", "mt", "mt_cost", "on", "charge", "discharge", "mode", "cl", "buy", "sell", "way")


@dataclass(frozen=True, slots=True)
class Reference:
    """The answer: whether there is one, the cost of (4) in CNY, the powers by name, each of shape (periods,)."""

    feasible: bool
    cost_cny: float
    powers_mw: dict[str, Array]


def reference_dispatch(
    vpp: Vpp,
    public: PublicRules,
    direct: DirectExchange | None = None,
    *,
    extra_load_mw: Array | None = None,
    like: DispatchPlan | None = None,
) -> Reference:
    """Solve the day. `extra_load_mw` is added to the right-hand side of (6).

    With `like`, what is on, charging, discharging, buying and selling is held as in that plan, and what is
    idle there stays idle.
    """
    day = _Matrix(vpp, public, direct, extra_load_mw)
    if like is not None:
        day.hold(like)
    return day.solve()


class _Matrix:
    """The matrix under construction: blocks of one column a period, then E and C of (3)."""

    def __init__(
        self, vpp: Vpp, public: PublicRules, direct: DirectExchange | None, extra_load_mw: Array | None
    ) -> None:
        self.vpp, self.public, self.direct = vpp, public, direct
        self.periods, self.hours = public.horizon.periods, public.horizon.period_h
        self.columns = len(_BLOCKS) * self.periods + 2
        self.cost = np.zeros(self.columns)
        self.lower, self.upper = np.zeros(self.columns), np.zeros(self.columns)
        self.integer = np.zeros(self.columns)
        self.rows: list[Array] = []
        self.low: list[Array] = []
        self.high: list[Array] = []
        self.constant = 0.0
        self._balance(extra_load_mw if extra_load_mw is not None else np.zeros(self.periods))
        self._renewables()
        self._micro_turbine()
        self._storage()
        self._controllable_load()
        self._grid()
        self._carbon()

    def at(self, block: str) -> slice:
        start = _BLOCKS.index(block) * self.periods
        return slice(start, start + self.periods)

    def add(self, terms: dict[str, Array], low: Array | float, high: Array | float) -> None:
        """Rows low ≤ Σ matrix · block ≤ high; a matrix is (rows, periods), or a vector for a diagonal one."""
        matrices = {block: np.diag(term) if term.ndim == 1 else term for block, term in terms.items()}
        count = next(iter(matrices.values())).shape[0]
        rows = np.zeros((count, self.columns))
        for block, matrix in matrices.items():
            rows[:, self.at(block)] += matrix
        self.rows.append(rows)
        self.low.append(np.broadcast_to(np.asarray(low, dtype=float), count))
        self.high.append(np.broadcast_to(np.asarray(high, dtype=float), count))

    def _balance(self, extra_load_mw: Array) -> None:
        one = np.ones(self.periods)
        load = self.vpp.load_mw + extra_load_mw
        if self.direct is not None:
            load = load + self.direct.out_mw - self.direct.in_mw
        supply = dict.fromkeys(("wt", "pv", "mt", "discharge", "cl", "buy"), one)
        self.add({**supply, "charge": -one, "sell": -one}, load, load)

    def _renewables(self) -> None:
        for block, plant in (("wt", self.vpp.wt), ("pv", self.vpp.pv)):
            if plant:
                self.upper[self.at(block)] = plant.forecast_mw
                self.cost[self.at(block)] = plant.om_cost_cny_per_mwh * self.hours

    def _micro_turbine(self) -> None:
        mt = self.vpp.mt
        if mt is None:
            return
        one, inf = np.ones(self.periods), np.inf
        self.upper[self.at("mt")] = mt.p_max_mw
        self.upper[self.at("on")] = 1.0
        self.lower[self.at("on")] = 0.0 if mt.commitment else 1.0
        self.integer[self.at("on")] = 1.0
        self.lower[self.at("mt_cost")], self.upper[self.at("mt_cost")] = -inf, inf
        self.cost[self.at("mt_cost")] = self.hours
        self.add({"mt": one, "on": -mt.p_max_mw * one}, -inf, 0.0)
        self.add({"mt": one, "on": -mt.p_min_mw * one}, 0.0, inf)
        for slope, height in _chords(mt):
            self.add({"mt_cost": one, "mt": -slope * one, "on": -height * one}, 0.0, inf)
        self._ramps(mt)

    def _ramps(self, mt: MicroTurbine) -> None:
        now = np.eye(self.periods)[1:]
        before = np.eye(self.periods)[:-1]
        up, down = min(mt.ramp_up_mw_per_h * self.hours, 1e3), min(mt.ramp_down_mw_per_h * self.hours, 1e3)
        if not mt.commitment:
            self.add({"mt": now - before}, -down, up)
            return
        start, stop = max(up, mt.p_min_mw), max(down, mt.p_min_mw)
        self.add({"mt": now - before, "on": (start - up) * before}, -np.inf, start)
        self.add({"mt": before - now, "on": (stop - down) * now}, -np.inf, stop)

    def _storage(self) -> None:
        ess = self.vpp.ess
        if ess is None:
            return
        one = np.ones(self.periods)
        self.upper[self.at("charge")], self.upper[self.at("discharge")] = ess.charge_max_mw, ess.discharge_max_mw
        self.cost[self.at("charge")] = self.cost[self.at("discharge")] = ess.wear_cny_per_mwh * self.hours
        self.upper[self.at("mode")] = self.integer[self.at("mode")] = 1.0
        self.add({"charge": one, "mode": ess.charge_max_mw * one}, -np.inf, ess.charge_max_mw)
        self.add({"discharge": one, "mode": -ess.discharge_max_mw * one}, -np.inf, 0.0)
        so_far = np.tril(np.ones((self.periods, self.periods))) * self.hours
        low = np.full(self.periods, (ess.soc_min - ess.soc_initial) * ess.energy_mwh)
        high = np.full(self.periods, (ess.soc_max - ess.soc_initial) * ess.energy_mwh)
        low[-1] = high[-1] = 0.0
        energy = {"charge": ess.charge_efficiency * so_far, "discharge": -so_far / ess.discharge_efficiency}
        self.add(energy, low, high)

    def _controllable_load(self) -> None:
        cl = self.vpp.cl
        if cl is None:
            return
        self.upper[self.at("cl")] = cl.share_of_load * self.vpp.load_mw
        self.cost[self.at("cl")] = cl.compensation_cny_per_mwh * self.hours
        if cl.daily_energy_max_mwh is not None:
            self.add({"cl": np.full((1, self.periods), self.hours)}, -np.inf, cl.daily_energy_max_mwh)

    def _grid(self) -> None:
        one, exchange = np.ones(self.periods), self.vpp.exchange
        everything = (
            10.0 + float(np.abs(self.vpp.load_mw).max()) + float(self.upper[np.isfinite(self.upper)].max()) * 5
        )
        if self.direct is not None:
            everything += float((self.direct.in_mw + self.direct.out_mw).max())
        most_bought = min(exchange.grid_buy_max_mw, everything)
        most_sold = min(exchange.grid_sell_max_mw, everything)
        self.upper[self.at("buy")], self.upper[self.at("sell")] = most_bought, most_sold
        self.upper[self.at("way")] = self.integer[self.at("way")] = 1.0
        self.add({"buy": one, "way": most_bought * one}, -np.inf, most_bought)
        self.add({"sell": one, "way": -most_sold * one}, -np.inf, 0.0)
        self.cost[self.at("buy")] = self.public.tariff.retail_cny_per_mwh * self.hours
        self.cost[self.at("sell")] = -self.public.tariff.feed_in_cny_per_mwh * self.hours

    def _carbon(self) -> None:
        """E − Σ … = −quota_in and C ≥ each line of (3)."""
        rules, excess, bill = self.public.carbon, self.columns - 2, self.columns - 1
        self.lower[excess:], self.upper[excess:] = -np.inf, np.inf
        account = np.zeros(self.columns)
        account[self.at("buy")] = rules.grid_emission_t_per_mwh - rules.grid_quota_t_per_mwh
        if self.vpp.mt:
            account[self.at("mt")] = self.vpp.mt.emission_t_per_mwh - rules.mt_quota_t_per_mwh
        account[self.at("wt")] = account[self.at("pv")] = -rules.renewable_quota_t_per_mwh
        if self.vpp.cl:
            account[self.at("cl")] = self.vpp.cl.credit_t_per_mwh
        account *= -self.hours
        account[excess] = 1.0
        quota_in = self.direct.quota_in_t if self.direct is not None else 0.0
        self._row(account, -quota_in, -quota_in)
        if rules.mode is not CarbonMode.NONE:
            self.cost[bill] = 1.0
        for slope, height in _carbon_lines(rules):
            line = np.zeros(self.columns)
            line[bill], line[excess] = 1.0, -slope
            self._row(line, height, np.inf)

    def _row(self, row: Array, low: float, high: float) -> None:
        self.rows.append(row[None, :])
        self.low.append(np.array([low]))
        self.high.append(np.array([high]))

    def hold(self, plan: DispatchPlan) -> None:
        """Fix the binaries as the plan has them, and keep idle what is idle in it."""
        if self.vpp.mt and self.vpp.mt.commitment:
            on = (plan.mt_mw > 0.0).astype(float)
            self.lower[self.at("on")] = self.upper[self.at("on")] = on
        for block in ("charge", "discharge", "buy", "sell"):
            idle = getattr(plan, f"{block}_mw") <= 0.0
            self.upper[self.at(block)] = np.where(idle, 0.0, self.upper[self.at(block)])
        for block, first in (("mode", plan.charge_mw), ("way", plan.buy_mw)):
            if self.upper[self.at(block)].any():
                self.lower[self.at(block)] = self.upper[self.at(block)] = np.where(first > 0.0, 0.0, 1.0)

    def solve(self) -> Reference:
        answer = milp(
            self.cost,
            integrality=np.where(self.lower == self.upper, 0.0, self.integer),
            bounds=Bounds(self.lower, self.upper),
            constraints=LinearConstraint(
                np.vstack(self.rows), np.concatenate(self.low), np.concatenate(self.high)
            ),
            options={"mip_rel_gap": 1e-9},
        )
        if answer.status == 2:
            return Reference(False, math.nan, {})
        assert answer.status == 0, answer.message
        return Reference(True, float(answer.fun), {block: answer.x[self.at(block)] for block in _BLOCKS})


def _chords(mt: MicroTurbine) -> list[tuple[float, float]]:
    """Slope and height at 0 of the line through each pair of neighbouring ends of the cost's pieces."""
    ends = [mt.p_min_mw + (mt.p_max_mw - mt.p_min_mw) * n / mt.cost_pieces for n in range(mt.cost_pieces + 1)]
    costs = [mt.cost_a_cny_per_mw2h * p * p + mt.cost_b_cny_per_mwh * p + mt.cost_on_cny_per_h for p in ends]
    lines = []
    for n in range(mt.cost_pieces):
        width = ends[n + 1] - ends[n]
        slope = (costs[n + 1] - costs[n]) / width if width else 0.0
        lines.append((slope, costs[n] - slope * ends[n]))
    return lines


def _carbon_lines(rules: CarbonRules) -> list[tuple[float, float]]:
    """Slope and height at 0 of each line of (3), built up from where the line before it ends."""
    if rules.mode is CarbonMode.FLAT:
        return [(rules.flat_price_cny_per_t, 0.0)]
    lines, cost_so_far = [], 0.0
    for n in range(rules.steps):
        slope = rules.base_price_cny_per_t * (1.0 + rules.growth * n)
        lines.append((slope, cost_so_far - slope * n * rules.interval_t))
        cost_so_far += slope * rules.interval_t
    return lines
