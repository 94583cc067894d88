"""Sends hostile frames, by default a million, to a real broker and to real nodes on loopback.

Three passes: a broker without keys, whose attackers do not know the token but for frames that nobody may send; a
broker with keys, whose attacker holds the watcher's key and the token; nodes whose broker mixes the frames with
its own. Each compares the answer and the memory of the market with an undisturbed one's. Exit code 1 if not all is
well. `hostile_frames` makes the frames, `hostile_peers` sends them, `attacked_markets` runs the markets.

    python scripts/bench/fuzz.py [FRAMES] [--seed N]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[2]))  # started as a file, it finds the modules beside it all the same

from broker.bus.keys import make_keys
from broker.wire.messages import BROKER
from market.scenario import load_scenario
from scripts.bench.attacked_markets import CASE, Pass, attack_broker, attack_nodes, quiet_market

GROWTH_LIMIT_MB = 50.0
SHARES = {"broker without keys": 0.6, "broker with keys": 0.2, "nodes": 0.2}


def shown(result: Pass) -> str:
    """One pass, for people."""
    lines = [f"{result.name}: {result.sent.total():,} frames in {result.seconds:.0f} s"]
    lines.append("  sent     " + ", ".join(f"{kind} {count:,}" for kind, count in result.sent.most_common()))
    lines.append(
        "  refused  " + ", ".join(f"{reason} {count:,}" for reason, count in result.refused.most_common())
    )
    lines.append(f"  memory   {result.growth_mb:+.1f} MB against the undisturbed run")
    lines.append("  answer   " + ("; ".join(result.faults) or "unchanged"))
    return "\n".join(lines)


def main() -> int:
    """All passes."""
    parser = argparse.ArgumentParser(description="Hostile frames against a broker and its nodes.")
    parser.add_argument("frames", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numbers = {name: round(share * options.frames) for name, share in SHARES.items()}
    random = Random(options.seed)
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quiet = folder / "quiet"
        quiet_market(quiet)
        make_keys(folder / "keys", [BROKER, *(vpp.id for vpp in load_scenario(CASE).vpps), "watcher"])
        for title, keys in (("broker without keys", None), ("broker with keys", folder / "keys")):
            results.append(attack_broker(title, numbers[title], random, folder / title, quiet, keys))
            print(shown(results[-1]), flush=True)
        results.append(attack_nodes(numbers["nodes"], random, folder))
        print(shown(results[-1]), flush=True)
    sound = all(not result.faults and result.growth_mb < GROWTH_LIMIT_MB for result in results)
    print(
        f"{sum(result.sent.total() for result in results):,} frames: {'as it should be' if sound else 'NOT SOUND'}"
    )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
