"""Forecast and reality of a scenario's powers: what is given of each, and what is made of the other, (M18)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from market.costs.imbalance import outside_tariff
from market.errors import Fault
from market.forecast.errors import ForecastErrors, ForecastModel, GivenSeries, noisy
from market.model.arrays import Array, frozen
from market.model.imbalance import ImbalanceRules
from market.model.parameter import Parameter
from market.model.public import PublicRules
from market.model.rules import Horizon
from market.model.vpp import Vpp
from market.scenario.fields import Section, values_of
from market.scenario.unit_columns import IMBALANCE_COLUMNS, realised_column

Columns: TypeAlias = Mapping[str, tuple[float, ...] | Array]
Place: TypeAlias = Callable[[Sequence[str | int]], str]
_MOST = 4
_REALITY = ("imbalance", "forecast")


def realised_wanted(powers: Mapping[str, Parameter], taken: frozenset[str]) -> dict[str, Parameter]:
    """The columns that may tell what becomes of these powers, with what is said of them.

    taken : the columns that mean something else
    """
    found = {realised_column(column): told for column, told in powers.items()}
    return {
        column: told.said(f"{told.meaning}, in reality") for column, told in found.items() if column not in taken
    }


def imbalance_rules(file: Section, columns: Columns, real: Columns) -> ImbalanceRules | None:
    """How deviations are settled; None where nothing is said of reality at all. real : what becomes of powers"""
    prices: dict[str, Any] = {
        field: frozen(columns[column]) for column, field in IMBALANCE_COLUMNS.items() if column in columns
    }
    said = any(getattr(file, name) is not None for name in _REALITY)
    if not (said or prices or real):
        return None
    return values_of(ImbalanceRules, file.imbalance, **prices) if file.imbalance else ImbalanceRules(**prices)


def without_forecast(columns: Columns, realised: Mapping[str, str], place: Place) -> Iterator[Fault]:
    """What becomes of a power of which nothing is expected."""
    for power, real in realised.items():
        if real in columns and power not in columns:
            rule, remedy = f"must come with what was expected, {power}", f"add {power}, or take {real} out"
            yield Fault(rule, f"{real} alone", place(("vpps",)), remedy)


def without_yesterday(
    columns: Columns, realised: Mapping[str, str], horizon: Horizon | None, place: Place
) -> list[Fault]:
    """Powers of which persistence knows nothing: a row a period, or periods without a time, have no day before."""
    where = place(("forecast", "model"))
    rule = "must have a day before, where forecast.model is persistence"
    if horizon is not None and not horizon.start:
        return [
            Fault(rule, "periods without a time", where, "say horizon: {start: …}, and give series with times")
        ]
    found = [power for power, real in realised.items() if power in columns and real not in columns]
    if not found:
        return []
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    remedy = "give them as series with times, whose files go a day back, or take forecast.model noise"
    return [Fault(rule, f"{', '.join(sorted(found)[:_MOST])}{more} as profiles", where, remedy)]


def with_errors(section: Section | None, columns: Columns, powers: Sequence[str], period_h: float) -> Columns:
    """The columns with the forecast, or the reality, that the section's model makes of each power.

    What is realised already stays. Persistence has no part here: what was before the first period is no column.
    """
    made = dict(columns)
    errors = None if section is None else values_of(ForecastErrors, section)
    if errors is None or errors.model is not ForecastModel.NOISE:
        return made
    noise = (errors.noise_share, errors.noise_correlation, period_h, errors.noise_seed)
    for power in powers:
        other = realised_column(power)
        if other in columns or other in powers or power not in columns:
            continue
        drawn = noisy(frozen(columns[power]), *noise, power)
        if errors.given is GivenSeries.FORECAST:
            made[other] = drawn
        else:
            made[power], made[other] = drawn, columns[power]
    return made


def realised_by_power(columns: Columns, powers: Sequence[str]) -> Columns:
    """What becomes of each power, by its column; a column that is a power itself tells of no other."""
    real = {power: realised_column(power) for power in powers}
    return {power: columns[other] for power, other in real.items() if other in columns and other not in powers}


def drawn_anew(section: Section | None, columns: Mapping[str, Array]) -> dict[str, Array]:
    """The columns of a scenario, of which a change of `forecast` makes the other half anew.

    What it has of the half that is given stays; perfect leaves nothing realised.
    """
    if section is None:
        return dict(columns)
    ending = realised_column("")
    kept = {name: values for name, values in columns.items() if not name.endswith(ending)}
    if section.given is GivenSeries.REALITY:
        kept |= {name: columns.get(realised_column(name), values) for name, values in kept.items()}
    return kept


def persistence_faults(section: Section | None, place: Place) -> Iterator[Fault]:
    """No change makes a day before."""
    if section is not None and section.model is ForecastModel.PERSISTENCE:
        rule = "must be noise or perfect where a scenario is changed: its columns have no day before"
        remedy = "say forecast: {model: persistence} in scenario.yaml itself"
        yield Fault(rule, "persistence", place(("forecast", "model")), remedy)


def rewarding_prices(public: PublicRules, vpps: Sequence[Vpp], place: str) -> Iterator[Fault]:
    """Prices of imbalance by period at which a deviation would pay, by everybody's tariff or by one's own."""
    if public.imbalance is None:
        return
    tariffs = {"": public.tariff} | {vpp.tariff.name: vpp.tariff.prices for vpp in vpps if vpp.tariff}
    for name, tariff in tariffs.items():
        crossed = list(outside_tariff(public.imbalance, tariff))
        for side in dict.fromkeys(each[0] for each in crossed):
            (_, t, price, limit), *others = [each for each in crossed if each[0] == side]
            of = f"tariff {name}'s " if name else "the "
            word, what = ("below", "highest") if side == "short" else ("above", "lowest")
            rule = f"must not be {word} {of}{what} price of its period, {limit:g}: a deviation would pay"
            more = f", and in {len(others)} more periods" if others else ""
            where = f"{place} column imbalance_{side}_cny_per_mwh"
            remedy = "correct it, or say imbalance.short_premium and imbalance.long_discount in place of prices"
            yield Fault(rule, f"{price:g} in period {t + 1}{more}", where, remedy)
