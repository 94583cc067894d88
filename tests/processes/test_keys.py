"""Claims about keys, with real processes: the right key comes in, with the same answer as without keys.

A wrong key, no key, the key of another VPP and a client that would do without encryption stay out: the broker
counts and tells of each, the node says within seconds what is wrong, and the market is as if nobody had tried.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import zmq

from broker.bus.keys import NodeKeys, as_client, load_node_keys, make_keys, public_file, secret_file
from broker.wire.frames import Envelope, encode
from broker.wire.messages import BROKER, Declared, Heartbeat, Hello, Message, Offer
from market.app.runs.tokens import token_from_key
from market.model.arrays import frozen
from market.scenario import load_scenario
from tests.broker.days import declaration
from tests.processes.command import finish, manifest, rows, run, start, without_plants
from tests.processes.test_hostile_frames import TABLES, free_port

SOON_S = 45.0
VPPS = tuple(vpp.id for vpp in load_scenario("two_vpp").vpps)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of the market of two, all in one folder."""
    folder = tmp_path_factory.mktemp("market") / "keys"
    made = run("keys", folder, "two_vpp")
    assert made.returncode == 0, made.stderr
    return folder


@dataclass
class Market:
    """A broker that waits for its nodes."""

    port: int
    process: subprocess.Popen[str]
    folder: Path

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def node(self, vpp: str, *flags: str | Path) -> subprocess.Popen[str]:
        return start(
            "node", "--id", vpp, "--broker", self.address, "--scenario", "two_vpp", *flags, cwd=self.folder.parent
        )

    def end(self, keys: Path) -> tuple[dict[str, int], str]:
        """Let the honest nodes in; the broker's counts of what it refused, and what it said."""
        nodes = [self.node(vpp, "--keys", keys) for vpp in VPPS]
        ended = finish(self.process)
        left = [finish(node) for node in nodes]
        assert ended.returncode == 0, (ended.stderr, [node.stderr for node in left])
        assert [node.returncode for node in left] == [0] * len(nodes)
        refused: dict[str, int] = manifest(self.folder)["refused"]
        return refused, ended.stderr


@contextmanager
def market(folder: Path, *flags: str | Path) -> Iterator[Market]:
    port = free_port()
    process = start(
        "broker", "two_vpp", "--port", str(port), "--audit", "full", "--out", folder, "--quiet", *flags
    )
    try:
        yield Market(port, process, folder)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def keyed(keys: Path, tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path / "run", "--keys", keys) as opened:
        yield opened


def test_five_vpps_with_keys_come_to_the_same_answer(default_run: Path, tmp_path: Path) -> None:
    assert run("keys", tmp_path / "keys").returncode == 0
    ended = run("run", "--keys", tmp_path / "keys", "--out", tmp_path / "run", "--quiet")
    assert ended.returncode == 0, ended.stderr
    for table in TABLES:
        assert (tmp_path / "run" / f"{table}.csv").read_bytes() == (default_run / f"{table}.csv").read_bytes()
    assert (tmp_path / "run" / "tape.msgpack").read_bytes() == (default_run / "tape.msgpack").read_bytes()
    assert manifest(tmp_path / "run")["refused"] == {}


def test_on_several_machines_each_holds_only_its_own_files(keys: Path, keyed: Market, tmp_path: Path) -> None:
    """As after copying: a node has its pair and the broker's public key, and needs no token."""
    nodes = []
    for vpp in VPPS:
        own = tmp_path / vpp
        own.mkdir()
        for path in (secret_file(keys, vpp), public_file(keys, BROKER)):
            (own / path.name).write_bytes(path.read_bytes())
            (own / path.name).chmod(0o600)
        nodes.append(keyed.node(vpp, "--keys", own))
    ended = finish(keyed.process)
    assert (ended.returncode, [finish(node).returncode for node in nodes]) == (0, [0, 0]), ended.stderr
    # A node whose connection is slow to come about looks who is there, by a connection that breaks off.
    assert [line for line in ended.stderr.splitlines() if "refused" in line and "broke off" not in line] == []


def refused_node(process: subprocess.Popen[str]) -> str:
    """What a node says that is turned away; it must not take long."""
    since = time.monotonic()
    ended = finish(process)
    assert time.monotonic() - since < SOON_S
    assert ended.returncode == 4, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_an_unknown_key_is_refused_and_told_on_both_sides(keys: Path, keyed: Market, tmp_path: Path) -> None:
    make_keys(tmp_path / "own", ["Farm"])
    public_file(tmp_path / "own", BROKER).write_bytes(public_file(keys, BROKER).read_bytes())
    assert "the broker does not know this node's key" in refused_node(
        keyed.node("Farm", "--keys", tmp_path / "own")
    )
    key = load_node_keys(tmp_path / "own", "Farm").own.public.decode()
    refused, told = keyed.end(keys)
    assert refused["unknown_key"] >= 1
    assert told.count(f"refused: a connection from 127.0.0.1 with the unknown key {key}") == 1


