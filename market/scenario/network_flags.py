"""The notation of communication conditions on the command line: `lognormal:50ms:0.5`, `VPP1:2s:12s`.

Values that it reads pass the rules of the scenario's own section as well, so no rule is repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from market.errors import Fault, ScenarioError
from market.model.network import Constant, Lognormal, Normal, Uniform
from market.scenario.changes import Changes

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>us|µs|ms|s)", re.ASCII)
_NOTHING = re.compile(r"0+(?:\.0+)?", re.ASCII)
"""No time at all needs no unit."""
_PER_SECOND = {"us": 1e6, "µs": 1e6, "ms": 1e3, "s": 1.0}
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+", re.ASCII)
_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>bit|kbit|Mbit|Gbit)", re.ASCII)
_BITS = {"bit": 1.0, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9}
_LATENCIES: Final = {
    kind.__name__.lower(): tuple(kind.__dataclass_fields__) for kind in (Constant, Uniform, Normal, Lognormal)
}


@dataclass(frozen=True, slots=True)
class NetworkFlags:
    """The flags as given; None or empty leaves the scenario's value."""

    delay: str | None = None
    jitter: str | None = None
    loss: str | None = None
    duplicate: str | None = None
    reorder: str | None = None
    bandwidth: str | None = None
    outage: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()
    compute: str | None = None
    time: str | None = None
    on_loss: str | None = None
    silence: str | None = None
    absence: str | None = None
    answer: str | None = None

    def given(self) -> Iterator[tuple[str, str]]:
        """Each flag in use with its text, repeated ones one by one."""
        for flag in fields(self):
            value = getattr(self, flag.name)
            texts = (value,) if isinstance(value, str) else value or ()
            yield from ((f"--{flag.name.replace('_', '-')}", text) for text in texts)


class _Unreadable(Exception):
    """A text that is not of the notation, or what it refers to is not."""

    def __init__(self, rule: str, remedy: str, value: str | None = None) -> None:
        self.rule, self.remedy, self.value = rule, remedy, value


def network_changes(flags: NetworkFlags, vpps: Sequence[str]) -> Changes:
    """The changes that the flags stand for, for `with_overrides`; those not given change nothing.

    vpps : the ids there are; where an id holds a `-`, they tell which `-` stands between two of them

    Raises ScenarioError with every flag that cannot be read.
    """
    changes, faults = Changes({}, {}), list[Fault]()
    for flag, text in flags.given():
        try:
            read = _read(flag, text, vpps)
        except _Unreadable as error:
            faults.append(Fault(error.rule, repr(error.value or text), flag, error.remedy))
            continue
        except ScenarioError as error:
            faults += error.faults
            continue
        for name, value in read.items():
            path = f"network.{name}"
            changes.sources[path] = flag
            before = changes.values.get(path)
            changes.values[path] = (
                [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
            )
    if faults:
        raise ScenarioError(faults)
    return changes


def _read(flag: str, text: str, vpps: Sequence[str]) -> dict[str, object]:
    """The fields of the section `network` that one flag stands for."""
    text = text.strip()
    if flag == "--outage":
        return {"outages": [_outage(text, vpps)]}
    if flag == "--partition":
        return {"partitions": [_partition(text)]}
    return _READERS[flag](text)


def _duration_s(text: str) -> float:
    if _NOTHING.fullmatch(text):
        return 0.0
    match = _DURATION.fullmatch(text)
    if match is None:
        raise _Unreadable("must be a number and a unit (us, ms, s)", "write it like 50ms, 1.5s or 200us", text)
    return float(match["number"]) / _PER_SECOND[match["unit"]]


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text, re.ASCII)
        part = float(percent[1]) / 100 if percent else 1.0
        remedy = f"write it as a share, {part:g}" if part < 1.0 else "write it as a share, like 0.02"
        raise _Unreadable("must be a plain number", remedy, text)
    return float(text)


def _delay(text: str) -> dict[str, object]:
    kind, colon, rest = text.partition(":")
    if not colon:
        return {"latency": {"kind": "constant", "value_s": _duration_s(text)}}
    if kind == "empirical":
        return {"latency": {"kind": kind, "samples_s": _samples_s(rest)}}
    names, values = _LATENCIES.get(kind, ()), rest.split(":")
    if len(names) != len(values):
        rule = "must be a time, or a distribution and its parameters"
        remedy = (
            "write it like 50ms, constant:50ms, uniform:10ms:90ms, normal:50ms:10ms, lognormal:50ms:0.5 or "
            "empirical:FILE.csv"
        )
        raise _Unreadable(rule, remedy)
    read = {
        name: _number(part) if name == "sigma" else _duration_s(part)
        for name, part in zip(names, values, strict=True)
    }
    return {"latency": {"kind": kind, **read}}


