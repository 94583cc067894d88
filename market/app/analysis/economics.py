"""The economics of a settled day, as tables: welfare and efficiency, gains from trade, mark-ups, concentration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Final

import numpy as np

from market.app.results.table import Cell, Table
from market.app.runs.in_process import market_day
from market.costs.costs import tariff_of
from market.game.result import PeriodResult
from market.game.solver import prices_from_cap
from market.model.arrays import Array
from market.model.rules import CarbonMode, Mechanism
from market.model.vpp import Vpp
from market.scenario import with_overrides
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Account, Settlement, budget_cny, settle, settled_mw, transfer_cny
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.joint import JointPlan, joint_dispatch
from vpp_nodes.strategies.behaviour import Behaviours

Rows = Iterator[tuple[Cell, ...]]
NOTHING = float("nan")
WELFARE = (
    "operation_cny",
    "carbon_cny",
    "total_cny",
    "saving_cny",
    "share_of_possible_saving",
    "emission_t",
    "curtailed_mwh",
    "exchanged_mwh",
)
"""The columns of a row of costs, `welfare_row`, behind its name."""


@dataclass(frozen=True, slots=True)
class Economy:
    """A settled day and what it is measured by.

    joint : the cooperative optimum · flat : every VPP's account with the grid only and one carbon price for
    every tonne, the other reading of the paper's Scenario 1 · from_cap : prices reached from the cap in each
    period, shape (n,), None where that start or the day itself does not rest, or no game was played
    """

    scenario: Scenario
    outcome: MarketOutcome
    settlement: Settlement
    joint: JointPlan
    flat: tuple[Account, ...]
    from_cap: tuple[Array | None, ...]

    @property
    def joint_account(self) -> Account:
        """The system's day in full cooperation."""
        plans, hours = self.joint.plans, self.scenario.public.horizon.period_h
        return Account(
            vpp="system",
            operation_cny=fsum(plan.costs.operation_cny for plan in plans),
            trade_cny=0.0,
            carbon_cny=fsum(plan.costs.carbon_cny for plan in plans),
            emission_t=fsum(plan.emission_t for plan in plans),
            quota_t=fsum(plan.quota_t for plan in plans),
            curtailed_mwh=fsum(float(plan.curtailed_mw.sum()) for plan in plans) * hours,
        )

    @property
    def joint_exchange_mwh(self) -> float:
        """What goes from plant to plant in full cooperation, MWh."""
        hours = self.scenario.public.horizon.period_h
        return fsum(float(plan.direct_in_mw.sum()) for plan in self.joint.plans) * hours


def economy_of(
    scenario: Scenario, outcome: MarketOutcome | None = None, on_stage: Callable[[str], None] = lambda stage: None
) -> Economy:
    """Measure a day of `scenario`, solved here unless it is given. DispatchError if a day cannot be planned.

    on_stage : told what is being done, in words
    """
    if outcome is None:
        on_stage("solving the day, alone and in the game")
        outcome = market_day(scenario, lambda round: on_stage(f"solving the day, round {round}"))
    on_stage("planning the day of all together")
    joint = joint_dispatch(scenario.vpps, scenario.public)
    flat: list[Account] = []
    for vpp in scenario.vpps:
        on_stage(f"planning {vpp.id} at one carbon price, {len(flat) + 1} of {len(scenario.vpps)}")
        flat.append(_flat_carbon(scenario, vpp))
    on_stage("solving the day from the cap")
    from_cap = _from_cap(outcome.periods, scenario)
    return Economy(scenario, outcome, settle(outcome, scenario.public), joint, tuple(flat), from_cap)


def economics_tables(economy: Economy) -> tuple[Table, ...]:
    """All tables, in the order in which they are written."""
    return (
        welfare_table(economy),
        gains_table(economy),
        competition_table(economy),
        markups_table(economy),
    )


