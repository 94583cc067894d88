"""Claims: the built-in cases are sound and are what their READMEs say; a copy of one is a scenario of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from market.app.runs.in_process import market_day
from market.errors import ScenarioError
from market.game.result import Verdict
from market.model.declaration import Role
from market.model.rules import CarbonMode
from market.scenario import (
    DEFAULT_CASE,
    builtin_cases,
    copy_case,
    load_scenario,
    scenario_advice,
    scenario_schema,
)
from market.settlement.settlement import settle
from vpp_nodes.dispatch.joint import joint_dispatch

CASES = Path(__file__).parents[2] / "market" / "cases"


def _fault(error: pytest.ExceptionInfo[ScenarioError]) -> str:
    (fault,) = error.value.faults
    return str(fault)


def test_which_cases_there_are() -> None:
    assert builtin_cases() == ("duopoly", "five_vpp", "flexible", "quarter_hours", "two_vpp", "village")
    assert DEFAULT_CASE in builtin_cases()


@pytest.mark.parametrize("case", builtin_cases())
def test_a_case_loads_needs_no_advice_and_explains_itself(case: str) -> None:
    scenario = load_scenario(case)
    assert scenario.name == case
    assert scenario.title
    assert all(vpp.label for vpp in scenario.vpps)
    assert scenario_advice(scenario) == ()
    assert len((CASES / case / "README.md").read_text(encoding="utf-8")) > 1000


def test_five_vpp_has_the_parameters_the_paper_gives() -> None:
    public = load_scenario("five_vpp").public
    assert (public.horizon.periods, public.horizon.period_h) == (24, 1.0)
    assert (public.market.price_min_cny_per_mwh, public.market.price_max_cny_per_mwh) == (300.0, 1200.0)
    assert public.carbon.mode is CarbonMode.STEPPED
    assert (public.carbon.base_price_cny_per_t, public.carbon.interval_t, public.carbon.growth) == (
        280.0,
        2.0,
        0.25,
    )


def test_five_vpp_is_within_the_public_ranges() -> None:
    scenario = load_scenario("five_vpp")
    tariff, carbon = scenario.public.tariff, scenario.public.carbon
    assert set(tariff.retail_cny_per_mwh) == {400.0, 750.0, 1200.0}
    assert 300 <= tariff.feed_in_cny_per_mwh.min() <= tariff.feed_in_cny_per_mwh.max() <= 500
    assert 0.57 <= carbon.grid_quota_t_per_mwh <= 0.728 < carbon.grid_emission_t_per_mwh <= 1.08
    assert [vpp.id for vpp in scenario.vpps] == ["VPP1", "VPP2", "VPP3", "VPP4", "VPP5"]
    for vpp in scenario.vpps:
        assert vpp.mt is not None
        assert vpp.ess is not None
        assert vpp.cl is not None
        assert 1.5 <= vpp.load_mw.min() <= vpp.load_mw.max() <= 6
        assert 0.55 <= vpp.mt.emission_t_per_mwh <= 0.65
        assert 0.5 <= vpp.mt.ramp_up_mw_per_h <= 3.5
        assert 80 <= vpp.mt.cost_a_cny_per_mw2h <= 150
        assert 500 <= vpp.mt.cost_b_cny_per_mwh <= 900
        assert 1 <= vpp.ess.energy_mwh <= 3
        assert 0.5 <= vpp.ess.charge_max_mw <= 1.2
        assert 10 <= vpp.ess.wear_cny_per_mwh <= 80
        assert 400 <= vpp.cl.compensation_cny_per_mwh <= 950
        assert vpp.cl.share_of_load <= 0.1


def test_quarter_hours_has_what_the_others_leave_out() -> None:
    scenario = load_scenario("quarter_hours")
    assert (scenario.public.horizon.periods, scenario.public.horizon.period_h) == (96, 0.25)
    feed_in = scenario.public.tariff.feed_in_cny_per_mwh
    assert np.flatnonzero(feed_in < 0).tolist() == list(range(48, 56))  # 12 to 14 h
    turbine = scenario.vpp("Harbour").mt
    assert turbine is not None
    assert turbine.commitment
    assert turbine.ramp_up_mw_per_h != turbine.ramp_down_mw_per_h
    assert scenario.vpp("Works").wt is scenario.vpp("Works").pv is None
    assert np.isinf(scenario.vpp("Works").exchange.grid_buy_max_mw)


def test_in_flexible_trade_after_planning_leaves_most_of_the_saving() -> None:
    """36 %, as its README says, though every period is in equilibrium or without trade: who could help is idle."""
    scenario = load_scenario("flexible")
    assert all(vpp.ess and vpp.mt and not vpp.mt.commitment for vpp in scenario.vpps)
    outcome = market_day(scenario)
    assert outcome.verdict is Verdict.EQUILIBRIUM
    accounts = settle(outcome, scenario.public)
    saved_cny = accounts.grid_only_system.total_cny - accounts.game_system.total_cny
    possible_cny = accounts.grid_only_system.total_cny - joint_dispatch(scenario.vpps, scenario.public).total_cny
    assert saved_cny == pytest.approx(15_097, abs=1)
    assert possible_cny == pytest.approx(42_037, abs=1)
    hospital = next(day.declaration for day in outcome.days if day.declaration.vpp == "Hospital")
    assert Role.SELLER not in hospital.roles


@pytest.mark.parametrize(
    ("period", "seller", "buyer", "price", "delivered"),
    [(2, "Farm", "Village", 700, 1.8), (3, "Farm", "Village", 720, 1.6), (4, "Farm", "Village", 730, 0.5),
     (5, "Village", "Farm", 730, 1135 / 730)],
)  # fmt: skip
def test_two_vpp_gives_the_prices_its_readme_works_out(
    period: int, seller: str, buyer: str, price: float, delivered: float
) -> None:
    """One seller, one buyer: the price that makes (p − f) min(S, x(p)) largest, by trying every 0.01 CNY/MWh."""
    scenario, t = load_scenario("two_vpp"), period - 1
    public = scenario.public
    supply = {"Farm": scenario.vpp("Farm").wt, "Village": scenario.vpp("Village").pv}
    own = {name: plant.forecast_mw[t] for name, plant in supply.items() if plant}
    load = {vpp.id: vpp.load_mw[t] for vpp in scenario.vpps}
    carbon = public.carbon.grid_emission_t_per_mwh - public.carbon.grid_quota_t_per_mwh
    value = public.tariff.retail_cny_per_mwh[t] + carbon * public.carbon.flat_price_cny_per_t
    base = public.market.base_power_mw
    wish = scenario.vpp(buyer).satisfaction * value * (base + load[buyer])
    prices = np.arange(40_000, 73_001) / 100
    wanted = np.clip(wish / prices - base - own[buyer], 0, load[buyer] - own[buyer])
    sold = np.minimum(own[seller] - load[seller], wanted)
    best = int(np.argmax((prices - public.tariff.feed_in_cny_per_mwh[t]) * sold))
    assert prices[best] == pytest.approx(price, abs=0.011)
    assert sold[best] == pytest.approx(delivered, abs=2e-4)


def test_two_vpp_has_no_trade_in_the_other_periods() -> None:
    farm, village = load_scenario("two_vpp").vpps
    assert farm.wt is not None
    assert village.pv is not None
    for t in (0, 5):
        assert farm.wt.forecast_mw[t] <= farm.load_mw[t]
        assert village.pv.forecast_mw[t] < village.load_mw[t]
    assert farm.wt.forecast_mw[5] == farm.load_mw[5]  # just balanced


@pytest.mark.parametrize("case", builtin_cases())
def test_a_copy_is_the_same_market_under_its_own_name(case: str, tmp_path: Path) -> None:
    folder = copy_case("mine", tmp_path, case)
    scenario = load_scenario(folder)
    assert folder == tmp_path / "mine"
    assert scenario.name == "mine"
    assert scenario.digest == load_scenario(case).digest
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=scenario.schema.json"
    assert json.loads((folder / "scenario.schema.json").read_text(encoding="utf-8")) == scenario_schema()


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("dear to me")
    with pytest.raises(ScenarioError) as error:
        copy_case("mine", tmp_path)
    assert "must not exist yet; got something there; choose another name" in _fault(error)
    assert (tmp_path / "mine").read_text() == "dear to me"


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a b", "x" * 65, "a\0"])
def test_a_copy_needs_a_plain_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        copy_case(name, tmp_path)
    assert "name of the new scenario: must be 1 to 64 letters, digits" in _fault(error)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_needs_a_case_and_a_place(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        copy_case("mine", tmp_path, "three_vpp")
    assert "did you mean five_vpp?" in _fault(error) or "built-in cases: duopoly, five_vpp" in _fault(error)
    with pytest.raises(ScenarioError) as error:
        copy_case("mine", tmp_path / "nowhere")
    assert "must be possible to create; got no such file or directory" in _fault(error)
