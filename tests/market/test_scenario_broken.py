"""Claims: every broken scenario is refused with exactly its faults, all at once, each with rule, value, place
and remedy; and no input whatever gives anything but a Scenario or a ScenarioError."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from market.errors import Fault, ScenarioError
from market.scenario import document, load_scenario, scenario_schema
from market.scenario.scenario import Scenario
from tests.market.broken_scenarios import BROKEN, BrokenScenario, ExpectedFault
from tests.market.scenario_files import FULL_FILES, FULL_YAML, replaced, write_files
from tests.sampling import law

FULL: dict[str, Any] = yaml.safe_load(FULL_YAML.replace("1e-5", "1.0e-5"))
PART: dict[str, Any] = {**FULL, "name": "A part", "audit": "none", "roster": ["North", {"id": "South"}]}
VALIDATOR = jsonschema.Draft202012Validator(scenario_schema())


def _faults(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(folder)
    return caught.value.faults


@pytest.mark.parametrize("broken", BROKEN, ids=[broken.name for broken in BROKEN])
def test_a_broken_scenario_is_told_its_faults(broken: BrokenScenario, tmp_path: Path) -> None:
    told = _faults(broken.write(tmp_path))
    assert [(f.place, f.rule, f.value) for f in told] == [(f.place, f.rule, f.value) for f in broken.faults]
    for fault, expected in zip(told, broken.faults, strict=True):
        assert expected.remedy in fault.remedy
        assert str(fault) == f"{fault.place}: {fault.rule}; got {fault.value}; {fault.remedy}"
        assert "\n" not in str(fault)


def test_names_in_the_table_are_different() -> None:
    assert len({broken.name for broken in BROKEN}) == len(BROKEN)


def test_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    files = replaced(FULL_FILES, "scenario.yaml", "charge_max_mw: 0.6", "charge_max_mw: -1")
    files = replaced(files, "scenario.yaml", "soc_min: 0.12", "soc_min: 1.2")
    files = replaced(files, "scenario.yaml", "p_min_mw: 0.3", "p_min_mw: 3")
    files = replaced(files, "scenario.yaml", "steps: 6", "stages: 6")
    files = replaced(files, "scenario.yaml", "growth: 0.26", "growth: 0.26\n  growth: 0.3")
    files = replaced(files, "profiles.csv", "2,2.5,", "2,-2.5,")
    files = replaced(files, "tariff.csv", "3,1200,480", "3,1200,nan")
    places = {fault.place.split(" ", 1)[-1] for fault in _faults(write_files(tmp_path, files))}
    assert places == {
        "scenario.yaml:29",
        "vpps[0].ess.charge_max_mw",
        "vpps[0].ess.soc_min",
        "vpps[0].mt.p_min_mw",
        "carbon.stages",
        "column North_load_mw",
        "column feed_in_cny_per_mwh",
    }


def test_a_long_list_of_faults_is_cut_short(tmp_path: Path) -> None:
    rows = "".join(f"{period},700,300,x\n" for period in range(1, 1001))
    unknown = ", ".join(f"x{number}: 1" for number in range(1000))
    files = {
        "scenario.yaml": f"horizon: {{periods: 1000}}\nvpps: [{{id: A, {unknown}}}]",
        "profiles.csv": f"period,retail_cny_per_mwh,feed_in_cny_per_mwh,A_load_mw\n{rows}",
    }
    told = _faults(write_files(tmp_path, files))
    assert len(told) == 200 + 1 + 3 + 1
    assert ("scenario.yaml:1", "800 more") in [(fault.place, fault.value) for fault in told]
    assert ("profiles.csv column A_load_mw", "997 more") in [(fault.place, fault.value) for fault in told]


def test_the_error_is_its_faults_line_by_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write_files(tmp_path, {"scenario.yaml": "vpps: []\nhorizon: 3\n"}))
    assert str(caught.value).splitlines() == [str(fault) for fault in caught.value.faults]


def _outcome(folder: Path) -> str:
    """What loading gives: `scenario` or `faults`; anything else is raised."""
    faults: tuple[Fault, ...] = ()
    try:
        scenario = load_scenario(folder)
    except ScenarioError as error:
        faults = error.faults
    else:
        assert isinstance(scenario, Scenario)
        return "scenario"
    assert faults
    assert all(fault.rule and fault.value and fault.place and fault.remedy for fault in faults)
    return "faults"


ODD_TEXT = st.one_of(
    st.sampled_from(
        ["", "-", "nan", ".nan", "1e999", "-0", "0x1F", "1_0", "yes", "null", "~", "\n", "\t", ": ", "- ", "{",
         "]", "&a", "*a", "!!int", "'", '"', "|", ">", "%", "@", "`", "\ufeff", "\x00", "\x85", "\u2028", "é", ",",
         ";", "9" * 30]
    ),
    st.text(max_size=6),
)  # fmt: skip


@st.composite
def damaged_files(draw: st.DrawFn) -> dict[str, str | bytes]:
    """The full scenario with one to four random cuts, insertions or overwritings in its texts."""
    files: dict[str, str | bytes] = {**FULL_FILES}
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(FULL_FILES)))
        data = files[name]
        data = data.encode() if isinstance(data, str) else data
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 5, 40])))
        filling = draw(
            st.one_of(ODD_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=3))
        )
        files[name] = data[:start] + filling + data[stop:]
    return files


@law(300)
@given(damaged_files())
def test_damaged_text_gives_a_scenario_or_its_faults(files: dict[str, str | bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _outcome(write_files(Path(folder), files))


@law(60)
@given(damaged_files())
def test_the_pure_python_parser_does_as_well(files: dict[str, str | bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "_LOADER", yaml.BaseLoader)
        _outcome(write_files(Path(folder), files))


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, child in items for below in _paths(child, (*path, key)))]


def _changed(of: object, path: tuple[str | int, ...], value: object) -> object:
    """A document with the value at `path` exchanged."""
    if not path:
        return value
    document: Any = json.loads(json.dumps(of))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


ODD_VALUE = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
        st.sampled_from([0, 1, -1, 0.5, 1e7, 10**30, "North", "flat", "wt", "profiles.csv"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@law(400)
@given(st.sampled_from([(of, path) for of in (FULL, PART) for path in _paths(of)]), ODD_VALUE)
def test_any_value_anywhere_gives_a_scenario_or_its_faults(
    place: tuple[object, tuple[str | int, ...]], value: object
) -> None:
    changed = _changed(*place, value)
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(changed, ensure_ascii=False)
        outcome = _outcome(
            write_files(Path(folder), {**FULL_FILES, "scenario.yaml": text.encode("utf-8", "replace")})
        )
    if outcome == "scenario":  # the loader accepts nothing that an editor marks
        VALIDATOR.validate(changed)


def test_the_table_of_expected_faults_holds_no_empty_words() -> None:
    for broken in BROKEN:
        assert broken.faults
        assert all(isinstance(fault, ExpectedFault) and fault.remedy for fault in broken.faults)
