"""Claims: `--set PATH=VALUE` changes any field of a scenario for one command, and says by itself what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market.errors import Fault, ScenarioError
from market.scenario import load_scenario, with_overrides, write_scenario
from market.scenario.catalogue import known_paths
from market.scenario.changes import Changes, as_flags, changed, set_changes, together
from market.scenario.parts import public_part
from tests.app.commands import error_lines, vppmarket


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1e-6", 1e-6), ("flat", "flat"), ("true", True), ("null", None), ("", None), ("'5'", "5"),
     ("[mt, grid_buy]", ["mt", "grid_buy"]), ("{energy_mwh: 0.1}", {"energy_mwh": 0.1}),
     ("a=b", "a=b"), (" 2 ", 2), ("[{vpp: VPP1, loss: 0.1}]", [{"vpp": "VPP1", "loss": 0.1}])],
)  # fmt: skip
def test_a_value_is_read_as_in_the_file(text: str, value: object) -> None:
    assert set_changes([f"carbon.growth={text}"]).values == {"carbon.growth": value}


@pytest.mark.parametrize(
    "text", ["carbon.growth", "=1", " =1", "title=[a", "title=!!python/name:os.system x", "x=*a"]
)
def test_what_cannot_be_read_is_told_with_the_flag(text: str) -> None:
    with pytest.raises(ScenarioError) as error:
        set_changes([text, "carbon.growth=1", "carbon.growth=2"])
    assert all(fault.place.startswith("--set") for fault in error.value.faults)
    assert len(error.value.faults) == 2  # a path twice as well


CASE = load_scenario("two_vpp")
PATHS = [*known_paths(CASE), "title", "audit", "coupling", "network.latency", "network.links", "network.outages"]
PATHS += [f"vpps.{vpp.id}{below}" for vpp in CASE.vpps for below in ("", ".id", ".mt", ".wt", ".load", ".")]
ODD = ("null", "", "x", "-1", ".nan", "1e300", "[]", "{a: 1}", "true", "'1'", "[1]", "\x07", "\udcff", "[a", "@a")


def refused(*settings: str) -> list[Fault]:
    """What is wrong with these, nothing where nothing is."""
    try:
        changed(CASE, settings)
    except ScenarioError as error:
        return list(error.faults)
    return []


@pytest.mark.parametrize("value", ODD, ids=ascii)
def test_every_refusal_of_a_value_names_its_flag_and_what_can_be_done(value: str) -> None:
    """Nor does any advise to leave the flag out for the default: the scenario's own value stays then."""
    for path in PATHS:
        for fault in refused(f"{path}={value}"):
            assert f"--set {path[:80]}" in fault.place, fault
            assert "for the default" not in fault.remedy, fault
            assert not (fault.value == "nothing" and "quotes" in fault.remedy), fault
            assert str(fault).isprintable(), fault
            assert len(str(fault)) < 700


@pytest.mark.parametrize("value", ["\x07", "a\x1b[2Jb", "\x00", "\udcff", "\ufffe"])
def test_a_character_that_no_text_has_is_the_reason(value: str) -> None:
    for path in ("title", "carbon.growth", "vpps.Farm.label"):
        (fault,) = refused(f"{path}={value}")
        assert fault.place == f"--set {path}"
        assert fault.rule == "must be of printable characters"
        assert fault.value in (ascii(letter) for letter in value)


def test_the_example_of_a_path_is_one_that_can_be_set() -> None:
    for path in ("vpps", *(f"vpps.{vpp.id}" for vpp in CASE.vpps)):
        (fault,) = refused(f"{path}=null")
        example = fault.remedy.partition(", such as ")[2]
        assert example.startswith(path)
        assert refused(f"{example}=0.5") == []
    with pytest.raises(ScenarioError, match=r"go on with an id and a field$"):
        changed(public_part(CASE), ["vpps=null"])


def test_a_path_of_any_length_makes_no_long_message() -> None:
    for settings in (["a" * 900 + "=1"], ["a" * 900], ["carbon." + "a" * 900 + "=1"] * 2):
        assert all(len(str(fault)) < 700 for fault in refused(*settings))


def test_two_flags_for_one_path_are_refused() -> None:
    first = Changes({"network.loss": 0.1}, {"network.loss": "--loss"})
    second = set_changes(["network.loss=0.2"])
    with pytest.raises(ScenarioError, match=r"--set network\.loss: must be given by one flag only; .* by --loss"):
        together(first, second)
    assert as_flags(["a=1", "b=2"]) == ["--set", "a=1", "--set", "b=2"]


def test_a_run_is_that_of_the_changed_scenario(tmp_path: Path) -> None:
    flags = ("--set", "carbon.growth=0.5", "--set", "vpps.VPP1.ess=null", "--set", "audit=totals")
    done = vppmarket("run", "five_vpp", "--in-process", "--json", "--out", "run", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    changes = {"carbon.growth": 0.5, "vpps.VPP1.ess": None, "audit": "totals"}
    wanted = with_overrides(load_scenario("five_vpp"), changes)
    assert json.loads(done.stdout)["scenario_digest"] == wanted.digest


def test_check_shows_every_fault_with_its_flag(tmp_path: Path) -> None:
    flags = ("--set", "carbon.grwoth=1", "--set", "vpps.VPP9.mt=null", "--set", "market.price_rule=slow")
    done = vppmarket("check", "five_vpp", *flags, cwd=tmp_path)
    assert done.returncode == 2
    told = "\n".join(error_lines(done))
    assert "--set carbon.grwoth: must be a known field" in told
    assert "--set vpps.VPP9.mt: must be the id of a VPP" in told
    assert "--set market.price_rule: must be one of: best_response, gradient, tatonnement" in told
    sound = vppmarket("check", "five_vpp", "--set", "carbon.growth=0.5", cwd=tmp_path)
    assert (sound.returncode, sound.stderr) == (0, "")


def test_a_broker_without_plants_changes_none(tmp_path: Path) -> None:
    write_scenario(public_part(load_scenario("two_vpp")), tmp_path / "public")
    done = vppmarket("broker", "public", "--set", "vpps.Farm.mt=null", cwd=tmp_path)
    assert done.returncode == 2
    assert "--set vpps.Farm.mt: must be a plant that is known here; got 'Farm'" in error_lines(done)[0]


def test_a_run_that_is_taken_up_or_looked_at_is_not_changed(tmp_path: Path) -> None:
    assert vppmarket("run", "two_vpp", "--quiet", "--out", "run", cwd=tmp_path).returncode == 0
    again = vppmarket("run", "--resume", "run", "--set", "carbon.growth=1", cwd=tmp_path)
    assert again.returncode == 2
    assert "--set: a run is taken up as it was begun" in error_lines(again)[0]
    seen = vppmarket("view", "run", "--set", "carbon.growth=1", cwd=tmp_path)
    assert seen.returncode == 2
    assert "a run is looked at as it is" in error_lines(seen)[0]


def test_a_study_takes_it_as_well(tmp_path: Path) -> None:
    flags = ("--quiet", "--out", "study", "--set", "market.satisfaction=12")
    done = vppmarket("experiment", "economics", "two_vpp", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert "--set market.satisfaction: must be a number > 0 and <= 10" in error_lines(done)[0]


def test_parameters_prints_the_page(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "parameters.md"
    assert vppmarket("parameters", cwd=tmp_path).stdout == page.read_text(encoding="utf-8")
