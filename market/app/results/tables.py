"""The tables of a run folder: every number of a market day, by name and unit.

Periods count from 1. Rows stand in the order of the scenario's VPPs and of the periods, so equal days give
equal tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from market.app.results.columns import COLUMNS, DISPATCH_QUANTITIES, WITH_UNITS
from market.app.results.table import Cell, Table
from market.bidding.roles import demand_mw, sdr, supply_mw
from market.game.result import PeriodResult
from market.model.disclosure import ShownPlan
from market.model.plan import DispatchPlan
from market.model.public import PublicScenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.rounds import DayRounds
from market.settlement.settlement import Account, Settlement, payment_cny, settled_mw

Rows = Iterator[tuple[Cell, ...]]
NOTHING = float("nan")


def day_tables(
    scenario: Scenario | PublicScenario, outcome: MarketOutcome, settlement: Settlement
) -> tuple[Table, ...]:
    """All tables of a day, in the order in which they are written; NaN for what a VPP has not shown."""
    rounds = (rounds_table(outcome.rounds),) if outcome.rounds else ()
    return (
        roles_table(outcome.days),
        bids_table(scenario, outcome),
        offers_table(outcome.periods),
        selections_table(outcome.periods),
        periods_table(scenario, outcome.periods),
        dispatch_table(outcome.days),
        *units_table(outcome.days),
        costs_table(settlement),
        trace_table(outcome),
        *rounds,
    )


def roles_table(days: Sequence[VppDay]) -> Table:
    """What each VPP has, needs and therefore is, (14), (15); its declaration alone where its plan is not shown."""
    return _table("roles", tuple(row for day in days for row in _role_rows(day)))


def bids_table(scenario: Scenario | PublicScenario, outcome: MarketOutcome) -> Table:
    """What each buyer made public of its demand, (17); κ, which is its plant's, where that is known here."""
    known = _satisfactions(scenario)
    rows = (
        (buyer, *_at(result, game.deficit_mw[i], game.own_supply_mw[i], game.satisfaction_cny_per_h[i]), kappa)
        for result in outcome.periods
        for game in [result.game]
        for i, buyer in enumerate(game.buyers)
        for kappa in [known.get(buyer, NOTHING)]
    )
    return _table("bids", tuple(rows))


def offers_table(results: Sequence[PeriodResult]) -> Table:
    """What each seller offered in the end, and what came of it; where nothing can be traded nobody offers."""
    return _table("offers", tuple(row for result in _traded(results) for row in _offer_rows(result)))


def selections_table(results: Sequence[PeriodResult]) -> Table:
    """How each buyer spread its demand over the sellers, and what it got and paid."""
    return _table("selections", tuple(row for r in _traded(results) for row in _selection_rows(r)))


def periods_table(scenario: Scenario | PublicScenario, results: Sequence[PeriodResult]) -> Table:
    """The band, the grid's prices and the end of each period."""
    retail = scenario.public.tariff.retail_cny_per_mwh
    rows = (_period_row(result, float(retail[result.game.period])) for result in results)
    return _table("periods", tuple(rows))


def dispatch_table(days: Sequence[VppDay]) -> Table:
    """Each VPP's plan without trade (stage 1) and with it (stage 3), (6) to (13), where it is shown.

    Where any plan has units there are columns of what the first kinds of plants have not.
    """
    return _dispatch([(day.declaration.vpp, ((1, day.before), (3, day.after))) for day in days])


def plan_table(vpp: str, plans: Sequence[tuple[int, ShownPlan]]) -> Table:
    """The same of one VPP, by stage."""
    return _dispatch([(vpp, plans)])


def units_table(days: Sequence[VppDay]) -> tuple[Table, ...]:
    """What every unit does in both plans, where any plan that is shown has units; else no table."""
    return unit_tables([(day.declaration.vpp, ((1, day.before), (3, day.after))) for day in days])


_Plans = Sequence[tuple[str, Sequence[tuple[int, ShownPlan]]]]


def unit_tables(plans: _Plans) -> tuple[Table, ...]:
    """The same of plans by VPP and stage."""
    if not _have_units(plans):
        return ()
    return (_table("units", tuple(row for vpp, stages in plans for row in _unit_rows(vpp, stages))),)


def _have_units(plans: _Plans) -> bool:
    return any(isinstance(plan, DispatchPlan) and plan.units for _, stages in plans for _, plan in stages)


def _dispatch(plans: _Plans) -> Table:
    columns = WITH_UNITS if _have_units(plans) else COLUMNS["dispatch"]
    quantities = columns[len(COLUMNS["dispatch"]) - len(DISPATCH_QUANTITIES) :]
    rows = (row for vpp, stages in plans for row in _plan_rows(vpp, stages, quantities))
    return Table("dispatch", columns, tuple(rows))


