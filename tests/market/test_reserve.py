"""Claims about reserve prices, (M5): nobody is made to sell for less than its energy costs it.

What a reserve is; that offers, clearing price, best replies and the certificate keep to it, in one process and
between nodes; and that on no random day a delivered MWh is paid less than it costs.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.screening.messages import TradingRoles, screen
from broker.wire.messages import Declared, Offer
from market.app.runs.in_process import market_day
from market.bidding.declare import declare
from market.bidding.reserve import reserve_cny_per_mwh
from market.errors import ProtocolError
from market.game.certificate.certify import certify
from market.game.clearing.clearing_price import clearing_price
from market.game.dithering import answers
from market.game.period import PeriodGame, period_games
from market.game.pricing import best_response
from market.game.result import Verdict
from market.game.solver import Order, negotiate, solve_day, solve_period
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration, Role
from market.model.network import Constant, LinkConditions, Lognormal, NetworkRules
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import CarbonMode, Horizon, Tariff
from market.model.vpp import Exchange, Renewable, Vpp
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from market.settlement.laws import check_laws, unclaimed_laws
from market.settlement.settlement import settle
from tests.broker.days import declaration, market_rules, public_rules
from tests.broker.loopback import Loopback
from tests.market.instances import make_game, make_rules, random_game, random_prices
from tests.market.operations import CARBON, MARKET
from tests.market.random_markets import Level, random_market
from tests.market.test_roles import plan
from tests.sampling import law, sampled

SEEDS = st.integers(0, 2**32 - 1)
LAW = law(60)
RULES = make_rules()


# --- what a reserve is ---


def rules(feed_in: float, **carbon: object) -> PublicRules:
    tariff = Tariff(frozen([600.0]), frozen([feed_in]))
    return PublicRules(Horizon(1, 1.0), tariff, MARKET, replace(CARBON, **carbon), "")  # type: ignore[arg-type]


def windy(om: float, forecast: float = 10.0, pv_om: float | None = None, out_max: float = 99.0) -> Vpp:
    sun = None if pv_om is None else Renewable(frozen([forecast]), pv_om)
    wind = Renewable(frozen([forecast]), om)
    return Vpp("W", "", frozen([0.0]), wind, sun, None, None, None, Exchange(99.0, 99.0, 99.0, out_max), 0.85)


def reserve(vpp: Vpp, day: DispatchPlan, public: PublicRules) -> float:
    return float(reserve_cny_per_mwh(vpp, day, public)[0])


def test_what_would_be_exported_is_worth_the_feed_in_price() -> None:
    assert reserve(windy(15.0), plan(wt=10.0), rules(40.0)) == 40.0
    assert reserve(windy(15.0), plan(wt=10.0), rules(0.0)) == 0.0


def test_what_would_be_curtailed_costs_the_plant_s_upkeep_where_that_is_more() -> None:
    assert reserve(windy(15.0), plan(wt=4.0, load=4.0, curtailed=6.0), rules(-5.0)) == 15.0
    assert reserve(windy(15.0), plan(wt=4.0, curtailed=6.0), rules(40.0)) == 40.0


def test_the_last_mwh_counts_cheapest_parts_first() -> None:
    """4 MW exported at 10, then 4 MW of PV curtailed at 20, then 6 MW of wind at 30."""
    day = replace(plan(wt=4.0, pv=6.0, load=6.0, curtailed=10.0))
    for limit, expected in ((3.0, 10.0), (4.0, 10.0), (4.1, 20.0), (8.0, 20.0), (8.1, 30.0), (99.0, 30.0)):
        assert reserve(windy(30.0, pv_om=20.0, out_max=limit), day, rules(10.0)) == expected


def test_quota_for_renewables_makes_running_them_cheaper() -> None:
    """E = 3 t; 6 MWh more of wind would earn 1.2 t, so the last one saves 0.2 t of the first step, 280 CNY/t."""
    day = plan(wt=4.0, load=4.0, curtailed=6.0)
    public = rules(0.0, renewable_quota_t_per_mwh=0.2)
    assert reserve(windy(90.0), day, public) == pytest.approx(90.0 - 0.2 * 280.0)
    flat = rules(0.0, renewable_quota_t_per_mwh=0.2, mode=CarbonMode.FLAT, flat_price_cny_per_t=320.0)
    assert reserve(windy(90.0), day, flat) == pytest.approx(90.0 - 0.2 * 320.0)
    unseen = rules(0.0, renewable_quota_t_per_mwh=0.2, mode=CarbonMode.NONE)
    assert reserve(windy(90.0), day, unseen) == 90.0


def test_quota_that_leaves_with_the_energy_is_paid_for() -> None:
    """E = 3 t is in the second step, 350 CNY/t."""
    public = rules(40.0, credits_follow_energy=True, direct_quota_t_per_mwh=0.1)
    assert reserve(windy(15.0), plan(wt=10.0), public) == pytest.approx(40.0 + 35.0)


def test_who_would_need_more_than_the_cap_is_idle() -> None:
    day = plan(wt=4.0, load=4.0, curtailed=6.0)
    sells = declare(windy(600.0), day, rules(40.0))
    assert (sells.roles, sells.reserve_cny_per_mwh.tolist()) == ((Role.SELLER,), [600.0])
    idle = declare(windy(600.1), day, rules(40.0))
    assert (idle.roles, idle.surplus_mw.tolist(), idle.reserve_cny_per_mwh.tolist()) == (
        (Role.IDLE,),
        [0.0],
        [0.0],
    )


@pytest.mark.parametrize("step", [0.0, 250.0])
def test_a_last_digit_does_not_keep_who_needs_the_cap_out(step: float) -> None:
    day = plan(wt=4.0, load=4.0, curtailed=6.0)
    for needs, told in ((600.0 + 1e-10, [600.0]), (math.nextafter(600.0, 700.0), [600.0]), (600.0 + 1e-5, [0.0])):
        owner = replace(windy(needs), exchange=replace(windy(needs).exchange, reserve_step_cny_per_mwh=step))
        assert declare(owner, day, rules(40.0)).reserve_cny_per_mwh.tolist() == told


@pytest.mark.parametrize(
    ("om", "step", "told"),
    [
        (41.0, 0.0, 41.0),
        (41.0, 1e-320, 41.0),
        (41.0, 25.0, 50.0),
        (50.0, 25.0, 50.0),
        (0.3, 0.1, 40.0),  # worth the feed-in price: that is nothing to hide
        (590.0, 250.0, 600.0),  # the cap, not 750: it would not sell at all
        (600.0, 250.0, 600.0),
        (0.3 + 41.0, 0.1, 41.3),
    ],
)
def test_a_plant_may_tell_its_reserve_in_steps(om: float, step: float, told: float) -> None:
    owner, day = windy(om), plan(wt=4.0, load=4.0, curtailed=6.0)
    owner = replace(owner, exchange=replace(owner.exchange, reserve_step_cny_per_mwh=step))
    assert declare(owner, day, rules(40.0)).reserve_cny_per_mwh.tolist() == [pytest.approx(told, abs=1e-9)]
    assert reserve(owner, day, rules(40.0)) == max(om, 40.0)  # what it costs is another matter


def test_in_the_built_in_case_of_five_every_reserve_is_the_feed_in_price() -> None:
    scenario = load_scenario("five_vpp")
    for day in market_day(scenario).days:
        sells = day.declaration.surplus_mw > 0
        assert (
            day.declaration.reserve_cny_per_mwh[sells] == scenario.public.tariff.feed_in_cny_per_mwh[sells]
        ).all()


# --- markets by hand ---


def plants(
    feed_in: list[float], om: float, wind: list[float], sellers: int, town: list[float], tau: float
) -> Scenario:
    """`sellers` plants of wind alone and a town that only buys, at retail 80."""
    hours = len(feed_in)
    free = Exchange(float("inf"), float("inf"), float("inf"), float("inf"))
    known = [
        Vpp(f"W{j}", "", frozen(np.zeros(hours)), Renewable(frozen(wind), om), None, None, None, None, free, 0.85)
        for j in range(sellers)
    ]
    known.append(Vpp("Town", "", frozen(town), None, None, None, None, None, free, 0.85))
    market = replace(MARKET, price_min_cny_per_mwh=1.0, choice_temperature_cny_per_mwh=tau)
    carbon = replace(CARBON, mode=CarbonMode.FLAT, flat_price_cny_per_t=70.0)
    tariff = Tariff(frozen([80.0] * hours), frozen(feed_in))
    one = load_scenario("two_vpp")
    ids = tuple(vpp.id for vpp in known)
    public = PublicRules(Horizon(hours, 1.0), tariff, market, carbon, "")
    return replace(one, public=public, vpps=tuple(known), roster=ids)


def test_curtailed_energy_is_sold_above_its_upkeep_and_its_owner_gains() -> None:
    """Equal sellers in glut ask r + τ/(1 − 1/n): 40 + 2 by day; at −5 the wind would stand still, so 15 + 2."""
    scenario = plants([40.0, -5.0], 15.0, [4.0, 4.0], 2, [3.0, 3.0], 1.0)
    outcome = market_day(scenario)
    assert [result.price_cny_per_mwh.round(6).tolist() for result in outcome.periods] == [
        [42.0, 42.0],
        [17.0, 17.0],
    ]
    settlement = settle(outcome, scenario.public)
    before, after = settlement.grid_only[0].total_cny, settlement.game[0].total_cny
    assert before == pytest.approx(-4.0 * 25.0)
    assert after == pytest.approx(4.0 * 15.0 - 2.5 * 40.0 - 1.5 * 42.0 - 1.5 * 2.0)
    assert unclaimed_laws(outcome, scenario.public, scenario.vpps) == ()
    assert check_laws(outcome, settlement, scenario.public, scenario.vpps) == ()


def test_without_a_feed_in_price_five_plants_ask_their_upkeep_and_a_mark_up() -> None:
    outcome = market_day(plants([0.0], 12.0, [2.5], 5, [2.0], 5.0))
    assert outcome.periods[0].price_cny_per_mwh.round(6).tolist() == [12.0 + 5.0 / 0.8] * 5


@pytest.mark.parametrize("level", list(Level))
def test_dear_upkeep_breaks_no_law(level: Level) -> None:
    for seed in range(4):
        scenario = random_market(seed, level)
        dear = [
            replace(vpp, pv=replace(vpp.pv, om_cost_cny_per_mwh=600.0 if level is Level.CNY else 120.0))
            if vpp.pv is not None
            else vpp
            for vpp in scenario.vpps
        ]
        scenario = replace(scenario, vpps=tuple(dear))
        outcome = market_day(scenario)
        assert check_laws(outcome, settle(outcome, scenario.public), scenario.public, scenario.vpps) == ()
        assert unclaimed_laws(outcome, scenario.public, scenario.vpps) == ()


def cost_of_delivery(vpp: Vpp, before: DispatchPlan, feed_in: Array, t: int, delivered_mw: float) -> float:
    """What a delivery costs, CNY/h, worked out apart from (M5): exports forgone and plants run, cheapest first."""
    parts = [(float(feed_in[t]), float(before.sell_mw[t]))]
    for plant, used in ((vpp.wt, before.wt_mw), (vpp.pv, before.pv_mw)):
        if plant is not None:
            parts.append((plant.om_cost_cny_per_mwh, float(plant.forecast_mw[t] - used[t])))
    cost = 0.0
    for price, power in sorted(parts):
        taken = min(power, delivered_mw)
        cost, delivered_mw = cost + price * taken, delivered_mw - taken
    assert delivered_mw <= 1e-6
    return cost


def test_on_no_random_day_is_a_delivery_paid_less_than_it_costs() -> None:
    above_feed_in = 0
    seeds = sampled(range(40), 8)
    for seed in seeds:
        scenario = random_market(seed, [Level.EUR, Level.EUR_NEGATIVE][seed % 2])
        outcome, feed_in = market_day(scenario), scenario.public.tariff.feed_in_cny_per_mwh
        assert unclaimed_laws(outcome, scenario.public, scenario.vpps) == ()
        assert check_laws(outcome, settle(outcome, scenario.public), scenario.public, scenario.vpps) == ()
        for result in outcome.periods:
            for j, seller in enumerate(result.game.sellers):
                t, sold = result.game.period, float(result.delivered_mw[:, j].sum())
                before = outcome.days[scenario.roster.index(seller)].before
                assert isinstance(before, DispatchPlan)
                cost = cost_of_delivery(scenario.vpp(seller), before, feed_in, t, sold)
                assert result.price_cny_per_mwh[j] * sold >= cost - 1e-6
                above_feed_in += bool(sold and result.game.reserve_cny_per_mwh[j] > feed_in[t])
    assert above_feed_in > len(seeds)


# --- the game with reserves ---


def reserved_game(seed: int, temperature: float | None = None) -> PeriodGame:
    """A random game whose sellers have reserves from the feed-in price up to nearly the cap."""
    game = random_game(seed, temperature=temperature)
    rng = np.random.default_rng([seed, 2])
    width = game.cap_cny_per_mwh - game.floor_cny_per_mwh
    reserve = game.floor_cny_per_mwh + rng.uniform(-0.3, 0.6, len(game.sellers)) * width
    return replace(game, reserve_cny_per_mwh=frozen(np.maximum(reserve, game.feed_in_cny_per_mwh)))


def earned(game: PeriodGame, seller: int, prices: Array, own: float) -> float:
    """(p − r) min(S, Q) straight from (17), (20), (M2)."""
    offered = prices.copy()
    offered[seller] = own
    base = (game.base_power_mw + game.own_supply_mw)[:, None]
    k, most = game.satisfaction_cny_per_h[:, None], game.deficit_mw[:, None]
    want = np.clip(k / offered - base, 0.0, most)
    pull = np.log(game.surplus_mw) + (k * np.log1p(want / base) - offered * want) / (
        most * game.temperature_cny_per_mwh
    )
    share = np.exp(pull - pull.max(axis=1, keepdims=True))
    asked = (share / share.sum(axis=1, keepdims=True) * want)[:, seller].sum()
    return float((own - game.reserve_cny_per_mwh[seller]) * min(asked, game.surplus_mw[seller]))


@LAW
@given(SEEDS)
def test_the_best_reply_is_the_best_at_the_reserve_or_above(seed: int) -> None:
    game = reserved_game(seed)
    prices, seller = random_prices(game, seed), seed % len(game.sellers)
    best = best_response(game, seller, prices)
    least = game.least_price_cny_per_mwh[seller]
    assert least <= best <= game.cap_cny_per_mwh
    values = [earned(game, seller, prices, p) for p in np.linspace(least, game.cap_cny_per_mwh, 300)]
    assert max(values) <= earned(game, seller, prices, best) * (1 + 1e-12) + 1e-12


@LAW
@given(SEEDS)
def test_the_certificate_searches_at_the_reserve_or_above(seed: int) -> None:
    game = reserved_game(seed)
    prices = np.maximum(random_prices(game, seed), game.least_price_cny_per_mwh)
    certificate = certify(game, prices, *answers(game, prices, RULES))
    assert (certificate.better_price_cny_per_mwh >= game.least_price_cny_per_mwh).all()
    for seller in range(len(prices)):
        held = earned(game, seller, prices, prices[seller])
        gain = earned(game, seller, prices, best_response(game, seller, prices)) - held
        slack = 1e-7 * certificate.traded_value_cny
        assert certificate.seller_regret_cny[seller] == pytest.approx(max(gain, 0.0), abs=slack)
        assert gain <= certificate.seller_regret_bound_cny[seller] + 1e-9 * max(1.0, abs(held))


def test_markets_with_reserves_come_to_certified_rest_and_nobody_asks_less() -> None:
    games = [reserved_game(seed) for seed in sampled(range(200), 40)]
    results = solve_day([replace(game, period=t) for t, game in enumerate(games)], RULES)
    assert sum(result.verdict is not Verdict.EQUILIBRIUM for result in results) <= 2  # there may be none
    for result in results:
        assert (result.price_cny_per_mwh >= result.game.least_price_cny_per_mwh).all()


@LAW
@given(SEEDS, st.sampled_from([None, 0.0, 5.0]))
def test_at_an_equilibrium_rationing_wastes_nothing(seed: int, temperature: float | None) -> None:
    """Σ q = min(Σ S, Σ Q); the law of settlement that says so allows 1e-5 of it."""
    game = reserved_game(seed, temperature)
    result = solve_period(game, RULES)
    if result.verdict is Verdict.EQUILIBRIUM:
        all_there_is = min(game.surplus_mw.sum(), result.requested_mw.sum())
        assert result.delivered_mw.sum() == pytest.approx(all_there_is, rel=1e-7)


def test_with_reserves_an_equilibrium_may_lie_below_the_clearing_price_and_is_found_from_there_too() -> None:
    """p_clr may be where a dear seller comes in: the others come down, and in turn or from the cap to the same."""
    games = [replace(reserved_game(seed), period=seed) for seed in range(60)]
    results = solve_day(games, RULES)
    below = [r for r in results if (r.price_cny_per_mwh < r.clearing_price_cny_per_mwh - 1e-6).any()]
    assert below
    caps = [np.full(len(game.sellers), game.cap_cny_per_mwh) for game in games]
    in_turn = negotiate(games, RULES, order=Order.SEQUENTIAL)
    for result, turn, high in zip(results, in_turn, negotiate(games, RULES, caps), strict=True):
        np.testing.assert_allclose(turn.prices, result.price_cny_per_mwh, rtol=0, atol=1e-6)
        np.testing.assert_allclose(high.prices, result.price_cny_per_mwh, rtol=0, atol=1e-6)


def test_undercutting_stops_at_the_reserve() -> None:
    """τ = 0, and each could serve all 2 MW: the cheaper one asks a tick less than the other's reserve."""
    game = make_game([3.0, 3.0], [2.0], satisfaction=[4000.0], reserve=[300.0, 400.0], temperature=0.0)
    result = solve_period(game, make_rules(temperature=0.0))
    assert result.verdict is Verdict.EQUILIBRIUM
    assert result.price_cny_per_mwh.tolist() == [399.0, 400.0]
    assert result.delivered_mw.tolist() == [[2.0, 0.0]]


