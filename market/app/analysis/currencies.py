"""Money of several currencies stands in no table together."""

from __future__ import annotations

from collections.abc import Sequence

from market.errors import Fault, ScenarioError


def require_one_currency(currencies: Sequence[str], where: str, what: str) -> None:
    """ScenarioError unless all are the same. what : of which there are several, `runs`"""
    if len(different := dict.fromkeys(currencies)) > 1:
        rule, remedy = f"{what} must be in one currency", f"{where} {what} of one currency"
        raise ScenarioError([Fault(rule, " and ".join(different), where, remedy)])
