"""Which rows each table of a run folder must have, and which of them a table that was read back lacks.

The manifest says who took part and in how many periods, the certificate whose plans are shown. What buyers and
sellers did follows from their roles. Tables of what happened on the way, such as `trace`, have any number of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, product
from pathlib import Path
from typing import Any, Final, TypeAlias

from market.app.results.columns import DAY_CERTIFICATE, IMBALANCE, STRATEGIES
from market.app.results.document import refused
from market.app.results.kept import kept_of
from market.app.results.manifest_shape import REMEDY
from market.app.results.records import Records
from market.app.results.table_writer import file_of
from market.model.declaration import Role

Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ReadDay:
    """What was read of a day's folder, before it is believed. tables : all that it holds, by name"""

    manifest: Mapping[str, Any]
    certificate: Mapping[str, Any]
    tables: Mapping[str, Records]

    @property
    def vpps(self) -> tuple[str, ...]:
        """Who took part to the end."""
        return tuple(self.manifest["audit"]["shown"])

    @property
    def periods(self) -> range:
        """Their numbers."""
        return range(1, int(self.manifest["rules"]["horizon"]["periods"]) + 1)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The plans that are accounted for, as `costs` names them."""
        real = ("grid_only_realised", "game_realised") if IMBALANCE in self.manifest else ()
        return ("grid_only", "game", *real)


def check_rows(folder: Path, day: ReadDay) -> None:
    """ScenarioError, naming the first table that lacks a row, has one twice, or one that it cannot have."""
    for name, (keys, each, wanted) in _TABLES.items():
        if name in day.tables and (value := _misfit(keys, _keys(day.tables[name], keys), wanted(day))):
            path = folder / file_of(name, kept_of(day.manifest).format)
            raise refused(path, f"it must have one row for each {each}", value, REMEDY)


def _keys(records: Records, names: Iterable[str]) -> list[Key]:
    return list(zip(*(records[name].tolist() for name in names), strict=True))


def _misfit(names: tuple[str, ...], found: list[Key], wanted: Iterable[Key]) -> str | None:
    """The first row that is lacking, there twice, or not to be there; None where all are as they must be."""
    needed = dict.fromkeys(islice(wanted, len(found) + 1))  # of more than are found one is lacking for certain
    if len(found) == len(needed) and needed.keys() == set(found):
        return None
    there = Counter(found)
    lacking = (("none", key) for key in needed if key not in there)
    twice = (("several", key) for key, times in there.items() if times > 1)
    foreign = (("one that cannot be there", key) for key in there if key not in needed)
    what, key = next(chain(lacking, twice, foreign))
    whose = ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=True))
    return f"{what} for {whose}, among {len(found)} rows"


def _roles(day: ReadDay) -> Iterable[Key]:
    return product(day.vpps, day.periods)


def _bids(day: ReadDay) -> Iterator[Key]:
    """Of everybody whose role it is to buy; of who left before the end no role is told, and any bid may stand."""
    yield from _keys(day.tables["roles"].where(role=Role.BUYER.value), ("vpp", "period"))
    here = frozenset(day.vpps)
    yield from (key for key in _keys(day.tables["bids"], ("vpp", "period")) if key[0] not in here)


def _offers(day: ReadDay) -> Iterable[Key]:
    """Of everybody of whom another table, or the certificate, knows that it sold."""
    sellers = _certified(day)
    if "selections" in day.tables:
        return sellers | dict.fromkeys(_keys(day.tables["selections"], ("seller", "period")))
    certified = {period for _, period in sellers}
    offers = _keys(day.tables["offers"], ("vpp", "period"))
    return sellers | dict.fromkeys(key for key in offers if key[1] not in certified)


def _certified(day: ReadDay) -> dict[Key, None]:
    """Sellers whose regret is known, each with the period."""
    each = ((side["vpp"], one["period"]) for one in day.certificate["periods"] for side in one.get("sellers", ()))
    return dict.fromkeys(each)


def _selections(day: ReadDay) -> Iterator[Key]:
    """Of every buyer with every seller of its period."""
    buyers: dict[int, list[str]] = {}
    for buyer, period in _keys(day.tables["bids"], ("vpp", "period")):
        buyers.setdefault(period, []).append(buyer)
    for seller, period in _keys(day.tables["offers"], ("vpp", "period")):
        yield from ((buyer, seller, period) for buyer in buyers.get(period, ()))


def _plans(day: ReadDay) -> Iterator[Key]:
    shown = [(plan["vpp"], plan["stage"]) for plan in day.certificate["dispatch"] if plan["method"] is not None]
    return ((*plan, period) for plan, period in product(shown, day.periods))


def _units(day: ReadDay) -> Iterator[Key]:
    """Which units a plan has only this table knows; each has all periods."""
    units = dict.fromkeys(_keys(day.tables["units"], ("vpp", "stage", "unit")))
    return ((*unit, period) for unit, period in product(units, day.periods))


def _rounds(day: ReadDay) -> Iterable[Key]:
    return ((number,) for number in range(day.manifest["day"]["rounds"]))  # counted from 0


_TABLES: Final[Mapping[str, tuple[tuple[str, ...], str, Callable[[ReadDay], Iterable[Key]]]]] = {
    "roles": (("vpp", "period"), "VPP and period", _roles),
    "periods": (("period",), "period", lambda day: product(day.periods)),
    "bids": (("vpp", "period"), "buyer and period", _bids),
    "offers": (("vpp", "period"), "seller and period", _offers),
    "selections": (("buyer", "seller", "period"), "buyer, seller and period", _selections),
    "dispatch": (("vpp", "stage", "period"), "plan that is shown, and period", _plans),
    "units": (("vpp", "stage", "unit", "period"), "unit of a plan, and period", _units),
    "costs": (("vpp", "scenario"), "VPP and plan", lambda day: product((*day.vpps, "system"), day.scenarios)),
    "rounds": (("round",), "round", _rounds),
    IMBALANCE: (
        ("vpp", "scenario", "period"),
        "VPP, plan and period",
        lambda day: product(day.vpps, ("grid_only", "game"), day.periods),
    ),
    DAY_CERTIFICATE: (("vpp",), "VPP", lambda day: product(day.vpps)),
    STRATEGIES: (("vpp",), "VPP with a strategy", lambda day: product(day.manifest[STRATEGIES])),
}
"""By table: the columns that name a row, what they stand for, and the rows that there must be."""
