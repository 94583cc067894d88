"""Claims: a new parameter is one field of a dataclass; everything else that speaks of it follows by itself.

In a copy of the packages each dataclass gets a field more; then the copy is asked about it in its own process.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOMES = {
    "Horizon": ("rules.py", "horizon"),
    "MarketRules": ("rules.py", "market"),
    "CarbonRules": ("rules.py", "carbon"),
    "LinkConditions": ("network.py", "network"),
    "Retransmission": ("network.py", "network"),
    "NetworkRules": ("network.py", "network"),
    "Renewable": ("vpp.py", "vpps.VPP1.pv"),
    "MicroTurbine": ("vpp.py", "vpps.VPP1.mt"),
    "Storage": ("vpp.py", "vpps.VPP1.ess"),
    "ControllableLoad": ("vpp.py", "vpps.VPP1.cl"),
    "Exchange": ("vpp.py", "vpps.VPP1.exchange"),
    "Vpp": ("vpp.py", "vpps.VPP1"),
}
"""Each dataclass of parameters: its module, and where its fields stand in the file."""

ASK = """
import dataclasses, json, pathlib, subprocess, sys
from market.errors import ScenarioError
from market.scenario import load_scenario, scenario_schema, with_overrides, write_scenario
from market.scenario.as_fields import long_fields
from market.scenario.catalogue import catalogue
from market.scenario.parameter_page import parameter_page
from market.app.mesa_model import MarketModel
from market.app.view.form import ENTRIES, form_of

names, places, scratch = json.loads(sys.argv[1]), json.loads(sys.argv[2]), pathlib.Path(sys.argv[3])
base = load_scenario("five_vpp")
answers = {}

def value_in(scenario, path):
    node = long_fields(scenario)
    for part in path.split("."):
        node = next(v for v in node if v["id"] == part) if isinstance(node, list) else node[part]
    return node

for owner, name in names.items():
    path = f"{places[owner]}.{name}"
    changed = with_overrides(base, {path: 3.25})
    write_scenario(changed, scratch / name)
    back = load_scenario(scratch / name)
    try:
        with_overrides(base, {path: 99.0})
        refused = ""
    except ScenarioError as error:
        refused = str(error)
    plant = path.startswith("vpps.")
    form = [] if plant else [entry.path for entry in ENTRIES]
    answers[owner] = {
        "default": value_in(base, path),
        "set": value_in(changed, path),
        "counts in the digest": changed.digest != base.digest,
        "comes back": value_in(back, path) == 3.25 and back.digest == changed.digest,
        "in the text": f"{name}: 3.25" in (scratch / name / "scenario.yaml").read_text(),
        "refused": refused,
        "in the schema": name in json.dumps(scenario_schema()),
        "on the page of parameters": f"`{name}` | ζ | MW | > 1 and <= 9 | " in parameter_page(),
        "a keyword": value_in(MarketModel("five_vpp", **{path if plant else name: 3.25}).scenario, path),
        "in the form": plant or (path in form and form_of(changed).values[path] == 3.25),
    }
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages with a field more at the end of each dataclass, before its methods."""
    place = tmp_path_factory.mktemp("copy")
    for package in ("market", "broker", "vpp_nodes"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    for owner, (module, _) in HOMES.items():
        path = place / "market" / "model" / module
        path.write_text(with_field(path.read_text(encoding="utf-8"), owner), encoding="utf-8")
    return place


def name_of(owner: str) -> str:
    return f"dummy_{owner.lower()}_mw"


def with_field(text: str, owner: str) -> str:
    """A module's text with the field put in behind the last one of the class."""
    classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef) and node.name == owner]
    last = max(node.end_lineno or 0 for node in classes[0].body if isinstance(node, ast.AnnAssign))
    lines = text.splitlines()
    lines.insert(
        last, f'    {name_of(owner)}: float = parameter("MW", "A dummy", symbol="ζ", default=2.5, gt=1, le=9)'
    )
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def answers(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    names = json.dumps({owner: name_of(owner) for owner in HOMES})
    places = json.dumps({owner: place for owner, (_, place) in HOMES.items()})
    scratch = tmp_path_factory.mktemp("written")
    command = [sys.executable, "-c", ASK, names, places, str(scratch)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.mark.in_turn("a field more")
@pytest.mark.parametrize("owner", HOMES)
def test_a_field_more_is_a_parameter_everywhere(owner: str, answers: dict[str, dict[str, object]]) -> None:
    told = dict(answers[owner])
    refused = str(told.pop("refused"))
    path = f"{HOMES[owner][1]}.{name_of(owner)}"
    assert f"override {path}: must be a number > 1 and <= 9" in refused
    assert "A dummy, ζ" in refused
    assert told.pop("default") == 2.5
    assert told.pop("set") == 3.25 == told.pop("a keyword")
    assert set(told.values()) == {True}, told


@pytest.mark.parametrize("owner", ["MarketRules", "NetworkRules", "Storage"])
def test_the_command_line_can_set_it(owner: str, copy: Path) -> None:
    path = f"{HOMES[owner][1]}.{name_of(owner)}"

    def check(*flags: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from market.app.entry import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "check", "five_vpp", *flags]
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=150)

    plain, changed, broken = check(), check("--set", f"{path}=3.25"), check("--set", f"{path}=99")
    assert (plain.returncode, changed.returncode, broken.returncode) == (0, 0, 2)
    assert plain.stdout != changed.stdout  # the digest
    assert f"--set {path}: must be a number > 1 and <= 9" in broken.stderr


def test_a_run_of_the_copy_keeps_it_on_its_tape(copy: Path, tmp_path: Path) -> None:
    code = "import sys; from market.app.entry import main; sys.exit(main())"
    path = f"{HOMES['LinkConditions'][1]}.{name_of('LinkConditions')}"
    run = [
        sys.executable,
        "-c",
        code,
        "run",
        "two_vpp",
        "--quiet",
        "--out",
        str(tmp_path / "run"),
        "--set",
        f"{path}=3",
    ]
    done = subprocess.run(run, cwd=copy, capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    replay = [sys.executable, "-c", code, "replay", str(tmp_path / "run")]
    done = subprocess.run(replay, cwd=copy, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["conditions"][name_of("LinkConditions")] == 3.0
    assert manifest["rules"]["market"][name_of("MarketRules")] == 2.5
