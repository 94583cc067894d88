"""Tries communication conditions: every condition, several markets, many seeds, one answer.

Prints a table of condition and market: runs, runs that did not end in equilibrium, the largest difference of a
price to the undisturbed run, median simulated time, median messages. The markets are whole, frames and machines
included, but joined in memory (`vpp_nodes.in_memory`). Then, with real processes: the cost of a message under 2 s
links as a ratio to none, how much longer a market takes in real time than in simulated time, and equal tapes
whatever the speed of nodes. Run it as

    python scripts/bench/network.py [SEEDS] [--minutes LIMIT] [--only CONDITION] [--processes-only | --matrix-only]
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from threading import Event, Thread

import numpy as np
import psutil

from market.app.runs.in_process import market_day
from market.game.result import Verdict
from market.model.arrays import frozen
from market.model.declaration import Declaration, Role
from market.model.network import (
    Constant,
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    Outage,
    Partition,
    Uniform,
)
from market.model.public import PublicRules
from market.model.rules import Horizon, Tariff
from market.scenario import load_scenario
from vpp_nodes.in_memory import Loopback

COMMAND = Path(sys.executable).parent / "vppmarket"
GENERATED = {"2 VPPs": (2, 5), "4 VPPs": (4, 3), "8 VPPs": (8, 2)}  # VPPs and periods
FIRST_PERIOD = 8  # of the default case's tariff: the generated days begin at the end of its night
MS_50 = LinkConditions(Constant(0.05))
ATTEMPTS = 20  # how often a generated day is drawn anew until it has something to trade in each period


@dataclass(frozen=True, slots=True)
class DeclaredMarket:
    """A market to be disturbed: its public rules, everybody's declaration, and how long it takes at 50 ms."""

    public: PublicRules
    declarations: tuple[Declaration, ...]
    duration_s: float

    @property
    def vpps(self) -> tuple[str, ...]:
        """Ids."""
        return tuple(declaration.vpp for declaration in self.declarations)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to."""

    condition: str
    market: str
    at_rest: bool
    price_difference: float
    time_s: float
    messages: int


# --- markets ---


@cache
def markets() -> dict[str, DeclaredMarket]:
    """The default case, and generated ones of other sizes."""
    scenario = load_scenario("five_vpp")
    days = market_day(scenario).days
    found = {"five_vpp": _timed(scenario.public, tuple(day.declaration for day in days))}
    for number, (name, (vpps, periods)) in enumerate(GENERATED.items()):
        found[name] = _generated(scenario.public, vpps, periods, Random(number))
    return found


def _timed(public: PublicRules, declarations: tuple[Declaration, ...]) -> DeclaredMarket:
    done = Loopback(public, declarations, network=NetworkRules(every=MS_50)).run()
    return DeclaredMarket(public, declarations, done.time_s)


def _generated(public: PublicRules, vpps: int, periods: int, random: Random) -> DeclaredMarket:
    """A market in which every period has sellers and buyers, none of them just balanced."""
    here = slice(FIRST_PERIOD, FIRST_PERIOD + periods)
    tariff = Tariff(*(frozen(getattr(public.tariff, name)[here]) for name in Tariff.__dataclass_fields__))
    rules = replace(public, horizon=Horizon(periods, public.horizon.period_h), tariff=tariff)
    columns = [_column(vpps, random) for _ in range(periods)]
    volumes = np.array(columns).T
    return _timed(rules, tuple(_declaration(f"V{i + 1}", row, rules, random) for i, row in enumerate(volumes)))


def _column(vpps: int, random: Random) -> list[float]:
    """Signed volumes of one period, MW: > 0 surplus."""
    for _ in range(ATTEMPTS):
        volumes = [round(random.uniform(0.2, 3.0) * random.choice((-1, 1)), 6) for _ in range(vpps)]
        surplus = sum(v for v in volumes if v > 0)
        deficit = -sum(v for v in volumes if v < 0)
        if surplus and deficit and abs(surplus / deficit - 1) > 0.05:
            return volumes
    raise AssertionError("nothing to trade")


def _declaration(vpp: str, volumes: np.ndarray, rules: PublicRules, random: Random) -> Declaration:
    deficit, own = np.maximum(-volumes, 0.0), np.round(random.uniform(0.1, 2.0) * (volumes < 0), 6)
    willing = 0.85 * rules.tariff.retail_cny_per_mwh * (rules.market.base_power_mw + own + deficit)
    roles = tuple(Role.SELLER if v > 0 else Role.BUYER for v in volumes)
    surplus, reserve = np.maximum(volumes, 0.0), np.where(volumes > 0, rules.tariff.feed_in_cny_per_mwh, 0.0)
    satisfaction = willing * (volumes < 0)
    return Declaration(
        vpp, roles, frozen(surplus), frozen(deficit), frozen(own), frozen(satisfaction), frozen(reserve)
    )


# --- conditions ---


def _constant(latency_s: float) -> Callable[[DeclaredMarket, Random], NetworkRules]:
    return lambda market, random: NetworkRules(every=LinkConditions(Constant(latency_s)))


def _lost(share: float) -> Callable[[DeclaredMarket, Random], NetworkRules]:
    return lambda market, random: NetworkRules(every=replace(MS_50, loss=share))


def _one_slow(market: DeclaredMarket, random: Random) -> NetworkRules:
    slow = Links(vpp=random.choice(market.vpps))
    return NetworkRules(every=MS_50, links=(LinkOverride(slow, latency=Constant(2.0)),))


def _outage(market: DeclaredMarket, random: Random) -> NetworkRules:
    link, start_s = Links(*random.sample(market.vpps, 2)), random.uniform(0.0, market.duration_s)
    return NetworkRules(every=MS_50, outages=(Outage(link, start_s, start_s + 10.0),))


def _partition(market: DeclaredMarket, random: Random) -> NetworkRules:
    mixed, start_s = random.sample(market.vpps, len(market.vpps)), random.uniform(0.0, market.duration_s)
    halves = (tuple(mixed[: len(mixed) // 2]), tuple(mixed[len(mixed) // 2 :]))
    return NetworkRules(every=MS_50, partitions=(Partition(halves, start_s, start_s + random.uniform(1.0, 20.0)),))


CONDITIONS: Mapping[str, Callable[[DeclaredMarket, Random], NetworkRules]] = {
    "1 ms": _constant(0.001),
    "50 ms": _constant(0.05),
    "500 ms": _constant(0.5),
    "lognormal 50 ms, sigma 1": lambda m, r: NetworkRules(every=LinkConditions(Lognormal(0.05, 1.0))),
    "one VPP at 2 s": _one_slow,
    "jitter, reordering": lambda m, r: NetworkRules(
        every=LinkConditions(Uniform(0.01, 0.09), jitter_s=0.05, reordering=0.3, reordering_s=0.2)
    ),
    "loss 5 %": _lost(0.05),
    "loss 20 %": _lost(0.2),
    "loss 40 %": _lost(0.4),
    "duplication 10 %": lambda m, r: NetworkRules(every=LinkConditions(Lognormal(0.05, 0.5), duplication=0.1)),
    "64 kbit/s": lambda m, r: NetworkRules(every=replace(MS_50, bandwidth_bit_per_s=64_000.0)),
    "10 s outage of a link": _outage,
    "partition that heals": _partition,
}
STEADY = {"1 ms", "50 ms", "500 ms", "64 kbit/s"}  # nothing random: two seeds show that they do not matter


# --- the matrix ---


@cache
def undisturbed(name: str) -> tuple[tuple[float, ...], ...]:
    """The prices of a market without any delay."""
    market = markets()[name]
    results = Loopback(market.public, market.declarations).run().results
    assert all(r.verdict in (Verdict.EQUILIBRIUM, Verdict.NO_TRADE) for r in results), name
    return tuple(tuple(r.price_cny_per_mwh.tolist()) for r in results)


def disturbed(condition: str, name: str, seed: int) -> Outcome:
    """One run; what the condition leaves open is drawn from the seed."""
    market = markets()[name]
    network = CONDITIONS[condition](market, Random(f"{condition}|{name}|{seed}"))
    loopback = Loopback(market.public, market.declarations, seed=seed, network=network, network_seed=seed)
    done = loopback.run(steps=5_000_000)
    differences = [
        float(np.abs(result.price_cny_per_mwh - wanted).max(initial=0.0))
        for result, wanted in zip(done.results, undisturbed(name), strict=True)
    ]
    at_rest = all(r.verdict in (Verdict.EQUILIBRIUM, Verdict.NO_TRADE) for r in done.results)
    return Outcome(condition, name, at_rest, max(differences), done.time_s, done.network.total("sent"))


def _job(job: tuple[str, str, int]) -> Outcome:
    return disturbed(*job)


def matrix(seeds: int, until: float, only: str) -> list[Outcome]:
    """All runs seed by seed, on all cores, until they are done or time is up; `only`: part of a name."""
    jobs = [
        (condition, name, seed)
        for seed in range(seeds)
        for condition in CONDITIONS
        for name in ("five_vpp", *GENERATED)
        if only in condition and (seed < 2 or condition not in STEADY)
    ]
    found: list[Outcome] = []
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), initializer=os.nice, initargs=(19,)) as pool:
        for outcome in pool.map(_job, jobs, chunksize=1):
            found.append(outcome)
            print(f"\r{len(found)} of {len(jobs)} runs", end="", file=sys.stderr, flush=True)
            if time.monotonic() > until:
                pool.shutdown(wait=True, cancel_futures=True)
                break
    print(file=sys.stderr)
    return found


def print_matrix(found: Sequence[Outcome]) -> None:
    """The table, and whether every run came to the undisturbed answer."""
    header = ("condition", "market", "runs", "no equil.", "largest diff.", "median s", "messages")
    print("{:26}{:10}{:>6}{:>11}{:>15}{:>10}{:>10}".format(*header))
    for condition in CONDITIONS:
        for name in markets():
            runs = [o for o in found if (o.condition, o.market) == (condition, name)]
            if runs:
                row = (
                    *(condition, name, len(runs), sum(not o.at_rest for o in runs)),
                    max(o.price_difference for o in runs),
                    statistics.median(o.time_s for o in runs),
                    statistics.median(o.messages for o in runs),
                )
                print("{:26}{:10}{:6}{:11}{:15.2g}{:10.3g}{:10.0f}".format(*row))
    odd = [o for o in found if not o.at_rest or o.price_difference > 1e-6]
    print(f"{len(found)} runs, {len(odd)} not at the undisturbed equilibrium to 1e-6 CNY/MWh")


# --- real processes ---


def per_message_s(scratch: Path, *flags: str) -> float:
    """Real seconds of trading for each message published, in one run."""
    folder = scratch / f"{time.time_ns()}"
    subprocess.run([COMMAND, "run", "--quiet", "--out", folder, *flags], check=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    return float(manifest["durations_s"]["trading"]) / int(manifest["counters"]["sent"])


def print_cost(scratch: Path, runs: int) -> None:
    """The cost of a message under 2 s links, as a ratio to none, run by run side by side."""
    pairs = [(per_message_s(scratch), per_message_s(scratch, "--delay", "2s")) for _ in range(runs)]
    ratios = [slow / plain for plain, slow in pairs]
    plain_ms, slow_ms = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"real time per message: {plain_ms:.2f} ms without delay, {slow_ms:.2f} ms with links of 2 s;")
    print(f"ratio {statistics.median(ratios):.2f} (median of {runs}; {min(ratios):.2f} to {max(ratios):.2f})")


def rest_s(scratch: Path, *flags: str) -> float:
    """When the market of one run under links of 50 ms rests, on the clock of the flags."""
    folder = scratch / f"{time.time_ns()}"
    subprocess.run([COMMAND, "run", "--quiet", "--out", folder, "--delay", "50ms", *flags], check=True)
    return float(json.loads((folder / "manifest.json").read_text())["network"]["time_to_equilibrium_s"])


def print_wall(scratch: Path, runs: int) -> None:
    """How much longer than simulated time a market takes in real time, its machine's work included."""
    simulated_s = rest_s(scratch)
    ratios = [rest_s(scratch, "--time", "wall") / simulated_s for _ in range(runs)]
    middle = statistics.median(ratios)
    print(f"links of 50 ms: at rest after {simulated_s:.2f} s simulated; in real time {middle:.2f} times that")
    print(f"(median of {runs}; {min(ratios):.2f} to {max(ratios):.2f})")