def _samples_s(name: str) -> list[float]:
    """The samples of a CSV file, whose path is relative to where the command runs."""
    from market.scenario.network_samples import read_sample_file

    if not name:
        raise _Unreadable("must name a CSV file after empirical:", "write it like empirical:measured.csv")
    samples_s, faults = read_sample_file(Path(name), name)
    if faults:
        raise ScenarioError(faults)
    return list(samples_s)


def _reorder(text: str) -> dict[str, object]:
    probability, colon, time = text.partition(":")
    if not colon:
        raise _Unreadable("must be a share and a time", "write it like 0.1:200ms")
    return {"reordering": _number(probability), "reordering_s": _duration_s(time)}


def _bandwidth(text: str) -> dict[str, object]:
    match = _RATE.fullmatch(text)
    if match is None:
        raise _Unreadable("must be a number and a unit (bit, kbit, Mbit, Gbit)", "write it like 64kbit")
    return {"bandwidth_bit_per_s": float(match["number"]) * _BITS[match["unit"]]}


def _outage(text: str, vpps: Sequence[str]) -> dict[str, object]:
    links, window = _window(text, "VPP1-VPP2:2s:12s or VPP1:2s:12s")
    return {**_ends(links, vpps), **window}


def _ends(links: str, vpps: Sequence[str]) -> dict[str, object]:
    """`A-B` as the link from A to B, `A` as all links of A; known ids tell which `-` is meant."""
    if links in vpps:
        return {"vpp": links}
    cuts = [(links[:at], links[at + 1 :]) for at, letter in enumerate(links) if letter == "-"]
    known = [cut for cut in cuts if cut[0] in vpps and cut[1] in vpps]
    if not cuts:
        return {"vpp": links}
    if len(known) > 1:
        remedy = "set the outage in scenario.yaml, or rename a VPP"
        raise _Unreadable("must be readable in one way only", remedy)
    sender, receiver = (known or cuts)[0]
    return {"from": sender, "to": receiver}


def _partition(text: str) -> dict[str, object]:
    groups, window = _window(text, "VPP1,VPP2/VPP3:1s:9s")
    return {
        "groups": [[vpp.strip() for vpp in group.split(",") if vpp.strip()] for group in groups.split("/")],
        **window,
    }


def _window(text: str, example: str) -> tuple[str, dict[str, object]]:
    """What comes before the first colon, and the window after it; an end left out is none."""
    whom, *times = text.split(":")
    if not whom or len(times) not in (1, 2) or not times[0]:
        raise _Unreadable("must say whom, from when, until when", f"write it like {example}")
    end = times[1] if len(times) == 2 else ""
    return whom, {"start_s": _duration_s(times[0]), "end_s": _duration_s(end) if end else None}


def window_s(text: str) -> tuple[float, float]:
    """A window of time as it is typed, `0s:2s`, in seconds. ScenarioError if it cannot be read, or is none.

    >>> window_s("0s:2s"), window_s("150ms:1.5s")
    ((0.0, 2.0), (0.15, 1.5))
    """
    start, colon, end = text.strip().partition(":")
    rule, remedy = "must say from when to when, and end later than it begins", "write it like 0s:2s"
    try:
        window = _duration_s(start), _duration_s(end)
    except _Unreadable as error:
        raise ScenarioError([Fault(error.rule if colon else rule, repr(text), "--window", remedy)]) from None
    if window[0] >= window[1]:
        raise ScenarioError([Fault(rule, repr(text), "--window", remedy)])
    return window


_READERS: Final[dict[str, Callable[[str], dict[str, object]]]] = {
    "--delay": _delay,
    "--jitter": lambda text: {"jitter_s": _duration_s(text)},
    "--loss": lambda text: {"loss": _number(text)},
    "--duplicate": lambda text: {"duplication": _number(text)},
    "--reorder": _reorder,
    "--bandwidth": _bandwidth,
    "--compute": lambda text: {"compute_s": _duration_s(text)},
    "--time": lambda text: {"time": text},
    "--on-loss": lambda text: {"on_loss": text},
    "--silence": lambda text: {"silence_s": _duration_s(text)},
    "--absence": lambda text: {"wait_s": _duration_s(text)},
    "--answer": lambda text: {"answer_s": _duration_s(text)},
}
