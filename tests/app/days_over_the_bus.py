"""Days of several rounds for tests of the bus: in one process, and over messages in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

from market.app.replay.decision import differences
from market.app.results.concluded_day import outcome_of
from market.app.runs.in_process import market_day
from market.model.network import NetworkRules
from market.model.rules import Coupling, Mechanism
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from tests.market.random_markets import random_market
from vpp_nodes.in_memory import Loopback
from vpp_nodes.plant import plant_node

NOT_TOLD = "cost_cny"
"""Bills are nobody else's business: rounds of a market of processes do not tell what they cost."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A random day: whose plans see the market, or who agree on prices."""

    seed: int
    vpps: int
    periods: int
    mechanism: Mechanism = Mechanism.GAME
    rounds: int = 4
    commitment: bool = False

    def __str__(self) -> str:
        committed = " with commitment" if self.commitment else ""
        return f"{self.mechanism} of {self.vpps}{committed}, {self.periods} periods, seed {self.seed}"

    def scenario(self) -> Scenario:
        """What is played."""
        return _scenario(self)

    def day(self) -> MarketOutcome:
        """Its day in one process."""
        return _day(self)


@cache
def _scenario(what: Drawn) -> Scenario:
    drawn = random_market(what.seed, vpps=what.vpps, periods=what.periods, commitment=what.commitment)
    rules = drawn.public
    market = replace(
        rules.market,
        mechanism=what.mechanism,
        coupling=Coupling.ITERATE if what.mechanism is Mechanism.GAME else Coupling.ONCE,
        coupling_rounds=what.rounds,
        consensus_rounds=4 * what.rounds,
        consensus_regret=1e-5 if what.commitment else 0.01,
    )
    public = seal_public(rules.horizon, rules.tariff, market, rules.carbon)
    return seal_scenario("random", "", public, drawn.vpps, drawn.network)


@cache
def _day(what: Drawn) -> MarketOutcome:
    return market_day(_scenario(what))


def over_the_bus(scenario: Scenario, network: NetworkRules, seed: int = 0) -> Loopback:
    """The market in memory, its plants real, before anything is said."""
    shared = seal_scenario(scenario.name, scenario.title, scenario.public, scenario.vpps, network).shared
    makers = {vpp.id: partial(plant_node, vpp, scenario.public) for vpp in scenario.vpps}
    return Loopback(scenario.public, nodes=makers, network_seed=seed, seed=seed, shared=shared)


def day_of(run: Loopback) -> MarketOutcome:
    """What a market that is over came to."""
    return outcome_of(run.coordinator.proceedings())


def unlike(one: MarketOutcome, other: MarketOutcome) -> list[str]:
    """Every value in which two days differ, to the last digit; how many steps either took aside."""
    return [str(found) for found in _unlike(one, other)]


def _unlike(one: MarketOutcome, other: MarketOutcome) -> Iterator[object]:
    periods, others = ([replace(period, rounds=0) for period in day.periods] for day in (one, other))
    yield from differences(periods, others, "periods")
    yield from differences(one.days, other.days, "days")
    assert one.rounds is not None
    assert other.rounds is not None
    for found in differences(one.rounds, other.rounds, "rounds"):
        if found.place.split(".")[-1] != NOT_TOLD:
            yield found
