"""Claims: a day of several rounds is the same over messages as in one process, to the last digit.

Plans that see the market (`coupling: iterate`), and consensus on prices.
In virtual and wall time, whatever the network does, whoever dies on the way. Nothing is told of a round but what
the market needs, and a replay computes all of it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from broker.protocol.run_progress import Phase
from broker.screening.audits import screen_audit
from broker.tape import AuditGiven, EpochBegun, MessageSaid, OrderGiven, RoundReviewed
from broker.wire.messages import Answer, Audit, RoundOver, Settle
from market.app.history.period import period_now
from market.app.history.timeline import Timeline
from market.app.replay.decision import Agreement
from market.app.replay.tally import replayed
from market.app.runs.certified_day import with_regrets
from market.app.runs.in_process import market_day
from market.errors import ProtocolError, RunError, TradeError
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
from market.model.plan import DirectExchange
from market.model.rules import Coupling, Mechanism
from market.scenario import load_scenario, with_overrides
from market.scenario.scenario import Scenario
from market.settlement.regret_bounds import RegretBounds
from tests.app.days_over_the_bus import Drawn, day_of, over_the_bus, unlike
from tests.app.replayed_tapes import any_death, finished, read, written
from tests.tapes import of_kind
from vpp_nodes.in_memory import Loopback
from vpp_nodes.node import Audited, Settled
from vpp_nodes.plant import plant_node

ITERATED = Drawn(4, 3, 4)
"""It settles a round that is not the last."""
AGREED = Drawn(3, 3, 4, Mechanism.CONSENSUS)
COMMITTED = Drawn(5, 3, 6, Mechanism.CONSENSUS, rounds=30, commitment=True)
"""Commitments are chosen several times over before it is settled."""
FIRST = (ITERATED, AGREED, COMMITTED)
DAYS = (*FIRST, Drawn(7, 4, 6), Drawn(3, 3, 6, Mechanism.CONSENSUS), Drawn(4, 4, 6, Mechanism.CONSENSUS))

LOSSY = LinkConditions(Lognormal(0.05, 1.0), loss=0.2, duplication=0.1)
NETWORKS = {
    "perfect": NetworkRules(),
    "lossy": NetworkRules(every=LOSSY),
    "wall": NetworkRules(time=TimeMode.WALL),
    "wall, lossy": NetworkRules(time=TimeMode.WALL, every=LOSSY),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_day_is_that_of_one_process(day: Drawn, network: NetworkRules) -> None:
    run = over_the_bus(day.scenario(), network)
    run.run()
    assert unlike(day.day(), day_of(run)) == []
    assert run.coordinator.refused == {}


def test_each_round_is_an_epoch_and_time_goes_on() -> None:
    run = over_the_bus(ITERATED.scenario(), NETWORKS["lossy"])
    run.run()
    begun = of_kind(run.tape, EpochBegun)
    assert [(each.number, each.round) for each in begun] == [(number + 1, number) for number in range(5)]
    assert [each.time_s for each in begun] == sorted({each.time_s for each in begun})
    settled = {each.order.round for each in of_kind(run.tape, OrderGiven) if isinstance(each.order, Settle)}
    assert settled == {day_of(run).rounds.settled} == {3}  # type: ignore[union-attr]


def test_of_a_round_a_vpp_tells_its_regret_and_whether_it_loses() -> None:
    run = over_the_bus(ITERATED.scenario(), NETWORKS["perfect"])
    run.run()
    told = [each.regret_cny for each in of_kind(run.tape, RoundReviewed)]
    rounds = ITERATED.day().rounds
    assert rounds is not None
    assert len(told) == 3 * len(rounds.rounds)
    assert sum(told[9:12]) == pytest.approx(rounds.regrets_cny)  # type: ignore[arg-type]
    orders = [each.order for each in of_kind(run.tape, OrderGiven) if isinstance(each.order, RoundOver)]
    assert len(orders) == len(told)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("day", FIRST, ids=str)
def test_a_replay_computes_all_of_it_again(day: Drawn, network: NetworkRules, tmp_path: Path) -> None:
    scenario = day.scenario()
    run = over_the_bus(scenario, network)
    run.run()
    records = read(written(run.tape, tmp_path / "run"))
    tally = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert tally.differing == []
    assert tally.unknown == {}
    assert tally.complete
    found = {what for _, what, agreement in tally.counts if agreement is Agreement.SAME}
    said = "answer" if day.mechanism is Mechanism.CONSENSUS else "review"
    assert {said, "declaration", "audit", "epoch", "trade"} <= found


def test_an_altered_review_is_found_out(tmp_path: Path) -> None:
    scenario = ITERATED.scenario()
    run = over_the_bus(scenario, NETWORKS["perfect"])
    run.run()
    first = next(record for record in run.tape if isinstance(record, RoundReviewed))
    altered = [replace(r, regret_cny=1e6) if r is first and isinstance(r, RoundReviewed) else r for r in run.tape]
    records = read(written(altered, tmp_path / "run"))
    tally = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert {(decision.who, decision.what) for decision in tally.differing} == {(first.vpp, "review")}


def test_what_is_seen_in_the_end_is_the_round_that_is_settled() -> None:
    run = over_the_bus(ITERATED.scenario(), NETWORKS["perfect"])
    run.run()
    done, view = run.coordinator.proceedings(), Timeline(run.tape).newest
    assert view.round == 3
    assert tuple(view.declarations.values()) == done.declarations
    assert view.verdicts == tuple(result.verdict for result in done.results)


def test_where_prices_are_agreed_on_what_is_seen_in_the_end_is_the_pool_that_is_settled() -> None:
    run = over_the_bus(AGREED.scenario(), NETWORKS["lossy"])
    run.run()
    view, day = Timeline(run.tape).newest, day_of(run)
    assert day.rounds is not None
    assert view.round == day.rounds.settled > 0
    for period, result in enumerate(day.periods):
        now = period_now(view, period)
        assert now is not None
        assert (now.game.sellers, now.game.buyers) == (result.game.sellers, result.game.buyers)
        assert now.price_cny_per_mwh.tolist() == result.price_cny_per_mwh.tolist()
        assert now.delivered_mw.tolist() == result.delivered_mw.tolist()
        assert now.verdict is result.verdict


STRIKES: dict[str, Callable[[Loopback], None]] = {
    "a node": lambda run: run.kill(next(iter(run.clients))),
    "the broker": lambda run: run.kill_broker(),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("network", ["perfect", "wall, lossy"])
@pytest.mark.parametrize("every", [40, 61, 97])
@pytest.mark.parametrize("victim", STRIKES)
@pytest.mark.parametrize("day", FIRST, ids=str)
def test_who_comes_back_begins_the_day_anew(day: Drawn, victim: str, every: int, network: str) -> None:
    """All from round 0: whoever was away has no average of its plans, and no answers."""
    rules = replace(NETWORKS[network], on_loss=OnLoss.WAIT)
    run = finished(over_the_bus(day.scenario(), rules), STRIKES[victim], every)
    assert unlike(day.day(), day_of(run)) == []
    begun = of_kind(run.tape, EpochBegun)
    assert [each.round for each in begun].count(0) > 1


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("day", FIRST, ids=str)
def test_a_day_with_deaths_is_replayed_too(day: Drawn, seed: int, tmp_path: Path) -> None:
    scenario = day.scenario()
    rules = replace(NETWORKS["lossy" if seed % 2 else "wall"], on_loss=OnLoss.WAIT)
    run = finished(over_the_bus(scenario, rules, seed), any_death(seed), every=31 + 17 * seed)
    records = read(written(run.tape, tmp_path / "run"))
    tally = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert [str(decision) for decision in tally.differing] == []


def test_who_dies_while_others_review_has_them_begin_without_it() -> None:
    rules = replace(NETWORKS["perfect"], on_loss=OnLoss.WITHDRAW)
    run = over_the_bus(Drawn(7, 4, 6).scenario(), rules)
    run.join()
    while run.coordinator.phase is not Phase.REVIEWING:
        run.step()
    run.pause("V1")
    run = finished(run)
    assert run.coordinator.proceedings().withdrawn == ("V1",)
    assert of_kind(run.tape, EpochBegun)[1].round == 0


def test_who_dies_in_a_later_round_breaks_the_run_under_the_rule_stop() -> None:
    run = over_the_bus(ITERATED.scenario(), NETWORKS["perfect"])
    run.join()
    while run.coordinator.epoch.round < 2:
        run.step()
    with pytest.raises(RunError, match="V1"):
        run.kill("V1")


@pytest.mark.parametrize("day", FIRST, ids=str)
def test_who_comes_back_when_a_later_round_is_being_settled_has_all_begin_anew(day: Drawn) -> None:
    """It does not know what it had said there, so that it cannot tell whether it can have traded this."""
    run = over_the_bus(day.scenario(), replace(NETWORKS["perfect"], on_loss=OnLoss.WAIT))
    run.join()
    while run.coordinator.phase is not Phase.SETTLING:
        run.step()
    run.kill("V2")
    run = finished(run)
    assert unlike(day.day(), day_of(run)) == []
    rounds = [0] if day.mechanism is Mechanism.CONSENSUS else [0, 1, 2, 3, 4]
    assert [each.round for each in of_kind(run.tape, EpochBegun)] == rounds * 2


def test_an_altered_answer_is_found_out(tmp_path: Path) -> None:
    """With its plant known it is another than the plant's; without, what is traded does not follow from it."""
    scenario = AGREED.scenario()
    run = over_the_bus(scenario, NETWORKS["perfect"])
    run.run()
    first = next(r for r in run.tape if isinstance(r, MessageSaid) and isinstance(r.message, Answer))
    assert isinstance(first.message, Answer)
    bent = replace(first, message=replace(first.message, net_in_mw=np.array([1.0, 0.0, 0.0, 0.0])))
    records = read(written([bent if record is first else record for record in run.tape], tmp_path / "run"))
    known = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert (first.sender, "answer") in {(decision.who, decision.what) for decision in known.differing}
    assert replayed(records).differing != []


