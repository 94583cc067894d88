"""Claims: a parameter is stated once, and everything that speaks of it says what the statement says."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from broker.tape.shared_check import check_shared
from market.errors import ScenarioError, TapeError
from market.model.arrays import Array
from market.model.network import NetworkRules
from market.model.parameter import Parameter, parameter_of, parameters_of, unit_in_name
from market.model.public import PublicScenario
from market.model.rules import CarbonRules, Horizon, MarketRules
from market.model.vpp import Vpp
from market.scenario import load_scenario, scenario_schema, with_overrides
from market.scenario.catalogue import catalogue, shared_parameters
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.parameter_page import parameter_page
from market.scenario.scenario import Scenario
from tests.market.scenario_files import MINIMAL_FILES, write_files

ROOT = Path(__file__).parents[2]
COUNTS = {"share", "1", "number", "periods", "steps", "offers", "pieces"}


def classes(hint: Any, seen: set[type] | None = None) -> Iterator[type]:
    """Every dataclass that a value of this type is made of."""
    seen = set() if seen is None else seen
    if get_origin(hint) in (tuple, UnionType, typing.Union):
        for part in get_args(hint):
            yield from classes(part, seen)
    elif isinstance(hint, type) and is_dataclass(hint) and hint not in seen:
        seen.add(hint)
        yield hint
        for part in get_type_hints(hint).values():
            yield from classes(part, seen)


def test_every_number_of_a_scenario_is_a_parameter_with_bounds() -> None:
    bare = [
        f"{owner.__name__}.{field.name}"
        for root in (PublicScenario, Vpp)
        for owner in classes(root)
        for field in fields(owner)
        if {float, int, Array} & {get_type_hints(owner)[field.name], *get_args(get_type_hints(owner)[field.name])}
        if not ((told := parameter_of(field.metadata)) and told.limits and told.unit)
    ]
    assert bare == []


def test_a_name_ends_with_its_unit() -> None:
    odd = [
        f"{owner.__name__}.{entry.name} [{entry.parameter.unit}]"
        for root in (PublicScenario, Vpp)
        for owner in classes(root)
        for entry in parameters_of(owner)
        if (unit := entry.parameter.unit) and unit not in COUNTS
        if not f"_{entry.name}".endswith(f"_{unit_in_name(unit)}")
    ]
    assert odd == []


def test_what_the_file_leaves_out_is_the_dataclass_as_it_stands(tmp_path: Path) -> None:
    scenario = load_scenario(write_files(tmp_path, MINIMAL_FILES))
    assert scenario.public.market == MarketRules()
    assert scenario.public.carbon == CarbonRules()
    assert scenario.network == NetworkRules()
    assert Horizon().period_h == 1.0


def test_what_follows_another_takes_its_value() -> None:
    carbon = CarbonRules(base_price_cny_per_t=300.0, grid_quota_t_per_mwh=0.5)
    assert (carbon.flat_price_cny_per_t, carbon.direct_quota_t_per_mwh) == (300.0, 0.5)
    assert CarbonRules(base_price_cny_per_t=300.0, flat_price_cny_per_t=100.0).flat_price_cny_per_t == 100.0


def test_the_reference_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert page == parameter_page(), "write it anew: vppmarket parameters > docs/parameters.md"


def test_the_reference_page_has_every_number_of_the_schema() -> None:
    sections = scenario_schema()["$defs"]
    properties = [section["properties"] for section in sections.values() if "properties" in section]
    told = {name for fields in properties for name, field in fields.items() if "unit" in field}
    others = told - {entry.name for entry in catalogue()}
    page = {name.strip("`") for name in re.findall(r"^\| (\S+)", parameter_page(), re.MULTILINE)}
    assert others - {"start_s", "end_s"} <= page
    assert others >= {"start_s", "end_s", "days", "step_h"}  # the first two are of outages and partitions


def test_labels_are_made_of_name_symbol_and_unit() -> None:
    labels = {entry.path: entry.label for entry in catalogue()}
    assert labels["carbon.base_price_cny_per_t"] == "base price μ, CNY/t"
    assert labels["market.satisfaction"] == "satisfaction κ"
    assert labels["vpps.ID.mt.cost_a_cny_per_mw2h"] == "cost a a, CNY/(MW² h)"


def beyond(told: Parameter) -> Iterator[float]:
    """Numbers just outside each bound."""
    yield from (limit for limit in (told.gt, told.lt) if limit is not None)
    if told.ge is not None:
        yield told.ge - 1
    if told.le is not None:
        yield told.le * 2


@pytest.mark.parametrize("path", [entry.path for entry in shared_parameters() if entry.parameter.limits])
def test_file_and_tape_have_the_same_bounds(path: str) -> None:
    entry = next(entry for entry in catalogue() if entry.path == path)
    whole = isinstance(entry.default, int)
    scenario = load_scenario("two_vpp")
    for value in beyond(entry.parameter):
        with pytest.raises(ScenarioError, match=entry.name):
            with_overrides(scenario, {path: int(value) if whole else float(value)})
        if (forged := with_number(scenario, entry.name, value)) is not None:
            with pytest.raises(TapeError, match=f"is {value!r}, not"):
                check_shared(forged.shared)


@pytest.mark.parametrize(("power", "money"), [(1e-3, 100.0), (1e4, 100.0), (1e-3, 1e-3), (1e4, 1e-3)])
def test_costs_of_plants_of_a_kilowatt_and_of_a_country_are_taken(power: float, money: float) -> None:
    scenario = load_scenario("five_vpp")
    for vpp in scenario.vpps:
        turbine = vpp.mt
        assert turbine is not None
        scenario = with_overrides(
            scenario,
            {
                f"vpps.{vpp.id}.mt.cost_a_cny_per_mw2h": 130.0 * money / power,
                f"vpps.{vpp.id}.mt.cost_on_cny_per_h": 40.0 * money * power,
            },
        )
    assert scenario.vpps[0].mt.cost_a_cny_per_mw2h == 130.0 * money / power  # type: ignore[union-attr]


def with_number(scenario: Scenario, name: str, value: float) -> Scenario | None:
    """The scenario with this number in a field of that name, sealed; None if it is in the file only."""
    from dataclasses import replace

    def put(owner: Any) -> Any:
        for field in fields(owner):
            part, told = getattr(owner, field.name), parameter_of(field.metadata)
            if told and name in (field.name, told.in_file):
                return replace(owner, **{field.name: value})
            if is_dataclass(part) and (changed := put(part)) is not None:
                return replace(owner, **{field.name: changed})
        return None

    rules, network = put(scenario.public), put(scenario.network)
    if rules is None and network is None:
        return None
    old = rules or scenario.public
    public = seal_public(old.horizon, old.tariff, old.market, old.carbon)
    return seal_scenario(scenario.name, scenario.title, public, scenario.vpps, network or scenario.network)