def test_the_clearing_price_counts_only_those_whose_reserve_it_reaches() -> None:
    """1.5 MW are wanted at any price up to 800: 1 MW can be had from 300 on, another from 500 on."""
    game = make_game([1.0, 1.0], [1.5], satisfaction=[800.0 * 1.501], reserve=[300.0, 500.0])
    assert clearing_price(game) == 500.0
    result = solve_period(game, RULES)
    assert (result.clearing_price_cny_per_mwh, result.certificate is not None) == (500.0, True)
    assert result.certificate is not None
    assert result.certificate.clearing_price_cny_per_mwh == pytest.approx(500.0, abs=1e-7)


@LAW
@given(SEEDS)
def test_the_clearing_price_is_the_lowest_that_clears(seed: int) -> None:
    game = reserved_game(seed)
    price = clearing_price(game)

    def clears(at: float) -> bool:
        base = game.base_power_mw + game.own_supply_mw
        wanted = np.clip(game.satisfaction_cny_per_h / at - base, 0.0, game.deficit_mw).sum()
        return bool(wanted <= game.surplus_mw[game.reserve_cny_per_mwh <= at].sum())

    assert clears(price + 1e-6) or price == game.cap_cny_per_mwh
    least = game.floor_cny_per_mwh
    if price > least + 1e-6:
        assert not any(clears(float(at)) for at in np.linspace(least, price - 1e-6, 50))


