"""Measures what others take for parts of what we do: ASSUME clears a day ahead, mango carries messages.

    python scripts/bench/peers.py PYTHON [--bidders 100] [--messages 900] [--repeats 5]

PYTHON is the interpreter of an environment of its own that has `assume-framework` and `mango-agents`. Clearing is
measured in processor time, imports and orders apart; messages by the clock, so that a busy machine slows both.
What each does more or less than the other is printed beside the numbers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # started as a file, it finds the modules beside it all the same

from market.bidding.declare import declare
from market.game.period import PeriodGame, period_games
from market.game.solver import concluded, negotiate
from market.mechanisms.clear import clear_day
from market.mechanisms.merit_order import asks_cny_per_mwh, bids_cny_per_mwh
from market.scenario import load_scenario, with_overrides
from scripts.bench.bus import bus, measured
from scripts.bench.random_day import write_random_day
from vpp_nodes.dispatch import dispatch

LIMIT_S = 900.0
HOURS = 24

ASSUME = """
import copy, json, sys, time
from datetime import datetime, timedelta
from dateutil import rrule
from dateutil.relativedelta import relativedelta
from assume.common.market_objects import MarketConfig, MarketProduct
from assume.markets.clearing_algorithms.simple import PayAsClearRole

begins = datetime(2024, 1, 1)
days = rrule.rrule(rrule.DAILY, dtstart=begins, until=begins + timedelta(days=1))
products = [MarketProduct(relativedelta(hours=1), 24)]
market = PayAsClearRole(MarketConfig(opening_hours=days, market_products=products))
hours = [(begins + timedelta(hours=h), begins + timedelta(hours=h + 1), None) for h in range(24)]
orders = [
    {"start_time": hours[h][0], "end_time": hours[h][1], "only_hours": None, "volume": volume, "price": price,
     "bid_id": f"{who} {h}", "agent_addr": who}
    for h, who, volume, price in json.load(sys.stdin)
]
for _ in range(int(sys.argv[1])):
    book = copy.deepcopy(orders)
    since = time.process_time()
    accepted = market.clear(book, hours)[0]
    took = time.process_time() - since
    print(json.dumps([took, sum(order["accepted_volume"] for order in accepted if order["volume"] > 0)]))
"""

MANGO = """
import asyncio, sys, time
import mango

messages = int(sys.argv[1])
offer = {"version": 1, "periods": list(range(24)), "price_cny_per_mwh": [500.0] * 24}

class End(mango.Agent):
    def __init__(self):
        super().__init__()
        self.heard, self.all_heard = 0, asyncio.Event()

    def handle_message(self, content, meta):
        self.heard += 1
        if self.heard == messages:
            self.all_heard.set()

async def burst():
    containers = [mango.create_tcp_container(("127.0.0.1", 0), auto_port=True) for _ in range(2)]
    speaker, listener = (container.register(End()) for container in containers)
    async with mango.activate(*containers):
        since = time.perf_counter()
        for _ in range(messages):
            await speaker.send_message(offer, listener.addr)
        await listener.all_heard.wait()
        print(messages / (time.perf_counter() - since))

asyncio.run(burst())
"""

DIFFERENCES = """\
ASSUME takes one order a bidder and hour, at one price, and finds one price by merit order. Of the same bids and
asks our uniform price takes a buyer's whole demand curve, and says who delivers to whom. The game is what ASSUME
has no like of: sellers price, buyers answer, and every hour ends with a certificate.
mango carries JSON from one agent to another inside one process, over TCP. Our bus carries each frame to a third
process, which decodes and checks it, writes it on the tape, and passes it on to all."""


def orders_of(games: Sequence[PeriodGame]) -> list[tuple[int, str, float, float]]:
    """(hour, who, MW, CNY/MWh) of what is declared: supply above 0 at its ask, demand below 0 at its first bid."""
    found = []
    for game in games:
        asks, bids = asks_cny_per_mwh(game), bids_cny_per_mwh(game, 0.0 * game.deficit_mw)
        for who, power, price in zip(game.sellers, game.surplus_mw.tolist(), asks.tolist(), strict=True):
            found.append((game.period, who, power, price))
        for who, power, price in zip(game.buyers, game.deficit_mw.tolist(), bids.tolist(), strict=True):
            found.append((game.period, who, -power, price))
    return found


def clearing(python: str, bidders: int, repeats: int) -> None:
    """A day of random plants, cleared by both."""
    with tempfile.TemporaryDirectory() as scratch:
        write_random_day(Path(scratch) / "day", bidders, HOURS)
        scenario = load_scenario(str(Path(scratch) / "day"))
    public, rules = scenario.public, scenario.public.market
    declarations = [declare(vpp, dispatch(vpp, public, None), public) for vpp in scenario.vpps]
    games = period_games(declarations, public)
    orders = orders_of(games)
    theirs = [json.loads(line) for line in _run(python, ASSUME, [str(repeats)], json.dumps(orders)).splitlines()]
    at_one_price = with_overrides(scenario, {"market.mechanism": "uniform_price"}).public
    ours, game_s = [], []
    for _ in range(repeats):
        since = time.process_time()
        cleared = clear_day(declarations, at_one_price)
        between = time.process_time()
        concluded(games, negotiate(games, rules), rules)
        ours.append(between - since)
        game_s.append(time.process_time() - between)
    traded = sum(float(result.delivered_mw.sum()) for result in cleared)
    print(f"{bidders} bidders, {len(orders)} orders; processor time of a day of {HOURS}, medians of {repeats}")
    assume_s = statistics.median(took for took, _ in theirs)
    _line("ASSUME, pay as clear", assume_s, f"{theirs[0][1]:.1f} MW, summed up")
    _line("ours, uniform price", statistics.median(ours), f"{traded:.1f} MW, summed up")
    _line("ours, the game to its certificates", statistics.median(game_s), "")


def messages(python: str, count: int, repeats: int) -> None:
    """A burst of offers of 24 periods, in turn."""
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(repeats):
            theirs.append(float(_run(python, MANGO, [str(count)], "")))
            with bus(None, Path(scratch)) as (inward, outward):
                ours.append(measured(inward, outward, None, count, 1).rate_per_s)
    print(f"\nbursts of {count} offers, messages a second, medians of {repeats}")
    for title, rates in (("mango, TCP, JSON", theirs), ("our bus, checked and on tape", ours)):
        print(f"{title:36}{statistics.median(rates):12,.0f}")


def _run(python: str, program: str, arguments: Sequence[str], given: str) -> str:
    command = [python, "-c", program, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _line(title: str, took_s: float, more: str) -> None:
    print(f"{title:36}{1e3 * took_s:10.1f} ms   {more}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python")
    parser.add_argument("--bidders", type=int, default=100)
    parser.add_argument("--messages", type=int, default=900)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    clearing(options.python, options.bidders, options.repeats)
    messages(options.python, options.messages, options.repeats)
    print(f"\n{DIFFERENCES}")
