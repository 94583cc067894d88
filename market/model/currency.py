"""The currency of a scenario: `cny` in the names of code stands for it, whatever it is; here it gets its name.

A currency is known by its code of three letters, so that what is told in another one is as wide as before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

DEFAULT_CURRENCY: Final = "CNY"
"""The currency of a scenario that names none."""

_CNY = f"_{DEFAULT_CURRENCY.lower()}"
_MONEY_ENDING = r"(?=(_per_(mwh_per_mw|mwh|mw2h|mw|h|t))?$)"
_CODE = re.compile(r"[A-Z]{3}")


def is_currency(word: str) -> bool:
    """Whether a word can be the code of a currency: three capital letters, as in ISO 4217."""
    return _CODE.fullmatch(word) is not None


def is_money(unit: str) -> bool:
    """Whether a field's unit holds the currency."""
    return DEFAULT_CURRENCY in unit


def spoken_name(name: str, currency: str) -> str:
    """A name of the model as people of this currency write it: `price_cny_per_mwh` as `price_eur_per_mwh`."""
    if currency == DEFAULT_CURRENCY:
        return name
    return re.sub(rf"{_CNY}{_MONEY_ENDING}", f"_{currency.lower()}", name)


def plain_column(name: str, currency: str) -> str:
    """The name of the model for a column whose money is named after this currency."""
    return re.sub(rf"_{currency.lower()}{_MONEY_ENDING}", _CNY, name)


def spoken_text(text: str, currency: str, names: Sequence[str] = ()) -> str:
    """A sentence of the program about money, told in the scenario's currency; what `names` are called stays.

    Widths stay as they are: every currency has three letters.

    >>> spoken_text("asks 60 CNY/MWh, see price_cny_per_mwh", "EUR")
    'asks 60 EUR/MWh, see price_eur_per_mwh'
    >>> spoken_text("<a href='#4-costs-cny'>", "EUR")
    "<a href='#4-costs-eur'>"
    """
    if currency == DEFAULT_CURRENCY or DEFAULT_CURRENCY.lower() not in text.lower():
        return text
    kept = [name for name in names if DEFAULT_CURRENCY.lower() in name.lower()]
    if kept:
        among = re.compile("(" + "|".join(map(re.escape, sorted(kept, key=len, reverse=True))) + ")")
        return "".join(
            part if place % 2 else spoken_text(part, currency) for place, part in enumerate(among.split(text))
        )
    text = re.sub(rf"(?<![A-Za-z])([kM]?){DEFAULT_CURRENCY}(?![A-Za-z])", rf"\g<1>{currency}", text)
    return re.sub(rf"(?<=[_-]){_CNY[1:]}(?=(_per_\w+)?\b)", currency.lower(), text)
