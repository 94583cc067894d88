"""Plants behind one transformer: their shares, what is refused, and that they hold in every dispatch (M21)."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from market.bidding.declare import declare
from market.errors import DispatchError, ScenarioError
from market.model.arrays import frozen
from market.model.group import Group
from market.model.plan import DirectExchange
from market.model.vpp import Exchange, Renewable
from market.rolling.cut import window_scenario
from market.rolling.plant_state import state_of
from market.rolling.windows import PlanWindow
from market.scenario import load_scenario, own_part, write_scenario
from market.scenario.scenario import Scenario
from market.scenario.understood import understood
from tests.vpp_nodes.dispatch_cases import plain_case
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.joint import joint_dispatch

YAML = """\
horizon: {periods: 2}
vpps:
  - {id: A, exchange: {import_max: 1.5 MW}}
  - {id: B}
  - {id: C}
groups:
  - {id: T1, members: [A, B], import_max: 4 MW, export_max: 1 MW}
"""
PROFILES = "period,retail_cny_per_mwh,feed_in_cny_per_mwh,A_load_mw,B_load_mw,C_load_mw\n" + "".join(
    f"{period},600,300,1,1,1\n" for period in (1, 2)
)


def loaded(folder: Path, text: str) -> Scenario:
    folder.mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(text)
    (folder / "profiles.csv").write_text(PROFILES)
    return load_scenario(folder)


def limits(scenario: Scenario) -> list[tuple[float, float]]:
    return [(vpp.exchange.import_max_mw, vpp.exchange.export_max_mw) for vpp in scenario.vpps]


def test_shares_are_equal_or_by_weights_and_own_limits_stay(tmp_path: Path) -> None:
    assert limits(loaded(tmp_path / "a", YAML)) == [(1.5, 0.5), (2.0, 0.5), (inf, inf)]
    weighed = YAML.replace("[A, B],", "[A, B], weights: [1, 3],")
    assert limits(loaded(tmp_path / "b", weighed)) == [(1.0, 0.25), (3.0, 0.75), (inf, inf)]


def test_a_scenario_is_written_with_its_shares_and_a_plants_part_with_its_own(tmp_path: Path) -> None:
    scenario = loaded(tmp_path / "a", YAML)
    write_scenario(scenario, tmp_path / "again")
    assert load_scenario(tmp_path / "again").digest == scenario.digest
    write_scenario(own_part(scenario, "B"), tmp_path / "own")
    text = (tmp_path / "own" / "scenario.yaml").read_text()
    assert "import_max_mw: 2" in text
    assert "T1" not in text


@pytest.mark.parametrize("value", [5.0, None])
@pytest.mark.parametrize("path", ["vpps.B.exchange.export_max_mw", "vpps.B.exchange"])
def test_no_change_lifts_a_share(path: str, value: float | None, tmp_path: Path) -> None:
    """Of the scenario as given, of one that was kept, of a day of it; a limit below the share still counts."""
    given = loaded(tmp_path / "a", YAML)
    write_scenario(given, tmp_path / "kept")
    narrower = given.with_({"vpps.B.exchange.export_max_mw": 0.1})
    states = {vpp.id: state_of(vpp) for vpp in given.vpps}
    day = window_scenario(given, PlanWindow(1, 0, 1, 1), states)
    of_section = {} if value is None else {"export_max_mw": value}
    change = {path: value if path.endswith("_mw") else of_section}
    for scenario in (given, load_scenario(tmp_path / "kept"), narrower, day):
        assert limits(scenario.with_(change))[1] == (2.0, 0.5)
    assert limits(narrower)[1] == (2.0, 0.1)


def test_groups_themselves_are_changed_in_the_file_alone(tmp_path: Path) -> None:
    said = "can be changed from outside; got 'groups.0.export_max_mw'; change scenario.yaml itself"
    with pytest.raises(ScenarioError, match=said):
        loaded(tmp_path / "a", YAML).with_({"groups.0.export_max_mw": 5.0})


def test_a_share_is_told_before_anything_runs(tmp_path: Path) -> None:
    lines = list(understood(loaded(tmp_path / "a", YAML.replace("[A, B],", "[A, B], weights: [1, 3],"))))
    assert "group T1, at most 4 MW import and 1 MW export: A 25 %, B 75 %" in lines
    assert "connections, at most: A 1 MW import and 250 kW export, B 3 MW import and 750 kW export" in lines
    alone = YAML.partition("groups:")[0]
    assert list(understood(loaded(tmp_path / "b", alone))) == ["connections, at most: A 1.5 MW import"]


def test_who_cannot_live_with_a_share_is_told_of_the_group() -> None:
    """An own limit that is narrower is named instead."""
    case = plain_case([2.5, 2.0])
    name = case.vpp.id
    group = Group("T1", (name, "other"), 4.0, None, (1.0, 3.0))
    member = replace(case.vpp, exchange=Exchange(import_max_mw=1.0), group=group)
    said = rf"raise import_max_mw \(4\) of group T1, of which {name} has 25 %, 1 MW, or the weight of {name} in it"
    with pytest.raises(DispatchError, match=said):
        dispatch(member, case.public)
    with pytest.raises(DispatchError, match=r"raise exchange.import_max_mw \(0\.5\)"):
        dispatch(replace(member, exchange=Exchange(import_max_mw=0.5)), case.public)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[A, B]", "[A, X]"), "groups: must have plants of the market as members; got 'X'; there are A, B, C"),
        (("[A, B]", "[A, A]"), "groups: must have each plant once; got 'A' 2 times"),
        (
            ("[A, B]", "[A]"),
            "must be a list of 2 or more; got ['A']; correct it: Ids of the plants behind it, two",
        ),
        (
            ("id: T1", "id: 1 T"),
            "What the transformer is called: a letter of A to Z, then up to 31 letters, digits",
        ),
        (("[A, B],", "[A, B], weights: [1],"), "must have a weight for each member; got 1 for 2"),
        ((", import_max: 4 MW, export_max: 1 MW", ""), "must have a limit to part; got nothing"),
        (("id: T1", "name: T1"), "groups[0]"),
    ],
)
def test_what_is_no_group_is_refused(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        loaded(tmp_path / "a", YAML.replace(*change))
    assert said in str(error.value)


def test_the_connection_counts_all_that_passes_it() -> None:
    """Trade takes the room of what was bought, and a surplus is declared only as far as it can leave."""
    case = plain_case([2.0, 2.0])
    narrow = replace(case.vpp, exchange=Exchange(import_max_mw=2.0, export_max_mw=0.5))
    nothing = frozen(np.zeros(2))
    trade = dispatch(narrow, case.public, DirectExchange(frozen([1.0, 0.0]), nothing))
    assert trade.buy_mw == pytest.approx([1.0, 2.0])
    with pytest.raises(DispatchError, match=r"raise exchange.import_max_mw \(2\)"):
        dispatch(replace(narrow, load_mw=frozen([2.5, 2.0])), case.public)
    sunny = replace(narrow, pv=Renewable(frozen([5.0, 2.2]), 10.0))
    plan = dispatch(sunny, case.public)
    assert plan.sell_mw == pytest.approx([0.5, 0.2])
    assert declare(sunny, plan, case.public).surplus_mw == pytest.approx([0.5, 0.2])


def test_all_together_keep_the_shares() -> None:
    """So the sum of what passes is within the common limits, in the joint dispatch as in the market's."""
    case = plain_case([1.0, 1.0])
    share = Exchange(import_max_mw=2.0, export_max_mw=0.5)
    giver = replace(case.vpp, id="A", exchange=share, pv=Renewable(frozen([3.0, 0.0]), 10.0))
    taker = replace(case.vpp, id="B", exchange=share, load_mw=frozen([2.0, 1.0]))
    for plan in joint_dispatch([giver, taker], case.public).plans:
        net_in = plan.buy_mw - plan.sell_mw + plan.direct_in_mw - plan.direct_out_mw
        assert np.all((net_in >= -0.5 - 1e-9) & (net_in <= 2.0 + 1e-9))
