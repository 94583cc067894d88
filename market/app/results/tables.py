"""The tables of a run folder: every number of a market day, by name and unit.

Periods count from 1. Rows stand in the order of the scenario's VPPs and of the periods, so equal days give
equal tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from market.app.results.blocks import Cells, Trace, blocks_of, no_trace
from market.app.results.columns import (
    COLUMNS,
    DISPATCH_QUANTITIES,
    IMBALANCE_COST,
    PEAK,
    UNIT_QUANTITIES,
    WITH_UNITS,
)
from market.app.results.kept import TraceLevel
from market.app.results.table import Cell, Table
from market.bidding.roles import demand_mw, sdr, supply_mw
from market.game.result import PeriodResult
from market.model.arrays import Array
from market.model.disclosure import ShownPlan
from market.model.plan import DispatchPlan, UnitPlan
from market.model.public import PublicScenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.reality import ImbalanceBill, RealSettlement
from market.settlement.rounds import DayRounds
from market.settlement.settlement import Account, Settlement, payment_cny, settled_mw

NOTHING = float("nan")


def day_tables(
    scenario: Scenario | PublicScenario,
    outcome: MarketOutcome,
    settlement: Settlement,
    trace: Trace = no_trace,
    level: TraceLevel = TraceLevel.FULL,
    real: RealSettlement | None = None,
) -> tuple[Table, ...]:
    """All tables of a day, in the order in which they are written; NaN for what a VPP has not shown.

    level : how much of the trace, none of it where that is NONE · real : where the day became real
    """
    rounds = (rounds_table(outcome.rounds),) if outcome.rounds else ()
    beside = (transfers_table(outcome),) if scenario.public.market.mechanism.transfers else ()
    return (
        roles_table(outcome.days),
        bids_table(scenario, outcome),
        offers_table(outcome.periods),
        selections_table(outcome.periods),
        periods_table(scenario, outcome.periods),
        dispatch_table(outcome.days),
        *units_table(outcome.days),
        costs_table(settlement, real),
        *(() if real is None else (imbalance_table(real),)),
        *(() if level is TraceLevel.NONE else (trace_table(trace, level),)),
        *rounds,
        *beside,
    )


def roles_table(days: Sequence[VppDay]) -> Table:
    """What each VPP has, needs and therefore is, (14), (15); its declaration alone where its plan is not shown."""
    return _by_part("roles", _role_cells, days)


def bids_table(scenario: Scenario | PublicScenario, outcome: MarketOutcome) -> Table:
    """What each buyer made public of its demand, (17); κ, which is its plant's, where that is known here."""
    return _by_part("bids", partial(_bid_cells, known=_satisfactions(scenario)), outcome.periods)


def offers_table(results: Sequence[PeriodResult]) -> Table:
    """What each seller offered in the end, and what came of it; where nothing can be traded nobody offers."""
    return _by_part("offers", _offer_cells, _traded(results))


def selections_table(results: Sequence[PeriodResult]) -> Table:
    """How each buyer spread its demand over the sellers, and what it got and paid."""
    return _by_part("selections", _selection_cells, _traded(results))


def periods_table(scenario: Scenario | PublicScenario, results: Sequence[PeriodResult]) -> Table:
    """The band, the grid's prices and the end of each period."""
    retail = scenario.public.tariff.retail_cny_per_mwh
    rows = (_period_row(result, float(retail[result.game.period])) for result in results)
    return _table("periods", tuple(rows))


def dispatch_table(days: Sequence[VppDay]) -> Table:
    """Each VPP's plan without trade (stage 1) and with it (stage 3), (6) to (13), where it is shown.

    What became of them in reality are stages 4 and 5.
    Where any plan has units there are columns of what the first kinds of plants have not.
    """
    return _dispatch(_stages(days))


def plan_table(vpp: str, plans: Sequence[tuple[int, ShownPlan]]) -> Table:
    """The same of one VPP, by stage."""
    return _dispatch([(vpp, stage, plan) for stage, plan in plans])


def units_table(days: Sequence[VppDay]) -> tuple[Table, ...]:
    """What every unit does in both plans, where any plan that is shown has units; else no table."""
    return _units(_stages(days))


def unit_tables(vpp: str, plans: Sequence[tuple[int, ShownPlan]]) -> tuple[Table, ...]:
    """The same of one VPP, by stage."""
    return _units([(vpp, stage, plan) for stage, plan in plans])


def costs_table(settlement: Settlement, real: RealSettlement | None = None) -> Table:
    """Every VPP's account, and the system's, with the grid only and with the game; and what became of both."""
    with_system = real and replace(
        real,
        grid_only=(*real.grid_only, real.grid_only_system),
        game=(*real.game, real.game_system),
    )
    accounts = {
        "grid_only": (*settlement.grid_only, settlement.grid_only_system),
        "game": (*settlement.game, settlement.game_system),
    }
    return costs_of_accounts(accounts, with_system)


