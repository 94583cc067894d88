"""What a scenario was understood to be: when it is, its currency, and how much of what each column holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

from market.model.arrays import Array
from market.model.calendar import span_text
from market.model.currency import DEFAULT_CURRENCY, spoken_name
from market.model.group import CONNECTION, Group
from market.model.imbalance import ImbalancePricing, ImbalanceRules
from market.model.reality import has_reality
from market.model.vpp import Exchange
from market.scenario.scenario import Scenario
from market.scenario.unit_columns import GRID_EMISSION, realised_columns, tariff_columns, unit_columns

_HOURS_A_YEAR = 8760.0
_MOST = 8
_PRICES = (("retail", "retail_cny_per_mwh"), ("feed-in", "feed_in_cny_per_mwh"))


def understood(scenario: Scenario) -> Iterator[str]:
    """Lines for who checks a scenario before it runs: its time, its money, and columns that have a source.

    Units are those that fit the numbers. Nothing of a scenario of plain profiles in CNY.
    """
    public = scenario.public
    if span := span_text(public.horizon):
        yield f"time: {span}, {public.horizon.periods} periods of {_duration(public.horizon.period_h)}"
    if public.currency != DEFAULT_CURRENCY:
        yield f"money: {public.currency}"
    yield from _reality(scenario)
    yield from _peak_charges(scenario)
    yield from _connections(scenario)
    for name, text, column in (*_prices(scenario), *_powers(scenario)):
        if source := scenario.sources.get(spoken_name(column, public.currency)):
            yield f"{name}: {text}"
            yield f"  from {source}"


def _reality(scenario: Scenario) -> Iterator[str]:
    """Of whom something becomes otherwise than expected, and how deviations are settled."""
    rules = scenario.public.imbalance
    if rules is None:
        return
    kind = "two prices" if rules.pricing is ImbalancePricing.DUAL else "one price for all"
    yield (
        f"reality: deviations are settled at {kind}; short {_side(rules.short_premium, rules, 'short')}, long "
        + (_side(-rules.long_discount, rules, "long"))
    )
    told = [vpp.id for vpp in scenario.vpps if has_reality(vpp, rules.settled_periods)]
    if scenario.vpps:
        yield f"  otherwise than expected: {_first(told) or 'nobody'}"


def _peak_charges(scenario: Scenario) -> Iterator[str]:
    """Who pays how much for the largest power it buys, (M20)."""
    prices = [(vpp.id, vpp.exchange.peak_charge_cny_per_mw) for vpp in scenario.vpps]
    if listed := [f"{vpp} {_number(price)} {scenario.public.currency}/MW" for vpp, price in prices if price]:
        yield f"peak charge, once for all periods: {_first(listed)}"


def _connections(scenario: Scenario) -> Iterator[str]:
    """Groups behind one transformer with the shares of their members, and what passes each connection, (M21)."""
    for group in dict.fromkeys(vpp.group for vpp in scenario.vpps if vpp.group is not None):
        shares = (f"{vpp} {100.0 * group.share_of(vpp):.4g} %" for vpp in group.members)
        yield f"group {group.id}, at most {_passing(group)}: {_first(shares)}"
    limits = ((vpp.id, _passing(vpp.exchange)) for vpp in scenario.vpps)
    if listed := [f"{vpp} {limit}" for vpp, limit in limits if limit]:
        yield f"connections, at most: {_first(listed)}"


def _passing(limits: Group | Exchange) -> str:
    """The limits of what passes a connection, each with its direction; nothing for none."""
    both = [(getattr(limits, name), name.partition("_")[0]) for name in CONNECTION]
    return " and ".join(f"{_sized(mw, 'W')} {way}" for mw, way in both if mw is not None and mw < inf)


def _first(texts: Iterable[str]) -> str:
    """The first of several, and how many more there are."""
    listed = list(texts)
    return ", ".join(listed[:_MOST]) + (f" and {len(listed) - _MOST} more" if len(listed) > _MOST else "")


def _side(share: float, rules: ImbalanceRules, side: str) -> str:
    if getattr(rules, f"{side}_by_period_cny_per_mwh") is not None:
        return "by period"
    percent = f"{100.0 * share:+.0f}".replace("-", "−")
    return f"{percent} % of {'retail' if side == 'short' else 'feed-in'}"


def _prices(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    unit = f"{scenario.public.currency}/MWh"
    for name, column in _PRICES:
        yield name, _spread(getattr(scenario.public.tariff, column), unit), column
    for column, values in dict(tariff_columns(scenario.vpps)).items():
        yield column.removesuffix("_cny_per_mwh").replace("_", " "), _spread(values, unit), column
    if (emission := scenario.public.carbon.grid_emission_by_period_t_per_mwh) is not None:
        yield "grid emission", _spread(emission, "t/MWh"), GRID_EMISSION


def _spread(values: Array, unit: str) -> str:
    return f"mean {_number(values.mean())} {unit}, {_number(values.min())} to {_number(values.max())}"


def _powers(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    for vpp in scenario.vpps:
        yield f"{vpp.id} load", _power(vpp.load_mw, scenario), f"{vpp.id}_load_mw"
        for kind, plant in (("wt", vpp.wt), ("pv", vpp.pv)):
            if plant is not None:
                yield f"{vpp.id} {kind}", _power(plant.forecast_mw, scenario), f"{vpp.id}_{kind}_mw"
        for column, values in (*unit_columns(vpp), *realised_columns(vpp)):
            yield column.removesuffix("_mw").replace("_", " ", 1), _power(values, scenario), column


def _power(values: Array, scenario: Scenario) -> str:
    """Peak, energy of the horizon, and what a year of such days would come to."""
    horizon = scenario.public.horizon
    energy_mwh = float(values.sum()) * horizon.period_h
    year_mwh = energy_mwh / (horizon.periods * horizon.period_h) * _HOURS_A_YEAR
    peak = float(values.max())
    return f"peak {_sized(peak, 'W')}, {_sized(energy_mwh, 'Wh')}, at this pace {_sized(year_mwh, 'Wh')}/a"


def _sized(value: float, unit: str) -> str:
    """A number of MW or MWh in the unit that fits it.

    >>> _sized(0.0032, "W"), _sized(12.5, "Wh"), _sized(4380.0, "Wh")
    ('3.2 kW', '12.5 MWh', '4,380 MWh')
    """
    return f"{_number(value)} M{unit}" if value >= 1.0 or value == 0.0 else f"{_number(value * 1000)} k{unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _duration(hours: float) -> str:
    minutes = hours * 60
    return f"{minutes:g} min" if minutes < 60 else f"{hours:g} h"
