"""Nodes with real plants that plan each question once in a process, for many runs of one scenario in memory.

A plan is a function of the plant, the rules and the trade fixed in it, so that a remembered one is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from struct import pack

from market.bidding.declare import declare
from market.model.declaration import Declaration
from market.model.plan import DirectExchange, DispatchPlan
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from vpp_nodes.dispatch import dispatch
from vpp_nodes.node import Node


@cache
def scenario_of(name: str) -> Scenario:
    """A built-in case or a folder, read once."""
    return load_scenario(name)


def node_makers(name: str) -> Mapping[str, Callable[[], Node]]:
    """What makes each VPP's node of a scenario, in the roster's order."""
    return {vpp.id: partial(_node, name, index) for index, vpp in enumerate(scenario_of(name).vpps)}


def _node(name: str, index: int) -> Node:
    scenario = scenario_of(name)
    return Node(
        scenario.vpps[index].id, scenario.public, partial(_plan, name, index), partial(_declare, name, index)
    )


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


def _bytes(direct: DirectExchange) -> bytes:
    return direct.in_mw.tobytes() + direct.out_mw.tobytes() + pack("d", direct.quota_in_t)


def _declare(name: str, index: int, plan: DispatchPlan) -> Declaration:
    scenario = scenario_of(name)
    return declare(scenario.vpps[index], plan, scenario.public)