def costs_of_accounts(accounts: Mapping[str, Sequence[Account]], real: RealSettlement | None) -> Table:
    """A row for each of these accounts, by the name of the plans; and of those in reality."""
    if real is not None:
        accounts = {**accounts, "grid_only_realised": real.grid_only, "game_realised": real.game}
    listed = [(account, scenario) for scenario, each in accounts.items() for account in each]
    charged = any(account.peak_cny > 0.0 for account, _ in listed)
    more = (*((PEAK,) if charged else ()), *(() if real is None else (IMBALANCE_COST,)))
    rows = ((*cost_row(*pair), *(getattr(pair[0], name) for name in more)) for pair in listed)
    return Table("costs", (*COLUMNS["costs"], *more), tuple(rows))


def imbalance_table(real: RealSettlement) -> Table:
    """What each VPP scheduled with the grid, what came of it, and what the difference costs it, (M17)."""
    bills = [
        *(("grid_only", bill) for bill in real.grid_only_bills),
        *(("game", bill) for bill in real.game_bills),
    ]
    return _by_part("imbalance", _imbalance_cells, bills)


def _imbalance_cells(of: tuple[str, ImbalanceBill]) -> Cells:
    scenario, bill = of
    metered = bill.metered
    powers = (metered.scheduled_mw, metered.realised_mw, metered.deviation_mw)
    costs = (bill.price_cny_per_mwh, bill.cost_cny, metered.missed_mw, bill.missed_cny)
    number = np.arange(1, len(metered.scheduled_mw) + 1)
    return bill.vpp, scenario, number, *powers, *costs


def rounds_table(rounds: DayRounds) -> Table:
    """What each round of a day came to."""
    rows = (
        (r.number, r.cost_cny, r.regrets_cny, r.traded_mwh, r.imbalance_mw, int(r.number == rounds.settled))
        for r in rounds.rounds
    )
    return _table("rounds", tuple(rows))


def transfers_table(outcome: MarketOutcome) -> Table:
    """What each VPP pays beside the price of energy, below 0 what it gets, by the rule of the mechanism."""
    rows = (
        (vpp, result.game.period + 1, result.transfer_cny[vpp])
        for result in outcome.periods
        for vpp in (day.declaration.vpp for day in outcome.days)
        if vpp in result.transfer_cny
    )
    return _table("transfers", tuple(rows))


def trace_table(trace: Trace, level: TraceLevel) -> Table:
    """The way to the end: every offer and selection as it was made, and the evolution at the final prices."""
    return Table.of_blocks("trace", COLUMNS["trace"], partial(trace, level))


def _table(name: str, rows: tuple[tuple[Cell, ...], ...]) -> Table:
    """A table under its columns."""
    return Table(name, COLUMNS[name], rows)


def _by_part(
    name: str, make: Callable[..., Cells], each: Sequence[Any], columns: tuple[str, ...] | None = None
) -> Table:
    """A table of the cells that are made of each of these days or periods. columns : where they are not as ever"""
    own = columns or COLUMNS[name]
    return Table.of_blocks(name, own, lambda: blocks_of(own, map(make, each)))


def _role_cells(day: VppDay) -> Cells:
    said, periods = day.declaration, len(day.declaration.roles)
    supply, demand, ratio, curtailed, value = _role_columns(day.declared, periods)
    roles, volumes = [role.value for role in said.roles], (said.surplus_mw, said.deficit_mw)
    number = np.arange(1, periods + 1)
    return said.vpp, number, supply, demand, ratio, roles, *volumes, curtailed, value


def _role_columns(plan: ShownPlan, periods: int) -> Sequence[Array]:
    """What `roles` tells beyond the declaration: supply, demand, their ratio, curtailed power, λ."""
    if not isinstance(plan, DispatchPlan):
        return [np.full(periods, NOTHING)] * 5
    return (supply_mw(plan), demand_mw(plan), sdr(plan), plan.curtailed_mw, plan.marginal_value_cny_per_mwh)


def _satisfactions(scenario: Scenario | PublicScenario) -> Mapping[str, float]:
    """κ of every plant that is known here."""
    return {vpp.id: vpp.satisfaction for vpp in scenario.vpps} if isinstance(scenario, Scenario) else {}


def _traded(results: Sequence[PeriodResult]) -> Sequence[PeriodResult]:
    return [result for result in results if result.game.tradable]


