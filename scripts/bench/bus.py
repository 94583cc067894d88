"""Measures what the bus costs: a bare XSUB/XPUB proxy, the broker's bus, and the bus with keys, side by side.

One publisher and one subscriber, each a process, and what lies between them in this one. Every frame through the
broker's bus is decoded, checked, put on a tape and sent on. Rates and round trips are medians of the repeats, and
ratios are to the proxy of the same run. Run it as

    python scripts/bench/bus.py [--messages N] [--trips N] [--repeats N]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zmq

from broker.admission.gate import Gate
from broker.bus.broker_end import Arrival, BrokerEnd, Subscribed
from broker.bus.keys import as_client, load_broker_keys, load_node_keys, make_keys
from broker.tape import MessageSaid, TapeWriter
from broker.wire.frames import Envelope, encode
from broker.wire.limits import Limits
from broker.wire.messages import BROKER, Offer
from market.model.arrays import frozen

TOKEN, WATCH_TOKEN = b"b" * 16, b"w" * 16
PERIODS = 24
NO_RATE = Limits(frames_per_s=1e9, burst_frames=10**9)
LIMIT_S = 120.0
ROOT = Path(__file__).parents[2]


def frame(number: int) -> bytes:
    """An offer for a day of 24 periods."""
    return encode(Envelope(1, "A", number, Offer(1, tuple(range(PERIODS)), frozen([500.0] * PERIODS))), TOKEN)


# --- the two ends, each in a process of its own ---


def end_of(kind: int, address: str, keys: str, name: str) -> zmq.Socket[bytes]:
    """A connected socket without limits."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    socket = context.socket(kind)
    for option in (zmq.SNDHWM, zmq.RCVHWM):
        socket.setsockopt(option, 0)
    as_client(socket, load_node_keys(Path(keys), name) if keys else None)
    if kind == zmq.SUB:
        socket.subscribe(b"m")
    socket.connect(address)
    return socket


def subscriber(inward: str, outward: str, keys: str, messages: str, trips: str) -> None:
    """Counts a burst, then sends each message back on the way it came, as a publisher of its own."""
    listen, speak = end_of(zmq.SUB, outward, keys, "B"), end_of(zmq.XPUB, inward, keys, "B")
    speak.recv()
    print("ready", flush=True)
    listen.recv_multipart()
    since = time.perf_counter()
    for _ in range(int(messages) - 1):
        listen.recv_multipart()
    print((int(messages) - 1) / (time.perf_counter() - since), flush=True)
    back = encode(Envelope(1, "B", 1, Offer(1, tuple(range(PERIODS)), frozen([500.0] * PERIODS))), TOKEN)
    for _ in range(int(trips)):
        while listen.recv_multipart()[1] == back:
            continue
        speak.send_multipart([b"m", back])


def publisher(inward: str, outward: str, keys: str, messages: str, trips: str) -> None:
    """Sends a burst when told to, then one message after the other, each when the last has come back."""
    speak, listen = end_of(zmq.XPUB, inward, keys, "A"), end_of(zmq.SUB, outward, keys, "A")
    speak.recv()
    print("ready", flush=True)
    sys.stdin.readline()
    frames = [frame(number) for number in range(int(messages))]
    for one in frames:
        speak.send_multipart([b"m", one])
    for _ in range(int(messages)):
        listen.recv_multipart()
    times = []
    for _ in range(int(trips)):
        since = time.perf_counter()
        speak.send_multipart([b"m", frames[0]])
        while listen.recv_multipart()[1] == frames[0]:
            continue
        times.append(time.perf_counter() - since)
    print(statistics.median(times) * 1e6, flush=True)


# --- what lies between them ---


