"""Runs a matrix of days by two checkouts: every table, verdict and price has to be the same to the last digit.

The days vary case, price rule, carbon rules, τ, network conditions, losses and withdrawals, in one process and
over processes. What depends on the moment (durations, process ids, ages in wall time) is left out. Run it as
`python scripts/bench/same_numbers.py BASE_COMMAND NEW_COMMAND [--only TEXT]`, each a `vppmarket` of a checkout.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parents[2] / "market" / "cases"
LIMIT_S = 300.0
TRADES = ("roles", "bids", "offers", "selections", "dispatch", "costs")
TABLES = (*TRADES, "periods", "links", "trace", "in_flight", "staleness")
KEYS = ("verdict", "epsilon_cny", "broken_laws", "laws_not_claimed")
OF_VIRTUAL_TIME = ("rounds", "periods")


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the matrix.

    case, changes : what is run, with fields of its scenario.yaml changed · flags : of `vppmarket run`
    tables : those that do not depend on the moment
    """

    name: str
    case: str = "five_vpp"
    changes: tuple[tuple[str, object], ...] = ()
    flags: tuple[str, ...] = ()
    tables: tuple[str, ...] = TABLES


def days() -> Iterator[Day]:
    """The matrix."""
    alone = ("--in-process",)
    for case in ("five_vpp", "two_vpp", "quarter_hours"):
        yield Day(f"{case} in process", case, flags=alone)
        yield Day(f"{case} over processes", case)
    for rule in ("gradient", "tatonnement"):
        for flags in (alone, ()):
            yield Day(f"{rule} {'alone' if flags else 'bus'}", changes=(("market.price_rule", rule),), flags=flags)
    for tau in (0.0, 5.0, 200.0):
        for flags in (alone, ()):
            change = (("market.choice_temperature_cny_per_mwh", tau),)
            yield Day(f"tau {tau:g} {'alone' if flags else 'bus'}", changes=change, flags=flags)
    for mode in ("flat", "none"):
        yield Day(f"carbon {mode}", changes=(("carbon.mode", mode),), flags=alone)
    yield Day("credits follow energy", changes=(("carbon.credits_follow_energy", True),), flags=alone)
    yield Day("few offers", changes=(("market.offer_budget", 3),), flags=alone)
    yield Day("few offers bus", changes=(("market.offer_budget", 3),))
    yield Day("kappa 0.6", changes=(("market.satisfaction", 0.6),))
    yield Day("lognormal delay", flags=("--delay", "lognormal:50ms:0.5", "--loss", "0.05", "--seed", "3"))
    yield Day("reordered, doubled", flags=("--reorder", "0.2:200ms", "--duplicate", "0.2", "--jitter", "20ms"))
    yield Day("narrow band", flags=("--bandwidth", "64kbit", "--compute", "5ms"))
    yield Day("outage", flags=("--delay", "20ms", "--outage", "VPP1:0.1s:2s"))
    yield Day("partition", flags=("--delay", "20ms", "--partition", "VPP1,VPP2/VPP3:0s:1s"))
    yield Day("partition for ever", flags=("--partition", "VPP1,VPP2,VPP3/VPP4,VPP5:0s"))
    yield Day("wall time", flags=("--time", "wall", "--delay", "5ms"), tables=TRADES)
    yield Day("wall withdraw", flags=("--time", "wall", "--on-loss", "withdraw"), tables=TRADES)


def main(base: str, new: str, only: str) -> int:
    """Run and compare; 1 if anything differs."""
    chosen, different = [day for day in days() if only in day.name], 0
    with tempfile.TemporaryDirectory() as scratch:
        for index, day in enumerate(chosen):
            scenario = _scenario(day, Path(scratch) / f"scenario-{index}")
            found = [_run(command, day, scenario, Path(scratch) / f"{side}-{index}")
                     for side, command in (("base", base), ("new", new))]  # fmt: skip
            faults = [key for key in found[0].keys() | found[1].keys() if found[0].get(key) != found[1].get(key)]
            different += bool(faults)
            print(
                f"{day.name:28} {found[0].get('verdict')!s:14} {', '.join(sorted(faults)) or 'same'}", flush=True
            )
    print(f"{len(chosen)} days, {different} different")
    return 1 if different else 0


def _scenario(day: Day, folder: Path) -> Path:
    """A copy of the case with the changes."""
    folder.mkdir()
    for file in (CASES / day.case).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    fields: dict[str, Any] = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    for path, value in day.changes:
        section, name = path.split(".")
        fields.setdefault(section, {})[name] = value
    (folder / "scenario.yaml").write_text(yaml.safe_dump(fields, sort_keys=False), encoding="utf-8")
    return folder


def _run(command: str, day: Day, scenario: Path, out: Path) -> dict[str, object]:
    """What came of one run, by the name of each thing compared."""
    ended = subprocess.run(
        [command, "run", str(scenario), "--out", str(out), "--quiet", *day.flags],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    found: dict[str, object] = {"exit code": ended.returncode}
    manifest = json.loads((out / "manifest.json").read_text()) if (out / "manifest.json").is_file() else {}
    keys = (*KEYS, *OF_VIRTUAL_TIME) if day.tables is TABLES else KEYS
    found |= {key: manifest.get(key) for key in keys}
    for table in day.tables:
        file = out / f"{table}.csv"
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as opened:
                found[f"{table}.csv"] = list(csv.reader(opened))
    return found


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("base")
    options.add_argument("new")
    options.add_argument("--only", default="")
    given = options.parse_args()
    sys.exit(main(given.base, given.new, given.only))
