"""Claims: a node takes a broker's word for its trade only where that can be what it has itself negotiated.

Whatever else it is told, it ends before it plans with it, and the broker hears no more than that it ends, and of
which kind its trouble is. What an honest broker says passes, in virtual and in real time, also at a node that is
started again when all but its own part is settled.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest

from broker.protocol.run_progress import Phase
from broker.wire.frames import Envelope, decode
from broker.wire.messages import BROKER, Settle, Trade
from market.errors import TradeError
from market.model.arrays import frozen
from market.model.declaration import Declaration, Role
from market.model.network import Constant, LinkConditions, NetworkRules, OnLoss, TimeMode
from market.model.plan import DirectExchange
from market.model.public import PublicRules
from market.model.rules import CarbonRules
from tests.broker.days import market_day, market_rules, public_rules
from tests.broker.loopback import TOKEN, Hop, Loopback
from tests.broker.test_patience import until
from vpp_nodes.trade_check import check_trades

DAY = {"A": [2.0, -1.0, 0.0], "B": [-1.0, 1.5, 1.0], "C": [-3.0, 0.4, 1.0], "D": [1.0, -0.5, 1.0]}
WAIT = NetworkRules(on_loss=OnLoss.WAIT)
WALL = NetworkRules(time=TimeMode.WALL, every=LinkConditions(Constant(0.01)))


def settled(
    vpp: str, rules: PublicRules | None = None, network: NetworkRules | None = None
) -> tuple[Loopback, Settle]:
    """A market that is concluded, and the order of its broker to one VPP, which has not come."""
    orders = list[Settle]()

    def keep(hop: Hop, frame: bytes) -> bool:
        message = decode(frame, TOKEN).message
        if isinstance(message, Settle) and hop.receiver == vpp:
            orders.append(message)
        return isinstance(message, Settle)

    run = Loopback(rules or public_rules(3), market_day(DAY), network=network or NetworkRules())
    run.steal = keep
    run.join()
    until(run, lambda: bool(orders))
    return run, orders[0]


def tell(run: Loopback, vpp: str, order: Settle) -> None:
    """The broker, or somebody in its place, tells a node what was concluded."""
    run.clients[vpp].came(Envelope(run.coordinator.epoch.number, BROKER, 0, order), control=True, now=run.now)


def made_of(order: Settle, *trades: Trade) -> Settle:
    """The same order with other trades, and the exchange that they come to."""
    taken, given = [0.0] * 3, [0.0] * 3
    for trade in trades:
        if 0 <= trade.period < 3:
            taken[trade.period] += max(trade.delivered_mw, 0.0)
            given[trade.period] += max(-trade.delivered_mw, 0.0)
    return replace(order, trades=trades, direct=DirectExchange(frozen(taken), frozen(given)))


def changed(order: Settle, number: int, **what: object) -> Settle:
    """The same order with one of its trades changed."""
    trades = list(order.trades)
    trades[number] = trades[number]._replace(**what)  # type: ignore[arg-type]
    return made_of(order, *trades)


def bought(order: Settle) -> int:
    return next(number for number, trade in enumerate(order.trades) if trade.delivered_mw > 0)


def sold(order: Settle) -> int:
    return next(number for number, trade in enumerate(order.trades) if trade.delivered_mw < 0)


def to(order: Settle, counterpart: str) -> int:
    return next(
        n for n, trade in enumerate(order.trades) if trade.delivered_mw < 0 and trade.counterpart == counterpart
    )


LIES: dict[str, tuple[str, Callable[[Settle], Settle]]] = {
    "more bought than was asked for": (
        "more than the buyer asks for",
        lambda order: changed(order, bought(order), delivered_mw=0.95),
    ),
    "more sold than the other lacks": (
        "more than the buyer asks for",
        lambda order: changed(order, to(order, "B"), delivered_mw=-1.5),
    ),
    "more sold than there is": (
        "come to more than it has declared",
        lambda order: changed(order, to(order, "C"), delivered_mw=-2.5),
    ),
    "another price": (
        "is not the seller's newest offer",
        lambda order: changed(order, sold(order), price_cny_per_mwh=600.0),
    ),
    "a price above the band": (
        "leaves the band",
        lambda order: changed(order, bought(order), price_cny_per_mwh=751.0),
    ),
    "a price below one's reserve": (
        "leaves the band",
        lambda order: changed(order, sold(order), price_cny_per_mwh=399.0),
    ),
    "a counterpart of no market": (
        "that VPP has not declared",
        lambda order: changed(order, sold(order), counterpart="Z"),
    ),
    "a counterpart that sells too": (
        "that VPP has not declared",
        lambda order: changed(order, sold(order), counterpart="D"),
    ),
    "a trade with oneself": ("a trade with oneself", lambda order: changed(order, sold(order), counterpart="A")),
    "a purchase where one sells": (
        "it has not declared that it buys there",
        lambda order: changed(order, sold(order), delivered_mw=0.5),
    ),
    "a sale where one idles": (
        "it has not declared that it sells there",
        lambda order: made_of(order, *order.trades, Trade(2, "B", -0.5, 500.0)),
    ),
    "a period of no day": (
        "there is no such period",
        lambda order: made_of(order, *order.trades, Trade(3, "B", -0.5, 500.0)),
    ),
    "a trade twice": (
        "two trades with the same VPP",
        lambda order: made_of(order, *order.trades, order.trades[0]),
    ),
    "an exchange that trades do not make": (
        "is not what the trades come to",
        lambda order: replace(order, direct=replace(order.direct, in_mw=frozen([0.0, 0.9, 0.0]))),
    ),
    "quota from nowhere": (
        "t of quota do not follow",
        lambda order: replace(order, direct=replace(order.direct, quota_in_t=5.0)),
    ),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("network", [NetworkRules(), WALL], ids=["virtual", "wall"])
@pytest.mark.parametrize("lie", LIES)
def test_a_node_ends_before_it_plans_with_trade_that_it_has_not_negotiated(
    lie: str, network: NetworkRules
) -> None:
    run, order = settled("A", network=network)
    reason, told = LIES[lie]
    with pytest.raises(TradeError, match=reason):
        tell(run, "A", told(order))
    assert run.clients["A"].settled is None
    tell(run, "A", order)  # the truth passes, even so
    assert run.clients["A"].settled is not None


@pytest.mark.sampled(4)
@pytest.mark.parametrize("temperature", [0.0, 5.0, 50.0])
@pytest.mark.parametrize("network", [NetworkRules(), WALL], ids=["virtual", "wall"])
@pytest.mark.parametrize("vpp", DAY)
def test_what_was_negotiated_passes(vpp: str, network: NetworkRules, temperature: float) -> None:
    run, order = settled(vpp, public_rules(3, market=market_rules(temperature)), network)
    assert order.trades
    tell(run, vpp, order)
    settled_day = run.clients[vpp].settled
    assert settled_day is not None
    assert settled_day.order == order


def test_credits_that_follow_the_energy_pass_and_others_do_not() -> None:
    rules = public_rules(3)
    carbon: CarbonRules = replace(rules.carbon, credits_follow_energy=True, direct_quota_t_per_mwh=0.4)
    run, order = settled("A", replace(rules, carbon=carbon))
    assert order.direct.quota_in_t != 0.0
    with pytest.raises(TradeError, match="t of quota do not follow"):
        tell(run, "A", replace(order, direct=replace(order.direct, quota_in_t=0.0)))
    tell(run, "A", order)
    assert run.clients["A"].settled is not None


def test_before_everybody_has_declared_there_is_no_trade() -> None:
    run = Loopback(public_rules(3), market_day(DAY))
    run.steal = lambda hop, frame: hop.plane == "data"  # nobody hears what others declare
    run.join()
    until(run, lambda: run.coordinator.phase is Phase.PLANNING and run.clients["A"]._epoch.number == 1)
    nothing = Settle(
        9, DirectExchange(frozen([0.0] * 3), frozen([0.0] * 3)), run.coordinator._charge.audit, (), 0.0
    )
    with pytest.raises(TradeError, match="that VPP has not declared"):
        tell(run, "A", made_of(nothing, Trade(0, "C", -0.5, 500.0)))


OTHERWISE = {"another price": "two prices in one period"}
"""What who was there sees by the offers shows by something else, too."""
ONLY_HEARD = {
    *("more bought than was asked for", "more sold than the other lacks"),
    *("a counterpart of no market", "a counterpart that sells too"),
}
"""What only one can tell who was there."""


@pytest.mark.sampled(5)
@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in ONLY_HEARD])
def test_a_node_that_comes_back_to_settle_goes_by_its_own_declaration(lie: str) -> None:
    run, order = settled("A", network=WAIT)
    run.kill("A")
    reason, told = LIES[lie]
    reason = OTHERWISE.get(lie, reason)
    until(run, lambda: run.clients["A"].stage.value == "taking part")
    with pytest.raises(TradeError, match=reason):
        tell(run, "A", told(order))
    run.steal = lambda hop, frame: False
    until(run, lambda: run.coordinator.phase is Phase.OVER)
    assert set(run.coordinator.proceedings().audits) == set(DAY)


def buyer_of_one_mw_at_600() -> Declaration:
    """Of 2 MW that it lacks it wants 1 MW at 600 CNY/MWh, all of it below 401: k/p − S0 − P^s."""
    none, one = frozen([0.0]), frozen([1.0])
    worth = frozen([600.0 * (1.0 + 1.0 + public_rules(1).market.base_power_mw)])
    return Declaration("A", (Role.BUYER,), none, frozen([2.0]), one, worth, none)


@pytest.mark.parametrize(
    ("trades", "passes"),
    [
        ([("B", 1.0, 600.0)], True),
        ([("B", 1.001, 600.0)], False),
        ([("B", 0.5, 600.0), ("C", 0.5, 600.0)], True),
        ([("B", 0.5, 600.0), ("C", 0.6, 600.0)], False),  # each alone might be, not both
        ([("B", 0.5, 600.0), ("C", 1.0, 400.0)], True),  # half of what it wants at each price
        ([("B", 0.5, 600.0), ("C", 1.1, 400.0)], False),
        ([("B", 2.0, 400.0)], True),
    ],
)
def test_who_was_not_there_knows_what_it_would_have_asked_for_at_a_price(
    trades: list[tuple[str, float, float]], passes: bool
) -> None:
    own, public = buyer_of_one_mw_at_600(), public_rules(1)
    direct = DirectExchange(frozen([sum(mw for _, mw, _ in trades)]), frozen([0.0]))
    told = [Trade(0, *trade) for trade in trades]
    with nullcontext() if passes else pytest.raises(TradeError, match="at such prices it asks for less"):
        check_trades(own, public, direct, told, None)
