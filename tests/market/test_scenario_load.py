"""Claims: a scenario on disk becomes exactly the model's values, what is left out takes the documented default,
and every way of naming a scenario leads to it or to an explanation."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market.errors import ScenarioError
from market.model.network import Constant, LinkConditions, NetworkRules
from market.model.parameter import counts
from market.model.rules import CarbonMode, Coupling, Mechanism, PriceRule
from market.model.vpp import Exchange
from market.scenario import builtin_cases, load_scenario, with_overrides
from market.scenario.scenario import Scenario
from tests.market.scenario_files import FULL_FILES, FULL_YAML, MINIMAL_FILES, replaced, write_files


def _plain(value: Any) -> Any:
    """Dataclasses as dicts, arrays as lists; what came later only where it says anything."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if dataclasses.is_dataclass(value):
        parts = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {field.name: _plain(part) for field, part in parts if counts(field, part)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _fault(source: str | Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source)
    (fault,) = caught.value.faults
    return str(fault)


@pytest.fixture
def full(tmp_path: Path) -> Scenario:
    return load_scenario(write_files(tmp_path / "full", FULL_FILES))


def test_every_public_field_arrives(full: Scenario) -> None:
    public = full.public
    assert _plain(public.horizon) == {"periods": 3, "period_h": 0.5}
    assert _plain(public.tariff) == {
        "retail_cny_per_mwh": [400.0, 750.0, 1200.0],
        "feed_in_cny_per_mwh": [320.0, -20.0, 480.0],
    }
    assert _plain(public.market) == {
        "price_min_cny_per_mwh": 310.0,
        "price_max_cny_per_mwh": 1210.0,
        "choice_temperature_cny_per_mwh": 51.0,
        "base_power_mw": 0.002,
        "role_tolerance": 1e-5,
        "price_rule": PriceRule.GRADIENT,
        "revision_step": 0.4,
        "gradient_step_cny_per_mwh_per_mw": 11.0,
        "tatonnement_step_cny_per_mwh": 21.0,
        "price_tick_cny_per_mwh": 2.0,
        "offer_budget": 4000,
        "mechanism": Mechanism.CONSENSUS,
        "coupling_rounds": 24,
        "consensus_rounds": 190,
        "consensus_regret": 0.02,
        "coupling": Coupling.ONCE,
        "day_certificate": False,
    }
    assert _plain(public.carbon) == {
        "mode": CarbonMode.FLAT,
        "base_price_cny_per_t": 281.0,
        "flat_price_cny_per_t": 282.0,
        "interval_t": 2.5,
        "growth": 0.26,
        "steps": 6,
        "grid_emission_t_per_mwh": 0.97,
        "grid_quota_t_per_mwh": 0.71,
        "mt_quota_t_per_mwh": 0.43,
        "renewable_quota_t_per_mwh": 0.2,
        "credits_follow_energy": True,
        "direct_quota_t_per_mwh": 0.5,
    }
    assert (full.name, full.title) == ("full", "Everything set")
    assert full.network == NetworkRules(LinkConditions(Constant(0.05)))


@pytest.mark.parametrize("place", ["market.coupling", "coupling"])
def test_coupling_is_a_rule_of_the_market_and_may_stand_at_its_older_place(place: str, tmp_path: Path) -> None:
    text = "coupling: iterate\n" if place == "coupling" else "market: {coupling: iterate}\n"
    files = {**MINIMAL_FILES, "scenario.yaml": text + MINIMAL_FILES["scenario.yaml"]}
    found = load_scenario(write_files(tmp_path / "minimal", files))
    assert found.public.market.coupling is Coupling.ITERATE
    plain = load_scenario(write_files(tmp_path / "plain" / "minimal", MINIMAL_FILES))
    assert plain.public.market.coupling is Coupling.ONCE
    assert with_overrides(plain, {place: "iterate"}).digest == found.digest


@pytest.mark.parametrize("temperature", [1e-9, 9.9e-7, 5e-324])
def test_buyers_spread_noticeably_or_not_at_all(temperature: float) -> None:
    """Below the grid of prices the search for a best price would find no end."""
    plain = load_scenario("two_vpp")
    with pytest.raises(ScenarioError, match="must be 0, or at least 1e-06"):
        with_overrides(plain, {"market.choice_temperature_cny_per_mwh": temperature})
    for fine in (0.0, 1e-6):
        with_overrides(plain, {"market.choice_temperature_cny_per_mwh": fine})


def test_what_both_places_say_of_the_coupling_is_the_same(tmp_path: Path) -> None:
    text = "coupling: iterate\nmarket: {coupling: once}\n"
    files = {**MINIMAL_FILES, "scenario.yaml": text + MINIMAL_FILES["scenario.yaml"]}
    with pytest.raises(ScenarioError) as raised:
        load_scenario(write_files(tmp_path / "minimal", files))
    (fault,) = raised.value.faults
    assert "coupling: must not be other than market.coupling, once; got iterate" in str(fault)


def test_every_field_of_a_vpp_arrives(full: Scenario) -> None:
    assert _plain(full.vpp("North")) == {
        "id": "North",
        "label": "All plants",
        "load_mw": [2.25, 2.5, 2.75],
        "wt": {"forecast_mw": [1.5, 1.25, 1.0], "om_cost_cny_per_mwh": 16.0},
        "pv": {"forecast_mw": [0.0, 0.5, 0.75], "om_cost_cny_per_mwh": 13.0},
        "mt": {
            "p_min_mw": 0.3,
            "p_max_mw": 1.7,
            "ramp_up_mw_per_h": 0.8,
            "ramp_down_mw_per_h": 0.9,
            "cost_a_cny_per_mw2h": 85.0,
            "cost_b_cny_per_mwh": 525.0,
            "cost_on_cny_per_h": 45.0,
            "commitment": True,
            "cost_pieces": 7,
            "emission_t_per_mwh": 0.61,
        },
        "ess": {
            "energy_mwh": 3.1,
            "charge_max_mw": 0.6,
            "discharge_max_mw": 0.7,
            "charge_efficiency": 0.94,
            "discharge_efficiency": 0.96,
            "soc_min": 0.12,
            "soc_max": 0.88,
            "soc_initial": 0.4,
            "wear_cny_per_mwh": 33.0,
        },
        "cl": {
            "share_of_load": 0.11,
            "compensation_cny_per_mwh": 845.0,
            "daily_energy_max_mwh": 1.2,
            "credit_t_per_mwh": 0.3,
        },
        "exchange": {
            "grid_buy_max_mw": 8.1,
            "grid_sell_max_mw": 1.3,
            "direct_in_max_mw": 4.1,
            "direct_out_max_mw": 4.2,
            "reserve_step_cny_per_mwh": 5.0,
        },
        "satisfaction": 0.9,
    }
    assert [vpp.id for vpp in full.vpps] == ["North", "South"]
    assert full.vpp("South").satisfaction == 0.81  # the market's


def test_numbers_are_doubles_and_arrays_are_read_only(full: Scenario) -> None:
    assert type(full.public.market.price_min_cny_per_mwh) is float  # 310 in the file
    assert type(full.public.market.offer_budget) is int
    for array in (full.public.tariff.retail_cny_per_mwh, full.vpp("South").load_mw):
        assert array.dtype == np.float64
        assert array.shape == (3,)
        assert not array.flags.writeable


def test_what_is_left_out_takes_the_default(tmp_path: Path) -> None:
    scenario = load_scenario(write_files(tmp_path / "minimal", MINIMAL_FILES))
    market, carbon, vpp = scenario.public.market, scenario.public.carbon, scenario.vpp("A")
    assert _plain(market) == {
        "price_min_cny_per_mwh": 300.0,
        "price_max_cny_per_mwh": 1200.0,
        "choice_temperature_cny_per_mwh": 50.0,
        "base_power_mw": 0.001,
        "role_tolerance": 1e-6,
        "price_rule": PriceRule.BEST_RESPONSE,
        "revision_step": 0.5,
        "gradient_step_cny_per_mwh_per_mw": 10.0,
        "tatonnement_step_cny_per_mwh": 20.0,
        "price_tick_cny_per_mwh": 1.0,
        "offer_budget": 5000,
        "mechanism": Mechanism.GAME,
        "coupling_rounds": 25,
        "consensus_rounds": 200,
        "consensus_regret": 5e-5,
        "coupling": Coupling.ONCE,
        "day_certificate": False,
    }
    assert _plain(carbon) == {
        "mode": CarbonMode.STEPPED,
        "base_price_cny_per_t": 280.0,
        "flat_price_cny_per_t": 280.0,
        "interval_t": 2.0,
        "growth": 0.25,
        "steps": 5,
        "grid_emission_t_per_mwh": 0.98,
        "grid_quota_t_per_mwh": 0.728,
        "mt_quota_t_per_mwh": 0.42,
        "renewable_quota_t_per_mwh": 0.0,
        "credits_follow_energy": False,
        "direct_quota_t_per_mwh": 0.728,
    }
    assert (scenario.public.horizon.period_h, scenario.network, scenario.title) == (1.0, NetworkRules(), "")
    assert (vpp.satisfaction, vpp.wt, vpp.mt, vpp.ess, vpp.cl) == (0.85, None, None, None, None)
    assert vpp.pv is not None
    assert vpp.pv.om_cost_cny_per_mwh == 12.0
    assert vpp.exchange == Exchange(math.inf, math.inf, math.inf, math.inf, 0.0)


def test_a_horizon_left_out_is_a_day_of_hours(tmp_path: Path) -> None:
    rows = "".join(f"{hour},700,300,1\n" for hour in range(1, 25))
    files = {
        "scenario.yaml": "vpps: [{id: A}]\n",
        "profiles.csv": f"period,retail_cny_per_mwh,feed_in_cny_per_mwh,A_load_mw\n{rows}",
    }
    horizon = {"periods": 24, "period_h": 1.0}
    assert _plain(load_scenario(write_files(tmp_path, files)).public.horizon) == horizon


PLANTS = """\
    mt: {p_max_mw: 2, cost_b_cny_per_mwh: 500}
    ess: {energy_mwh: 1, charge_max_mw: 0.5, discharge_max_mw: 0.5}
    cl: {compensation_cny_per_mwh: 800}
    exchange: {direct_max_mw: 3}
"""


def test_defaults_inside_plants_and_shorthands(tmp_path: Path) -> None:
    files = replaced(FULL_FILES, "scenario.yaml", "  - id: South\n", f"  - id: South\n{PLANTS}")
    vpp = load_scenario(write_files(tmp_path, files)).vpp("South")
    assert vpp.mt is not None
    assert (vpp.mt.ramp_up_mw_per_h, vpp.mt.ramp_down_mw_per_h) == (4.0, 4.0)  # 2 MW within half an hour
    assert (vpp.mt.p_min_mw, vpp.mt.commitment, vpp.mt.cost_pieces, vpp.mt.emission_t_per_mwh) == (
        0.0,
        False,
        8,
        0.6,
    )
    assert vpp.ess is not None
    assert (vpp.ess.charge_efficiency, vpp.ess.discharge_efficiency, vpp.ess.wear_cny_per_mwh) == (
        0.95,
        0.95,
        30.0,
    )
    assert (vpp.ess.soc_min, vpp.ess.soc_max, vpp.ess.soc_initial) == (0.1, 0.9, 0.5)
    assert vpp.cl is not None
    assert (vpp.cl.share_of_load, vpp.cl.daily_energy_max_mwh, vpp.cl.credit_t_per_mwh) == (0.1, None, 0.0)
    assert (vpp.exchange.direct_in_max_mw, vpp.exchange.direct_out_max_mw) == (3.0, 3.0)


def test_one_ramp_for_both_ways(tmp_path: Path) -> None:
    text = FULL_YAML.replace("ramp_up_mw_per_h: 0.8\n      ramp_down_mw_per_h: 0.9", "ramp_mw_per_h: 0.7")
    mt = load_scenario(write_files(tmp_path, {**FULL_FILES, "scenario.yaml": text})).vpp("North").mt
    assert mt is not None
    assert (mt.ramp_up_mw_per_h, mt.ramp_down_mw_per_h) == (0.7, 0.7)


def test_null_is_no_limit_and_no_plant(tmp_path: Path) -> None:
    files = replaced(FULL_FILES, "scenario.yaml", "grid_buy_max_mw: 8.1", "grid_buy_max_mw: null")
    files = replaced(files, "scenario.yaml", "  - id: South\n", "  - id: South\n    pv:\n    wt: ~\n")
    scenario = load_scenario(write_files(tmp_path, files))
    assert scenario.vpp("North").exchange.grid_buy_max_mw == math.inf
    assert (scenario.vpp("South").pv, scenario.vpp("South").wt) == (None, None)


def test_a_quota_that_is_no_source_counts_nothing(tmp_path: Path) -> None:
    files = replaced(FULL_FILES, "scenario.yaml", "[grid_buy, mt, wt, pv]", "[mt]")
    carbon = load_scenario(write_files(tmp_path, files)).public.carbon
    quotas = (carbon.grid_quota_t_per_mwh, carbon.mt_quota_t_per_mwh, carbon.renewable_quota_t_per_mwh)
    assert quotas == (0.0, 0.43, 0.0)


def test_a_plant_may_be_shared_by_alias(tmp_path: Path) -> None:
    text = FULL_YAML.replace("    cl:\n", "    cl: &shed\n") + "    cl: *shed\n"
    scenario = load_scenario(write_files(tmp_path, {**FULL_FILES, "scenario.yaml": text}))
    assert scenario.vpp("South").cl == scenario.vpp("North").cl


def test_a_folder_wins_over_a_built_in_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "two_vpp", MINIMAL_FILES)
    assert [vpp.id for vpp in load_scenario("two_vpp").vpps] == ["Farm", "Village"]
    monkeypatch.chdir(tmp_path)
    assert [vpp.id for vpp in load_scenario("two_vpp").vpps] == ["A", "B"]
    monkeypatch.chdir(tmp_path / "two_vpp")
    assert load_scenario(".").name == "two_vpp"


