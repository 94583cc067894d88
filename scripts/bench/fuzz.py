"""Owns the acceptance of hostile frames: by default a million, against a real broker and real nodes on loopback.

Noise, mutated and restructured frames of every kind of message, replays of what the market really said, wrong
identities, wrong versions, oversized and deeply nested ones, and huge declared lengths. Three passes: a broker
without keys, whose attackers do not know the token but for frames that nobody may send; a broker with keys, whose
attacker holds the watcher's key and the token; nodes whose broker mixes the frames with its own. Each compares the
answer and the memory of the market with an undisturbed one's. Exit code 1 if not all is well.

    python scripts/bench/fuzz.py [FRAMES] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, get_args, get_origin, get_type_hints

import msgpack
import zmq

from broker.bus.addresses import port_of
from broker.bus.broker_end import BrokerEnd, BusEvent
from broker.bus.keys import NodeKeys, as_client, load_node_keys, make_keys
from broker.coordinator import Charge, Coordinator, Proceedings
from broker.limits import MAX_FRAME_BYTES, MAX_TRANSPORT_BYTES
from broker.membership import Patience
from broker.serve import Shell
from broker.tape import TAPE_NAME, TapeWriter, read_tape
from broker.wire.frames import TOKEN_BYTES, WIRE_VERSION, Envelope, encode, from_body
from broker.wire.messages import BROKER, Message
from market.app.tokens import TOKEN_VARIABLE, token_from_key
from market.arrays import Array, frozen
from market.scenario import load_scenario

COMMAND = Path(sys.executable).parent / "vppmarket"
CASE, SMALL_CASE = "five_vpp", "two_vpp"
TABLES = ("roles", "bids", "offers", "periods", "selections", "dispatch", "costs", "trace")
GROWTH_LIMIT_MB = 50.0
LIMIT_S = 900.0
TOKEN = bytes(range(TOKEN_BYTES))
SHARES = {"broker without keys": 0.6, "broker with keys": 0.2, "nodes": 0.2}
POOL = 3000  # different valid frames that others are made from
CONNECTIONS = 4  # of each kind, so that no rate stops what is to be decoded


# --- frames -----------------------------------------------------------------------------------------------------


def sample(hint: Any, random: Random) -> Any:
    """A value of a wire type."""
    plain: dict[Any, Callable[[], Any]] = {
        float: lambda: random.choice([0.0, 500.0, -1.0, 1e300, random.uniform(0, 1000)]),
        int: lambda: random.choice([0, 1, 2, 7, 2**53, random.randrange(100)]),
        str: lambda: random.choice(["", "VPP1", "VPP2", "broker", "x" * 4096, "\u2028"]),
        bool: lambda: random.random() < 0.5,
        bytes: lambda: random.randbytes(random.choice([0, 1, 8, 5000])),
    }
    if hint in plain:
        return plain[hint]()
    if hint == Array:
        return frozen([random.uniform(-1, 1000) for _ in range(random.choice([0, 1, 24, 500]))])
    if get_origin(hint) is tuple:
        return tuple(sample(get_args(hint)[0], random) for _ in range(random.choice([0, 1, 3, 24])))
    if issubclass(hint, StrEnum):
        return random.choice(list(hint))
    hints = get_type_hints(hint)
    return hint(*(sample(hints[part.name], random) for part in fields(hint)))


@dataclass(frozen=True)
class Source:
    """Where frames come from. `names`: whom they claim to be from; `spoken`: what an honest run really said."""

    random: Random
    token: bytes
    names: Sequence[str]
    spoken: Sequence[bytes]
    pool: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        for _ in range(POOL if self.names else 0):
            envelope = replace(self.envelope(), seq=self.random.randrange(50))
            self.pool.append(encode(envelope, self.token))

    def frame(self) -> tuple[str, bytes]:
        """The next frame, and what kind of frame it is."""
        kinds = (*_KINDS, *_RARE) if self.random.random() < 0.002 else _KINDS
        kind = self.random.choice(kinds)
        return kind, _MAKERS[kind](self)

    def envelope(self) -> Envelope:
        """A message of any kind from somebody."""
        message: Message = sample(self.random.choice(get_args(Message)), self.random)
        return Envelope(self.random.choice([0, 1, 1, 1, 2]), self.random.choice(self.names), 1, message)

    def valid(self) -> bytes:
        """A frame that decodes; whether it may come is another matter."""
        return self.random.choice(self.pool)


def mutated(source: Source) -> bytes:
    """A valid frame, a few bytes of it changed, cut, doubled or added."""
    random, frame = source.random, bytearray(source.valid())
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(frame))
        how = random.randrange(4)
        if how == 0:
            frame[at] = random.randrange(256)
        elif how == 1:
            frame[at:at] = random.randbytes(random.randrange(1, 9))
        elif how == 2:
            frame[at:at] = frame[at : at + 40]
        elif len(frame) > 1:
            del frame[at : at + random.randrange(1, 9)]
            frame = frame or bytearray(b"\x00")
    return bytes(frame)


def restructured(source: Source) -> bytes:
    """A valid frame with a part of its tree replaced by something else."""
    random = source.random
    parts = msgpack.unpackb(source.valid())
    strange: list[Any] = [
        None,
        True,
        -1,
        2**64 - 1,
        1.5,
        float("nan"),
        "text",
        b"\x00" * 9,
        [],
        [[[]]],
        {},
        {"a": 1},
    ]
    node = parts
    while True:
        at = random.randrange(2, len(node)) if node is parts else random.randrange(len(node))
        if not isinstance(node[at], list) or not node[at] or random.random() < 0.3:
            node[at] = random.choice(strange)
            return bytes(msgpack.packb(parts))
        node = node[at]


def foreign_token(source: Source) -> bytes:
    """What would be a valid frame of another run."""
    return source.valid().replace(source.token, source.random.randbytes(TOKEN_BYTES), 1)


def foreign_version(source: Source) -> bytes:
    """A frame of another version."""
    parts = msgpack.unpackb(source.valid())
    parts[0] = source.random.choice([0, WIRE_VERSION + 1, 2**40])
    return bytes(msgpack.packb(parts))


def nested(source: Source) -> bytes:
    """Lists in lists, or maps in maps."""
    return source.random.choice([b"\x91", b"\x81\xa1a", b"\xdc\x00\x01"]) * source.random.randrange(1, 20_000)


def declared_huge(source: Source) -> bytes:
    """Few bytes that promise gigabytes."""
    heads = [b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9"]
    head = source.random.choice(heads) + source.random.choice(
        [b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x00\x20\x00\x00"]
    )
    return b"\x97\x01" * source.random.randrange(2) + head + source.random.randbytes(source.random.randrange(20))


_MAKERS: dict[str, Callable[[Source], bytes]] = {
    "noise": lambda source: source.random.randbytes(source.random.randrange(0, 300)),
    "mutated": mutated,
    "restructured": restructured,
    "wrong identity": Source.valid,
    "replayed": lambda source: source.random.choice(source.spoken),
    "wrong token": foreign_token,
    "wrong version": foreign_version,
    "declared huge": declared_huge,
    "nested": nested,
    "oversized": lambda source: b"\x00" * (MAX_FRAME_BYTES + 1),
    "beyond the transport": lambda source: b"\x00" * (MAX_TRANSPORT_BYTES + 1),
}
_RARE = ("nested", "oversized", "beyond the transport")  # large, so that the rest is not held up
_KINDS = tuple(kind for kind in _MAKERS if kind not in _RARE)


# --- markets ----------------------------------------------------------------------------------------------------


def free_port() -> int:
    """The first of three ports that are free now."""
    while True:
        port = Random().randrange(10_000, 32_000)  # below the ports that connections take
        try:
            for offset in range(3):
                with socket.socket() as trial:
                    trial.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port


def command(*arguments: str | Path, token: bytes | None = TOKEN) -> subprocess.Popen[bytes]:
    """The command; what it complains of is kept for `last_words`."""
    environment = dict(os.environ) | ({TOKEN_VARIABLE: token.hex()} if token else {})
    return subprocess.Popen(
        [COMMAND, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def started_node(
    vpp: str, port: int, case: str, *flags: str | Path, token: bytes | None
) -> subprocess.Popen[bytes]:
    """A node of a market on this machine."""
    address = f"tcp://127.0.0.1:{port}"
    return command("node", "--id", vpp, "--broker", address, "--scenario", case, *flags, token=token)


@dataclass
class Pass:
    """What came of one pass: frames sent by kind, refused by reason, growth in MB, and what went wrong."""

    name: str
    sent: Counter[str]
    refused: Counter[str]
    growth_mb: float
    faults: list[str]
    seconds: float


class Attacker(threading.Thread):
    """Sends frames to all sockets of a broker, as many as it is told to, unless the broker ends first."""

    def __init__(self, source: Source, port: int, frames: int, keys: NodeKeys | None) -> None:
        super().__init__(daemon=True)
        self.sent: Counter[str] = Counter()
        self.almost_done, self.ended = threading.Event(), threading.Event()
        self._source, self._port, self._frames, self._keys = source, port, frames, keys

    def run(self) -> None:
        """Send; the last tenth while the market is at work."""
        context = zmq.Context()
        ends = [self._open(context, kind) for kind in (zmq.DEALER, zmq.XPUB) for _ in range(CONNECTIONS)]
        listening = self._open(context, zmq.XSUB)
        number = 0
        turns = cycle(ends)  # one that is cut off for a moment holds up no other
        while number < self._frames and not self.ended.is_set():
            kind, frame = self._source.frame()
            end = next(turns)
            parts = [frame] if end.type == zmq.DEALER else [b"m", frame]
            if self._source.random.random() < 0.001:
                parts = parts * self._source.random.choice([0, 2, 50]) or [b""]
            if number % 50 == 0:  # subscribe and cancel: what is subscribed comes again with every connection
                for event in (b"\x01", b"\x00"):
                    self._sent(listening, [event + frame[:400]])
            if self._sent(end, parts):
                self.sent[kind] += 1
                number += 1
            if number >= 0.9 * self._frames:
                self.almost_done.set()
        self.almost_done.set()
        context.destroy(linger=0)

    def _open(self, context: zmq.Context[zmq.Socket[bytes]], kind: zmq.SocketType) -> zmq.Socket[bytes]:
        end = context.socket(kind)
        end.setsockopt(zmq.LINGER, 0)
        end.setsockopt(zmq.RECONNECT_IVL, 1)
        end.setsockopt(zmq.SNDTIMEO, 2)
        end.setsockopt(zmq.RCVHWM, 10)
        if kind == zmq.XPUB:
            end.setsockopt(zmq.XPUB_NODROP, 1)
        as_client(end, self._keys)
        end.connect(f"tcp://127.0.0.1:{self._port + {zmq.DEALER: 0, zmq.XPUB: 1, zmq.XSUB: 2}[kind]}")
        if kind == zmq.XPUB:
            end.poll(5000)
        return end

    def _sent(self, end: zmq.Socket[bytes], parts: Sequence[bytes]) -> bool:
        try:
            while end.type == zmq.DEALER and end.poll(0):
                end.recv_multipart()  # answers: who does not take them is cut off from giving in the end
            end.send_multipart(parts)
            return True
        except zmq.Again:
            return False


def spoken_frames(folder: Path, token: bytes) -> list[bytes]:
    """Every frame that was published in a run, as it was on the wire."""
    records = [record for record in read_tape(folder / TAPE_NAME) if record[0] == "message"]
    return [encode(Envelope(r[2], r[3], r[4], from_body(r[5], r[6])), token) for r in records]


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder."""
    import json

    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return document


