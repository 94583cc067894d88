"""Claims: whatever else is sent to broker or node is counted by reason, and the run ends as if it had not been."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import msgpack
import pytest
import zmq

from broker.bus.broker_end import BrokerEnd
from broker.process.server import BrokerServer
from broker.protocol.coordinator import Coordinator
from broker.protocol.membership import Timeouts
from broker.protocol.run_config import RunConfig
from broker.protocol.run_result import RunResult
from broker.tape import TapeWriter
from broker.wire.frames import WIRE_VERSION, Envelope, encode
from broker.wire.limits import LIFE_SIGN_EVERY_S, MAX_FRAME_BYTES
from broker.wire.messages import (
    BROKER,
    Declared,
    Done,
    Heartbeat,
    Hello,
    Message,
    Offer,
    Ready,
    Ref,
    Resend,
    Stop,
    Turn,
    Turns,
)
from market.model.arrays import frozen
from market.scenario import load_scenario
from tests.broker.days import declaration
from tests.processes.command import finish, manifest, rows, run, start, without_plants

TOKEN = bytes(range(16))
OTHER_TOKEN = bytes(16)
TABLES = ("roles", "bids", "offers", "periods", "selections", "dispatch", "costs", "trace")


def hostile_frames(random: Random, public_digest: str) -> list[bytes]:
    """Frames that no honest peer sends: noise, mutilated and foreign envelopes, valid ones that may not come."""
    good = encode(Envelope(1, "VPP1", 1, Offer(1, (0,), frozen([500.0]))), TOKEN)
    version = msgpack.unpackb(good)
    version[0] = WIRE_VERSION + 1
    strangers: list[tuple[str, Message]] = [
        ("VPP9", Hello(1, public_digest, "", "five_vpp", "stranger")),
        ("VPP9", Heartbeat()),
        ("VPP9", Done(1, 0, (), ())),
        ("VPP9", Offer(1, (0,), frozen([500.0]))),
        (BROKER, Stop("go home", complete=True)),
        ("VPP1", Declared(declaration("VPP1", [1.0] * 3))),
        ("VPP1", Offer(7, (0,), frozen([500.0]))),
        ("VPP1", Turns((Ref("VPP2", 1),), (Turn("VPP1", 1, 0.0, (0, 1)),))),
        ("VPP1", Done(99, 0, (), ())),
        ("VPP1", Resend((Ref("VPP2", 1),))),
        ("VPP1", Ready(1)),
    ]
    return [
        b"",
        *(random.randbytes(random.randrange(1, 200)) for _ in range(40)),
        *(good[: random.randrange(len(good))] for _ in range(20)),
        b"\x91" * 10_000,
        b"\xc6\xff\xff\xff\xff",
        b"\x00" * (MAX_FRAME_BYTES + 1),
        msgpack.packb(version),
        encode(Envelope(1, "VPP1", 1, Offer(1, (0,), frozen([500.0]))), OTHER_TOKEN),
        *(encode(Envelope(1, sender, 1, message), TOKEN) for sender, message in strangers),
    ]


class Attacker(threading.Thread):
    """Sends hostile frames to every socket of a broker, again and again, bounded in number, until told to stop."""

    def __init__(self, control_port: int, frames: Sequence[bytes]) -> None:
        super().__init__(daemon=True)
        self._port = control_port
        self._frames = frames
        self.ended = threading.Event()
        self.rounds = 0

    def run(self) -> None:
        context = zmq.Context()
        control, inward, outward = (context.socket(kind) for kind in (zmq.DEALER, zmq.XPUB, zmq.XSUB))
        for end, offset in ((control, 0), (inward, 1), (outward, 2)):
            end.setsockopt(zmq.LINGER, 0)
            end.connect(f"tcp://127.0.0.1:{self._port + offset}")
        inward.poll(5000)
        while not self.ended.wait(0.02) and self.rounds < 500:
            self.rounds += 1
            for frame in self._frames:
                self._send(control, [frame])
                self._send(inward, [b"m", frame])
                self._send(outward, [frame])
            self._send(control, [b"two", b"parts"])
            self._send(inward, [b"only one part"])
        context.destroy(linger=0)

    def _send(self, end: zmq.Socket[bytes], parts: list[bytes]) -> None:
        with suppress(zmq.Again):  # nobody takes it at the moment
            end.send_multipart(parts, zmq.NOBLOCK)


def free_port() -> int:
    """Three consecutive ports that are free now."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
        if port < 65000 and all(_is_free(port + offset) for offset in (1, 2)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def start_node(vpp: str, port: int, case: str, where: Path, token: bytes = TOKEN) -> subprocess.Popen[str]:
    """A node, which leaves its own run folder below `where`."""
    environment = {**os.environ, "VPPMARKET_TOKEN": token.hex()}
    address = f"tcp://127.0.0.1:{port}"
    return start("node", "--id", vpp, "--broker", address, "--scenario", case, env=environment, cwd=where)


def test_hostile_frames_to_the_broker_change_nothing(default_run: Path, tmp_path: Path) -> None:
    scenario = load_scenario("five_vpp")
    port = free_port()
    environment = {**os.environ, "VPPMARKET_TOKEN": TOKEN.hex()}
    flags = ("--port", str(port), "--out", tmp_path / "run", "--audit", "full", "--quiet")
    broker = start("broker", *flags, env=environment)
    attacker = Attacker(port, hostile_frames(Random(1), scenario.public.digest))
    attacker.start()
    nodes = [start_node(vpp.id, port, "five_vpp", tmp_path) for vpp in scenario.vpps]
    try:
        ended = finish(broker)
        assert [finish(node).returncode for node in nodes] == [0] * 5
    finally:
        attacker.ended.set()
        attacker.join(10.0)
    assert ended.returncode == 0, ended.stderr
    assert attacker.rounds > 0
    for table in TABLES:
        assert rows(tmp_path / "run", table) == without_plants(rows(default_run, table))
    refused = manifest(tmp_path / "run")["refused"]
    expected = {"not_msgpack", "wrong_version", "wrong_token", "oversized", "malformed", "not_a_member"}
    assert expected <= set(refused), refused
    assert manifest(tmp_path / "run")["refused_by_nodes"] == {}


class NoisyEnd(BrokerEnd):
    """A broker's sockets that send hostile frames along with everything honest."""

    frames: Sequence[bytes] = ()

    def send(self, route: bytes, frame: bytes) -> None:
        for noise in self.frames:
            super().send(route, noise)
        super().send(route, frame)

    def publish(self, topic: bytes, *frames: bytes) -> None:
        super().publish(topic, *frames)
        if not topic.startswith(b"\xff"):
            for noise in self.frames:
                super().publish(topic, noise)


def fake_broker_run(frames: Sequence[bytes], folder: Path) -> RunResult:
    """The two-VPP case with real node processes and a broker in this process that adds these frames."""
    scenario = load_scenario("two_vpp")
    vpps = tuple(vpp.id for vpp in scenario.vpps)
    charge = RunConfig(scenario.shared, 0, Timeouts())
    folder.mkdir()
    end = NoisyEnd("127.0.0.1")
    end.frames = frames
    with TapeWriter(folder / "tape") as tape, end as bus:
        port = int(bus.endpoints.control.rsplit(":", 1)[1])
        shell = BrokerServer(Coordinator(charge, bus.endpoints, time.monotonic()), bus, tape, TOKEN)
        nodes = [start_node(vpp, port, "two_vpp", folder) for vpp in vpps]
        try:
            proceedings = shell.run(None, lambda progress: None)
        finally:
            ended = [finish(node) for node in nodes]
    assert [node.returncode for node in ended] == [0, 0], [node.stderr for node in ended]
    return proceedings


def test_hostile_frames_to_a_node_change_nothing(tmp_path: Path) -> None:
    # Orders with the right token in the broker's name are left out: whoever holds the token is the broker.
    frames = [f for f in hostile_frames(Random(2), "digest") if b"go home" not in f and len(f) < 20_000]
    oversized = b"\x00" * (MAX_FRAME_BYTES + 1)
    quiet = fake_broker_run([], tmp_path / "quiet")
    noisy = fake_broker_run([*frames, oversized], tmp_path / "noisy")
    assert (tmp_path / "noisy" / "tape").read_bytes() == (tmp_path / "quiet" / "tape").read_bytes()
    for audit in quiet.audits.values():
        assert audit.refused == ()
    for audit in noisy.audits.values():
        counts = {entry.reason: entry.count for entry in audit.refused}
        expected = {"not_msgpack", "wrong_version", "wrong_token", "oversized", "wrong_sender"}
        assert expected <= set(counts), counts


@pytest.fixture
def broker_for_two(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    environment = {**os.environ, "VPPMARKET_TOKEN": TOKEN.hex()}
    process = start("broker", "two_vpp", "--port", str(port), "--out", tmp_path / "run", env=environment)
    yield port, process
    if process.poll() is None:
        process.kill()
        process.communicate()


def test_a_node_of_another_market_is_told_why_it_may_not_join(
    broker_for_two: tuple[int, subprocess.Popen[str]], tmp_path: Path
) -> None:
    port, broker = broker_for_two
    stranger = finish(start_node("VPP5", port, "five_vpp", tmp_path))
    assert stranger.returncode == 4
    assert "this market, 'two_vpp', has no VPP 'VPP5'; it has" in stranger.stderr
    other = tmp_path / "case"
    assert run("new", other, "--from", "two_vpp").returncode == 0
    text = (other / "scenario.yaml").read_text()
    assert "flat_price_cny_per_t: 80" in text
    (other / "scenario.yaml").write_text(text.replace("flat_price_cny_per_t: 80", "flat_price_cny_per_t: 81"))
    first_id = load_scenario("two_vpp").vpps[0].id
    differing = finish(start_node(first_id, port, str(other), tmp_path))
    assert differing.returncode == 4
    assert "carbon rules in the scenario 'case' are not those of this market, 'two_vpp'" in differing.stderr
    nodes = [start_node(vpp.id, port, "two_vpp", tmp_path) for vpp in load_scenario("two_vpp").vpps]
    assert [finish(process).returncode for process in (broker, *nodes)] == [0, 0, 0]


def test_who_takes_anothers_name_and_leaves_does_not_end_the_broker(
    broker_for_two: tuple[int, subprocess.Popen[str]], tmp_path: Path
) -> None:
    """libzmq asserts when a sign of life falls due on a connection that lost its name, has more to say and is
    shut. So a broker sends none: nobody needs a token to come so far.
    """
    port, broker = broker_for_two
    for _ in range(3):
        with zmq.Context() as context, context.socket(zmq.DEALER) as first, context.socket(zmq.DEALER) as second:
            for caller in (first, second):
                caller.setsockopt(zmq.LINGER, 1000)
                caller.setsockopt(zmq.ROUTING_ID, b"Farm")
                caller.connect(f"tcp://127.0.0.1:{port}")
                caller.send(b"x")
                time.sleep(0.5)
            for _ in range(3):
                first.send(b"x")
            first.close()
            time.sleep(2 * LIFE_SIGN_EVERY_S)
            assert broker.poll() is None
    nodes = [start_node(vpp.id, port, "two_vpp", tmp_path) for vpp in load_scenario("two_vpp").vpps]
    assert [finish(process).returncode for process in (broker, *nodes)] == [0, 0, 0]


FLAGS = ("--id", "VPP1", "--broker", "tcp://127.0.0.1:1", "--scenario", "five_vpp")


@pytest.mark.parametrize(
    ("arguments", "story"),
    [
        ([*FLAGS], "the run's token is needed"),
        ([*FLAGS, "--token", "xyz"], "32 hexadecimal digits"),
        ([*FLAGS, "--token-file", "no_such_file"], "the run's token must be in it"),
        ([*FLAGS, "--id", "VPP7", "--token", TOKEN.hex()], "must be a VPP of"),
        ([*FLAGS, "--broker", "localhost", "--token", TOKEN.hex()], "must look like tcp://host:port"),
        ([*FLAGS[:4], "--token", TOKEN.hex()], "missing option '--scenario'"),
        ([*FLAGS, "--token", TOKEN.hex(), "--audit", "some"], "'some' is not one of"),
        ([*FLAGS, "--token", TOKEN.hex(), "--wait", "0"], "0 is not in the range"),
    ],
)
def test_a_node_started_wrongly_says_what_is_wrong(arguments: list[str], story: str) -> None:
    ended = run("node", *arguments)
    assert ended.returncode == 2
    assert story in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_broker_beyond_this_machine_must_be_asked_for(tmp_path: Path) -> None:
    ended = run("broker", "--host", "0.0.0.0", "--out", tmp_path / "run")
    assert ended.returncode == 2
    assert "beyond this machine keys are needed; got 0.0.0.0; give --keys DIR" in ended.stderr
    assert not (tmp_path / "run").exists()
