"""Claims about other mechanisms: each is what its source says, by hand or by a second formulation; laws hold."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

import numpy as np
import pytest
from scipy.optimize import linprog

from market.app.runs.in_process import market_day
from market.game.period import PeriodGame
from market.game.result import PeriodResult, Verdict
from market.mechanisms.bill_sharing import bill_sharing
from market.mechanisms.cleared import ClearedPeriod
from market.mechanisms.k_double_auction import k_double_auction
from market.mechanisms.mcafee import mcafee
from market.mechanisms.merit_order import bids_cny_per_mwh, efficient_trade, worth_cny_per_h
from market.mechanisms.mid_market_rate import mid_market_rate
from market.mechanisms.supply_demand_ratio import buying_price, selling_price, supply_demand_ratio
from market.mechanisms.uniform_price import uniform_price
from market.mechanisms.vcg import vcg, without
from market.model.arrays import Array, frozen
from market.model.rules import CarbonMode, Mechanism
from market.scenario import load_scenario, with_overrides
from market.scenario.scenario import Scenario
from market.settlement.laws import NO_BUDGET, NO_LOSS, check_laws, unclaimed_laws
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import budget_cny, settle
from tests.market.random_markets import Level, random_market

CLEARING = [mechanism for mechanism in Mechanism if mechanism.clears]
POWER = 1e-9


def under(mechanism: Mechanism, scenario: Scenario | None = None) -> Scenario:
    return with_overrides(scenario or load_scenario("five_vpp"), {"market.mechanism": mechanism.value})


@pytest.fixture(scope="module")
def days() -> dict[Mechanism, tuple[Scenario, MarketOutcome]]:
    scenarios = {mechanism: under(mechanism) for mechanism in CLEARING}
    return {mechanism: (scenario, market_day(scenario)) for mechanism, scenario in scenarios.items()}


def drawn(seed: int) -> PeriodGame:
    """A tradable period of one to six sellers and buyers."""
    draw = np.random.default_rng(seed)
    sellers, buyers = (int(number) for number in draw.integers(1, 7, 2))
    floor, cap = 300.0, 1000.0
    deficit, own = draw.uniform(0.1, 3.0, buyers), draw.uniform(0.0, 2.0, buyers)
    full = draw.uniform(250.0, 1300.0, buyers)  # the price up to which a buyer wants all of its deficit
    return PeriodGame.of(
        surplus_mw=draw.uniform(0.1, 3.0, sellers),
        reserve_cny_per_mwh=draw.choice([300.0, 350.0, 500.0, 700.0], sellers),
        deficit_mw=deficit,
        own_supply_mw=own,
        satisfaction_cny_per_h=full * (0.001 + own + deficit),
        floor_cny_per_mwh=floor,
        cap_cny_per_mwh=cap,
        feed_in_cny_per_mwh=280.0,
    )


# --- laws --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", CLEARING)
def test_payments_sum_to_nothing_and_every_law_holds_or_is_not_claimed_with_its_condition(
    mechanism: Mechanism, days: dict[Mechanism, tuple[Scenario, MarketOutcome]]
) -> None:
    scenario, outcome = days[mechanism]
    settlement = settle(outcome, scenario.public)
    assert check_laws(outcome, settlement, scenario.public, scenario.vpps) == ()
    assert {result.verdict for result in outcome.periods} == {Verdict.CLEARED, Verdict.NO_TRADE}
    assert outcome.verdict is Verdict.CLEARED
    unclaimed = unclaimed_laws(outcome, scenario.public, scenario.vpps)
    paid = fsum(account.trade_cny for account in settlement.game)
    if mechanism is Mechanism.VCG:
        assert paid == pytest.approx(budget_cny(outcome.periods))
        assert paid < -1000.0
        assert [(law.law, law.place) for law in unclaimed] == [(NO_BUDGET, "the whole day")]
        assert f"vcg pays out {-paid:,.2f} CNY more than it takes in" in str(unclaimed[0])
    else:
        assert paid == pytest.approx(0.0, abs=1e-6)
    for before, after in zip(settlement.grid_only, settlement.game, strict=True):
        claimed = not any(law.law == NO_LOSS and before.vpp in law.place for law in unclaimed)
        assert not claimed or after.total_cny <= before.total_cny + 0.01


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("mechanism", CLEARING)
def test_so_it_is_on_random_days(mechanism: Mechanism, seed: int) -> None:
    scenario = random_market(seed, list(Level)[seed % 3], vpps=4, periods=6)
    market = replace(scenario.public.market, mechanism=mechanism)
    scenario = replace(scenario, public=replace(scenario.public, market=market))
    outcome = market_day(scenario)
    settlement = settle(outcome, scenario.public)
    assert check_laws(outcome, settlement, scenario.public, scenario.vpps) == ()
    left = fsum(account.trade_cny for account in settlement.game) - budget_cny(outcome.periods)
    assert left == pytest.approx(0.0, abs=1e-6 * max(1.0, scenario.public.market.price_max_cny_per_mwh))
    assert scenario.public.carbon.mode is not CarbonMode.NONE


def test_bill_sharing_names_who_may_lose_and_the_wind_farm_does(
    days: dict[Mechanism, tuple[Scenario, MarketOutcome]],
) -> None:
    scenario, outcome = days[Mechanism.BILL_SHARING]
    settlement = settle(outcome, scenario.public)
    unclaimed = {law.place for law in unclaimed_laws(outcome, scenario.public, scenario.vpps)}
    lost = {
        before.vpp
        for before, after in zip(settlement.grid_only, settlement.game, strict=True)
        if after.total_cny > before.total_cny + 0.01
    }
    assert lost == {"VPP5"}
    assert lost <= unclaimed


# --- prices by hand ----------------------------------------------------------------------------------------------

# five_vpp, period 2: VPP5 has 3.87 MW over, the others lack 2.37401662 + 2.34 + 2.306 + 0.498 = 7.51801662 MW;
# feed-in 320, retail 400. Period 12: VPP1 and VPP3 have 3.37 + 2.016 = 5.386 MW over, the others lack 2.761 MW;
# feed-in 360, retail 750.


def period(
    days: dict[Mechanism, tuple[Scenario, MarketOutcome]], mechanism: Mechanism, number: int
) -> PeriodResult:
    return days[mechanism][1].periods[number - 1]


def test_the_ratio_of_supply_to_demand_gives_the_prices_worked_out_by_hand(
    days: dict[Mechanism, tuple[Scenario, MarketOutcome]],
) -> None:
    scarce, glut = (period(days, Mechanism.SUPPLY_DEMAND_RATIO, number) for number in (2, 12))
    # SDR = 0.51476343; 320 · 400/(80 · 0.51476343 + 320) = 128000/361.1810744 = 354.392877
    assert scarce.price_cny_per_mwh.tolist() == pytest.approx([354.392877], abs=1e-5)
    # P_buy = 354.392877 · 0.51476343 + 400 · 0.48523657 = 376.523
    assert buying_price(3.87 / 7.51801662, 320.0, 400.0) == pytest.approx(376.523, abs=1e-3)
    mine = scarce.game.buyers.index("VPP2")
    taken = float(scarce.delivered_mw[mine].sum())
    assert taken == pytest.approx(2.34 * 0.51476343, abs=1e-7)
    on_average = (taken * 354.392877 + (2.34 - taken) * 400.0) / 2.34
    assert on_average == pytest.approx(376.523, abs=1e-3)
    assert glut.price_cny_per_mwh.tolist() == [360.0, 360.0]  # 5.386/2.761 > 1: the feed-in price
    assert glut.delivered_mw.sum(axis=0).tolist() == pytest.approx([1.72754734, 1.03345266], abs=1e-7)


def test_the_mid_market_rate_is_the_one_worked_out_by_hand(
    days: dict[Mechanism, tuple[Scenario, MarketOutcome]],
) -> None:
    scarce, glut = (period(days, Mechanism.MID_MARKET_RATE, number) for number in (2, 12))
    assert scarce.price_cny_per_mwh.tolist() == [360.0]  # (320 + 400)/2
    assert glut.price_cny_per_mwh.tolist() == [555.0, 555.0]  # (360 + 750)/2
    assert float(scarce.delivered_mw.sum()) == pytest.approx(3.87)
    assert float(glut.delivered_mw.sum()) == pytest.approx(2.761)
    assert glut.delivered_mw.sum(axis=0).tolist() == pytest.approx([1.72754734, 1.03345266], abs=1e-7)


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.7, 1.0, 1.5])
def test_what_the_ratio_takes_from_buyers_goes_to_sellers_and_the_grid(ratio: float) -> None:
    """P_buy D = P_sell S + R (D − S) in scarcity; both are within the grid's prices, and meet them at the ends."""
    sell, buy = selling_price(ratio, 300.0, 900.0), buying_price(ratio, 300.0, 900.0)
    assert 300.0 <= sell <= buy <= 900.0
    assert buy == pytest.approx(sell * min(ratio, 1.0) + 900.0 * (1.0 - min(ratio, 1.0)))
    assert sell == pytest.approx(900.0) if ratio == 0.0 else sell < 900.0
    assert ratio < 1.0 or sell == pytest.approx(300.0)


