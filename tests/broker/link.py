"""A link between two ends of TCP that tests break: it carries, swallows without a word, or hangs up."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import StrEnum


class Mode(StrEnum):
    """What a link does with connections and with what is sent on them."""

    CARRY = "carry"
    SWALLOW = "swallow"  # connections stand, and nothing arrives any more
    HANG_UP = "hang up"  # connections are taken and closed at once


class Link:
    """Listens on a free port for what is meant for another one. Connections that swallow once do so for ever."""

    def __init__(self, target_port: int, mode: Mode = Mode.CARRY) -> None:
        self.mode = mode
        self.taken = 0
        self._target = target_port
        self._deaf: set[socket.socket] = set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """From now on nothing arrives on the connections that stand; new ones are carried."""
        self._deaf.update(end for pair in self._pairs for end in pair)

    def close(self) -> None:
        """End it all."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in (end for pair in self._pairs for end in pair):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.taken += 1
                if self.mode is Mode.HANG_UP:
                    near.close()
                    continue
                self._join(near)

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target), 5.0)
        except OSError:
            near.close()
            return
        self._pairs.append((near, far))
        if self.mode is Mode.SWALLOW:
            self._deaf.update((near, far))
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if source not in self._deaf:
                    sink.sendall(data)
            if source not in self._deaf:
                sink.shutdown(socket.SHUT_WR)
