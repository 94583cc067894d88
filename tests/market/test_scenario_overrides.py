"""Claims: a rule changed from outside is the rule changed in the file, by value, by digest and by its faults;
and advice is given where it is due."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.errors import ScenarioError
from market.rules import CarbonMode, PriceRule
from market.scenario import load_scenario, scenario_advice, with_overrides
from tests.market.scenario_files import FULL_FILES, MINIMAL_FILES, replaced, write_files


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("network.delay_s", 1.5, "delay_s: 0.05", "delay_s: 1.5"),
        ("market.price_rule", "tatonnement", "price_rule: gradient", "price_rule: tatonnement"),
        ("market.choice_temperature_cny_per_mwh", 0, "temperature_cny_per_mwh: 51", "temperature_cny_per_mwh: 0"),
        ("carbon.mode", "none", "mode: flat", "mode: none"),
        ("carbon.flat_price_cny_per_t", 320, "flat_price_cny_per_t: 282", "flat_price_cny_per_t: 320"),
        (
            "carbon.renewable_quota_t_per_mwh",
            0.1,
            "renewable_quota_t_per_mwh: 0.2",
            "renewable_quota_t_per_mwh: 0.1",
        ),
        ("carbon.credits_follow_energy", False, "credits_follow_energy: true", "credits_follow_energy: false"),
    ],
)
def test_an_override_is_the_same_as_an_edit(path: str, value: object, old: str, new: str, tmp_path: Path) -> None:
    before = load_scenario(write_files(tmp_path / "before", FULL_FILES))
    edited = load_scenario(write_files(tmp_path / "edited", replaced(FULL_FILES, "scenario.yaml", old, new)))
    changed = with_overrides(before, {path: value})
    assert (changed.digest, changed.public.digest) == (edited.digest, edited.public.digest)
    assert changed.digest != before.digest
    assert changed.name == before.name


def test_several_overrides_at_once_and_enumerations_as_such() -> None:
    scenario = with_overrides(
        load_scenario("five_vpp"),
        {"carbon.mode": CarbonMode.FLAT, "market.price_rule": PriceRule.GRADIENT, "market.satisfaction": 0.8},
    )
    assert scenario.public.carbon.mode is CarbonMode.FLAT
    assert scenario.public.market.price_rule is PriceRule.GRADIENT
    assert {vpp.satisfaction for vpp in scenario.vpps} == {0.8}


@pytest.mark.parametrize("case", ["five_vpp", "two_vpp"])
def test_no_override_changes_nothing(case: str) -> None:
    scenario = load_scenario(case)
    same = with_overrides(scenario, {})
    assert (same.digest, same.public.digest) == (scenario.digest, scenario.public.digest)
    assert same.public.carbon == scenario.public.carbon
    assert same.public.market == scenario.public.market


def test_faults_of_overrides_are_told_all_at_once() -> None:
    changes = {
        "network.delay_s": -1,
        "carbon.mode": "steep",
        "market.price_min_cny_per_mwh": 5000.0,
        "market.colour": 3,
        "vpps.id": "X",
        "market": 1,
        "carbon.quota_sources": ["mt"],
    }
    with pytest.raises(ScenarioError) as error:
        with_overrides(load_scenario("five_vpp"), changes)
    told = {(fault.place, fault.value) for fault in error.value.faults}
    assert told == {
        ("override network.delay_s", "-1"),
        ("override carbon.mode", "'steep'"),
        ("override market.colour", "'colour'"),
        ("override", "'vpps.id'"),
        ("override", "'market'"),
        ("override", "'carbon.quota_sources'"),
    }  # the band is checked once its section has no other fault
    with pytest.raises(ScenarioError, match=r"override market\.price_min.*5000\.0 above 1200\.0"):
        with_overrides(load_scenario("five_vpp"), {"market.price_min_cny_per_mwh": 5000.0})


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("scenario.yaml", "grid_quota_t_per_mwh: 0.71", "grid_quota_t_per_mwh: 0.97", "keep δ_g above σ_g"),
        ("scenario.yaml", "emission_t_per_mwh: 0.61", "emission_t_per_mwh: 0.4", "North mt: turbine energy"),
        ("scenario.yaml", "satisfaction: 0.9", "satisfaction: 1.2", "North satisfaction: κ should not be above 1"),
        ("scenario.yaml", "temperature_cny_per_mwh: 51", "temperature_cny_per_mwh: 0", "undercut each other"),
        ("tariff.csv", "2,750,-20", "2,750,760", "the grid should not pay more than it asks; got periods 2"),
        ("tariff.csv", "2,750,-20", "2,305,-20", "the price band should not be empty; got periods 2"),
    ],
)  # fmt: skip
def test_advice_is_given(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    before = scenario_advice(load_scenario(write_files(tmp_path / "before", FULL_FILES)))
    after = scenario_advice(load_scenario(write_files(tmp_path / "after", replaced(FULL_FILES, file, old, new))))
    assert before == ()
    assert any(said in str(advice) for advice in after)


def test_a_market_of_one_is_allowed_and_advised_against(tmp_path: Path) -> None:
    files = {
        "scenario.yaml": MINIMAL_FILES["scenario.yaml"].split("  - id: B")[0],
        "profiles.csv": "period,retail_cny_per_mwh,feed_in_cny_per_mwh,A_load_mw,A_pv_mw\n1,4,3,1,0\n2,4,3,1,0\n",
    }
    advice = scenario_advice(load_scenario(write_files(tmp_path, files)))
    assert "vpps: a market should have two VPPs or more; got 1; add a VPP to trade with" in map(str, advice)


def test_a_budget_too_small_for_a_cycle_of_undercutting_is_advised_against() -> None:
    pure = {"choice_temperature_cny_per_mwh": 0}
    scenario = load_scenario("five_vpp")  # 900 ticks of 1 CNY/MWh, 5000 offers

    def advised(**changes: float) -> list[str]:
        rules = {f"market.{name}": value for name, value in changes.items()}
        return [str(entry) for entry in scenario_advice(with_overrides(scenario, rules)) if "budget" in str(entry)]

    assert advised(**pure) == []
    assert advised(price_tick_cny_per_mwh=0.5) == []
    (told,) = advised(**pure, price_tick_cny_per_mwh=0.5)
    assert "got 5000; raise it to 7200 or take a larger market.price_tick_cny_per_mwh" in told


def test_a_tick_too_fine_for_the_band_is_refused_where_it_counts() -> None:
    scenario = load_scenario("two_vpp")
    fine = {"market.price_tick_cny_per_mwh": 1e-6}
    assert with_overrides(scenario, fine).public.market.price_tick_cny_per_mwh == 1e-6  # τ > 0: no ticks
    with pytest.raises(ScenarioError, match="must not hold more than 1,000,000 ticks"):
        with_overrides(scenario, {**fine, "market.choice_temperature_cny_per_mwh": 0})
