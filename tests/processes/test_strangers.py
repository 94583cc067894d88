"""Claims: a node that is not let in learns at once what is wrong, or what is in its way, and so does the broker;
another user of the machine can neither join a local run nor read along.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import zmq

from broker.bus.addresses import TOPIC_ALL
from market.app.tokens import TOKEN_FILE
from tests.processes.command import finish, held_node, manifest, start
from tests.processes.test_hostile_frames import free_port

SOON_S = 12.0


def node(address: str, *flags: str | Path, token: str | None = None) -> tuple[int, str, float]:
    """What a node of the small case comes to: its exit code, what it says, and how long that takes."""
    since = time.monotonic()
    environment = dict(os.environ) | ({"VPPMARKET_TOKEN": token} if token else {})
    command = ("node", "--id", "Farm", "--scenario", "two_vpp", "--broker", address, *flags)
    ended = finish(start(*command, env=environment))
    return ended.returncode, ended.stderr, time.monotonic() - since


def listening_ports(command: int) -> list[int]:
    """The ports on which a process listens."""
    found = psutil.Process(command).net_connections("tcp")
    return sorted(port.laddr.port for port in found if port.status == psutil.CONN_LISTEN)


def test_a_wrong_token_is_told_at_once_on_both_sides(tmp_path: Path) -> None:
    port = free_port()
    broker = start("broker", "two_vpp", "--port", str(port), "--wait", "40", "--out", tmp_path / "run", "--quiet")
    try:
        for attempt in ("one", "two"):
            code, said, took_s = node(f"tcp://127.0.0.1:{port}", "--out", tmp_path / attempt, token="0" * 32)
            assert (code, took_s < SOON_S) == (4, True), said
            assert "the token is not this run's; take it anew from the broker's run folder" in said
            assert (tmp_path / "run" / TOKEN_FILE).read_text().strip() not in said
    finally:
        broker.terminate()
        told = finish(broker).stderr
    assert told.count("refused: a node called 'Farm' at 127.0.0.1: the token is not this run's") == 1


def test_a_port_on_which_nobody_listens_is_told_apart_from_a_wrong_token(tmp_path: Path) -> None:
    port = free_port()
    code, said, _ = node(f"tcp://127.0.0.1:{port}", "--wait", "4", "--out", tmp_path / "node", token="0" * 32)
    assert code == 4
    assert f"tcp://127.0.0.1:{port}: nobody listens there" in said
    assert "token" not in said


def test_another_user_of_the_machine_hears_and_sees_nothing_of_a_plain_run(tmp_path: Path) -> None:
    """He connects to every port that the run listens on, as a member, a listener and a viewer would."""
    process = start("run", "two_vpp", "--out", tmp_path / "run", "--quiet")
    with held_node(process, among=2) as held:
        ports = listening_ports(process.pid)
        assert len(ports) == 3
        context = zmq.Context()
        ends = []
        for port in ports:
            for kind in (zmq.SUB, zmq.XSUB, zmq.DEALER):
                end = context.socket(kind)
                end.setsockopt(zmq.LINGER, 0)
                if kind == zmq.SUB:
                    end.subscribe(b"")
                elif kind == zmq.XSUB:
                    end.send(b"\x01" + TOPIC_ALL)
                end.connect(f"tcp://127.0.0.1:{port}")
                if kind == zmq.DEALER:
                    end.send(b"hello", zmq.NOBLOCK)
                ends.append(end)
        held.resume()
        ended = finish(process)
        heard = [end.recv_multipart() for end in ends if end.poll(0)]
        context.destroy(linger=0)
    assert ended.returncode == 0, ended.stderr
    assert heard == []
    assert set(manifest(tmp_path / "run")["refused"]) <= {"no_key", "broken_handshake", "unknown_key"}
    assert manifest(tmp_path / "run")["refused"]