def welfare_table(economy: Economy) -> Table:
    """The system's day under four arrangements, and how much of what cooperation would save each of them saves.

    saving_cny is against `grid_only`, so under one carbon price for all tonnes (`grid_only_flat_carbon`), which
    is another tariff, it is what the tariff alone changes. What a mechanism pays out beside prices is a cost of
    `game`, what it takes in is none.
    """
    columns = ("arrangement", *WELFARE)
    alone, game, joint = economy.settlement.grid_only_system, economy.settlement.game_system, economy.joint
    possible = alone.total_cny - joint.total_cny
    flat = _sum(economy.flat)
    rows = (
        welfare_row("grid_only", alone, alone, possible, 0.0),
        welfare_row("game", _without_budget(game, economy.outcome), alone, possible, traded_mwh(economy.outcome)),
        welfare_row("cooperation", economy.joint_account, alone, possible, economy.joint_exchange_mwh),
        welfare_row("grid_only_flat_carbon", flat, alone, NOTHING, 0.0),
    )
    return Table("economics_welfare", columns, rows)


def _without_budget(day: Account, outcome: MarketOutcome) -> Account:
    return replace(day, trade_cny=day.trade_cny - budget_cny(outcome.periods))


BESIDE: Final = "beside_prices_cny"
"""The column of what a VPP gets beside the price of energy; there is one where a mechanism moves such money."""


def gains_table(economy: Economy) -> Table:
    """What trade saves each VPP and where that comes from; the parts add up to gain_cny in every row.

        selling_margin = Σ q (p − feed-in) Δt   buying_margin = Σ q (retail − fee − p) Δt
        carbon_saving  = carbon without − with  replanning    = the rest

    Feed-in and retail are those of the VPP, and so is the fee on what others deliver (M14). Where a mechanism
    moves money beside prices, what each gets of it is a part as well, `BESIDE`. The rest is what another plan
    saves or costs: curtailed energy that is sold, turbines that stand still.
    """
    columns = (
        "vpp",
        "grid_only_cny",
        "game_cny",
        "gain_cny",
        "share_of_gain",
        "selling_margin_cny",
        "buying_margin_cny",
        "carbon_saving_cny",
        *((BESIDE,) if _moves_money(economy) else ()),
        "replanning_cny",
        "sold_mwh",
        "bought_mwh",
        "earned_cny",
        "paid_cny",
    )
    gained = economy.settlement.grid_only_system.total_cny - economy.settlement.game_system.total_cny
    pairs = zip(economy.settlement.grid_only, economy.settlement.game, strict=True)
    rows = [_gain_row(economy, before, after, gained) for before, after in pairs]
    sums = (fsum(float(row[n]) for row in rows) for n in range(1, len(columns)))
    return Table("economics_gains", columns, (*rows, ("system", *sums)))


def competition_table(economy: Economy) -> Table:
    """Each period's market: scarcity, concentration, mark-up, how the margin splits, what the cap start gives."""
    columns = (
        "period",
        "verdict",
        "sellers",
        "buyers",
        "supply_over_demand",
        "traded_mwh",
        "traded_value_cny",
        "p_clr_cny_per_mwh",
        "mean_price_cny_per_mwh",
        "mean_markup_cny_per_mwh",
        "hhi_delivered",
        "hhi_surplus",
        "selling_margin_cny",
        "buying_margin_cny",
        "gap_from_cap_cny_per_mwh",
    )
    pairs = zip(economy.outcome.periods, economy.from_cap, strict=True)
    return Table("economics_periods", columns, tuple(_competition_row(economy, *pair) for pair in pairs))


def markups_table(economy: Economy) -> Table:
    """Each offer against the clearing price, the opportunity of its seller, and the price reached from the cap."""
    columns = (
        "vpp",
        "period",
        "price_cny_per_mwh",
        "p_clr_cny_per_mwh",
        "markup_cny_per_mwh",
        "feed_in_cny_per_mwh",
        "margin_over_price",
        "price_from_cap_cny_per_mwh",
        "gap_from_cap_cny_per_mwh",
    )
    pairs = zip(economy.outcome.periods, economy.from_cap, strict=True)
    rows = (row for result, high in pairs if result.game.tradable for row in _markup_rows(economy, result, high))
    return Table("economics_offers", columns, tuple(rows))


