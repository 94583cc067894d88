"""Counts how often each VPP was lost without the market coming any further, and decides when that is enough.

Further: into a phase that the run had not reached before. Without such a bound a VPP that fails and comes back,
again and again, has all others begin anew for ever.
"""

from __future__ import annotations

from collections import defaultdict

MOST_FAULTS = 3
"""A VPP that has been lost so often by its own fault, as far as that is known, is not let in again: it has left
orders unanswered, said what is refused, or said itself that it cannot go on."""

MOST_LOSSES = 3
"""A VPP that has been lost so often, by whatever fault, over more than `wait_s`, without progress in between."""


class Losses:
    """The losses of one run. `wait_s`: how long the market stands still for one VPP in all without progress."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._furthest = 0
        self._faults: defaultdict[str, list[str]] = defaultdict(list)
        self._lost_at: defaultdict[str, list[float]] = defaultdict(list)

    def reached(self, phase: int) -> None:
        """The market is in its `phase`-th phase; if it never was before, the losses so far are forgiven."""
        if phase > self._furthest:
            self._furthest = phase
            self._lost_at.clear()
            self._faults.clear()

    def lost(self, vpp: str, now: float) -> None:
        """A VPP is lost, by whatever fault."""
        self._lost_at[vpp].append(now)

    def fault(self, vpp: str, how: str) -> None:
        """It is lost by its own fault; `how` is told of the last one."""
        self._faults[vpp].append(how)

    def enough(self, vpp: str) -> str:
        """Why a VPP is not to be let in again; empty while it is."""
        faults, lost_at = self._faults[vpp], self._lost_at[vpp]
        if len(faults) >= MOST_FAULTS:
            return f"{vpp} was lost {len(faults)} times, and the market came no further: its {faults[-1]}"
        if len(lost_at) >= MOST_LOSSES and lost_at[-1] - lost_at[0] > self._wait_s:
            over_s = lost_at[-1] - lost_at[0]
            return f"{vpp} was lost {len(lost_at)} times in {over_s:.0f} s, and the market came no further"
        return ""
