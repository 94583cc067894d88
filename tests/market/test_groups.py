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
from market.model.plan import DirectExchange
from market.model.vpp import Exchange, Renewable
from market.scenario import load_scenario, own_part, write_scenario
from market.scenario.scenario import Scenario
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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[A, B]", "[A, X]"), "groups: must have plants of the market as members; got 'X'"),
        (("[A, B]", "[A, A]"), "groups: must have each plant once; got 'A' 2 times"),
        (("[A, B]", "[A]"), "members"),
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
