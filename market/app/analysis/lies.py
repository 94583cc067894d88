"""What a plant gains by declaring what is not so: the best of a stated family of lies, under each mechanism.

One plant lies, the others tell the truth and do not see it. It multiplies its surplus S, its deficit D or its
willingness k in all periods by one factor, or raises its reserve r by one share of the way to the cap. The market
clears what is declared; the plant's day with that trade is then dispatched with its true plant, and counts at its
true cost. A lie by which it would have to deliver what it cannot is none. Strategies have no part in it: all
price and choose by the market's rules.

In consensus nothing but answers to prices counts. There a lie about S or D is a limit: the plant behaves as if it
could give, or take, no more than a share of the most that it would; what comes of it is worked out as the one
dispatch to which consensus comes, at its dual prices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import nan
from typing import Final, Protocol

import numpy as np

from market.bidding.declare import declare
from market.bidding.reserve import highest_reserve_cny_per_mwh
from market.bidding.roles import VOLUME_DECIMALS, role_of
from market.errors import DispatchError
from market.game.period import period_games
from market.game.result import PeriodResult
from market.game.solver import solve_day
from market.mechanisms.clear import clear_day
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration, Role
from market.model.public import PublicRules
from market.model.rules import Mechanism
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario
from market.settlement.settlement import direct_exchange, net_payment_cny
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.joint import joint_dispatch

FAMILY: Final[dict[str, tuple[float, ...]]] = {
    "S": (0.0, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0),
    "D": (0.0, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0),
    "k": (0.5, 0.75, 0.9, 1.1, 1.25, 2.0),
    "r": (0.1, 0.25, 0.5, 0.75, 1.0),
}
"""By what is lied about: the factors, and of the reserve the shares of the way to the cap."""


NO_GAIN_CNY: Final = 1e-6
"""A gain as small is rounding."""


@dataclass(frozen=True, slots=True)
class Lie:
    """Who says what: `about` is S, D, k or r."""

    vpp: str
    about: str
    factor: float


@dataclass(frozen=True, slots=True)
class TriedLie:
    """What a lie gains; NaN where it cannot be kept up."""

    lie: Lie
    gain_cny: float


class TryAll(Protocol):
    """`solve_many` under a name that people are told."""

    def __call__(
        self, name: str, function: Callable[[Lie], float], items: Sequence[Lie], what: str = ...
    ) -> list[float]: ...


def best_lies(scenario: Scenario, try_all: TryAll) -> tuple[TriedLie, ...]:
    """For each plant and each thing that it may lie about the best lie of the family, the truth where none gains.

    Under the mechanism of the scenario. Raises: DispatchError where a plant has no day.
    """
    lies = [Lie(vpp, about, f) for vpp in scenario.roster for about, factors in FAMILY.items() for f in factors]
    mechanism = scenario.public.market.mechanism
    if mechanism is Mechanism.CONSENSUS:
        lies = [lie for lie in lies if lie.about in "SD" and lie.factor < 1.0]
        gain = partial(_gain_in_consensus_cny, scenario, _agreed_cny(scenario, scenario.vpps))
    else:
        declarations = _truth(scenario)
        told = {vpp.id: _cost_cny(vpp, declarations, scenario.public) for vpp in scenario.vpps}
        gain = partial(_gain_cny, scenario, declarations, told)
    gains = try_all(f"lying under {mechanism.value}", gain, lies, "lies")
    return tuple(_best_of(list(map(TriedLie, lies, gains))))


def lied(declaration: Declaration, lie: Lie, public: PublicRules) -> Declaration:
    """What is declared in place of the truth."""
    if lie.about == "k":
        return replace(declaration, satisfaction_cny_per_h=frozen(declaration.satisfaction_cny_per_h * lie.factor))
    if lie.about == "r":
        sells, highest = declaration.surplus_mw > 0.0, highest_reserve_cny_per_mwh(public)
        reserve = declaration.reserve_cny_per_mwh
        raised = np.where(sells, reserve + lie.factor * np.maximum(highest - reserve, 0.0), 0.0)
        return replace(declaration, reserve_cny_per_mwh=frozen(raised))
    surplus, deficit = declaration.surplus_mw, declaration.deficit_mw
    if lie.about == "S":
        surplus = np.round(surplus * lie.factor, VOLUME_DECIMALS)
    else:
        deficit = np.round(deficit * lie.factor, VOLUME_DECIMALS)
    return _with_volumes(declaration, surplus, deficit)


def _with_volumes(declaration: Declaration, surplus_mw: Array, deficit_mw: Array) -> Declaration:
    roles = tuple(role_of(s, d) for s, d in zip(surplus_mw.tolist(), deficit_mw.tolist(), strict=True))
    sells, buys = (np.array([role is side for role in roles]) for side in (Role.SELLER, Role.BUYER))
    return replace(
        declaration,
        roles=roles,
        surplus_mw=frozen(surplus_mw),
        deficit_mw=frozen(deficit_mw),
        own_supply_mw=frozen(np.where(buys, declaration.own_supply_mw, 0.0)),
        satisfaction_cny_per_h=frozen(np.where(buys, declaration.satisfaction_cny_per_h, 0.0)),
        reserve_cny_per_mwh=frozen(np.where(sells, declaration.reserve_cny_per_mwh, 0.0)),
    )


def _best_of(tried: Sequence[TriedLie]) -> Iterator[TriedLie]:
    kinds = dict.fromkeys((each.lie.vpp, each.lie.about) for each in tried)
    for vpp, about in kinds:
        mine = [each for each in tried if (each.lie.vpp, each.lie.about) == (vpp, about)]
        possible = [each for each in mine if each.gain_cny == each.gain_cny]
        best = max(possible, key=lambda each: each.gain_cny, default=None)
        truth = TriedLie(Lie(vpp, about, 0.0 if about == "r" else 1.0), 0.0)
        yield best if best is not None and best.gain_cny > NO_GAIN_CNY else truth


# --- where declarations are cleared, or played -------------------------------------------------------------------


def _truth(scenario: Scenario) -> tuple[Declaration, ...]:
    public = scenario.public
    return tuple(declare(vpp, dispatch(vpp, public, None), public) for vpp in scenario.vpps)


def _gain_cny(
    scenario: Scenario, declarations: Sequence[Declaration], told_cny: dict[str, float], lie: Lie
) -> float:
    public = scenario.public
    said = tuple(lied(each, lie, public) if each.vpp == lie.vpp else each for each in declarations)
    plant = next(vpp for vpp in scenario.vpps if vpp.id == lie.vpp)
    try:
        return told_cny[lie.vpp] - _cost_cny(plant, said, public)
    except DispatchError:
        return nan


def _cost_cny(vpp: Vpp, declarations: Sequence[Declaration], public: PublicRules) -> float:
    """What a plant's day costs in truth, its payments included, once these declarations have met."""
    results = _ended(declarations, public)
    plan = dispatch(vpp, public, direct_exchange(vpp.id, results, public))
    return plan.costs.total_cny + net_payment_cny(vpp.id, results)


