"""Claims about the economics of a day: cooperation bounds what a market can reach, and gains add up.

Laws hold for any scenario; scenarios here are built-in cases, and others made from them.
"""

from __future__ import annotations

from dataclasses import replace
from math import fsum, isnan

import numpy as np
import pytest

from market.app.analysis.designs import (
    DESIGNS,
    DesignDay,
    design_days,
    design_gains_table,
    designs_table,
)
from market.app.analysis.economics import BESIDE, Economy, economics_tables, economy_of, hhi
from market.app.results.table import Table
from market.model.arrays import frozen
from market.model.rules import CarbonMode, OwnTariff, Tariff
from market.model.vpp import Exchange, Renewable
from market.scenario import load_scenario, with_overrides
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario
from vpp_nodes.dispatch.joint import joint_dispatch
from vpp_nodes.strategies.posted import posted

RELATIVE = 1e-9
RETAIL, FEED_IN, FEE = 1300.0, 260.0, 15.0  # CNY/MWh


def copies(scenario: Scenario, count: int, seed: int = 0) -> Scenario:
    """A scenario with `count` VPPs: the first ones of it over and over, their loads and forecasts varied."""
    draw = np.random.default_rng(seed)
    vpps = []
    for n in range(count):
        vpp = scenario.vpps[n % len(scenario.vpps)]
        load = frozen(vpp.load_mw * draw.uniform(0.7, 1.3, len(vpp.load_mw)))
        vpps.append(replace(vpp, id=f"V{n + 1}", load_mw=load))
    return seal_scenario("copies", "", scenario.public, tuple(vpps), scenario.network)


def without_trade(scenario: Scenario) -> Scenario:
    """The same VPPs with no line between them."""
    alone = [
        replace(vpp, exchange=replace(vpp.exchange, direct_in_max_mw=0.0, direct_out_max_mw=0.0))
        for vpp in scenario.vpps
    ]
    return seal_scenario("alone", "", scenario.public, tuple(alone), scenario.network)


def with_own_tariffs(scenario: Scenario) -> Scenario:
    """The same VPPs, each billed by constant prices of its own, and with a fee on what others deliver."""
    periods, vpps = scenario.public.horizon.periods, []
    for n, vpp in enumerate(scenario.vpps):
        prices = Tariff(*(frozen(np.full(periods, price)) for price in (RETAIL + 10.0 * n, FEED_IN + 5.0 * n)))
        exchange = replace(vpp.exchange, peer_fee_cny_per_mwh=FEE)
        vpps.append(replace(vpp, tariff=OwnTariff(f"own{n}", prices), exchange=exchange))
    return seal_scenario("own", "", scenario.public, tuple(vpps), scenario.network)


SCENARIOS = {
    "a deficit": lambda: with_overrides(load_scenario("five_vpp"), {"market.mechanism": "vcg"}),
    "five_vpp": lambda: load_scenario("five_vpp"),
    "two VPPs": lambda: load_scenario("two_vpp"),
    "96 periods": lambda: load_scenario("quarter_hours"),
    "12 VPPs": lambda: copies(load_scenario("five_vpp"), 12),
    "no trade": lambda: without_trade(load_scenario("five_vpp")),
    "flat carbon": lambda: with_overrides(load_scenario("five_vpp"), {"carbon.mode": "flat"}),
    "carbon not in the objective": lambda: with_overrides(load_scenario("five_vpp"), {"carbon.mode": "none"}),
    "credits": lambda: with_overrides(load_scenario("five_vpp"), {"carbon.credits_follow_energy": True}),
}


TRIED = ["five_vpp", *(name for name in SCENARIOS if name != "five_vpp")]


@pytest.fixture(scope="module", params=TRIED)
def economy(request: pytest.FixtureRequest) -> Economy:
    return economy_of(SCENARIOS[request.param]())


def table(economy: Economy, name: str) -> Table:
    (found,) = [table for table in economics_tables(economy) if table.name == f"economics_{name}"]
    return found


def numbers(found: Table, column: str) -> list[float]:
    place = found.columns.index(column)
    return [float(row[place]) for row in found.rows]


