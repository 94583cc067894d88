"""Claims: a rule changed from outside is the rule changed in the file, by value, by digest and by its faults;
and advice is given where it is due."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.errors import ScenarioError
from market.model.rules import CarbonMode, PriceRule
from market.scenario import load_scenario, public_part, scenario_advice, with_overrides
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


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("title", "Another", "title: Everything set", "title: Another"),
        ("audit", "totals", "coupling: once", "coupling: once\naudit: totals"),
        ("horizon.period_h", 0.25, "period_h: 0.5", "period_h: 0.25"),
        ("carbon.quota_sources", ["grid_buy", "mt"], "[grid_buy, mt, wt, pv]", "[grid_buy, mt]"),
        ("carbon.quota_sources", ["mt"], "[grid_buy, mt, wt, pv]", "[mt]"),
        ("network.latency", {"kind": "uniform", "low_s": 0.1, "high_s": 0.2}, "delay_s: 0.05",
         "latency: {kind: uniform, low_s: 0.1, high_s: 0.2}"),
        ("network.latency.value_s", 0.25, "delay_s: 0.05", "delay_s: 0.25"),
        ("network.compute.South", 0.2, "delay_s: 0.05", "delay_s: 0.05\n  compute: {South: 0.2}"),
        ("vpps.North.label", "Others", "label: All plants", "label: Others"),
        ("vpps.North.satisfaction", 0.7, "satisfaction: 0.9", "satisfaction: 0.7"),
        ("vpps.North.ess.energy_mwh", 2, "energy_mwh: 3.1", "energy_mwh: 2"),
        ("vpps.North.wt.om_cost_cny_per_mwh", 1.5, "om_cost_cny_per_mwh: 16", "om_cost_cny_per_mwh: 1.5"),
        ("vpps.North.mt.ramp_mw_per_h", 0.7, "ramp_up_mw_per_h: 0.8\n      ramp_down_mw_per_h: 0.9",
         "ramp_mw_per_h: 0.7"),
        ("vpps.North.mt.ramp_up_mw_per_h", None, "ramp_up_mw_per_h: 0.8", "ramp_up_mw_per_h: null"),
        ("vpps.North.exchange.direct_max_mw", 3, "direct_in_max_mw: 4.1\n      direct_out_max_mw: 4.2",
         "direct_max_mw: 3"),
        ("vpps.North.exchange.grid_buy_max_mw", None, "grid_buy_max_mw: 8.1", "grid_buy_max_mw: null"),
        ("vpps.South.ess", {"energy_mwh": 1, "charge_max_mw": 0.5, "discharge_max_mw": 0.5}, "  - id: South\n",
         "  - id: South\n    ess: {energy_mwh: 1, charge_max_mw: 0.5, discharge_max_mw: 0.5}\n"),
        ("vpps.South.exchange.direct_max_mw", 2, "  - id: South\n",
         "  - id: South\n    exchange: {direct_max_mw: 2}\n"),
    ],
)  # fmt: skip
def test_any_field_can_be_changed_as_in_the_file(
    path: str, value: object, old: str, new: str, tmp_path: Path
) -> None:
    before = load_scenario(write_files(tmp_path / "before", FULL_FILES))
    edited = load_scenario(write_files(tmp_path / "edited", replaced(FULL_FILES, "scenario.yaml", old, new)))
    changed = with_overrides(before, {path: value})
    assert (changed.digest, changed.plant_digests) == (edited.digest, edited.plant_digests)
    assert changed.digest != before.digest


def test_an_asset_can_be_taken_away_and_a_source_named_again(tmp_path: Path) -> None:
    full = load_scenario(write_files(tmp_path, FULL_FILES))
    bare = with_overrides(full, {f"vpps.North.{asset}": None for asset in ("wt", "pv", "mt", "ess", "cl")})
    north = bare.vpp("North")
    assert (north.wt, north.pv, north.mt, north.ess, north.cl) == (None, None, None, None, None)
    assert bare.plant_digests[1] == full.plant_digests[1]
    only_mt = with_overrides(full, {"carbon.quota_sources": ["mt"]})
    again = with_overrides(only_mt, {"carbon.quota_sources": ["grid_buy", "mt"]}).public.carbon
    assert (again.grid_quota_t_per_mwh, again.mt_quota_t_per_mwh) == (0.728, 0.43)  # what is lost has its default
    with pytest.raises(ScenarioError, match="must be given when quota_sources names wt and pv"):
        with_overrides(only_mt, {"carbon.quota_sources": ["wt", "pv"]})


def test_the_markets_satisfaction_is_everybodys_but_for_one_that_is_given_its_own() -> None:
    changed = with_overrides(
        load_scenario("five_vpp"), {"market.satisfaction": 0.8, "vpps.VPP2.satisfaction": 0.7}
    )
    assert [vpp.satisfaction for vpp in changed.vpps] == [0.8, 0.7, 0.8, 0.8, 0.8]


@pytest.mark.parametrize(
    ("path", "value", "place", "said"),
    [
        ("growth", 0.5, "--set growth", "did you mean carbon.growth?"),
        ("carbon.grwoth", 0.5, "--set carbon.grwoth", "did you mean growth?"),
        ("grwoth", 0.5, "--set grwoth", "did you mean carbon.growth?"),
        ("carbn.growth", 0.5, "--set carbn.growth", "did you mean carbon.growth?"),
        ("vpps.Nort.mt", None, "--set vpps.Nort.mt", "did you mean North?"),
        ("vpps.North.es.soc_min", 0.2, "--set vpps.North.es.soc_min", "did you mean ess?"),
        ("vpps.North.ess.soc_mn", 0.2, "--set vpps.North.ess.soc_mn", "did you mean soc_min?"),
        ("vpps.North", None, "--set vpps.North", "go on with a field"),
        ("vpps", [], "--set vpps", "go on with an id and a field"),
        ("vpps.North.id", "N", "--set vpps.North.id", "the columns called after it"),
        ("profiles", "p.csv", "--set profiles", "change scenario.yaml itself"),
        ("carbon.growth.more", 1, "--set carbon.growth.more", "end the path at growth"),
        ("horizon.periods", 4, "--set horizon.periods", "the number of rows in the profiles, 3; got 4"),
        ("vpps.South.wt", {}, "--set vpps.South.wt", "the profile column South_wt_mw"),
        ("vpps.South.ess.energy_mwh", 2, "--set vpps.South.ess.energy_mwh", "required"),
        ("vpps.North.ess.soc_min", 0.5, "--set vpps.North.ess.soc_min", "within soc_min and soc_max"),
        ("vpps.North.ess.energy_mwh", -1, "--set vpps.North.ess.energy_mwh", "must be a number >= 0"),
        ("vpps.North.units", None, "--set vpps.North.units", "unit by unit, never as a whole list"),
        ("", 1, "--set ", "must be the path of a field"),
        ("market.", 1, "--set market.", "must be the path of a field"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_says_so_with_the_flag(
    path: str, value: object, place: str, said: str, tmp_path: Path
) -> None:
    scenario = load_scenario(write_files(tmp_path, FULL_FILES))
    with pytest.raises(ScenarioError) as error:
        with_overrides(scenario, {path: value}, {path: f"--set {path}"})
    assert any(place in fault.place and said in str(fault) for fault in error.value.faults)


def test_a_plant_that_is_not_here_cannot_be_changed() -> None:
    part = public_part(load_scenario("five_vpp"))
    with pytest.raises(ScenarioError, match="must be a plant that is known here; got 'VPP1'"):
        with_overrides(part, {"vpps.VPP1.mt": None})
    assert with_overrides(part, {"carbon.growth": 0.5}).plant_digests == part.plant_digests


def test_a_change_does_not_alter_what_it_is_made_of() -> None:
    storage: dict[str, object] = {"energy_mwh": 2, "charge_max_mw": 1, "discharge_max_mw": 1}
    changes = {"vpps.VPP1.ess": storage, "vpps.VPP1.ess.energy_mwh": 3}
    changed = with_overrides(load_scenario("five_vpp"), changes).vpp("VPP1").ess
    assert changed is not None
    assert changed.energy_mwh == 3
    assert storage["energy_mwh"] == 2


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
        ("override", "'id'"),
        ("override", "'market'"),
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
