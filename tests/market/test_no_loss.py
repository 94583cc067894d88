"""Claims: the law "no VPP pays more than without trade" is claimed where its proof holds, and only there.

Where a condition fails the day says which one, for whom, and no breach is called a fault of the program.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.app.runs.in_process import market_day
from market.model.arrays import BoolArray, frozen
from market.model.declaration import Declaration, Role
from market.model.disclosure import plan_totals
from market.model.plan import DispatchPlan
from market.model.rules import CarbonMode, OwnTariff, Tariff
from market.model.vpp import Vpp
from market.scenario import load_scenario, with_overrides
from market.scenario.scenario import Scenario
from market.settlement.laws import check_laws, unclaimed_laws
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import settle
from tests.market.random_markets import Level, random_market
from tests.market.settled_days import Trade, public_rules, settled_day
from vpp_nodes.strategies.turns import DeclareTurn


class Overstated:
    """Declares that it lacks 5 MW in every period, or has 1 MW over, whatever its plan says."""

    def __init__(self, role: str) -> None:
        self.role = Role(role)

    def declare(self, turn: DeclareTurn) -> Declaration:
        nothing = np.zeros(len(turn.truthful.roles))
        buys = self.role is Role.BUYER
        return replace(
            turn.truthful,
            roles=(self.role,) * len(nothing),
            surplus_mw=frozen(nothing if buys else nothing + 1.0),
            deficit_mw=frozen(nothing + 5.0 if buys else nothing),
            own_supply_mw=frozen(nothing),
            satisfaction_cny_per_h=frozen(nothing + 25_000.0 if buys else nothing),
            reserve_cny_per_mwh=frozen(nothing if buys else turn.public.tariff.feed_in_cny_per_mwh),
        )


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


@pytest.mark.parametrize(
    ("role", "condition"),
    [("buyer", "MW where its plan without trade lacks"), ("seller", "MW where its plan without trade has")],
)
def test_who_declares_more_than_its_plan_lacks_or_has_over_may_lose_and_that_is_said(
    role: str, condition: str
) -> None:
    """Its own choice makes it lose: that is no fault of the program, with its plant known or unknown."""
    strategy = {"use": f"{__name__}:Overstated", "options": {"role": role}}
    scenario = with_overrides(load_scenario("five_vpp"), {"vpps.VPP5.strategy": strategy})
    outcome = market_day(scenario)
    settlement = settle(outcome, scenario.public)
    assert settlement.game[4].total_cny > settlement.grid_only[4].total_cny + 100.0
    for plants in (scenario.vpps, ()):
        assert check_laws(outcome, settlement, scenario.public, plants) == ()
        (told,) = unclaimed_laws(outcome, scenario.public, plants)
        assert (told.place, condition in told.condition) == ("VPP5", True)


def one_sale(price_cny_per_mwh: float, reserve_cny_per_mwh: float) -> MarketOutcome:
    """S1 has 4 MW over and sells 2 MW of them to B1, which lacks 3 MW."""
    trade = Trade(np.array([4.0]), np.array([3.0]), np.array([price_cny_per_mwh]), np.array([[2.0]]))
    outcome = settled_day([trade], public_rules(1))
    (result,) = outcome.periods
    game = replace(result.game, reserve_cny_per_mwh=frozen([reserve_cny_per_mwh]))
    return replace(outcome, periods=(replace(result, game=game),))


def test_a_seller_of_an_unknown_plant_is_promised_nothing_below_the_reserve_that_it_declares() -> None:
    (told,) = unclaimed_laws(one_sale(500.0, 550.0), public_rules(1))
    assert str(told) == (
        "S1: not claimed: no VPP pays more than without trade; in period 1 it sells at 500 CNY/MWh what costs it "
        "up to 550 CNY/MWh"
    )
    assert unclaimed_laws(one_sale(550.0, 550.0), public_rules(1)) == ()


def test_a_breach_by_who_shows_no_plant_is_not_said_to_be_a_fault_of_the_program_alone() -> None:
    """B1 shows totals alone; by them it pays more with trade, for energy that it may have declared to lack."""
    outcome = one_sale(500.0, 300.0)
    before = outcome.days[1].before
    assert isinstance(before, DispatchPlan)
    dear = replace(plan_totals(before), operation_cny=before.costs.operation_cny + 1000.0)
    buyer = replace(outcome.days[1], before=plan_totals(before), after=dear)
    shown = replace(outcome, days=(outcome.days[0], buyer))
    (broken,) = check_laws(shown, settle(shown, public_rules(1)), public_rules(1))
    assert broken.place == "B1"
    assert "unless its declaration was not that of its plant, which is not known here" in str(broken)


def own_buyer(retail_cny_per_mwh: float, fee_cny_per_mwh: float) -> Vpp:
    """B1, with a tariff and a fee of its own."""
    plant = load_scenario("two_vpp").vpps[0]
    prices = Tariff(frozen([retail_cny_per_mwh]), frozen([300.0]))
    exchange = replace(plant.exchange, peer_fee_cny_per_mwh=fee_cny_per_mwh)
    return replace(plant, id="B1", tariff=OwnTariff("own", prices), exchange=exchange)


@pytest.mark.parametrize(
    ("retail_cny_per_mwh", "fee_cny_per_mwh", "worth_cny"),
    [(500.0, 0.0, "1,000.00"), (650.0, 100.0, "1,100.00"), (650.0, 0.0, ""), (700.0, 100.0, "")],
)
def test_what_is_paid_beside_prices_is_held_against_the_tariff_and_the_fee_of_who_pays_it(
    retail_cny_per_mwh: float, fee_cny_per_mwh: float, worth_cny: str
) -> None:
    """B1 takes 2 MWh at 300 CNY/MWh and pays 600 CNY beside: 1,200 CNY, by everybody's 800 CNY/MWh no loss."""
    outcome = one_sale(300.0, 300.0)
    (result,) = outcome.periods
    outcome = replace(outcome, periods=(replace(result, transfer_cny={"B1": 600.0, "S1": -600.0}),))
    told = unclaimed_laws(outcome, public_rules(1), [own_buyer(retail_cny_per_mwh, fee_cny_per_mwh)])
    expected = f"over the day it pays 1,200.00 CNY for trade that is worth {worth_cny} CNY to it (below 0: gets)"
    assert [(law.place, law.condition) for law in told] == ([("B1", expected)] if worth_cny else [])
