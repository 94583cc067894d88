"""Claims: a scenario written to a folder loads as the same, whole or in part, whatever its values and words; what
is written reads well to people, editors and other programs; only its owner can read it; nothing is overwritten."""

from __future__ import annotations

import csv
import errno
import math
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from market.errors import RunError, ScenarioError
from market.model.currency import spoken_name
from market.model.network import Empirical, LinkConditions
from market.scenario import (
    builtin_cases,
    load_scenario,
    own_part,
    public_part,
    scenario_schema,
    with_overrides,
    write,
    write_scenario,
)
from market.scenario.digest import seal_scenario
from market.scenario.document import parse_document
from market.scenario.fields import OfParameter
from market.scenario.parts import undisclosed
from market.scenario.private import create_file
from market.scenario.scenario import Scenario
from market.scenario.schema import ScenarioFile
from market.scenario.yaml_text import yaml_lines
from tests.market.random_scenarios import LINE, ODD_IDS, parts, scenarios
from tests.market.real_days import RealDay
from tests.market.scenario_files import FULL_FILES, MINIMAL_FILES, replaced, write_files
from tests.market.test_scenario_network import NETWORK
from tests.market.test_scenario_network import files as network_files
from tests.sampling import law

VALIDATOR = jsonschema.Draft202012Validator(scenario_schema())


def written(scenario: Scenario, folder: Path) -> Scenario:
    """What comes back of a scenario; that it is the same is asserted."""
    write_scenario(scenario, folder)
    back = load_scenario(folder)
    assert back.public.digest == scenario.public.digest
    assert (back.roster, back.plant_digests, back.whole) == (
        scenario.roster,
        scenario.plant_digests,
        scenario.whole,
    )
    assert [vpp.id for vpp in back.vpps] == [vpp.id for vpp in scenario.vpps]
    assert (back.network, back.audit, back.title) == (scenario.network, scenario.audit, scenario.title)
    assert back.digest == scenario.digest
    assert back.name == scenario.name
    return back


def with_network(scenario: Scenario, latency: Empirical) -> Scenario:
    """The scenario with this latency on all its links."""
    network = replace(scenario.network, every=LinkConditions(latency))
    return seal_scenario(scenario.name, scenario.title, scenario.public, scenario.vpps, network)


# --- what is written comes back ---


@pytest.mark.parametrize("case", builtin_cases())
def test_every_built_in_case_comes_back_whole_and_in_part(case: str, tmp_path: Path) -> None:
    scenario = load_scenario(case)
    assert written(scenario, tmp_path / "whole").whole
    assert written(public_part(scenario), tmp_path / "public").vpps == ()
    for vpp in scenario.roster:
        assert written(own_part(scenario, vpp), tmp_path / vpp).vpp(vpp).id == vpp
    secret = undisclosed(public_part(scenario))
    assert set(written(secret, tmp_path / "undisclosed").plant_digests) == {""}


OVERRIDES: Mapping[str, dict[str, object]] = {
    "market": {"market.choice_temperature_cny_per_mwh": 0, "market.price_rule": "tatonnement"},
    "kappa": {"market.satisfaction": 0.1 + 0.2},
    "no quota": {"carbon.grid_quota_t_per_mwh": 0, "carbon.mt_quota_t_per_mwh": 0},
    "renewable quota": {"carbon.renewable_quota_t_per_mwh": 0.3, "carbon.mode": "none"},
    "delay": {"network.delay_s": 1 / 3, "network.loss": 0.02},
    "latency": {"network.latency": {"kind": "lognormal", "median_s": 0.05, "sigma": 0.5}},
    "few samples": {"network.latency": {"kind": "empirical", "samples_s": [0.3, 0.1, 0.1]}},
    "many samples": {"network.latency": {"kind": "empirical", "samples_s": [n / 7 for n in range(100)]}},
    "links": {
        "network.links": [
            {"from": "Farm", "to": "Village", "delay_s": 2},
            {"vpp": "Farm", "latency": {"kind": "empirical", "samples_s": [n / 3 for n in range(50)]}},
            {"to": "Farm", "latency": {"kind": "empirical", "samples_s": [n / 9 for n in range(50)]}, "loss": 0.5},
        ]
    },
    "outages": {"network.outages": [{"vpp": "Farm"}, {"from": "Farm", "start_s": 2, "end_s": 2.5}]},
    "partitions": {"network.partitions": [{"groups": [["Village"], ["Farm"]], "start_s": 1}]},
    "compute": {"network.compute_s": 0.5, "network.compute": {"Village": 1}},
    "patience": {"network.silence_s": 20, "network.wait_s": 5, "network.on_loss": "wait", "network.time": "wall"},
}


