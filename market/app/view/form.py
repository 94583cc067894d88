"""Owns the parameters of a model as a person edits them: from a scenario, into a model. Knows no widgets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from market.app.local_market import StepUnit
from market.network import Constant
from market.scenario.model import PublicScenario, Scenario

if TYPE_CHECKING:
    from market.app.mesa_model import MarketModel


@dataclass(frozen=True, slots=True)
class Form:
    """The fields. None: as in the scenario, which then has no single number for it."""

    base_price_cny_per_t: float | None
    interval_t: float | None
    growth: float | None
    choice_temperature_cny_per_mwh: float | None
    satisfaction: float | None
    price_rule: str
    delay_s: float | None
    loss: float | None
    seed: int = 0
    step_unit: str = StepUnit.ROUND


def form_of(scenario: Scenario | PublicScenario, seed: int = 0) -> Form:
    """The parameters of a scenario."""
    market, carbon, every = scenario.public.market, scenario.public.carbon, scenario.network.every
    satisfactions = {vpp.satisfaction for vpp in scenario.vpps} if isinstance(scenario, Scenario) else set()
    return Form(
        base_price_cny_per_t=carbon.base_price_cny_per_t,
        interval_t=carbon.interval_t,
        growth=carbon.growth,
        choice_temperature_cny_per_mwh=market.choice_temperature_cny_per_mwh,
        satisfaction=satisfactions.pop() if len(satisfactions) == 1 else None,
        price_rule=market.price_rule.value,
        delay_s=every.latency.value_s if isinstance(every.latency, Constant) else None,
        loss=every.loss,
        seed=seed,
    )


def model_of(scenario: Scenario, form: Form) -> MarketModel:
    """The model of a scenario with what the form changes; what it leaves alone stays the scenario's.

    ScenarioError with every fault at once.
    """
    from market.app.mesa_model import MarketModel  # late: who only looks on does not wait for Mesa

    original = form_of(scenario)
    changed = {
        field.name: getattr(form, field.name)
        for field in fields(Form)
        if field.name not in ("seed", "step_unit") and getattr(form, field.name) != getattr(original, field.name)
    }
    return MarketModel(scenario, seed=form.seed, step_unit=form.step_unit, **changed)