def _period_row(result: PeriodResult, retail_cny_per_mwh: float) -> tuple[Cell, ...]:
    game = result.game
    return (
        game.period + 1,
        game.floor_cny_per_mwh,
        game.cap_cny_per_mwh,
        game.feed_in_cny_per_mwh,
        retail_cny_per_mwh,
        game.temperature_cny_per_mwh,
        result.clearing_price_cny_per_mwh if game.tradable else NOTHING,
        result.verdict.value,
        result.rounds,
    )


def _bid_cells(result: PeriodResult, known: Mapping[str, float]) -> Cells:
    game = result.game
    numbers = (game.deficit_mw, game.own_supply_mw, game.satisfaction_cny_per_h)
    kappa = [known.get(buyer, NOTHING) for buyer in game.buyers]
    return game.buyers, game.period + 1, *numbers, kappa


def _offer_cells(result: PeriodResult) -> Cells:
    """utility_cny is the bracket of (22): [(p − r) min(S, Q) + r S] Δt."""
    game, certificate = result.game, result.certificate
    surplus_mw, price, reserve = game.surplus_mw, result.price_cny_per_mwh, game.reserve_cny_per_mwh
    requested_mw, delivered_mw = result.requested_mw.sum(axis=0), settled_mw(result).sum(axis=0)
    gain = (price - reserve) * np.minimum(surplus_mw, requested_mw)
    utility = (gain + reserve * surplus_mw) * game.period_h
    regret = certificate.seller_regret_cny if certificate else NOTHING
    asked = (surplus_mw, reserve, price, requested_mw)
    return game.sellers, game.period + 1, *asked, delivered_mw, utility, regret


def _selection_cells(result: PeriodResult) -> Cells:
    game = result.game
    numbers = (
        result.probability,
        result.requested_mw,
        settled_mw(result),
        np.broadcast_to(result.price_cny_per_mwh, result.probability.shape),
        payment_cny(result),
    )
    buyers = [buyer for buyer in game.buyers for _ in game.sellers]
    return buyers, game.sellers * len(game.buyers), game.period + 1, *(each.ravel() for each in numbers)


_Plan: TypeAlias = tuple[str, int, DispatchPlan]


def _stages(days: Sequence[VppDay]) -> list[tuple[str, int, ShownPlan]]:
    plans = ((1, "before", False), (3, "after", False), (4, "before", True), (5, "after", True))
    return [
        (day.declaration.vpp, stage, _plan_of(day, name, real=real)) for day in days for stage, name, real in plans
    ]


def _plan_of(day: VppDay, name: str, *, real: bool) -> ShownPlan:
    """A plan as it was made, or as it was made in reality."""
    plan: ShownPlan = getattr(day.reality, f"{name}_plan", None) if real else getattr(day, name)
    return plan


def _shown(plans: Sequence[tuple[str, int, ShownPlan]]) -> list[_Plan]:
    """The plans that are shown, each of a VPP in a stage."""
    return [(vpp, stage, plan) for vpp, stage, plan in plans if isinstance(plan, DispatchPlan)]


def _dispatch(plans: Sequence[tuple[str, int, ShownPlan]]) -> Table:
    shown = _shown(plans)
    more = UNIT_QUANTITIES if any(plan.units for _, _, plan in shown) else ()
    columns = WITH_UNITS if more else COLUMNS["dispatch"]
    make = partial(_plan_cells, quantities=(*DISPATCH_QUANTITIES, *more))
    return _by_part("dispatch", make, shown, columns)


def _plan_cells(of: _Plan, quantities: Sequence[str]) -> Cells:
    vpp, stage, plan = of
    series = [getattr(plan, quantity) for quantity in quantities]
    return vpp, stage, np.arange(1, len(series[0]) + 1), *series


def _units(plans: Sequence[tuple[str, int, ShownPlan]]) -> tuple[Table, ...]:
    each = [(vpp, stage, unit) for vpp, stage, plan in _shown(plans) for unit in plan.units]
    return (_by_part("units", _unit_cells, each),) if each else ()


def _unit_cells(of: tuple[str, int, UnitPlan]) -> Cells:
    vpp, stage, unit = of
    series = (unit.supply_mw, unit.use_mw, unit.stored_mwh, unit.curtailed_mw)
    number = np.arange(1, len(unit.supply_mw) + 1)
    return vpp, stage, unit.unit, unit.kind.value, number, *series


def cost_row(account: Account, scenario: str) -> tuple[Cell, ...]:
    """A row of `costs`."""
    return (
        account.vpp,
        scenario,
        account.operation_cny,
        account.trade_cny,
        account.carbon_cny,
        account.total_cny,
        account.emission_t,
        account.quota_t,
        account.curtailed_mwh,
    )