@pytest.mark.parametrize("source", ["", "nowhere", "a\0b", "x" * 5000, Path("nowhere")])
def test_a_name_that_leads_nowhere(source: str | Path) -> None:
    message = _fault(source)
    assert "must be a scenario folder or the name of a built-in case; got neither" in message
    assert all(case in message for case in builtin_cases())


def test_a_name_that_is_almost_right() -> None:
    assert "did you mean five_vpp?" in _fault("five_vp")


def test_only_scenario_yaml_stands_for_its_folder(tmp_path: Path) -> None:
    write_files(tmp_path, MINIMAL_FILES)
    assert load_scenario(tmp_path / "scenario.yaml").digest == load_scenario(tmp_path).digest
    assert "must be a folder; got a file; give the folder" in _fault(tmp_path / "profiles.csv")


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    write_files(tmp_path, MINIMAL_FILES)
    (tmp_path / "profiles.csv").unlink()
    (tmp_path / "profiles.csv").mkdir()
    assert "profiles.csv: must be a regular file; got a folder or a device" in _fault(tmp_path)


def test_a_pipe_in_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scenario.yaml")
    assert "scenario.yaml: must be a regular file" in _fault(tmp_path)


def test_a_file_beyond_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "scenario.yaml").open("wb") as file:
        file.truncate(1 << 40)  # a hole of a tebibyte
    assert "must have at most 16 MiB; got more than 16 MiB" in _fault(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    write_files(tmp_path, MINIMAL_FILES)
    monkeypatch.setattr(Path, "open", refuse)
    assert "scenario.yaml: must be readable; got permission denied" in _fault(tmp_path)


def test_the_model_is_free_of_the_readers_packages() -> None:
    code = (
        "import json, sys, market.scenario, market.scenario.scenario, market.scenario.digest\n"
        "print(json.dumps([name for name in ('pydantic', 'yaml') if name in sys.modules]))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=150)
    assert json.loads(output.stdout) == []


def test_every_exported_name_is_there() -> None:
    import market.scenario as package

    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing  # type: ignore[attr-defined]