# --- between nodes ---


DAY = {"A": [2.0, 1.0], "B": [1.5, 0.8], "C": [-1.0, -2.0], "D": [-1.2, -1.0]}


def reserved_day() -> tuple[Declaration, ...]:
    reserves = {"A": 430.0, "B": 500.25}
    return tuple(declaration(vpp, row, reserve=reserves.get(vpp, 400.0)) for vpp, row in DAY.items())


@pytest.mark.parametrize(
    "network",
    [
        NetworkRules(),
        NetworkRules(every=LinkConditions(Constant(0.05))),
        NetworkRules(every=LinkConditions(Lognormal(0.05, 1.0), loss=0.2)),
    ],
    ids=["at once", "constant", "lognormal and loss"],
)
def test_nodes_agree_with_one_process(network: NetworkRules) -> None:
    wanted = solve_day(period_games(reserved_day(), public_rules()), market_rules())
    results = Loopback(public_rules(), reserved_day(), network=network).run().results
    for got, expected in zip(results, wanted, strict=True):
        assert got.verdict is Verdict.EQUILIBRIUM
        np.testing.assert_allclose(got.price_cny_per_mwh, expected.price_cny_per_mwh, rtol=0, atol=1e-6)
        assert (got.price_cny_per_mwh >= [430.0, 500.25]).all()


