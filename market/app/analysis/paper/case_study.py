"""The case study as a whole: a market day, the paper's four models, and all its facts, for one scenario."""

from __future__ import annotations

from dataclasses import dataclass

from market.app.analysis.paper.evidence import Evidence, evidence_of
from market.app.analysis.paper.facts import Fact, all_facts
from market.app.analysis.paper.models import CarbonModel, four_models
from market.app.results.tables import day_tables
from market.app.results.trace import evolution
from market.app.runs.in_process import market_day
from market.errors import Fault, ScenarioError
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Settlement, settle

MODELLED_VPP = "VPP1"
VPPS = frozenset({"VPP1", "VPP2", "VPP3", "VPP4", "VPP5"})
HOURS = 24
CONVERGENCE_PERIOD = 3  # of Figure 9


@dataclass(frozen=True, slots=True)
class CaseStudy:
    """Everything that the facts are about."""

    scenario: Scenario
    outcome: MarketOutcome
    settlement: Settlement
    models: tuple[CarbonModel, ...]
    evidence: Evidence
    facts: tuple[Fact, ...]


def case_study(scenario: Scenario, outcome: MarketOutcome | None = None) -> CaseStudy:
    """Carry out the case study; `outcome` where the day is solved already.

    Raises ScenarioError unless the scenario has the paper's five VPPs and 24 periods; DispatchError.
    """
    check_vpps(scenario)
    outcome = outcome or market_day(scenario)
    settlement = settle(outcome, scenario.public)
    models = four_models(scenario, MODELLED_VPP)
    observed = [outcome.periods[CONVERGENCE_PERIOD - 1]]
    tables = day_tables(
        scenario, outcome, settlement, lambda level: evolution(observed, scenario.public.market, 0.0)
    )
    evidence = evidence_of(scenario, tables, models)
    return CaseStudy(scenario, outcome, settlement, models, evidence, all_facts(evidence))


def check_vpps(scenario: Scenario) -> None:
    """The paper speaks of five VPPs by name, and of hours of a day by number."""
    faults, place = [], f"scenario {scenario.name}"
    names = {vpp.id for vpp in scenario.vpps}
    if names != VPPS:
        remedy = "use `vppmarket run` or `vppmarket experiment economics` for other VPPs"
        rule = f"the paper's case study has the VPPs {', '.join(sorted(VPPS))}"
        faults.append(Fault(rule, ", ".join(sorted(names)), place, remedy))
    if scenario.public.horizon.periods != HOURS:
        rule, found = f"the paper's case study has {HOURS} periods", str(scenario.public.horizon.periods)
        faults.append(Fault(rule, found, place, "use a scenario with 24 periods of an hour"))
    if faults:
        raise ScenarioError(faults)
