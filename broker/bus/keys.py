"""The keys of a market: CURVE key pairs, the files they are kept in, and the owner of each.

A folder of keys holds `NAME.key`, which is public, for the broker, for each VPP and for a watcher; and
`NAME.key_secret`, which only its owner has and only its owner can read. The public files in the broker's folder
are its allow-list: who connects with the key in `VPP1.key` is VPP1, and can be nobody else.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.auth import create_certificates, load_certificate

from broker.wire.messages import BROKER
from market.errors import Fault, RunError, ScenarioError
from market.system_fault import reason_and_remedy, reason_of

WATCHER = "watcher"
"""The owner of a key that may look on, and be no VPP."""

_FOLDER_MODE, _PUBLIC_MODE, _SECRET_MODE = 0o700, 0o644, 0o600
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A public key and its secret, each 40 printable bytes (Z85)."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BrokerKeys:
    """What a broker needs: its own pair, and whose each public key is.

    speaks_for : by owner, whose nodes speak with its key, where they share a process that one person started
    """

    own: KeyPair
    owners: Mapping[bytes, str]
    speaks_for: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """What a node or a watcher needs: its own pair, and the broker's public key."""

    own: KeyPair
    broker: bytes


def public_file(folder: Path, name: str) -> Path:
    """Where the public key of an owner is kept."""
    return folder / f"{name}.key"


def secret_file(folder: Path, name: str) -> Path:
    """Where the pair of an owner is kept."""
    return folder / f"{name}.key_secret"


def make_keys(folder: Path, names: Sequence[str]) -> None:
    """Make a pair for each name; ScenarioError, and nothing written, if a key is there already."""
    remedy = "choose another folder, or remove this name's two files and pass the new key on to whom it concerns"
    faults = [
        Fault("a key is never overwritten", f"a key of {name}", str(public_file(folder, name)), remedy)
        for name in names
        if os.path.exists(public_file(folder, name)) or os.path.exists(secret_file(folder, name))
    ]
    if faults:
        raise ScenarioError(faults)
    with _failure_explained(folder):
        if not os.path.exists(folder):
            folder.mkdir(parents=True, mode=_FOLDER_MODE)
        elif folder.stat().st_mode & _OTHERS:
            raise ScenarioError([_open_to_others(folder, _FOLDER_MODE)])
        with _for_owner_only():
            for name in names:
                create_certificates(folder, name)
                public_file(folder, name).chmod(_PUBLIC_MODE)


def fresh_keys(names: Sequence[str]) -> tuple[BrokerKeys, dict[str, NodeKeys]]:
    """Keys made in memory, for a market whose processes get them from the one that starts them.

    They are the broker's, and those of each name, e.g. of all VPPs and a watcher.
    """
    own = _fresh_pair()
    pairs = {name: _fresh_pair() for name in names}
    owners = {pair.public: name for name, pair in pairs.items()}
    return BrokerKeys(own, owners), {name: NodeKeys(pair, own.public) for name, pair in pairs.items()}


def _fresh_pair() -> KeyPair:
    return KeyPair(*zmq.curve_keypair())


def write_node_keys(folder: Path, name: str, keys: NodeKeys) -> None:
    """Leave keys that were made in memory in a folder, as `load_node_keys` reads them; RunError if that fails."""
    try:
        with _for_owner_only():
            folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            folder.chmod(_FOLDER_MODE)
            _write(public_file(folder, BROKER), keys.broker, None)
            _write(public_file(folder, name), keys.own.public, None)
            _write(secret_file(folder, name), keys.own.public, keys.own.secret)
    except OSError as error:
        raise RunError(f"{folder}: keys cannot be left there: {reason_and_remedy(error)}") from None