def attacked_market(attacker: Attacker, folder: Path, port: int, token: bytes, keys: Path | None) -> list[str]:
    """A market whose last node joins when the attack is almost over; how its processes ended, if not well."""
    vpps = [vpp.id for vpp in load_scenario(CASE).vpps]
    flags: tuple[str | Path, ...] = ("--keys", keys) if keys else ()
    given = None if keys else token
    broker = command("broker", CASE, "--port", str(port), "--out", folder, "--quiet", *flags, token=given)
    processes = [broker, *(started_node(vpp, port, CASE, *flags, token=given) for vpp in vpps[:-1])]
    try:
        attacker.start()
        while not attacker.almost_done.wait(0.2) and all(process.poll() is None for process in processes):
            pass  # what has broken already need not be attacked any longer
        processes.append(started_node(vpps[-1], port, CASE, *flags, token=given))
        return last_words(processes)
    finally:
        attacker.ended.set()
        attacker.join(20.0)
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def attack_broker(name: str, frames: int, random: Random, folder: Path, quiet: Path, keys: Path | None) -> Pass:
    """One market under attack, compared with the quiet one."""
    since, port = time.monotonic(), free_port()
    stolen = load_node_keys(keys, "watcher") if keys else None
    token = token_from_key(stolen.broker) if stolen else TOKEN
    # Without keys a token is all that there is: who has it can be anybody. Frames with it come in nobody's name.
    names = [*(vpp.id for vpp in load_scenario(CASE).vpps), BROKER, "watcher"] if keys else ["VPP9", "x", BROKER]
    source = Source(random, token, names, spoken_frames(quiet, token if keys else bytes(TOKEN_BYTES)))
    attacker = Attacker(source, port, frames, stolen)
    broken = attacked_market(attacker, folder, port, token, keys)
    faults = broken or differences(folder, quiet)
    growth = 0.0 if broken else growth_of(folder, quiet)
    refused = Counter(manifest_of(folder).get("refused", {}))
    return Pass(name, attacker.sent, refused, growth, faults, time.monotonic() - since)


