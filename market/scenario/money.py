"""Defaults that are money hold for CNY; in another currency what takes effect has to be given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from market.errors import Fault
from market.model.currency import DEFAULT_CURRENCY, is_money, spoken_name
from market.model.rules import PriceRule
from market.scenario.faults import fields_by_name
from market.scenario.fields import Section
from market.scenario.spoken import parameter_in


def money_faults(file: Section, currency: str, place: Callable[[Sequence[str | int]], str]) -> list[Fault]:
    """One fault that lists every field whose default is an amount of CNY, and would count as one of `currency`.

    A default of 0 is as good in any currency, and a step of a rule that is not in use says nothing.
    """
    if currency == DEFAULT_CURRENCY:
        return []
    idle = _without_effect(file)
    paths = [path for path in _left_out(file, "") if path not in idle]
    if not paths:
        return []
    named = ", ".join(spoken_name(path, currency) for path in paths)
    rule = f"must be given where the currency is {currency}: the defaults are amounts of other money"
    remedy = f"add them in {currency}; 0 where something costs nothing"
    return [Fault(rule, f"nothing for {named}", place(("currency",)), remedy)]


def _left_out(section: Section, above: str) -> Iterator[str]:
    """Fields of money, other than 0 by default, that are not given."""
    for name, field in fields_by_name(type(section)).items():
        value = getattr(section, name, None)
        if isinstance(value, Section):
            yield from _left_out(value, f"{above}{name}.")
        elif isinstance(value, list):
            for place, item in enumerate(value):
                if isinstance(item, Section):
                    yield from _left_out(item, f"{above}{name}[{place}].")
        elif (
            (parameter := parameter_in(field))
            and is_money(parameter.unit)
            and value
            and name not in section.model_fields_set
        ):
            yield f"{above}{name}"


def _without_effect(file: Section) -> set[str]:
    market = file.market
    idle = {
        "market.gradient_step_cny_per_mwh_per_mw": market.price_rule is not PriceRule.GRADIENT,
        "market.tatonnement_step_cny_per_mwh": market.price_rule is not PriceRule.TATONNEMENT,
        "market.price_tick_cny_per_mwh": market.choice_temperature_cny_per_mwh != 0,
    }
    return {path for path, without in idle.items() if without}
