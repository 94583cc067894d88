"""One connection for several nodes of a process, each of which has an end of its own on it.

They hear what is for all once instead of each for itself; on orders and answers stands whose they are. So they can
only be nodes of one owner, with one key or none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence, Set

from broker.bus.addresses import TOPIC_ALL, ready_topic
from broker.bus.broker_end import Arrival, BusPlane, Malformed
from broker.bus.closing import Closing
from broker.bus.keys import NodeKeys
from broker.bus.node_end import Contact, DataOpen, NodeBusEvent, NodeDesk, NodeEnd
from market.errors import RunError


class NodeParty(Closing):
    """The shared connection. `collect` takes in what has come for anybody, and returns what is for all."""

    def __init__(self, control_address: str, keys: NodeKeys | None, desk: NodeDesk) -> None:
        self.refused: RunError | None = None
        self._desk = desk
        self._end = NodeEnd(control_address, keys, desk, shared=True)
        self._members: dict[bytes, MemberEnd] = {}
        self._by_echo: dict[bytes, MemberEnd] = {}
        self._by_topic: dict[bytes, MemberEnd] = {}

    def join(self, vpp: str) -> MemberEnd:
        """An end for one more node."""
        member = MemberEnd(vpp, self)
        self._members[member.name] = member
        self._by_echo[member.echo] = member
        return member

    def leave(self, member: MemberEnd) -> None:
        """A node has ended."""
        self._members.pop(member.name, None)
        self._by_echo.pop(member.echo, None)
        for topic in [topic for topic, known in self._by_topic.items() if known is member]:
            del self._by_topic[topic]
        self._end.forget(member.echo)

    def collect(self, ready: Set[object]) -> list[Arrival]:
        """Take in what has come; what is for all is returned, and all else waits at its node's end."""
        for_all: list[Arrival] = []
        try:
            for event in self._end.came(ready):
                if isinstance(event, Arrival) and event.plane is BusPlane.DATA and event.route == TOPIC_ALL:
                    for_all.append(event)
                else:
                    self._hand_on(event)
        except RunError as error:  # turned away: each learns so when it looks
            self.refused = error
        return for_all

    def _hand_on(self, event: NodeBusEvent) -> None:
        if isinstance(event, Contact):
            for member in self._members.values():
                member.waiting.append(event)
            return
        owner = self._whose(event)
        if owner is not None:
            owner.waiting.append(event)

    def _whose(self, event: NodeBusEvent) -> MemberEnd | None:
        """Whose an event is; of one that is nobody's anybody may count it."""
        if isinstance(event, DataOpen):
            return self._by_echo.get(event.echo)
        if isinstance(event, Malformed):
            return next(iter(self._members.values()), None)
        assert isinstance(event, Arrival)
        control = event.plane is BusPlane.CONTROL
        return (self._members if control else self._by_topic).get(event.route)

    def wait(self, timeout_s: float) -> None:
        """Take in what comes within so long; what is for all is dropped, since nobody here goes on."""
        self.collect(self._desk.wait(timeout_s))

    def send(self, *parts: bytes) -> None:
        """As of a node's own end."""
        self._end.send(*parts)

    def publish(self, topic: bytes, *frames: bytes) -> None:
        """As of a node's own end."""
        self._end.publish(topic, *frames)

    def connect_data(self, member: MemberEnd, ports: tuple[int, int], topics: Sequence[bytes]) -> None:
        """As of a node's own end; the connection is opened once."""
        self._by_topic.update((topic, member) for topic in topics if topic != TOPIC_ALL)
        self._end.connect_data(*ports, topics, member.echo)

    def close(self) -> None:
        """Close the connection."""
        self._end.close()


class MemberEnd(Closing):
    """The end of one node of a party: as `NodeEnd`, but for what is for all."""

    def __init__(self, vpp: str, party: NodeParty) -> None:
        self.name = vpp.encode()
        self.echo = ready_topic(vpp)
        self.waiting: deque[NodeBusEvent] = deque()
        self._party = party

    def came(self, ready: Set[object]) -> Iterator[NodeBusEvent]:
        """What the party has taken in for this node; RunError when the broker has turned it away."""
        while self.waiting:
            yield self.waiting.popleft()
        if self._party.refused is not None:
            raise self._party.refused

    def wait(self, timeout_s: float) -> Iterator[NodeBusEvent]:
        """What comes for this node within so long; RunError as above."""
        self._party.wait(timeout_s)
        yield from self.came(frozenset())

    def send(self, frame: bytes) -> None:
        """Send on the control plane."""
        self._party.send(self.name, frame)

    def publish(self, topic: bytes, *frames: bytes) -> None:
        """Publish on the data plane."""
        self._party.publish(topic, *frames)

    def connect_data(self, publish_port: int, subscribe_port: int, topics: Sequence[bytes], echo: bytes) -> None:
        """Open the data plane, or have it proved anew; `echo` is the node's own."""
        self._party.connect_data(self, (publish_port, subscribe_port), topics)

    def close(self) -> None:
        """This node has ended; the others go on."""
        self._party.leave(self)
