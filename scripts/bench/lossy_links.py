"""Tries a lossy network: a broker and its nodes in two network namespaces whose link loses packets.

A fifth of all packets is lost in each direction; the kernel's own TCP sends them again. `--down SECONDS` takes the
link down in mid-trade besides. Every run has to end in the undisturbed offers within five minutes, with who falls
silent waited for. Needs root, `ip`, and netem or nft; where they are missing it says so, and a proxy holds pieces
of the streams back instead. Prints a table; exit code 1 if a run ended otherwise.

    python scripts/bench/lossy_links.py [--scenario two_vpp|five_vpp] [--runs N] [--loss PERCENT] [--down SECONDS]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[2]))  # started as a file, it finds the modules beside it all the same

from scripts.bench.lost_messages import SETUPS, table
from scripts.bench.network_blows import TIMES, BlowTrial, tried, with_flags
from scripts.bench.started_market import Ground, Setup, StartedMarket, Undisturbed, undisturbed

LIMIT_S = 300.0
BROKER_HOST, NODE_HOST = "10.99.7.1", "10.99.7.2"
PORT = 5555  # in a namespace of its own


class Unable(Exception):
    """This machine does not let us lose packets."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Two namespaces and the link between them, by the names of its two ends."""

    broker: str
    nodes: str
    broker_end: str
    node_end: str

    def ground(self) -> Ground:
        """The broker in one of them, the nodes in the other."""
        inside = ("ip", "netns", "exec")
        return Ground(BROKER_HOST, BROKER_HOST, (*inside, self.broker), (*inside, self.nodes))

    def set(self, up: bool) -> None:
        """Take the link up or down."""
        _ran("ip", "-n", self.nodes, "link", "set", self.node_end, "up" if up else "down")


def _ran(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        raise Unable(f"there is no {command[0]} here") from None
    except subprocess.CalledProcessError as error:
        raise Unable(f"`{' '.join(command)}`: {error.stderr.strip()}") from None


@contextmanager
def tunnel(loss_percent: float) -> Iterator[Tunnel]:
    """Two namespaces of our own whose link loses packets both ways; gone at the end. Raises Unable."""
    name = f"vm{os.getpid()}"
    made = Tunnel(f"{name}b", f"{name}n", f"{name}x", f"{name}y")
    sides = ((made.broker, made.broker_end, BROKER_HOST), (made.nodes, made.node_end, NODE_HOST))
    try:
        for space, _, _ in sides:
            _ran("ip", "netns", "add", space)
        ends = ("veth", "peer", "name", made.node_end, "netns", made.nodes)
        _ran("ip", "-n", made.broker, "link", "add", made.broker_end, "type", *ends)
        for space, end, host in sides:
            _ran("ip", "-n", space, "addr", "add", f"{host}/24", "dev", end)
            _ran("ip", "-n", space, "link", "set", end, "up")
            _lose(space, end, loss_percent)
        yield made
    finally:
        for space, _, _ in sides:
            with suppress(Unable):
                _ran("ip", "netns", "del", space)


def _lose(space: str, end: str, percent: float) -> None:
    """Lose packets at one end of the link: by netem on their way out, or by a rule of nft on their way in."""
    if percent <= 0.0:
        return
    inside = ("ip", "netns", "exec", space)
    try:
        _ran(*inside, "tc", "qdisc", "add", "dev", end, "root", "netem", "loss", f"{percent}%")
    except Unable as netem:
        rule = f"iifname {end} numgen random mod 1000 < {round(10 * percent)} drop"
        hook = "type filter hook input priority 0;"
        commands = f"add table ip t; add chain ip t c {{ {hook} }}; add rule ip t c {rule}"
        try:
            _ran(*inside, "nft", commands)
        except Unable as nft:
            raise Unable(f"neither netem nor nft: {netem}; {nft}") from None


def lossy_run(
    setup: Setup, seed: int, scratch: Path, calm: Undisturbed, loss_percent: float, down_s: float
) -> BlowTrial:
    """One market across the lossy link."""
    name, began = f"{loss_percent:g} % lost, down {down_s:g} s", time.monotonic()
    with (
        tunnel(loss_percent) as link,
        StartedMarket(setup, scratch / f"{setup.label} {seed}", link.ground(), PORT) as market,
    ):
        market.open()
        market.join()
        if down_s:
            if not market.await_tape(round(calm.tape_bytes * Random(seed).uniform(0.1, 0.9)), LIMIT_S):
                return BlowTrial(name, setup, seed, "the link was not taken down in mid-trade", 0.0)
            link.set(up=False)
            time.sleep(down_s)
            link.set(up=True)
        fault = market.end(LIMIT_S).fault(calm)
    return BlowTrial(name, setup, seed, fault, time.monotonic() - began)


def _can_lose(percent: float) -> bool:
    """Whether this machine lets us lose packets; if not, says why."""
    try:
        with tunnel(percent):
            return True
    except Unable as why:
        print(f"packets cannot be lost on this machine: {why}; a proxy holds pieces back instead", file=sys.stderr)
        return False


def main() -> int:
    """Try, print, and say by the exit code whether every market held."""
    parser = argparse.ArgumentParser(description="Markets across a network that loses packets.")
    parser.add_argument("--scenario", choices=sorted(SETUPS), default="five_vpp")
    parser.add_argument("--runs", type=int, default=10, help="in each time mode")
    parser.add_argument("--loss", type=float, default=20.0, metavar="PERCENT")
    parser.add_argument(
        "--down", type=float, default=0.0, metavar="SECONDS", help="take the link down in mid-trade"
    )
    parser.add_argument("--time", nargs="+", choices=sorted(TIMES), default=sorted(TIMES))
    parser.add_argument(
        "--proxy", action="store_true", help="a proxy that stalls, even where packets could be lost"
    )
    given = parser.parse_args()
    by_proxy = given.proxy or not _can_lose(given.loss)
    found = list[BlowTrial]()
    with tempfile.TemporaryDirectory() as scratch:
        base = SETUPS[given.scenario]
        calm = undisturbed(base, Path(scratch) / "undisturbed")
        for seed, time_mode in product(range(given.runs), given.time):
            setup = replace(with_flags(base, time_mode, "wait", ""), wait_s=120.0)
            if by_proxy:
                blow = "link down 20 s" if given.down else "stutter"
                found.append(tried(blow, setup, seed, Path(scratch), calm, LIMIT_S))
            else:
                found.append(lossy_run(setup, seed, Path(scratch), calm, given.loss, given.down))
            print(found[-1], file=sys.stderr, flush=True)
    print(table(found))
    return int(any(trial.fault for trial in found))


if __name__ == "__main__":
    sys.exit(main())