@contextlib.contextmanager
def slowed(command: int, seed: int) -> Iterator[None]:
    """Nodes of a run are stopped and let go on again, at random, until the block ends."""
    ended = Event()

    def pulses() -> None:
        random = Random(seed)
        while not ended.wait(random.uniform(0.0, 0.03)):
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                children = psutil.Process(command).children()
                victim = random.choice([node for child in children for node in child.children()])
                victim.suspend()
                ended.wait(random.uniform(0.01, 0.1))
                victim.resume()

    thread = Thread(target=pulses)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def tape_of(scratch: Path, seed: int) -> str:
    """The digest of the tape of a run whose nodes are slowed."""
    folder = scratch / f"{time.time_ns()}"
    flags = ("--delay", "lognormal:50ms:1", "--loss", "0.2", "--seed", "5")
    process = subprocess.Popen([COMMAND, "run", "--quiet", "--out", folder, *flags])
    with slowed(process.pid, seed):
        assert process.wait() == 0
    return hashlib.sha256((folder / "tape.msgpack").read_bytes()).hexdigest()


def print_tapes(scratch: Path, runs: int) -> None:
    """How many different tapes come from one seed."""
    tapes = []
    for seed in range(runs):
        tapes.append(tape_of(scratch, seed))
        print(f"\r{len(tapes)} of {runs} slowed runs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{runs} runs of one seed with nodes slowed at random: {len(set(tapes))} tape(s), {tapes[0][:16]}…")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Acceptance of communication conditions.")
    parser.add_argument("seeds", nargs="?", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop the matrix after this long")
    parser.add_argument("--repeats", type=int, default=20, help="runs with slowed nodes")
    parser.add_argument("--only", default="", help="conditions whose name holds this")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--processes-only", action="store_true")
    which.add_argument("--matrix-only", action="store_true")
    given = parser.parse_args()
    if not given.processes_only:
        print_matrix(matrix(given.seeds, time.monotonic() + 60.0 * given.minutes, given.only))
    if not given.matrix_only:
        with tempfile.TemporaryDirectory() as scratch:
            print_cost(Path(scratch), 5)
            print_wall(Path(scratch), 5)
            print_tapes(Path(scratch), given.repeats)


if __name__ == "__main__":
    main()
