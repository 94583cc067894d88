"""A second formulation of a day with units of every kind, to compare `vpp_nodes.dispatch` with.

Independent on purpose: SciPy's HiGHS, one named variable at a time, binaries always there. A turbine's cost is an
interpolation between its points by weights (neighbours only, by a binary each), starts and stops are a pair of
binaries, and times are kept by pairs of periods; what a store holds is a sum of what came before it, faded; load
is moved by amounts that go from one period to another of its window.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from market.model.assets import Deferrable, FixedLoad, Hydro, MustRun, ShiftableLoad, StoredEnd, Vehicle
from market.model.plan import DirectExchange
from market.model.public import PublicRules
from market.model.rules import BillingPeriod, CarbonMode
from market.model.vpp import Asset, ControllableLoad, MicroTurbine, Renewable, Storage, Unit, UnitKind, Vpp

_Terms = dict[int, float]
_FAR = 1e5


@dataclass(frozen=True, slots=True)
class ReferenceCost:
    """Whether there is a day, and what the cheapest costs, CNY."""

    feasible: bool
    cost_cny: float


def reference_cost(vpp: Vpp, public: PublicRules, direct: DirectExchange | None = None) -> ReferenceCost:
    """The cheapest day by this formulation."""
    return _Day(vpp, public, direct).solve()


def least_miss_mw(vpp: Vpp, public: PublicRules, direct: DirectExchange | None = None) -> float:
    """By how much (6) has to be missed in all periods together, at least."""
    return _Day(vpp, public, direct).least_miss_mw()


class _Day:
    def __init__(self, vpp: Vpp, public: PublicRules, direct: DirectExchange | None) -> None:
        self.vpp, self.public, self.direct = vpp, public, direct
        self.periods, self.hours = public.horizon.periods, public.horizon.period_h
        self.low: list[float] = []
        self.high: list[float] = []
        self.price: list[float] = []
        self.whole: list[int] = []
        self.rows: list[tuple[float, float, _Terms]] = []
        self.constant = 0.0
        self.net: list[_Terms] = [defaultdict(float) for _ in range(self.periods)]  # supply less use
        self.excess: list[_Terms] = [defaultdict(float) for _ in range(self.periods)]  # t CO2 by period
        self.emitted = [0.0] * self.periods
        self.needed = self._needed()
        for unit in vpp.all_units:
            self.add_unit(unit)
        self.grid()
        self.balances = range(len(self.rows), len(self.rows) + self.periods)
        for terms, needed in zip(self.net, self.needed, strict=True):
            self.row(needed, needed, terms)
        self.carbon()

    # --- building blocks ---

    def var(self, low: float, high: float, price: float = 0.0, *, whole: bool = False) -> int:
        self.low.append(low)
        self.high.append(high)
        self.price.append(price)
        self.whole.append(int(whole))
        return len(self.low) - 1

    def row(self, low: float, high: float, terms: _Terms) -> None:
        self.rows.append((low, high, dict(terms)))

    def either(self, one: int, other: int) -> None:
        """At most one of two variables is above 0."""
        way = self.var(0.0, 1.0, whole=True)
        self.row(-np.inf, 0.0, {one: 1.0, way: -self.high[one]})
        self.row(-np.inf, self.high[other], {other: 1.0, way: self.high[other]})

    def _needed(self) -> list[float]:
        load = self.vpp.load_mw.copy()
        for unit in self.vpp.units:
            if isinstance(unit.asset, FixedLoad):
                load = load + unit.asset.load_mw
        self.load = load
        if self.direct is not None:
            load = load + self.direct.out_mw - self.direct.in_mw
        return [float(value) for value in load]

    # --- units ---

    def add_unit(self, unit: Unit) -> None:
        asset = unit.asset
        rules = self.public.carbon
        if isinstance(asset, Renewable):
            factor = -rules.renewable_quota_t_per_mwh
            self.given(asset.forecast_mw.tolist(), asset.om_cost_cny_per_mwh, factor)
        elif isinstance(asset, MustRun):
            for t, power in enumerate(asset.output_mw.tolist()):
                self.needed[t] -= power
                self.constant += power * asset.om_cost_cny_per_mwh * self.hours
                self.emitted[t] += power * asset.emission_t_per_mwh * self.hours
        elif isinstance(asset, MicroTurbine):
            quota = rules.mt_quota_t_per_mwh if unit.kind is UnitKind.MT else 0.0
            self.turbine(asset, asset.emission_t_per_mwh - quota)
        elif isinstance(asset, Storage):
            self.battery(asset)
        elif isinstance(asset, Hydro):
            self.hydro(asset)
        else:
            self.add_demand(asset)

    def add_demand(self, asset: Asset) -> None:
        if isinstance(asset, ControllableLoad):
            most = [max(asset.share_of_load * load, 0.0) for load in self.load.tolist()]
            shed = self.given(most, asset.compensation_cny_per_mwh, asset.credit_t_per_mwh)
            if asset.daily_energy_max_mwh is not None:
                self.shed_by_day(asset, shed)
        elif isinstance(asset, ShiftableLoad):
            self.shift(asset)
        elif isinstance(asset, Vehicle):
            taken = asset.energy_mwh / asset.charge_efficiency
            self.tasks(asset, taken, asset.arrival_h, asset.departure_h)
        elif isinstance(asset, Deferrable):
            self.tasks(asset, asset.energy_mwh, asset.earliest_h, asset.latest_h)

    def day(self, t: int) -> int:
        """The day in which a period begins, counted from the start of the whole run."""
        return math.floor((self.public.horizon.before_h + t * self.hours) / 24.0 + 1e-9)

    def shed_by_day(self, cl: ControllableLoad, shed: list[int]) -> None:
        numbers = {self.day(t) if cl.limit_each_day else 0 for t in range(self.periods)}
        for number in numbers:
            of_day = [t for t in range(self.periods) if not cl.limit_each_day or self.day(t) == number]
            used = cl.shed_before_mwh if 0 in of_day else 0.0
            assert cl.daily_energy_max_mwh is not None
            most = max(cl.daily_energy_max_mwh - used, 0.0)
            self.row(-np.inf, most, {shed[t]: self.hours for t in of_day})

    def given(self, most: list[float], price: float, factor: float) -> list[int]:
        """Supply up to so much in each period."""
        run = [self.var(0.0, high, price * self.hours) for high in most]
        for t, column in enumerate(run):
            self.net[t][column] += 1.0
            self.excess[t][column] += factor * self.hours
        return run

    def turbine(self, mt: MicroTurbine, factor: float) -> None:
        outputs, costs = _points(mt)
        n, dt = self.periods, self.hours
        on = [self.var(0.0 if mt.commitment else 1.0, 1.0, whole=True) for _ in range(n)]
        power = [self.var(0.0, mt.p_max_mw) for _ in range(n)]
        for t in range(n):
            weights = [self.var(0.0, 1.0, cost * dt) for cost in costs]
            self.row(0.0, 0.0, {on[t]: -1.0, **dict.fromkeys(weights, 1.0)})
            self.row(0.0, 0.0, {power[t]: -1.0, **dict(zip(weights, outputs, strict=True))})
            between = [self.var(0.0, 1.0, whole=True) for _ in outputs[1:]]
            self.row(0.0, 0.0, {on[t]: -1.0, **dict.fromkeys(between, 1.0)})
            for k, weight in enumerate(weights):  # only the ends of the stretch that is chosen
                near = between[max(k - 1, 0) : k + 1]
                self.row(-np.inf, 0.0, {weight: 1.0, **dict.fromkeys(near, -1.0)})
            self.net[t][power[t]] += 1.0
            self.excess[t][power[t]] += factor * dt
        self.turbine_times(mt, on, power)

    def turbine_times(self, mt: MicroTurbine, on: list[int], power: list[int]) -> None:
        n, dt = self.periods, self.hours
        before = mt.initial_output_mw
        was_on = None if before is None else float(before > 0.0)
        up, down = min(mt.ramp_up_mw_per_h * dt, _FAR), min(mt.ramp_down_mw_per_h * dt, _FAR)
        begin, end = max(up, mt.p_min_mw), max(down, mt.p_min_mw)
        for t in range(n):
            starts = self.var(0.0, 1.0, mt.start_cost_cny, whole=True)
            stops = self.var(0.0, 1.0, whole=True)
            if t:
                self.row(0.0, 0.0, {on[t]: 1.0, on[t - 1]: -1.0, starts: -1.0, stops: 1.0})
                self.row(-np.inf, begin, {power[t]: 1.0, power[t - 1]: -1.0, on[t - 1]: begin - up})
                self.row(-np.inf, end, {power[t - 1]: 1.0, power[t]: -1.0, on[t]: end - down})
            elif was_on is None or before is None:
                self.row(0.0, 0.0, {starts: 1.0})
                self.row(0.0, 0.0, {stops: 1.0})
            else:
                self.row(-was_on, -was_on, {on[0]: -1.0, starts: 1.0, stops: -1.0})
                committed = mt.commitment and (mt.p_min_mw > 0.0 or _points(mt)[1][0] > 0.0)
                self.row(-np.inf, before + (begin if committed and not was_on else up), {power[0]: 1.0})
                at_end = {on[0]: end - down} if committed else {}
                self.row(-np.inf, (end if committed else down) - before, {power[0]: -1.0, **at_end})
            self.row(-np.inf, 1.0, {starts: 1.0, stops: 1.0})
            self.turbine_stays(mt, on, t, starts, stops)
        if was_on is not None and mt.initial_state_h is not None:
            least = mt.min_up_h if was_on else mt.min_down_h
            for t in range(n):
                if mt.initial_state_h + t * dt < least - 1e-9:
                    self.row(was_on, was_on, {on[t]: 1.0})

    def turbine_stays(self, mt: MicroTurbine, on: list[int], t: int, starts: int, stops: int) -> None:
        """Who starts stays on, who stops stays off, for so many hours."""
        for later in range(t + 1, self.periods):
            if (later - t) * self.hours < mt.min_up_h - 1e-9:
                self.row(-np.inf, 0.0, {starts: 1.0, on[later]: -1.0})
            if (later - t) * self.hours < mt.min_down_h - 1e-9:
                self.row(-np.inf, 1.0, {stops: 1.0, on[later]: 1.0})

    def battery(self, ess: Storage) -> None:
        keep = (1.0 - ess.self_discharge_per_h) ** self.hours
        start, size = ess.soc_initial * ess.energy_mwh, ess.energy_mwh
        charge = [self.var(0.0, ess.charge_max_mw, ess.wear_cny_per_mwh * self.hours) for _ in range(self.periods)]
        out = [self.var(0.0, ess.discharge_max_mw, ess.wear_cny_per_mwh * self.hours) for _ in range(self.periods)]
        for t in range(self.periods):
            self.net[t][charge[t]] -= 1.0
            self.net[t][out[t]] += 1.0
            self.either(charge[t], out[t])
            terms: _Terms = {}
            for s in range(t + 1):
                fade = keep ** (t - s) * self.hours
                terms[charge[s]] = ess.charge_efficiency * fade
                terms[out[s]] = -fade / ess.discharge_efficiency
            kept = start * keep ** (t + 1)
            low, high = ess.soc_min * size, ess.soc_max * size
            if t == self.periods - 1:
                low, high = self.last(ess.end, low, high, start, (ess.soc_end or 0.0) * size)
                self.worth(ess.end, ess.end_value_cny_per_mwh, terms, kept - start)
            self.row(low - kept, high - kept, terms)

    def hydro(self, hydro: Hydro) -> None:
        size = hydro.reservoir_mwh
        start = hydro.level_initial * size
        out = self.given([hydro.p_max_mw] * self.periods, hydro.om_cost_cny_per_mwh, 0.0)
        past = [self.var(0.0, _FAR) for _ in range(self.periods)]
        came = start
        for t in range(self.periods):
            came += float(hydro.inflow_mw[t]) * self.hours
            terms = dict.fromkeys([*out[: t + 1], *past[: t + 1]], -self.hours)
            low, high = hydro.level_min * size, hydro.level_max * size
            if t == self.periods - 1:
                low, high = self.last(hydro.end, low, high, start, (hydro.level_end or 0.0) * size)
                self.worth(hydro.end, hydro.end_value_cny_per_mwh, terms, came - start)
            self.row(low - came, high - came, terms)

    def last(self, end: StoredEnd, low: float, high: float, start: float, given: float) -> tuple[float, float]:
        if end is StoredEnd.AS_BEGUN:
            return start, start
        return (given, given) if end is StoredEnd.GIVEN else (low, high)

    def worth(self, end: StoredEnd, value: float | None, stored: _Terms, more: float) -> None:
        """What is stored more than at the start, `more` besides what the terms say, earns its price."""
        if end is StoredEnd.VALUED and value is not None:
            self.constant -= value * more
            for column, factor in stored.items():
                self.price[column] -= value * factor

    def shift(self, users: ShiftableLoad) -> None:
        away_most = [max(users.share_of_load * load, 0.0) for load in self.load.tolist()]
        most_here = users.up_max_mw
        if most_here is None:
            most_here = max(users.share_of_load * float(self.load.max()), 0.0)
        leaves: list[_Terms] = [{} for _ in range(self.periods)]
        comes: list[_Terms] = [{} for _ in range(self.periods)]
        before_h = self.public.horizon.before_h
        begins = [before_h + t * self.hours + 1e-9 for t in range(self.periods)]
        of_day = [(math.floor(h / 24.0), math.floor(h % 24.0 / users.window_h)) for h in begins]
        window = [(0, math.floor(h / users.window_h)) for h in begins] if users.window_h > 24.0 else of_day
        owed = {}
        for t in [t for t in range(self.periods) if window[t] == window[0] and users.moved_before_mwh]:
            price = users.compensation_cny_per_mwh * self.hours if users.moved_before_mwh < 0.0 else 0.0
            owed[self.var(0.0, _FAR, price)] = self.hours
            side = comes if users.moved_before_mwh > 0.0 else leaves
            side[t][len(self.low) - 1] = 1.0
        if owed:
            self.row(abs(users.moved_before_mwh), abs(users.moved_before_mwh), owed)
        for t in range(self.periods):
            for other in range(self.periods):
                if other != t and window[t] == window[other]:
                    column = self.var(0.0, _FAR, users.compensation_cny_per_mwh * self.hours)
                    leaves[t][column] = comes[other][column] = 1.0
        for t in range(self.periods):
            self.row(-np.inf, away_most[t], leaves[t])
            self.row(-np.inf, most_here, comes[t])
            for column in leaves[t]:
                self.net[t][column] += 1.0
            for column in comes[t]:
                self.net[t][column] -= 1.0

    def tasks(self, task: Vehicle | Deferrable, taken: float, first: float, last: float | None) -> None:
        """Each time of a task by itself, in hours from the start of the whole run."""
        horizon = self.public.horizon
        begin, length = horizon.before_h, self.periods * self.hours
        whole = begin + length + horizon.after_h
        if not task.every_day:
            times = [
                (first, whole if last is None else min(last, whole) if begin or horizon.after_h else last, whole)
            ]
        else:
            days = range(max(math.floor(begin / 24.0 + 1e-9) - 1, 0), math.ceil((begin + length) / 24.0 - 1e-9))
            times = [(24.0 * d + first, 24.0 * d + (24.0 if last is None else last), math.inf) for d in days]
        owner: list[int | None] = [None] * self.periods
        inside = [[0.0] * self.periods for _ in times]
        for n, (start, end, _) in enumerate(times):
            for t in range(self.periods):
                at = begin + t * self.hours
                inside[n][t] = max(min(at + self.hours, end) - max(at, start), 0.0)
        for t in range(self.periods):
            most = max((inside[n][t] for n in range(len(times))), default=0.0)
            owner[t] = next((n for n in range(len(times)) if most > 0.0 and inside[n][t] == most), None)
        run = []
        for t in range(self.periods):
            whose = owner[t]
            run.append(self.var(0.0, 0.0 if whose is None else task.power_max_mw * inside[whose][t] / self.hours))
            self.net[t][run[-1]] -= 1.0
        for n, (start, end, until) in enumerate(times):
            mine = [t for t in range(self.periods) if owner[t] == n]
            if not mine and (task.every_day or begin or horizon.after_h):
                continue
            left = taken - (task.taken_before_mwh if start < begin - 1e-9 else 0.0)
            later = min(end, until) - begin - length
            if later > 1e-9:
                here = sum(inside[n])
                left *= here / (here + later)
            self.row(max(left, 0.0), max(left, 0.0), {run[t]: self.hours for t in mine} or {run[0]: self.hours})

    # --- what all have in common ---

    def grid(self) -> None:
        prices = self.vpp.tariff.prices if self.vpp.tariff else self.public.tariff
        exchange, rules = self.vpp.exchange, self.public.carbon
        everything = (
            50.0 + 3.0 * sum(high for high in self.high if high < 1e4) / self.periods + sum(map(abs, self.needed))
        )
        series = rules.grid_emission_by_period_t_per_mwh
        rise = self.var(0.0, np.inf, exchange.peak_charge_cny_per_mw)
        for t in range(self.periods):
            retail, feed_in = float(prices.retail_cny_per_mwh[t]), float(prices.feed_in_cny_per_mwh[t])
            buy = self.var(0.0, min(exchange.grid_buy_max_mw, everything), retail * self.hours)
            sell = self.var(0.0, min(exchange.grid_sell_max_mw, everything), -feed_in * self.hours)
            self.either(buy, sell)
            self.row(-np.inf, exchange.peak_before_mw, {buy: 1.0, rise: -1.0})
            self.net[t][buy] += 1.0
            self.net[t][sell] -= 1.0
            peers = 0.0 if self.direct is None else float(self.direct.in_mw[t] - self.direct.out_mw[t])
            self.row(-exchange.export_max_mw - peers, exchange.import_max_mw - peers, {buy: 1.0, sell: -1.0})
            emission = rules.grid_emission_t_per_mwh if series is None else float(series[t])
            self.excess[t][buy] += (emission - rules.grid_quota_t_per_mwh) * self.hours
        if self.direct is not None:
            self.constant += exchange.peer_fee_cny_per_mwh * float(self.direct.in_mw.sum()) * self.hours

    def carbon(self) -> None:
        """For each bill one that lies above each line of (3); of the first less what was due before."""
        days = {BillingPeriod.DAY: 1, BillingPeriod.WEEK: 7}.get(self.public.carbon.billing_period)
        numbers = [self.day(t) // days if days else 0 for t in range(self.periods)]
        for number in sorted(set(numbers)):
            self.bill([t for t in range(self.periods) if numbers[t] == number])

    def bill(self, periods: list[int]) -> None:
        rules = self.public.carbon
        fixed = sum(self.emitted[t] for t in periods)
        if self.direct is not None and rules.credits_follow_energy and len(periods) < self.periods:
            net = sum(float(self.direct.in_mw[t] - self.direct.out_mw[t]) for t in periods)
            fixed -= rules.direct_quota_t_per_mwh * net * self.hours
        elif self.direct is not None and 0 in periods:
            fixed -= self.direct.quota_in_t
        before = self.vpp.excess_before_t if 0 in periods else 0.0
        total = self.var(-np.inf, np.inf)
        terms = {column: -factor for t in periods for column, factor in self.excess[t].items()}
        self.row(fixed + before, fixed + before, {total: 1.0, **terms})
        if rules.mode is CarbonMode.NONE:
            return
        if rules.mode is CarbonMode.FLAT:
            self.price[total] = rules.flat_price_cny_per_t
            self.constant -= rules.flat_price_cny_per_t * before
            return
        bill, paid, due = self.var(-np.inf, np.inf, 1.0), 0.0, -np.inf
        for n in range(rules.steps):
            slope = rules.base_price_cny_per_t * (1.0 + rules.growth * n)
            start = paid - slope * n * rules.interval_t
            self.row(start, np.inf, {bill: 1.0, total: -slope})
            due = max(due, start + slope * before)
            paid += slope * rules.interval_t
        self.constant -= due

    def least_miss_mw(self) -> float:
        """The least sum of what is missing and what is too much, whatever that costs."""
        self.price, self.constant = [0.0] * len(self.price), 0.0
        for number in self.balances:
            _, _, terms = self.rows[number]
            terms[self.var(0.0, np.inf, 1.0)] = 1.0
            terms[self.var(0.0, np.inf, 1.0)] = -1.0
        return self.solve().cost_cny

    def solve(self) -> ReferenceCost:
        entries = [
            (r, column, value) for r, (_, _, terms) in enumerate(self.rows) for column, value in terms.items()
        ]
        at_row, at_column, values = zip(*entries, strict=True)
        matrix = csr_array((values, (at_row, at_column)), shape=(len(self.rows), len(self.low)))
        limits = LinearConstraint(matrix, [low for low, _, _ in self.rows], [high for _, high, _ in self.rows])
        answer = milp(
            self.price,
            integrality=self.whole,
            bounds=Bounds(np.array(self.low), np.array(self.high)),
            constraints=limits,
            options={"mip_rel_gap": 1e-9},
        )
        if answer.status == 2:
            return ReferenceCost(False, math.nan)
        assert answer.status == 0, answer.message
        return ReferenceCost(True, float(answer.fun) + self.constant)


def _points(mt: MicroTurbine) -> tuple[list[float], list[float]]:
    """Outputs and what an hour at each of them costs."""
    if mt.curve_mw:
        return list(mt.curve_mw), list(mt.curve_cny_per_h)
    outputs = [mt.p_min_mw + (mt.p_max_mw - mt.p_min_mw) * n / mt.cost_pieces for n in range(mt.cost_pieces + 1)]
    costs = [mt.cost_a_cny_per_mw2h * p * p + mt.cost_b_cny_per_mwh * p + mt.cost_on_cny_per_h for p in outputs]
    return outputs, costs