def traded_mwh(outcome: MarketOutcome) -> float:
    """Σ q Δt of the day, MWh."""
    return fsum(float(settled_mw(result).sum()) * result.game.period_h for result in outcome.periods)


def mean_price_cny_per_mwh(outcome: MarketOutcome) -> float:
    """What a traded MWh costs on average; NaN where nothing is traded."""
    paid = fsum(float((settled_mw(r) * r.price_cny_per_mwh).sum()) * r.game.period_h for r in _traded(outcome))
    energy = traded_mwh(outcome)
    return paid / energy if energy > 0.0 else NOTHING


def welfare_row(name: str, day: Account, alone: Account, possible_cny: float, mwh: float) -> tuple[Cell, ...]:
    """A row of costs: a day's, what it saves against `alone`, and the share of what is possible."""
    saving = alone.total_cny - day.total_cny
    share = saving / possible_cny if possible_cny > 0.0 else NOTHING
    costs = (day.operation_cny, day.carbon_cny, day.total_cny)
    return (name, *costs, saving, share, day.emission_t, day.curtailed_mwh, mwh)


_LOSS_CNY: Final = 0.01


def pay_more(gains_cny: Iterable[float]) -> int:
    """How many lose by trade: pay by more than 0.01 above their day without it."""
    return sum(gain < -_LOSS_CNY for gain in gains_cny)


def hhi(parts: Array) -> float:
    """Herfindahl–Hirschman index Σ (part/sum)² of some quantity, 1/n … 1; NaN where the quantity is 0."""
    total = float(parts.sum())
    return float(((parts / total) ** 2).sum()) if total > 0.0 else NOTHING


def _flat_carbon(scenario: Scenario, vpp: Vpp) -> Account:
    """A VPP alone with the grid, at the base price for every tonne."""
    changes = {
        "carbon.mode": CarbonMode.FLAT.value,
        "carbon.flat_price_cny_per_t": scenario.public.carbon.base_price_cny_per_t,
    }
    public = with_overrides(scenario, changes).public
    plan = dispatch(vpp, public)
    return Account(
        vpp=vpp.id,
        operation_cny=plan.costs.operation_cny,
        trade_cny=0.0,
        carbon_cny=plan.costs.carbon_cny,
        emission_t=plan.emission_t,
        quota_t=plan.quota_t,
        curtailed_mwh=fsum(plan.curtailed_mw.tolist()) * public.horizon.period_h,
    )


def _from_cap(results: Sequence[PeriodResult], scenario: Scenario) -> tuple[Array | None, ...]:
    rules = scenario.public.market
    if rules.mechanism is not Mechanism.GAME:
        return (None,) * len(results)
    return prices_from_cap(results, rules, Behaviours.of(scenario.vpps, rules).pricers)


def _traded(outcome: MarketOutcome) -> Iterator[PeriodResult]:
    return (result for result in outcome.periods if result.game.tradable)


def _sum(accounts: Sequence[Account]) -> Account:
    return Settlement(grid_only=tuple(accounts), game=()).grid_only_system


def _gain_row(economy: Economy, before: Account, after: Account, gained_cny: float) -> tuple[Cell, ...]:
    gain = before.total_cny - after.total_cny
    sold, bought = _sides(economy, before.vpp)
    carbon = before.carbon_cny - after.carbon_cny
    beside = -transfer_cny(before.vpp, economy.outcome.periods)
    rest = gain - sold.margin_cny - bought.margin_cny - carbon - beside
    share = gain / gained_cny if gained_cny > 0.0 else NOTHING
    return (
        before.vpp,
        *(before.total_cny, after.total_cny, gain, share),
        *(sold.margin_cny, bought.margin_cny, carbon, *((beside,) if _moves_money(economy) else ()), rest),
        *(sold.energy_mwh, bought.energy_mwh, sold.value_cny, bought.value_cny),
    )


def _moves_money(economy: Economy) -> bool:
    return economy.scenario.public.market.mechanism.transfers