def test_bill_sharing_leaves_everybody_with_its_part_of_the_bill() -> None:
    """Two periods by hand. First: 2 MW over, 4 MW short, R = 800. Second: 3 MW over, 1 MW short, f = 300."""
    first, second = (
        PeriodGame.of(
            surplus_mw=surplus,
            deficit_mw=deficit,
            satisfaction_cny_per_h=1e4,
            floor_cny_per_mwh=300.0,
            cap_cny_per_mwh=800.0,
        )
        for surplus, deficit in (([2.0], [1.0, 3.0]), ([1.0, 2.0], [1.0]))
    )
    cleared = bill_sharing([first, second], frozen([800.0, 800.0]))
    # bought from the grid 2 MWh for 1600, shared by 5 MWh: 320; sold to it 2 MWh for 600, shared by 5 MWh: 120
    bills = {"B1": 320.0 * 2.0, "B2": 320.0 * 3.0, "S1": -120.0 * 3.0, "S2": -120.0 * 2.0}
    for vpp, bill in bills.items():
        paid = fsum(_paid(game, end, vpp, 800.0) for game, end in zip((first, second), cleared, strict=True))
        assert paid == pytest.approx(bill)
    assert fsum(x for end in cleared for x in end.transfer_cny.values()) == pytest.approx(0.0, abs=1e-9)


