"""Notes on sizes that do not go together: parts of a plant, or plants of a market, as if one were told in kW."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from statistics import median

import numpy as np

from market.errors import Fault
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario

FAR_APART = 300.0
"""Sizes of one plant, or plants of one market, that differ by more look like two units."""
_SIZES = ("forecast_mw", "output_mw", "p_max_mw", "discharge_max_mw", "power_max_mw")
"""What says how large a unit is, of whatever kind."""
MOST_EMISSION_T_PER_MWH = 3.0
"""Lignite emits about 1.1."""


def scale_notes(scenario: Scenario) -> Iterator[Fault]:
    """What looks as if it was written in another unit; nothing here forbids a run."""
    yield from _factors(scenario)
    peaks = {vpp.id: float(vpp.total_load_mw.max()) for vpp in scenario.vpps if vpp.total_load_mw.max() > 0}
    usual = median(peaks.values()) if peaks else 0.0
    for vpp in scenario.vpps:
        peak = peaks.get(vpp.id, 0.0)
        if peak and len(peaks) > 2 and not usual / FAR_APART <= peak <= usual * FAR_APART:
            rule = "a load should be of the size of the others"
            remedy = "is it kW among MW, or the other way round?"
            yield Fault(rule, f"a peak of {peak:g} MW, mostly {usual:g} MW", f"{vpp.id} load", remedy)
        yield from _sizes(vpp, peak)
        yield from _units(vpp, peak)


def _sizes(vpp: Vpp, peak: float) -> Iterator[Fault]:
    """The parts of one plant against each other."""
    sizes = {name: size for name, size in _parts(vpp, peak).items() if isfinite(size) and size > 0.0}
    if len(sizes) < 2:
        return
    (least, low), (most, high) = (pick(sizes.items(), key=lambda item: item[1]) for pick in (min, max))
    if high > FAR_APART * low:
        rule = "the parts of a plant should be of like size"
        remedy = "is one of them in kW, the other in MW?"
        yield Fault(rule, f"{most} {high:g} MW, {least} {low:g} MW", vpp.id, remedy)


def _units(vpp: Vpp, peak: float) -> Iterator[Fault]:
    """Units against the plant's load: many are far smaller than it, none is so much larger."""
    for unit in vpp.units if peak else ():
        values = (getattr(unit.asset, name, 0.0) for name in _SIZES)
        size = max(filter(isfinite, (float(np.max(value)) for value in values)), default=0.0)
        if size > FAR_APART * peak:
            value, place = f"up to {size:g} MW beside a load of {peak:g} MW", f"{vpp.id} units.{unit.id}"
            yield Fault("a unit should fit its load", value, place, "is it in kW?")


def _parts(vpp: Vpp, peak: float) -> dict[str, float]:
    return {
        "load": peak,
        **{name: float(part.forecast_mw.max()) for name, part in (("wt", vpp.wt), ("pv", vpp.pv)) if part},
        **({"mt.p_max_mw": vpp.mt.p_max_mw} if vpp.mt else {}),
        **({"ess.discharge_max_mw": vpp.ess.discharge_max_mw} if vpp.ess else {}),
        "exchange.grid_buy_max_mw": vpp.exchange.grid_buy_max_mw,
    }


def _factors(scenario: Scenario) -> Iterator[Fault]:
    emission = scenario.public.carbon.grid_emission_t_per_mwh
    if emission > MOST_EMISSION_T_PER_MWH:
        remedy = "is it kg/MWh or g/kWh? write it with its unit, such as 450 g/kWh"
        place = "carbon.grid_emission_t_per_mwh"
        yield Fault("energy of a grid should emit at most a few t/MWh", f"{emission:g} t CO2/MWh", place, remedy)
