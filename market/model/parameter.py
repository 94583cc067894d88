"""Defines parameters: each on the field of the model's dataclass, once, with all that is said of it.

Its name and default are the field's own; `parameter` adds unit, meaning, symbol and bounds. File, schema, command
line, page and tape are derived from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, NamedTuple

MAX_POWER_MW = 1e6
MAX_PRICE_CNY_PER_MWH = 1e6
MAX_SLOPE_CNY_PER_MW2H = 1e9  # of plants of a kilowatt, too
MAX_COST_CNY_PER_H = 1e9
MAX_TIME_S = 1e6
MAX_REAL_TIME_S = 86_400.0
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_KEY = "parameter"
_LATER = "later"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is said of a field. gt, ge, lt, le : bounds, None for none; the unit is empty for words and switches.

    in_file : its name in `scenario.yaml`, where that is another
    follows : the field whose value it takes where it is left out
    first : whether it stands first where people change parameters
    later : whether it came when there were scenarios with digests already, so that its default leaves those alone
    """

    unit: str
    meaning: str
    symbol: str = ""
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    in_file: str = ""
    follows: str = ""
    first: bool = False
    later: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number is within the bounds; NaN never is."""
        return (
            (self.gt is None or value > self.gt)
            and (self.ge is None or value >= self.ge)
            and (self.lt is None or value < self.lt)
            and (self.le is None or value <= self.le)
            and value == value
        )

    def said(self, meaning: str, **otherwise: Any) -> Parameter:
        """The same of another field: with another meaning, and whatever else is not the same."""
        return replace(self, meaning=meaning, **otherwise)

    @property
    def limits(self) -> str:
        """The bounds in signs, such as `> 0 and <= 10`."""
        given = ((sign, getattr(self, name)) for name, sign in _SIGNS.items())
        return " and ".join(f"{sign} {limit:.12g}" for sign, limit in given if limit is not None)

    @property
    def description(self) -> str:
        """Meaning, symbol, what it follows and unit as one text."""
        head, semicolon, rest = self.meaning.partition(";")
        text = f"{head}, {self.symbol}{semicolon}{rest}" if self.symbol else self.meaning
        text += f"; left out: {self.follows}" if self.follows else ""
        return f"{text} [{self.unit}]" if self.unit else text

    def label(self, name: str) -> str:
        """A field of that name for people: `base_price_cny_per_t` as `base price μ, CNY/t`."""
        suffix = f"_{unit_in_name(self.unit)}"
        words = name.removesuffix(suffix).replace("_", " ")
        text = f"{words} {self.symbol}".rstrip()
        return f"{text}, {self.unit}" if name.endswith(suffix) else text


class Broken(NamedTuple):
    """A rule between fields that does not hold; `field` is where to look, below what the rule is about."""

    field: str
    rule: str
    value: str
    remedy: str


class Defined(NamedTuple):
    """A parameter as it is defined: its field, what is said of it, and its default, `MISSING` for none."""

    name: str
    parameter: Parameter
    default: Any

    @property
    def in_file(self) -> str:
        """Its name in `scenario.yaml`."""
        return self.parameter.in_file or self.name


def parameter(unit: str, meaning: str, *, default: Any = MISSING, **said: Any) -> Any:
    """The field of a dataclass that is a parameter; without a default it has to be given. See `Parameter`."""
    definition = Parameter(unit, meaning, **said)
    if definition.follows:
        return field(default=None, metadata={_KEY: definition})
    return field(default=default, metadata={_KEY: definition})


def later(default: Any = None) -> Any:
    """The field of a dataclass that is no parameter itself, such as a part, and came later. See `Parameter`."""
    return field(default=default, metadata={_LATER: True})


def origin() -> Any:
    """The field of a dataclass that says only where other fields come from, so it is not compared."""
    return field(default=None, compare=False)


def counts(part: Field[Any], value: Any) -> bool:
    """Whether the value of a dataclass's field counts in digests: not a default that came later, nor an origin."""
    told = not came_later(part) or type(value) is not type(part.default) or value != part.default
    return part.compare and told


def came_later(part: Field[Any]) -> bool:
    """Whether a dataclass's field came when there were scenarios with digests already."""
    definition = parameter_of(part.metadata)
    return definition.later if definition else bool(part.metadata.get(_LATER, False))


def parameter_of(metadata: Any) -> Parameter | None:
    """The parameter that a field's metadata holds, if it is one."""
    return metadata.get(_KEY)  # type: ignore[no-any-return]


def parameters_of(owner: Any) -> Iterator[Defined]:
    """Every parameter of a dataclass, in order."""
    for part in fields(owner):
        if definition := parameter_of(part.metadata):
            yield Defined(part.name, definition, part.default)


def follow(value: Any) -> None:
    """Give what was left out of a new frozen dataclass the value of the field it follows."""
    for name, definition, _ in parameters_of(value):
        if definition.follows and getattr(value, name) is None:
            object.__setattr__(value, name, getattr(value, definition.follows))


def unit_in_name(unit: str) -> str:
    """A unit as names of fields end with it; a share of something has none of its own.

    >>> unit_in_name("CNY/(MW² h)"), unit_in_name("t CO2/MWh"), unit_in_name("share/h")
    ('cny_per_mw2h', 't_per_mwh', 'per_h')
    """
    plain = re.sub(r"[() ]", "", unit.replace(" CO2", "").replace("²", "2").replace(" per ", "/"))
    return re.sub("^share/", "per_", plain).replace("/", "_per_").lower()