def quiet_market(folder: Path) -> None:
    """The same market with nobody to disturb it."""
    port = free_port()
    nobody = Attacker(Source(Random(0), TOKEN, [], []), port, 0, None)
    broken = attacked_market(nobody, folder, port, TOKEN, None)
    if broken:
        raise SystemExit("\n".join(["the undisturbed market broke:", *broken]))


def differences(folder: Path, quiet: Path) -> list[str]:
    """The tables in which two runs differ."""
    names = [f"{table}.csv" for table in TABLES]
    return [f"{n} differs" for n in names if (folder / n).read_bytes() != (quiet / n).read_bytes()]


def growth_of(folder: Path, quiet: Path) -> float:
    """How much more memory the hungriest process took than in the quiet run, MB."""
    noisy, before = manifest_of(folder)["peak_memory_mb"], manifest_of(quiet)["peak_memory_mb"]
    return max(float(noisy[who]) - float(before[who]) for who in before)


# --- nodes ------------------------------------------------------------------------------------------------------


class NoisyEnd(BrokerEnd):
    """A broker's sockets that send hostile frames whenever they wait, to every node that has joined."""

    source: Source
    frames = 0
    at_once = 100

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.sent: Counter[str] = Counter()
        self.routes: set[bytes] = set()

    def send(self, route: bytes, frame: bytes) -> None:
        """Send, and remember where to."""
        self.routes.add(route)
        super().send(route, frame)

    def wait(self, timeout_s: float) -> Any:
        """Some noise, then what came."""
        if self.routes and self.sent.total() < self.frames:
            for number in range(self.at_once):
                kind, frame = self.source.frame()
                if kind == "beyond the transport":  # a broker's limit is its own affair
                    continue
                self.sent[kind] += 1
                if number % 2:
                    self.publish(b"m", frame)
                else:
                    for route in self.routes:
                        super().send(route, frame)
            timeout_s = min(timeout_s, 0.004)
        return self._events(timeout_s)

    def _events(self, timeout_s: float) -> list[BusEvent]:
        return list(super().wait(timeout_s))


