"""Claims: what is said of rounds is screened: answers, reviews, and what a broker tells of a round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from broker.protocol.run_progress import Phase
from broker.screening.answers import AnswerRules
from broker.screening.reviews import screen_review
from broker.screening.versions import Versions
from broker.tape import OrderGiven
from broker.wire.messages import Answer, Hello, MarketMessage, Offer, Refused, Reviewed, RoundOver
from market.errors import MarketError, ProtocolError, TradeError
from market.model.arrays import frozen
from market.model.network import NetworkRules
from market.model.rules import Coupling
from market.scenario.digest import seal_public
from tests.app.days_over_the_bus import Drawn, over_the_bus
from tests.broker.days import market_rules, public_rules
from vpp_nodes.in_memory import Loopback
from vpp_nodes.node import Begun
from vpp_nodes.plan_rounds import RoundEnd

RULES = AnswerRules(public_rules(2, market=replace(market_rules(), consensus_rounds=3)))
NOTHING, SOME = frozen([]), frozen([1.0, -2.0])
FAIR = Answer(1, SOME, 3.0, 0.0, commits=False)


@pytest.mark.parametrize(
    "answer", [FAIR, Answer(3, SOME, None, None, True), Answer(4, NOTHING, 0.0, -1e-9, False)]
)
def test_an_answer_that_may_be_passes(answer: Answer) -> None:
    RULES.check("A", answer)


@pytest.mark.parametrize(
    "message",
    [
        Offer(1, (0,), frozen([500.0])),
        replace(FAIR, round=0),
        replace(FAIR, round=5, net_in_mw=NOTHING),
        replace(FAIR, round=4),
        replace(FAIR, net_in_mw=NOTHING),
        replace(FAIR, net_in_mw=frozen([1.0])),
        replace(FAIR, net_in_mw=frozen([1e12, 0.0])),
        replace(FAIR, regret_cny=-1.0),
        replace(FAIR, regret_cny=1e40),
        replace(FAIR, saving_cny=-1e40),
        replace(FAIR, saving_cny=None),
        replace(FAIR, regret_cny=None, saving_cny=None),
    ],
)
def test_one_that_cannot_be_is_refused(message: MarketMessage) -> None:
    with pytest.raises(ProtocolError):
        RULES.check("A", message)


def test_nobody_answers_twice_or_before_all_have_answered() -> None:
    versions = Versions(("A", "B"))
    versions.take("A", FAIR)
    for early in (FAIR, replace(FAIR, round=2)):
        with pytest.raises(ProtocolError):
            versions.take("A", early)
    versions.take("B", FAIR)
    versions.take("A", replace(FAIR, round=2))


@pytest.mark.parametrize(("regret", "no_loss"), [(-1.0, False), (1e40, True), (None, True)])
def test_a_review_that_cannot_be_is_refused(regret: float | None, no_loss: bool) -> None:
    with pytest.raises(ProtocolError):
        screen_review("A", regret, no_loss=no_loss)


def at_the_end_of_a_round() -> Loopback:
    run = over_the_bus(Drawn(3, 3, 4).scenario(), NetworkRules())
    run.join()
    while run.coordinator.phase is not Phase.REVIEWING:
        run.step()
    return run


def test_a_review_of_another_turn_does_not_count() -> None:
    run = at_the_end_of_a_round()
    run.tell("V1", Reviewed(10**6, 0.0, True))
    for _ in range(50):
        run.step()
    assert run.coordinator.refused["out_of_turn"] == 1
    run.run()


def told(run: Loopback) -> RoundEnd:
    """What V1 is told of the round."""
    orders = (r.order for r in run.tape if isinstance(r, OrderGiven) and r.receiver == "V1")
    order = next(order for order in orders if isinstance(order, RoundOver))
    return RoundEnd(order.round, order.direct, order.trades, order.left_open)


BENT: dict[str, tuple[Callable[[RoundEnd], RoundEnd], type[MarketError]]] = {
    "more is open than others declare": (
        lambda end: replace(
            end, left_open=replace(end.left_open, most_in_mw=frozen(end.left_open.most_in_mw + 1e4))
        ),
        TradeError,
    ),
    "less than nothing is open": (
        lambda end: replace(end, left_open=replace(end.left_open, most_out_mw=frozen(np.full(4, -1.0)))),
        TradeError,
    ),
    "a price leaves the band": (
        lambda end: replace(end, left_open=replace(end.left_open, price_cny_per_mwh=frozen(np.full(4, 1e5)))),
        TradeError,
    ),
    "it is for other periods": (
        lambda end: replace(end, left_open=replace(end.left_open, most_in_mw=frozen([0.0]))),
        TradeError,
    ),
    "another round is over": (lambda end: replace(end, round=1), ProtocolError),
}


@pytest.mark.parametrize("how", BENT)
def test_a_node_plans_nothing_by_what_cannot_be(how: str) -> None:
    """Its plan would tell of its plant, whatever it was asked with."""
    run = at_the_end_of_a_round()
    bend, error = BENT[how]
    with pytest.raises(error):
        run.clients["V1"]._node.handle(bend(told(run)))


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_node_begins_no_round_that_does_not_follow(number: int) -> None:
    run = at_the_end_of_a_round()
    with pytest.raises(ProtocolError):
        run.clients["V1"]._node.handle(Begun(("V1", "V2", "V3"), number))


def test_a_round_is_reviewed_once() -> None:
    run = at_the_end_of_a_round()
    node, end = run.clients["V1"]._node, told(run)
    node.handle(end)
    with pytest.raises(ProtocolError):
        node.handle(end)


def test_a_node_of_another_coupling_is_turned_away() -> None:
    run = over_the_bus(Drawn(3, 3, 4).scenario(), NetworkRules())
    shared = run.shared
    assert shared is not None
    rules = shared.public
    once = seal_public(rules.horizon, rules.tariff, replace(rules.market, coupling=Coupling.ONCE), rules.carbon)
    hello = Hello(1, once.digest, shared.digest_by_vpp["V1"], shared.name, "test")
    (reply, _) = run.coordinator.membership.hello("V1", b"V1", hello, 0.0)
    assert isinstance(reply.message, Refused)  # type: ignore[union-attr]
    assert "market or carbon rules" in reply.message.reason  # type: ignore[union-attr]
