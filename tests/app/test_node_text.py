"""Claims: what a node says of its day is in units that show it, in words for one and for many, without dust."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pytest

from broker.wire.messages import Settle, Trade
from market.app.report.node_text import node_lines
from market.app.results.telling import Telling
from market.app.runs.node_day import NodeRun
from market.model.disclosure import Disclosure
from market.model.plan import DirectExchange
from market.scenario import load_scenario
from vpp_nodes.client import SettledDay
from vpp_nodes.dispatch import dispatch
from vpp_nodes.node import OwnPlans


def said(scale: float, regret_cny: float = 9e-13) -> list[str]:
    """The lines of the farm, which sells this many MW in period 2 and buys as many in periods 3 and 4."""
    scenario = load_scenario("two_vpp")
    farm = scenario.vpp("Farm")
    plan = dispatch(farm, scenario.public, None)
    trades = tuple(Trade(period, "Village", sign * scale, 700.0) for period, sign in ((1, -1), (2, 1), (3, 1)))
    nothing = np.zeros(6)
    order = Settle(9, DirectExchange(nothing, nothing), Disclosure.FULL, trades, regret_cny)
    run = NodeRun(scenario, farm, datetime.now(UTC), 0.0)
    return list(node_lines(run, SettledDay(OwnPlans(plan, plan), order)))


@pytest.mark.parametrize(
    ("scale", "unit", "sold"), [(2.5, "MWh", "10.00"), (0.002, "kWh", "8.00"), (2e-6, "Wh", "8.00")]
)
def test_a_day_of_any_size_is_told_in_five_lines(scale: float, unit: str, sold: str) -> None:
    lines = said(scale)
    assert len(lines) == 5
    assert re.fullmatch(rf"Farm sold +{sold} {unit} to others, in 1 period", lines[0])
    assert re.fullmatch(rf"Farm bought +[\d.]+ {unit} from others, in 2 periods", lines[1])
    assert "Farm saved" in lines[3]
    assert lines[4] == "Farm regrets under 0.000001 CNY: what it could have gained by moving alone"
    assert all(len(line) <= 80 for line in lines)
    assert not any("-0.00" in line for line in lines)


def test_money_is_told_in_the_currency_of_the_scenario() -> None:
    told = [Telling("EUR").text(line) for line in said(2.5)]
    assert not any("CNY" in line for line in told)
    assert sum("EUR" in line for line in told) == 3
