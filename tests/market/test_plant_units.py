"""Claims: a plant may have any number of units of each kind; files, digests and `--set` speak of each of them.

What is broken in a unit gets one message, which names it.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from market.errors import DispatchError, ScenarioError
from market.model.parameter import parameters_of
from market.model.vpp import FIELDS, Unit, UnitKind, Vpp
from market.scenario import load_scenario, scenario_schema, with_overrides, write_scenario
from market.scenario.catalogue import catalogue, known_paths
from market.scenario.digest import plant_digest
from market.scenario.parameter_page import parameter_page
from market.scenario.scenario import Scenario
from market.scenario.unit_schema import UNIT_SECTIONS
from tests.market.scenario_files import write_files
from tests.market.unit_files import UNITS_FILES, UNITS_YAML
from tests.vpp_nodes.dispatch_cases import random_case
from vpp_nodes.dispatch import dispatch


@pytest.fixture
def market(tmp_path: Path) -> Scenario:
    return load_scenario(write_files(tmp_path / "market", UNITS_FILES))


def unit(scenario: Scenario, vpp: str, name: str) -> Any:
    """A unit's data."""
    return next(each.asset for each in scenario.vpp(vpp).units if each.id == name)


# --- files and digests ---


def test_every_kind_is_in_the_market_and_comes_back_from_disk(market: Scenario, tmp_path: Path) -> None:
    kinds = {each.kind for vpp in market.vpps for each in vpp.units}
    assert kinds == set(UnitKind)
    write_scenario(market, tmp_path / "written")
    back = load_scenario(tmp_path / "written")
    assert (back.digest, back.plant_digests, back.public.digest) == (
        market.digest,
        market.plant_digests,
        market.public.digest,
    )
    assert [each.id for each in back.vpp("F01").units] == [each.id for each in market.vpp("F01").units]


