"""Values with their unit, such as `40 MW`, `60 EUR/MWh` or `90 min`, in the unit of a field.

One small table of units. Power counts in MW, time in h, mass in t, money in the scenario's currency, data in bit;
a unit is a factor and the powers of these five. What one field means is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any, Final, NamedTuple, TypeAlias

from market.model.currency import DEFAULT_CURRENCY, is_currency

Dimension: TypeAlias = tuple[int, int, int, int, int]
_NONE: Final[Dimension] = (0, 0, 0, 0, 0)
_MONEY: Final[Dimension] = (1, 0, 0, 0, 0)
_POWER: Final[Dimension] = (0, 1, 0, 0, 0)
_TIME: Final[Dimension] = (0, 0, 1, 0, 0)
_MASS: Final[Dimension] = (0, 0, 0, 1, 0)
_DATA: Final[Dimension] = (0, 0, 0, 0, 1)
_ENERGY: Final[Dimension] = (0, 1, 1, 0, 0)


class UnitSize(NamedTuple):
    """A unit: `size` of it in MW, h, t, currency and bit, and the powers of those it is made of."""

    size: float
    dimension: Dimension

    def times(self, other: UnitSize, power: int = 1) -> UnitSize:
        """The product with a power of another unit."""
        powers = zip(self.dimension, other.dimension, strict=True)
        money, watts, hours, mass, data = (own + power * theirs for own, theirs in powers)
        return UnitSize(self.size * other.size**power, (money, watts, hours, mass, data))


ONE: Final = UnitSize(1.0, _NONE)
_UNITS: Final = {
    **{f"{prefix}W": UnitSize(size, _POWER) for prefix, size in (("", 1e-6), ("k", 1e-3), ("M", 1.0), ("G", 1e3))},
    **{
        f"{prefix}Wh": UnitSize(size, _ENERGY)
        for prefix, size in (("", 1e-6), ("k", 1e-3), ("M", 1.0), ("G", 1e3))
    },
    **{name: UnitSize(hours / 3600, _TIME) for name, hours in (("ms", 1e-3), ("s", 1.0), ("min", 60.0))},
    "h": UnitSize(1.0, _TIME),
    "d": UnitSize(24.0, _TIME),
    "day": UnitSize(24.0, _TIME),
    "days": UnitSize(24.0, _TIME),
    "g": UnitSize(1e-6, _MASS),
    "kg": UnitSize(1e-3, _MASS),
    "t": UnitSize(1.0, _MASS),
    "bit": UnitSize(1.0, _DATA),
    "kbit": UnitSize(1e3, _DATA),
    "Mbit": UnitSize(1e6, _DATA),
    "Gbit": UnitSize(1e9, _DATA),
    "%": UnitSize(0.01, _NONE),
    "share": ONE,
    "1": ONE,
}
_PARTS_OF_MONEY: Final = {"ct": 0.01, "k": 1e3, "M": 1e6}
_SIGNS_OF_MONEY: Final = {"€": ("EUR",), "¥": ("CNY", "JPY"), "£": ("GBP",), "Fr.": ("CHF",)}
_VALUE = re.compile(r"\s*(?P<number>[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?)(?![\d.,])\s*(?P<unit>.*?)\s*")
_FACTOR = re.compile(r"(?P<name>[^\d^²³]+)(?:\^?(?P<power>[2-3²³]))?")
_EXAMPLES: Final = {
    _MONEY: "60 EUR",
    _POWER: "40 MW, 11 kW",
    _TIME: "90 min, 0.5 h",
    _MASS: "2 t, 450 kg",
    _ENERGY: "2.4 MWh, 10 kWh",
    (1, -1, -1, 0, 0): "60 EUR/MWh, 15 ct/kWh",
    (0, -1, -1, 1, 0): "0.5 t/MWh, 450 g/kWh",
    (1, 0, 0, -1, 0): "80 EUR/t",
    (1, -1, 0, 0, 0): "90 EUR/kW, 60000 EUR/MW",
    (0, 1, -1, 0, 0): "3 MW/h, 50 kW/min",
    (0, 0, -1, 0, 1): "64 kbit/s",
}


class BadUnit(ValueError):
    """A value or unit that cannot be taken: the rule, what was found, and what to do."""

    def __init__(self, rule: str, found: str, remedy: str) -> None:
        self.rule, self.found, self.remedy = rule, found, remedy
        super().__init__(f"{rule}; got {found}; {remedy}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit."""

    number: float
    unit: UnitSize
    written: str


def quantity(text: str, currency: str = DEFAULT_CURRENCY) -> Quantity:
    """What a text such as `40 MW` says. BadUnit if it is no number with a unit.

    >>> quantity("11 kW").number, quantity("2 d").unit.size
    (11.0, 24.0)
    """
    match = _VALUE.fullmatch(text)
    if match is None:
        point = "write a point as the decimal mark and no thousands separators" if "," in text else ""
        remedy = point or "write a number and its unit, such as 40 MW, 60 EUR/MWh or 90 min"
        raise BadUnit("must be a number, or a number with its unit", repr(text), remedy)
    if not match["unit"]:
        raise BadUnit("must have a unit", repr(text), "write the unit behind the number, such as MW or EUR/MWh")
    return Quantity(float(match["number"]), unit_of(match["unit"], currency), text)


