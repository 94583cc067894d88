"""What an importer makes of its source: a scenario as `scenario.yaml` says it, its files, an account of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from market.scenario.fields import plain_id

Entry: TypeAlias = Any
"""A series as the file has it: a value with its unit, a source, or a list of those."""

Fields: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Provenance:
    """For readers, a line each: where data are from, what was taken, what not and why, what had to be assumed."""

    sources: tuple[str, ...] = ()
    took: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    def with_(self, other: Provenance) -> Provenance:
        """Both, each line once."""
        return Provenance(
            *(
                tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name))))
                for name in ("sources", "took", "dropped", "assumed")
            )
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario before it is written.

    sections : `horizon`, `market`, `carbon` and the like
    series : by name, each source with all that is said of it
    files : by name, as bytes
    places : flags of what was made of them, by path of the scenario, such as `series.Farm_load`
    words : flags of what its series say
    """

    title: str
    currency: str
    sections: Mapping[str, Any]
    series: Mapping[str, Entry]
    vpps: Sequence[Fields]
    files: Mapping[str, bytes]
    account: Provenance = field(default_factory=Provenance)
    places: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prices:
    """What no source of plants has: the two prices of the grid, as values or series, and that of carbon."""

    retail: Entry
    feed_in: Entry
    carbon: str
    assumed: tuple[str, ...] = ()

    @classmethod
    def given(
        cls,
        retail: str | None,
        feed_in: str | None,
        carbon: str | None,
        currency: str,
        usual_per_mwh: tuple[float, float] = (300.0, 80.0),
    ) -> Prices:
        """Values that a user gives, or usual ones, which are then said to be assumed.

        usual_per_mwh : retail and feed-in where they are not given
        """
        usual = {
            "retail": f"{number(usual_per_mwh[0])} {currency}/MWh",
            "feed_in": f"{number(usual_per_mwh[1])} {currency}/MWh",
            "carbon": f"0 {currency}/t",
        }
        given = {"retail": retail, "feed_in": feed_in, "carbon": carbon}
        taken = {name: value or usual[name] for name, value in given.items()}
        assumed = tuple(f"{_PRICE_WORDS[name]}: {usual[name]}" for name in usual if not given[name])
        return cls(taken["retail"], taken["feed_in"], taken["carbon"], assumed)


_PRICE_WORDS: Final = {
    "retail": "the grid's price, retail",
    "feed_in": "the grid's price for what is fed in, feed_in",
    "carbon": "carbon costs nothing (carbon.base_price)",
}


def rules(currency: str, prices: Prices) -> dict[str, Fields]:
    """The sections `market` and `carbon`; what is money has no default in other currencies than CNY."""
    return {
        "market": {
            "price_min": f"1 {currency}/MWh",
            "price_max": f"5000 {currency}/MWh",
            "choice_temperature": f"5 {currency}/MWh",
        },
        "carbon": {
            "mode": "flat",
            "base_price": prices.carbon,
            "grid_emission": "350 g/kWh",
            "grid_quota": "0 g/kWh",
            "mt_quota": "0 g/kWh",
        },
    }


RULES_ASSUMED: Final = (
    "offers lie between feed-in and retail; buyers spread over sellers by choice_temperature, 5 per MWh",
    "carbon: energy of the grid emits 350 g/kWh, and nothing earns free quota",
)


def unique_ids(names: Iterable[str], fallback: str) -> list[str]:
    """An id for each name: of plain letters, none twice even where case is not told apart.

    >>> unique_ids(["Süd 1", "Sud_1", "水"], "Plant")
    ['Sud_1', 'Sud_1_2', 'Plant']
    """
    taken: set[str] = set()
    found = []
    for name in names:
        base = plain_id(name) or fallback
        number, made = 1, base
        while made.casefold() in taken:
            number += 1
            made = f"{base[: 31 - len(str(number))]}_{number}"
        taken.add(made.casefold())
        found.append(made)
    return found


def number(value: float) -> str:
    """A number as people write it, with all its digits.

    >>> number(0.5), number(3.0), number(1e-05)
    ('0.5', '3', '1e-05')
    """
    text = repr(float(value))
    return text.removesuffix(".0")
