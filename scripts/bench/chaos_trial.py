"""A trial under chaos: its conditions, what was done to it, and how it is judged."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from broker.tape import TAPE_NAME, Ended, read_tape
from market.app.results.telling import telling_of_manifest
from market.game.result import Verdict

COMMAND = Path(sys.executable).parent / "vppmarket"
LONGEST_S = 180.0  # of one command
MOST_BLOWS = 5  # of one run
TAPE_BYTES = 60_000  # about as long as the default case's tape while it trades
CONDITIONS: Sequence[tuple[str, ...]] = (
    (),
    ("--delay", "lognormal:50ms:1", "--loss", "0.2"),
    ("--delay", "20ms", "--loss", "0.05", "--duplicate", "0.1"),
    ("--time", "wall", "--delay", "5ms", "--loss", "0.02"),
)
Prices = Mapping[tuple[str, str], float]


class Kind(StrEnum):
    """What strikes a run. Those of processes strike runs on this machine as well as markets behind a proxy."""

    KILL_NODE = "kill node"
    PAUSE_NODE = "pause node"
    KILL_BROKER = "kill broker"
    RESET_ONE = "reset a connection"
    RESET_ALL = "reset all connections"
    STALL = "stall a plane"
    STUTTER = "stutter"
    HALF_OPEN_ONE = "half-open connection"
    HALF_OPEN_ALL = "all half-open"
    LINK_DOWN = "link down"


OF_PROCESSES = (Kind.KILL_NODE, Kind.PAUSE_NODE, Kind.KILL_BROKER)


@dataclass(slots=True)
class ChaosTrial:
    """One run with what was done to it, and what came of it: `fault` is empty if all is as it should be."""

    seed: int
    proxied: bool
    done: list[Kind] = field(default_factory=list)
    fault: str = ""
    difference: float = 0.0
    seconds: float = 0.0

    @property
    def conditions(self) -> tuple[str, ...]:
        """The communication conditions it runs under."""
        return CONDITIONS[self.seed // 2 % len(CONDITIONS)]

    @property
    def shared(self) -> bool:
        """Whether plants share processes in it."""
        return self.seed % 5 < 2


def prices_of(folder: Path) -> dict[tuple[str, str], float]:
    """The prices of a run, by seller and period."""
    told = telling_of_manifest(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    (column,) = told.columns(["price_cny_per_mwh"])
    with (folder / "offers.csv").open(encoding="utf-8", newline="") as file:
        return {(row["vpp"], row["period"]): float(row[column]) for row in csv.DictReader(file)}


def undisturbed(scratch: Path) -> dict[tuple[str, str], float]:
    """The prices that nobody disturbed."""
    folder = scratch / "undisturbed"
    subprocess.run([COMMAND, "run", "--quiet", "--out", folder], check=True, timeout=LONGEST_S)
    return prices_of(folder)


def judge(folder: Path, wanted: Prices, result: ChaosTrial) -> None:
    """AssertionError unless a run ended in the undisturbed prices, with a complete tape."""
    found = prices_of(folder)
    assert found.keys() == wanted.keys(), "other sellers than without disturbance"
    result.difference = max(abs(found[key] - price) for key, price in wanted.items())
    assert result.difference <= 1e-6, f"prices differ by {result.difference:g} CNY/MWh"
    assert list(read_tape(folder / TAPE_NAME))[-1] == Ended(Verdict.EQUILIBRIUM), "the tape is not complete"