def load_broker_keys(folder: Path, vpps: Sequence[str]) -> BrokerKeys:
    """The broker's pair and the keys of all its VPPs, and of a watcher if there is one; else every fault."""
    _check_folder(folder)
    faults: list[Fault] = []
    own = _pair(folder, BROKER, faults)
    watchers = [WATCHER] if os.path.exists(public_file(folder, WATCHER)) else []
    owners: dict[bytes, str] = {}
    for name in (*vpps, *watchers):
        key = _public(public_file(folder, name), faults)
        if key in owners:
            rule, remedy = "a key belongs to one owner", f"make another key for {name}"
            faults.append(Fault(rule, f"the key of {owners[key]}", str(public_file(folder, name)), remedy))
        elif key is not None:
            owners[key] = name
    if faults or own is None:
        raise ScenarioError(faults)
    return BrokerKeys(own, owners)


def load_node_keys(folder: Path, name: str) -> NodeKeys:
    """The pair of a VPP or a watcher, and the broker's public key; else every fault."""
    _check_folder(folder)
    faults: list[Fault] = []
    own, broker = _pair(folder, name, faults), _public(public_file(folder, BROKER), faults)
    if faults or own is None or broker is None:
        raise ScenarioError(faults)
    return NodeKeys(own, broker)


def as_server(socket: zmq.Socket[bytes], keys: BrokerKeys | None) -> None:
    """Let in only who has one of the keys; without a keeper of the door nobody is let in at all."""
    if keys is not None:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.own.secret)
        socket.setsockopt(zmq.ZAP_DOMAIN, b"vppmarket")
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def as_client(socket: zmq.Socket[bytes], keys: NodeKeys | None) -> None:
    """Connect with a key, and to nobody but the broker whose key is known."""
    if keys is not None:
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.own.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.own.secret)
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.broker)


# --- files ---


def _check_folder(folder: Path) -> None:
    if not os.path.isdir(folder):  # unlike Path.is_dir, never raises
        value = "something else" if os.path.exists(folder) else "no such folder"
        raise ScenarioError([Fault("keys are in a folder", value, str(folder), "make it: vppmarket keys")])


def _pair(folder: Path, name: str, faults: list[Fault]) -> KeyPair | None:
    path = secret_file(folder, name)
    try:
        if path.stat().st_mode & _OTHERS:
            faults.append(_open_to_others(path, _SECRET_MODE))
            return None
        public, secret = load_certificate(path)
        if secret is not None and zmq.curve_public(secret) == public:
            return KeyPair(public, secret)
    except OSError as error:
        faults.append(_unreadable(path, error, name))
        return None
    except (ValueError, zmq.ZMQError):
        pass
    faults.append(Fault("must hold a key pair", "something else", str(path), "copy it anew, or make new keys"))
    return None


def _public(path: Path, faults: list[Fault]) -> bytes | None:
    try:
        path.stat()  # its own words for what is not there are better
        key, _ = load_certificate(path)
        if len(key) == 40 and key.isascii():
            return key
    except OSError as error:
        faults.append(_unreadable(path, error, path.stem))
        return None
    except ValueError:
        pass
    faults.append(Fault("must hold a public key", "something else", str(path), "copy it anew from its owner"))
    return None


def _write(path: Path, public: bytes, secret: bytes | None) -> None:
    """A file of ZeroMQ's own form; it appears in one step, with its rights."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    lines = ["metadata", "curve", f'    public-key = "{public.decode()}"']
    lines += [] if secret is None else [f'    secret-key = "{secret.decode()}"']
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET_MODE), "w") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(part, path)


def _unreadable(path: Path, error: OSError, name: str) -> Fault:
    remedy = "copy it there, or use vppmarket keys"
    return Fault(f"the key of {name} is needed", reason_of(error), str(path), remedy)


def _open_to_others(path: Path, mode: int) -> Fault:
    found = f"mode {path.stat().st_mode & 0o777:04o}"
    remedy = f"chmod {mode:o} {shlex.quote(str(path.absolute()))}"
    return Fault("must be closed to all but its owner", found, str(path), remedy)


@contextmanager
def _failure_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fault = Fault(
            "keys must be written there", reason_of(error), str(error.filename or folder), "choose another folder"
        )
        raise ScenarioError([fault]) from None


@contextmanager
def _for_owner_only() -> Iterator[None]:
    """Files made inside can be read by their owner alone from the first moment on."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)
