"""Claims: the JSON Schema is one, accepts what the loader accepts, marks what an editor can mark, and explains
every field with its unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from market.scenario import builtin_cases, scenario_schema
from tests.market.scenario_files import FULL_YAML, MINIMAL_FILES

SCHEMA = scenario_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CASES = Path(__file__).parents[2] / "market" / "cases"


def _fields() -> list[tuple[str, dict[str, Any]]]:
    sections = {"": SCHEMA, **SCHEMA["$defs"]}
    return [(f"{n}.{f}", v) for n, section in sections.items() for f, v in section.get("properties", {}).items()]


def _messages(errors: Iterable[jsonschema.ValidationError]) -> Iterator[str]:
    """All messages, those inside `anyOf` too."""
    for error in errors:
        yield error.message
        yield from _messages(error.context or ())


def _types(field: dict[str, Any]) -> set[str]:
    options = [field, *field.get("anyOf", [])]
    return {option["type"] for option in options if isinstance(option.get("type"), str)}


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("case", builtin_cases())
def test_it_accepts_every_built_in_case(case: str) -> None:
    VALIDATOR.validate(yaml.safe_load((CASES / case / "scenario.yaml").read_text(encoding="utf-8")))


def test_it_accepts_every_field_and_a_minimal_scenario() -> None:
    VALIDATOR.validate(yaml.safe_load(FULL_YAML.replace("1e-5", "1.0e-5")))
    VALIDATOR.validate(yaml.safe_load(MINIMAL_FILES["scenario.yaml"]))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("p_max_mw: 1.7", "p_max_mw: -1.7", "-1.7 is less than the minimum of 0"),
        ("p_max_mw: 1.7", "p_maxi_mw: 1.7", "p_maxi_mw"),
        ("charge_efficiency: 0.94", "charge_efficiency: 0", "0 is less than or equal to the minimum of 0"),
        ("mode: flat", "mode: steep", "'steep' is not one of ['stepped', 'flat', 'none']"),
        ("steps: 6", "steps: 6.5", "6.5 is not of type 'integer'"),
        ("commitment: true", "commitment: 'true'", "'true' is not of type 'boolean'"),
        ("id: South", "id: 4South", "'4South' does not match"),
        ("profiles: [profiles.csv, tariff.csv]", "profiles: []", "[] should be non-empty"),
    ],
)
def test_it_marks_a_broken_scenario(old: str, new: str, said: str) -> None:
    assert old in FULL_YAML
    document = yaml.safe_load(FULL_YAML.replace("1e-5", "1.0e-5").replace(old, new))
    assert any(said in message for message in _messages(VALIDATOR.iter_errors(document)))


def test_every_field_is_described() -> None:
    assert len(_fields()) > 60
    assert [name for name, field in _fields() if not field.get("description")] == []


def test_every_number_has_a_unit_and_says_it() -> None:
    numbers = [(name, field) for name, field in _fields() if _types(field) & {"number", "integer"}]
    assert len(numbers) > 45
    for name, field in numbers:
        assert field["description"].endswith(f"[{field['unit']}]"), name


def test_units_in_names_agree_with_the_schema() -> None:
    units = {
        "_mw": "MW",
        "_mwh": "MWh",
        "_h": "h",
        "_discharge_per_h": "share/h",
        "_s": "s",
        "_bit_per_s": "bit/s",
        "_t": "t CO2",
        "_mw_per_h": "MW/h",
        "_cny_per_h": "CNY/h",
        "_cny_per_t": "CNY/t",
        "_cny_per_mw": "CNY/MW",
        "_cny_per_mwh": "CNY/MWh",
        "_cny_per_mw2h": "CNY/(MW² h)",
        "_cny_per_mwh_per_mw": "CNY/MWh per MW",
        "_t_per_mwh": "t CO2/MWh",
    }
    endings = sorted(units, key=len, reverse=True)
    named = [(f, next((e for e in endings if name.endswith(e)), "")) for name, f in _fields() if "unit" in f]
    checked = [(field["unit"], units[ending]) for field, ending in named if ending]
    assert len(checked) > 35
    assert [pair for pair in checked if pair[0] != pair[1]] == []