@dataclass(frozen=True, slots=True)
class _Side:
    """What one VPP sold, or bought, over the day: how much, for how much, and better than the grid by how much."""

    energy_mwh: float
    value_cny: float
    margin_cny: float


def _sides(economy: Economy, vpp: str) -> tuple[_Side, _Side]:
    """(as a seller, as a buyer)."""
    sold: list[tuple[float, float, float]] = []
    bought: list[tuple[float, float, float]] = []
    for result in _traded(economy.outcome):
        game, energy, price = result.game, settled_mw(result) * result.game.period_h, result.price_cny_per_mwh
        if vpp in game.sellers:
            j = game.sellers.index(vpp)
            mwh = float(energy[:, j].sum())
            feed_in = _elsewhere_cny_per_mwh(economy, vpp, game.period, buys=False)
            sold.append((mwh, mwh * float(price[j]), mwh * float(price[j] - feed_in)))
        if vpp in game.buyers:
            mine = energy[game.buyers.index(vpp)]
            retail = _elsewhere_cny_per_mwh(economy, vpp, game.period, buys=True)
            margin = float((mine * (retail - price)).sum())
            bought.append((float(mine.sum()), float((mine * price).sum()), margin))
    return _added(sold), _added(bought)


def _elsewhere_cny_per_mwh(economy: Economy, vpp: str, period: int, *, buys: bool) -> float:
    """The offer that is as good as the grid to a VPP: its own feed-in price, or its own retail less its fee."""
    plant = economy.scenario.vpp(vpp)
    tariff = tariff_of(plant, economy.scenario.public)
    if not buys:
        return float(tariff.feed_in_cny_per_mwh[period])
    return float(tariff.retail_cny_per_mwh[period]) - plant.exchange.peer_fee_cny_per_mwh


def _added(parts: Sequence[tuple[float, float, float]]) -> _Side:
    return _Side(*(fsum(part[n] for part in parts) for n in range(3)))


def _competition_row(economy: Economy, result: PeriodResult, high: Array | None) -> tuple[Cell, ...]:
    game, delivered = result.game, settled_mw(result)
    parties = (game.period + 1, result.verdict.value, len(game.sellers), len(game.buyers))
    demand = float(game.deficit_mw.sum())
    ratio = float(game.surplus_mw.sum()) / demand if demand > 0.0 else NOTHING
    if not game.tradable:
        return (*parties, ratio, 0.0, 0.0, *[NOTHING] * 3, NOTHING, hhi(game.surplus_mw), 0.0, 0.0, NOTHING)
    energy, price = delivered * game.period_h, result.price_cny_per_mwh
    mwh, value = float(energy.sum()), float((energy * price).sum())
    feed_in = np.array([_elsewhere_cny_per_mwh(economy, vpp, game.period, buys=False) for vpp in game.sellers])
    retail = np.array([_elsewhere_cny_per_mwh(economy, vpp, game.period, buys=True) for vpp in game.buyers])
    clearing = result.clearing_price_cny_per_mwh
    markup = float((energy * (price - clearing)).sum()) / mwh if mwh > 0.0 else NOTHING
    gap = NOTHING if high is None else float(np.abs(high - price).max())
    margins = (energy * (price - feed_in)).sum(), (energy * (retail[:, np.newaxis] - price)).sum()
    concentration = (hhi(delivered.sum(axis=0)), hhi(game.surplus_mw))
    prices = (clearing, clearing + markup, markup)
    return (*parties, ratio, mwh, value, *prices, *concentration, *map(float, margins), gap)


def _markup_rows(economy: Economy, result: PeriodResult, high: Array | None) -> Rows:
    game, clearing = result.game, result.clearing_price_cny_per_mwh
    for j, (seller, price) in enumerate(zip(game.sellers, result.price_cny_per_mwh.tolist(), strict=True)):
        feed_in = _elsewhere_cny_per_mwh(economy, seller, game.period, buys=False)
        relative = (price - feed_in) / price if price > 0.0 else NOTHING
        cap = NOTHING if high is None else float(high[j])
        place = (seller, game.period + 1)
        yield (*place, price, clearing, price - clearing, feed_in, relative, cap, cap - price)
