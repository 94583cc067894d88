"""A second reading of (M6) that shares no code with the market: whole days tried one by one, on a grid.

For plants of a load, PV and storage under one carbon price. Every price and surplus, every deficit of the grid is
tried, and every plan of a storage that moves energy between two periods; so what is found is a true gain, and
nearly the largest one, but where a storage might work in more than two periods.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from market.model.arrays import Array
from market.model.vpp import Vpp


@dataclass(frozen=True, slots=True)
class Rival:
    """A seller as it stands: surplus, MW, and price, CNY/MWh."""

    surplus: float
    price: float


@dataclass(frozen=True, slots=True)
class Want:
    """A buyer as it stands: deficit and S0 + P^s, MW, and k, CNY/h."""

    deficit: float
    base: float
    k: float


@dataclass(frozen=True, slots=True)
class Hour:
    """One period as one VPP meets it: the grid's prices, carbon in the retail price, the band, the others.

    held : what it buys as things stand, MW, and pays, CNY
    """

    retail: float
    feed_in: float
    floor: float
    cap: float
    tau: float
    rivals: tuple[Rival, ...]
    wants: tuple[Want, ...]
    held: tuple[float, float]


def least_cost(vpp: Vpp, hours: Sequence[Hour], *, fine: int = 30) -> float:
    """The cheapest whole day that was tried, CNY, payments included."""
    offers = [np.array(list(_offers(vpp, t, hour, fine))).T for t, hour in enumerate(hours)]

    def cost(t: int, flow: float) -> float:
        out, paid = offers[t]
        return float((paid + _own_cost(vpp, t, hours[t], flow + out)).min())

    still = [cost(t, 0.0) for t in range(len(hours))]
    moved = [
        wear + sum(cost(t, flow) - still[t] for t, flow in flows.items())
        for flows, wear in _storage_plans(vpp, len(hours), fine)
    ]
    return sum(still) + min(moved, default=0.0)


def _own_cost(vpp: Vpp, t: int, hour: Hour, drawn: Array) -> Array:
    """What the grid and the sun cost for the load and `drawn` MW on top."""
    need = float(vpp.load_mw[t]) + drawn
    sun, care = (float(vpp.pv.forecast_mw[t]), vpp.pv.om_cost_cny_per_mwh) if vpp.pv else (0.0, 0.0)
    used = sun if hour.feed_in >= care else np.clip(need, 0.0, sun)
    short = need - used
    bill: Array = care * used + np.where(short > 0, hour.retail, hour.feed_in) * short
    return bill


def _storage_plans(vpp: Vpp, periods: int, fine: int) -> Iterator[tuple[dict[int, float], float]]:
    """MW drawn from the rest of the plant by period, and wear: energy goes to one other period and comes back."""
    if vpp.ess is None or periods == 1:
        return
    ess = vpp.ess
    room = (ess.soc_max - ess.soc_initial) * ess.energy_mwh
    stock = (ess.soc_initial - ess.soc_min) * ess.energy_mwh
    round_trip = ess.charge_efficiency * ess.discharge_efficiency
    for first, later in combinations(range(periods), 2):
        for into, out_of, within in ((first, later, room), (later, first, stock)):
            most = min(ess.charge_max_mw, ess.discharge_max_mw / round_trip, within / ess.charge_efficiency)
            for charge in np.linspace(0.0, most, 4 * fine):
                release = charge * round_trip
                yield {into: charge, out_of: -release}, ess.wear_cny_per_mwh * (charge + release)


def _offers(vpp: Vpp, t: int, hour: Hour, fine: int) -> Iterator[tuple[float, float]]:
    """(MW given, MW < 0 taken; CNY paid, < 0 earned) of everything that may be declared and asked."""
    yield 0.0, 0.0
    yield -hour.held[0], hour.held[1]
    power = vpp.ess.discharge_max_mw if vpp.ess else 0.0
    surplus = (float(vpp.pv.forecast_mw[t]) if vpp.pv else 0.0) + power - float(vpp.load_mw[t])
    if hour.wants and surplus > 0:
        for price in np.linspace(hour.floor, hour.cap, 10 * fine):
            for declared in np.linspace(0.0, surplus, fine // 2)[1:]:
                sold = min(float(declared), _asked_of(hour, float(declared), float(price)))
                yield sold, -sold * float(price)
    deficit = float(vpp.load_mw[t]) + (vpp.ess.charge_max_mw if vpp.ess else 0.0)
    if hour.rivals:
        for declared in np.linspace(0.0, deficit, 20 * fine)[1:]:
            yield _bought(hour, float(declared))


def _wanted(want: Want, price: float) -> float:
    """(20)."""
    return min(max(want.k / price - want.base, 0.0), want.deficit)


def _utility(want: Want, price: float) -> float:
    """(17)."""
    x = _wanted(want, price)
    return want.k * math.log((want.base + x) / want.base) - price * x


def _shares(want: Want, tau: float, sellers: Sequence[Rival]) -> list[float]:
    """(M2), in logarithms."""
    logs = [math.log(s.surplus) + _utility(want, s.price) / (want.deficit * tau) for s in sellers]
    weights = [math.exp(value - max(logs)) for value in logs]
    return [weight / sum(weights) for weight in weights]


def _asked_of(hour: Hour, surplus: float, price: float) -> float:
    """Q of one more seller."""
    sellers = (*hour.rivals, Rival(surplus, price))
    return sum(_shares(want, hour.tau, sellers)[-1] * _wanted(want, price) for want in hour.wants)


def _bought(hour: Hour, deficit: float) -> tuple[float, float]:
    """(21) for one more buyer who wants all of its deficit at every price."""
    weights = [s.surplus * math.exp((hour.rivals[0].price - s.price) / hour.tau) for s in hour.rivals]
    taken, paid = 0.0, 0.0
    for n, rival in enumerate(hour.rivals):
        own = deficit * weights[n] / sum(weights)
        others = sum(_shares(w, hour.tau, hour.rivals)[n] * _wanted(w, rival.price) for w in hour.wants)
        got = own * min(1.0, rival.surplus / (own + others))
        taken, paid = taken + got, paid + got * rival.price
    return -taken, paid