@contextmanager
def proxy() -> Iterator[tuple[str, str]]:
    """A bare proxy: nothing is looked at."""
    context = zmq.Context()
    ends = [context.socket(kind) for kind in (zmq.XSUB, zmq.XPUB)]
    for end in ends:
        end.setsockopt(zmq.SNDHWM, 0)
        end.setsockopt(zmq.RCVHWM, 0)
        end.bind("tcp://127.0.0.1:*")
    inward, outward = (end.getsockopt_string(zmq.LAST_ENDPOINT) for end in ends)

    def carry() -> None:
        try:
            zmq.proxy(*ends)
        except zmq.ContextTerminated:
            for end in ends:
                end.close(linger=0)

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    yield inward, outward
    context.term()
    thread.join(5.0)


@contextmanager
def bus(keys: Path | None, folder: Path) -> Iterator[tuple[str, str]]:
    """The broker's sockets, gate and tape; what a node publishes is passed on to all."""
    with (
        TapeWriter(folder / f"tape-{time.monotonic_ns()}") as tape,
        BrokerEnd("127.0.0.1", 0, load_broker_keys(keys, ["A", "B"]) if keys else None) as end,
    ):
        gate, over = Gate(TOKEN, ("A", "B"), NO_RATE, WATCH_TOKEN), threading.Event()

        def carry() -> None:
            while not over.is_set():
                batch = [event for event in end.wait(0.1) if not isinstance(event, Subscribed)]
                for event in batch:
                    assert isinstance(event, Arrival)
                    said = gate.admit(event, time.monotonic())
                    assert isinstance(said.message, Offer)
                    tape.add(MessageSaid(0.0, 1, said.sender, said.seq, said.message))
                tape.flush()
                for event in batch:
                    assert isinstance(event, Arrival)
                    end.publish(b"m", event.frame)

        thread = threading.Thread(target=carry, daemon=True)
        thread.start()
        yield end.endpoints.inward, end.endpoints.outward
        over.set()
        thread.join(5.0)


@dataclass(frozen=True)
class Measured:
    """Messages a second of a burst, and the median round trip, in microseconds."""

    rate_per_s: float
    trip_us: float


def measured(inward: str, outward: str, keys: Path | None, messages: int, trips: int) -> Measured:
    """One burst and its round trips."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import bus; getattr(bus, sys.argv[2])(*sys.argv[3:])"
    arguments = (inward, outward, str(keys or ""), str(messages), str(trips))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(Path(__file__).parent), who, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for who in ("subscriber", "publisher")
    ]
    try:
        lines = [process.stdout.readline() for process in processes if process.stdout]
        assert lines == ["ready\n"] * 2, lines
        time.sleep(0.3)  # until the subscriptions are in; there is no echo on a bare proxy
        round_trip = processes[1].communicate("go\n", timeout=LIMIT_S)[0]
        rate = processes[0].communicate(timeout=LIMIT_S)[0]
        return Measured(float(rate), float(round_trip))
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def main() -> None:
    """All three, interleaved."""
    parser = argparse.ArgumentParser(description="A proxy, the broker's bus, and the same with keys.")
    parser.add_argument("--messages", type=int, default=900)
    parser.add_argument("--trips", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, list[Measured]] = {"bare proxy": [], "broker's bus": [], "the same with keys": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_keys(folder / "keys", [BROKER, "A", "B"])
        for _ in range(options.repeats):
            with proxy() as (inward, outward):
                found["bare proxy"].append(measured(inward, outward, None, options.messages, options.trips))
            for title, keys in (("broker's bus", None), ("the same with keys", folder / "keys")):
                with bus(keys, folder) as (inward, outward):
                    found[title].append(measured(inward, outward, keys, options.messages, options.trips))
    print(f"{len(frame(1))} bytes{'msg/s':>24}{'ratio':>8}{'round trip µs':>16}{'ratio':>8}")
    bare = found["bare proxy"]
    for title, runs in found.items():
        rate, trip = (statistics.median(getattr(run, of) for run in runs) for of in ("rate_per_s", "trip_us"))
        bare_rate, bare_trip = (
            statistics.median(getattr(run, of) for run in bare) for of in ("rate_per_s", "trip_us")
        )
        print(f"{title:<20}{rate:>13,.0f}{rate / bare_rate:>8.2f}{trip:>16.0f}{trip / bare_trip:>8.2f}")


if __name__ == "__main__":
    main()
