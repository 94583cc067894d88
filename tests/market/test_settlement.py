"""Claims about settlement: a day worked by hand, the laws on random days, and that no broken law stays unseen."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.game.result import Verdict
from market.game.solver import solve_day
from market.model.arrays import frozen
from market.model.plan import DispatchPlan
from market.model.rules import CarbonMode
from market.settlement.laws import NOTHING_WASTED, check_laws
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import (
    Settlement,
    direct_exchange,
    net_payment_cny,
    payment_cny,
    settle,
    settled_mw,
)
from tests.market.instances import make_rules, random_game
from tests.market.settled_days import (
    CARBON_PRICE,
    FEED_IN,
    GRID_EMISSION,
    GRID_QUOTA,
    RETAIL,
    Trade,
    public_rules,
    settled_day,
)
from tests.sampling import law

LAW_SETTINGS = law(60)


def trade(surplus: list[float], deficit: list[float], price: list[float], delivered: list[list[float]]) -> Trade:
    return Trade(np.array(surplus), np.array(deficit), np.array(price), np.array(delivered))


# Two half-hours. First: S1 has 4 MW, B1 lacks 3 MW, 2 MW change hands at 500. Then: 1 MW of 1 and 5 at 600.
TWO_VPPS = [trade([4.0], [3.0], [500.0], [[2.0]]), trade([1.0], [5.0], [600.0], [[1.0]])]
HALF_HOURS = public_rules(2, period_h=0.5)


@st.composite
def random_days(draw: st.DrawFn) -> tuple[list[Trade], float]:
    """Days of 1–3 sellers, 1–3 buyers, 1–4 periods, whose deliveries keep within surplus and deficit."""
    sellers, buyers, periods = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    powers = st.floats(0.01, 9.0)
    trades = []
    for _ in range(periods):
        surplus = np.array(draw(st.lists(powers, min_size=sellers, max_size=sellers)))
        deficit = np.array(draw(st.lists(powers, min_size=buyers, max_size=buyers)))
        price = np.array(draw(st.lists(st.floats(FEED_IN, RETAIL), min_size=sellers, max_size=sellers)))
        wish = np.array(draw(st.lists(st.floats(0.0, 1.0), min_size=buyers * sellers, max_size=buyers * sellers)))
        most = np.minimum(surplus[None, :] / buyers, deficit[:, None] / sellers)
        trades.append(Trade(surplus, deficit, price, wish.reshape(buyers, sellers) * most))
    return trades, draw(st.sampled_from([0.25, 0.5, 1.0]))


def laws_of(outcome: MarketOutcome, follow: bool = False, mode: CarbonMode = CarbonMode.FLAT) -> list[str]:
    public = public_rules(len(outcome.periods), outcome.periods[0].game.period_h, follow=follow, mode=mode)
    return [str(broken) for broken in check_laws(outcome, settle(outcome, public), public)]


def test_a_day_of_two_vpps_worked_by_hand() -> None:
    # Traded: 2 MW·0.5 h at 500 and 1 MW·0.5 h at 600, so B1 pays 500 + 300 = 800 CNY.
    # S1 sells (4+1)·0.5 = 2.5 MWh to the grid without trade, (2+0)·0.5 = 1 MWh with it.
    # B1 buys (3+5)·0.5 = 4 MWh without, (1+4)·0.5 = 2.5 MWh with; carbon 200·(0.9−0.6) = 60 CNY per MWh bought.
    outcome = settled_day(TWO_VPPS, HALF_HOURS)
    settlement = settle(outcome, HALF_HOURS)
    seller, buyer = settlement.grid_only
    assert (seller.total_cny, buyer.total_cny) == pytest.approx((-750.0, 3200.0 + 240.0))
    seller, buyer = settlement.game
    assert (seller.operation_cny, seller.trade_cny, seller.carbon_cny) == pytest.approx((-300.0, -800.0, 0.0))
    assert (buyer.operation_cny, buyer.trade_cny, buyer.carbon_cny) == pytest.approx((2000.0, 800.0, 150.0))
    assert (buyer.emission_t, buyer.quota_t) == pytest.approx((2.25, 1.5))
    assert settlement.game_system.total_cny == pytest.approx(1850.0)
    assert settlement.grid_only_system.total_cny == pytest.approx(2690.0)
    assert settlement.game_system.trade_cny == 0.0
    assert laws_of(outcome) == []


def test_credits_follow_energy_where_the_switch_is_on() -> None:
    # 1.5 MWh change hands and 0.1 t go with each: 0.15 t leave the seller's quota for the buyer's.
    public = public_rules(2, period_h=0.5, follow=True)
    outcome = settled_day(TWO_VPPS, public)
    assert direct_exchange("B1", outcome.periods, public).quota_in_t == pytest.approx(0.15)
    assert direct_exchange("S1", outcome.periods, public).quota_in_t == pytest.approx(-0.15)
    assert direct_exchange("B1", outcome.periods, HALF_HOURS).quota_in_t == 0.0
    seller, buyer = settle(outcome, public).game
    assert (seller.quota_t, buyer.quota_t) == pytest.approx((-0.15, 1.65))
    assert (seller.carbon_cny, buyer.carbon_cny) == pytest.approx((30.0, 120.0))
    assert laws_of(outcome, follow=True) == []


@pytest.mark.parametrize("verdict", [Verdict.CYCLING, Verdict.BUDGET_SPENT, Verdict.STALLED, Verdict.ABORTED])
def test_nothing_is_delivered_or_paid_where_no_rest_was_reached(verdict: Verdict) -> None:
    outcome = settled_day(TWO_VPPS, HALF_HOURS, verdict)
    assert not any(settled_mw(result).any() or payment_cny(result).any() for result in outcome.periods)
    settlement = settle(outcome, HALF_HOURS)
    assert settlement.game == settlement.grid_only
    assert laws_of(outcome) == []


def test_a_vpp_outside_the_market_neither_pays_nor_takes() -> None:
    results = settled_day(TWO_VPPS, HALF_HOURS).periods
    stranger = direct_exchange("X", results, HALF_HOURS)
    assert not stranger.in_mw.any()
    assert not stranger.out_mw.any()
    assert net_payment_cny("X", results) == 0.0


@LAW_SETTINGS
@given(random_days(), st.booleans())
def test_every_law_holds_on_random_days_within_the_band(day: tuple[list[Trade], float], follow: bool) -> None:
    trades, period_h = day
    public = public_rules(len(trades), period_h, follow=follow)
    outcome = settled_day(trades, public)
    assert laws_of(outcome, follow) == []
    settlement = settle(outcome, public)
    # The system saves what its members no longer lose between retail and feed-in, and the carbon of that energy.
    traded_mwh = fsum(float(settled_mw(result).sum()) * period_h for result in outcome.periods)
    saved_per_mwh = RETAIL - FEED_IN + CARBON_PRICE * (GRID_EMISSION - GRID_QUOTA)
    saved = settlement.grid_only_system.total_cny - settlement.game_system.total_cny
    assert saved == pytest.approx(traded_mwh * saved_per_mwh, rel=1e-9, abs=1e-6)


@LAW_SETTINGS
@given(random_days())
def test_payments_are_what_buyers_owe_and_sellers_earn(day: tuple[list[Trade], float]) -> None:
    trades, period_h = day
    outcome = settled_day(trades, public_rules(len(trades), period_h))
    for j in range(len(trades[0].surplus_mw)):
        earned = sum(
            q * period.price_cny_per_mwh[j] * period_h for period in trades for q in period.delivered_mw[:, j]
        )
        assert -net_payment_cny(f"S{j + 1}", outcome.periods) == pytest.approx(earned, rel=1e-12, abs=1e-9)


def test_a_price_outside_the_tariffs_is_a_reported_loss() -> None:
    dear = [replace(TWO_VPPS[0], price_cny_per_mwh=np.array([1500.0])), TWO_VPPS[1]]
    outcome = settled_day(dear, HALF_HOURS)
    (broken,) = laws_of(outcome)
    assert broken.startswith("B1: no VPP pays more than without trade")
    # What is not proved is not claimed: without the bill in the objective, or with credits in the bargain.
    assert laws_of(outcome, mode=CarbonMode.NONE) == []
    assert laws_of(settled_day(dear, public_rules(2, 0.5, follow=True)), follow=True) == []


def test_a_wasteful_plan_is_a_reported_loss() -> None:
    broken = laws_of(settled_day([trade([4.0], [3.0], [500.0], [[0.0]])], public_rules(1), shed_mw=0.5))
    assert [text.split(":")[0] for text in broken] == ["S1", "B1"]


def test_more_than_the_surplus_or_the_deficit_is_reported() -> None:
    broken = laws_of(settled_day([trade([1.0], [2.0, 1.0], [500.0], [[0.8], [0.8]])], public_rules(1)))
    assert any("S1, period 1: a seller delivers at most its surplus, 1.0 MW; got 1.6 MW" in b for b in broken)
    broken = laws_of(settled_day([trade([2.0, 2.0], [1.0], [500.0, 500.0], [[0.8, 0.8]])], public_rules(1)))
    assert any("B1, period 1: a buyer takes at most its deficit, 1.0 MW; got 1.6 MW" in b for b in broken)


def test_what_is_left_over_at_an_equilibrium_though_somebody_asks_for_it_is_reported() -> None:
    """The market of two that `solve_day` comes to, and the same with a tenth of its deliveries gone."""
    (result,) = solve_day([random_game(1)], make_rules())
    outcome = MarketOutcome((result,), ())
    assert check_laws(outcome, settle(outcome, public_rules(1)), public_rules(1)) == ()
    short = replace(result, delivered_mw=0.9 * result.delivered_mw)
    for verdict, told in ((Verdict.EQUILIBRIUM, 1), (Verdict.UNCERTIFIED, 0)):
        outcome = MarketOutcome((replace(short, verdict=verdict),), ())
        broken = check_laws(outcome, settle(outcome, public_rules(1)), public_rules(1))
        assert [law.law for law in broken] == [NOTHING_WASTED] * told


def test_a_plan_that_does_not_carry_the_trade_is_reported() -> None:
    outcome = settled_day(TWO_VPPS, HALF_HOURS)
    seller, buyer = outcome.days
    assert isinstance(buyer.after, DispatchPlan)
    lost = replace(buyer, after=replace(buyer.after, direct_in_mw=frozen([1.5, 1.0])))
    broken = laws_of(replace(outcome, days=(seller, lost)))
    assert any("B1, period 1: the plan with trade carries exactly the delivered power" in b for b in broken)
    assert any("period 1: direct exchanges of all VPPs sum to zero; got -0.5 MW" in b for b in broken)


def test_money_that_appears_or_vanishes_is_reported() -> None:
    outcome = settled_day(TWO_VPPS, HALF_HOURS)
    settlement = settle(outcome, HALF_HOURS)
    seller, buyer = settlement.game
    forged = Settlement(settlement.grid_only, (replace(seller, trade_cny=seller.trade_cny - 1.0), buyer))
    (broken,) = check_laws(outcome, forged, HALF_HOURS)
    assert broken.law == "payments between VPPs sum to zero"


def test_credits_from_nowhere_are_reported() -> None:
    public = public_rules(2, 0.5, follow=True)
    outcome = settled_day(TWO_VPPS, public)
    alone = replace(outcome, days=outcome.days[1:])
    laws = {broken.law for broken in check_laws(alone, settle(alone, public), public)}
    assert "traded credits sum to zero" in laws