def _paid(game: PeriodGame, end: ClearedPeriod, vpp: str, retail: float) -> float:
    """What a VPP pays its peers, the grid and the mechanism in a period of one hour."""
    paid = end.transfer_cny.get(vpp, 0.0)
    if vpp in game.buyers:
        i = game.buyers.index(vpp)
        mine = end.delivered_mw[i]
        paid += float(mine @ end.price_cny_per_mwh) + retail * (game.deficit_mw[i] - float(mine.sum()))
    if vpp in game.sellers:
        j = game.sellers.index(vpp)
        mine = float(end.delivered_mw[:, j].sum())
        paid -= mine * end.price_cny_per_mwh[j] + game.feed_in_cny_per_mwh * (game.surplus_mw[j] - mine)
    return float(paid)


# --- uniform price: a programme of the test's own ----------------------------------------------------------------


def clearing_programme(game: PeriodGame) -> tuple[float, float]:
    """The dual of the balance, and the welfare: max Σ worth of segments − Σ asks.

    Segments of each buyer's demand, worth what it bids for them on average, are cut finer where the answer lies.
    """
    asks = np.maximum(game.floor_cny_per_mwh, game.reserve_cny_per_mwh)
    base, worth_per_h = game.base_power_mw + game.own_supply_mw, game.satisfaction_cny_per_h
    kinks = np.clip(worth_per_h / game.cap_cny_per_mwh - base, 0.0, game.deficit_mw)
    cuts = [np.unique([*np.linspace(0.0, d, 41), kink]) for d, kink in zip(game.deficit_mw, kinks, strict=True)]
    for _ in range(16):
        values = [
            _average_bids(points, base[i], worth_per_h[i], game.cap_cny_per_mwh) for i, points in enumerate(cuts)
        ]
        ends = np.cumsum([0, *(len(each) for each in values)])
        found = linprog(
            np.concatenate([*(-each for each in values), asks]),
            A_eq=np.concatenate([np.ones(ends[-1]), -np.ones(len(asks))])[None, :],
            b_eq=[0.0],
            bounds=[(0.0, wide) for points in cuts for wide in np.diff(points).tolist()]
            + [(0.0, most) for most in game.surplus_mw.tolist()],
        )
        bought = [float(found.x[ends[i] : ends[i + 1]].sum()) for i in range(len(cuts))]
        cuts = [_finer(points, at) for points, at in zip(cuts, bought, strict=True)]
    return -float(found.eqlin.marginals[0]), -float(found.fun)


def _average_bids(points: Array, base: float, worth_per_h: float, cap: float) -> Array:
    """Of min(cap, k/(base + x)) in each segment, by Gauss's rule."""
    at, weight = np.polynomial.legendre.leggauss(12)
    middle, half = (points[1:] + points[:-1]) / 2.0, np.diff(points) / 2.0
    bids = np.minimum(worth_per_h / (base + middle[:, None] + half[:, None] * at), cap)
    return frozen(bids @ weight / 2.0)