def noisy_market(frames: int, random: Random, path: Path) -> tuple[NoisyEnd, Proceedings, list[str]]:
    """The smallest market, whose second node is started once most frames have been sent to the first."""
    scenario = load_scenario(SMALL_CASE)
    vpps = tuple(vpp.id for vpp in scenario.vpps)
    charge = Charge(scenario.public, scenario.digest, vpps, scenario.network, 0, Patience(LIMIT_S))
    bus = NoisyEnd("127.0.0.1")
    with TapeWriter(path) as tape, bus:
        port = port_of(bus.endpoints.control)
        bus.source, bus.frames = Source(random, TOKEN, ["VPP9", "x"], [b"\x00"]), frames
        shell = Shell(Coordinator(charge, bus.endpoints, time.monotonic()), bus, tape, TOKEN)
        nodes = [started_node(vpps[0], port, SMALL_CASE, token=TOKEN)]

        def join(progress: object) -> None:
            if len(nodes) == 1 and bus.sent.total() >= 0.95 * frames:
                nodes.append(started_node(vpps[1], port, SMALL_CASE, token=TOKEN))

        try:
            proceedings = shell.run(None, join)
        finally:
            broken = last_words(nodes)
    return bus, proceedings, broken


def attack_nodes(frames: int, random: Random, folder: Path) -> Pass:
    """A broker that is noisy beside one that is not."""
    since, tapes = time.monotonic(), [folder / "quiet tape", folder / "noisy tape"]
    _, quiet, _ = noisy_market(0, random, tapes[0])
    bus, noisy, broken = noisy_market(frames, random, tapes[1])
    refused = Counter[str]()
    for audit in noisy.audits.values():
        refused.update({entry.reason: entry.count for entry in audit.refused})
    faults = broken + ([] if tapes[0].read_bytes() == tapes[1].read_bytes() else ["the tape differs"])
    if refused.total() < 0.5 * frames:
        faults.append(f"only {refused.total()} frames arrived")
    growth = max(noisy.audits[vpp].peak_memory_mb - quiet.audits[vpp].peak_memory_mb for vpp in noisy.audits)
    return Pass("nodes", bus.sent, refused, growth, faults, time.monotonic() - since)


