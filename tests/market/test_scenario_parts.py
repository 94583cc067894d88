"""Claims: a folder may hold the plants of some VPPs only, or of none, where a roster names them all; what is not
here is checked as far as it can be; and whoever needs every plant says so in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.errors import ScenarioError
from market.model.disclosure import Disclosure
from market.scenario import (
    load_scenario,
    own_part,
    public_part,
    require_plants,
    scenario_advice,
    with_overrides,
)
from market.scenario.parts import undisclosed
from market.scenario.scenario import Scenario
from tests.market.scenario_files import FULL_FILES, FULL_YAML, MINIMAL_FILES, write_files

ROSTER = "roster: [South, North, East]\n"
TARIFF = {"tariff.csv": FULL_FILES["tariff.csv"]}
RULES = FULL_YAML.split("vpps:")[0].replace("[profiles.csv, tariff.csv]", "tariff.csv")


@pytest.fixture
def full(tmp_path: Path) -> Scenario:
    return load_scenario(write_files(tmp_path / "full", FULL_FILES))


def load(folder: Path, yaml: str, **files: str) -> Scenario:
    return load_scenario(write_files(folder, {"scenario.yaml": yaml, **TARIFF, **files}))


def faults(folder: Path, yaml: str, **files: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(folder, yaml, **files)
    return [str(fault) for fault in caught.value.faults]


# --- what is known and what is not ---


@pytest.mark.parametrize("vpps", ["", "vpps: []\n"])
def test_no_plant_need_be_there(vpps: str, full: Scenario, tmp_path: Path) -> None:
    scenario = load(tmp_path / "public", f"{RULES}{ROSTER}{vpps}")
    assert (scenario.roster, scenario.plant_digests) == (("South", "North", "East"), ("", "", ""))
    assert (scenario.vpps, scenario.whole) == ((), False)
    assert scenario.public.digest == full.public.digest


def test_some_plants_may_be_there_and_their_digests_are_known(full: Scenario, tmp_path: Path) -> None:
    files = {"profiles.csv": FULL_FILES["profiles.csv"]}
    scenario = load(tmp_path / "own", FULL_YAML + ROSTER, **files)
    assert [vpp.id for vpp in scenario.vpps] == ["South", "North"]  # in the roster's order
    assert scenario.plant_digests == (*reversed(full.plant_digests), "")
    assert not scenario.whole


def test_a_roster_of_those_that_are_there_changes_nothing(full: Scenario, tmp_path: Path) -> None:
    files = {"profiles.csv": FULL_FILES["profiles.csv"]}
    same = load(tmp_path / "same", f"{FULL_YAML}roster: [North, South]\n", **files)
    assert (same.digest, same.whole) == (full.digest, True)
    entries = "".join(
        f"  - {{id: {vpp}, plant_digest: '{full.plant_digests[n]}'}}\n" for n, vpp in enumerate(full.roster)
    )
    assert load(tmp_path / "sealed", f"{FULL_YAML}roster:\n{entries}", **files).digest == full.digest
    turned = load(tmp_path / "turned", f"{FULL_YAML}roster: [South, North]\n", **files)
    assert turned.whole
    assert turned.digest != full.digest


def test_without_a_roster_everything_is_as_ever(tmp_path: Path) -> None:
    for name, line in {"left out": "", "null": "roster: null\n"}.items():
        told = faults(tmp_path / name, f"{RULES}{line}")
        assert told == [
            "scenario.yaml:1 vpps: required, a list that is not empty; got nothing; "
            "add it: The virtual power plants, at least one"
        ]
    whole = load_scenario(write_files(tmp_path / "whole", MINIMAL_FILES))
    assert (whole.roster, whole.whole, whole.audit) == (("A", "B"), True, None)


@pytest.mark.parametrize("word", ["none", "totals", "full"])
def test_the_audit_arrives(word: str, full: Scenario, tmp_path: Path) -> None:
    scenario = load(tmp_path / "a", f"audit: {word}\n{FULL_YAML}", **{"profiles.csv": FULL_FILES["profiles.csv"]})
    assert scenario.audit is Disclosure(word)
    assert scenario.digest != full.digest
    assert scenario.public.digest == full.public.digest


# --- what is checked ---


def test_the_network_may_speak_of_everybody_in_the_roster_and_of_nobody_else(tmp_path: Path) -> None:
    links = "network:\n  links:\n    - {from: East, to: North, loss: 0.1}\n    - {vpp: West, loss: 0.2}\n"
    text = RULES.replace("network:\n  delay_s: 0.05\n", links) + ROSTER
    (told,) = faults(tmp_path / "a", text)
    assert "network.links[1].vpp: must be the id of a VPP; got 'West'; there are South, North, East" in told
    assert load(tmp_path / "b", text.replace("vpp: West", "vpp: East")).network.links[0].links.sender == "East"


def test_columns_of_plants_that_are_not_there_are_strangers(tmp_path: Path) -> None:
    table = FULL_FILES["tariff.csv"].splitlines()
    tariff = "\n".join(f"{row},{cell}" for row, cell in zip(table, ["North_load_mw", "1", "1", "1"], strict=True))
    (told,) = faults(tmp_path / "a", RULES + ROSTER, **{"tariff.csv": tariff})
    assert "tariff.csv:1 column North_load_mw: must be a column that scenario.yaml calls for" in told


def test_a_plant_that_was_changed_is_refused(full: Scenario, tmp_path: Path) -> None:
    """Every number of it counts, and so do the words."""
    entry = f"roster:\n  - {{id: North, plant_digest: '{full.plant_digests[0]}'}}\n  - South\n"
    for number, (old, new) in enumerate([("p_max_mw: 1.7", "p_max_mw: 1.8"), ("All plants", "Some plants")]):
        text = FULL_YAML.replace(old, new) + entry
        (told,) = faults(tmp_path / str(number), text, **{"profiles.csv": FULL_FILES["profiles.csv"]})
        assert "scenario.yaml:41 vpps[0]: must be the plant that the roster has by its digest" in told
    profiles = FULL_FILES["profiles.csv"].replace("2.25", "2.26")
    assert len(faults(tmp_path / "cell", FULL_YAML + entry, **{"profiles.csv": profiles})) == 1


# --- who needs what ---


def test_parts_have_the_digests_of_the_whole(full: Scenario) -> None:
    for part in (public_part(full), own_part(full, "South")):
        assert (part.digest, part.plant_digests, part.shared) == (full.digest, full.plant_digests, full.shared)
    assert undisclosed(public_part(full)).plant_digests == ("", "")
    assert undisclosed(own_part(full, "South")).plant_digests == ("", full.plant_digests[1])
    with pytest.raises(KeyError):
        own_part(public_part(full), "South")


def test_who_needs_every_plant_says_which_are_not_there(full: Scenario) -> None:
    assert require_plants(full) is full
    for part, found in (
        (public_part(full), "no plant at all, of 2 in the roster"),
        (own_part(full, "South"), "no plant of North"),
    ):
        with pytest.raises(ScenarioError) as caught:
            require_plants(part)
        assert str(caught.value) == (
            f"scenario full: this needs every plant of the market; got {found}; "
            "name the folder with all plants; a part is for `vppmarket broker` and `vppmarket node`"
        )


def test_a_part_can_be_overridden_and_advised_on(full: Scenario) -> None:
    part = public_part(full)
    changed = with_overrides(part, {"network.delay_s": 1.5})
    assert changed.digest == with_overrides(full, {"network.delay_s": 1.5}).digest
    assert scenario_advice(part) == ()  # a market of two, though none of them is here
