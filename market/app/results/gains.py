"""Who would gain by moving where prices came to rest and that is no equilibrium: who, by what, how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from market.game.result import Verdict

MOST_NAMED: Final = 5
_DUST_CNY: Final = 1e-6
PRICES, CHOICES, EXCHANGE = "other prices", "other choices", "another exchange"


class Gain(NamedTuple):
    """What one VPP would gain over the periods that are no equilibrium, the others as they ended, CNY."""

    vpp: str
    by: str
    cny: float


def gains(periods: Iterable[Mapping[str, Any]]) -> list[Gain]:
    """From the periods of a certificate as `certificate.json` has them, the largest gain first.

    >>> seller, buyer = {"vpp": "Farm", "regret_cny": 12.5}, {"vpp": "Village", "gain_cny": 0.0}
    >>> gains([{"verdict": "uncertified", "sellers": [seller], "buyers": [buyer]}, {"verdict": "no_trade"}])
    [Gain(vpp='Farm', by='other prices', cny=12.5)]
    """
    total: dict[tuple[str, str], float] = defaultdict(float)
    for period in periods:
        if period["verdict"] != Verdict.UNCERTIFIED.value:
            continue
        for seller in period.get("sellers", ()):
            total[seller["vpp"], PRICES] += seller["regret_cny"]
        for buyer in period.get("buyers", ()):
            total[buyer["vpp"], CHOICES] += buyer["gain_cny"]
    return _largest_first(Gain(vpp, by, cny) for (vpp, by), cny in total.items())


def gains_at_agreed_prices(verdict: str, regret_cny: Mapping[str, float]) -> list[Gain]:
    """The same where prices are agreed on, from each VPP's regret at them.

    >>> gains_at_agreed_prices("uncertified", {"Farm": 3.0, "Village": 7.5})[0].vpp
    'Village'
    """
    if verdict != Verdict.UNCERTIFIED.value:
        return []
    return _largest_first(Gain(vpp, EXCHANGE, cny) for vpp, cny in regret_cny.items())


def _largest_first(found: Iterable[Gain]) -> list[Gain]:
    return sorted((gain for gain in found if gain.cny > _DUST_CNY), key=lambda gain: -gain.cny)


def gains_text(found: Sequence[Gain]) -> str:
    """The same as a sentence; empty where nobody would gain.

    >>> gains_text([Gain("Farm", PRICES, 1842.1)])
    'Who would gain, the others as they ended: Farm 1,842.10 CNY by other prices.'
    """
    if not found:
        return ""
    named = [f"{gain.vpp} {_money(gain.cny)} by {gain.by}" for gain in found[:MOST_NAMED]]
    more = f"; and {len(found) - MOST_NAMED} more, by less" if len(found) > MOST_NAMED else ""
    return f"Who would gain, the others as they ended: {'; '.join(named)}{more}."


def _money(amount_cny: float) -> str:
    return f"{amount_cny:,.2f} CNY" if amount_cny >= 0.01 else f"{amount_cny:.2g} CNY"
