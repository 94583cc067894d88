"""Claims: a scenario that has been split gives nobody a plant but its own, and loses nothing: every folder loads,
with the digests of the whole, and together they are the whole."""

from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path

import pytest

from market.app.cli.main import command
from market.app.cli.split import split_scenario
from market.errors import ScenarioError
from market.scenario import builtin_cases, load_scenario, with_overrides, write_scenario
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario
from tests.market.scenario_files import MINIMAL_FILES, write_files
from tests.market.unmistakable import digits, found_in, plant_numbers, unmistakable


def text_of(folder: Path) -> str:
    """Everything that a folder holds, and what its files are called."""
    return "\n".join(f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in sorted(folder.rglob("*.*")))


def of(scenario: Scenario) -> tuple[object, ...]:
    """What every part of a market has in common."""
    digests = (scenario.digest, scenario.public.digest, scenario.plant_digests)
    return (scenario.name, scenario.roster, scenario.audit, *digests)


def joined(folder: Path, roster: tuple[str, ...]) -> Scenario:
    """The market again, from its public part and everybody's own plant."""
    public = load_scenario(folder / "public")
    vpps = tuple(load_scenario(folder / vpp).vpp(vpp) for vpp in roster)
    return seal_scenario(public.name, public.title, public.public, vpps, public.network, public.audit)


# --- nothing is lost ---


@pytest.mark.parametrize("case", builtin_cases())
def test_every_part_has_the_digests_of_the_whole(case: str, tmp_path: Path) -> None:
    scenario = load_scenario(case)
    split_scenario(scenario, tmp_path / "split", disclosed=True)
    assert {path.name for path in (tmp_path / "split").iterdir()} == {"public", *scenario.roster}
    for name in ("public", *scenario.roster):
        part = load_scenario(tmp_path / "split" / name)
        assert of(part) == of(scenario)
        assert [vpp.id for vpp in part.vpps] == ([] if name == "public" else [name])
    assert joined(tmp_path / "split", scenario.roster).digest == scenario.digest


def test_overrides_and_audit_go_along(tmp_path: Path) -> None:
    changed = with_overrides(load_scenario("five_vpp"), {"network.links": [{"vpp": "VPP2", "delay_s": 0.1}]})
    write_scenario(changed, tmp_path / "changed")
    with (tmp_path / "changed" / "scenario.yaml").open("a", encoding="utf-8") as file:
        file.write("audit: totals\n")
    scenario = load_scenario(tmp_path / "changed")
    split_scenario(scenario, tmp_path / "split", disclosed=True)
    part = load_scenario(tmp_path / "split" / "VPP4")
    assert of(part) == of(scenario)
    assert part.network == changed.network


# --- nothing is given away ---


@pytest.fixture(scope="module")
def secret() -> Scenario:
    return unmistakable()


@pytest.mark.parametrize("disclosed", [True, False])
def test_no_plants_number_is_in_anybody_elses_folder(disclosed: bool, secret: Scenario, tmp_path: Path) -> None:
    split_scenario(secret, tmp_path / "split", disclosed=disclosed)
    texts = {name: text_of(tmp_path / "split" / name) for name in ("public", *secret.roster)}
    for vpp in secret.vpps:
        numbers = plant_numbers(vpp)
        assert found_in(texts[vpp.id], numbers) == numbers  # the search finds them where they are
        for name in {*texts} - {vpp.id}:
            assert found_in(texts[name], numbers) == [], name
            assert vpp.label not in texts[name]
            assert f"{vpp.id}_" not in texts[name]  # no column of it either


def test_the_numbers_searched_for_are_unmistakable(secret: Scenario) -> None:
    numbers = [number for vpp in secret.vpps for number in plant_numbers(vpp)]
    assert len(numbers) > 100
    assert len({digits(number) for number in numbers}) == len(numbers)


def test_undisclosed_parts_have_nobodys_digest(secret: Scenario, tmp_path: Path) -> None:
    split_scenario(secret, tmp_path / "split", disclosed=False)
    assert re.findall(r"[0-9a-f]{64}", text_of(tmp_path / "split")) == []
    public, own = (load_scenario(tmp_path / "split" / name) for name in ("public", "Beta"))
    assert set(public.plant_digests) == {""}
    assert own.plant_digests == ("", secret.plant_digests[1], "")  # who has the plant knows its digest
    assert public.public.digest == own.public.digest == secret.public.digest