def _finer(points: Array, at: float) -> Array:
    """With the two segments beside a point cut in half."""
    place = int(np.clip(np.searchsorted(points, at), 1, len(points) - 1))
    beside = [k for k in (place - 1, place, place + 1) if 1 <= k < len(points)]
    return np.unique(np.concatenate([points, [(points[k] + points[k - 1]) / 2.0 for k in beside]]))


def test_the_uniform_price_is_the_dual_of_the_clearing_programme(
    days: dict[Mechanism, tuple[Scenario, MarketOutcome]],
) -> None:
    for result in days[Mechanism.UNIFORM_PRICE][1].periods:
        if result.game.tradable:
            dual, _ = clearing_programme(result.game)
            assert result.price_cny_per_mwh == pytest.approx(dual, abs=0.02), result.game.period + 1


@pytest.mark.parametrize("seed", range(25))
def test_so_it_is_in_drawn_periods_and_the_trade_is_worth_as_much(seed: int) -> None:
    game = drawn(seed)
    dual, welfare = clearing_programme(game)
    trade = efficient_trade(game)
    asks = np.maximum(game.floor_cny_per_mwh, game.reserve_cny_per_mwh)
    worth = float(worth_cny_per_h(game, trade.bought_mw).sum() - asks @ trade.sold_mw)
    assert worth == pytest.approx(welfare, rel=1e-6)
    if trade.traded_mw > POWER:
        assert trade.last_ask - 0.02 <= dual <= trade.last_bid + 0.02
        assert uniform_price(game).price_cny_per_mwh[0] == pytest.approx(dual, abs=0.02)


@pytest.mark.parametrize("seed", range(25))
def test_nobody_who_trades_pays_above_its_bid_or_gets_below_its_ask(seed: int) -> None:
    game = drawn(seed)
    asks = np.maximum(game.floor_cny_per_mwh, game.reserve_cny_per_mwh)
    for share in (0.0, 0.3, 1.0):
        end = k_double_auction(game, share)
        bought, sold = end.delivered_mw.sum(axis=1), end.delivered_mw.sum(axis=0)
        price = float(end.price_cny_per_mwh[0])
        bids = bids_cny_per_mwh(game, bought)
        assert (bids[bought > POWER] >= price - 1e-6).all()
        assert (asks[sold > POWER] <= price + 1e-6).all()
        trade = efficient_trade(game)
        assert price == pytest.approx(trade.last_ask + share * (trade.last_bid - trade.last_ask))


# --- McAfee ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_who_is_left_out_sets_the_prices_and_what_is_left_over_goes_back(seed: int) -> None:
    game = drawn(seed)
    everybody = (*game.sellers, *game.buyers, "idle")
    end = mcafee(game, everybody)
    bids = np.minimum(
        game.satisfaction_cny_per_h / (game.base_power_mw + game.own_supply_mw + game.deficit_mw), 1000
    )
    asks = np.maximum(game.floor_cny_per_mwh, game.reserve_cny_per_mwh)
    bought, sold = end.delivered_mw.sum(axis=1), end.delivered_mw.sum(axis=0)
    assert fsum(end.transfer_cny.values()) == pytest.approx(0.0, abs=1e-6)
    if not bought.any():
        return
    earned = float(end.price_cny_per_mwh[0])
    back = -end.transfer_cny.get("idle", 0.0)
    assert back >= 0.0
    paid = [
        earned + (end.transfer_cny.get(buyer, 0.0) + back) / float(bought[i])
        for i, buyer in enumerate(game.buyers)
        if bought[i] > POWER
    ]
    assert paid == pytest.approx([paid[0]] * len(paid))
    assert (bids[bought > POWER] >= paid[0] - 1e-6).all()
    assert (asks[sold > POWER] <= earned + 1e-6).all()
    left_out = [bid for bid, mw in zip(bids.tolist(), bought.tolist(), strict=True) if mw <= POWER]
    assert any(bid == pytest.approx(paid[0]) for bid in left_out)
    assert any(ask == earned for ask, mw in zip(asks.tolist(), sold.tolist(), strict=True) if mw <= POWER)


