"""Claims: keys are made with closed secrets and never overwritten; of bad ones every fault is told."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from broker.bus.authentication import judged
from broker.bus.keys import (
    WATCHER,
    fresh_keys,
    load_broker_keys,
    load_node_keys,
    make_keys,
    public_file,
    secret_file,
    write_node_keys,
)
from broker.wire.messages import BROKER
from market.errors import ScenarioError

NAMES = (BROKER, "A", "B", WATCHER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keys of a market of two."""
    make_keys(tmp_path / "keys", NAMES)
    return tmp_path / "keys"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def faults_of(error: ScenarioError) -> list[tuple[str, str]]:
    return [(Path(fault.place).name, fault.rule) for fault in error.faults]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_secrets_are_closed_and_public_keys_open_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        make_keys(tmp_path / "keys", NAMES)
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys") == 0o700
    for name in NAMES:
        assert mode(secret_file(tmp_path / "keys", name)) == 0o600
        assert mode(public_file(tmp_path / "keys", name)) == 0o644
        assert b"secret-key" not in public_file(tmp_path / "keys", name).read_bytes()


def test_what_is_made_is_loaded_again_and_every_owner_has_a_key_of_his_own(folder: Path) -> None:
    broker = load_broker_keys(folder, ["A", "B"])
    assert sorted(broker.owners.values()) == ["A", "B", WATCHER]
    for name in ("A", "B", WATCHER):
        node = load_node_keys(folder, name)
        assert node.broker == broker.own.public
        assert broker.owners[node.own.public] == name
        assert zmq.curve_public(node.own.secret) == node.own.public


def test_a_secret_is_not_shown(folder: Path) -> None:
    keys = load_node_keys(folder, "A")
    assert keys.own.secret.decode() not in repr(keys)


def test_a_broker_needs_no_secret_but_its_own_and_no_watcher(folder: Path) -> None:
    for name in ("A", "B", WATCHER):
        secret_file(folder, name).unlink()
    public_file(folder, WATCHER).unlink()
    assert sorted(load_broker_keys(folder, ["A", "B"]).owners.values()) == ["A", "B"]


def test_a_node_needs_no_key_of_another_node(folder: Path) -> None:
    for path in folder.iterdir():
        if path not in (secret_file(folder, "A"), public_file(folder, BROKER)):
            path.unlink()
    assert load_node_keys(folder, "A").own.public


def test_keys_are_not_overwritten(folder: Path) -> None:
    held = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ScenarioError) as caught:
        make_keys(folder, ["C", "A", "B"])
    assert faults_of(caught.value) == [
        ("A.key", "a key is never overwritten"),
        ("B.key", "a key is never overwritten"),
    ]
    assert {path: path.read_bytes() for path in folder.iterdir()} == held
    make_keys(folder, ["C"])
    assert load_node_keys(folder, "C").own.public


def test_an_open_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ScenarioError, match=r"closed to all but its owner; got mode 0755; chmod 700"):
        make_keys(tmp_path, ["A"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScenarioError, match="keys must be written there"):
        make_keys(tmp_path / "file" / "keys", ["A"])


@pytest.mark.parametrize("others", [0o640, 0o604, 0o620, 0o644, 0o601])
def test_a_secret_that_others_can_reach_is_refused(others: int, folder: Path) -> None:
    for name in (BROKER, "A"):
        secret_file(folder, name).chmod(others)
    with pytest.raises(ScenarioError, match=f"got mode {others:04o}; chmod 600"):
        load_broker_keys(folder, ["A", "B"])
    with pytest.raises(ScenarioError, match=f"got mode {others:04o}; chmod 600"):
        load_node_keys(folder, "A")


def test_every_fault_is_told_at_once(folder: Path) -> None:
    secret_file(folder, BROKER).chmod(0o644)
    public_file(folder, "A").unlink()
    public_file(folder, "B").write_text("public-key = short")
    public_file(folder, WATCHER).write_bytes(os.urandom(100))
    with pytest.raises(ScenarioError) as caught:
        load_broker_keys(folder, ["A", "B"])
    assert faults_of(caught.value) == [
        ("broker.key_secret", "must be closed to all but its owner"),
        ("A.key", "the key of A is needed"),
        ("B.key", "must hold a public key"),
        ("watcher.key", "must hold a public key"),
    ]


def test_one_key_for_two_is_refused(folder: Path) -> None:
    public_file(folder, "B").write_bytes(public_file(folder, "A").read_bytes())
    with pytest.raises(ScenarioError, match=r"a key belongs to one owner; got the key of A; .* for B"):
        load_broker_keys(folder, ["A", "B"])


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"public-key = x\nsecret-key = y\n"])
def test_what_is_no_pair_is_refused(content: bytes, folder: Path) -> None:
    secret_file(folder, "A").write_bytes(content)
    with pytest.raises(ScenarioError, match="must hold a key pair"):
        load_node_keys(folder, "A")


def test_a_secret_of_another_public_key_is_refused(folder: Path) -> None:
    own, other = load_node_keys(folder, "A").own, load_node_keys(folder, "B").own
    text = secret_file(folder, "A").read_bytes()
    secret_file(folder, "A").write_bytes(text.replace(own.secret, other.secret))
    with pytest.raises(ScenarioError, match="must hold a key pair"):
        load_node_keys(folder, "A")


def test_keys_made_in_memory_are_everybodys_own_and_can_be_left_in_a_folder(tmp_path: Path) -> None:
    broker, nodes = fresh_keys(["A", "B", WATCHER])
    other, _ = fresh_keys(["A"])
    assert other.own != broker.own
    assert {name: broker.owners[keys.own.public] for name, keys in nodes.items()} == {n: n for n in nodes}
    assert len(broker.owners) == 3
    before = os.umask(0o000)
    try:
        write_node_keys(tmp_path / "watch", WATCHER, nodes[WATCHER])
        write_node_keys(tmp_path / "watch", WATCHER, nodes[WATCHER])  # a run that is taken up has new ones
    finally:
        os.umask(before)
    assert load_node_keys(tmp_path / "watch", WATCHER) == nodes[WATCHER]
    assert mode(tmp_path / "watch") == 0o700
    assert {mode(path) for path in (tmp_path / "watch").iterdir()} == {0o600}


def request(mechanism: bytes, *credentials: bytes) -> list[bytes]:
    return [b"1.0", b"7", b"vppmarket", b"192.0.2.1", b"", mechanism, *credentials]


def test_the_doorkeeper_knows_whose_a_key_is(folder: Path) -> None:
    owners = load_broker_keys(folder, ["A", "B"]).owners
    reply, turned_away = judged(request(b"CURVE", z85.decode(load_node_keys(folder, "B").own.public)), owners)
    assert reply == [b"1.0", b"7", b"200", b"OK", b"B", b""]
    assert turned_away is None


@pytest.mark.parametrize(
    ("mechanism", "credentials"),
    [
        (b"CURVE", (bytes(32),)),
        (b"CURVE", (b"short",)),
        (b"CURVE", ()),
        (b"NULL", ()),
        (b"PLAIN", (b"A", b"password")),
    ],
)
def test_the_doorkeeper_turns_everybody_else_away(
    mechanism: bytes, credentials: tuple[bytes, ...], folder: Path
) -> None:
    owners = load_broker_keys(folder, ["A", "B"]).owners
    reply, turned_away = judged(request(mechanism, *credentials), owners)
    assert reply == [b"1.0", b"7", b"400", b"unknown key", b"", b""]
    assert turned_away is not None
    assert turned_away.reason == "unknown_key"
    assert "from 192.0.2.1" in turned_away.story