@pytest.mark.parametrize("changes", OVERRIDES.values(), ids=OVERRIDES)
def test_what_was_overridden_comes_back(changes: dict[str, object], tmp_path: Path) -> None:
    scenario = load_scenario("two_vpp")
    changed = with_overrides(scenario, changes)
    assert changed.digest != scenario.digest
    back = written(changed, tmp_path / "copy")
    more = {"carbon.steps": 7, "network.jitter_s": 0.5}
    assert with_overrides(back, more).digest == with_overrides(changed, more).digest


@law(120)
@given(scenarios())
def test_any_scenario_comes_back(scenario: Scenario) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written(scenario, Path(folder) / "copy")


@law(80)
@given(parts())
def test_any_part_of_a_scenario_comes_back(part: Scenario) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written(part, Path(folder) / "copy")


def _sections(schema: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of the file by its path, without indices."""
    for name, field in schema.model_fields.items():
        here = f"{path}.{field.alias or name}".lstrip(".")
        yield here, field
        for inner in _models(field.annotation):
            yield from _sections(inner, here)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _paths(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key}".lstrip("."), item
            yield from _paths(item, f"{path}.{key}".lstrip("."))
    for item in value if isinstance(value, list) else ():
        yield from _paths(item, path)


def test_no_field_of_the_file_is_forgotten(tmp_path: Path) -> None:
    """Over these scenarios the writer uses every field there is, with a value that is not the default."""
    latencies = (
        "{kind: uniform, low_s: 0.01, high_s: 0.09}",
        "{kind: normal, mean_s: 0.05, deviation_s: 0.01}",
        "{kind: lognormal, median_s: 0.05, sigma: 1.0}",
        "{kind: empirical, samples_s: [" + ", ".join(str(n / 8) for n in range(60)) + "]}",
        "{kind: empirical, samples_s: [0.5]}",
        "{kind: constant, value_s: 3}",
    )
    old = "latency: {kind: lognormal, median_s: 0.05, sigma: 1.0}"
    seen: dict[str, list[object]] = {}
    for number, latency in enumerate(latencies):
        section = NETWORK.replace(f"  {old}", f"  latency: {latency}", 1).replace(f"{{vpp: North, {old}", "")
        section += "  on_loss: wait\n  silence_s: 12\n  wait_s: 70\n  answer_s: 90\n"
        section += "audit: totals\nname: the name\n"
        section += "imbalance: {pricing: single, short_premium: 0.3, long_discount: 0.4, missed_multiple: 11}\n"
        section += "rolling: {plan_h: 2, commit_h: 1, soc_end: valued, end_value_cny_per_mwh: 400}\n"
        section = section.replace("  links:\n", f"  links:\n    - {{from: North, latency: {latency}}}\n")
        files = replaced(dict(network_files(section)), "scenario.yaml", "  - id: South\n", SOUTH)
        if number % 2:
            game = "mechanism: game\n  day_certificate: true"
            files = replaced(files, "scenario.yaml", "mechanism: consensus", game)
            files = replaced(files, "scenario.yaml", "coupling: once", "coupling: iterate")
        scenario = load_scenario(write_files(tmp_path / f"of{number}", files))
        for part in (scenario, public_part(scenario)):
            folder = tmp_path / f"copy{number}{part.whole}"
            written(part, folder)
            document = parse_document((folder / "scenario.yaml").read_text(encoding="utf-8"))
            for path, value in _paths(document.values):
                seen.setdefault(path, []).append(value)
    written(load_scenario(RealDay().write(tmp_path / "day")), tmp_path / "copy of a day")
    document = parse_document((tmp_path / "copy of a day" / "scenario.yaml").read_text(encoding="utf-8"))
    for path, value in _paths(document.values):
        seen.setdefault(path, []).append(value)
    fields = {
        path: field
        for path, field in _sections(ScenarioFile)
        if not path.startswith(("series", "forecast", "groups")) and not _of_units(path, field)
    }
    assert set(fields) - set(seen) == {
        *("horizon.days", "horizon.step_h"),  # periods and period_h; columns of series are written out
        "coupling",  # market.coupling
        "market.satisfaction",  # each VPP has its own
        "network.latency.value_s",  # delay_s
        "network.links.latency.value_s",
    }
    stuck = {
        path for path in fields if path in seen and all(value == fields[path].default for value in seen[path])
    }
    assert stuck == set()


def _of_units(path: str, field: FieldInfo) -> bool:
    """What came with units, and is written in `test_plant_units`."""
    told = next((each.parameter for each in field.metadata if isinstance(each, OfParameter)), None)
    return path.startswith(("vpps.units", "vpps.tariff")) or (told is not None and told.later)


SOUTH = """\
  - id: South
    mt: {p_max_mw: 2, cost_b_cny_per_mwh: 500, ramp_mw_per_h: 1.5}
    exchange: {direct_max_mw: 3}
    strategy: {use: "some.module:Strategy", seed: 3, options: {share: 0.5}}
"""


# --- words and names ---


@law(300)
@given(st.dictionaries(LINE.filter(bool) | st.sampled_from(ODD_IDS), LINE | st.sampled_from(ODD_IDS), min_size=1))
def test_any_words_come_back_here_and_in_older_readers(words: dict[str, str]) -> None:
    fields = {"words": words, "list": [*words.values()], "entries": [{"id": key, "to": [words]} for key in words]}
    text = "\n".join(yaml_lines(fields))
    assert parse_document(text).values == fields
    assert yaml.safe_load(text) == fields


@pytest.mark.parametrize("name", ["a\nb", "é" * 120, "x\x85y", os.fsdecode(b"caf\xe9"), "a: b # c", " padded "])
def test_a_scenario_keeps_its_name(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(write_files(tmp_path / name, MINIMAL_FILES))
    assert scenario.name == name
    write_scenario(scenario, tmp_path / "copy")
    kept = load_scenario(tmp_path / "copy").name
    assert kept == "".join("?" if letter in "\n\x85\udce9" else letter for letter in name)
    assert written(load_scenario(tmp_path / "copy"), tmp_path / "again").name == kept


def test_a_name_in_the_file_counts_before_the_folder_and_not_in_the_digest(tmp_path: Path) -> None:
    text = f"name: Another name\n{MINIMAL_FILES['scenario.yaml']}"
    named = load_scenario(write_files(tmp_path / "a", {**MINIMAL_FILES, "scenario.yaml": text}))
    plain = load_scenario(write_files(tmp_path / "b", MINIMAL_FILES))
    assert (named.name, plain.name) == ("Another name", "b")
    assert named.digest == plain.digest


# --- what is written reads well ---


@pytest.mark.parametrize("case", builtin_cases())
def test_editors_and_other_readers_take_it(case: str, tmp_path: Path) -> None:
    scenario = load_scenario(case)
    for name, part in {"whole": scenario, "own": own_part(scenario, scenario.roster[0])}.items():
        write_scenario(part, tmp_path / name)
        text = (tmp_path / name / "scenario.yaml").read_text(encoding="utf-8")
        VALIDATOR.validate(parse_document(text).values)
        VALIDATOR.validate(yaml.safe_load(text.replace("1e-06", "1.0e-06")))  # 1.1 asks for a point
        told = {f"  {name}: " for name in part.sources}  # where a column came from may be a long story
        plain = [line for line in text.splitlines() if not line.startswith(tuple(told))]
        assert max(map(len, plain)) <= 120
        retail = spoken_name("retail_cny_per_mwh", scenario.public.currency)
        with (tmp_path / name / "tariff.csv").open(encoding="utf-8", newline="") as file:
            prices = [float(row[retail]) for row in csv.DictReader(file)]
        assert prices == scenario.public.tariff.retail_cny_per_mwh.tolist()


def test_only_what_there_is_is_written(tmp_path: Path) -> None:
    write_scenario(load_scenario(write_files(tmp_path / "minimal", MINIMAL_FILES)), tmp_path / "copy")
    text = (tmp_path / "copy" / "scenario.yaml").read_text(encoding="utf-8")
    absent = ("title", "label", "mt:", "ess:", "cl:", "exchange", "links", "outages", "compute:", "inf", "roster")
    assert [word for word in absent if word in text] == []
    assert sorted(os.listdir(tmp_path / "copy")) == ["profiles.csv", "scenario.yaml", "tariff.csv"]


def test_long_lists_of_samples_go_into_files_and_each_once(tmp_path: Path) -> None:
    long = Empirical(tuple(n / 7 for n in range(1000)))
    scenario = with_network(load_scenario("two_vpp"), long)
    links = [{"vpp": "Farm", "latency": {"kind": "empirical", "samples_s": list(long.samples_s)}}]
    written(with_overrides(scenario, {"network.links": links}), tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").glob("latency*")) == ["latency.csv"]


def test_profiles_that_are_too_wide_for_a_file_go_into_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_CELLS", 3 * 24 + 1)
    written(load_scenario("five_vpp"), tmp_path / "copy")
    names = sorted(path.name for path in (tmp_path / "copy").glob("*.csv"))
    assert names == ["profiles.csv", "profiles_2.csv", "profiles_3.csv", "profiles_4.csv", "tariff.csv"]


def test_what_could_not_be_read_again_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    samples = Empirical(tuple(1 / 3 + n / 2**30 for n in range(900_000)))
    with pytest.raises(ScenarioError, match=r"latency\.csv: a file of a scenario must have at most 16 MiB; got 1"):
        write_scenario(with_network(load_scenario("two_vpp"), samples), tmp_path / "copy")
    assert os.listdir(tmp_path) == []


# --- whose it is ---


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [False, True], ids=["new", "empty"])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_enter_and_read(umask: int, before: bool, tmp_path: Path) -> None:
    folder = tmp_path / "above" / "copy"
    if before:
        folder.mkdir(parents=True, mode=0o755)
    old = os.umask(umask)
    try:
        write_scenario(load_scenario("two_vpp"), folder)
    finally:
        os.umask(old)
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def _entries(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("present", ["scenario.yaml", ".hidden", "folder/"])
def test_a_folder_that_holds_anything_is_left_as_it_is(present: str, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    (folder / present).mkdir() if present.endswith("/") else (folder / present).write_bytes(b"mine")
    before = _entries(folder)
    with pytest.raises(ScenarioError, match="the folder must be empty; got a folder with files"):
        write_scenario(load_scenario("two_vpp"), folder)
    assert (_entries(folder), mode(folder)) == (before, 0o755)


def test_a_place_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for folder in (
        tmp_path / "file",
        tmp_path / "file" / "below",
        Path("/proc/nothing/here"),
        tmp_path / ("x" * 300),
    ):
        with pytest.raises(ScenarioError, match="the folder must be one of our own; got"):
            write_scenario(load_scenario("two_vpp"), folder)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_a_full_disk_is_said_and_leaves_no_folder_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        if path.name == "profiles.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        create_file(path, data)

    monkeypatch.setattr(write, "create_file", refuse)
    with pytest.raises(RunError, match=r"profiles\.csv cannot be written: no space left on device"):
        write_scenario(load_scenario("two_vpp"), tmp_path / "copy")
    with pytest.raises(ScenarioError, match=r"scenario\.yaml: must be there"):
        load_scenario(tmp_path / "copy")


def test_no_limit_is_left_out(tmp_path: Path) -> None:
    text = FULL_FILES["scenario.yaml"].replace("direct_in_max_mw: 4.1", "direct_in_max_mw: null")
    scenario = load_scenario(write_files(tmp_path / "of", {**FULL_FILES, "scenario.yaml": text}))
    back = written(scenario, tmp_path / "copy")
    assert back.vpp("North").exchange.direct_in_max_mw == math.inf
    assert back.vpp("North").exchange.direct_out_max_mw == 4.2
