"""Nodes with real plants that plan each question once in a process, for many runs of one scenario in memory.

A plan is a function of the plant, the rules and the trade fixed in it, so that a remembered one is the same.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from functools import cache, partial
from struct import pack
from typing import Any

import yaml

from market.bidding.declare import declare
from market.coordination.consensus import Participant
from market.coordination.coupling import OpenTrade
from market.model.declaration import Declaration
from market.model.plan import DirectExchange, DispatchPlan
from market.model.rules import Coupling, Mechanism
from market.scenario import load_scenario, with_overrides
from market.scenario.scenario import Scenario
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.open_day import OpenPlan, dispatch_with_option, option_of
from vpp_nodes.dispatch.participant import participant
from vpp_nodes.node import Node


@cache
def scenario_of(name: str) -> Scenario:
    """A case or a folder, read once; what follows its name is changed: `two_vpp market.coupling=iterate`."""
    case, *changes = name.split()
    values = dict(change.split("=", 1) for change in changes)
    return with_overrides(load_scenario(case), {path: yaml.safe_load(value) for path, value in values.items()})


def node_makers(name: str) -> Mapping[str, Callable[[], Node]]:
    """What makes each VPP's node of a scenario, in the roster's order."""
    return {vpp.id: partial(_node, name, index) for index, vpp in enumerate(scenario_of(name).vpps)}


def _node(name: str, index: int) -> Node:
    scenario = scenario_of(name)
    replan = partial(_replan, name, index) if scenario.public.market.coupling is Coupling.ITERATE else None
    joins = partial(_joins, name, index) if scenario.public.market.mechanism is Mechanism.CONSENSUS else None
    plan, declared = partial(_plan, name, index), partial(_declare, name, index)
    return Node(scenario.vpps[index].id, scenario.public, plan, declared, replan, joins)


_plans: dict[tuple[str, int, bytes], DispatchPlan] = {}


def _plan(name: str, index: int, direct: DirectExchange | None) -> DispatchPlan:
    trade = (
        b"" if direct is None else direct.in_mw.tobytes() + direct.out_mw.tobytes() + pack("d", direct.quota_in_t)
    )
    question = (name, index, trade)
    if question not in _plans:
        scenario = scenario_of(name)
        _plans[question] = dispatch(scenario.vpps[index], scenario.public, direct)
    return _plans[question]


_replans: dict[tuple[str, int, bytes], OpenPlan] = {}


def _replan(name: str, index: int, left_open: OpenTrade) -> OpenPlan:
    vectors = (left_open.most_in_mw, left_open.most_out_mw, left_open.price_cny_per_mwh)
    question = (name, index, b"".join(vector.tobytes() for vector in vectors))
    if question not in _replans:
        scenario = scenario_of(name)
        _replans[question] = dispatch_with_option(scenario.vpps[index], scenario.public, option_of(left_open))
    return _replans[question]


_asked: dict[tuple[object, ...], Any] = {}


def _joins(name: str, index: int, participants: int) -> Participant:
    """The plant where prices are agreed on; what it was asked before it says again."""
    scenario = scenario_of(name)
    plant = participant(scenario.vpps[index], scenario.public, participants)

    def remembered(ask: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*question: Any) -> Any:
            key = (name, index, participants, ask.__name__, pickle.dumps(question))
            if key not in _asked:
                _asked[key] = ask(*question)
            return _asked[key]

        return answer

    answer, cost_cny, least_cny = (remembered(ask) for ask in (plant.answer, plant.cost_cny, plant.least_cny))
    return Participant(plant.vpp, answer, cost_cny, least_cny, plant.commits)


def _declare(name: str, index: int, plan: DispatchPlan) -> Declaration:
    scenario = scenario_of(name)
    alone = _plan(name, index, None).marginal_value_cny_per_mwh
    return declare(scenario.vpps[index], plan, scenario.public, alone)
