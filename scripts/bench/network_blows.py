"""Blows to the network under a market, one at a time, and one market that is struck by one.

Each blow is a function that is given a market behind its proxy: it opens it, strikes, and says whether it struck.
What has to come of it is always the same: the day of an undisturbed market.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeAlias

from scripts.bench.proxied_market import ProxiedMarket
from scripts.bench.started_market import LIMIT_S, Setup, Undisturbed
from scripts.bench.tcp_proxy import ALL, Plane, Stutter, Trap

DATA = (Plane.INWARD, Plane.OUTWARD)
KINDS = ("Hello", "Welcome", "Ready", "Begin", "Turns", "Done", "Settle", "Audit", "Stop", "Resend")
TIMES: Mapping[str, tuple[str, ...]] = {"virtual": (), "wall": ("--time", "wall", "--delay", "20ms")}
LOSSY = ("--loss", "0.3")  # so that something is asked for in wall time


@dataclass(frozen=True, slots=True)
class Struck:
    """A market under way, what was done to it undone again; whether anything was done is known at its end."""

    hit: Callable[[], bool]


Blow: TypeAlias = Callable[[ProxiedMarket, Random, Undisturbed], Struck]


def nothing(market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """Nothing at all: the proxy alone changes nothing."""
    market.open()
    market.join()
    return Struck(lambda: True)


def lose(kind: str, market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """One message of a kind, drawn at random, with its connection. A request has to have something to ask for."""
    most = len(market.setup.vpps) * (4 if kind == "Done" else 2 if kind == "Turns" else 1)
    if kind == "Resend":
        market.proxy.set(Trap("Offer", (Plane.OUTWARD,)))
    trap = market.proxy.set(Trap(kind, skip=0 if kind == "Resend" else chance.randrange(most)))
    market.open()
    market.join()
    return Struck(lambda: trap.hit_at is not None)


def _in_mid_trade(market: ProxiedMarket, chance: Random, calm: Undisturbed) -> bool:
    """Wait for a random moment between the declarations and the end."""
    market.open()
    market.join()
    return market.await_tape(round(calm.tape_bytes * chance.uniform(0.1, 0.9)))


def reset_all(market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """Every connection at once, in mid-trade."""
    struck = _in_mid_trade(market, chance, calm) and market.proxy.reset() > 0
    return Struck(lambda: struck)


def reset_one(market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """One connection, drawn at random, in mid-trade."""
    struck = _in_mid_trade(market, chance, calm) and market.proxy.reset(most=1) > 0
    return Struck(lambda: struck)


def stall(
    seconds: float, planes: Sequence[Plane], market: ProxiedMarket, chance: Random, calm: Undisturbed
) -> Struck:
    """Nothing passes for so long, and nothing is lost."""
    struck = _in_mid_trade(market, chance, calm)
    market.proxy.stall(seconds, planes)
    return Struck(lambda: struck)


def stutter(market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """A fifth of all that passes is held back for up to three seconds, from the first byte to the last."""
    market.proxy.stutter(Stutter(seed=chance.randrange(1 << 30)))
    market.open()
    market.join()
    return Struck(lambda: True)


def half_open(most: int | None, market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """Connections stay open and carry nothing any more; new ones would."""
    struck = _in_mid_trade(market, chance, calm) and market.proxy.swallow(most=most) > 0
    return Struck(lambda: struck)


def link_down(seconds: float, market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """Every connection is reset, and none can be made for so long."""
    struck = _in_mid_trade(market, chance, calm)
    market.proxy.go_down()
    time.sleep(seconds)
    market.proxy.heal()
    return Struck(lambda: struck)


def dead_forwarder(seconds: float, market: ProxiedMarket, chance: Random, calm: Undisturbed) -> Struck:
    """The broker dies behind something that accepts and closes, as a tunnel does; later it takes the run up."""
    struck = _in_mid_trade(market, chance, calm)
    market.proxy.close_at_once()
    market.kill_broker()
    time.sleep(seconds)
    market.proxy.heal()
    market.open("--resume", market.folder)
    return Struck(lambda: struck)


MOST_ATTEMPTS = 3
LIMITS_S = {"stutter": 300.0}
"""Where a market may take longer than others."""

BLOWS: Mapping[str, Blow] = {
    **{f"lost {kind}": partial(lose, kind) for kind in KINDS},
    "nothing": nothing,
    "reset all": reset_all,
    "reset one": reset_one,
    "data stalled 6 s": partial(stall, 6.0, DATA),
    "all stalled 6 s": partial(stall, 6.0, ALL),
    "stutter": stutter,
    "half-open one": partial(half_open, 1),
    "half-open all": partial(half_open, None),
    "link down 12 s": partial(link_down, 12.0),
    "link down 20 s": partial(link_down, 20.0),
    "dead forwarder 8 s": partial(dead_forwarder, 8.0),
    "dead forwarder 20 s": partial(dead_forwarder, 20.0),
}


@dataclass(frozen=True, slots=True)
class BlowTrial:
    """One blow to one market, and what came of it: `fault` is empty if all is as it should be."""

    blow: str
    setup: Setup
    seed: int
    fault: str
    took_s: float

    def __str__(self) -> str:
        what = f"{self.blow}, {self.setup.scenario} {self.setup.label}, seed {self.seed}"
        return f"{what}: {self.fault or 'as undisturbed'} ({self.took_s:.1f} s)"


def with_flags(setup: Setup, time_mode: str, on_loss: str, blow: str) -> Setup:
    """A market in a time mode, with a rule for losses."""
    lossy = LOSSY if time_mode == "wall" and blow == "lost Resend" else ()
    flags = (*setup.flags, *TIMES[time_mode], *lossy, "--on-loss", on_loss)
    return replace(setup, flags=flags, label=f"{time_mode}, {on_loss}")


def tried(
    blow: str, setup: Setup, seed: int, scratch: Path, calm: Undisturbed, limit_s: float = LIMIT_S
) -> BlowTrial:
    """One market from its start to its end; once more where it was over before anything was done to it."""
    began, chance, fault = time.monotonic(), Random(seed), ""
    for attempt in range(MOST_ATTEMPTS):
        folder = scratch / f"{blow} {setup.label} {seed} {attempt}".replace(" ", "-").replace(",", "")
        try:
            with ProxiedMarket(setup, folder) as market:
                struck = BLOWS[blow](market, chance, calm)
                fault = market.end(max(limit_s, LIMITS_S.get(blow, 0.0))).fault(calm)
                hit = struck.hit()
        except (OSError, AssertionError) as error:
            fault, hit = f"{type(error).__name__}: {error}", True
        if fault or hit:
            break
    else:
        fault = "it did not strike"
    return BlowTrial(blow, setup, seed, fault, time.monotonic() - began)
