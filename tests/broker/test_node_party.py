"""Claims: nodes on one connection are told of what is for all once, of what is for one that one alone; the broker
lets a key speak for those it was made for and for nobody else; who leaves takes nothing from the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.admission.gate import Gate
from broker.bus.addresses import TOPIC_ALL, inbox_topic, is_ready_topic, port_of, ready_topic
from broker.bus.broker_end import Arrival, BrokerEnd, BusPlane, Subscribed
from broker.bus.keys import BrokerKeys, NodeKeys, fresh_keys
from broker.bus.node_end import DataOpen, NodeDesk
from broker.bus.node_party import MemberEnd, NodeParty
from broker.wire.frames import Envelope, encode
from broker.wire.limits import Limits
from broker.wire.messages import Heartbeat
from market.errors import ProtocolError

LIMIT_S = 40.0
TOKEN = b"t" * 16


class Both:
    """A broker's end and a party of two, turned by hand."""

    def __init__(self, bus: BrokerEnd, desk: NodeDesk, keys: NodeKeys | None) -> None:
        self.bus, self._desk = bus, desk
        self.party = NodeParty(bus.endpoints.control, keys, desk)
        self.members = {vpp: self.party.join(vpp) for vpp in "AB"}
        self.at_broker: list[Arrival] = []
        self.for_all: list[bytes] = []
        self.own: dict[str, list[bytes]] = {vpp: [] for vpp in self.members}
        self.open: set[str] = set()
        ports = port_of(bus.endpoints.inward), port_of(bus.endpoints.outward)
        for vpp, member in self.members.items():
            member.connect_data(*ports, (TOPIC_ALL, inbox_topic(vpp)), ready_topic(vpp))

    def turn(self) -> None:
        for event in self.bus.wait(0.02):
            if isinstance(event, Subscribed) and is_ready_topic(event.topic):
                self.bus.publish(event.topic, b"ready")
            elif isinstance(event, Arrival):
                self.at_broker.append(event)
        self.for_all += [arrival.frame for arrival in self.party.collect(self._desk.wait(0.02))]
        for vpp, member in self.members.items():
            self._take(vpp, member)

    def _take(self, vpp: str, member: MemberEnd) -> None:
        for event in member.came(frozenset()):
            if isinstance(event, DataOpen):
                self.open.add(vpp)
            elif isinstance(event, Arrival):
                self.own[vpp].append(event.frame)

    def until(self, true: Callable[[], bool]) -> None:
        since = time.monotonic()
        while not true():
            assert time.monotonic() - since < LIMIT_S, (self.at_broker, self.for_all, self.own, self.open)
            self.turn()


def shared_keys() -> tuple[BrokerKeys, NodeKeys]:
    broker, nodes = fresh_keys(["A"])
    return replace(broker, speaks_for={"A": ("A", "B")}), nodes["A"]


@pytest.mark.parametrize("keyed", [False, True], ids=["without keys", "with a key"])
def test_what_is_for_all_comes_once_and_what_is_for_one_to_it_alone(*, keyed: bool) -> None:
    broker, node = shared_keys() if keyed else (None, None)
    with BrokerEnd("127.0.0.1", keys=broker) as bus, NodeDesk() as desk:
        both = Both(bus, desk, node)
        both.until(lambda: both.open == {"A", "B"})
        bus.publish(TOPIC_ALL, b"for all")
        bus.publish(inbox_topic("B"), b"for B")
        for vpp, member in both.members.items():
            member.send(b"order's answer of " + vpp.encode())
            member.publish(TOPIC_ALL, b"said by " + vpp.encode())
        both.until(lambda: len(both.at_broker) == 4 and bool(both.for_all) and bool(both.own["B"]))
        routes = {a.frame[-1:]: a.route for a in both.at_broker if a.plane is BusPlane.CONTROL}
        for name, route in routes.items():
            bus.send(route, b"order to " + name)
        both.until(lambda: len(both.own["A"]) == 1 and len(both.own["B"]) == 2)
        assert both.for_all == [b"for all"]
        assert both.own == {"A": [b"order to A"], "B": [b"for B", b"order to B"]}
        both.party.close()


def test_who_leaves_takes_nothing_from_the_others() -> None:
    with BrokerEnd("127.0.0.1") as bus, NodeDesk() as desk:
        both = Both(bus, desk, None)
        both.until(lambda: both.open == {"A", "B"})
        both.members.pop("A").close()
        bus.publish(TOPIC_ALL, b"for all")
        bus.publish(inbox_topic("B"), b"for B")
        both.until(lambda: bool(both.for_all) and bool(both.own["B"]))
        assert both.own == {"A": [], "B": [b"for B"]}
        both.party.close()


def test_a_key_speaks_for_those_it_was_made_for_and_for_nobody_else() -> None:
    gate = Gate(TOKEN, ("A", "B", "C"), Limits(), b"w" * 16, {"A": ("A", "B")})

    def heartbeat(sender: str, user: str) -> Arrival:
        return Arrival(BusPlane.CONTROL, b"", encode(Envelope(1, sender, 0, Heartbeat()), TOKEN), user)

    assert gate.admit(heartbeat("B", "A"), 0.0).sender == "B"
    for sender, user in (("C", "A"), ("A", "B"), ("A", "C")):
        with pytest.raises(ProtocolError, match="wrong_key"):
            gate.admit(heartbeat(sender, user), 0.0)
    assert gate.may_hear(Subscribed(inbox_topic("B"), "A", 1))
    assert not gate.may_hear(Subscribed(inbox_topic("C"), "A", 1))
    assert not gate.may_hear(Subscribed(inbox_topic("A"), "B", 1))


def test_however_many_share_a_connection_each_is_proved_open() -> None:
    names = [f"P{number}" for number in range(600)]  # with two topics each more than a queue holds unasked
    with BrokerEnd("127.0.0.1") as bus, NodeDesk() as desk:
        party = NodeParty(bus.endpoints.control, None, desk)
        members = {vpp: party.join(vpp) for vpp in names}
        ports = port_of(bus.endpoints.inward), port_of(bus.endpoints.outward)
        for vpp, member in members.items():
            member.connect_data(*ports, (TOPIC_ALL, inbox_topic(vpp)), ready_topic(vpp))
        opened: set[str] = set()
        since = time.monotonic()
        while len(opened) < len(names):
            assert time.monotonic() - since < LIMIT_S, sorted({*names} - opened)
            for event in bus.wait(0.02):
                if isinstance(event, Subscribed) and is_ready_topic(event.topic):
                    bus.publish(event.topic, b"ready")
            party.collect(desk.wait(0.02))
            opened.update(
                v for v, m in members.items() for event in m.came(frozenset()) if isinstance(event, DataOpen)
            )
        party.close()
