"""A second reading of (M6) that shares no code with the market: whole days tried one by one, on a grid.

For plants of a load, PV and storage under one carbon price, in a period or two. Every plan of the storage, every
price and surplus, every deficit of the grid is tried, so what is found is a true gain, and nearly the largest one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

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
    offers = [list(_offers(vpp, t, hour, fine)) for t, hour in enumerate(hours)]
    best = math.inf
    for stored in _storage_plans(vpp, len(hours), fine):
        cost = 0.0
        for t, hour in enumerate(hours):
            flow, wear = stored[t]
            cost += wear + min(paid + _own_cost(vpp, t, hour, flow + out) for out, paid in offers[t])
        best = min(best, cost)
    return best


def _own_cost(vpp: Vpp, t: int, hour: Hour, drawn: float) -> float:
    """What the grid and the sun cost for the load and `drawn` MW on top."""
    need = float(vpp.load_mw[t]) + drawn
    sun, care = (float(vpp.pv.forecast_mw[t]), vpp.pv.om_cost_cny_per_mwh) if vpp.pv else (0.0, 0.0)
    used = sun if hour.feed_in >= care else min(sun, max(need, 0.0))
    short = need - used
    return care * used + (hour.retail * short if short > 0 else hour.feed_in * short)


def _storage_plans(vpp: Vpp, periods: int, fine: int) -> Iterator[list[tuple[float, float]]]:
    """(MW drawn from the rest of the plant, wear) of each period; energy goes to another period and comes back."""
    yield [(0.0, 0.0)] * periods
    if vpp.ess is None or periods == 1:
        return
    ess = vpp.ess
    room = (ess.soc_max - ess.soc_initial) * ess.energy_mwh
    stock = (ess.soc_initial - ess.soc_min) * ess.energy_mwh
    round_trip = ess.charge_efficiency * ess.discharge_efficiency
    for first_charges, within in ((True, room / ess.charge_efficiency), (False, stock / ess.charge_efficiency)):
        most = min(ess.charge_max_mw, ess.discharge_max_mw / round_trip, within)
        for charge in np.linspace(0.0, most, 4 * fine):
            release = charge * round_trip
            into, out_of = (charge, ess.wear_cny_per_mwh * charge), (-release, ess.wear_cny_per_mwh * release)
            yield [into, out_of] if first_charges else [out_of, into]


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
