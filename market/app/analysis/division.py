"""Fair shares of what all plants save together: who would get what, and which coalition would gain by leaving.

A coalition is worth what its plants save as one against each of them alone, v(S) = Σ c_k − c(S), with c(S) the
cost of one dispatch of them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import fsum, nan
from typing import Final, Protocol

import numpy as np

from market.app.results.table import Cell, Table
from market.app.runs.in_process import market_day
from market.division.bargaining import equal_split, nash_bargaining
from market.division.coalitions import MOST_PLAYERS, CoalitionGame, members_of
from market.division.nucleolus import least_complaint, nucleolus
from market.division.shapley import sampled_shapley, shapley_value
from market.errors import ModelError
from market.model.arrays import Array, IndexArray
from market.scenario.scenario import Scenario
from market.settlement.settlement import settle
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.joint import joint_dispatch

NOT_GIVEN: Final = nan
IN_CORE: Final = 1e-7  # of the whole: a coalition that gains less by leaving gains nothing


class SolveAll(Protocol):
    """`solve_many` under a name that people are told."""

    def __call__(
        self, name: str, function: Callable[[int], float], items: Sequence[int], what: str = ...
    ) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Division:
    """One way to share. shares_cny : shape (n,) · error_cny : standard errors of an estimate, else None"""

    name: str
    shares_cny: Array
    error_cny: Array | None = None


@dataclass(frozen=True, slots=True)
class DividedDay:
    """A day, what coalitions save in it, and how that may be shared.

    alone_cny : what each plant's day costs without trade, shape (n,)
    cost_cny : of all coalitions that were looked at, by their number · market_cny : what each gains in the market
    least_complaint_cny : value of the least core, NaN where not every coalition was looked at
    """

    scenario: Scenario
    alone_cny: Array
    cost_cny: Mapping[int, float]
    divisions: tuple[Division, ...]
    market_cny: Array
    least_complaint_cny: float

    @property
    def whole_cny(self) -> float:
        """What all save together."""
        return self.saving_cny((1 << len(self.alone_cny)) - 1)

    @property
    def all_coalitions(self) -> bool:
        """Whether every coalition was looked at, and not some of them."""
        return len(self.cost_cny) == (1 << len(self.alone_cny)) - 1

    def saving_cny(self, coalition: int) -> float:
        """v of a coalition that was looked at."""
        return _alone(self.alone_cny, coalition) - self.cost_cny[coalition]


def divided_day(scenario: Scenario, orders: int, seed: int, solve_all: SolveAll) -> DividedDay:
    """Solve every coalition, or, of more than 12 plants, those that so many random orders meet.

    Raises: DispatchError if plants cannot be dispatched, alone or together.
    """
    count = len(scenario.vpps)
    alone_cny = np.array([dispatch(vpp, scenario.public).costs.total_cny for vpp in scenario.vpps])
    drawn = None if count <= MOST_PLAYERS else _drawn(count, orders, seed)
    wanted = list(range(1, 1 << count)) if drawn is None else _met(drawn)
    together = [coalition for coalition in wanted if coalition.bit_count() > 1]
    costs = solve_all("dispatching together", partial(_cost_cny, scenario), together, "coalitions")
    cost_cny = {1 << i: cost for i, cost in enumerate(alone_cny.tolist())} | dict(
        zip(together, costs, strict=True)
    )
    market_cny = _market_gains_cny(scenario)
    whole_cny = fsum(alone_cny.tolist()) - cost_cny[(1 << count) - 1]
    if drawn is None:
        game = CoalitionGame.by(scenario.roster, lambda c: _alone(alone_cny, c) - cost_cny[c])
        fair = [Division("shapley", shapley_value(game)), Division("nucleolus", nucleolus(game))]
        least_cny = least_complaint(game)
    else:
        found = sampled_shapley(lambda c: _alone(alone_cny, c) - cost_cny[c], drawn)
        fair, least_cny = [Division("shapley", found.shares, found.standard_error)], NOT_GIVEN
    divisions = (*fair, *_bargained(whole_cny, market_cny), _priced(scenario, alone_cny))
    market = Division("market", market_cny)
    return DividedDay(scenario, alone_cny, cost_cny, (*divisions, market), market_cny, least_cny)


def division_tables(day: DividedDay) -> tuple[Table, ...]:
    """All tables, in the order in which they are written."""
    return shares_table(day), stability_table(day), coalitions_table(day)


def shares_table(day: DividedDay) -> Table:
    """What each plant gets of the saving by each division, CNY. shapley_error_cny : NaN where it is exact"""
    columns = ("vpp", "alone_cny", *(f"{each.name}_cny" for each in day.divisions), "shapley_error_cny")
    shares = np.array([each.shares_cny for each in day.divisions])
    error = next((each.error_cny for each in day.divisions if each.error_cny is not None), None)
    errors = [NOT_GIVEN] * len(day.alone_cny) if error is None else error.tolist()
    rows: list[tuple[Cell, ...]] = [
        (vpp, float(day.alone_cny[k]), *shares[:, k].tolist(), errors[k])
        for k, vpp in enumerate(day.scenario.roster)
    ]
    sums = (fsum(row.tolist()) for row in shares)
    return Table("division_shares", columns, (*rows, ("system", fsum(day.alone_cny.tolist()), *sums, NOT_GIVEN)))


def stability_table(day: DividedDay) -> Table:
    """For each division the coalition that would gain most by leaving, of those looked at.

    in_core : yes, no, or, where not every coalition was looked at, unknown unless it is no
    """
    columns = (
        "division",
        "shared_cny",
        "share_of_whole",
        "least_share_cny",
        "leaving",
        "leaving_gain_cny",
        "in_core",
    )
    return Table("division_stability", columns, tuple(_stability_row(day, each) for each in day.divisions))


def coalitions_table(day: DividedDay) -> Table:
    """Every coalition that was looked at: its plants alone, as one, and what that saves."""
    columns = ("coalition", "plants", "alone_cny", "together_cny", "saving_cny")
    rows = (
        (
            " ".join(members_of(coalition, day.scenario.roster)),
            coalition.bit_count(),
            _alone(day.alone_cny, coalition),
            cost,
            day.saving_cny(coalition),
        )
        for coalition, cost in sorted(day.cost_cny.items())
    )
    return Table("division_coalitions", columns, tuple(rows))


def leaving(day: DividedDay, each: Division) -> tuple[tuple[str, ...], float]:
    """The coalition that would gain most by leaving, of those looked at, and how much."""
    gains = {
        coalition: day.saving_cny(coalition) - _alone(each.shares_cny, coalition) for coalition in day.cost_cny
    }
    most = max(gains, key=lambda coalition: gains[coalition])
    return members_of(most, day.scenario.roster), gains[most]


def _stability_row(day: DividedDay, each: Division) -> tuple[Cell, ...]:
    shared_cny = fsum(each.shares_cny.tolist())
    whole_cny, (who, gain_cny) = day.whole_cny, leaving(day, each)
    leaves = gain_cny > IN_CORE * max(abs(whole_cny), 1.0)
    verdict = "no" if leaves else "yes" if day.all_coalitions else "unknown"
    share = shared_cny / whole_cny if whole_cny > 0.0 else NOT_GIVEN
    least = float(each.shares_cny.min())
    return (each.name, shared_cny, share, least, " ".join(who) if leaves else "", max(gain_cny, 0.0), verdict)


def _alone(alone_cny: Array, coalition: int) -> float:
    return fsum(cost for i, cost in enumerate(alone_cny.tolist()) if coalition >> i & 1)


def _cost_cny(scenario: Scenario, coalition: int) -> float:
    vpps = [vpp for i, vpp in enumerate(scenario.vpps) if coalition >> i & 1]
    return joint_dispatch(vpps, scenario.public).total_cny


def _drawn(count: int, orders: int, seed: int) -> IndexArray:
    draw = np.random.default_rng(seed)
    return np.array([draw.permutation(count) for _ in range(orders)], dtype=np.intp)


def _met(orders: IndexArray) -> list[int]:
    """The coalitions that come together in these orders, forwards and backwards."""
    met: dict[int, None] = {}
    for order in orders.tolist():
        for way in (order, order[::-1]):
            coalition = 0
            for player in way:
                coalition |= 1 << player
                met[coalition] = None
    return list(met)


def _market_gains_cny(scenario: Scenario) -> Array:
    return np.array([*settle(market_day(scenario), scenario.public).gains_cny.values()])


def _bargained(whole_cny: float, market_cny: Array) -> list[Division]:
    """Equal shares; and bargaining over what the market leaves, with the market's outcome if nobody agrees."""
    found = [Division("equal", equal_split(whole_cny, len(market_cny)))]
    try:
        return [*found, Division("nash_bargaining", nash_bargaining(whole_cny, market_cny))]
    except ModelError:  # a switch of credits may make the market's bill less than the optimum's
        return found


def _priced(scenario: Scenario, alone_cny: Array) -> Division:
    """Every exchange of the joint day at its dual price (Owen 1975): in the core where nothing is switched."""
    joint, hours = joint_dispatch(scenario.vpps, scenario.public), scenario.public.horizon.period_h
    shares = [
        alone
        - plan.costs.total_cny
        - float((plan.direct_in_mw - plan.direct_out_mw) @ joint.price_cny_per_mwh) * hours
        for alone, plan in zip(alone_cny.tolist(), joint.plans, strict=True)
    ]
    return Division("dual_prices", np.array(shares))
