"""Tries many fates in one day: at each frame that is to be struck, a copy of the process goes on with it struck.

What came before is so worked out once for all. Needs `os.fork`, in a process with one thread.
"""

from __future__ import annotations

import gc
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from scripts.bench.frame_fates import (
    Fate,
    FrameTrial,
    MarketSetup,
    Spot,
    market_in_memory,
    undisturbed,
    what_came_of,
)


@dataclass(frozen=True, slots=True)
class Branch:
    """A copy of the process, what it tries, and where it says what came of it."""

    process: int
    spot: Spot
    fate: Fate
    heard: Connection

    def trial(self, market: MarketSetup) -> FrameTrial:
        """What it says; one that ends without a word has failed."""
        try:
            fault, took_s = pickle.loads(self.heard.recv_bytes())
        except EOFError:
            fault, took_s = "its process ended without a word", 0.0
        self.heard.close()
        os.waitpid(self.process, 0)
        return FrameTrial(market, self.spot, self.fate, fault, took_s)


@dataclass
class BranchedDay:
    """A day of a market, of which copies go on with one frame struck, so many at a time; `told` hears of each."""

    market: MarketSetup
    tries: Mapping[Spot, Sequence[Fate]]
    at_a_time: int
    told: Callable[[FrameTrial], None]
    branches: list[Branch] = field(default_factory=list)
    says: Connection | None = None
    """In a copy, where it says what came of it."""

    def live(self) -> None:
        """Carry the day to its end, undisturbed, and each copy of it to its own."""
        undisturbed(replace(self.market, conditions="virtual"))  # every copy is compared with it
        run = market_in_memory(self.market, self._fate_of)
        try:
            came = what_came_of(run, self.market)
            if self.says is not None:
                self.says.send_bytes(pickle.dumps(came))
        finally:
            if self.says is not None:
                os._exit(0)  # a copy has nothing else to do, whatever went wrong
        self._collect(0)
        if came[0]:
            raise AssertionError(f"{self.market}: {came[0]}, with nothing done to it")

    def _fate_of(self, spot: Spot) -> Fate | None:
        """None in the day itself, when a copy has been made for each fate of the frame; in a copy, its own."""
        for fate in self.tries.get(spot, ()):
            self._collect(self.at_a_time - 1)
            heard, says = Pipe(duplex=False)
            process = os.fork()
            if process == 0:
                self.says = says
                gc.disable()  # a collection would touch, and so copy, all that is shared with the day itself
                return fate
            says.close()
            self.branches.append(Branch(process, spot, fate, heard))
        return None

    def _collect(self, most: int) -> None:
        """Wait until at most so many copies are under way."""
        while len(self.branches) > most:
            ready = wait([branch.heard for branch in self.branches])
            ended = [branch for branch in self.branches if branch.heard in ready]
            self.branches = [branch for branch in self.branches if branch not in ended]
            for branch in ended:
                self.told(branch.trial(self.market))
