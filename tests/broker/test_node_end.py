"""Claims: a node's sockets never wait. Its data plane is proved open whenever that comes about, and is proved anew
when asked; a connection that is dead without a word is replaced within a stated time, with keys and without; and a
node that gets no connection goes on looking, says what it saw, and ends only where it is certain that it must.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from broker.bus import sockets
from broker.bus.addresses import TOPIC_ALL, inbox_topic, port_of, ready_topic
from broker.bus.broker_end import Arrival, BrokerEnd, BusPlane, Subscribed
from broker.bus.keys import BrokerKeys, NodeKeys, load_broker_keys, load_node_keys, make_keys
from broker.bus.node_end import Contact, DataOpen, NodeBusEvent, NodeEnd
from broker.bus.probe import Found, probe
from broker.wire.limits import (
    HANDSHAKE_WITHIN_S,
    LIFE_SIGN_EVERY_S,
    LIFE_SIGN_WITHIN_S,
    OPEN_AGAIN_S,
    RECONNECT_AT_MOST_S,
)
from market.errors import RunError
from tests.broker.link import Link, Mode

LIMIT_S = 40.0
REPLACED_S = LIFE_SIGN_EVERY_S + LIFE_SIGN_WITHIN_S + RECONNECT_AT_MOST_S


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "keys"
    make_keys(folder, ["broker", "A", "B"])
    return folder


@pytest.fixture
def opened() -> Iterator[Callable[..., Link]]:
    """Makes links, and closes them in the end."""
    links: list[Link] = []

    def make(target: str, mode: Mode = Mode.CARRY) -> Link:
        links.append(Link(port_of(target), mode))
        return links[-1]

    yield make
    for link in links:
        link.close()


class Both:
    """A broker's end and a node's, turned by hand; what has come on each side."""

    def __init__(self, bus: BrokerEnd, node: NodeEnd) -> None:
        self.bus, self.node = bus, node
        self.echoes = True
        self.at_broker: list[Arrival] = []
        self.at_node: list[NodeBusEvent] = []

    def turn(self) -> None:
        for event in self.bus.wait(0.02):
            if isinstance(event, Subscribed) and event.topic[:1] == b"\xff" and self.echoes:
                self.bus.publish(event.topic, b"ready")
            elif isinstance(event, Arrival):
                self.at_broker.append(event)
        self.at_node += self.node.wait(0.02)

    def until(self, true: Callable[[], bool], limit_s: float = LIMIT_S) -> float:
        since = time.monotonic()
        while not true():
            assert time.monotonic() - since < limit_s, (self.at_broker, self.at_node)
            self.turn()
        return time.monotonic() - since

    def opens(self) -> int:
        return sum(isinstance(event, DataOpen) for event in self.at_node)

    def stories(self) -> list[str]:
        return [event.story for event in self.at_node if isinstance(event, Contact)]


def connect_data(node: NodeEnd, inward: int, outward: int) -> None:
    node.connect_data(inward, outward, (TOPIC_ALL, inbox_topic("A")), ready_topic("A"))


def pair_of(keys: Path | None) -> tuple[BrokerKeys | None, NodeKeys | None]:
    return (load_broker_keys(keys, ["A", "B"]), load_node_keys(keys, "A")) if keys else (None, None)


# --- the data plane -------------------------------------------------------------------------------------------


def test_opening_never_waits_and_is_told_when_both_halves_are_proved() -> None:
    with BrokerEnd("127.0.0.1") as bus, NodeEnd(bus.endpoints.control) as node:
        both = Both(bus, node)
        since = time.monotonic()
        connect_data(node, port_of(bus.endpoints.inward), port_of(bus.endpoints.outward))
        assert time.monotonic() - since < 5.0
        both.until(lambda: both.opens() == 1)
        node.publish(TOPIC_ALL, b"first")
        bus.publish(inbox_topic("A"), b"for A")
        both.until(lambda: len(both.at_broker) == 1 and len(both.at_node) >= 2)
        assert [event.frame for event in both.at_node if isinstance(event, Arrival)] == [b"for A"]


def test_what_comes_before_the_echo_is_handed_on() -> None:
    with BrokerEnd("127.0.0.1") as bus, NodeEnd(bus.endpoints.control) as node:
        both = Both(bus, node)
        both.echoes = False
        connect_data(node, port_of(bus.endpoints.inward), port_of(bus.endpoints.outward))
        for _ in range(20):
            both.turn()
        bus.publish(TOPIC_ALL, b"early")
        both.until(lambda: any(isinstance(event, Arrival) for event in both.at_node))
        assert both.opens() == 0


def test_a_repeated_order_to_open_loses_nothing_and_is_answered_each_time() -> None:
    with BrokerEnd("127.0.0.1") as bus, NodeEnd(bus.endpoints.control) as node:
        both = Both(bus, node)
        ports = port_of(bus.endpoints.inward), port_of(bus.endpoints.outward)
        for time_asked in range(1, 6):
            for _ in range(time_asked):  # several in a row count as one
                connect_data(node, *ports)
            both.until(lambda wanted=time_asked: both.opens() == wanted)  # type: ignore[misc]
            node.publish(TOPIC_ALL, b"%d" % time_asked)
            bus.publish(TOPIC_ALL, b"%d" % time_asked)
        both.until(lambda: len(both.at_broker) == 5)
        heard = [event.frame for event in both.at_node if isinstance(event, Arrival)]
        assert heard == [event.frame for event in both.at_broker] == [b"1", b"2", b"3", b"4", b"5"]


def test_the_data_plane_of_another_broker_on_other_ports_is_opened_in_its_place() -> None:
    with BrokerEnd("127.0.0.1") as bus, BrokerEnd("127.0.0.1") as other, NodeEnd(bus.endpoints.control) as node:
        both, then = Both(bus, node), Both(other, node)
        connect_data(node, port_of(bus.endpoints.inward), port_of(bus.endpoints.outward))
        both.until(lambda: both.opens() == 1)
        connect_data(node, port_of(other.endpoints.inward), port_of(other.endpoints.outward))
        then.until(lambda: then.opens() == 1)
        node.publish(TOPIC_ALL, b"to the other")
        then.until(lambda: len(then.at_broker) == 1)


def free_ports() -> int:
    """The first of three ports in a row that nobody uses."""
    for first in range(20_000, 60_000, 7):
        with suppress(RunError), BrokerEnd("127.0.0.1", first):
            return first
    raise AssertionError("no free ports")


def test_another_broker_in_the_place_of_the_first_hears_and_is_heard() -> None:
    port = free_ports()
    with NodeEnd(f"tcp://127.0.0.1:{port}") as node:
        for said in (b"to the first", b"to the second"):
            with BrokerEnd("127.0.0.1", port) as bus:
                both = Both(bus, node)
                connect_data(node, port + 1, port + 2)
                both.until(lambda both=both: both.opens() == 1)  # type: ignore[misc]
                node.publish(TOPIC_ALL, said)
                bus.publish(inbox_topic("A"), said)
                both.until(lambda both=both: len(both.at_broker) == 1)  # type: ignore[misc]
                both.until(lambda both=both: any(isinstance(e, Arrival) for e in both.at_node))  # type: ignore[misc]
                assert both.at_broker[0].frame == said


def test_halves_that_open_only_after_a_long_while_are_proved_then(opened: Callable[..., Link]) -> None:
    """As behind a link that is down when the order comes: no limit of the transport's own ends the node."""
    with BrokerEnd("127.0.0.1") as bus, NodeEnd(bus.endpoints.control) as node:
        both = Both(bus, node)
        links = [opened(end, Mode.SWALLOW) for end in (bus.endpoints.inward, bus.endpoints.outward)]
        connect_data(node, links[0].port, links[1].port)
        since = time.monotonic()
        while time.monotonic() - since < OPEN_AGAIN_S + 1.0:
            both.turn()
        assert both.opens() == 0
        for link in links:
            link.mode = Mode.CARRY
        waited = both.until(lambda: both.opens() == 1)
        assert waited < OPEN_AGAIN_S + HANDSHAKE_WITHIN_S + RECONNECT_AT_MOST_S