@pytest.mark.parametrize("before", [False, True], ids=["new", "empty"])
def test_only_the_caller_can_enter_and_read(before: bool, secret: Scenario, tmp_path: Path) -> None:
    if before:
        (tmp_path / "split").mkdir(mode=0o755)
    old = os.umask(0)
    try:
        split_scenario(secret, tmp_path / "split", disclosed=True)
    finally:
        os.umask(old)
    for path in [tmp_path / "split", *(tmp_path / "split").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


# --- the command ---


def test_the_command_says_what_is_for_whom_and_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a market"
    assert command(["split", "two_vpp", str(folder)]) == 0
    told = capsys.readouterr().out
    for name in ("public", "Farm", "Village"):
        assert str(folder / name) in told
        assert command(["check", str(folder / name)]) == 0
    checked = capsys.readouterr().out
    assert "two_vpp is sound: no plant of 2 VPPs; not here are Farm, Village (known by digest)" in checked
    assert "two_vpp is sound: the plant of Farm of 2 VPPs; not here are Village (known by digest)" in checked
    (line,) = (line for line in told.splitlines() if line.startswith("  ") and "vppmarket" in line)
    assert shlex.split(line)[1:] == ["broker", str(folder / "public")]


def test_the_command_leaves_digests_out_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["split", "two_vpp", str(tmp_path / "x"), "--undisclosed"]) == 0
    assert "the VPPs by id alone; no plant" in capsys.readouterr().out
    assert command(["check", str(tmp_path / "x" / "public")]) == 0
    assert "not here are Farm, Village (undisclosed)" in capsys.readouterr().out


def test_a_folder_that_holds_anything_or_cannot_be_had_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / ".mine").write_text("", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for place, value in {
        "taken": "a folder with files",
        "file": "not a directory",
        "file/x": "not a directory",
    }.items():
        assert command(["split", "two_vpp", str(tmp_path / place)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: DIR {tmp_path / place}: the folder must be ")
        assert f"; got {value}; name a new" in line
    assert os.listdir(tmp_path / "taken") == [".mine"]


def test_a_part_cannot_be_split_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["split", "two_vpp", str(tmp_path / "x")]) == 0
    assert command(["split", str(tmp_path / "x" / "Farm"), str(tmp_path / "y")]) == 2
    assert "this needs every plant of the market; got no plant of Village" in capsys.readouterr().err
    assert not (tmp_path / "y").exists()


def test_a_vpp_called_like_the_public_folder_is_refused(tmp_path: Path) -> None:
    files = {
        name: text.replace("A_", "Public_").replace("id: A", "id: Public") for name, text in MINIMAL_FILES.items()
    }
    scenario = load_scenario(write_files(tmp_path / "mine", files))
    with pytest.raises(
        ScenarioError, match="no VPP may be called like the folder for everybody, public; got Public"
    ):
        split_scenario(scenario, tmp_path / "split", disclosed=True)
    assert not (tmp_path / "split").exists()


# --- who needs every plant ---


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--in-process"],
        ["view"],
        ["experiment", "economics"],
        ["experiment", "sensitivity"],
        ["experiment", "network"],
        ["experiment", "paper"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("part", ["public", "Farm"])
def test_commands_that_need_every_plant_refuse_a_part(
    arguments: list[str],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    split_scenario(load_scenario("two_vpp"), tmp_path / "split", disclosed=True)
    assert command([*arguments, str(tmp_path / "split" / part)]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    assert "this needs every plant of the market" in told[0]


def test_the_mesa_model_refuses_a_part(tmp_path: Path) -> None:
    from market.app.mesa_model.parameters import scenario_with

    split_scenario(load_scenario("two_vpp"), tmp_path / "split", disclosed=True)
    with pytest.raises(ScenarioError, match="this needs every plant of the market"):
        scenario_with(tmp_path / "split" / "Farm", {"satisfaction": 0.5})


def test_keys_are_made_for_everybody_in_the_roster(tmp_path: Path) -> None:
    split_scenario(load_scenario("two_vpp"), tmp_path / "split", disclosed=True)
    assert command(["keys", str(tmp_path / "keys"), str(tmp_path / "split" / "public")]) == 0
    names = {path.stem for path in (tmp_path / "keys").iterdir()}
    assert names == {"broker", "Farm", "Village", "watcher"}
