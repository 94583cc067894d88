"""A market as people start it: a broker and its nodes, each a process of its own, on some ground.

The ground says where each side runs and where nodes look for the broker, which is where the broker listens or
something between the two. Every process is ours, waited for with a limit, and ended by its id.
"""

from __future__ import annotations

import csv
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from broker.tape import TAPE_NAME

COMMAND = Path(sys.executable).parent / "vppmarket"
TOKEN_VARIABLE = "VPPMARKET_TOKEN"
START_S = 40.0
LIMIT_S = 120.0
FAREWELL_S = 20.0
POLL_S = 0.005
LISTENS = "0A"  # as the kernel's table has it
PORTS = (20_000, 32_000)  # below those that the system gives to outgoing connections


@dataclass(frozen=True, slots=True)
class Setup:
    """What a market is started with; `{vpp}` in what a node is given stands for its VPP.

    node_scenario : what a node is given, if not what the broker is · label : in a table
    wait_s : how long all nodes may take to join
    """

    scenario: str
    vpps: tuple[str, ...]
    flags: tuple[str, ...] = ()
    node_flags: tuple[str, ...] = ()
    node_scenario: str = ""
    wait_s: float = 40.0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the broker listens and nodes look for it, and what goes before the command of each side."""

    broker_host: str
    seen_host: str
    broker_prefix: tuple[str, ...] = ()
    node_prefix: tuple[str, ...] = ()


TWO = Setup("two_vpp", ("Farm", "Village"))
FIVE = Setup("five_vpp", tuple(f"VPP{i}" for i in range(1, 6)))


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What comes of a market when nothing happens to it."""

    offers: tuple[tuple[str, ...], ...]
    tape_bytes: int


@dataclass(frozen=True, slots=True)
class MarketExit:
    """How a market ended: exit codes (None: it had to be ended), what was said, what was offered, and when."""

    broker: int | None
    nodes: tuple[int | None, ...]
    said: str
    offers: tuple[tuple[str, ...], ...]
    took_s: float

    def fault(self, wanted: Undisturbed) -> str:
        """What is wrong with it; empty if it ended as undisturbed, offers equal to the last digit."""
        if self.broker is None:
            return f"the broker still ran after {self.took_s:.0f} s"
        if self.broker:
            return f"the broker ended with {self.broker}: {_last_words(self.said)}"
        if self.offers != wanted.offers:
            return "other offers than undisturbed"
        return "" if not any(self.nodes) and None not in self.nodes else f"the nodes ended with {self.nodes}"


def _last_words(said: str) -> str:
    """Of the broker, whose output comes first."""
    lines = said.partition("\n[")[0].splitlines()
    return ([line for line in lines if "error" in line] or lines or [""])[-1]


def offers_of(folder: Path) -> tuple[tuple[str, ...], ...]:
    """The offers of a run, as they are written; nothing where there are none."""
    path = folder / "offers.csv"
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(tuple(row) for row in csv.reader(file))


def undisturbed(setup: Setup, folder: Path) -> Undisturbed:
    """The same market without trouble, all on this machine; network conditions do not change its offers."""
    command: list[str | Path] = [COMMAND, "run", setup.scenario, "--audit", "totals", "--quiet", "--out", folder]
    subprocess.run(command, check=True, timeout=LIMIT_S, stdout=subprocess.DEVNULL)
    return Undisturbed(offers_of(folder), (folder / TAPE_NAME).stat().st_size)


def three_free_ports(hosts: Sequence[str]) -> int:
    """The first of three ports that are free at all these addresses now."""
    chance = Random(secrets.randbits(64))
    for _ in range(1000):
        first = chance.randrange(*PORTS)
        if all(_is_free(host, first + offset) for host in hosts for offset in range(3)):
            return first
    raise OSError("no three free ports in a row")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind((host, port))
        return True
    return False