def in_unit(text: str, unit: str, currency: str = DEFAULT_CURRENCY) -> float:
    """The number that a value with a unit is in another unit. BadUnit where the two are not of one kind.

    >>> in_unit("11 kW", "MW"), in_unit("15 ct/kWh", "CNY/MWh"), in_unit("450 g/kWh", "t CO2/MWh")
    (0.011, 150.0, 0.45)
    """
    found, wanted = quantity(text, currency), unit_of(unit.replace(DEFAULT_CURRENCY, currency), currency)
    shown = unit.replace(DEFAULT_CURRENCY, currency)
    if found.unit.dimension != wanted.dimension:
        rule = f"must be in {shown}, or another unit of the same kind"
        examples = _EXAMPLES.get(wanted.dimension, "").replace("EUR", currency)
        remedy = f"write it like {examples}" if examples else f"write the number in {shown}, without a unit"
        raise BadUnit(rule, repr(text), remedy)
    return float(resized(found.number, found.unit.size, wanted.size))


def is_known(unit: str) -> bool:
    """Whether values with units can stand for a field of this unit: not for numbers of things, nor for words."""
    try:
        return unit not in ("", "1") and bool(unit_of(unit))
    except BadUnit:
        return False


@cache
def unit_of(text: str, currency: str = DEFAULT_CURRENCY) -> UnitSize:
    """The unit that a text such as `EUR/MWh`, `kW/min`, `CNY/(MW² h)` or `MW per h` stands for. BadUnit for none.

    What follows a stroke, up to the next, is below it; CO2 behind a mass says of what it is.

    >>> unit_of("kWh").size, unit_of("CNY/MWh").dimension
    (0.001, (1, -1, -1, 0, 0))
    """
    plain = re.sub(r"\s*(CO2-?eq|CO2e?|CO₂e?)\b", "", text).replace(" per ", "/")
    plain = re.sub(r"[·*()]", " ", plain)
    above, *below = plain.split("/")
    unit = _product(above, text, currency)
    return reduce(lambda made, part: made.times(_product(part, text, currency), -1), below, unit)


def _product(text: str, whole: str, currency: str) -> UnitSize:
    parts = text.split()
    if not parts:
        raise BadUnit("must have a unit", repr(whole), "write the unit behind the number, such as MW or EUR/MWh")
    return reduce(lambda made, part: made.times(*_factor(part, whole, currency)), parts, ONE)


def _factor(word: str, whole: str, currency: str) -> tuple[UnitSize, int]:
    match = _FACTOR.fullmatch(word) if word != "1" else None
    name = match["name"] if match else word
    power = int((match["power"] or "1").translate(str.maketrans("²³", "23"))) if match else 1
    return _UNITS.get(name) or _money(name, whole, currency), power


def _money(name: str, whole: str, currency: str) -> UnitSize:
    """A unit of money; only that of the scenario is known."""
    meant = _SIGNS_OF_MONEY.get(name, (name,))
    code = currency if currency in meant else meant[0]
    part = next((size for prefix, size in _PARTS_OF_MONEY.items() if code == f"{prefix}{currency}"), None)
    if code in (currency, "ct"):
        return UnitSize(1.0 if code == currency else 0.01, _MONEY)
    if part is not None:
        return UnitSize(part, _MONEY)
    if is_currency(code):
        remedy = f"give it in {currency}, or name the scenario's currency: currency: {code}"
        raise BadUnit(f"must be in the scenario's currency, {currency}", repr(whole), remedy)
    close = next((known for known in _UNITS if known.lower() == name.lower()), "")
    if not close and (parts := _parted(name)):
        close = whole.replace(name, parts if f"({name})" in whole else f"({parts})")
    guess = f"did you mean {close}? " if close else ""
    known = "W, kW, MW, GW, Wh, kWh, MWh, s, min, h, g, kg, t, %"
    raise BadUnit("must be a known unit", repr(whole), f"{guess}known are {known}, {currency}, ct")


def _parted(name: str) -> str:
    """A word that is two units without a blank, such as `MW2h`, with the blank; empty for any other."""
    parts = re.sub(r"(?<=[23²³])(?=[^\W\d])", " ", name)
    words = (re.sub(r"\^?[23²³]$", "", part) for part in parts.split())
    return parts if parts != name and all(word in _UNITS for word in words) else ""


def resized(numbers: Any, size: float, wanted: float = 1.0) -> Any:
    """Numbers in units of one size in units of another, with no digit lost where either divides the other.

    >>> resized(350, 0.001)
    0.35
    """
    for above, below in ((size, wanted), (wanted, size)):
        times = round(above / below)
        if times and abs(above / below - times) < 1e-9 * times:
            return numbers * float(times) if above is size else numbers / float(times)
    return numbers * (size / wanted)
