"""Compares how trade comes about: the share of the possible saving that `once`, `iterate` and `consensus` reach.

For each scenario, in one process: the saving as a share of the cooperative one (all plants planned as one), the
sum of regrets as a share of it, how many pay more than without trade, rounds, and seconds of processor time for
planning, trading and settling (without the certificate of the day); then what a round of `iterate` takes beside
`once`. Ends with means. A SCENARIO is a folder or the name of a case. Run it as
`python scripts/bench/mechanisms.py SCENARIO… [--processes P] [--set PATH=VALUE]…`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import fsum, nan

from market.app.runs.in_process import market_day
from market.coordination.coupling import pays_no_more
from market.errors import MarketError
from market.scenario import load_scenario
from market.scenario.changes import changed
from market.scenario.scenario import Scenario
from market.settlement.settlement import settle
from vpp_nodes.dispatch.joint import joint_dispatch

WAYS = {
    "once": ("market.coupling=once",),
    "iterate": ("market.coupling=iterate",),
    "consensus": ("market.mechanism=consensus",),
}


@dataclass(frozen=True, slots=True)
class WayOutcome:
    """What one way came to. share, regrets : of the possible saving · losers : who pay more than without trade

    above : by how much its cost is above that of all plants planned as one, as a share of that
    rounds : how often all traded or answered · took_s : processor time
    """

    share: float
    regrets: float
    losers: int
    above: float
    rounds: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One scenario, or why it could not be planned."""

    name: str
    possible_cny: float
    ways: Mapping[str, WayOutcome]
    fault: str = ""


def compared(name: str, changes: Sequence[str]) -> Compared:
    """All ways on one scenario."""
    try:
        scenario = changed(load_scenario(name), changes)
        together_cny = joint_dispatch(scenario.vpps, scenario.public).total_cny
        alone = settle(market_day(changed(scenario, WAYS["once"])), scenario.public).grid_only_system.total_cny
        possible_cny = alone - together_cny
        ways = {way: _reached(changed(scenario, how), together_cny, possible_cny) for way, how in WAYS.items()}
    except MarketError as error:
        return Compared(name, nan, {}, str(error))
    return Compared(name, possible_cny, ways)


def _reached(scenario: Scenario, together_cny: float, possible_cny: float) -> WayOutcome:
    started = time.process_time()
    outcome = market_day(scenario)
    took_s = time.process_time() - started
    settlement = settle(outcome, scenario.public)
    accounts = zip(settlement.grid_only, settlement.game, strict=True)
    losers = sum(not pays_no_more(before.total_cny, after.total_cny) for before, after in accounts)
    total_cny = settlement.game_system.total_cny
    return WayOutcome(
        share=(settlement.grid_only_system.total_cny - total_cny) / possible_cny,
        regrets=outcome.rounds.regrets_cny / possible_cny if outcome.rounds else nan,
        losers=losers,
        above=(total_cny - together_cny) / max(abs(together_cny), 1.0),
        rounds=len(outcome.rounds.rounds) if outcome.rounds else 1,
        took_s=took_s,
    )


def told(each: Compared) -> str:
    """A line for each way."""
    if each.fault:
        return f"{each.name}: {each.fault}"
    lines = [f"{each.name}: possible saving {each.possible_cny:,.2f} CNY"]
    for way, r in each.ways.items():
        lines.append(
            f"  {way:10} share {r.share:7.4f}  regrets {r.regrets:8.5f}  pay more {r.losers}"
            f"  above joint {r.above:.2e}  rounds {r.rounds:3}  {r.took_s:6.2f} s"
        )
    once, iterate = each.ways["once"], each.ways["iterate"]
    lines.append(f"  a round of iterate takes {iterate.took_s / iterate.rounds / once.took_s:.2f} times once")
    return "\n".join(lines)


def means(found: Sequence[Compared]) -> str:
    """Means over all scenarios that could be planned, with the least share."""
    whole = [each for each in found if each.ways]
    lines = [f"means of {len(whole)} scenarios ({len(found) - len(whole)} refused)"]
    for way in WAYS if whole else ():
        shares = [each.ways[way].share for each in whole]
        regrets = fsum(each.ways[way].regrets for each in whole) / len(whole)
        lines.append(
            f"  {way:10} share {fsum(shares) / len(shares):.4f} (least {min(shares):.4f})  regrets {regrets:.4f}"
            f"  with losers {sum(each.ways[way].losers > 0 for each in whole)}"
            f"  most above joint {max(each.ways[way].above for each in whole):.2e}"
            f"  {fsum(each.ways[way].took_s for each in whole):.0f} s"
        )
    return "\n".join(lines)


def main() -> int:
    """Compare and print; exit code 1 where a scenario was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="+")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="changes", metavar="PATH=VALUE")
    asked = parser.parse_args()
    found = []
    with ProcessPoolExecutor(asked.processes) as pool:
        for each in pool.map(partial(compared, changes=tuple(asked.changes)), asked.scenario):
            found.append(each)
            print(told(each), flush=True)
    print(means(found))
    return int(any(each.fault for each in found))


if __name__ == "__main__":
    sys.exit(main())
