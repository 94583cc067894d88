"""The communication conditions of a market as values: links, outages, partitions, compute time, retransmission.

Each parameter is defined here and nowhere else; rules between fields stand behind them. Values here are already
validated (`market.scenario` does that). The defaults are the perfect network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_type_hints

from market.model.parameter import MAX_REAL_TIME_S, MAX_TIME_S, Broken, parameter

MAX_ATTEMPTS: Final = 100_000
MOST_CHOOSING: Final = 50
"""In a market of more VPPs whose time is virtual, buyers choose once, at the prices at rest: until then their
choices would be most of what is sent and kept, and nobody reads them."""
MOST_AT_ONCE: Final = 12
"""In a market of more VPPs, over links of unequal delays, nobody answers each message at once: every answer would
be answered by all others, each at a moment of its own, and prices would be sent far faster than they arrive."""


class TimeMode(StrEnum):
    """Which clock a run goes by."""

    VIRTUAL = "virtual"  # simulated: nobody waits, the broker is the sequencer
    WALL = "wall"  # real: the same conditions imposed by real waiting


class OnLoss(StrEnum):
    """What a market does when it loses a VPP: its process died, or gives no sign of life."""

    STOP = "stop"  # the run breaks off
    WAIT = "wait"  # the others wait for it, and all begin again when it is back
    WITHDRAW = "withdraw"  # the others begin again without it, and with it should it come back


def _seconds(meaning: str, **said: Any) -> Any:
    """A time from 0 on."""
    return parameter("s", meaning, ge=0, le=MAX_TIME_S, **said)


@dataclass(frozen=True, slots=True)
class Constant:
    """Always `value_s`."""

    value_s: float = _seconds("The constant latency")


@dataclass(frozen=True, slots=True)
class Uniform:
    """Evenly from `low_s` to `high_s`."""

    low_s: float = _seconds("Lowest latency, uniform")
    high_s: float = _seconds("Highest latency, uniform")


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal, truncated at three deviations on either side and at 0."""

    mean_s: float = _seconds("Mean before truncation at 0 and at three deviations, normal")
    deviation_s: float = _seconds("Standard deviation before truncation, normal")


@dataclass(frozen=True, slots=True)
class Lognormal:
    """The logarithm is normal, truncated at three deviations `sigma` on either side of the median."""

    median_s: float = parameter("s", "Median, lognormal", gt=0, le=MAX_TIME_S)
    sigma: float = parameter(
        "1", "Standard deviation of the logarithm before truncation at three of them, lognormal", ge=0, le=5
    )


@dataclass(frozen=True, slots=True)
class Empirical:
    """One of the measured samples, each equally likely; in ascending order."""

    samples_s: tuple[float, ...] = _seconds("Measured latencies in seconds, in place of file")


Latency: TypeAlias = Constant | Uniform | Normal | Lognormal | Empirical


@dataclass(frozen=True, slots=True)
class LinkConditions:
    """What a link does to a message; None as bandwidth is unlimited."""

    latency: Latency = Constant(0.0)
    jitter_s: float = _seconds("Further time, even from 0 to this", default=0.0)
    loss: float = parameter("share", "Probability that an attempt is lost", default=0.0, ge=0, lt=1, first=True)
    duplication: float = parameter("share", "Probability that a message arrives twice", default=0.0, ge=0, le=1)
    reordering: float = parameter(
        "share", "Probability that a message is held back by reordering_s", default=0.0, ge=0, le=1
    )
    reordering_s: float = _seconds("How long a reordered message is held back", default=0.0)
    bandwidth_bit_per_s: float | None = parameter(
        "bit/s", "Bits that the link carries in a second", default=None, ge=1, le=1e11
    )


@dataclass(frozen=True, slots=True)
class Links:
    """Which links: those from, those to, or (`vpp`) those from and to a VPP; None leaves it open."""

    sender: str | None = None
    receiver: str | None = None
    vpp: str | None = None

    def cover(self, sender: str, receiver: str) -> bool:
        """Whether the link from `sender` to `receiver` is meant."""
        return (
            self.sender in (None, sender)
            and self.receiver in (None, receiver)
            and (self.vpp is None or self.vpp in (sender, receiver))
        )

    def __str__(self) -> str:
        """As a reader writes it: `VPP1 to VPP2`, `VPP3`."""
        if self.vpp is not None:
            return self.vpp
        return f"{self.sender or 'all'} to {self.receiver or 'all'}"


