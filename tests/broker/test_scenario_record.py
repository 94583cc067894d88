"""Claims: a scenario comes back from its record whole, whatever it holds; an altered record does not pass."""

from __future__ import annotations

from dataclasses import replace

import msgpack
import pytest

from broker.scenario_record import scenario_of, scenario_record
from broker.tape import Record
from market.errors import TapeError
from market.network import Constant, Empirical, LinkOverride, Links, Lognormal, NetworkRules, NodeCompute, Outage
from market.scenario import load_scenario
from market.scenario.digest import seal_scenario
from market.scenario.model import Scenario

CONDITIONS = NetworkRules(
    links=(
        LinkOverride(Links(vpp="VPP1"), latency=Lognormal(0.05, 1.0), loss=0.1),
        LinkOverride(Links(sender="VPP2"), latency=Empirical((0.1, 0.2))),
        LinkOverride(Links(receiver="VPP2"), latency=Constant(2.0), bandwidth_bit_per_s=64e3),
    ),
    outages=(Outage(Links(), 1.0, None),),
    compute=(NodeCompute("VPP1", 0.5),),
)


def through_a_tape(scenario: Scenario) -> Record:
    read: Record = msgpack.unpackb(msgpack.packb(scenario_record(scenario)), raw=False)
    return read


@pytest.mark.parametrize("name", ["five_vpp", "two_vpp", "quarter_hours"])
def test_a_scenario_comes_back_whole(name: str) -> None:
    scenario = load_scenario(name)
    found = scenario_of(through_a_tape(scenario))
    assert (found.digest, found.name, found.title) == (scenario.digest, scenario.name, scenario.title)
    assert found.public.digest == scenario.public.digest


def test_every_kind_of_condition_comes_back() -> None:
    plain = load_scenario("two_vpp")
    scenario = seal_scenario(plain.name, plain.title, plain.public, plain.vpps, CONDITIONS, plain.coupling)
    assert scenario_of(through_a_tape(scenario)).network == CONDITIONS


def test_an_altered_scenario_is_refused() -> None:
    scenario = load_scenario("two_vpp")
    forged = replace(scenario, title="another")
    with pytest.raises(TapeError, match="was altered"):
        scenario_of(through_a_tape(forged))


@pytest.mark.parametrize("record", [["turn", 1], ["scenario", [1, 2]], ["scenario"]])
def test_anything_else_is_refused(record: Record) -> None:
    with pytest.raises(TapeError):
        scenario_of(record)
