"""Claims: the law "no VPP pays more than without trade" is claimed where its proof holds, and only there.

Where a condition fails the day says which one, for whom, and no breach is called a fault of the program.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.app.runs.in_process import market_day
from market.model.arrays import BoolArray, frozen
from market.model.rules import CarbonMode
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from market.settlement.settlement import check_laws, settle, unclaimed_laws
from tests.market.random_markets import Level, random_market
from tests.market.settled_days import Trade, public_rules, settled_day


def with_carbon(scenario: Scenario, **changes: object) -> Scenario:
    carbon = replace(scenario.public.carbon, **changes)  # type: ignore[arg-type]
    return replace(scenario, public=replace(scenario.public, carbon=carbon))


def losses(scenario: Scenario) -> tuple[list[str], list[str], list[str]]:
    """Who pays more than without trade; the laws said to be broken; the laws that are not claimed."""
    outcome = market_day(scenario)
    settlement = settle(outcome, scenario.public)
    pairs = zip(settlement.grid_only, settlement.game, strict=True)
    return (
        [
            before.vpp
            for before, after in pairs
            if after.total_cny > before.total_cny + 1e-6 * abs(before.total_cny)
        ],
        [str(law) for law in check_laws(outcome, settlement, scenario.public, scenario.vpps)],
        [str(law) for law in unclaimed_laws(outcome, scenario.public, scenario.vpps)],
    )


@pytest.mark.parametrize("case", ["five_vpp", "two_vpp", "quarter_hours"])
def test_the_built_in_cases_meet_every_condition(case: str) -> None:
    assert losses(load_scenario(case)) == ([], [], [])


def test_a_grid_that_earns_more_quota_than_it_emits_lets_buyers_lose_and_that_is_said() -> None:
    scenario = with_carbon(load_scenario("five_vpp"), grid_quota_t_per_mwh=2.5)
    losers, broken, unclaimed = losses(scenario)
    assert losers
    assert broken == []
    (told,) = unclaimed
    assert "no VPP pays more than without trade" in told
    assert "carbon.grid_quota_t_per_mwh 2.5 above grid_emission_t_per_mwh 0.98" in told
    assert all(loser in told.split(":")[0] for loser in losers)


def test_only_those_who_bought_lose_their_proof_by_it() -> None:
    """S1 sells all day: what the grid's energy emits is nothing to it."""
    trade = Trade(np.array([4.0]), np.array([3.0]), np.array([500.0]), np.array([[2.0]]))
    public = public_rules(1)
    public = replace(public, carbon=replace(public.carbon, grid_quota_t_per_mwh=1.5))
    (told,) = unclaimed_laws(settled_day([trade], public), public)
    assert told.place == "B1"


def test_who_does_not_trade_loses_nothing_whatever_the_rules() -> None:
    trade = Trade(np.array([4.0]), np.array([3.0]), np.array([500.0]), np.array([[0.0]]))
    public = public_rules(1, mode=CarbonMode.NONE)
    assert unclaimed_laws(settled_day([trade], public), public) == ()


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({"mode": CarbonMode.NONE}, "the objective is not the bill"),
        ({"credits_follow_energy": True, "direct_quota_t_per_mwh": 0.5}, "credits follow the energy"),
    ],
)
def test_a_market_whose_rules_leave_no_proof_says_so_of_all_who_traded(
    changes: dict[str, object], condition: str
) -> None:
    _, broken, unclaimed = losses(with_carbon(load_scenario("five_vpp"), **changes))
    assert broken == []
    (told,) = unclaimed
    assert condition in told


def test_random_days_claim_the_law_and_keep_it() -> None:
    for seed in range(30):
        losers, broken, unclaimed = losses(random_market(seed, list(Level)[seed % 3], periods=8))
        assert broken == []
        told = " ".join(law.split(":")[0] for law in unclaimed)
        assert all(loser in told for loser in losers)


def test_a_seller_that_is_paid_less_than_its_energy_costs_is_promised_nothing() -> None:
    """Prices of a sound day are put below what the energy costs: that is said, for these sellers, and no more."""
    scenario = random_market(1, Level.EUR_NEGATIVE)
    outcome = market_day(scenario)
    cheap = {}
    for result in outcome.periods:
        dear: BoolArray = result.game.reserve_cny_per_mwh > result.game.feed_in_cny_per_mwh + 1.0
        if result.verdict.rests and dear.any() and result.delivered_mw[:, dear].sum(axis=0).all():
            prices = np.where(dear, result.game.reserve_cny_per_mwh - 1.0, result.price_cny_per_mwh)
            cheap[result.game.period] = replace(result, price_cny_per_mwh=frozen(prices))
    assert cheap
    forged = replace(outcome, periods=tuple(cheap.get(r.game.period, r) for r in outcome.periods))
    told = unclaimed_laws(forged, scenario.public, scenario.vpps)
    sellers = {
        seller
        for result in cheap.values()
        for seller, reserve in zip(result.game.sellers, result.game.reserve_cny_per_mwh.tolist(), strict=True)
        if reserve > result.game.feed_in_cny_per_mwh + 1.0
    }
    assert {law.place for law in told} == sellers
    assert all("what costs it up to" in law.condition for law in told)
    broken = check_laws(forged, settle(forged, scenario.public), scenario.public, scenario.vpps)
    assert not {law.place for law in broken} & sellers
