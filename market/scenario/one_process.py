"""Which markets have no messages yet, so that they run in one process only."""

from __future__ import annotations

from collections.abc import Iterator

from market.errors import Fault, ScenarioError
from market.model.rules import Mechanism
from market.scenario.scenario import Scenario


def require_messages(scenario: Scenario) -> None:
    """ScenarioError unless this market can be run over processes."""
    if faults := list(_faults(scenario)):
        raise ScenarioError(faults)


def _faults(scenario: Scenario) -> Iterator[Fault]:
    remedy = "run it in one process: `vppmarket run --in-process`"
    if scenario.public.market.mechanism is not Mechanism.GAME:
        place, rule = f"scenario {scenario.name}: market.mechanism", "must be game where VPPs are processes"
        yield Fault(rule, scenario.public.market.mechanism.value, place, remedy)