def test_where_one_is_left_alone_there_is_nobody_to_agree_with() -> None:
    """Two of three have withdrawn."""
    rules = replace(NETWORKS["perfect"], on_loss=OnLoss.WITHDRAW)
    run = over_the_bus(AGREED.scenario(), rules)
    run.join()
    while run.coordinator.phase is not Phase.TRADING:
        run.step()
    run.pause("V1")
    run.pause("V2")
    with pytest.raises(RunError, match="no market is left, V3 is alone"):
        finished(run)


def test_a_consensus_that_an_answer_does_not_reach_stalls_and_trades_nothing() -> None:
    """Cut off for ever once all have declared: who it was is said."""
    cut = Outage(Links(sender="V1"), 0.15, math.inf)
    retransmission = Retransmission(give_up_after_s=5.0)
    rules = NetworkRules(every=LinkConditions(Constant(0.1)), outages=(cut,), retransmission=retransmission)
    run = over_the_bus(AGREED.scenario(), rules)
    run.run()
    day = day_of(run)
    assert day.verdict is Verdict.STALLED
    assert all("V1" in period.evidence for period in day.periods)
    assert all(plan.after.direct_in_mw.sum() == 0.0 for plan in day.days)  # type: ignore[union-attr]


def test_a_node_settles_no_trade_but_what_was_agreed_on() -> None:
    run = over_the_bus(AGREED.scenario(), NETWORKS["perfect"])
    run.join()
    while run.coordinator.phase is not Phase.SETTLING:
        run.step()
    order = next(r.order for r in run.tape if isinstance(r, OrderGiven) and isinstance(r.order, Settle))
    dearer = tuple(trade._replace(price_cny_per_mwh=trade.price_cny_per_mwh + 1.0) for trade in order.trades)
    with pytest.raises(TradeError, match="agreed"):
        run.clients["V1"]._node.handle(Settled(order.direct, order.audit, dearer, order.round))


