"""Repairs the power balance (6), which a solver meets only to a tolerance of its own.

So little power is moved that its price hardly counts. What moves it is, in this order, the exchange with the grid,
curtailment, load shed, the turbine where it runs, and the storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Final

import numpy as np

from market.errors import DispatchError
from market.model.arrays import Array, frozen
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.variables import cl_limit_mw

BALANCE_TOLERANCE: Final = 1e-9
"""A miss of (6) that is left as it is, relative to 1 MW and the net load."""

SOLVER_TOLERANCE: Final = 1e-6
"""The largest miss of (6) that is a solver's own tolerance, relative to 1 MW and the net load."""


@dataclass(frozen=True, slots=True)
class Powers:
    """The powers of a day, MW, and the energy stored, MWh, each of shape (periods,); an `Operation`."""

    wt_mw: Array
    pv_mw: Array
    mt_mw: Array
    charge_mw: Array
    discharge_mw: Array
    soc_mwh: Array
    cl_mw: Array
    buy_mw: Array
    sell_mw: Array


def missing_mw(day: DispatchDay, powers: Powers) -> Array:
    """What supply lacks to meet (6), negative where there is too much of it, shape (periods,)."""
    supply = powers.wt_mw + powers.pv_mw + powers.mt_mw + powers.discharge_mw + powers.cl_mw + powers.buy_mw
    missed: Array = day.net_load_mw + powers.charge_mw + powers.sell_mw - supply
    return missed


def balanced(day: DispatchDay, powers: Powers) -> Powers:
    """Powers that meet (6): the same ones where they do so already.

    Raises DispatchError where more is missing than a solver's tolerance, or nothing has room for it: there limits
    touch each other.
    """
    missed, scale = missing_mw(day, powers), 1.0 + np.abs(day.net_load_mw)
    off = np.abs(missed) > BALANCE_TOLERANCE * scale
    if not off.any():
        return powers
    t = int(np.argmax(np.abs(missed) / scale))
    if abs(missed[t]) > SOLVER_TOLERANCE * scale[t]:
        raise _missed(
            day, t, missed[t], "the solver's answer is no plan; look for numbers of very different sizes"
        )
    repaired = _moved(day, powers, np.where(off, missed, 0.0))
    left = np.abs(missing_mw(day, repaired))
    t = int(np.argmax(left / scale))
    if left[t] > BALANCE_TOLERANCE * scale[t]:
        raise _missed(day, t, left[t], "its limits only just touch, give them a little room")
    return repaired


def _missed(day: DispatchDay, t: int, missed_mw: float, advice: str) -> DispatchError:
    return DispatchError(
        f"{day.vpp.id} cannot be dispatched: period {t + 1}: load and supply miss each other by "
        f"{abs(missed_mw):.1e} MW; {advice}"
    )


def _moved(day: DispatchDay, powers: Powers, missed: Array) -> Powers:
    """Each quantity in turn takes what it has room for: down to its least, up to its most."""
    now = {field.name: getattr(powers, field.name).copy() for field in fields(Powers)}
    for name, sign, least, most in chain(_grid_ranges(day, now), _own_ranges(day, now)):
        step = np.clip(sign * missed, np.minimum(least - now[name], 0.0), np.maximum(most - now[name], 0.0))
        now[name] += step
        missed = missed - sign * step
    return replace(powers, **{name: frozen(values) for name, values in now.items()})


_Range = tuple[str, float, Array, Array]  # a quantity, its sign in (6), its least and its most, MW


def _grid_ranges(day: DispatchDay, now: Mapping[str, Array]) -> Iterator[_Range]:
    """Buying and selling, never both at once: each begins where the other has been taken back."""
    exchange = day.vpp.exchange
    for name, sign, limit_mw, other in (
        ("sell_mw", -1.0, exchange.grid_sell_max_mw, "buy_mw"),
        ("buy_mw", 1.0, exchange.grid_buy_max_mw, "sell_mw"),
        ("sell_mw", -1.0, exchange.grid_sell_max_mw, "buy_mw"),
    ):
        yield name, sign, day.filled(0.0), np.where(now[other] > 0.0, 0.0, limit_mw)


def _own_ranges(day: DispatchDay, now: Mapping[str, Array]) -> Iterator[_Range]:
    """Everything else; a turbine that is off stays so, and so does a storage that does nothing."""
    vpp, nothing = day.vpp, day.filled(0.0)
    for name, plant in (("wt_mw", vpp.wt), ("pv_mw", vpp.pv)):
        if plant is not None:
            yield name, 1.0, nothing, plant.forecast_mw
    yield "cl_mw", 1.0, nothing, cl_limit_mw(day)
    if vpp.mt is not None:
        runs = now["mt_mw"] > 0.0
        yield "mt_mw", 1.0, np.where(runs, vpp.mt.p_min_mw, 0.0), np.where(runs, vpp.mt.p_max_mw, 0.0)
    if vpp.ess is not None:
        charges, discharges = now["charge_mw"] > 0.0, now["discharge_mw"] > 0.0
        yield "charge_mw", -1.0, nothing, np.where(charges, vpp.ess.charge_max_mw, 0.0)
        yield "discharge_mw", 1.0, nothing, np.where(discharges, vpp.ess.discharge_max_mw, 0.0)
