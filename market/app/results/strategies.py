"""What strategies of the owners' own have lost against best replies: their regrets, and which they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, nan
from typing import Any

from market.app.results.columns import COLUMNS, STRATEGIES
from market.app.results.table import Table
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome


@dataclass(frozen=True, slots=True)
class StrategyRegret:
    """What one VPP could have gained by moving, over all periods: as a seller by its prices, as a buyer by its
    choices, CNY. The others are taken as they ended. NaN where nobody prices or chooses: declarations are cleared.
    """

    vpp: str
    use: str
    selling_regret_cny: float
    buying_regret_cny: float


def strategy_regrets(scenario: Scenario, outcome: MarketOutcome) -> tuple[StrategyRegret, ...]:
    """Of each VPP whose owner has chosen a strategy, in the scenario's order; as far as plants are known here."""
    moves = not scenario.public.market.mechanism.clears
    return tuple(
        StrategyRegret(
            vpp.id,
            vpp.strategy.use,
            _selling_cny(vpp.id, outcome) if moves else nan,
            _buying_cny(vpp.id, outcome) if moves else nan,
        )
        for vpp in scenario.vpps
        if vpp.strategy is not None
    )


def _selling_cny(vpp: str, outcome: MarketOutcome) -> float:
    return fsum(
        float(result.certificate.seller_regret_cny[result.game.sellers.index(vpp)])
        for result in outcome.periods
        if result.certificate and vpp in result.game.sellers
    )


def _buying_cny(vpp: str, outcome: MarketOutcome) -> float:
    return fsum(
        float(result.certificate.buyer_gain_cny[result.game.buyers.index(vpp)])
        for result in outcome.periods
        if result.certificate and vpp in result.game.buyers
    )


def strategies_table(regrets: tuple[StrategyRegret, ...]) -> Table:
    """The regrets of each VPP with a strategy."""
    rows = tuple((each.vpp, each.selling_regret_cny, each.buying_regret_cny) for each in regrets)
    return Table(STRATEGIES, COLUMNS[STRATEGIES], rows)


def strategies_document(regrets: tuple[StrategyRegret, ...]) -> dict[str, Any]:
    """What the manifest tells: which strategy each has."""
    return {STRATEGIES: {each.vpp: each.use for each in regrets}}
