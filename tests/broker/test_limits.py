"""Claims: what exceeds a transport limit costs its sender the connection, nobody else anything; VPPs are counted.

Sockets are real, and plain ZeroMQ ones where somebody does not keep to the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import zmq

from broker.bus.broker_end import Arrival, BrokerEnd, BusEvent, Subscribed
from broker.wire.limits import MAX_SUBSCRIPTION_BYTES, MAX_TRANSPORT_BYTES, Limits
from market.app.runs.distributed import check_number
from market.errors import ScenarioError
from market.scenario import load_scenario

WAITS = 40  # of a quarter of a second, at most
QUIET = 4


@pytest.fixture
def bus() -> Iterator[BrokerEnd]:
    with BrokerEnd("127.0.0.1") as end:
        yield end


@pytest.fixture
def plain() -> Iterator[Callable[..., zmq.Socket[bytes]]]:
    """Makes sockets of a kind, connected to an address where one is given, and closes them in the end."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made: list[zmq.Socket[bytes]] = []

    def connected(kind: int, address: str = "") -> zmq.Socket[bytes]:
        made.append(context.socket(kind))
        if address:
            made[-1].connect(address)
        return made[-1]

    yield connected
    for socket in made:
        socket.close(linger=0)
    context.term()


def first(bus: BrokerEnd, kind: type[BusEvent]) -> BusEvent:
    """The next event of a kind."""
    for _ in range(WAITS):
        for event in bus.wait(0.25):
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__}")


def everything(bus: BrokerEnd) -> list[BusEvent]:
    """What comes until nothing has come for a second."""
    found, quiet = list[BusEvent](), 0
    while quiet < QUIET:
        came = list(bus.wait(0.25))
        found += came
        quiet = 0 if came else quiet + 1
    return found


def test_a_message_beyond_the_transport_limit_never_arrives(
    bus: BrokerEnd, plain: Callable[..., zmq.Socket[bytes]]
) -> None:
    large, other = (plain(zmq.DEALER, bus.endpoints.control) for _ in range(2))
    large.send(b"." * (MAX_TRANSPORT_BYTES + 1))
    other.send(b"well")
    arrivals = [event for event in everything(bus) if isinstance(event, Arrival)]
    assert [arrival.frame for arrival in arrivals] == [b"well"]


def test_the_largest_message_that_may_come_comes(bus: BrokerEnd, plain: Callable[..., zmq.Socket[bytes]]) -> None:
    plain(zmq.DEALER, bus.endpoints.control).send(b"." * MAX_TRANSPORT_BYTES)
    event = first(bus, Arrival)
    assert isinstance(event, Arrival)
    assert len(event.frame) == MAX_TRANSPORT_BYTES


def test_a_subscription_beyond_its_limit_is_not_heard(
    bus: BrokerEnd, plain: Callable[..., zmq.Socket[bytes]]
) -> None:
    for topic in (b"x" * (MAX_SUBSCRIPTION_BYTES + 1), b"short"):
        socket = plain(zmq.SUB)
        socket.subscribe(topic)
        socket.connect(bus.endpoints.outward)
    topics = [event.topic for event in everything(bus) if isinstance(event, Subscribed)]
    assert topics == [b"short"]


def test_more_vpps_than_may_run_as_processes_are_bad_input() -> None:
    scenario = load_scenario("two_vpp")
    check_number(scenario.roster, Limits(vpps=2))
    with pytest.raises(ScenarioError, match="at most 1 VPPs run as processes; got 2 VPPs"):
        check_number(scenario.roster, Limits(vpps=1))
