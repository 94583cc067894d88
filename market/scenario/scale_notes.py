"""Notes on sizes that are allowed but rarely meant: a thousand times too much or too little, kWh taken for MWh."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from statistics import median

import numpy as np

from market.errors import Fault
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario

MOST_LOAD_MW = 1000.0
"""A plant of more has the load of a large city."""
FAR_APART = 300.0
"""Sizes of one plant, or plants of one market, that differ by more look like two units."""
LEAST_RETAIL_PER_MWH, MOST_RETAIL_PER_MWH = 3.0, 20_000.0
MOST_EMISSION_T_PER_MWH = 3.0
"""Lignite emits about 1.1."""


def scale_notes(scenario: Scenario) -> Iterator[Fault]:
    """What looks as if it was written in another unit; nothing here forbids a run."""
    yield from _prices(scenario)
    yield from _factors(scenario)
    peaks = {vpp.id: float(vpp.load_mw.max()) for vpp in scenario.vpps if vpp.load_mw.max() > 0}
    usual = median(peaks.values()) if peaks else 0.0
    for vpp in scenario.vpps:
        peak = peaks.get(vpp.id, 0.0)
        if peak > MOST_LOAD_MW:
            remedy = "are these kW? say unit: kW in series, or divide the column by 1,000"
            yield Fault("a load should be that of a VPP", f"a peak of {peak:,.0f} MW", f"{vpp.id} load", remedy)
        elif peak and len(peaks) > 2 and not usual / FAR_APART <= peak <= usual * FAR_APART:
            rule = "a load should be of the size of the others"
            remedy = "is it kW among MW, or the other way round?"
            yield Fault(rule, f"a peak of {peak:g} MW, mostly {usual:g} MW", f"{vpp.id} load", remedy)
        yield from _sizes(vpp, peak)


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


def _parts(vpp: Vpp, peak: float) -> dict[str, float]:
    return {
        "load": peak,
        **{name: float(part.forecast_mw.max()) for name, part in (("wt", vpp.wt), ("pv", vpp.pv)) if part},
        **({"mt.p_max_mw": vpp.mt.p_max_mw} if vpp.mt else {}),
        **({"ess.discharge_max_mw": vpp.ess.discharge_max_mw} if vpp.ess else {}),
        "exchange.grid_buy_max_mw": vpp.exchange.grid_buy_max_mw,
    }


def _prices(scenario: Scenario) -> Iterator[Fault]:
    retail = scenario.public.tariff.retail_cny_per_mwh
    mean, place = float(np.mean(np.abs(retail))), "retail"
    if 0.0 < mean < LEAST_RETAIL_PER_MWH:
        remedy = "are these prices of a kWh? say unit: CNY/kWh in series, or multiply the column by 1,000"
        yield Fault("prices should be those of a MWh", f"{mean:.4g} CNY/MWh in the mean", place, remedy)
    elif mean > MOST_RETAIL_PER_MWH:
        remedy = "are these ct/kWh, or prices of something larger? say their unit in series"
        yield Fault("prices should be those of a MWh", f"{mean:,.0f} CNY/MWh in the mean", place, remedy)
    elif mean and not np.any(scenario.public.market.price_min_cny_per_mwh < retail):
        least = scenario.public.market.price_min_cny_per_mwh
        remedy = "nobody can trade; are prices per kWh, or market.price_min_cny_per_mwh per GWh?"
        found = f"at most {retail.max():g} CNY/MWh, offers from {least:g} CNY/MWh on"
        yield Fault("retail should be above the lowest price of an offer", found, place, remedy)


def _factors(scenario: Scenario) -> Iterator[Fault]:
    emission = scenario.public.carbon.grid_emission_t_per_mwh
    if emission > MOST_EMISSION_T_PER_MWH:
        remedy = "is it kg/MWh or g/kWh? write it with its unit, such as 450 g/kWh"
        place = "carbon.grid_emission_t_per_mwh"
        yield Fault("energy of a grid should emit at most a few t/MWh", f"{emission:g} t CO2/MWh", place, remedy)
