"""The same day under every design of trade: what each saves, for whom, and what is still left to gain.

Trade once after planning, in rounds of planning and trading, and by consensus on prices: they stand between the
grid only and full cooperation, which no trade can beat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import fsum, isfinite
from types import MappingProxyType
from typing import Final

from market.app.analysis.economics import (
    WELFARE,
    Economy,
    mean_price_cny_per_mwh,
    pay_more,
    traded_mwh,
    welfare_row,
)
from market.app.results.day_certificate import day_certificate
from market.app.results.table import Cell, Table
from market.app.runs.certified_day import with_regrets
from market.app.runs.in_process import market_day
from market.day_certificate.day_certificate import DayRegret
from market.scenario import with_overrides
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Settlement, settle

NOTHING = float("nan")

DESIGNS: Final[Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "once": {"market.mechanism": "game", "market.coupling": "once"},
        "iterate": {"market.mechanism": "game", "market.coupling": "iterate"},
        "consensus": {
            "market.mechanism": "consensus",
            "market.coupling": "once",
            "market.grid_option_mw": 0.0,
            "market.day_certificate": False,
        },
    }
)
"""What makes a scenario trade in each way."""


@dataclass(frozen=True, slots=True)
class DesignDay:
    """One scenario's day under one design.

    regrets : by the day's certificate (M6), or what everybody would rather have at the prices agreed on (M7);
    empty where nothing bounds them (τ = 0)
    """

    name: str
    outcome: MarketOutcome
    settlement: Settlement
    regrets: tuple[DayRegret, ...]


def design_days(scenario: Scenario, on_design: Callable[[str, int], None]) -> tuple[DesignDay, ...]:
    """The day under every design. DispatchError as `market_day`.

    on_design : told of each before it is solved, and of the number of each of its rounds
    """
    days = []
    for name, changes in DESIGNS.items():
        on_design(name, 0)
        changed = with_overrides(scenario, changes)
        outcome = market_day(changed, partial(on_design, name))
        days.append(DesignDay(name, outcome, settle(outcome, changed.public), _regrets(changed, outcome)))
    return tuple(days)


def designs_table(economy: Economy, days: Sequence[DesignDay]) -> Table:
    """One row for each design, between the grid only and cooperation.

    regret_lower_cny, regret_upper_cny : the sum over all VPPs of what they are known to gain, and could gain at
    most, by another day · pay_more : how many pay more than without trade · worst_gain_cny : least gain of any
    """
    columns = (
        "design",
        *WELFARE,
        "mean_price_cny_per_mwh",
        "pay_more",
        "worst_gain_cny",
        "regret_lower_cny",
        "regret_upper_cny",
        "verdict",
    )
    alone = economy.settlement.grid_only_system
    possible = alone.total_cny - economy.joint.total_cny
    rows: list[tuple[Cell, ...]] = [(*welfare_row("grid_only", alone, alone, possible, 0.0), *_NO_MARKET)]
    for day in days:
        system = welfare_row(day.name, day.settlement.game_system, alone, possible, traded_mwh(day.outcome))
        gains = list(day.settlement.gains_cny.values())
        rows.append(
            (
                *system,
                mean_price_cny_per_mwh(day.outcome),
                pay_more(gains),
                min(gains),
                _sum(day.regrets, [regret.lower_cny for regret in day.regrets]),
                _sum(day.regrets, [regret.upper_cny for regret in day.regrets]),
                day.outcome.verdict.value,
            )
        )
    joint = economy.joint_account
    rows.append((*welfare_row("cooperation", joint, alone, possible, economy.joint_exchange_mwh), *_NO_MARKET))
    return Table("economics_designs", columns, tuple(rows))


def design_gains_table(days: Sequence[DesignDay]) -> Table:
    """What each design saves each VPP against the grid only, CNY."""
    gains = [day.settlement.gains_cny for day in days]
    rows: list[tuple[Cell, ...]] = [(vpp, *(gain[vpp] for gain in gains)) for vpp in gains[0]]
    return Table("economics_design_gains", ("vpp", *(f"{day.name}_gain_cny" for day in days)), tuple(rows))


_NO_MARKET: Final[tuple[Cell, ...]] = (NOTHING, 0, NOTHING, NOTHING, NOTHING, "")


def _regrets(scenario: Scenario, outcome: MarketOutcome) -> tuple[DayRegret, ...]:
    if outcome.rounds is not None and outcome.rounds.agreed:
        return tuple(DayRegret(vpp, NOTHING, r, r) for vpp, r in outcome.rounds.regret_cny.items())
    rules = scenario.public.market
    if rules.choice_temperature_cny_per_mwh == 0.0 or rules.grid_option_mw > 0.0:
        return ()
    certified = with_overrides(scenario, {"market.day_certificate": True})
    day = day_certificate(certified, with_regrets(certified, outcome), settle(outcome, scenario.public))
    return day.regrets if day else ()


def _sum(regrets: Sequence[DayRegret], bounds_cny: Sequence[float]) -> float:
    """NaN where nothing bounds them."""
    total = fsum(bounds_cny)
    return total if regrets and isfinite(total) else NOTHING
