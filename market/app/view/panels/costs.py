"""Owns the tab of money and carbon: without trade and with it, and the carbon step each VPP stands on."""

from __future__ import annotations

from collections.abc import Iterator

from market.app.figures.carbon import carbon_figure
from market.app.figures.costs import costs_figure
from market.app.report.page import table
from market.app.run_folder.recorded import RecordedRun
from market.app.run_folder.table import Cell
from market.app.view.panels.concluded import day_of, drawn
from market.app.view.panels.html import box, note
from market.app.view.session import Frame
from market.carbon import marginal_price_cny_per_t, step_prices_cny_per_t
from market.rules import CarbonMode, CarbonRules


def costs_panel(frame: Frame) -> str:
    """Bars and steps as in the figures, and the accounts."""
    day = day_of(frame)
    scenario = frame.view.scenario
    if day is None or scenario is None:
        return box("Costs and carbon", note("Known once the market is over and everybody has planned again."))
    heads = ("VPP", "total alone CNY", "total trading CNY", "saves CNY", "pays VPPs CNY", "carbon alone CNY",
             "carbon trading CNY", "emits alone t", "emits trading t", "step alone", "step trading")  # fmt: skip
    accounts = table(heads, _accounts(day, scenario.public.carbon), digits=2, sum_row=True)
    return (
        box("Accounts", accounts, name="accounts")
        + box("Without trade and with it", drawn(frame, "costs", lambda: costs_figure(day)), name="costs")
        + box("Carbon cost and its steps", drawn(frame, "carbon", lambda: carbon_figure(day)), name="carbon")
    )


def _accounts(day: RecordedRun, rules: CarbonRules) -> Iterator[tuple[Cell, ...]]:
    costs = day["costs"]
    for vpp in (*day.vpps, "system"):
        alone, trading = (costs.where(vpp=vpp, scenario=scenario) for scenario in ("grid_only", "game"))
        before, after = float(alone["total_cny"][0]), float(trading["total_cny"][0])
        steps = ("", "") if vpp == "system" else tuple(
            _step(rules, float(row["emission_t"][0] - row["quota_t"][0])) for row in (alone, trading)
        )  # fmt: skip
        yield (
            *(vpp, before, after, before - after, round(float(trading["trade_cny"][0]), 6)),
            *(float(row["carbon_cny"][0]) for row in (alone, trading)),
            *(float(row["emission_t"][0]) for row in (alone, trading)),
            *steps,
        )


def _step(rules: CarbonRules, excess_t: float) -> str:
    """Which step of (3) an excess stands on, and its price."""
    if rules.mode is not CarbonMode.STEPPED:
        return f"{rules.flat_price_cny_per_t:g} CNY/t" if rules.mode is CarbonMode.FLAT else "billed only"
    prices, price = step_prices_cny_per_t(rules).tolist(), marginal_price_cny_per_t(rules, excess_t)
    return f"{prices.index(price) + 1}: {price:g} CNY/t"
