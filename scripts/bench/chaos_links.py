"""Disturbs the links of a market whose nodes and broker were started by hand, with a proxy between them.

Connections are reset, stall, stutter, fall silent or are down; nodes die and are started again, the broker dies
and takes the run up. Waits are short, so that who is lost is soon known to be.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

from scripts.bench.chaos_trial import LONGEST_S, MOST_BLOWS, TAPE_BYTES, ChaosTrial, Kind
from scripts.bench.proxied_market import ProxiedMarket
from scripts.bench.started_market import FIVE
from scripts.bench.tcp_proxy import ALL, Plane, Stutter

PATIENCE = ("--on-loss", "wait", "--silence", "4s")
TOGETHER = ("VPP1,VPP2", "VPP3,VPP4,VPP5")  # whose nodes share a process, where any do
MOMENT_S = 20.0  # for the tape to grow as far as it was meant to before a blow


def disturb_links(result: ChaosTrial, folder: Path) -> Path:
    """One market to its end; the folder of its run. AssertionError if it does not end well."""
    chance = Random(result.seed)
    flags = ("--seed", str(result.seed), *result.conditions, *PATIENCE)
    vpps = TOGETHER if result.shared else FIVE.vpps
    with ProxiedMarket(replace(FIVE, flags=flags, vpps=vpps), folder) as market:
        market.open()
        market.join()
        first = [*Kind][result.seed // 2 % len(Kind)]
        for number in range(chance.randint(1, MOST_BLOWS)):
            if not _await_moment(market, chance):
                break
            kind = chance.choice([*Kind]) if number else first
            BLOWS[kind](market, chance)
            result.done.append(kind)
        ended = market.end(LONGEST_S)
        assert ended.broker == 0, f"the broker ended with {ended.broker}: {ended.said}"
        assert set(ended.nodes) == {0}, f"the nodes ended with {ended.nodes}: {ended.said}"
        return market.folder


def _await_moment(market: ProxiedMarket, chance: Random) -> bool:
    """Wait until the tape has grown to a random length, or for long enough; False if the run is over."""
    grown = market.tape_bytes() + chance.choice((0, chance.randint(0, TAPE_BYTES)))
    market.await_tape(grown, MOMENT_S)
    assert market.broker is not None
    return market.broker.poll() is None


def _kill_node(market: ProxiedMarket, chance: Random) -> None:
    vpp = chance.choice(market.setup.vpps)
    market.nodes[vpp].kill()
    market.nodes[vpp].wait()
    market.start_node(vpp)


def _pause_node(market: ProxiedMarket, chance: Random) -> None:
    node = market.nodes[chance.choice(market.setup.vpps)]
    if node.poll() is None:
        node.send_signal(signal.SIGSTOP)
        time.sleep(chance.choice((chance.uniform(0.01, 0.5), 6.0)))
        node.send_signal(signal.SIGCONT)


def _kill_broker(market: ProxiedMarket, chance: Random) -> None:
    market.kill_broker()
    time.sleep(chance.uniform(0.0, 2.0))
    if market.tape_bytes():
        market.open("--resume", market.folder)
    else:  # killed before anything was promised
        shutil.rmtree(market.folder, ignore_errors=True)
        market.open()


def _planes(chance: Random) -> tuple[Plane, ...]:
    return chance.choice(((Plane.CONTROL,), (Plane.INWARD,), (Plane.OUTWARD,), ALL))


def _stall(market: ProxiedMarket, chance: Random) -> None:
    market.proxy.stall(chance.uniform(0.2, 8.0), _planes(chance))


def _stutter(market: ProxiedMarket, chance: Random) -> None:
    market.proxy.stutter(Stutter(share=0.2, longest_s=1.5, seed=chance.randrange(1 << 30)))
    time.sleep(chance.uniform(0.5, 4.0))
    market.proxy.stutter(None)


def _link_down(market: ProxiedMarket, chance: Random) -> None:
    market.proxy.go_down()
    time.sleep(chance.uniform(0.1, 8.0))
    market.proxy.heal()


BLOWS: Mapping[Kind, Callable[[ProxiedMarket, Random], object]] = {
    Kind.KILL_NODE: _kill_node,
    Kind.PAUSE_NODE: _pause_node,
    Kind.KILL_BROKER: _kill_broker,
    Kind.RESET_ONE: lambda market, chance: market.proxy.reset(most=1),
    Kind.RESET_ALL: lambda market, chance: market.proxy.reset(_planes(chance)),
    Kind.STALL: _stall,
    Kind.STUTTER: _stutter,
    Kind.HALF_OPEN_ONE: lambda market, chance: market.proxy.swallow(most=1),
    Kind.HALF_OPEN_ALL: lambda market, chance: market.proxy.swallow(_planes(chance)),
    Kind.LINK_DOWN: _link_down,
}
