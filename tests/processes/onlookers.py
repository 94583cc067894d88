"""Intruders who try to read a market that is none of theirs: at its sockets, and at its processes.

Whatever they get hold of is kept, for somebody else to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgpack
import psutil
import zmq

from broker.bus.addresses import TOPIC_ALL, inbox_topic, ready_topic
from broker.bus.keys import WATCHER, NodeKeys, as_client
from broker.wire.frames import Envelope, encode
from broker.wire.messages import BROKER, Hello, Message, Watch

KINDS: tuple[zmq.SocketType, ...] = (zmq.DEALER, zmq.XPUB, zmq.SUB)


class AtTheSockets:
    """Somebody connected to all three ports, with a key or without, who asks for the tape and hears what there is.

    heard : every frame that came · name : whom it says it is
    """

    def __init__(
        self, host: str, port: int, roster: Sequence[str], name: str, keys: NodeKeys | None = None
    ) -> None:
        self.heard: list[bytes] = []
        self.name = name
        self._context = zmq.Context()
        self._control, self._inward, self._outward = (self._opened(kind, keys) for kind in KINDS)
        for who in (*roster, WATCHER, BROKER):
            for topic in (inbox_topic(who), ready_topic(who)):
                if keys is None or who == name:  # the connection of whoever asks for more is ended
                    self._outward.subscribe(topic)
        self._outward.subscribe(TOPIC_ALL)
        for offset, end in enumerate((self._control, self._inward, self._outward)):
            end.connect(f"tcp://{host}:{port + offset}")

    def _opened(self, kind: zmq.SocketType, keys: NodeKeys | None) -> zmq.Socket[bytes]:
        end = self._context.socket(kind)
        end.setsockopt(zmq.LINGER, 0)
        as_client(end, keys)
        return end

    def everything_wanted(self) -> None:
        """Subscribe to everything, which ends the connection where that is not allowed."""
        self._outward.subscribe(b"")

    def ask(self, token: bytes, *more: Message, from_byte: int = 0) -> None:
        """Ask for the tape, and whatever else."""
        for message in (Watch(from_byte), *more):
            with suppress(zmq.Again):
                self._control.send(encode(Envelope(1, self.name, 0, message), token), zmq.NOBLOCK)

    def ask_to_join(self, token: bytes) -> None:
        """Ask for the tape, and for a place."""
        self.ask(token, Hello(1, "0" * 64, "", "", "an onlooker"))

    def hear(self) -> None:
        """Take what has come."""
        for end in (self._control, self._outward, self._inward):
            with suppress(zmq.Again):
                while True:
                    self.heard += end.recv_multipart(zmq.NOBLOCK)

    def tokens(self) -> set[bytes]:
        """The tokens in the frames that were heard: without keys they travel in clear."""
        found = set[bytes]()
        for frame in self.heard:
            with suppress(ValueError, msgpack.UnpackException):
                parts = msgpack.unpackb(frame)
                if isinstance(parts, list) and len(parts) == 7 and isinstance(parts[1], bytes):
                    found.add(parts[1])
        return found

    def pieces(self) -> bytes:
        """What it was shown of the tape, in the order in which it came."""
        shown = b""
        for frame in self.heard:
            with suppress(ValueError, msgpack.UnpackException):
                parts = msgpack.unpackb(frame)
                if isinstance(parts, list) and len(parts) == 7 and parts[5] == "Watched":
                    start, piece = parts[6][0], parts[6][1]
                    shown = shown[:start] + piece
        return shown

    def close(self) -> None:
        """Go."""
        self._context.destroy(linger=0)


class AtTheProcesses:
    """Somebody on the machine who reads what the system tells of processes, and the files they leave about."""

    def __init__(self, temporary: Path) -> None:
        self.seen: dict[str, bytes] = {}
        self._temporary = temporary

    def look(self, roots: Iterable[int]) -> None:
        """Read command lines and environments of these processes and all below them, and temporary files."""
        for root in roots:
            with suppress(psutil.Error):
                process = psutil.Process(root)
                for each in (process, *process.children(recursive=True)):
                    self._read(each.pid)
        for path in self._temporary.rglob("*"):
            with suppress(OSError):
                if path.is_file():
                    self._add(f"temporary {path.name}", path.read_bytes())

    def _read(self, process_id: int) -> None:
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                self._add(f"{name} of {process_id}", Path(f"/proc/{process_id}/{name}").read_bytes())

    def _add(self, name: str, data: bytes) -> None:
        if data not in self.seen.get(name, b""):
            self.seen[name] = self.seen.get(name, b"") + b"\n" + data