if TYPE_CHECKING:

    class LinkOverride:
        """What is different on some links: any of `LinkConditions`; None leaves it as it is for all."""

        links: Links
        latency: Latency | None

        def __init__(self, links: Links, *conditions: Any, **by_name: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

else:
    LinkOverride = make_dataclass(
        "LinkOverride",
        [("links", Links)]
        + [
            (name, hint | None, field(default=None, metadata=LinkConditions.__dataclass_fields__[name].metadata))
            for name, hint in get_type_hints(LinkConditions).items()
        ],
        frozen=True,
        slots=True,
        namespace={
            "__module__": __name__,
            "__doc__": "What is different on some links: any of `LinkConditions`; None leaves it as for all.",
        },
    )


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing gets through on `links` from `start_s` until `end_s`, exclusive; None: for ever."""

    links: Links
    start_s: float = _seconds("When it begins, in time of the run", default=0.0)
    end_s: float | None = _seconds("When it is over; left out or null: never", default=None)


@dataclass(frozen=True, slots=True)
class Partition:
    """Nothing passes between different groups from `start_s` until `end_s`, exclusive; None: for ever.

    A VPP that is in no group reaches everybody.
    """

    groups: tuple[tuple[str, ...], ...]
    start_s: float = _seconds("When it begins, in time of the run", default=0.0)
    end_s: float | None = _seconds("When it is over; left out or null: never", default=None)

    def separates(self, sender: str, receiver: str) -> bool:
        """Whether the two are in different groups."""
        ours = next((group for group in self.groups if sender in group), None)
        theirs = next((group for group in self.groups if receiver in group), None)
        return ours is not None and theirs is not None and ours != theirs


def window(when: Outage | Partition) -> Iterator[Broken]:
    """It ends after it begins."""
    if when.end_s is not None and when.start_s >= when.end_s:
        value = f"{when.start_s!r} and {when.end_s!r}"
        yield Broken("end_s", "end_s must be above start_s", value, "give a later end, or leave it out for never")


@dataclass(frozen=True, slots=True)
class NodeCompute:
    """What a turn of one VPP costs, in place of what it costs all."""

    vpp: str
    compute_s: float = _seconds("Time a turn of this node takes")


@dataclass(frozen=True, slots=True)
class Retransmission:
    """How a lost message is sent again."""

    after_s: float = parameter(
        "s",
        "Time after which a lost message is sent again",
        in_file="retransmit_after_s",
        default=0.2,
        ge=0.001,
        le=MAX_TIME_S,
    )
    backoff: float = parameter(
        "1",
        "Factor by which that time grows with each attempt",
        in_file="retransmit_backoff",
        default=2.0,
        ge=1,
        le=100,
    )
    max_s: float = parameter(
        "s", "Longest such time", in_file="retransmit_max_s", default=5.0, ge=0.001, le=MAX_TIME_S
    )
    give_up_after_s: float = parameter(
        "s",
        "Time after which a message that is not through counts as undeliverable",
        default=3600.0,
        gt=0,
        le=MAX_TIME_S,
    )

    def wait_s(self, attempt: int) -> float:
        """How long to wait after the given attempt, counted from 1, before the next."""
        growth = math.log(self.backoff)
        until_longest = math.ceil(math.log(self.max_s / self.after_s) / growth) if growth > 0.0 else 0
        return min(self.after_s * self.backoff ** min(attempt - 1, until_longest), self.max_s)


def attempts(again: Retransmission) -> Iterator[Broken]:
    """They come later and later, and to an end."""
    after_s, longest_s, give_up_s = again.after_s, again.max_s, again.give_up_after_s
    if after_s > longest_s:
        rule, value = "retransmit_max_s must not be below retransmit_after_s", f"{longest_s!r} below {after_s!r}"
        yield Broken("retransmit_max_s", rule, value, "raise it, or lower retransmit_after_s")
    elif give_up_s > MAX_ATTEMPTS * after_s:
        rule, remedy = (
            f"must be at most {MAX_ATTEMPTS} times retransmit_after_s",
            "give up earlier, or send again less often",
        )
        yield Broken("give_up_after_s", rule, repr(give_up_s), remedy)


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """Communication conditions: of all links, of some, of nodes; and how long anybody is waited for.

    `every`: all links; of `links` that cover a link, later ones win, field by field.
    """

    every: LinkConditions = LinkConditions()
    links: tuple[LinkOverride, ...] = ()
    outages: tuple[Outage, ...] = ()
    partitions: tuple[Partition, ...] = ()
    compute_s: float = _seconds("Time a turn of a node takes", default=0.0)
    compute: tuple[NodeCompute, ...] = ()
    pause_s: float | None = parameter(
        "s",
        "Time that a node lets pass after a turn, or its last message, before it is given what has come since; "
        f"null: 0, and of more than {MOST_AT_ONCE} plants over links of unequal delays their median latency",
        default=None,
        later=True,
        ge=0,
        le=MAX_TIME_S,
    )
    retransmission: Retransmission = Retransmission()
    stall_after_s: float = parameter(
        "s",
        "Real time without progress after which a run in wall time counts as stalled",
        default=30.0,
        ge=0.1,
        le=MAX_REAL_TIME_S,
    )
    time: TimeMode = parameter(
        "", "The clock of a run: `virtual`, simulated, or `wall`, real", default=TimeMode.VIRTUAL
    )
    on_loss: OnLoss = parameter(
        "",
        "When the market loses a VPP: `stop`, `wait` for it, or go on without it, `withdraw`",
        default=OnLoss.STOP,
    )
    silence_s: float = parameter(
        "s",
        "Real time without a sign of life after which a VPP counts as lost",
        default=10.0,
        ge=2,
        le=MAX_REAL_TIME_S,
    )
    wait_s: float = parameter(
        "s", "Real time for which a lost VPP is waited for", default=60.0, gt=0, le=MAX_REAL_TIME_S
    )
    answer_s: float = parameter(
        "s",
        "Real time for which a VPP that is alive may leave an order unanswered before it counts as lost; "
        "keep it above the longest time that planning a day takes",
        default=300.0,
        gt=0,
        le=MAX_REAL_TIME_S,
    )
