"""The tab of money and carbon: without trade and with it, and the carbon step each VPP stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan

from market.app.figures.carbon import carbon_figure
from market.app.figures.costs import costs_figure
from market.app.report.page import table
from market.app.results.disclosed import NOT_SHOWN
from market.app.results.recorded import RecordedRun
from market.app.results.table import Cell
from market.app.view.panels.concluded import day_of, drawn
from market.app.view.panels.html import box, columns, note, undusted
from market.app.view.session import Frame
from market.costs.carbon import marginal_price_cny_per_t, step_prices_cny_per_t
from market.model.rules import CarbonMode, CarbonRules


def costs_panel(frame: Frame) -> str:
    """The accounts, then bars and steps as in the figures."""
    day = day_of(frame)
    scenario = frame.view.scenario
    if day is None or scenario is None:
        return box("Costs and carbon", note("Known once the market is over and everybody has planned again."))
    money = ("VPP", "alone CNY", "trading CNY", "saves CNY", "pays to VPPs CNY")
    carbon = ("VPP", "carbon alone CNY", "trading CNY", "emits alone t", "trading t", "step alone", "step trading")
    return (
        columns(
            box("What the day costs", _table(money, _money(day)), name="accounts"),
            box("Carbon", _table(carbon, _carbon(day, scenario.public.carbon)), name="carbon"),
            name="broad",
        )
        + box("Without trade and with it", drawn(frame, "costs", lambda: costs_figure(day)))
        + box("Carbon cost and its steps", drawn(frame, "carbon", lambda: carbon_figure(day)))
    )


def _table(columns: Sequence[str], rows: Iterator[tuple[Cell, ...]]) -> str:
    return table(columns, rows, sum_row=True, unknown=NOT_SHOWN, fold=False)


def _both(day: RecordedRun, vpp: str, column: str) -> list[float]:
    """A number of a VPP's accounts without trade and with it."""
    return [day.account(vpp, scenario, column) for scenario in ("grid_only", "game")]


def _money(day: RecordedRun) -> Iterator[tuple[Cell, ...]]:
    for vpp in (*day.vpps, "system"):
        before, after = _both(day, vpp, "total_cny")
        paid = day.account(vpp, "game", "trade_cny")
        yield vpp, *(undusted(value, 2) for value in (before, after, before - after, paid))


def _carbon(day: RecordedRun, rules: CarbonRules) -> Iterator[tuple[Cell, ...]]:
    for vpp in (*day.vpps, "system"):
        bills, emissions = _both(day, vpp, "carbon_cny"), _both(day, vpp, "emission_t")
        excesses = [e - q for e, q in zip(emissions, _both(day, vpp, "quota_t"), strict=True)]
        steps = ("", "") if vpp == "system" else (_step(rules, excess_t) for excess_t in excesses)
        yield (vpp, *(undusted(value, 2) for value in (*bills, *emissions)), *steps)


def _step(rules: CarbonRules, excess_t: float) -> str:
    """Which step of (3) an excess stands on, and its price."""
    if isnan(excess_t):
        return NOT_SHOWN
    if rules.mode is not CarbonMode.STEPPED:
        return f"{rules.flat_price_cny_per_t:g} CNY/t" if rules.mode is CarbonMode.FLAT else "billed only"
    prices, price = step_prices_cny_per_t(rules).tolist(), marginal_price_cny_per_t(rules, excess_t)
    return f"{prices.index(price) + 1}: {price:g} CNY/t"