def _ended(declarations: Sequence[Declaration], public: PublicRules) -> tuple[PeriodResult, ...]:
    if public.market.mechanism.clears:
        return clear_day(declarations, public)
    return solve_day(period_games(declarations, public), public.market)


# --- where prices are agreed on ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What consensus comes to. net_in_mw : shape (VPPs, periods) · cost_cny : at the dual prices, shape (VPPs,)"""

    net_in_mw: Array
    cost_cny: Array


def _agreed_cny(scenario: Scenario, vpps: Sequence[Vpp]) -> _Agreed:
    """The joint dispatch of plants as they behave, each one's day at its own cost and the dual prices."""
    joint, hours = joint_dispatch(vpps, scenario.public), scenario.public.horizon.period_h
    net_in = np.array([plan.direct_in_mw - plan.direct_out_mw for plan in joint.plans])
    own = np.array([plan.costs.total_cny for plan in joint.plans])
    return _Agreed(frozen(net_in), frozen(own + net_in @ joint.price_cny_per_mwh * hours))


def _gain_in_consensus_cny(scenario: Scenario, truth: _Agreed, lie: Lie) -> float:
    index = scenario.roster.index(lie.vpp)
    plant, net_in = scenario.vpps[index], truth.net_in_mw[index]
    if lie.about == "S":
        limits = replace(plant.exchange, direct_out_max_mw=lie.factor * float(np.maximum(-net_in, 0.0).max()))
    else:
        limits = replace(plant.exchange, direct_in_max_mw=lie.factor * float(np.maximum(net_in, 0.0).max()))
    vpps = list(scenario.vpps)
    vpps[index] = replace(plant, exchange=limits)
    return float(truth.cost_cny[index] - _agreed_cny(scenario, vpps).cost_cny[index])
