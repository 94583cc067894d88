"""Claims: a digest changes with every value of a scenario and with nothing else, and the public digest with
the public values only."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from tests.market.scenario_files import FULL_FILES, FULL_YAML, replaced, write_files

FULL: dict[str, Any] = yaml.safe_load(FULL_YAML.replace("1e-5", "1.0e-5"))
PUBLIC = ("horizon", "market", "carbon")
# What cannot be nudged by itself: these go with files, with ids, or have one value only.
BOUND = {"profiles", "horizon.periods", "coupling", "vpps[0].id", "vpps[1].id", "carbon.quota_sources"}
OTHER_WORD = {"consensus": "game", "gradient": "tatonnement", "flat": "none"}


def _leaves(value: object, path: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        return {
            k: v for key, child in value.items() for k, v in _leaves(child, f"{path}.{key}".lstrip(".")).items()
        }
    if isinstance(value, list) and path == "vpps":
        return {k: v for i, child in enumerate(value) for k, v in _leaves(child, f"{path}[{i}]").items()}
    return {} if path in BOUND else {path: value}


def _nudged(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return OTHER_WORD.get(value, f"{value}!")
    assert isinstance(value, int | float)
    return value + 1 if isinstance(value, int) else math.nextafter(value, math.inf)


def _with(path: str, value: object) -> dict[str, str]:
    document: Any = json.loads(json.dumps(FULL))
    place = document
    *parents, last = path.replace("[", ".").replace("]", "").split(".")
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    return {**FULL_FILES, "scenario.yaml": json.dumps(document)}


@pytest.fixture
def full(tmp_path: Path) -> Scenario:
    return load_scenario(write_files(tmp_path / "full", FULL_FILES))


@pytest.mark.parametrize(("path", "value"), _leaves(FULL).items(), ids=_leaves(FULL))
def test_every_value_counts(path: str, value: object, full: Scenario, tmp_path: Path) -> None:
    """Whole numbers by one, others by the last bit."""
    changed = load_scenario(write_files(tmp_path / "changed", _with(path, _nudged(value))))
    assert changed.digest != full.digest
    public = path.startswith(PUBLIC) and path != "market.satisfaction"  # κ is the VPPs' own
    assert (changed.public.digest != full.public.digest) == public


@pytest.mark.parametrize(
    ("old", "new", "public"),
    [("2.25", "2.26", False), (".75", ".76", False), ("3.125", "3.126", False), ("480", "481", True),
     ("-20", "20", True)],
)  # fmt: skip
def test_every_cell_counts(old: str, new: str, public: bool, full: Scenario, tmp_path: Path) -> None:
    files = {name: text.replace(old, new) for name, text in FULL_FILES.items()}
    changed = load_scenario(write_files(tmp_path / "changed", files))
    assert changed.digest != full.digest
    assert (changed.public.digest != full.public.digest) == public


def test_names_and_order_of_vpps_count(full: Scenario, tmp_path: Path) -> None:
    renamed = {name: text.replace("South", "West") for name, text in FULL_FILES.items()}
    head, tail = FULL_YAML.split("  - id: North")
    turned = f"{head}  - id: South\n  - id: North{tail.removesuffix('  - id: South' + chr(10))}"
    one = load_scenario(write_files(tmp_path / "renamed", renamed))
    two = load_scenario(write_files(tmp_path / "turned", {**FULL_FILES, "scenario.yaml": turned}))
    assert len({full.digest, one.digest, two.digest}) == 3
    assert full.public.digest == one.public.digest == two.public.digest


ONE_TABLE = """\
feed_in_cny_per_mwh,South_load_mw,period , North_pv_mw,North_load_mw,retail_cny_per_mwh,North_wt_mw
320,3125e-3,1,-0,2.250,400.0,+1.5

-2e1,3,2,.5,2.5,750,1.25
480,2.875,3,"0.75",2.75,1200,1
"""


def test_formatting_does_not_count(full: Scenario, tmp_path: Path) -> None:
    as_json = json.dumps(FULL)
    one_table = {k: v for k, v in FULL_FILES.items() if k != "tariff.csv"} | {"profiles.csv": ONE_TABLE}
    one_table["scenario.yaml"] = FULL_YAML.replace("profiles: [profiles.csv, tariff.csv]\n", "")
    same = {
        "json": {**FULL_FILES, "scenario.yaml": as_json},
        "comments": {**FULL_FILES, "scenario.yaml": "# hello\n" + FULL_YAML.replace("\n", "  # why\n")},
        "windows": {name: ("\ufeff" + text).replace("\n", "\r\n") for name, text in FULL_FILES.items()},
        "numbers": replaced(FULL_FILES, "scenario.yaml", "p_max_mw: 1.7", "p_max_mw: +17.0E-1"),
        "one table": one_table,
    }
    for name, files in same.items():
        scenario = load_scenario(write_files(tmp_path / name, files))
        assert (scenario.digest, scenario.public.digest) == (full.digest, full.public.digest), name
        assert scenario.name == name


def test_a_default_written_out_is_the_default(tmp_path: Path) -> None:
    written = FULL_YAML + "    ess: {energy_mwh: 1, charge_max_mw: 1, discharge_max_mw: 1, soc_initial: 0.5}\n"
    left_out = written.replace(", soc_initial: 0.5", "")
    one = load_scenario(write_files(tmp_path / "one", {**FULL_FILES, "scenario.yaml": written}))
    two = load_scenario(write_files(tmp_path / "two", {**FULL_FILES, "scenario.yaml": left_out}))
    assert one.digest == two.digest


def test_another_process_finds_the_same_digest(full: Scenario, tmp_path: Path) -> None:
    code = f"from market.scenario import load_scenario; print(load_scenario({str(tmp_path / 'full')!r}).digest)"
    environment = {**os.environ, "PYTHONHASHSEED": "17"}
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment, timeout=150
    )
    assert output.stdout.decode().strip() == full.digest
    assert len(full.digest) == len(full.public.digest) == 64
