"""Prints what a day costs in messages and simulated time, by how it is traded and how late messages are.

The game once, plans that see the market (`coupling: iterate`), and consensus to a certified share of the saving.
Each market is whole, in memory, in virtual time, on links that all take the same. Run it as

    python scripts/bench/rounds.py [SCENARIO] [--coupling-rounds N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))  # started as a file, it finds the modules beside it all the same

from market.app.results.concluded_day import outcome_of
from market.app.runs.local_market import LocalMarket
from market.scenario import load_scenario, with_overrides
from market.settlement.settlement import settle
from vpp_nodes.dispatch.joint import joint_dispatch

DELAYS_S = (0.0, 0.05, 0.5)


def ways(coupling_rounds: int) -> Mapping[str, Mapping[str, Any]]:
    """What is tried, by its name in the table."""
    return {
        "game, once": {},
        f"game, `iterate`, {coupling_rounds} rounds more": {
            "market.coupling": "iterate",
            "market.coupling_rounds": coupling_rounds,
        },
        "consensus to 1 %": {"market.mechanism": "consensus", "market.consensus_regret": 0.01},
        "consensus to 0.005 %": {"market.mechanism": "consensus"},
    }


def lines(name: str, coupling_rounds: int) -> Iterator[str]:
    """The table, a line at a time."""
    yield "| | rounds | share of the possible saving | messages | simulated time at 0 ms | 50 ms | 500 ms |"
    yield "|---|---|---|---|---|---|---|"
    for way, changes in ways(coupling_rounds).items():
        days = [_day(name, {**changes, "network.delay_s": delay_s}) for delay_s in DELAYS_S]
        rounds, share = days[0][:2]
        messages = " / ".join(dict.fromkeys(f"{day[2]:,}" for day in days))
        times = " | ".join(f"{day[3]:.2f} s" for day in days)
        yield f"| {way} | {rounds} | {share:.3f} | {messages} | {times} |"


def _day(name: str, changes: Mapping[str, Any]) -> tuple[int, float, int, float]:
    """Rounds, share of the possible saving, market messages published, simulated seconds."""
    scenario = with_overrides(load_scenario(name), dict(changes))
    market = LocalMarket(scenario, seed=0)
    while not market.over:
        market.more()
    left = market.proceedings()
    settlement = settle(outcome_of(left), scenario.public)
    alone = settlement.grid_only_system.total_cny
    possible = alone - joint_dispatch(scenario.vpps, scenario.public).total_cny
    share = (alone - settlement.game_system.total_cny) / possible
    return len(left.rounds.rounds) if left.rounds else 1, share, left.counters["sent"], left.time_s


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("scenario", nargs="?", default="five_vpp")
    parser.add_argument("--coupling-rounds", type=int, default=6)
    chosen = parser.parse_args()
    for line in lines(chosen.scenario, chosen.coupling_rounds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
