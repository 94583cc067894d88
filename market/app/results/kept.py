"""What a run folder keeps of a day, and in which format: chosen by whoever runs it, else by the day's size.

Selections, and most of the trace, are functions of what else is kept: where they would be many rows that nobody
opens, they are left out and worked out again when they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from market.app.results.shapes import Shape, fields, flag, one_of
from market.game.result import PeriodResult


class TraceLevel(StrEnum):
    """How much of the way to the end `trace` tells."""

    NONE = "none"  # nothing
    OFFERS = "offers"  # every price, not what buyers chose
    FULL = "full"  # every price and probability, and the evolution at the final prices


class TraceQuantity(StrEnum):
    """What a row of `trace` holds."""

    PRICE = "price"  # an offer, CNY/MWh
    PROBABILITY = "probability"  # a selection, dimensionless
    EVOLUTION = "evolution"  # a replicator step of (25) at the final prices, dimensionless


class TableFormat(StrEnum):
    """In which format tables are written."""

    CSV = "csv"
    PARQUET = "parquet"  # needs the extra `parquet`


@dataclass(frozen=True, slots=True)
class Keep:
    """What is to be kept. trace : None where the day's size decides"""

    trace: TraceLevel | None = None
    format: TableFormat = TableFormat.CSV


UNASKED: Final = Keep()
"""What is to be kept where nobody asks for anything."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a day.

    selections : whether their table is written, else it is worked out when asked for
    links : whether that of the network's links is; the tape tells of them
    """

    trace: TraceLevel = TraceLevel.FULL
    format: TableFormat = TableFormat.CSV
    selections: bool = True
    links: bool = True


MOST_TRACED: Final = 2_000
"""Pairs of a buyer and a seller, over all periods, up to which a day's whole trace is kept unasked."""
MOST_SELECTIONS: Final = 20_000
"""The same of selections, where they follow from the offers."""
MOST_LINKS: Final = 20_000
"""Directions of a network up to which the table of its links is kept unasked."""

KEPT: Final = "kept"
"""The manifest's field; a manifest of an earlier version has none, and everything is in CSV."""
KEPT_SHAPE: Final[Shape] = fields(
    {"trace": one_of(TraceLevel), "format": one_of(TableFormat), "selections": flag()}, {"links": flag()}
)


def kept_of_day(keep: Keep, results: Sequence[PeriodResult], vpps: int, *, follow: bool) -> Kept:
    """What is kept of a day of so many VPPs that ended so.

    follow : whether selections are a function of the last offers
    """
    pairs = sum(len(result.game.buyers) * len(result.game.sellers) for result in results)
    trace = keep.trace or (TraceLevel.FULL if pairs <= MOST_TRACED else TraceLevel.OFFERS)
    wanted = pairs <= MOST_SELECTIONS or trace is TraceLevel.FULL
    links = vpps * (vpps - 1) <= MOST_LINKS or trace is TraceLevel.FULL
    return Kept(trace, keep.format, wanted or not follow, links)


def kept_document(kept: Kept) -> dict[str, Any]:
    """For the manifest."""
    told = {"trace": kept.trace.value, "format": kept.format.value, "selections": kept.selections}
    return told if kept.links else {**told, "links": False}


def kept_of(manifest: Any) -> Kept:
    """What a run keeps, by its manifest."""
    told = manifest.get(KEPT)
    if told is None:
        return Kept()
    levels = TraceLevel(told["trace"]), TableFormat(told["format"])
    return Kept(*levels, told["selections"], told.get("links", True))


def kept_note(kept: Kept) -> str:
    """What is not kept, in a line for people; empty where everything is."""
    parts = {
        TraceLevel.NONE: "no trace",
        TraceLevel.OFFERS: "of the trace the offers only",
        TraceLevel.FULL: "",
    }
    selections = "" if kept.selections else "selections are worked out when asked for"
    links = "" if kept.links else "no table of links"
    told = "; ".join(part for part in (parts[kept.trace], selections, links) if part)
    return f"kept: {told} (everything: --trace full)" if told else ""