# --- the day as a whole ---


def certified(day: Drawn, coupling: Coupling = Coupling.ITERATE) -> Scenario:
    """The scenario whose VPPs tell their regrets of the day in the end."""
    return with_overrides(day.scenario(), {"market.day_certificate": True, "market.coupling": coupling.value})


@pytest.mark.sampled(4)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("coupling", Coupling)
def test_each_node_finds_the_regret_that_one_process_finds(
    coupling: Coupling, network: NetworkRules, tmp_path: Path
) -> None:
    """Of the round that is settled, which is not the last; and a replay finds it again."""
    scenario = certified(ITERATED, coupling)
    run = over_the_bus(scenario, network)
    run.run()
    alone = with_regrets(scenario, market_day(scenario))
    told = [day.regret for day in day_of(run).days]
    assert told == [day.regret for day in alone.days]
    assert any(regret and regret.lower_cny > 0.0 for regret in told)
    tally = replayed(read(written(run.tape, tmp_path / "run")), plants={vpp.id: vpp for vpp in scenario.vpps})
    assert tally.differing == []
    assert tally.unknown == {}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("network", ["perfect", "lossy"])
@pytest.mark.parametrize("coupling", Coupling)
def test_where_nobody_can_trade_each_knows_its_regret_all_the_same(coupling: Coupling, network: str) -> None:
    """The market is over before it has begun, but not before all have heard what all have declared."""
    changes = {"market.day_certificate": True, "market.coupling": coupling.value, "market.coupling_rounds": 2}
    scenario = with_overrides(load_scenario("two_vpp"), {**changes, "vpps.Farm.exchange.direct_max_mw": 0.0})
    run = over_the_bus(scenario, NETWORKS[network])
    run.run()
    alone = with_regrets(scenario, market_day(scenario))
    assert [day.regret for day in day_of(run).days] == [day.regret for day in alone.days]
    assert all(day.regret and day.regret.upper_cny is not None for day in alone.days)