def test_margins_are_against_the_tariff_and_the_fee_of_each_vpp() -> None:
    economy = economy_of(with_own_tariffs(load_scenario("five_vpp")))
    gains = table(economy, "gains")
    rows = [dict(zip(gains.columns, row, strict=True)) for row in gains.rows[:-1]]
    for n, row in enumerate(rows):
        bought, paid = float(row["bought_mwh"]), float(row["paid_cny"])
        sold, earned = float(row["sold_mwh"]), float(row["earned_cny"])
        assert row["buying_margin_cny"] == pytest.approx((RETAIL + 10.0 * n - FEE) * bought - paid, abs=1e-6)
        assert row["selling_margin_cny"] == pytest.approx(earned - (FEED_IN + 5.0 * n) * sold, abs=1e-6)
    assert sum(float(row["bought_mwh"]) for row in rows) > 1.0
    for margin in ("buying_margin_cny", "selling_margin_cny"):
        of_periods = fsum(numbers(table(economy, "periods"), margin))
        assert of_periods == pytest.approx(fsum(numbers(gains, margin)[:-1]), abs=1e-6)


def test_cooperation_costs_no_more_than_the_game_nor_than_the_grid_alone(economy: Economy) -> None:
    joint = economy.joint.total_cny - economy.joint.gap_cny
    allowed = RELATIVE * fsum(abs(account.operation_cny) for account in economy.settlement.grid_only) + 1e-6
    alone, game, *_ = numbers(table(economy, "welfare"), "total_cny")
    assert joint <= alone + allowed
    assert joint <= game + allowed


def test_what_a_mechanism_pays_out_of_its_own_is_no_saving_and_no_other_plan() -> None:
    """VCG trades what a uniform price trades, so the system saves as much; its gifts are a column of their own."""
    day = load_scenario("five_vpp")
    vcg, uniform = (
        economy_of(with_overrides(day, {"market.mechanism": name})) for name in ("vcg", "uniform_price")
    )
    saved, usual = (numbers(table(each, "welfare"), "saving_cny")[1] for each in (vcg, uniform))
    assert saved == pytest.approx(usual, rel=1e-9)
    gains = table(vcg, "gains")
    assert numbers(gains, BESIDE)[-1] == pytest.approx(numbers(gains, "gain_cny")[-1] - saved, rel=1e-9)
    assert numbers(gains, BESIDE)[-1] > 1000.0
    assert numbers(gains, "replanning_cny") == pytest.approx(
        numbers(table(uniform, "gains"), "replanning_cny"), rel=1e-9, abs=1e-6
    )


def test_prices_from_the_cap_are_asked_by_the_strategies_of_the_day() -> None:
    asked = {"vpps.VPP1.strategy": posted([700.0] * 24)}
    offers = table(economy_of(with_overrides(load_scenario("five_vpp"), asked)), "offers")
    rows = [dict(zip(offers.columns, row, strict=True)) for row in offers.rows]
    own = [row for row in rows if row["vpp"] == "VPP1"]
    assert own
    assert {row["price_from_cap_cny_per_mwh"] for row in own} == {700.0}


def test_a_scenario_that_asks_for_the_days_certificate_can_be_compared_by_designs() -> None:
    scenario = with_overrides(load_scenario("two_vpp"), {"market.day_certificate": True})
    assert [day.name for day in design_days(scenario, lambda name, round: None)] == [*DESIGNS]


def test_cooperation_moves_no_more_than_lines_allow_and_sums_to_zero(economy: Economy) -> None:
    net = sum(plan.direct_in_mw - plan.direct_out_mw for plan in economy.joint.plans)
    np.testing.assert_allclose(net, 0.0, atol=1e-7)
    for vpp, plan in zip(economy.scenario.vpps, economy.joint.plans, strict=True):
        assert (plan.direct_in_mw <= vpp.exchange.direct_in_max_mw + 1e-7).all()
        assert (plan.direct_out_mw <= vpp.exchange.direct_out_max_mw + 1e-7).all()