def test_a_load_of_units_needs_no_column_of_its_own(market: Scenario) -> None:
    assert not market.vpp("F01").load_mw.any()
    assert market.vpp("F01").total_load_mw.tolist() == pytest.approx([3.9, 3.5, 0.5, 0.2, 4.2, 4.8])


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where the values of a document stand that can be changed by themselves."""
    if isinstance(value, dict):
        return [leaf for key, child in value.items() for leaf in leaves(child, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, child in enumerate(value) for leaf in leaves(child, (*path, index))]
    bound = path[-1] in ("id", "kind", "tariff", "periods", "net_metered", "end", "profiles", "commitment")
    return [] if bound or path[0] == "profiles" else [path]


@pytest.mark.parametrize("path", leaves(yaml.safe_load(UNITS_YAML)), ids=str)
def test_every_value_of_a_unit_counts(path: tuple[str | int, ...], market: Scenario, tmp_path: Path) -> None:
    document: Any = yaml.safe_load(UNITS_YAML)
    node = document
    for part in path[:-1]:
        node = node[part]
    value = node[path[-1]]
    other = f"{value}!" if isinstance(value, str) else value * 1.0000001
    node[path[-1]] = other
    if "curve_mw" in path or path[-1] in ("p_min_mw", "p_max_mw"):  # these go together
        mt = document["vpps"][1]["mt"]
        mt["p_min_mw"], mt["p_max_mw"] = mt["curve_mw"][0], mt["curve_mw"][-1]
        if "mt" in path and "curve_mw" not in path:
            mt["curve_mw"] = [0.2, 0.7, 1.3]
            mt["p_max_mw"] = 1.3
    files = {**UNITS_FILES, "scenario.yaml": json.dumps(document)}
    assert load_scenario(write_files(tmp_path / "changed", files)).digest != market.digest


@pytest.mark.parametrize(("file", "old", "new"), [
    ("plants.csv", "-0.8", "-0.9"), ("plants.csv", "3.5,0.4", "3.6,0.4"), ("profiles.csv", "1150", "1151"),
    ("profiles.csv", "0.95", "0.96"),
])  # fmt: skip
def test_every_series_counts(file: str, old: str, new: str, market: Scenario, tmp_path: Path) -> None:
    files = {**UNITS_FILES, file: UNITS_FILES[file].replace(old, new, 1)}
    assert load_scenario(write_files(tmp_path / "changed", files)).digest != market.digest


def test_the_tariff_of_a_plant_is_its_own_affair_and_the_grid_s_emission_everybody_s(
    market: Scenario, tmp_path: Path
) -> None:
    dearer = {**UNITS_FILES, "profiles.csv": UNITS_FILES["profiles.csv"].replace("1150", "1151")}
    cleaner = {**UNITS_FILES, "profiles.csv": UNITS_FILES["profiles.csv"].replace("0.95", "0.96")}
    one = load_scenario(write_files(tmp_path / "dearer", dearer))
    two = load_scenario(write_files(tmp_path / "cleaner", cleaner))
    assert one.public.digest == market.public.digest != two.public.digest
    assert two.plant_digests == market.plant_digests
    assert [a == b for a, b in zip(one.plant_digests, market.plant_digests, strict=True)] == [False, True]


# --- a field is a list of one ---


def as_units(vpp: Vpp) -> Vpp:
    """The same plants, all of them among the units."""
    moved = {kind: getattr(vpp, kind.value) for kind in FIELDS}
    units = tuple(Unit(f"the-{kind.value}", "", kind, asset) for kind, asset in moved.items() if asset is not None)
    none: dict[str, Any] = {kind.value: None for kind in FIELDS}
    return replace(vpp, units=units, **none)


def test_a_plant_by_its_field_and_the_same_as_a_unit_have_the_same_day_to_the_last_digit() -> None:
    compared = 0
    for seed in range(40):
        case = random_case(seed)
        try:
            one = dispatch(case.vpp, case.public, case.direct)
        except DispatchError:
            continue
        other = dispatch(as_units(case.vpp), case.public, case.direct)
        for field in fields(one):
            if field.name not in ("units", "costs"):
                assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), (seed, field.name)
        assert one.costs == other.costs
        compared += 1
    assert compared >= 25


def test_what_came_later_leaves_old_digests_alone() -> None:
    """The digests of the built-in cases as they were before there were units."""
    known = {
        "five_vpp": "6aa885ffac2364e58164a4042f2aae0ebebfca4d8ec2f4d7a15eb46b296ba314",
        "two_vpp": "db01e5e4537f80e453b2bdd1c86daba387c3b87f676c4c2fd81bdfef162bb541",
        "quarter_hours": "e8e1da4c06f745d0056b422085cca37bee1420554965621f5b46800d16cc618f",
        "flexible": "f52067f8cf916c8d0e962901a5cb0167b4c76f1803a2590d328c1929e7ad32a6",
    }
    assert {name: load_scenario(name).digest for name in known} == known


# --- changes from outside ---


def test_a_unit_is_changed_by_its_path(market: Scenario) -> None:
    changed = with_overrides(
        market,
        {
            "vpps.F01.units.B1.energy_mwh": 1.5,
            "vpps.F02.mt.start_cost_cny": 90.0,
            "vpps.F02.units.G2": None,
            "vpps.F01.units.B2.soc_end": 0.7,
            "vpps.F01.ess.end": "free",
            "vpps.F01.ess.end_value_cny_per_mwh": None,
        },
    )
    assert unit(changed, "F01", "B1").energy_mwh == 1.5
    assert unit(changed, "F01", "B2").soc_end == 0.7
    assert [each.id for each in changed.vpp("F02").units] == ["BIO", "HY", "RUN", "CHP"]
    assert changed.vpp("F01").ess is not None
    assert plant_digest(changed.vpp("F01")) != plant_digest(market.vpp("F01"))
    again = with_overrides(changed, {"vpps.F01.units.B1.energy_mwh": 1.0, "vpps.F01.units.B2.soc_end": 0.6})
    assert unit(again, "F01", "H2").load_mw.tolist() == unit(market, "F01", "H2").load_mw.tolist()


def test_a_number_takes_the_place_of_emission_by_period(market: Scenario) -> None:
    changed = with_overrides(market, {"carbon.grid_emission_t_per_mwh": 0.5})
    assert changed.public.carbon.grid_emission_by_period_t_per_mwh is None
    assert changed.public.carbon.grid_emission_t_per_mwh == 0.5
    other = with_overrides(market, {"carbon.growth": 0.5})
    assert other.public.carbon.grid_emission_by_period_t_per_mwh is not None


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("vpps.F01.units.B9.energy_mwh", 1, "must be the id of a unit; got 'B9'"),
        ("vpps.F01.units", [], "must be changed unit by unit"),
        ("vpps.F01.units.B1.id", "x", "must be a field that can be changed from outside"),
        ("vpps.F01.units.B1.kind", "pv", "must be a field that can be changed from outside"),
        ("vpps.F01.units.B1.energy_mwh", -1, "vpps.F01.units.B1.energy_mwh: must be a number >= 0"),
        ("vpps.F01.units.B1.enrgy_mwh", 1, "did you mean energy_mwh?"),
        ("vpps.F01.tariff", "night", "must have its prices, the profile columns night_retail_cny_per_mwh"),
    ],
)
def test_what_cannot_be_changed_is_said(path: str, value: object, said: str, market: Scenario) -> None:
    with pytest.raises(ScenarioError) as error:
        with_overrides(market, {path: value})
    assert len(error.value.faults) == 1
    assert said in str(error.value)


def test_paths_of_units_are_known(market: Scenario) -> None:
    known = known_paths(market)
    assert {"vpps.F01.units.B1.self_discharge_per_h", "vpps.F02.units.HY.reservoir_mwh"} <= set(known)
    assert "vpps.F01.units.B1.reservoir_mwh" not in known


# --- schema and reference page ---


def test_schema_and_page_have_every_field_of_every_kind() -> None:
    text, page = json.dumps(scenario_schema()), parameter_page()
    for word, section in UNIT_SECTIONS.items():
        here = {entry.name for entry in catalogue() if entry.kind == word}
        named = {name for name in section.model_fields if name not in ("id", "label", "kind")}
        assert here == named, word
        assert f"kind `{word}`" in page
        assert f'"const": "{word}"' in text
        assert all(f"`{name}`" in page and f'"{name}"' in text for name in named)
    for vpp in (Vpp,):
        names = {"load_mw", "realised_load_mw", "satisfaction", "excess_before_t"}
        assert {entry.name for entry in parameters_of(vpp)} == names


# --- broken inputs ---

BROKEN = {
    "no kind": ("{id: H1, kind: load, label: Houses}", "{id: H1}", "units[0].kind: must be one of wt, pv"),
    "unknown kind": ("kind: shift,", "kind: shfit,", "did you mean shift?"),
    "not a section": ("{id: H1, kind: load, label: Houses}", "7", "units[0]: must be a section"),
    "no id": ("{id: W1, kind: wt}", "{kind: wt}", "units[3].id: required"),
    "id of a field": (
        "{id: B1, kind: ess,",
        "{id: ess, kind: ess,",
        "must not be what plants outside units are",
    ),
    "id twice": ("{id: B2,", "{id: b1,", "must have units with ids of their own"),
    "unknown field": ("window_h: 3", "windw_h: 3", "did you mean window_h?"),
    "field of another kind": (
        "kind: hydro, p_max_mw: 0.6",
        "kind: hydro, soc_min: 0, p_max_mw: 0.6",
        "soc_min: must be",
    ),
    "text for a number": ("power_max_mw: 0.3", "power_max_mw: fast", "units[8].power_max_mw: must be a number"),
    "negative energy": ("energy_mwh: 0.6", "energy_mwh: -0.6", "units[8].energy_mwh: must be a number >= 0"),
    "leaves before it comes": (
        "arrival_h: 1, departure_h: 4.5",
        "arrival_h: 5, departure_h: 4",
        "must be after arrival_h",
    ),
    "late before early": ("earliest_h: 2", "earliest_h: 2, latest_h: 1", "latest_h must be after earliest_h"),
    "share of end missing": (", soc_end: 0.6", "", "soc_end: must be given with end given"),
    "worth without end": (
        "end: free,",
        "end: free, end_value_cny_per_mwh: 3,",
        "must be given with end valued only",
    ),
    "end beyond limits": ("soc_end: 0.6", "soc_end: 0.95", "soc_end must be within soc_min and soc_max"),
    "unknown end": ("end: free,", "end: fre,", "end: must be one of: as_begun, given, free, valued"),
    "all stored is lost": (
        "self_discharge_per_h: 0.01",
        "self_discharge_per_h: 1",
        "must be a number >= 0 and < 1",
    ),
    "level outside": (
        "level_initial: 0.4",
        "level_initial: 0.4, level_min: 0.5",
        "level_initial must be within",
    ),
    "curve too short": ("[150, 420, 650]", "[150, 420]", "must have a cost for each output of curve_mw"),
    "curve that falls back": ("[0.2, 0.7, 1.2]", "[0.2, 1.3, 1.2]", "must rise from point to point"),
    "curve beside the limits": (
        "[0.2, 0.7, 1.2]",
        "[0.3, 0.7, 1.2]",
        "must begin at p_min_mw and end at p_max_mw",
    ),
    "curve with a word": ("[0.2, 0.7, 1.2]", "[0.2, x, 1.2]", "mt.curve_mw[1]: must be a number"),
    "curve and quadratic": (
        "start_cost_cny: 80",
        "start_cost_cny: 80\n      cost_b_cny_per_mwh: 5",
        "together with curve_mw",
    ),
    "no cost at all": (", cost_b_cny_per_mwh: 520", "", "units[0].cost_b_cny_per_mwh: required"),
    "start without commitment": ("commitment: true\n", "commitment: false\n", "must be 0 without commitment"),
    "start at nothing": ("p_min_mw: 0.2\n", "p_min_mw: 0\n", "must be 0 where p_min_mw is 0"),
    "hours without output": ("      initial_output_mw: 0.5\n", "", "must come with initial_output_mw"),
    "output outside": (
        "initial_output_mw: 0.5",
        "initial_output_mw: 0.1",
        "must be within p_min_mw and p_max_mw",
    ),
    "shares beyond all load": (
        "share_of_load: 0.2",
        "share_of_load: 0.97",
        "shares of load, of cl and shift together",
    ),
    "tariff without columns": ("tariff: std", "tariff: night", "night_feed_in_cny_per_mwh: required column"),
    "series without a column": ("id: W1", "id: W9", "F01_W9_mw: required column"),
    "negative load": (", net_metered: true", "", "must be a number from 0 to 1000000 MW"),
    "two emissions": (
        "market: {",
        "carbon: {grid_emission_t_per_mwh: 1}\nmarket: {",
        "together with the profile column",
    ),
    "fee below 0": (
        "peer_fee_cny_per_mwh: 10",
        "peer_fee_cny_per_mwh: -1",
        "exchange.peer_fee_cny_per_mwh: must be",
    ),
}  # fmt: skip
MORE_THAN_ONE = {
    "tariff without columns": 4,  # two columns that lack, two that are left over
    "series without a column": 2,
    "start without commitment": 3,
    "start at nothing": 4,
    "negative load": 2,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_unit_gets_one_clear_message(name: str, tmp_path: Path) -> None:
    old, new, said = BROKEN[name]
    assert UNITS_YAML.count(old) == 1, old
    files = {**UNITS_FILES, "scenario.yaml": UNITS_YAML.replace(old, new)}
    with pytest.raises(ScenarioError) as error:
        load_scenario(write_files(tmp_path / "broken", files))
    told = [str(fault) for fault in error.value.faults]
    assert any(said in each for each in told), told
    assert len(told) == MORE_THAN_ONE.get(name, 1), told
    assert all(fault.remedy and fault.place for fault in error.value.faults)


def test_columns_that_two_units_would_share_are_refused(tmp_path: Path) -> None:
    text = "vpps:\n  - {id: A_B, units: [{id: C, kind: load}]}\n  - {id: A, units: [{id: B_C, kind: load}]}\n"
    table = "period,retail_cny_per_mwh,feed_in_cny_per_mwh,A_B_C_mw\n1,400,300,1\n"
    files = {"scenario.yaml": "horizon: {periods: 1}\n" + text, "profiles.csv": table}
    with pytest.raises(ScenarioError, match="must have a profile column of its own; got A_B_C_mw") as error:
        load_scenario(write_files(tmp_path / "shared", files))
    assert len(error.value.faults) == 1
