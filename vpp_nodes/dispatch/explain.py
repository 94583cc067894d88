"""Explains why a day cannot be dispatched: when, by how much, and which limit would mend it.

It lets the power balance (6) be missed, makes the miss as small as it can be, and then tries one limit after the
other to see which of them stands in the way.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from market.errors import DispatchError
from market.model.arrays import Array
from market.model.plan import DirectExchange
from market.model.vpp import MicroTurbine
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import SolveStatus
from vpp_nodes.dispatch.model import build_model
from vpp_nodes.dispatch.reading import read_powers
from vpp_nodes.dispatch.repair import Powers
from vpp_nodes.dispatch.variables import Binary, commitment_binaries

# A miss below this is the solver's rounding, not a reason.
_TOLERANCE_MW = 1e-6


@dataclass(frozen=True, slots=True)
class Miss:
    """By how much (6) must be missed, MW, each of shape (periods,), and the powers that come closest."""

    short_mw: Array
    surplus_mw: Array
    powers: Powers

    @property
    def sum_mw(self) -> float:
        """Σ of all misses."""
        return float((self.short_mw + self.surplus_mw).sum())


def infeasible_day(day: DispatchDay, binaries: Collection[Binary], ending: SolveStatus) -> DispatchError:
    """The error to raise for a day without any plan, in the user's terms. `ending` is what the solver said."""
    miss = least_miss(day, binaries)
    if miss is None or miss.sum_mw <= _TOLERANCE_MW:
        return DispatchError(
            f"{day.vpp.id} cannot be dispatched: the solver finds no plan (it ended as `{ending}`), though no "
            f"period need be short or in surplus by more than {_TOLERANCE_MW:g} MW; look for limits that are "
            "crossed (a lower one above its upper one) or that only just touch, and give them a little room"
        )
    return DispatchError(f"{day.vpp.id} cannot be dispatched: {_what(day, miss)}; {_remedies(day, binaries)}")


def least_miss(day: DispatchDay, binaries: Collection[Binary]) -> Miss | None:
    """The smallest Σ_t |miss of (6)|, all other equations kept; None where these cannot be kept either."""
    model = build_model(day, binaries)
    elastic = model.program.without_costs()
    zero, unlimited, one = np.zeros(day.periods), np.full(day.periods, math.inf), np.ones(day.periods)
    short = elastic.columns(zero, unlimited, one)
    surplus = elastic.columns(zero, unlimited, one)
    for t, row in enumerate(model.balance_rows):
        elastic.extend_row(row, short[t], 1.0)
        elastic.extend_row(row, surplus[t], -1.0)
    answer = elastic.solve_milp() if binaries else elastic.solve_lp()
    if answer.ending is not SolveStatus.OPTIMAL:
        return None
    missed = answer.values[short.start : surplus.stop].reshape(2, day.periods)
    return Miss(missed[0], missed[1], read_powers(day, replace(model, program=elastic), answer))


def _what(day: DispatchDay, miss: Miss) -> str:
    """The worst period in full, the others by number."""
    missed = miss.short_mw + miss.surplus_mw
    t = int(np.argmax(missed))
    worst = _short(day, miss, t) if miss.short_mw[t] >= miss.surplus_mw[t] else _surplus(day, miss, t)
    others = [str(n + 1) for n in np.flatnonzero(missed > _TOLERANCE_MW) if n != t]
    return f"period {t + 1}: {worst}" + (f" (also period {', '.join(others)})" if others else "")


def _short(day: DispatchDay, miss: Miss, t: int) -> str:
    supply = {name: power for name, power in _supply(day, miss.powers, t).items() if power > 0.0}
    demand = _demand(day, miss.powers, t)
    needed = " and ".join(f"{power:.4g} MW of {name}" for name, power in demand.items())
    listed = f" ({_listed(supply)})" if supply else ""
    most = sum(supply.values())
    return f"{needed}, at most {most:.4g} MW can be supplied{listed}: short of {miss.short_mw[t]:.4g} MW"


def _surplus(day: DispatchDay, miss: Miss, t: int) -> str:
    supply = {name: power for name, power in _supply(day, miss.powers, t).items() if power > 0.0}
    use = _demand(day, miss.powers, t) | {"grid": float(miss.powers.sell_mw[t])}
    return (
        f"{sum(supply.values()):.4g} MW of supply ({_listed(supply)}), at most {sum(use.values()):.4g} MW can be "
        f"used ({_listed(use)}): {miss.surplus_mw[t]:.4g} MW cannot go anywhere"
    )


