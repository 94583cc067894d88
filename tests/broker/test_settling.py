"""Claims: the last order tells a VPP its own trade and its own regret; no more is kept than was asked for.

Who takes part has the plant that the market was made for, as far as the market knows which.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from broker.protocol.actions import ControlCame, Reply, Write
from broker.protocol.coordinator import Coordinator
from broker.protocol.membership import Timeouts
from broker.protocol.run_config import RunConfig
from broker.protocol.run_progress import Phase
from broker.protocol.settling import Settling
from broker.tape import AuditGiven
from broker.wire.frames import Envelope
from broker.wire.messages import Audit, Hello, Refused, Welcome
from market.errors import ProtocolError
from market.model.disclosure import Disclosure, ShownPlan, disclosure_of, least, plan_totals
from market.scenario import load_scenario
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import ENDPOINTS, Loopback, blank_plan

DAY = {"A": [2.0, 1.0, -1.0], "B": [1.5, -1.0, 2.0], "C": [-1.0, -2.0, -0.5]}
PLAN = blank_plan(3)
SHOWN: dict[Disclosure, ShownPlan] = {
    Disclosure.NONE: None,
    Disclosure.TOTALS: plan_totals(PLAN),
    Disclosure.FULL: PLAN,
}


def market() -> Loopback:
    return Loopback(public_rules(3), market_day(DAY))


def test_the_trades_of_an_order_add_up_to_its_exchange_and_mirror_the_counterparts() -> None:
    run = market()
    run.run()
    orders = {vpp: client.settled.order for vpp, client in run.clients.items() if client.settled}
    assert set(orders) == set(DAY)
    told = {(vpp, t.counterpart, t.period): t for vpp, order in orders.items() for t in order.trades}
    assert told
    for (vpp, other, period), trade in told.items():
        mirror = told[(other, vpp, period)]
        assert mirror.delivered_mw == -trade.delivered_mw != 0
        assert mirror.price_cny_per_mwh == trade.price_cny_per_mwh
    for order in orders.values():
        net = np.zeros(3)
        for trade in order.trades:
            net[trade.period] += trade.delivered_mw
        np.testing.assert_allclose(net, order.direct.in_mw - order.direct.out_mw, atol=1e-12)


def test_the_regret_of_an_order_is_the_certificates() -> None:
    run = market()
    results = run.run().results
    expected = dict.fromkeys(DAY, 0.0)
    for result in results:
        assert result.certificate is not None
        for names, regrets in (
            (result.game.sellers, result.certificate.seller_regret_cny),
            (result.game.buyers, result.certificate.buyer_gain_cny),
        ):
            for vpp, regret in zip(names, regrets.tolist(), strict=True):
                expected[vpp] += regret
    for vpp, client in run.clients.items():
        assert client.settled is not None
        assert client.settled.order.regret_cny == pytest.approx(expected[vpp], abs=1e-12)


@pytest.mark.parametrize("asked", Disclosure)
@pytest.mark.parametrize("sent", Disclosure)
def test_what_a_node_shows_beyond_what_was_asked_for_is_not_kept(asked: Disclosure, sent: Disclosure) -> None:
    run = market()
    results = run.run().results
    settling = Settling(("A", "B", "C"), results, run.public, 10, asked)
    for turn, vpp in enumerate(DAY, start=10):
        assert settling.take(vpp, Audit(turn, SHOWN[sent], SHOWN[sent], 1.0, ()))
    given = [a.record for a in settling.end() if isinstance(a, Write) and isinstance(a.record, AuditGiven)]
    assert [record.vpp for record in given] == [*DAY]
    kept = {disclosure_of(plan) for record in given for plan in (record.before, record.after)}
    assert kept == {least(asked, sent)}
    assert {disclosure_of(audit.after) for audit in settling.answers.values()} == kept


def test_an_audit_that_nobody_waits_for_is_refused_and_one_that_comes_again_is_not_taken() -> None:
    run = market()
    settling = Settling(("A", "B"), run.run().results, run.public, 10, Disclosure.NONE)
    audit = Audit(10, None, None, 1.0, ())
    for vpp, other in (("A", replace(audit, turn=11)), ("C", replace(audit, turn=12))):
        with pytest.raises(ProtocolError, match="nobody waits for"):
            settling.take(vpp, other)
    assert [settling.take("A", audit) for _ in range(2)] == [True, False]
    assert settling.missing() == ("B",)


# --- whose plant it is ---


def answer_to(hello: Hello, vpp: str) -> Reply:
    """What the broker of the whole of `two_vpp` says to somebody who wants to join."""
    broker = Coordinator(RunConfig(load_scenario("two_vpp").shared, 0, Timeouts()), ENDPOINTS, 0.0)
    told = broker.handle(ControlCame(b"route", Envelope(1, vpp, 0, hello)), 0.0)
    answer = told[0]
    assert isinstance(answer, Reply)
    return answer


@pytest.mark.parametrize("whose", ["own", "another's", "untold"])
def test_a_node_joins_with_the_plant_that_the_market_was_made_for_and_no_other(whose: str) -> None:
    scenario = load_scenario("two_vpp")
    own, other = scenario.plant_digests
    digest = {"own": own, "another's": other, "untold": ""}[whose]
    hello = Hello(1, scenario.public.digest, digest, "a copy", "test")
    answer = answer_to(hello, scenario.roster[0]).message
    if whose == "own":
        assert isinstance(answer, Welcome)
    else:
        assert isinstance(answer, Refused)
        assert not answer.later
        assert f"the plant of {scenario.roster[0]} in the scenario 'a copy' is not the one" in answer.reason
        assert "two_vpp" in answer.reason


def test_plants_that_the_market_knows_nothing_of_are_let_in_and_named() -> None:
    run = market()
    done = run.run()
    assert run.coordinator.phase is Phase.OVER
    assert done.undisclosed == ("A", "B", "C")