def test_an_altered_regret_is_found_out(tmp_path: Path) -> None:
    scenario = certified(ITERATED)
    run = over_the_bus(scenario, NETWORKS["perfect"])
    run.run()
    first = next(record for record in run.tape if isinstance(record, AuditGiven))
    forged = replace(first, regret=RegretBounds(0.0, 1e-9))
    records = read(written([forged if r is first else r for r in run.tape], tmp_path / "run"))
    tally = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert [(decision.who, decision.what) for decision in tally.differing] == [(first.vpp, "audit")]


@pytest.mark.parametrize(
    ("asked", "regret", "story"),
    [
        (True, None, "is asked for its regret of the day"),
        (False, RegretBounds(0.0, 1.0), "is asked for no regret of the day"),
        (True, RegretBounds(-1.0, 1.0), "lies between no two numbers"),
        (True, RegretBounds(2.0, 1.0), "lies between no two numbers"),
        (True, RegretBounds(0.0, 1e300), "lies between no two numbers"),
        (True, RegretBounds(2.0, None), ""),
        (True, RegretBounds(0.0, 0.0), ""),
    ],
)
def test_what_can_be_no_regret_is_refused(asked: bool, regret: RegretBounds | None, story: str) -> None:
    audit = Audit(0, None, None, 1.0, (), regret=regret)
    if not story:
        screen_audit("V1", audit, 4, certified=asked)
        return
    with pytest.raises(ProtocolError, match=story):
        screen_audit("V1", audit, 4, certified=asked)


def test_who_was_not_there_when_the_market_ended_knows_no_bound() -> None:
    scenario = certified(ITERATED, Coupling.ONCE)
    node = plant_node(scenario.vpps[0], scenario.public)
    nothing = frozen(np.zeros(scenario.public.horizon.periods))
    reply = node.handle(Settled(DirectExchange(nothing, nothing, 0.0), Disclosure.NONE, ()))
    assert isinstance(reply, Audited)
    assert (reply.before, reply.after) == (None, None)  # its regret is all that it tells
    assert reply.regret == RegretBounds(0.0, None)