def _supply(day: DispatchDay, powers: Powers, t: int) -> dict[str, float]:
    """Left side of (6) in a period, by names for people."""
    return {
        "WT": float(powers.wt_mw[t]),
        "PV": float(powers.pv_mw[t]),
        "MT": float(powers.mt_mw[t]),
        "discharge": float(powers.discharge_mw[t]),
        "load shed": float(powers.cl_mw[t]),
        "grid": float(powers.buy_mw[t]),
        "direct": float(day.direct.in_mw[t]),
    }


def _demand(day: DispatchDay, powers: Powers, t: int) -> dict[str, float]:
    """Right side of (6) in a period without the grid; the load always, the others where they are."""
    others = {"charge": float(powers.charge_mw[t]), "direct delivery": float(day.direct.out_mw[t])}
    return {"load": float(day.vpp.load_mw[t])} | {name: power for name, power in others.items() if power > 0.0}


def _listed(powers: dict[str, float]) -> str:
    return ", ".join(f"{name} {power:.4g}" for name, power in powers.items())


def _remedies(day: DispatchDay, binaries: Collection[Binary]) -> str:
    """Those single changes that leave nothing missed."""
    found = []
    for text, changed in _single_changes(day):
        miss = least_miss(changed, {*binaries, *commitment_binaries(changed.vpp)})
        if miss is not None and miss.sum_mw <= _TOLERANCE_MW:
            found.append(text)
    if found:
        return " or ".join(found)
    return "no single limit is enough to mend this: change several of load, grid limits, micro-turbine and storage"


def _single_changes(day: DispatchDay) -> Iterator[tuple[str, DispatchDay]]:
    """What a user may change, one at a time: in words, and the day with that limit out of the way."""
    yield from _exchange_changes(day)
    if day.vpp.mt is not None:
        yield from _micro_turbine_changes(day, day.vpp.mt)
    if day.vpp.ess is not None:
        ess = day.vpp.ess
        larger = replace(ess, **{name: 100.0 * getattr(ess, name) for name in _STORAGE_SIZES})
        now = ", ".join(f"ess.{name} {getattr(ess, name):g}" for name in _STORAGE_SIZES)
        yield f"enlarge the storage ({now})", replace(day, vpp=replace(day.vpp, ess=larger))
    if day.vpp.cl is not None:
        cl = replace(day.vpp.cl, share_of_load=1.0, daily_energy_max_mwh=None)
        text = f"raise cl.share_of_load ({day.vpp.cl.share_of_load:g}) or cl.daily_energy_max_mwh"
        yield text, replace(day, vpp=replace(day.vpp, cl=cl))


_STORAGE_SIZES = ("energy_mwh", "charge_max_mw", "discharge_max_mw")


def _exchange_changes(day: DispatchDay) -> Iterator[tuple[str, DispatchDay]]:
    exchange = day.vpp.exchange
    for name in ("grid_buy_max_mw", "grid_sell_max_mw"):
        wider = replace(exchange, **{name: math.inf})
        yield (
            f"raise exchange.{name} ({getattr(exchange, name):g})",
            replace(day, vpp=replace(day.vpp, exchange=wider)),
        )
    nothing = np.zeros(day.periods)
    if day.direct.in_mw.any() or day.direct.out_mw.any():
        without = DirectExchange(nothing, nothing, day.direct.quota_in_t)
        yield "trade less directly with other VPPs", replace(day, direct=without)


def _micro_turbine_changes(day: DispatchDay, mt: MicroTurbine) -> Iterator[tuple[str, DispatchDay]]:
    largest = float(np.abs(day.net_load_mw).max()) + mt.p_max_mw
    up, down = mt.ramp_up_mw_per_h, mt.ramp_down_mw_per_h
    changes = {
        f"raise mt.p_max_mw ({mt.p_max_mw:g})": replace(mt, p_max_mw=largest),
        f"lower mt.p_min_mw ({mt.p_min_mw:g})": replace(mt, p_min_mw=0.0),
        f"raise mt.ramp_up_mw_per_h ({up:g}) and mt.ramp_down_mw_per_h ({down:g})": replace(
            mt, ramp_up_mw_per_h=math.inf, ramp_down_mw_per_h=math.inf
        ),
        "set mt.commitment so that the unit may be off": replace(mt, commitment=True),
    }
    for text, changed in changes.items():
        yield text, replace(day, vpp=replace(day.vpp, mt=changed))