# --- dead connections -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyed", [False, True])
def test_connections_that_are_dead_without_a_word_are_replaced(
    keyed: bool, keys: Path, opened: Callable[..., Link]
) -> None:
    """All three of them; what was said into the dead ones is lost, what is said later is not."""
    of_broker, of_node = pair_of(keys if keyed else None)
    with BrokerEnd("127.0.0.1", keys=of_broker) as bus:
        links = [opened(end) for end in (bus.endpoints.control, bus.endpoints.inward, bus.endpoints.outward)]
        with NodeEnd(f"tcp://127.0.0.1:{links[0].port}", of_node) as node:
            both = Both(bus, node)
            connect_data(node, links[1].port, links[2].port)
            both.until(lambda: both.opens() == 1)
            for link in links:
                link.swallow()
            since = time.monotonic()
            while time.monotonic() - since < REPLACED_S:
                both.turn()
            assert [link.taken for link in links] == [2, 2, 2]
            both.at_broker.clear()
            both.at_node.clear()
            connect_data(node, links[1].port, links[2].port)
            both.until(lambda: both.opens() == 1)
            node.send(b"order")
            node.publish(TOPIC_ALL, b"said")
            bus.publish(inbox_topic("A"), b"heard")
            both.until(lambda: len(both.at_broker) == 2 and any(isinstance(e, Arrival) for e in both.at_node))
            assert {(event.plane, event.frame) for event in both.at_broker} == {
                (BusPlane.CONTROL, b"order"),
                (BusPlane.DATA, b"said"),
            }


