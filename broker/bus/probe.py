"""Probes who listens at an address: a plain connection, the first bytes of the transport, and away again.

The transport tells a program only that a connection did not come about. A greeting of its protocol (ZMTP 3) begins
with a signature of 10 bytes and a version; the name of the mechanism follows at byte 12, for which the other side
waits only for our signature and version.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import StrEnum

from broker.bus.addresses import host_of, port_of
from broker.wire.limits import PROBE_WITHIN_S

_SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"
_MECHANISM = slice(12, 32)


class Found(StrEnum):
    """Who is at an address."""

    WITHOUT_KEYS = "without keys"
    WITH_KEYS = "with keys"
    HUNG_UP = "hung up"  # taken, and closed without a word
    SILENT = "silent"  # taken, and nothing said
    STRANGER = "stranger"  # something said, in another protocol
    NOBODY = "nobody"  # refused: no program listens
    NO_ANSWER = "no answer"
    NO_NAME = "no name"
    NO_WAY = "no way"


class Probe:
    """One look, in a thread of its own: a name may take long to be found. `found` is None until it is over."""

    def __init__(self, address: str) -> None:
        self.found: Found | None = None
        self._address = address
        threading.Thread(target=self._run, name="probe", daemon=True).start()

    def _run(self) -> None:
        self.found = probe(host_of(self._address).strip("[]"), port_of(self._address), PROBE_WITHIN_S)


def probe(host: str, port: int, within_s: float) -> Found:
    """Who is there; each step of the way may take so long."""
    try:
        with socket.create_connection((host, port), within_s) as connection:
            return _mechanism(_greeting(connection))
    except socket.gaierror:
        return Found.NO_NAME
    except ConnectionRefusedError:
        return Found.NOBODY
    except TimeoutError:
        return Found.NO_ANSWER
    except (OSError, UnicodeError):
        return Found.NO_WAY


def _greeting(connection: socket.socket) -> bytes | None:
    """What is said to somebody who speaks our protocol, None if nothing is; empty where the line is cut."""
    said = b""
    with suppress(ConnectionError):
        connection.sendall(_SIGNATURE + b"\x03")
        while len(said) < _MECHANISM.stop:
            try:
                more = connection.recv(64)
            except TimeoutError:
                return said or None
            if not more:
                break
            said += more
    return said


def _mechanism(greeting: bytes | None) -> Found:
    if greeting is None:
        return Found.SILENT
    if not greeting:
        return Found.HUNG_UP
    names = {b"NULL": Found.WITHOUT_KEYS, b"CURVE": Found.WITH_KEYS}
    is_greeting = len(greeting) >= _MECHANISM.stop and greeting[:1] == b"\xff" and greeting[9:10] == b"\x7f"
    return names.get(greeting[_MECHANISM].rstrip(b"\0"), Found.STRANGER) if is_greeting else Found.STRANGER
