"""Numbers for people: thousands apart, as many digits as say something, no sign before zero, no rounding dust."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, isfinite, isnan, log10
from typing import Final

UNKNOWN: Final = "–"
"""What a number reads that is not known, or that there is not."""

_DUST_CNY: Final = 1e-6
"""Money below this is what sums of doubles leave behind."""


@dataclass(frozen=True, slots=True)
class AmountUnit:
    """A unit that quantities are shown in. per_base : how many of it one of the model's own unit makes"""

    name: str
    per_base: float = 1.0
    digits: int = 2

    def text(self, value: float) -> str:
        """A quantity in the model's own unit, without the name of this one."""
        return decimal(value * self.per_base, self.digits)


_ENERGY: Final = (AmountUnit("MWh"), AmountUnit("kWh", 1e3), AmountUnit("Wh", 1e6))
_POWER: Final = (AmountUnit("MW"), AmountUnit("kW", 1e3), AmountUnit("W", 1e6))
_EMISSION: Final = (AmountUnit("t"), AmountUnit("kg", 1e3), AmountUnit("g", 1e6))
_SMALL: Final = 0.1
"""A page whose largest quantity is below this has a smaller unit: two digits would show next to nothing."""


def energy_unit(amounts_mwh: Iterable[float]) -> AmountUnit:
    """The unit for these energies, of which the largest decides.

    >>> energy_unit([0.0, 3.2]).name, energy_unit([0.0042]).text(0.0042)
    ('MWh', '4.20')
    """
    return _of(_ENERGY, amounts_mwh)


def power_unit(powers_mw: Iterable[float]) -> AmountUnit:
    """The unit for these powers, by the same rule."""
    return _of(_POWER, powers_mw)


def emission_unit(amounts_t: Iterable[float]) -> AmountUnit:
    """The unit for these masses of CO2, by the same rule."""
    return _of(_EMISSION, amounts_t)


def money_digits(amounts_cny: Iterable[float]) -> int:
    """Digits behind the point with which the smallest of these sums still says something: 0, 2 or 4.

    >>> money_digits([25219.4, 1661.2]), money_digits([43.21, 1.07]), money_digits([0.81, 0.0])
    (0, 2, 4)
    """
    sizes = [abs(amount) for amount in amounts_cny if isfinite(amount) and abs(amount) >= _DUST_CNY]
    smallest = min(sizes, default=1000.0)
    return 0 if smallest >= 100.0 else 2 if smallest >= 1.0 else 4


def price_digits(prices: Iterable[float]) -> int:
    """Digits behind the point for prices: two where the largest is of the size of wholesale, else four."""
    return 2 if _largest(prices) >= 10.0 else 4


def decimal(value: float, digits: int = 0) -> str:
    """A number with so many digits behind the point; zero has no sign.

    >>> decimal(-12345.6), decimal(-0.00001, 2), decimal(float("nan"))
    ('-12,346', '0.00', '–')
    """
    if isnan(value):
        return UNKNOWN
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def rounded(value: float, figures: int = 3) -> str:
    """A number to so many figures, never with an exponent.

    >>> rounded(0.00012345), rounded(129343.7), rounded(-3.7e-20, 3)
    ('0.000123', '129,344', '0')
    """
    if isnan(value) or not isfinite(value):
        return UNKNOWN if isnan(value) else f"{value:g}"
    if abs(value) < 1e-12:
        return "0"
    digits = max(0, figures - 1 - floor(log10(abs(value))))
    text = decimal(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def money_bound(amount_cny: float) -> str:
    """The most that somebody could gain, in CNY, so that no zero claims more than doubles can tell.

    >>> money_bound(0.0), money_bound(9.1e-13), money_bound(0.0123)
    ('0 CNY', 'under 0.000001 CNY', '0.0123 CNY')
    """
    if 0.0 < amount_cny < _DUST_CNY:
        return f"under {_DUST_CNY:.6f} CNY"
    return f"{rounded(amount_cny)} CNY"


def share(value: float) -> str:
    """A share as a percentage, to three figures.

    >>> share(0.9714), share(3.4e-7), share(0.0)
    ('97.1 %', '0.000034 %', '0 %')
    """
    return f"{rounded(100.0 * value)} %"


def ranges(numbers: Iterable[int]) -> str:
    """Rising numbers, runs of them shortened.

    >>> ranges([1, 3, 4, 5])
    '1, 3–5'
    """
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in stretches(numbers))


def stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Rising numbers as runs of them: the first and the last of each.

    >>> stretches([1, 3, 4, 5])
    [(1, 1), (3, 5)]
    """
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _of(units: Sequence[AmountUnit], amounts: Iterable[float]) -> AmountUnit:
    """The first of ever smaller units in which the largest amount can be seen; of nothing, the first."""
    largest = _largest(amounts)
    return next((u for u in units if not largest or largest * u.per_base >= _SMALL), units[-1])


def _largest(amounts: Iterable[float]) -> float:
    return max((abs(amount) for amount in amounts if isfinite(amount)), default=0.0)