def test_where_nothing_can_be_exchanged_cooperation_gains_nothing() -> None:
    alone = economy_of(without_trade(load_scenario("five_vpp")))
    assert alone.joint.total_cny == pytest.approx(alone.settlement.grid_only_system.total_cny, rel=1e-9)
    assert numbers(table(alone, "gains"), "gain_cny") == [0.0] * 6


def test_long_work_says_what_it_is_at() -> None:
    stages: list[str] = []
    economy_of(load_scenario("two_vpp"), on_stage=stages.append)
    assert len(stages) >= 5
    assert "planning the day of all together" in stages


def test_cooperation_of_one_vpp_is_its_own_plan() -> None:
    scenario = load_scenario("five_vpp")
    for vpp, account in zip(scenario.vpps, economy_of(scenario).settlement.grid_only, strict=True):
        isolated = replace(vpp, exchange=replace(vpp.exchange, direct_in_max_mw=0.0, direct_out_max_mw=0.0))
        assert joint_dispatch([isolated], scenario.public).total_cny == pytest.approx(account.total_cny, rel=1e-9)


def test_cooperation_by_hand() -> None:
    """One VPP has 2 MW of sun and no grid, the other needs 3 MW at 500: 2 MW go over, 1 MW is bought."""
    day = load_scenario("two_vpp")
    periods = day.public.horizon.periods
    series = [frozen(np.full(periods, power)) for power in (0.0, 2.0, 3.0, 500.0)]
    bare = replace(day.vpps[0], wt=None, pv=None, mt=None, ess=None, cl=None)
    sunny = replace(bare, id="A", load_mw=series[0], pv=Renewable(series[1], 0.0), exchange=Exchange(0, 0, 9, 9))
    needy = replace(bare, id="B", load_mw=series[2], exchange=Exchange(9, 9, 9, 9))
    public = replace(
        day.public,
        tariff=Tariff(series[3], series[0]),
        carbon=replace(day.public.carbon, mode=CarbonMode.FLAT, flat_price_cny_per_t=0.0),
    )
    joint = joint_dispatch([sunny, needy], public)
    assert joint.total_cny == pytest.approx(500.0 * day.public.horizon.period_h * periods)
    np.testing.assert_allclose(joint.plans[1].direct_in_mw, 2.0, atol=1e-9)


@pytest.fixture(scope="module", params=["two VPPs", "five VPPs", "without crowding"])
def designed(request: pytest.FixtureRequest) -> tuple[Economy, tuple[DesignDay, ...]]:
    """Every design of a day; five VPPs in a few rounds."""
    changes: dict[str, tuple[str, dict[str, float]]] = {
        "two VPPs": ("two_vpp", {}),
        "five VPPs": ("five_vpp", {"market.coupling_rounds": 3}),
        "without crowding": ("two_vpp", {"market.choice_temperature_cny_per_mwh": 0.0}),
    }
    case, values = changes[request.param]
    scenario = with_overrides(load_scenario(case), values)
    return economy_of(scenario), design_days(scenario, lambda name, round: None)


def test_every_design_saves_what_its_vpps_gain_and_no_more_than_cooperation(
    designed: tuple[Economy, tuple[DesignDay, ...]],
) -> None:
    economy, days = designed
    found = designs_table(economy, days)
    names = [row[0] for row in found.rows]
    assert names == ["grid_only", *DESIGNS, "cooperation"]
    saving = dict(zip(names, numbers(found, "saving_cny"), strict=True))
    assert saving["grid_only"] == 0.0
    allowed = RELATIVE * fsum(abs(account.operation_cny) for account in economy.settlement.grid_only) + 1e-6
    assert max(saving.values()) <= saving["cooperation"] + allowed
    gains = design_gains_table(days)
    for name in DESIGNS:
        assert fsum(numbers(gains, f"{name}_gain_cny")) == pytest.approx(saving[name], rel=1e-9, abs=1e-6)


def test_consensus_is_nearer_to_cooperation_than_its_regrets_and_nobody_loses_more_than_its_own(
    designed: tuple[Economy, tuple[DesignDay, ...]],
) -> None:
    """(M7): Σ r_k ≥ total − optimum."""
    economy, (*_, agreed) = designed
    missed_cny = agreed.settlement.game_system.total_cny - economy.joint.total_cny
    assert missed_cny <= fsum(regret.upper_cny for regret in agreed.regrets) + 1e-6
    for regret, gain in zip(agreed.regrets, agreed.settlement.gains_cny.values(), strict=True):
        assert gain >= -regret.upper_cny - 1e-6


