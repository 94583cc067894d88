"""Claims about days of several rounds: consensus equals one plan for all, plans that see the market gain."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from math import fsum
from pathlib import Path

import numpy as np
import pytest

from market.app.runs.in_process import market_day
from market.coordination.pool import pooled
from market.game.result import Verdict
from market.model.arrays import frozen
from market.model.rules import CarbonMode, Mechanism
from market.model.vpp import Vpp
from market.scenario import load_scenario, with_overrides
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario
from market.settlement.laws import check_laws
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import settle
from tests.app.commands import vppmarket
from tests.market.random_markets import random_market
from vpp_nodes.dispatch.joint import joint_dispatch

TIGHT = {"market.mechanism": "consensus", "market.consensus_regret": 0.0003}


def tight(scenario: Scenario) -> Scenario:
    market = replace(
        scenario.public.market, mechanism=Mechanism.CONSENSUS, consensus_regret=0.0001, consensus_rounds=60
    )
    return replace(scenario, public=replace(scenario.public, market=market))


def assert_efficient(scenario: Scenario, outcome: MarketOutcome) -> None:
    """The cost is within 10⁻⁴ of the joint one, regrets bound the miss, and who loses loses its regret at most."""
    settlement, rounds = settle(outcome, scenario.public), outcome.rounds
    assert rounds is not None
    optimum = joint_dispatch(scenario.vpps, scenario.public)
    total, money = settlement.game_system.total_cny, fsum(abs(a.total_cny) for a in settlement.grid_only)
    assert total - optimum.total_cny <= 1e-4 * money
    assert total - optimum.total_cny >= -1e-6 * money - optimum.gap_cny
    assert rounds.regrets_cny >= total - optimum.total_cny - 1e-6 * money
    assert abs(settlement.game_system.trade_cny) <= 1e-9 * money
    for before, after in zip(settlement.grid_only, settlement.game, strict=True):
        assert after.total_cny <= before.total_cny + rounds.regret_cny[before.vpp] + 1e-6 * money
    assert check_laws(outcome, settlement, scenario.public, scenario.vpps) == ()


def test_consensus_is_as_good_as_one_plan_for_all() -> None:
    scenario = with_overrides(load_scenario("five_vpp"), TIGHT)
    outcome = market_day(scenario)
    assert outcome.verdict is Verdict.EQUILIBRIUM
    assert_efficient(scenario, outcome)


def test_prices_of_consensus_come_to_rest_to_the_hundred_thousandth() -> None:
    """Two VPPs agree on six prices within a dozen rounds, so finely that 10⁻⁵ of what trade saves is certified."""
    changes = {"market.mechanism": "consensus", "market.consensus_regret": 1e-5, "market.consensus_rounds": 20}
    outcome = market_day(with_overrides(load_scenario("two_vpp"), changes))
    assert outcome.verdict is Verdict.EQUILIBRIUM


def agreed(*vpps: Vpp) -> MarketOutcome:
    """The day of these under the rules of `two_vpp` but by consensus, in 40 rounds at most."""
    case = load_scenario("two_vpp")
    market = replace(case.public.market, mechanism=Mechanism.CONSENSUS, consensus_rounds=40)
    public = replace(case.public, market=market)
    return market_day(seal_scenario("few", "", public, vpps, case.network))


@pytest.mark.parametrize("apart", [3e-3, 1e-3, 1e-4, 1e-5, 0.0, -1e-5, -1e-4, -1e-3])
def test_so_they_do_where_surplus_and_deficit_all_but_balance(apart: float) -> None:
    """3 MW of wind, and a village that needs as much but for a little, all day."""
    farm, village = load_scenario("two_vpp").vpps
    assert farm.wt is not None
    flat = np.ones(len(farm.load_mw))
    farm = replace(farm, load_mw=frozen(0.0 * flat), wt=replace(farm.wt, forecast_mw=frozen(3.0 * flat)))
    village = replace(village, load_mw=frozen(3.0 * (1.0 + apart) * flat), pv=None)
    assert {period.verdict for period in agreed(farm, village).periods} == {Verdict.EQUILIBRIUM}


def test_alike_vpps_have_nothing_to_trade_and_find_that_out_soon() -> None:
    farm, _ = load_scenario("two_vpp").vpps
    outcome = agreed(farm, replace(farm, id="Twin"))
    assert {period.verdict for period in outcome.periods} == {Verdict.NO_TRADE}
    assert outcome.rounds is not None
    assert len(outcome.rounds.rounds) < 20


def test_one_alone_has_the_day_it_plans() -> None:
    outcome = agreed(load_scenario("two_vpp").vpps[0])
    assert {period.verdict for period in outcome.periods} == {Verdict.NO_TRADE}
    assert outcome.rounds is None
    assert outcome.epsilon_cny == 0.0


@pytest.mark.parametrize(("verdict", "told"), [("equilibrium", "no_trade"), ("uncertified", "uncertified")])
def test_that_nothing_is_exchanged_is_no_trade_only_if_it_is_agreed_on(verdict: str, told: str) -> None:
    public, names = load_scenario("two_vpp").public, ["A", "B"]
    nothing = np.zeros((2, public.horizon.periods))
    periods = pooled(names, nothing, public.tariff.feed_in_cny_per_mwh, Verdict(verdict), "why", public)
    assert {period.verdict.value for period in periods} == {told}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(10))
def test_so_it_is_on_random_days(seed: int) -> None:
    scenario = tight(random_market(seed, vpps=3, periods=8))
    assert_efficient(scenario, market_day(scenario))


def test_with_commitment_the_regrets_still_bound_what_is_lost() -> None:
    scenario = tight(random_market(3, vpps=3, periods=6, commitment=True))
    market = replace(scenario.public.market, consensus_rounds=15)
    scenario = replace(scenario, public=replace(scenario.public, market=market))
    outcome = market_day(scenario)
    optimum = joint_dispatch(scenario.vpps, scenario.public)
    lost = settle(outcome, scenario.public).game_system.total_cny - optimum.total_cny
    assert outcome.rounds is not None
    assert outcome.rounds.regrets_cny >= lost - 1e-6 * abs(optimum.total_cny)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(16))
def test_with_commitment_it_is_as_good_as_one_plan_for_all_as_well(seed: int) -> None:
    """A finding: no price need support the best plan, and which units are on is searched for, not proved."""
    scenario = random_market(seed, vpps=3 + seed % 2, periods=6, commitment=True)
    market = replace(scenario.public.market, mechanism=Mechanism.CONSENSUS)
    scenario = replace(scenario, public=replace(scenario.public, market=market))
    assert_efficient(scenario, market_day(scenario))


def test_where_the_bill_is_not_the_objective_no_law_of_it_is_claimed() -> None:
    changes = {"market.mechanism": "consensus", "carbon.mode": CarbonMode.NONE.value}
    outcome = market_day(with_overrides(load_scenario("two_vpp"), changes))
    assert outcome.rounds is not None
    assert outcome.rounds.allowed_loss_cny is None


@pytest.fixture(scope="module")
def iterated() -> tuple[Scenario, MarketOutcome]:
    plain = load_scenario("five_vpp")
    public = with_overrides(plain, {"market.coupling_rounds": 5, "market.coupling": "iterate"}).public
    scenario = seal_scenario("five_vpp", "", public, plain.vpps, plain.network)
    return scenario, market_day(scenario)


def test_plans_that_see_the_market_save_clearly_more(iterated: tuple[Scenario, MarketOutcome]) -> None:
    """A finding, not a theorem: 0.72 of the possible saving with `once`, about 0.96 after five rounds."""
    scenario, outcome = iterated
    alone = settle(outcome, scenario.public)
    once = settle(market_day(load_scenario("five_vpp")), scenario.public)
    optimum = joint_dispatch(scenario.vpps, scenario.public).total_cny
    possible = alone.grid_only_system.total_cny - optimum
    assert (once.game_system.total_cny - optimum) / possible > 0.25
    assert (alone.game_system.total_cny - optimum) / possible < 0.10


def test_nobody_pays_more_than_without_trade(iterated: tuple[Scenario, MarketOutcome]) -> None:
    scenario, outcome = iterated
    settlement = settle(outcome, scenario.public)
    for before, after in zip(settlement.grid_only, settlement.game, strict=True):
        assert after.total_cny <= before.total_cny + 1e-6 * abs(before.total_cny)
    assert check_laws(outcome, settlement, scenario.public, scenario.vpps) == ()


def test_the_round_settled_has_the_least_regrets_and_the_first_is_once(
    iterated: tuple[Scenario, MarketOutcome],
) -> None:
    scenario, outcome = iterated
    rounds = outcome.rounds
    assert rounds is not None
    assert rounds.regrets_cny == min(each.regrets_cny for each in rounds.rounds)
    once = settle(market_day(load_scenario("five_vpp")), scenario.public).game_system.total_cny
    assert rounds.rounds[0].cost_cny == pytest.approx(once, rel=1e-12)


def test_rounds_are_written_and_told(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = vppmarket(
        "run", "two_vpp", "--in-process", "--set", "market.mechanism=consensus", "--out", out, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "that one plan for all would save" in done.stdout
    with (out / "rounds.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    settled = [row for row in rows if row["settled"] == "1"]
    assert len(rows) == manifest["day"]["rounds"]
    assert [int(row["round"]) for row in settled] == [manifest["day"]["settled_round"]]
    assert float(settled[0]["regrets_cny"]) == pytest.approx(manifest["day"]["regrets_cny"])


def test_only_a_game_is_played_again(tmp_path: Path) -> None:
    changes = ("--set", "market.mechanism=consensus", "--set", "coupling=iterate")
    done = vppmarket("run", "two_vpp", "--in-process", *changes, "--out", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert "must be once where mechanism is consensus" in done.stderr


def test_prices_that_are_not_certified_tell_the_uplift(tmp_path: Path) -> None:
    """After three rounds regrets are left: paid on top, they leave nobody wanting another day."""
    changes = ("--set", "market.mechanism=consensus", "--set", "market.consensus_rounds=3")
    done = vppmarket("run", "two_vpp", "--in-process", *changes, "--out", tmp_path / "run", cwd=tmp_path)
    assert "is settled: the sum of all regrets is" in done.stdout
    told = " ".join(done.stdout.split())
    assert "beyond this, at most, and uplift: paid on top, it leaves nobody wanting another day" in told