def test_no_key_is_refused_and_told_on_both_sides(keys: Path, keyed: Market) -> None:
    environment = {**os.environ, "VPPMARKET_TOKEN": "0" * 32}
    flags = ("--id", "Farm", "--broker", keyed.address, "--scenario", "two_vpp")
    process = start("node", *flags, env=environment, cwd=keyed.folder.parent)
    said = refused_node(process)
    assert "the broker" in said
    assert "asks for a key; start this node with --keys DIR" in said
    refused, told = keyed.end(keys)
    assert set(refused) & {"no_key", "broken_handshake"}  # by which end saw first that the other has no key
    assert f"refused: a connection to {keyed.address} " in told


def test_the_wrong_broker_key_is_refused_and_told_on_both_sides(keys: Path, keyed: Market, tmp_path: Path) -> None:
    make_keys(tmp_path / "own", [BROKER])
    for path in (public_file(keys, "Farm"), secret_file(keys, "Farm")):
        (tmp_path / "own" / path.name).write_bytes(path.read_bytes())
        (tmp_path / "own" / path.name).chmod(0o600)
    said = refused_node(keyed.node("Farm", "--keys", tmp_path / "own"))
    assert "the broker has another key than the one in broker.key here" in said
    refused, told = keyed.end(keys)
    assert refused["wrong_broker_key"] >= 1
    assert f"refused: a connection to {keyed.address} that takes another broker's key" in told


def test_the_key_of_another_vpp_is_refused_and_told_on_both_sides(
    keys: Path, keyed: Market, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "broker.key").write_bytes(public_file(keys, BROKER).read_bytes())
    secret_file(own, "Village").write_bytes(secret_file(keys, "Farm").read_bytes())
    secret_file(own, "Village").chmod(0o600)
    assert "the key of Farm speaks for 'Village'" in refused_node(keyed.node("Village", "--keys", own))
    refused, told = keyed.end(keys)
    assert refused["wrong_key"] >= 1
    assert told.count("refused: a node called 'Village' at 127.0.0.1: the key of Farm speaks for 'Village'") == 1


def test_a_node_with_a_key_does_not_talk_to_a_broker_without(keys: Path, tmp_path: Path) -> None:
    with market(tmp_path / "run") as plain:
        assert "uses no keys" in refused_node(plain.node("Farm", "--keys", keys))


class Insider:
    """Sockets of somebody who has the key of one VPP, or the watcher's, and tries to be another."""

    def __init__(self, port: int, keys: NodeKeys) -> None:
        self._context = zmq.Context()
        self._token = token_from_key(keys.broker)
        self.control, self.inward, self.outward = (
            self._opened(kind, keys) for kind in (zmq.DEALER, zmq.XPUB, zmq.XSUB)
        )
        for offset, end in enumerate((self.control, self.inward, self.outward)):
            end.connect(f"tcp://127.0.0.1:{port + offset}")
        assert self.inward.poll(10_000), "the broker does not subscribe"

    def _opened(self, kind: int, keys: NodeKeys) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        as_client(socket, keys)
        return socket

    def say(self, sender: str, message: Message, seq: int) -> None:
        self.inward.send_multipart([b"m", encode(Envelope(1, sender, seq, message), self._token)])

    def tell(self, sender: str, message: Message) -> None:
        self.control.send(encode(Envelope(1, sender, 0, message), self._token))

    def close(self) -> None:
        self._context.destroy(linger=0)


@pytest.mark.parametrize("insider", ["Farm", "watcher"])
def test_who_has_one_key_cannot_speak_for_another_nor_hear_what_is_not_for_him(
    insider: str, keys: Path, keyed: Market, tmp_path: Path
) -> None:
    """Frames of the other VPP, well-formed and with the right token, as they would be replayed: none counts."""
    quiet = run("run", "two_vpp", "--out", tmp_path / "quiet", "--quiet")
    assert quiet.returncode == 0
    end = Insider(keyed.port, load_node_keys(keys, insider))
    try:
        end.tell("Village", Hello(1, load_scenario("two_vpp").public.digest, "", "two_vpp", "impostor"))
        assert end.control.poll(10_000), "no answer"
        assert b"speaks for 'Village'" in end.control.recv()
        end.tell("Village", Heartbeat())
        end.say("Village", Declared(declaration("Village", [1.0] * 6)), 1)
        end.say("Village", Offer(1, (4,), frozen([500.0])), 2)
        end.outward.send(b"\x01@Village")
        refused, _ = keyed.end(keys)
    finally:
        end.close()
    assert refused["wrong_key"] == 4
    assert refused["foreign_topic"] >= 1
    for table in TABLES:
        assert rows(keyed.folder, table) == without_plants(rows(tmp_path / "quiet", table))


def test_missing_keys_are_told_before_anything_starts(keys: Path, tmp_path: Path) -> None:
    lacking = tmp_path / "keys"
    lacking.mkdir(mode=0o700)
    secret_file(lacking, BROKER).write_bytes(secret_file(keys, BROKER).read_bytes())
    secret_file(lacking, BROKER).chmod(0o600)
    for arguments in (["broker", "two_vpp"], ["run", "two_vpp"]):
        ended = run(*arguments, "--keys", lacking, "--out", tmp_path / arguments[0])
        assert ended.returncode == 2
        assert "the key of Farm is needed; got no such file" in ended.stderr
        assert "the key of Village is needed" in ended.stderr
        assert "Traceback" not in ended.stderr
