"""Claims: hosts of IPv4, IPv6 and names are told apart where it matters; the bus works over IPv6's loopback."""

from __future__ import annotations

import socket

import pytest

from broker.bus.addresses import host_in_brackets, host_of, is_address, is_loopback, port_of
from broker.bus.broker_end import Arrival, BrokerEnd
from broker.bus.hosts import own_address
from broker.bus.node_end import NodeEnd
from broker.bus.probe import Found, probe


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("0:0:0:0:0:0:0:1", True),
        ("::ffff:127.0.0.2", True),
        ("::ffff:192.0.2.1", False),
        ("127.0.0.999", False),
        ("::", False),
        ("[::]", False),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("127.example.org", False),
        ("2001:db8::1", False),
        ("*", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.2", "127.0.0.2"),
        ("127.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("LOCALHOST", "127.0.0.1"),
        ("*", "0.0.0.0"),
        ("0.0.0.0", "0.0.0.0"),
    ],
)
def test_the_address_that_a_host_stands_for(host: str, address: str) -> None:
    """However this machine is called: what is listened on is what can be told to be its own."""
    assert own_address(host) == address


@pytest.mark.parametrize("host", ["", "nowhere.invalid", "192.0.2.1", "127.0.0.999", "a b", "x" * 300, "\udcff"])
def test_what_is_no_address_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(OSError):
        own_address(host)


def test_a_host_stands_in_brackets_where_it_needs_them() -> None:
    assert [host_in_brackets(host) for host in ("::1", "[::1]", "127.0.0.1", "a.example")] == [
        *("[::1]", "[::1]", "127.0.0.1", "a.example"),
    ]
    assert is_address("tcp://[::1]:5555")
    assert (host_of("tcp://[::1]:5555"), port_of("tcp://[::1]:5555")) == ("[::1]", 5555)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_the_bus_works_over_ipv6(host: str) -> None:
    with BrokerEnd(host) as bus, NodeEnd(bus.endpoints.control) as node:
        assert bus.endpoints.control.startswith("tcp://[::1]:")
        node.send(b"hello")
        came: list[Arrival] = []
        for _ in range(100):
            came += [event for event in bus.wait(0.1) if isinstance(event, Arrival)]
            if came:
                break
        assert [arrival.frame for arrival in came] == [b"hello"]
        assert bus.peer_of(came[0].connection) == "::1"
        assert probe("::1", port_of(bus.endpoints.control), 5.0) is Found.WITHOUT_KEYS