def last_words(processes: Sequence[subprocess.Popen[bytes]]) -> list[str]:
    """Exit code and last line of each process that did not end well."""
    said = []
    for process in processes:
        try:
            _, complaints = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, complaints = process.communicate()
        if process.returncode:
            last = (complaints.decode(errors="replace").splitlines() or [""])[-1]
            said.append(f"{process.args!s:.60} ended with {process.returncode}: {last}")
    return said


# --- the whole --------------------------------------------------------------------------------------------------


def shown(result: Pass) -> str:
    """One pass, for people."""
    lines = [f"{result.name}: {result.sent.total():,} frames in {result.seconds:.0f} s"]
    lines.append("  sent     " + ", ".join(f"{kind} {count:,}" for kind, count in result.sent.most_common()))
    lines.append(
        "  refused  " + ", ".join(f"{reason} {count:,}" for reason, count in result.refused.most_common())
    )
    lines.append(f"  memory   {result.growth_mb:+.1f} MB against the undisturbed run")
    lines.append("  answer   " + ("; ".join(result.faults) or "unchanged"))
    return "\n".join(lines)


def main() -> int:
    """All passes."""
    parser = argparse.ArgumentParser(description="Hostile frames against a broker and its nodes.")
    parser.add_argument("frames", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numbers = {name: round(share * options.frames) for name, share in SHARES.items()}
    random = Random(options.seed)
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quiet = folder / "quiet"
        quiet_market(quiet)
        make_keys(folder / "keys", [BROKER, *(vpp.id for vpp in load_scenario(CASE).vpps), "watcher"])
        for title, keys in (("broker without keys", None), ("broker with keys", folder / "keys")):
            results.append(attack_broker(title, numbers[title], random, folder / title, quiet, keys))
            print(shown(results[-1]), flush=True)
        results.append(attack_nodes(numbers["nodes"], random, folder))
        print(shown(results[-1]), flush=True)
    sound = all(not result.faults and result.growth_mb < GROWTH_LIMIT_MB for result in results)
    print(
        f"{sum(result.sent.total() for result in results):,} frames: {'as it should be' if sound else 'NOT SOUND'}"
    )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
