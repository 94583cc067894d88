"""Claims: a node that is not let in learns at once what is wrong, or what is in its way, and so does the broker;
another user of the machine can neither join a local run nor read along.
"""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import zmq

from broker.bus.addresses import TOPIC_ALL
from market.app.runs.tokens import TOKEN_FILE
from tests.processes.command import finish, held_node, manifest, start
from tests.processes.test_hostile_frames import free_port

SOON_S = 45.0


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


# --- few descriptors --------------------------------------------------------------------------------------------


def few_descriptors(number: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def test_with_few_descriptors_nodes_get_in_among_half_open_connections(tmp_path: Path) -> None:
    """And the broker has nothing to do with those that say nothing."""
    port, folder = free_port(), tmp_path / "run"
    flags = ("--port", str(port), "--wait", "100", "--out", folder, "--quiet")
    broker = start("broker", "two_vpp", *flags, preexec_fn=few_descriptors(200))
    flood: list[socket.socket] = []
    try:
        wait_for_port(port)
        for number in range(800):
            end = socket.socket()
            end.setblocking(False)
            end.connect_ex(("127.0.0.1", port + number % 3))
            flood.append(end)
        time.sleep(2.0)
        process = psutil.Process(broker.pid)
        before = sum(process.cpu_times()[:2])
        time.sleep(3.0)
        assert sum(process.cpu_times()[:2]) - before < 1.0
        assert process.num_fds() < 200
        token = folder / TOKEN_FILE
        nodes = [
            start(
                *("node", "--id", vpp, "--scenario", "two_vpp", "--broker", f"tcp://127.0.0.1:{port}"),
                *("--token-file", token, "--out", tmp_path / vpp),
            )
            for vpp in ("Farm", "Village")
        ]
        ended = finish(broker)
        assert [finish(node).returncode for node in nodes] == [0, 0]
        assert ended.returncode == 0, ended.stderr
        assert manifest(folder)["refused"]["too_many_connections"] > 500
        assert ended.stderr.count("refused: connections from this machine beyond 72") == 1
    finally:
        for end in flood:
            end.close()
        if broker.poll() is None:
            broker.kill()
            broker.communicate()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("number", [24, 40, 64, 100])
def test_too_few_descriptors_are_told_in_words(number: int, tmp_path: Path) -> None:
    for command in (("broker", "two_vpp", "--wait", "5"), ("run",)):
        ended = finish(start(*command, "--out", tmp_path / command[0], preexec_fn=few_descriptors(number)))
        assert ended.returncode == 4, ended.stderr
        assert "Traceback" not in ended.stderr
        assert "ulimit -n" in ended.stderr


def wait_for_port(port: int) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port + 2), 1.0):
            return
        time.sleep(0.05)
    raise AssertionError("nobody listens")
