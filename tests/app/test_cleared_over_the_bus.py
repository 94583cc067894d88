"""Claims: a day that a rule clears is the same over messages as in one process, to the last digit.

In virtual and wall time, whatever the network does, whoever dies on the way; a replay computes all of it again,
and no node settles what does not follow from the declarations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from broker.protocol.run_progress import Phase
from broker.screening.messages import parts_of
from broker.tape import MessageSaid, OrderGiven
from broker.wire.messages import Answer, Declared, Offer, Settle
from market.app.history.period import period_now
from market.app.history.timeline import Timeline
from market.app.replay.decision import Agreement, differences
from market.app.replay.tally import replayed
from market.app.runs.in_process import market_day
from market.errors import ProtocolError, TradeError
from market.game.result import Verdict
from market.model.arrays import frozen
from market.model.disclosure import Disclosure
from market.model.network import (
    Constant,
    LinkConditions,
    Links,
    Lognormal,
    NetworkRules,
    OnLoss,
    Outage,
    Retransmission,
    TimeMode,
)
from market.model.rules import Mechanism
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from tests.app.days_over_the_bus import day_of, over_the_bus
from tests.app.replayed_tapes import any_death, finished, read, written
from tests.market.random_markets import random_market
from tests.tapes import of_kind
from vpp_nodes.node import Settled

CLEARING = [mechanism for mechanism in Mechanism if mechanism.clears]
LOSSY = LinkConditions(Lognormal(0.05, 1.0), loss=0.2, duplication=0.1)
NETWORKS = {
    "perfect": NetworkRules(),
    "lossy": NetworkRules(every=LOSSY),
    "wall": NetworkRules(time=TimeMode.WALL),
    "wall, lossy": NetworkRules(time=TimeMode.WALL, every=LOSSY),
}


@cache
def scenario_of(mechanism: Mechanism) -> Scenario:
    drawn = random_market(3, vpps=4, periods=4)
    rules = drawn.public
    market = replace(rules.market, mechanism=mechanism)
    public = seal_public(rules.horizon, rules.tariff, market, rules.carbon)
    return seal_scenario("random", "", public, drawn.vpps, drawn.network)


@cache
def in_one_process(mechanism: Mechanism) -> MarketOutcome:
    return market_day(scenario_of(mechanism))


def unlike(one: MarketOutcome, other: MarketOutcome) -> list[str]:
    parts = [("periods", one.periods, other.periods), ("days", one.days, other.days)]
    return [str(found) for place, ours, theirs in parts for found in differences(ours, theirs, place)]


def test_something_is_traded_and_transferred() -> None:
    assert sum(float(result.delivered_mw.sum()) for result in in_one_process(Mechanism.VCG).periods) > 0.1
    assert any(result.transfer_cny for result in in_one_process(Mechanism.BILL_SHARING).periods)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("mechanism", CLEARING)
def test_the_day_is_that_of_one_process(mechanism: Mechanism, network: NetworkRules) -> None:
    run = over_the_bus(scenario_of(mechanism), network)
    run.run()
    assert unlike(in_one_process(mechanism), day_of(run)) == []
    assert run.coordinator.refused == {}
    said = [record.message for record in of_kind(run.tape, MessageSaid)]
    assert sum(isinstance(message, Declared) for message in said) == 4
    assert len(said) == 5  # and the verdicts


@pytest.mark.sampled(3)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("mechanism", [Mechanism.VCG, Mechanism.SUPPLY_DEMAND_RATIO])
def test_a_replay_computes_all_of_it_again(mechanism: Mechanism, network: NetworkRules, tmp_path: Path) -> None:
    scenario = scenario_of(mechanism)
    run = over_the_bus(scenario, network)
    run.run()
    tally = replayed(read(written(run.tape, tmp_path / "run")), plants={vpp.id: vpp for vpp in scenario.vpps})
    assert [str(decision) for decision in tally.differing] == []
    assert tally.complete
    found = {what for _, what, agreement in tally.counts if agreement is Agreement.SAME}
    assert {"declaration", "audit", "epoch", "trade", "verdicts"} <= found


@pytest.mark.parametrize("what", ["transfer", "trade"])
def test_an_altered_order_is_found_out(what: str, tmp_path: Path) -> None:
    scenario = scenario_of(Mechanism.VCG)
    run = over_the_bus(scenario, NETWORKS["perfect"])
    run.run()
    orders = [r for r in of_kind(run.tape, OrderGiven) if isinstance(r.order, Settle)]
    first = next(r for r in orders if isinstance(r.order, Settle) and r.order.trades)
    assert isinstance(first.order, Settle)
    trades = (first.order.trades[0]._replace(price_cny_per_mwh=1.0), *first.order.trades[1:])
    changed = replace(first.order, transfer_cny=1e5) if what == "transfer" else replace(first.order, trades=trades)
    altered = [replace(first, order=changed) if record is first else record for record in run.tape]
    tally = replayed(read(written(altered, tmp_path / "run")), plants={vpp.id: vpp for vpp in scenario.vpps})
    assert {(decision.who, decision.what) for decision in tally.differing} == {("broker", "trade")}


def test_what_is_seen_in_the_end_is_what_was_cleared() -> None:
    run = over_the_bus(scenario_of(Mechanism.MID_MARKET_RATE), NETWORKS["lossy"])
    run.run()
    view, day = Timeline(run.tape).newest, day_of(run)
    for period, result in enumerate(day.periods):
        now = period_now(view, period)
        assert now is not None
        assert now.price_cny_per_mwh.tolist() == result.price_cny_per_mwh.tolist()
        assert now.delivered_mw.tolist() == result.delivered_mw.tolist()
        assert now.verdict is result.verdict


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("network", NETWORKS)
def test_a_day_with_deaths_is_the_same_and_is_replayed(network: str, seed: int, tmp_path: Path) -> None:
    scenario = scenario_of(Mechanism.VCG)
    rules = replace(NETWORKS[network], on_loss=OnLoss.WAIT)
    run = finished(over_the_bus(scenario, rules, seed), any_death(seed), every=11 + 7 * seed)
    assert unlike(in_one_process(Mechanism.VCG), day_of(run)) == []
    tally = replayed(read(written(run.tape, tmp_path / "run")), plants={vpp.id: vpp for vpp in scenario.vpps})
    assert [str(decision) for decision in tally.differing] == []


def test_where_a_declaration_does_not_arrive_for_good_the_day_stalls_and_nothing_is_traded() -> None:
    cut = Outage(Links(sender="V1"), 0.0, math.inf)
    retransmission = Retransmission(give_up_after_s=5.0)
    rules = NetworkRules(every=LinkConditions(Constant(0.1)), outages=(cut,), retransmission=retransmission)
    run = over_the_bus(scenario_of(Mechanism.VCG), rules)
    run.run()
    day = day_of(run)
    assert day.verdict is Verdict.STALLED
    assert all("V1" in result.evidence for result in day.periods if result.verdict is Verdict.STALLED)
    assert not any(result.delivered_mw.any() or result.transfer_cny for result in day.periods)


LIES: dict[str, Callable[[Settled], Settled]] = {
    "another transfer": lambda order: replace(order, transfer_cny=order.transfer_cny + 1.0),
    "another price": lambda order: replace(
        order, trades=(order.trades[0]._replace(price_cny_per_mwh=1.0), *order.trades[1:])
    ),
    "less energy": lambda order: replace(
        order, direct=replace(order.direct, in_mw=frozen(order.direct.in_mw / 2.0)), trades=order.trades
    ),
    "no trade of one": lambda order: replace(order, trades=order.trades[1:]),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_node_settles_nothing_but_what_follows_from_the_declarations(lie: Callable[[Settled], Settled]) -> None:
    run = over_the_bus(scenario_of(Mechanism.VCG), NETWORKS["perfect"])
    run.run()
    orders = {r.receiver: r.order for r in of_kind(run.tape, OrderGiven) if isinstance(r.order, Settle)}
    vpp, order = next((vpp, order) for vpp, order in orders.items() if order.trades and order.direct.in_mw.any())
    told = Settled(order.direct, Disclosure.FULL, order.trades, order.round, order.transfer_cny)
    node = run.clients[vpp]._node
    with pytest.raises(TradeError):
        node.handle(lie(told))


def test_who_was_not_there_settles_what_its_own_declaration_allows_and_nothing_else() -> None:
    scenario = scenario_of(Mechanism.MID_MARKET_RATE)
    run = over_the_bus(scenario, NETWORKS["perfect"])
    run.run()
    orders = {r.receiver: r.order for r in of_kind(run.tape, OrderGiven) if isinstance(r.order, Settle)}
    vpp, order = next((vpp, order) for vpp, order in orders.items() if order.trades)
    fresh = over_the_bus(scenario, NETWORKS["perfect"]).clients[vpp]._node
    told = Settled(order.direct, Disclosure.FULL, order.trades, 0, order.transfer_cny)
    assert fresh.handle(told)
    more = frozen(np.where(order.direct.in_mw > 0.0, order.direct.in_mw * 3.0, order.direct.in_mw))
    for wrong in (
        replace(told, direct=replace(told.direct, in_mw=more + 1.0)),
        replace(told, trades=(*told.trades, told.trades[0])),
        replace(told, trades=tuple(t._replace(delivered_mw=-t.delivered_mw) for t in told.trades)),
    ):
        with pytest.raises(TradeError):
            fresh.handle(wrong)
    with pytest.raises(ProtocolError):
        fresh.handle(replace(told, round=1))


def test_nothing_may_be_said_once_all_have_declared() -> None:
    scenario = scenario_of(Mechanism.VCG)
    declarations = [day.declaration for day in in_one_process(Mechanism.VCG).days]
    parts = parts_of(declarations, scenario.public)
    for message in (Offer(1, (0,), frozen([500.0])), Answer(1, frozen([0.0] * 4), 0.0, 0.0, commits=False)):
        with pytest.raises(ProtocolError):
            parts.check("V1", message)
    assert parts.sells("V1") == ()


def test_who_dies_is_withdrawn_and_the_others_are_cleared_without_it() -> None:
    rules = replace(NETWORKS["perfect"], on_loss=OnLoss.WITHDRAW)
    run = over_the_bus(scenario_of(Mechanism.SUPPLY_DEMAND_RATIO), rules)
    run.join()
    while run.coordinator.phase is Phase.JOINING:
        run.step()
    run.pause("V1")
    run = finished(run)
    done = run.coordinator.proceedings()
    assert done.withdrawn == ("V1",)
    assert all("V1" not in (*result.game.sellers, *result.game.buyers) for result in done.results)
