"""Owns the fields of the section `network`: names, units, meaning, limits, and the rules inside it.

Knows nothing of files, of which VPPs there are, or of what a network does. The defaults are the perfect network.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from market.network import OnLoss, TimeMode
from market.scenario.fields import Broken, Section, is_inside, quantity, share

MAX_TIME_S = 1e6
MAX_ATTEMPTS = 100_000
_INHERITED = "left out: as for all links, where there is none, none"


class LatencyKind(StrEnum):
    """How latency is distributed."""

    CONSTANT = "constant"
    UNIFORM = "uniform"
    NORMAL = "normal"
    LOGNORMAL = "lognormal"
    EMPIRICAL = "empirical"


_FIELDS = {
    LatencyKind.CONSTANT: ("value_s",),
    LatencyKind.UNIFORM: ("low_s", "high_s"),
    LatencyKind.NORMAL: ("mean_s", "deviation_s"),
    LatencyKind.LOGNORMAL: ("median_s", "sigma"),
    LatencyKind.EMPIRICAL: ("file", "samples_s"),
}


def _seconds(meaning: str, default: Any = None) -> Any:
    return quantity("s", meaning, default, ge=0, le=MAX_TIME_S)


class LatencySection(Section):
    """A distribution of latency; which fields it has depends on `kind`."""

    kind: Annotated[LatencyKind, Strict(False)] = Field(
        description="constant (value_s), uniform (low_s, high_s), normal (mean_s, deviation_s), "
        "lognormal (median_s, sigma) or empirical (file or samples_s)"
    )
    value_s: float | None = _seconds("The constant latency")
    low_s: float | None = _seconds("Lowest latency, uniform")
    high_s: float | None = _seconds("Highest latency, uniform")
    mean_s: float | None = _seconds("Mean before truncation at 0 and at three deviations, normal")
    deviation_s: float | None = _seconds("Standard deviation before truncation, normal")
    median_s: float | None = quantity("s", "Median, lognormal", None, gt=0, le=MAX_TIME_S)
    sigma: float | None = quantity(
        "1", "Standard deviation of the logarithm before truncation at three of them, lognormal", None, ge=0, le=5
    )
    file: str | None = Field(None, description="CSV file in the scenario's folder with the column latency_s")
    samples_s: list[Annotated[float, Field(ge=0, le=MAX_TIME_S)]] | None = Field(
        None, description="Measured latencies in seconds, in place of file", min_length=1
    )

    def broken(self) -> list[Broken]:
        """The fields are those of the kind, and in order."""
        given = [name for name in self.model_fields_set if name != "kind" and getattr(self, name) is not None]
        foreign = sorted(set(given) - set(_FIELDS[self.kind]))
        remedy = f"remove it; kind {self.kind} takes {', '.join(_FIELDS[self.kind])}"
        rule = f"must not be given with kind {self.kind}"
        broken = [Broken(name, rule, repr(getattr(self, name)), remedy) for name in foreign]
        if self.kind is LatencyKind.EMPIRICAL:
            return broken + self._empirical()
        rule = f"must be given with kind {self.kind}"
        missing = [name for name in _FIELDS[self.kind] if name not in given]
        broken += [Broken(name, rule, "nothing", "add it") for name in missing]
        if not missing and self.low_s is not None and self.high_s is not None and self.low_s > self.high_s:
            value = f"{self.low_s!r} above {self.high_s!r}"
            broken.append(Broken("low_s", "low_s must not be above high_s", value, "exchange the two"))
        return broken

    def _empirical(self) -> list[Broken]:
        if (self.file is None) == (self.samples_s is None):
            value = "neither" if self.file is None else "both"
            rule = "must be given with kind empirical, or samples_s in its place"
            return [Broken("file", rule, value, "give one of the two")]
        if self.file is not None and not is_inside(self.file):
            remedy = "put the file into the scenario's folder and give its name there"
            return [
                Broken("file", "must be a file name inside the scenario's folder", repr(self.file[:60]), remedy)
            ]
        return []


class ConditionsSection(Section):
    """What a link does to a message."""

    delay_s: float | None = _seconds("Constant latency: the short form of latency")
    latency: LatencySection | None = Field(None, description=f"Time on the way; {_INHERITED}")
    jitter_s: float | None = _seconds(f"Further time, even from 0 to this; {_INHERITED}")
    loss: float | None = quantity("share", f"Probability that an attempt is lost; {_INHERITED}", None, ge=0, lt=1)
    duplication: float | None = share(f"Probability that a message arrives twice; {_INHERITED}", None)
    reordering: float | None = share(
        f"Probability that a message is held back by reordering_s; {_INHERITED}", None
    )
    reordering_s: float | None = _seconds(f"How long a reordered message is held back; {_INHERITED}")
    bandwidth_bit_per_s: float | None = quantity(
        "bit/s",
        "Bits that the link carries in a second; left out: as for all links, there unlimited",
        None,
        ge=1,
        le=1e11,
    )

    def broken(self) -> list[Broken]:
        """One way of giving the latency; reordering with its time."""
        broken = []
        if self.delay_s is not None and self.latency is not None:
            rule = "must not be given together with latency"
            broken.append(Broken("delay_s", rule, repr(self.delay_s), "keep one of the two"))
        if (self.reordering is None) != (self.reordering_s is None):
            absent = "reordering" if self.reordering is None else "reordering_s"
            other = "reordering_s" if self.reordering is None else "reordering"
            broken.append(
                Broken(absent, f"must be given together with {other}", "nothing", f"add it, or remove {other}")
            )
        elif self.reordering and not self.reordering_s:
            rule = "must be above 0 where reordering is"
            broken.append(
                Broken("reordering_s", rule, repr(self.reordering_s), "say by how long, or set reordering to 0")
            )
        return broken


class SelectionSection(Section):
    """Which links are meant: `from`, `to`, both, or `vpp`."""

    sender: str | None = Field(None, alias="from", description="Id of a VPP: links from it")
    receiver: str | None = Field(None, alias="to", description="Id of a VPP: links to it")
    vpp: str | None = Field(None, description="Id of a VPP: links from it and links to it")

    def broken(self) -> list[Broken]:
        """Some links are meant, and meant in one way."""
        if self.sender is None and self.receiver is None and self.vpp is None:
            return [
                Broken(
                    "",
                    "must say which links: from, to or vpp",
                    "none of them",
                    "add one; for all links, use network itself",
                )
            ]
        if self.vpp is not None and (self.sender is not None or self.receiver is not None):
            return [
                Broken(
                    "vpp", "must not be given together with from or to", repr(self.vpp), "keep vpp, or from and to"
                )
            ]
        if self.sender is not None and self.sender == self.receiver:
            return [
                Broken(
                    "to", "must be another VPP than from", repr(self.receiver), "name the other end of the link"
                )
            ]
        return []


class WindowSection(Section):
    """From when until when."""

    start_s: float = _seconds("When it begins, in time of the run", 0.0)
    end_s: float | None = _seconds("When it is over; left out or null: never")

    def broken(self) -> list[Broken]:
        """The window is not empty."""
        if self.end_s is None or self.start_s < self.end_s:
            return []
        value = f"{self.start_s!r} and {self.end_s!r}"
        return [
            Broken("end_s", "end_s must be above start_s", value, "give a later end, or leave it out for never")
        ]


class LinkSection(SelectionSection, ConditionsSection):
    """What is different on some links."""

    def broken(self) -> list[Broken]:
        """Both, and something is different."""
        broken = SelectionSection.broken(self) + ConditionsSection.broken(self)
        if not broken and all(getattr(self, name) is None for name in ConditionsSection.model_fields):
            known = ", ".join(ConditionsSection.model_fields)
            return [Broken("", "must say what is different on these links", "nothing", f"add one of {known}")]
        return broken


class OutageSection(SelectionSection, WindowSection):
    """A time in which nothing gets through on some links."""

    def broken(self) -> list[Broken]:
        """Both."""
        return SelectionSection.broken(self) + WindowSection.broken(self)


class PartitionSection(WindowSection):
    """A time in which nothing passes between different groups."""

    groups: list[list[str]] = Field(
        description="Two groups of ids or more, none in two of them; a VPP in no group reaches everybody"
    )

    def broken(self) -> list[Broken]:
        """Two groups or more, not empty and apart; and a window."""
        broken = super().broken()
        members = [member for group in self.groups for member in group]
        repeated = sorted({member for member in members if members.count(member) > 1})
        if len(self.groups) < 2:
            broken.append(
                Broken(
                    "groups", "must be two groups or more", str(len(self.groups)), "name those on the other side"
                )
            )
        if not all(self.groups):
            broken.append(
                Broken("groups", "must have a VPP in each group", "an empty group", "fill it or remove it")
            )
        if repeated:
            broken.append(
                Broken("groups", "must name each VPP only once", ", ".join(repeated), "remove what is repeated")
            )
        return broken


def _compute(value: object) -> object:
    """Each entry a time; told by the name of the entry."""
    if not isinstance(value, dict):
        return value
    rule = f"must be a number >= 0 and <= {MAX_TIME_S:.12g}"
    remedy = "give the seconds that a turn of this VPP takes"
    broken = [
        Broken(str(vpp), rule, repr(time_s), remedy) for vpp, time_s in value.items() if not _is_time(time_s)
    ]
    if broken:
        raise PydanticCustomError("rules", "rules are broken", {"broken": broken})
    return value


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= MAX_TIME_S  # type: ignore[operator]


class NetworkSection(ConditionsSection):
    """Communication conditions: of all links, of some, of nodes; and how long anybody is waited for."""

    links: list[LinkSection] = Field([], description="What is different on some links; later entries win")
    outages: list[OutageSection] = Field([], description="Times in which nothing gets through on some links")
    partitions: list[PartitionSection] = Field([], description="Times in which groups cannot reach each other")
    compute_s: float = _seconds("Time a turn of a node takes", 0.0)
    compute: Annotated[dict[str, Annotated[float, Field(ge=0, le=MAX_TIME_S)]], BeforeValidator(_compute)] = Field(
        {}, description="Time a turn takes, in seconds, by id of those VPPs that differ from compute_s"
    )
    retransmit_after_s: float = quantity(
        "s", "Time after which a lost message is sent again", 0.2, ge=0.001, le=MAX_TIME_S
    )
    retransmit_backoff: float = quantity(
        "1", "Factor by which that time grows with each attempt", 2.0, ge=1, le=100
    )
    retransmit_max_s: float = quantity("s", "Longest such time", 5.0, ge=0.001, le=MAX_TIME_S)
    give_up_after_s: float = quantity(
        "s", "Time after which a message that is not through counts as undeliverable", 3600.0, gt=0, le=MAX_TIME_S
    )
    stall_after_s: float = quantity(
        "s", "Real time without progress after which a run in wall time counts as stalled", 30.0, ge=0.1, le=86400
    )
    time: Annotated[TimeMode, Strict(False)] = Field(
        TimeMode.VIRTUAL, description="The clock of a run: `virtual`, simulated, or `wall`, real"
    )
    on_loss: Annotated[OnLoss, Strict(False)] = Field(
        OnLoss.STOP,
        description="When the market loses a VPP: `stop`, `wait` for it, or go on without it, `withdraw`",
    )
    silence_s: float = quantity(
        "s", "Real time without a sign of life after which a VPP counts as lost", 10.0, ge=2, le=86400
    )
    wait_s: float = quantity("s", "Real time for which a lost VPP is waited for", 60.0, gt=0, le=86400)
    answer_s: float = quantity(
        "s",
        "Real time for which a VPP that is alive may leave an order unanswered before it counts as lost; "
        "keep it above the longest time that planning a day takes",
        300.0,
        gt=0,
        le=86400,
    )

    def broken(self) -> list[Broken]:
        """And retransmission comes to an end."""
        broken = super().broken()
        after_s, longest_s = self.retransmit_after_s, self.retransmit_max_s
        if after_s > longest_s:
            value = f"{longest_s!r} below {after_s!r}"
            rule = "retransmit_max_s must not be below retransmit_after_s"
            broken.append(Broken("retransmit_max_s", rule, value, "raise it, or lower retransmit_after_s"))
        elif self.give_up_after_s > MAX_ATTEMPTS * after_s:
            rule = f"must be at most {MAX_ATTEMPTS} times retransmit_after_s"
            remedy = "give up earlier, or send again less often"
            broken.append(Broken("give_up_after_s", rule, repr(self.give_up_after_s), remedy))
        return broken