def costs_table(settlement: Settlement) -> Table:
    """Every VPP's account, and the system's, with the grid only and with the game."""
    rows = (
        *(cost_row(account, "grid_only") for account in settlement.grid_only),
        cost_row(settlement.grid_only_system, "grid_only"),
        *(cost_row(account, "game") for account in settlement.game),
        cost_row(settlement.game_system, "game"),
    )
    return _table("costs", rows)


def rounds_table(rounds: DayRounds) -> Table:
    """What each round of a day came to."""
    rows = (
        (r.number, r.cost_cny, r.regrets_cny, r.traded_mwh, r.imbalance_mw, int(r.number == rounds.settled))
        for r in rounds.rounds
    )
    return _table("rounds", tuple(rows))


def trace_table(outcome: MarketOutcome) -> Table:
    """The way to the end: every offer and selection as it was made, and the evolution at the final prices."""
    rows = (
        (r.time_s, r.round, r.vpp, r.counterpart, r.period + 1, r.quantity.value, r.value, r.residual)
        for r in outcome.trace
    )
    return _table("trace", tuple(rows))


def _table(name: str, rows: tuple[tuple[Cell, ...], ...]) -> Table:
    """A table under its columns."""
    return Table(name, COLUMNS[name], rows)


def _role_rows(day: VppDay) -> Rows:
    said = day.declaration
    public = (said.roles, said.surplus_mw.tolist(), said.deficit_mw.tolist())
    numbers = zip(*public, *_role_columns(day.declared, len(said.roles)), strict=True)
    for t, (role, surplus, deficit, supply, demand, ratio, curtailed, value) in enumerate(numbers):
        yield (said.vpp, t + 1, supply, demand, ratio, role.value, surplus, deficit, curtailed, value)


def _role_columns(plan: ShownPlan, periods: int) -> Sequence[Sequence[float]]:
    """What `roles` tells beyond the declaration: supply, demand, their ratio, curtailed power, λ."""
    if not isinstance(plan, DispatchPlan):
        return [[NOTHING] * periods] * 5
    columns = (supply_mw(plan), demand_mw(plan), sdr(plan), plan.curtailed_mw, plan.marginal_value_cny_per_mwh)
    return [column.tolist() for column in columns]


def _satisfactions(scenario: Scenario | PublicScenario) -> Mapping[str, float]:
    """κ of every plant that is known here."""
    return {vpp.id: vpp.satisfaction for vpp in scenario.vpps} if isinstance(scenario, Scenario) else {}


def _traded(results: Sequence[PeriodResult]) -> Iterator[PeriodResult]:
    return (result for result in results if result.game.tradable)


def _at(result: PeriodResult, *values: float | np.floating) -> tuple[Cell, ...]:
    """A period's number and some values of it, as cells."""
    return (result.game.period + 1, *(float(value) for value in values))


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


def _offer_rows(result: PeriodResult) -> Rows:
    """utility_cny is the bracket of (22): [(p − r) min(S, Q) + r S] Δt."""
    game, certificate = result.game, result.certificate
    requested_mw, delivered_mw = result.requested_mw.sum(axis=0), settled_mw(result).sum(axis=0)
    for j, seller in enumerate(game.sellers):
        surplus_mw, price, reserve = game.surplus_mw[j], result.price_cny_per_mwh[j], game.reserve_cny_per_mwh[j]
        gain = (price - reserve) * min(surplus_mw, requested_mw[j])
        utility = (gain + reserve * surplus_mw) * game.period_h
        regret = certificate.seller_regret_cny[j] if certificate else NOTHING
        asked = (surplus_mw, reserve, price, requested_mw[j], delivered_mw[j], utility, regret)
        yield (seller, *_at(result, *asked))


def _selection_rows(result: PeriodResult) -> Rows:
    game, delivered_mw, paid_cny = result.game, settled_mw(result), payment_cny(result)
    for i, buyer in enumerate(game.buyers):
        for j, seller in enumerate(game.sellers):
            chosen = (result.probability[i, j], result.requested_mw[i, j], delivered_mw[i, j])
            yield (buyer, seller, *_at(result, *chosen, result.price_cny_per_mwh[j], paid_cny[i, j]))


def _unit_rows(vpp: str, plans: Sequence[tuple[int, ShownPlan]]) -> Rows:
    for stage, plan in plans:
        for unit in plan.units if isinstance(plan, DispatchPlan) else ():
            series = (unit.supply_mw, unit.use_mw, unit.stored_mwh, unit.curtailed_mw)
            for t, values in enumerate(zip(*(column.tolist() for column in series), strict=True)):
                yield (vpp, stage, unit.unit, unit.kind.value, t + 1, *values)


def _plan_rows(vpp: str, plans: Sequence[tuple[int, ShownPlan]], quantities: Sequence[str]) -> Rows:
    for stage, plan in plans:
        if isinstance(plan, DispatchPlan):
            series = [getattr(plan, quantity).tolist() for quantity in quantities]
            for t, values in enumerate(zip(*series, strict=True)):
                yield (vpp, stage, t + 1, *values)


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