def test_what_a_game_leaves_to_gain_is_bounded_unless_buyers_do_not_spread(
    designed: tuple[Economy, tuple[DesignDay, ...]],
) -> None:
    economy, (once, _, _) = designed
    spread = economy.scenario.public.market.choice_temperature_cny_per_mwh > 0.0
    assert bool(once.regrets) == spread
    lower, upper = (numbers(designs_table(economy, [once]), f"regret_{end}_cny")[1] for end in ("lower", "upper"))
    assert 0.0 <= lower <= upper if spread else isnan(lower) and isnan(upper)


def test_every_vpp_s_gain_is_the_sum_of_its_parts_and_the_system_s_of_its_vpps(economy: Economy) -> None:
    gains = table(economy, "gains")
    parts = ["selling_margin_cny", "buying_margin_cny", "carbon_saving_cny", "replanning_cny"]
    parts += [BESIDE] if BESIDE in gains.columns else []
    gain = numbers(gains, "gain_cny")
    for row, whole in enumerate(gain):
        added = fsum(numbers(gains, part)[row] for part in parts)
        assert added == pytest.approx(whole, rel=1e-9, abs=1e-6)
    assert fsum(gain[:-1]) == pytest.approx(gain[-1], rel=1e-9, abs=1e-6)
    settled = economy.settlement.grid_only_system.total_cny - economy.settlement.game_system.total_cny
    assert gain[-1] == pytest.approx(settled, rel=1e-9, abs=1e-6)


def test_what_is_earned_is_what_is_paid(economy: Economy) -> None:
    gains = table(economy, "gains")
    assert numbers(gains, "earned_cny")[-1] == pytest.approx(numbers(gains, "paid_cny")[-1], rel=1e-9, abs=1e-6)
    assert numbers(gains, "sold_mwh")[-1] == pytest.approx(numbers(gains, "bought_mwh")[-1], rel=1e-9, abs=1e-9)


def test_margins_of_periods_add_up_to_those_of_vpps(economy: Economy) -> None:
    for side in ("selling_margin_cny", "buying_margin_cny"):
        by_period = fsum(numbers(table(economy, "periods"), side))
        assert by_period == pytest.approx(numbers(table(economy, "gains"), side)[-1], rel=1e-9, abs=1e-6)


def test_nobody_sells_below_feed_in_or_buys_above_retail(economy: Economy) -> None:
    periods = table(economy, "periods")
    for side in ("selling_margin_cny", "buying_margin_cny"):
        assert min(numbers(periods, side), default=0.0) >= -1e-6


def test_concentration_lies_between_equal_shares_and_one(economy: Economy) -> None:
    periods = table(economy, "periods")
    for count, index in zip(numbers(periods, "sellers"), numbers(periods, "hhi_delivered"), strict=True):
        if not isnan(index):
            assert 1.0 / count - 1e-12 <= index <= 1.0 + 1e-12


def test_hhi_by_hand() -> None:
    assert hhi(np.array([1.0, 1.0])) == 0.5
    assert hhi(np.array([3.0, 1.0])) == pytest.approx(0.625)
    assert isnan(hhi(np.zeros(2)))


def test_prices_from_the_cap_never_lie_below_those_from_the_clearing_price(economy: Economy) -> None:
    """From p_clr the answer is the least equilibrium, so any other start ends at or above it."""
    gaps = [gap for gap in numbers(table(economy, "offers"), "gap_from_cap_cny_per_mwh") if not isnan(gap)]
    assert min(gaps, default=0.0) >= -1e-6


def test_flat_carbon_scenario_is_one_price_times_the_excess(economy: Economy) -> None:
    price = economy.scenario.public.carbon.base_price_cny_per_t
    for account in economy.flat:
        assert account.carbon_cny == pytest.approx(
            price * (account.emission_t - account.quota_t), rel=1e-9, abs=1e-6
        )
