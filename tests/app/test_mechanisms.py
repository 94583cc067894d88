"""Claims about `experiment mechanisms`: every mechanism is in it, gains add up, a lie pays what is told of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import fsum
from pathlib import Path

import numpy as np
import pytest

from market.app.analysis.lies import FAMILY, Lie, best_lies, lied
from market.app.analysis.mechanisms import MechanismStudy, mechanism_study, mechanism_tables
from market.app.figures.mechanisms import mechanisms_picture
from market.bidding.declare import declare
from market.mechanisms.clear import clear_day
from market.model.rules import Mechanism
from market.scenario import load_scenario, with_overrides
from market.settlement.settlement import budget_cny, direct_exchange, net_payment_cny
from tests.app.commands import vppmarket
from vpp_nodes.dispatch import dispatch


def one_by_one(name: str, function: Callable[[Lie], float], items: Sequence[Lie], what: str = "") -> list[float]:
    return [function(item) for item in items]


@pytest.fixture(scope="module")
def study() -> MechanismStudy:
    return mechanism_study(load_scenario("two_vpp"), one_by_one)


def test_every_mechanism_is_there_and_its_cost_leaves_out_what_others_add(study: MechanismStudy) -> None:
    assert [day.name for day in study.days] == [mechanism.value for mechanism in Mechanism]
    for day in study.days:
        bills = fsum(account.operation_cny + account.carbon_cny for account in day.settlement.game)
        assert day.cost_cny == pytest.approx(bills)
        gained = study.alone_cny - day.cost_cny - budget_cny(day.outcome.periods)
        assert fsum(day.settlement.gains_cny.values()) == pytest.approx(gained, abs=1e-6)
        assert study.together_cny <= day.cost_cny + 0.01


def test_the_tables_say_the_same_and_can_be_drawn(study: MechanismStudy) -> None:
    mechanisms, gains, lies = mechanism_tables(study)
    assert [row[0] for row in mechanisms.rows] == ["grid_only", *[m.value for m in Mechanism], "cooperation"]
    best = mechanisms.columns.index("lie_gain_cny")
    for row, day in zip(mechanisms.rows[1:-1], study.days, strict=True):
        mine = [float(cells[-1]) for cells in lies.rows if cells[0] == day.name]
        assert row[best] == max(mine)
        assert min(mine) >= 0.0
    assert len(gains.rows) == 3
    assert mechanisms_picture(mechanisms, gains, lies).png
    assert {row[2] for row in lies.rows if row[0] == "consensus"} == {"S", "D"}  # no k and no r is declared


@pytest.mark.parametrize("mechanism", [Mechanism.SUPPLY_DEMAND_RATIO, Mechanism.BILL_SHARING])
def test_a_lie_pays_what_the_day_pays_that_it_leads_to(mechanism: Mechanism) -> None:
    """VPP5 hides its surplus: worked out here step by step."""
    scenario = with_overrides(load_scenario("five_vpp"), {"market.mechanism": mechanism.value})
    public, plant = scenario.public, scenario.vpps[4]
    true = [declare(vpp, dispatch(vpp, public), public) for vpp in scenario.vpps]
    costs = []
    for own in (true[4], lied(true[4], Lie("VPP5", "S", 0.0), public)):
        results = clear_day([*true[:4], own], public)
        plan = dispatch(plant, public, direct_exchange("VPP5", results, public))
        costs.append(plan.costs.total_cny + net_payment_cny("VPP5", results))
    alone_sells = [k for k, result in enumerate(results) if "VPP5" in result.game.sellers]
    assert alone_sells == []
    found = {(each.lie.vpp, each.lie.about): each for each in best_lies(scenario, one_by_one)}
    hidden = costs[0] - costs[1]
    assert found["VPP5", "S"].gain_cny >= hidden - 1e-6
    if mechanism is Mechanism.BILL_SHARING:
        assert hidden > 2000.0  # who loses by trade gains by staying away
        assert found["VPP5", "S"].gain_cny == pytest.approx(hidden)
        assert found["VPP5", "S"].lie.factor == 0.0
    else:
        assert found["VPP5", "S"].gain_cny == 0.0


def test_a_reserve_or_a_willingness_moves_nothing_where_they_are_not_used() -> None:
    for mechanism in (Mechanism.MID_MARKET_RATE, Mechanism.SUPPLY_DEMAND_RATIO):
        scenario = with_overrides(load_scenario("two_vpp"), {"market.mechanism": mechanism.value})
        for each in best_lies(scenario, one_by_one):
            assert each.lie.about not in "kr" or each.gain_cny == 0.0


def test_a_lie_changes_what_it_is_about_and_keeps_the_declaration_sound() -> None:
    scenario = load_scenario("five_vpp")
    public = scenario.public
    for vpp in scenario.vpps:
        true = declare(vpp, dispatch(vpp, public), public)
        for about, factors in FAMILY.items():
            for factor in factors:
                said = lied(true, Lie(vpp.id, about, factor), public)
                sells, buys = said.surplus_mw > 0.0, said.deficit_mw > 0.0
                assert not (sells & buys).any()
                assert (said.reserve_cny_per_mwh[~sells] == 0.0).all()
                assert (said.satisfaction_cny_per_h[~buys] == 0.0).all()
                assert [role.value for role in said.roles] == [
                    "seller" if s else "buyer" if b else "idle" for s, b in zip(sells, buys, strict=True)
                ]
                others = {"S": "deficit_mw", "D": "surplus_mw", "k": "surplus_mw", "r": "deficit_mw"}[about]
                assert (getattr(said, others) == getattr(true, others)).all()
        unchanged = replace(true)
        for about in "SDk":
            same = lied(true, Lie(vpp.id, about, 1.0), public)
            assert all(
                np.allclose(getattr(same, name), getattr(unchanged, name), atol=1e-9)
                for name in ("surplus_mw", "deficit_mw", "satisfaction_cny_per_h", "reserve_cny_per_mwh")
            )


def test_the_command_writes_three_tables_and_a_picture(tmp_path: Path) -> None:
    done = vppmarket("experiment", "mechanisms", "two_vpp", "--out", "compared", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "compared" / "mechanisms.csv").open(encoding="utf-8") as file:
        rows = {row["mechanism"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {"grid_only", "cooperation", *(mechanism.value for mechanism in Mechanism)}
    assert float(rows["vcg"]["budget_cny"]) < 0.0
    assert {path.name for path in (tmp_path / "compared" / "figures").iterdir()} >= {"mechanisms.png"}
    assert "vcg: the whole day: not claimed" in done.stdout
