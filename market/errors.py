"""The errors that this project raises on purpose, as one hierarchy.

    MarketError                 base: catch this to catch them all
    ├─ ScenarioError            an input breaks a rule; carries every fault at once
    ├─ ModelError               the economics is broken: a share off the simplex, a price not finite
    ├─ StrategyError            a strategy of a plant's owner cannot be had, or answers what it may not
    ├─ DispatchError            a plant cannot be dispatched; says which limits conflict, and when
    ├─ TradeError               a broker tells a VPP of trade that it cannot have negotiated
    ├─ WireError                bytes that are not one of our messages; carries a short reason
    ├─ ProtocolError            a valid message out of turn, or from somebody who may not send it
    ├─ TapeError                a tape that cannot be written or read
    └─ RunError                 a run that broke: a process died, a port is taken, nobody came

A message names the rule, the value, the place and the remedy, and never needs a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.visible import visible_line


class MarketError(Exception):
    """Base of all errors raised on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule of an input: what the rule is, what was found, where, and what to do."""

    rule: str
    value: str
    place: str
    remedy: str

    def __str__(self) -> str:
        return visible_line(f"{self.place}: {self.rule}; got {self.value}; {self.remedy}")


class ScenarioError(MarketError):
    """An input breaks one rule or several; `faults` holds every one of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ModelError(MarketError):
    """A quantity of the model is outside its domain."""


class StrategyError(MarketError):
    """A strategy cannot be had, or answers what it may not."""


class DispatchError(MarketError):
    """A VPP's day cannot be dispatched."""


class TradeError(MarketError):
    """A VPP is told of trade that cannot be what was negotiated."""


class WireError(MarketError):
    """Bytes that are not one of our messages. `reason` is a short stable word for counters."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class ProtocolError(MarketError):
    """A well-formed message that may not come now, or not from this sender. `reason` is for counters."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}")


class TapeError(MarketError):
    """A tape that cannot be written or read."""


class RunError(MarketError):
    """A run that broke for a reason outside the model."""
