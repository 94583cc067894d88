"""Claims: from one machine only so many connections stand, and beyond that the one goes that has said nothing for
longest; who has spoken stays, whatever others do; with real sockets a node gets in among thousands of half-open
connections, and one that is in stays in.
"""

from __future__ import annotations

import random
import socket
import time

import pytest

from broker.bus.addresses import TOPIC_ALL, inbox_topic, port_of, ready_topic
from broker.bus.authentication import TurnedAway
from broker.bus.broker_end import Arrival, BrokerEnd, Subscribed
from broker.bus.callers import LOOPBACK, Callers, machine_of
from broker.bus.node_end import DataOpen, NodeEnd
from broker.wire.limits import connections_for

HERE, THERE = "127.0.0.1", "192.0.2.7"


def test_up_to_the_most_nobody_has_to_go() -> None:
    callers = Callers(most_each=3, most_in_all=100)
    assert [callers.came(0, descriptor, HERE) for descriptor in range(3)] == [None] * 3
    assert [callers.came(0, descriptor, THERE) for descriptor in range(3, 6)] == [None] * 3
    assert len(callers) == 6


def test_beyond_it_the_longest_silent_of_that_machine_goes() -> None:
    callers = Callers(most_each=3, most_in_all=100)
    callers.came(0, 9, THERE)
    for descriptor in range(3):
        callers.came(0, descriptor, HERE)
    callers.spoke(0)
    assert callers.came(1, 3, HERE) == 1
    assert callers.came(1, 4, HERE) == 2
    assert callers.came(1, 5, HERE) == 3
    for descriptor in (4, 5):
        callers.spoke(descriptor)
    assert callers.came(2, 6, HERE) == 6  # all others have spoken: it goes itself
    assert len(callers) == 4


def test_what_is_gone_counts_no_more() -> None:
    callers = Callers(most_each=2, most_in_all=100)
    callers.came(0, 1, HERE)
    callers.came(0, 2, HERE)
    callers.left(0, 1)
    assert callers.came(0, 3, HERE) is None
    assert callers.came(0, 4, HERE) == 2


def test_a_descriptor_that_is_used_again_is_another_connection_whichever_news_comes_first() -> None:
    """The news of two listening sockets may overtake each other."""
    callers = Callers(most_each=2, most_in_all=100)
    callers.came(0, 1, HERE)
    callers.came(1, 1, THERE)  # so the first one is gone
    callers.left(0, 1)  # told late: it is not the second that is gone
    assert len(callers) == 1
    assert callers.came(0, 2, HERE) is None
    assert callers.came(0, 3, HERE) is None
    assert callers.came(0, 4, HERE) == 2


def test_all_machines_together_have_a_most_as_well() -> None:
    callers = Callers(most_each=3, most_in_all=5)
    for descriptor in range(5):
        assert callers.came(0, descriptor, f"192.0.2.{descriptor}") is None
    assert callers.came(0, 5, "192.0.2.5") == 0
    assert len(callers) == 5


def test_whatever_comes_and_goes_no_machine_has_more_and_nobody_who_spoke_is_sent_away_for_a_silent_one() -> None:
    source, callers = random.Random(7), Callers(most_each=5, most_in_all=12)
    peers, spoken, standing = ("127.0.0.1", "10.0.0.1", "10.0.0.2"), set[int](), dict[int, str]()
    for _ in range(20_000):
        descriptor, what = source.randrange(40), source.random()
        if what < 0.5:
            peer = source.choice(peers)
            spoken.discard(descriptor)
            standing[descriptor] = peer
            before = {other for other in standing if other not in spoken and standing[other] == peer}
            leaves = callers.came(descriptor % 3, descriptor, peer)
            if leaves is not None:
                assert leaves not in spoken or not before
                standing.pop(leaves)
                spoken.discard(leaves)
        elif what < 0.8 and descriptor in standing:
            callers.spoke(descriptor)
            spoken.add(descriptor)
        elif descriptor in standing:
            callers.left(descriptor % 3, descriptor)
            standing.pop(descriptor)
            spoken.discard(descriptor)
        assert len(callers) == len(standing) <= 12
        assert max((list(standing.values()).count(peer) for peer in peers), default=0) <= 5


@pytest.mark.parametrize(
    ("address", "machine"),
    [
        ("127.0.0.1", LOOPBACK),
        ("127.9.8.7", LOOPBACK),
        ("::1", LOOPBACK),
        ("::ffff:127.0.0.1", LOOPBACK),
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8::1", "2001:db8:0:0::/64"),
        ("fe80::1%eth0", "fe80:0:0:0::/64"),
    ],
)
def test_what_counts_as_one_machine(address: str, machine: str) -> None:
    assert machine_of(address) == machine


# --- real sockets ---------------------------------------------------------------------------------------------


def served(bus: BrokerEnd, node: NodeEnd, for_s: float = 0.0, until: type | None = None) -> list[object]:
    """What comes on both sides for a while, or until something of a kind has come."""
    came: list[object] = []
    deadline = time.monotonic() + (for_s or 30.0)
    while time.monotonic() < deadline and not (until and any(isinstance(event, until) for event in came)):
        for event in bus.wait(0.02):
            if isinstance(event, Subscribed) and event.topic[:1] == b"\xff":
                bus.publish(event.topic, b"ready")
            came.append(event)
        came += node.wait(0.02)
    return came


def half_open(ports: list[int], number: int) -> list[socket.socket]:
    """Connections on which nothing is ever said."""
    made = []
    for count in range(number):
        end = socket.socket()
        end.setblocking(False)
        end.connect_ex(("127.0.0.1", ports[count % len(ports)]))
        made.append(end)
    return made


def test_a_node_gets_in_among_half_open_connections_and_one_that_is_in_stays() -> None:
    with BrokerEnd("127.0.0.1", vpps=2) as bus:
        ports = [port_of(end) for end in (bus.endpoints.control, bus.endpoints.inward, bus.endpoints.outward)]
        most = connections_for(2)
        with NodeEnd(bus.endpoints.control) as first:
            first.send(b"hello")
            first.connect_data(ports[1], ports[2], (TOPIC_ALL, inbox_topic("A")), ready_topic("A"))
            assert any(isinstance(event, DataOpen) for event in served(bus, first, until=DataOpen))
            first.publish(TOPIC_ALL, b"said")
            served(bus, first, for_s=0.5)
            flood = half_open(ports, 6 * most)
            try:
                came = served(bus, first, for_s=1.5)
                turned_away = [event for event in came if isinstance(event, TurnedAway)]
                assert {event.reason for event in turned_away} == {"too_many_connections"}
                assert len(turned_away) >= 5 * most
                assert f"connections from this machine beyond {most}" in turned_away[0].story
                with NodeEnd(bus.endpoints.control) as second:
                    second.send(b"hello")
                    second.connect_data(ports[1], ports[2], (TOPIC_ALL, inbox_topic("B")), ready_topic("B"))
                    assert any(isinstance(event, DataOpen) for event in served(bus, second, until=DataOpen))
                first.publish(TOPIC_ALL, b"still here")
                frames = [e.frame for e in served(bus, first, until=Arrival) if isinstance(e, Arrival)]
                assert frames == [b"still here"]
            finally:
                for end in flood:
                    end.close()