class StartedMarket:
    """A market under way, as a context manager: what still runs at its end is ended."""

    def __init__(self, setup: Setup, folder: Path, ground: Ground, port: int) -> None:
        self.setup = setup
        self.folder = folder / "run"
        self.port = port
        self.token = secrets.token_hex(16)
        self.broker: subprocess.Popen[bytes] | None = None
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment: dict[str, str] = {}
        self._scratch = folder
        self._ground = ground
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes():
            if process.poll() is None:
                process.kill()
            process.wait()

    # --- who takes part ---

    def open(self, *flags: str | Path) -> None:
        """Start the broker, with the market's flags or, to take up a run, with others; wait until it listens."""
        first = flags or (self.setup.scenario, "--out", self.folder, *self.setup.flags)
        where = ("--host", self._ground.broker_host, "--insecure", "--port", str(self.port))
        flags = (*first, *where, "--quiet", "--wait", f"{self.setup.wait_s:g}")
        self.broker = self._start("broker", [*self._ground.broker_prefix, COMMAND, "broker", *flags])
        deadline = time.monotonic() + START_S
        while self.broker.poll() is None and not _listens(self.broker.pid, self.port):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the broker does not listen: {self.said('broker')}")
            time.sleep(POLL_S)

    def join(self) -> None:
        """Start every node."""
        for vpp in self.setup.vpps:
            self.start_node(vpp)

    def start_node(self, vpp: str) -> None:
        """Start one node."""
        broker = f"tcp://{self._ground.seen_host}:{self.port}"
        scenario = self.setup.node_scenario or self.setup.scenario
        given = (flag.format(vpp=vpp) for flag in ("--scenario", scenario, *self.setup.node_flags))
        flags = ("--id", vpp, "--broker", broker, *given)
        self.nodes[vpp] = self._start(vpp, [*self._ground.node_prefix, COMMAND, "node", *flags])

    def _start(self, name: str, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        with (self._scratch / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._scratch,
                env={**os.environ, TOKEN_VARIABLE: self.token, **self.environment},
            )

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in (self.broker, *self.nodes.values()) if process is not None]

    # --- how far it is ---

    def tape_bytes(self) -> int:
        """How long the tape is."""
        path = self.folder / TAPE_NAME
        return path.stat().st_size if path.exists() else 0

    def said(self, name: str) -> str:
        """What a process has printed."""
        path = self._scratch / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def await_tape(self, size_bytes: int, limit_s: float = LIMIT_S) -> bool:
        """Wait until the tape is so long; False if the broker ends before."""
        assert self.broker is not None
        deadline = time.monotonic() + limit_s
        while self.tape_bytes() < size_bytes:
            if self.broker.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def end(self, limit_s: float = LIMIT_S) -> MarketExit:
        """Wait for the end of the broker, then of the nodes, not for ever."""
        assert self.broker is not None
        took_s = self._await([self.broker], limit_s)
        self._await([*self.nodes.values()], FAREWELL_S if self.broker.poll() is not None else 0.0)
        said = "".join(f"[{name}]\n{self.said(name)}" for name in ("broker", *self.nodes))
        codes = [process.poll() for process in (self.broker, *self.nodes.values())]
        return MarketExit(codes[0], tuple(codes[1:]), said, offers_of(self.folder), took_s)

    def _await(self, processes: Sequence[subprocess.Popen[bytes]], limit_s: float) -> float:
        since = time.monotonic()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, since + limit_s - time.monotonic()))
        return time.monotonic() - since

    def kill_broker(self) -> None:
        """The broker dies."""
        assert self.broker is not None
        self.broker.send_signal(signal.SIGKILL)
        self.broker.wait()


def _listens(process_id: int, port: int) -> bool:
    """Whether anybody listens at the last of the three ports, where a process is."""
    with suppress(OSError):
        table = Path(f"/proc/{process_id}/net/tcp").read_text(encoding="ascii")
        rows = [line.split()[1:4] for line in table.splitlines()[1:]]
        return any(row[0].endswith(f":{port + 2:04X}") and row[2] == LISTENS for row in rows)
    return False
