"""Claims: where buyers choose last they choose once each, at the prices at rest; nothing else changes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from broker.protocol import virtual_time
from broker.protocol.run_result import RunResult
from broker.tape import TurnGiven
from broker.wire.messages import Offer, Selection
from market.model.network import Constant, LinkConditions, Lognormal, NetworkRules, TimeMode
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import Loopback
from tests.tapes import of_kind

DAY = {
    "A": [2.0, 1.0, 2.0, 1.0, -1.0],
    "B": [1.5, 0.8, -1.0, 1.0, -1.0],
    "C": [-1.0, -2.0, -0.5, 0.0, -1.0],
    "D": [-1.2, -1.0, 0.0, 1.0, 0.0],
}
LOSSY = NetworkRules(LinkConditions(latency=Lognormal(0.05, 0.5), loss=0.1), compute_s=0.02)
NETWORKS = {
    "perfect": NetworkRules(),
    "delayed": NetworkRules(LinkConditions(latency=Constant(0.05))),
    "lossy": LOSSY,
}


def market(network: NetworkRules) -> Loopback:
    return Loopback(public_rules(periods=5), market_day(DAY), network=network)


def kinds(result: RunResult) -> Counter[type]:
    return Counter(type(said.message) for said in result.said)


@pytest.fixture
def choosing_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "MOST_CHOOSING", 1)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_day_ends_as_where_buyers_choose_at_every_price(
    network: NetworkRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = market(network).run()
    monkeypatch.setattr(virtual_time, "MOST_CHOOSING", 1)
    last = market(network).run()
    for ours, theirs in zip(last.results, usual.results, strict=True):
        assert ours.verdict == theirs.verdict
        np.testing.assert_array_equal(ours.price_cny_per_mwh, theirs.price_cny_per_mwh)
        np.testing.assert_array_equal(ours.delivered_mw, theirs.delivered_mw)
    if network is not LOSSY:  # there what becomes of an offer depends on its number, which selections share
        assert kinds(last)[Offer] == kinds(usual)[Offer]
    assert kinds(usual)[Selection] > kinds(last)[Selection] == len({*"BCD"})


def test_the_closing_turns_are_the_last_and_give_no_message(choosing_last: None) -> None:
    run = market(LOSSY)
    run.run()
    turns = of_kind(run.tape, TurnGiven)
    closing = [turn for turn in turns if turn.closing]
    assert {turn.receiver for turn in closing} == {*"BCD"}
    assert turns[-len(closing) :] == closing
    assert not any(turn.refs for turn in closing)


def test_in_real_time_buyers_choose_at_every_price(choosing_last: None) -> None:
    result = market(NetworkRules(time=TimeMode.WALL)).run()
    assert kinds(result)[Selection] > len({*"BCD"})
