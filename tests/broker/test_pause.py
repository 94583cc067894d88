"""Claims: who pauses after a turn answers what has come together; it delays no message and changes no price."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from broker.delivery.network_log import NetworkLog
from broker.delivery.sequencer import Grant, Sequencer
from broker.network import Conditions
from broker.protocol.run_result import RunResult
from broker.tape import TurnGiven
from broker.wire.messages import Offer, Ref
from market.model.network import (
    MOST_AT_ONCE,
    Constant,
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    Outage,
    TimeMode,
    Uniform,
)
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import Loopback
from tests.tapes import of_kind

SELLERS = {f"S{number}": [1.0 + number / 10, 0.5] for number in range(4)}
BUYERS = {f"B{number}": [-0.8 - number / 10, -2.0] for number in range(3)}
UNEQUAL = LinkConditions(Lognormal(0.05, 0.5), loss=0.1)
MANY = tuple(f"P{number}" for number in range(MOST_AT_ONCE + 1))


def day(network: NetworkRules) -> tuple[RunResult, Loopback]:
    run = Loopback(public_rules(periods=2), market_day(SELLERS | BUYERS), network=network)
    return run.run(), run


def test_prices_are_the_same_and_are_said_less_often() -> None:
    hurried, _ = day(NetworkRules(UNEQUAL, pause_s=0.0))
    calm, run = day(NetworkRules(UNEQUAL, pause_s=0.05))
    for ours, theirs in zip(calm.results, hurried.results, strict=True):
        assert ours.verdict == theirs.verdict
        np.testing.assert_allclose(ours.price_cny_per_mwh, theirs.price_cny_per_mwh, atol=1e-6)
        np.testing.assert_allclose(ours.delivered_mw, theirs.delivered_mw, atol=1e-6)
    said = [Counter(type(said.message) for said in result.said)[Offer] for result in (calm, hurried)]
    assert 2 * said[0] < said[1]
    given: dict[str, float] = {}
    for turn in of_kind(run.tape, TurnGiven):
        assert turn.time_s >= given.get(turn.receiver, -1.0) + 0.05
        given[turn.receiver] = turn.time_s


def test_in_real_time_what_comes_in_a_pause_waits() -> None:
    result, _ = day(NetworkRules(UNEQUAL, pause_s=0.05, time=TimeMode.WALL))
    assert len({one.verdict for one in result.results}) == 1


@pytest.mark.parametrize(
    ("rules", "pause_s"),
    [
        (NetworkRules(), 0.0),
        (NetworkRules(LinkConditions(Constant(0.05))), 0.0),
        (NetworkRules(UNEQUAL), 0.05),
        (NetworkRules(UNEQUAL, pause_s=0.0), 0.0),
        (NetworkRules(UNEQUAL, pause_s=3.0), 3.0),
        (NetworkRules(LinkConditions(Uniform(0.0, 0.2))), 0.1),
        (NetworkRules(LinkConditions(jitter_s=0.2)), 0.1),
        (NetworkRules(LinkConditions(Constant(0.05)), outages=(Outage(Links("P1"), 1.0, 2.0),)), 0.05),
        (NetworkRules(links=(LinkOverride(Links(vpp="P1"), latency=Constant(2.0), jitter_s=0.5),)), 2.25),
    ],
)
def test_the_pause_of_a_large_market_is_the_median_latency(rules: NetworkRules, pause_s: float) -> None:
    assert Conditions(rules, MANY, seed=1).pause_s == pytest.approx(pause_s)
    few = Conditions(rules, MANY[:-1], seed=1).pause_s
    assert few == (0.0 if rules.pause_s is None else rules.pause_s)


def test_a_pause_holds_back_what_comes_and_delays_nothing_that_is_said() -> None:
    sequencer = Sequencer(Conditions(NetworkRules(pause_s=0.3), "ABC", seed=0), 1, NetworkLog())
    sequencer.busy("A", 1.0)
    sequencer.send(Ref("B", 1), ("A", "C"), 1.1, 100, "Offer")
    sequencer.send(Ref("C", 1), ("A", "B"), 1.2, 100, "Offer")
    assert sequencer.next_batch() == (Grant("C", 1.1, (Ref("B", 1),)),)
    assert sequencer.next_batch() == (Grant("B", 1.2, (Ref("C", 1),)),)
    assert sequencer.next_batch() == (Grant("A", 1.3, (Ref("B", 1), Ref("C", 1))),)