@pytest.mark.parametrize("seed", range(40))
def test_no_trader_moves_its_own_price_while_it_trades(seed: int) -> None:
    game = drawn(seed)
    everybody = (*game.sellers, *game.buyers)
    end = mcafee(game, everybody)
    for j in np.flatnonzero(end.delivered_mw.sum(axis=0) > POWER).tolist():
        reserve = game.reserve_cny_per_mwh.copy()
        reserve[j] = 280.0
        other = mcafee(replace(game, reserve_cny_per_mwh=frozen(reserve)), everybody)
        assert other.price_cny_per_mwh[j] == end.price_cny_per_mwh[j]
        assert float(other.delivered_mw[:, j].sum()) == pytest.approx(float(end.delivered_mw[:, j].sum()))


# --- VCG ---------------------------------------------------------------------------------------------------------


def declared_gain(game: PeriodGame, end: ClearedPeriod, vpp: str) -> float:
    """What a VPP gains by its true declaration, `game`, where `end` came of whatever was declared; CNY an hour."""
    if vpp in game.buyers:
        i = game.buyers.index(vpp)
        bought = np.zeros(len(game.buyers))
        bought[i] = float(end.delivered_mw[i].sum())
        paid = float(end.delivered_mw[i] @ end.price_cny_per_mwh) + end.transfer_cny[vpp]
        return float(worth_cny_per_h(game, bought)[i]) - paid
    j = game.sellers.index(vpp)
    sold = float(end.delivered_mw[:, j].sum())
    ask = max(game.floor_cny_per_mwh, float(game.reserve_cny_per_mwh[j]))
    return float(end.price_cny_per_mwh[j] - ask) * sold - end.transfer_cny[vpp]


@pytest.mark.parametrize("seed", range(15))
def test_each_gains_what_its_presence_adds_by_the_programme_of_the_test(seed: int) -> None:
    game = drawn(seed)
    end, (_, whole) = vcg(game), clearing_programme(game)
    for vpp in (*game.sellers, *game.buyers):
        smaller = without(game, vpp)
        rest = clearing_programme(smaller)[1] if smaller.tradable else 0.0
        assert declared_gain(game, end, vpp) == pytest.approx(whole - rest, abs=1e-4 * max(whole, 1.0))
    assert fsum(end.transfer_cny.values()) <= 1e-6  # it pays out, it never takes in


@pytest.mark.parametrize("seed", range(25))
def test_of_what_is_declared_the_truth_is_best(seed: int) -> None:
    game, draw = drawn(seed), np.random.default_rng(seed)
    end = vcg(game)
    for j, seller in enumerate(game.sellers):
        for _ in range(4):
            reserve, surplus = game.reserve_cny_per_mwh.copy(), game.surplus_mw.copy()
            reserve[j] = draw.uniform(280.0, 1000.0)
            surplus[j] *= draw.choice([0.3, 0.8, 1.0])
            lie = replace(game, reserve_cny_per_mwh=frozen(reserve), surplus_mw=frozen(surplus))
            assert declared_gain(game, vcg(lie), seller) <= declared_gain(game, end, seller) + 1e-6
    for i, buyer in enumerate(game.buyers):
        for _ in range(4):
            worth, deficit = game.satisfaction_cny_per_h.copy(), game.deficit_mw.copy()
            worth[i] *= draw.uniform(0.4, 2.0)
            deficit[i] *= draw.choice([0.3, 0.8, 1.0])
            lie = replace(game, satisfaction_cny_per_h=frozen(worth), deficit_mw=frozen(deficit))
            assert declared_gain(game, vcg(lie), buyer) <= declared_gain(game, end, buyer) + 1e-6


# --- all ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_nobody_delivers_more_than_it_has_or_gets_more_than_it_lacks(seed: int) -> None:
    game = drawn(seed)
    retail, everybody = 1000.0, (*game.sellers, *game.buyers)
    ends = (
        *(uniform_price(game), k_double_auction(game, 0.5), mcafee(game, everybody), vcg(game)),
        *(mid_market_rate(game, retail), supply_demand_ratio(game, retail)),
        *bill_sharing([game], frozen([retail])),
    )
    for end in ends:
        assert (end.delivered_mw >= 0.0).all()
        assert (end.delivered_mw.sum(axis=0) <= game.surplus_mw + POWER).all()
        assert (end.delivered_mw.sum(axis=1) <= game.deficit_mw + POWER).all()
        assert np.isfinite(end.price_cny_per_mwh).all()


def test_an_empty_day_is_shared_too() -> None:
    assert bill_sharing([], frozen([])) == ()