def test_an_offer_below_its_sender_s_reserve_is_refused() -> None:
    parts = TradingRoles(period_games(reserved_day(), public_rules()))
    parts.offer("B", Offer(1, (0, 1), frozen([500.25, 600.0])))
    with pytest.raises(ProtocolError, match="price 500 in period 1 leaves the band, or is below its reserve"):
        parts.offer("B", Offer(1, (0, 1), frozen([500.0, 600.0])))


@pytest.mark.parametrize(
    ("reserve", "story"),
    [
        ([399.9, 400.0], "reserve 399.9 in period 1, where 400 to 750 is possible"),
        ([400.0, 750.1], "reserve 750.1 in period 2, where 400 to 750 is possible"),
        ([400.0, float("nan")], "reserve nan in period 2"),
        ([400.0], "is not for 2 periods"),
    ],
)
def test_a_reserve_that_cannot_be_is_refused(reserve: list[float], story: str) -> None:
    said = replace(reserved_day()[0], reserve_cny_per_mwh=frozen(reserve))
    with pytest.raises(ProtocolError, match=story):
        screen("A", Declared(said), public_rules(), None)


def test_who_does_not_sell_has_no_reserve() -> None:
    said = replace(reserved_day()[2], reserve_cny_per_mwh=frozen([400.0, 0.0]))
    with pytest.raises(ProtocolError, match="reserve 400 in period 1, where it sells nothing"):
        screen("C", Declared(said), public_rules(), None)
    screen("C", Declared(reserved_day()[2]), public_rules(), None)
