"""Claims: no network condition changes the market's answer; what can never arrive ends as `stalled`, by name.

Whole markets without sockets, in virtual and in wall time (the clock of a test): every condition and both ways of
carrying an epoch on come to the prices of the undisturbed run.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from broker.tape import MessageSaid, TurnGiven
from broker.wire.messages import Offer, Selection
from market.game.result import PeriodResult, Verdict
from market.model.network import (
    Constant,
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    NodeCompute,
    Outage,
    Partition,
    TimeMode,
    Uniform,
)
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import Loopback
from tests.tapes import Entry, entries

DAY = {
    "A": [2.0, 1.0, 2.0, 3.0],
    "B": [1.5, 0.8, -1.0, 2.0],
    "C": [-1.0, -2.0, -0.5, 1.0],
    "D": [-1.2, -1.0, 0.0, -2.5],
}
MS_50 = LinkConditions(Constant(0.05))
CONDITIONS = {
    "constant 1 ms": NetworkRules(every=LinkConditions(Constant(0.001))),
    "constant 500 ms": NetworkRules(every=LinkConditions(Constant(0.5))),
    "lognormal": NetworkRules(every=LinkConditions(Lognormal(0.05, 1.0))),
    "unequal links": NetworkRules(every=MS_50, links=(LinkOverride(Links(vpp="B"), latency=Constant(2.0)),)),
    "jitter with reordering": NetworkRules(
        every=LinkConditions(Uniform(0.01, 0.09), jitter_s=0.05, reordering=0.3, reordering_s=0.2)
    ),
    "loss 5 %": NetworkRules(every=LinkConditions(Constant(0.05), loss=0.05)),
    "loss 40 %": NetworkRules(every=LinkConditions(Constant(0.05), loss=0.4)),
    "duplication": NetworkRules(every=LinkConditions(Lognormal(0.05, 0.5), duplication=0.3)),
    "narrow band": NetworkRules(every=LinkConditions(Constant(0.01), bandwidth_bit_per_s=64_000.0)),
    "outage": NetworkRules(every=MS_50, outages=(Outage(Links("A", "D"), 0.1, 10.1),)),
    "healing partition": NetworkRules(every=MS_50, partitions=(Partition((("A", "B"), ("C", "D")), 0.07, 6.0),)),
    "slow nodes": NetworkRules(every=MS_50, compute_s=0.02, compute=(NodeCompute("A", 0.4),)),
}


def market(network: NetworkRules, network_seed: int = 7, seed: int = 0) -> Loopback:
    day = market_day(DAY)
    return Loopback(public_rules(4), day, network=network, network_seed=network_seed, seed=seed)


@cache
def undisturbed() -> tuple[PeriodResult, ...]:
    return market(NetworkRules()).run().results


def assert_same_answer(results: tuple[PeriodResult, ...]) -> None:
    for got, wanted in zip(results, undisturbed(), strict=True):
        assert got.verdict is wanted.verdict is Verdict.EQUILIBRIUM
        np.testing.assert_allclose(got.price_cny_per_mwh, wanted.price_cny_per_mwh, rtol=0, atol=1e-6)
        np.testing.assert_allclose(got.probability, wanted.probability, rtol=0, atol=1e-9)


@pytest.mark.sampled(10)
@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("seed", [1, 2])
def test_virtual_time_comes_to_the_same_answer(name: str, seed: int) -> None:
    proceedings = market(CONDITIONS[name], network_seed=seed).run()
    assert_same_answer(proceedings.results)
    assert proceedings.time_s > 0.0


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", CONDITIONS)
def test_wall_time_comes_to_the_same_answer(name: str) -> None:
    live = replace(CONDITIONS[name], time=TimeMode.WALL)
    proceedings = market(live, network_seed=3).run()
    assert_same_answer(proceedings.results)
    assert proceedings.time_s > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_tape_however_sockets_interleave(seed: int) -> None:
    assert disturbed_tape(7, 0) == disturbed_tape(7, seed + 1) != disturbed_tape(99, 0)


@cache
def disturbed_tape(network_seed: int, seed: int) -> list[Entry]:
    run = market(NetworkRules(LinkConditions(Lognormal(0.05, 1.0), loss=0.2, duplication=0.1)), network_seed, seed)
    run.run()
    return list(entries(run.tape))


def test_loss_costs_time_and_is_counted() -> None:
    without, withal = market(CONDITIONS["constant 500 ms"]).run(), market(CONDITIONS["loss 40 %"]).run()
    assert without.network.total("lost") == 0
    sent, lost = withal.network.total("sent"), withal.network.total("lost")
    assert withal.network.total("delivered") <= sent
    assert 0.3 < lost / (lost + withal.network.total("delivered")) < 0.5
    assert withal.network.total("undeliverable") == 0


def test_old_news_is_measured() -> None:
    """One seller 2 s away prices on what the others have given up meanwhile; without delay nobody does."""
    slow = market(CONDITIONS["unequal links"]).run()
    assert max(entry.staleness_s for entry in slow.network.staleness) > 0.0
    assert all(entry.staleness_s == 0.0 for entry in market(NetworkRules()).run().network.staleness)


def test_reordered_offers_are_late_and_discarded() -> None:
    proceedings = market(CONDITIONS["jitter with reordering"]).run()
    assert proceedings.network.total("late") > 0


@pytest.mark.parametrize("time", list(TimeMode))
def test_a_partition_that_never_heals_is_stalled_and_names_who_waits(time: TimeMode) -> None:
    apart = Partition((("A", "B"), ("C", "D")), 0.12, None)
    results = market(NetworkRules(every=MS_50, partitions=(apart,), time=time)).run().results
    stalled = [result for result in results if result.verdict is Verdict.STALLED]
    assert stalled
    assert any("waits for" in result.evidence and " since 0." in result.evidence for result in stalled)
    assert all(not result.delivered_mw.any() for result in stalled)


def naive_verdict(network: NetworkRules, quiet_rounds: int) -> dict[str, tuple[float, ...]]:
    """What a rule that waits for `quiet_rounds` deliveries without a new offer would take for the equilibrium.

    Kept here only to show where it is wrong: it reads the same run's tape and stops at the first quiet stretch.
    """
    run = market(network)
    run.run()
    prices: dict[str, tuple[float, ...]] = {}
    quiet = 0
    for record in run.tape:
        if isinstance(record, MessageSaid) and isinstance(record.message, Offer):
            prices[record.sender] = tuple(record.message.price_cny_per_mwh.tolist())
            quiet = 0
        elif isinstance(record, TurnGiven):
            quiet += 1
            if quiet >= quiet_rounds and {"A", "B"} <= prices.keys():
                return prices
    return prices


def test_quiet_for_a_while_is_no_equilibrium() -> None:
    """Under long delays a stretch without news outlasts any patience: the naive rule stops at wrong prices."""
    network = CONDITIONS["unequal links"]
    found = naive_verdict(network, quiet_rounds=4)
    ours = market(network).run()
    final = {
        entry.sender: tuple(entry.message.price_cny_per_mwh.tolist())
        for entry in ours.said
        if isinstance(entry.message, Offer)
    }
    worst = max(abs(x - y) for vpp in found for x, y in zip(found[vpp], final[vpp], strict=True))
    assert worst > 1e-3
    assert_same_answer(ours.results)


def test_nobody_is_sent_what_does_not_concern_it() -> None:
    """In virtual time a selection goes to sellers only."""
    proceedings = market(NetworkRules()).run()
    selections = sum(isinstance(entry.message, Selection) for entry in proceedings.said)
    assert selections > 0
    assert proceedings.network.total("delivered") == proceedings.counters["delivered"]
