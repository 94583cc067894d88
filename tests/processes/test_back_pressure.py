"""Claims: a subscriber that stands still costs the others nothing and the broker little memory, and can catch up.

One of three subscribers, each a process of its own, is stopped while far more is published than any queue holds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from broker.bus.addresses import TOPIC_ALL, inbox_topic, port_of, ready_topic
from broker.bus.broker_end import Arrival, BrokerEnd, Subscribed
from broker.bus.node_end import DataOpen, NodeEnd
from broker.wire.limits import QUEUE_OUT_MESSAGES

ROOT = Path(__file__).parents[2]
NAMES = ("A", "B", "stopped")
MESSAGES, BURST, SIZE_BYTES = 16_000, 200, 8000
LIMIT_S = 60.0
END = b"end"


def subscriber(name: str, control: str, inward: str, outward: str) -> None:
    """What each process does: confirm every burst, ask for what is missing when told to end, until nothing is."""
    with NodeEnd(control) as end:
        end.send(f"hello {name}".encode())
        end.connect_data(port_of(inward), port_of(outward), (TOPIC_ALL, inbox_topic(name)), ready_topic(name))
        got, missed, complete = set[int](), 0, False
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline and not complete:
            for event in end.wait(0.2):
                if isinstance(event, DataOpen):
                    end.send(f"ready {name}".encode())
                if not isinstance(event, Arrival):
                    continue
                if event.frame[:3] == END:
                    lost = sorted(set(range(MESSAGES)) - got)
                    missed, complete = max(missed, len(lost)), not lost
                    end.send(f"missing {name} {json.dumps(lost)}".encode())
                elif event.frame[:7] == b"number ":
                    got.add(int(event.frame[7:15]))
                    if (int(event.frame[7:15]) + 1) % BURST == 0:
                        end.send(f"burst {name}".encode())
        print(json.dumps({"got": len(got), "missed": missed}))


def frame(number: int) -> bytes:
    return f"number {number:08}".encode().ljust(SIZE_BYTES, b".")


@dataclass
class Publisher:
    """A broker's sockets, and what its subscribers have said."""

    bus: BrokerEnd
    routes: dict[str, bytes] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)
    missing: dict[str, list[int]] = field(default_factory=dict)

    def listen(self) -> None:
        for event in self.bus.wait(0.05):
            if isinstance(event, Subscribed) and event.topic[:1] == b"\xff":
                self.bus.publish(event.topic, b"ready")
            elif isinstance(event, Arrival):
                what, name, *rest = event.frame.decode().split(" ", 2)
                self.routes[name] = event.route
                self.said[f"{what} {name}"] += 1
                if what == "missing":
                    self.missing[name] = json.loads(rest[0])

    def until(self, what: str, names: tuple[str, ...], times: int = 1) -> None:
        deadline = time.monotonic() + LIMIT_S
        while any(self.said[f"{what} {name}"] < times for name in names):
            assert time.monotonic() < deadline, (what, self.said)
            self.listen()


@pytest.fixture
def market() -> Iterator[tuple[Publisher, dict[str, subprocess.Popen[str]]]]:
    with BrokerEnd("127.0.0.1") as bus:
        ends = bus.endpoints
        code = "import sys; from tests.processes.test_back_pressure import subscriber; subscriber(*sys.argv[1:])"
        processes = {
            name: subprocess.Popen(
                [sys.executable, "-c", code, name, ends.control, ends.inward, ends.outward],
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for name in NAMES
        }
        try:
            publisher = Publisher(bus)
            publisher.until("ready", NAMES)
            yield publisher, processes
        finally:
            for process in processes.values():
                if process.poll() is None:
                    process.kill()
                process.communicate()


def published(publisher: Publisher) -> None:
    """Everything, as fast as those who are awake confirm it."""
    for start in range(0, MESSAGES, BURST):
        for number in range(start, start + BURST):
            publisher.bus.publish(TOPIC_ALL, frame(number))
        publisher.until("burst", ("A", "B"), start // BURST + 1)


def sent_again(publisher: Publisher, name: str) -> None:
    """What one is missing, no more at a time than its queue holds."""
    rounds = 1
    while publisher.missing[name]:
        for number in publisher.missing[name][: QUEUE_OUT_MESSAGES // 2]:
            publisher.bus.publish(inbox_topic(name), frame(number))
        publisher.bus.send(publisher.routes[name], END)
        rounds += 1
        publisher.until("missing", (name,), rounds)


def test_a_stopped_subscriber_costs_the_others_nothing_and_catches_up(
    market: tuple[Publisher, dict[str, subprocess.Popen[str]]],
) -> None:
    publisher, processes = market
    psutil.Process(processes["stopped"].pid).suspend()
    memory = psutil.Process().memory_info().rss
    published(publisher)
    grown_mb = (psutil.Process().memory_info().rss - memory) / 1e6
    assert MESSAGES * SIZE_BYTES / 1e6 > 120
    assert grown_mb < 50, "a queue without bounds would have taken 128 MB"
    psutil.Process(processes["stopped"].pid).resume()
    for name in NAMES:
        publisher.bus.send(publisher.routes[name], END)
    publisher.until("missing", NAMES)
    assert publisher.missing["A"] == publisher.missing["B"] == []
    assert publisher.missing["stopped"]
    sent_again(publisher, "stopped")
    told = {name: json.loads(process.communicate(timeout=LIMIT_S)[0]) for name, process in processes.items()}
    assert {name: entry["got"] for name, entry in told.items()} == dict.fromkeys(NAMES, MESSAGES)
    assert (told["A"]["missed"], told["B"]["missed"]) == (0, 0)
    assert told["stopped"]["missed"] > MESSAGES / 4


def test_an_order_that_is_not_taken_is_dropped_and_counted(
    market: tuple[Publisher, dict[str, subprocess.Popen[str]]],
) -> None:
    publisher, processes = market
    psutil.Process(processes["stopped"].pid).suspend()
    memory = psutil.Process().memory_info().rss
    for number in range(MESSAGES):
        publisher.bus.send(publisher.routes["stopped"], frame(number))
    assert publisher.bus.dropped["queue_full"] > MESSAGES / 4
    assert publisher.bus.dropped["queue_full"] <= MESSAGES - QUEUE_OUT_MESSAGES
    assert (psutil.Process().memory_info().rss - memory) / 1e6 < 50
    publisher.bus.send(b"nobody", b"")
    assert publisher.bus.dropped["unreachable"] == 1