@pytest.mark.parametrize("keyed", [False, True])
def test_a_connection_that_is_quiet_but_alive_is_kept(
    keyed: bool, keys: Path, opened: Callable[..., Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signs of life fit through the port where nodes listen, which takes next to nothing; nobody reads then."""
    monkeypatch.setattr(sockets, "LIFE_SIGN_EVERY_S", 0.3)
    monkeypatch.setattr(sockets, "LIFE_SIGN_WITHIN_S", 2.0)
    of_broker, of_node = pair_of(keys if keyed else None)
    with BrokerEnd("127.0.0.1", keys=of_broker) as bus:
        links = [opened(end) for end in (bus.endpoints.control, bus.endpoints.inward, bus.endpoints.outward)]
        with NodeEnd(f"tcp://127.0.0.1:{links[0].port}", of_node) as node:
            both = Both(bus, node)
            connect_data(node, links[1].port, links[2].port)
            both.until(lambda: both.opens() == 1)
            time.sleep(4.0)
            assert [link.taken for link in links] == [1, 1, 1]


def test_a_node_deep_in_a_solve_outlives_signs_of_life_with_a_flood_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """libzmq 4.3.5 ends the process when a connection with a full receiving queue is given up: none ever is."""
    monkeypatch.setattr(sockets, "LIFE_SIGN_EVERY_S", 0.2)
    monkeypatch.setattr(sockets, "LIFE_SIGN_WITHIN_S", 0.6)
    with BrokerEnd("127.0.0.1") as bus, NodeEnd(bus.endpoints.control) as node:
        both = Both(bus, node)
        connect_data(node, port_of(bus.endpoints.inward), port_of(bus.endpoints.outward))
        both.until(lambda: both.opens() == 1)
        for _ in range(800):
            bus.publish(TOPIC_ALL, b"." * 100_000)
        time.sleep(2.0)
        both.until(lambda: sum(isinstance(event, Arrival) for event in both.at_node) == 800)


# --- the way to the broker ------------------------------------------------------------------------------------


def looking(address: str, keys: NodeKeys | None = None, for_s: float = 4.0) -> list[str]:
    """What a node says of its way within some seconds."""
    stories: list[str] = []
    with NodeEnd(address, keys) as node:
        since = time.monotonic()
        while time.monotonic() - since < for_s:
            stories += [event.story for event in node.wait(0.1) if isinstance(event, Contact)]
    return stories


def test_nobody_listening_is_told_once(unused_port: int) -> None:
    [story] = looking(f"tcp://127.0.0.1:{unused_port}", for_s=8.0)
    assert story.startswith(f"tcp://127.0.0.1:{unused_port}: nobody listens there")


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("keyed", [False, True])
def test_a_forwarder_without_a_broker_is_told_and_the_broker_is_found_when_it_is_back(
    keyed: bool, keys: Path, opened: Callable[..., Link]
) -> None:
    of_broker, of_node = pair_of(keys if keyed else None)
    with BrokerEnd("127.0.0.1", keys=of_broker) as bus:
        link = opened(bus.endpoints.control, Mode.HANG_UP)
        with NodeEnd(f"tcp://127.0.0.1:{link.port}", of_node) as node:
            both = Both(bus, node)
            since = time.monotonic()
            while time.monotonic() - since < 8.0:  # four times as long as ten broken handshakes take
                both.turn()
            assert len(both.stories()) == 1
            assert "a forwarder, such as an SSH tunnel, with no broker behind it" in both.stories()[0]
            assert "key" not in both.stories()[0]
            link.mode = Mode.CARRY
            node.send(b"hello")
            both.until(lambda: len(both.at_broker) == 1)
            both.until(lambda: both.stories()[-1] == "")


def test_a_forwarder_that_swallows_is_told(opened: Callable[..., Link]) -> None:
    with BrokerEnd("127.0.0.1") as bus:
        link = opened(bus.endpoints.control, Mode.SWALLOW)
        [story] = looking(f"tcp://127.0.0.1:{link.port}", for_s=9.5)
        assert "takes connections and says nothing" in story


def test_while_a_connection_comes_about_or_stands_nobody_looks(opened: Callable[..., Link]) -> None:
    """A look is a connection that breaks off, of which the broker has to take note."""
    with BrokerEnd("127.0.0.1") as bus:
        link = opened(bus.endpoints.control)
        assert looking(f"tcp://127.0.0.1:{link.port}", for_s=8.0) == []
        assert link.taken == 1


def test_a_name_that_nobody_has_is_told() -> None:
    [story] = looking("tcp://no.such.machine.invalid:5555", for_s=6.0)
    assert "no machine of this name" in story


def test_another_service_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        port = listener.getsockname()[1]

        def greet() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.sendall(b"220 mail.example.org ready, say what you want of me\r\n")
                    while connection.recv(64):  # closed with something unread it would be reset
                        pass

        threading.Thread(target=greet, daemon=True).start()
        assert probe("127.0.0.1", port, 2.0) is Found.STRANGER


def test_the_mechanism_of_a_broker_is_seen_by_a_look(keys: Path) -> None:
    for of_broker, found in ((None, Found.WITHOUT_KEYS), (load_broker_keys(keys, ["A"]), Found.WITH_KEYS)):
        with BrokerEnd("127.0.0.1", keys=of_broker) as bus:
            for end in (bus.endpoints.control, bus.endpoints.inward, bus.endpoints.outward):
                assert probe("127.0.0.1", port_of(end), 5.0) is found


def end_of(bus: BrokerEnd, keys: NodeKeys | None) -> str:
    """Why a node ends that looks for this broker."""
    with NodeEnd(bus.endpoints.control, keys) as node:
        both = Both(bus, node)
        with pytest.raises(RunError) as caught:
            both.until(lambda: False)
    return str(caught.value)


def test_what_is_certain_ends_a_node_at_once(keys: Path, tmp_path: Path) -> None:
    since = time.monotonic()
    make_keys(tmp_path / "own", ["broker", "C"])
    own, true = load_node_keys(tmp_path / "own", "C"), load_node_keys(keys, "A")
    with BrokerEnd("127.0.0.1") as bus:
        assert "the broker uses no keys; start it with --keys, or this node without" in end_of(bus, true)
    with BrokerEnd("127.0.0.1", keys=load_broker_keys(keys, ["A", "B"])) as bus:
        assert "the broker asks for a key; start this node with --keys DIR" in end_of(bus, None)
        assert "the broker does not know this node's key" in end_of(bus, NodeKeys(own.own, true.broker))
        assert "another key than the one in broker.key here" in end_of(bus, NodeKeys(true.own, own.broker))
    assert time.monotonic() - since < LIMIT_S


def test_a_full_set_of_descriptors_is_told_in_words() -> None:
    with pytest.raises(RunError, match="ulimit -n"), sockets.enough_descriptors():
        raise zmq.ZMQError(24)
