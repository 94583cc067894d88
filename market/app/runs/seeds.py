"""Which seeds there are: whole numbers of 0 or more, as long as every file and message can hold them."""

from __future__ import annotations

from typing import Final

from market.errors import Fault, ScenarioError
from market.scenario.plain_value import plain_value

_MOST_DIGITS: Final = 18
A_SEED: Final = f"a whole number of 0 or more, of at most {_MOST_DIGITS} digits"


def seed_fault(seed: object, place: str) -> Fault | None:
    """What is wrong with a seed; None where it is one.

    >>> seed_fault(7, "seed"), str(seed_fault(-1, "seed")).partition(";")[0]
    (None, 'seed: must be a whole number of 0 or more, of at most 18 digits')
    """
    if type(seed) is int and 0 <= seed < 10**_MOST_DIGITS:
        return None
    return Fault(f"must be {A_SEED}", repr(seed)[:60], place, "give another one, such as 0")


def require_seed(seed: object, place: str) -> int:
    """A seed, numpy's as Python's. ScenarioError for what is none.

    >>> require_seed(7, "seed")
    7
    """
    plain = plain_value(seed)
    if fault := seed_fault(plain, place):
        raise ScenarioError([fault])
    return int(plain)


def is_seed(text: str) -> bool:
    """Whether a text is one.

    >>> is_seed("7"), is_seed("-1"), is_seed("1" * 19)
    (True, False, False)
    """
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
