"""Claims about the grid as a choice of buyers: one more seller that never prices, and nothing where it is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import market
from market.app.replay.decision import differences
from market.app.runs.in_process import market_day
from market.errors import ScenarioError
from market.game.buyers import answer_day
from market.game.clearing.clearing_price import exact_clearing_price
from market.game.demand_curve import demanded_power
from market.game.period import PeriodGame
from market.game.replicator import evolve, rest_point
from market.game.result import Verdict
from market.model.network import LinkConditions, Lognormal, NetworkRules
from market.model.rules import MarketRules
from market.scenario import load_scenario, with_overrides
from tests.app.days_over_the_bus import day_of, over_the_bus


def drawn(seed: int, grid_mw: float) -> PeriodGame:
    draw = np.random.default_rng(seed)
    sellers, buyers = (int(number) for number in draw.integers(1, 5, 2))
    deficit, own = draw.uniform(0.2, 2.0, buyers), draw.uniform(0.0, 1.0, buyers)
    return PeriodGame.of(
        surplus_mw=draw.uniform(0.2, 3.0, sellers),
        reserve_cny_per_mwh=draw.choice([400.0, 450.0, 600.0], sellers),
        deficit_mw=deficit,
        own_supply_mw=own,
        satisfaction_cny_per_h=draw.uniform(500.0, 1400.0, buyers) * (0.001 + own + deficit),
        floor_cny_per_mwh=400.0,
        cap_cny_per_mwh=1000.0,
        temperature_cny_per_mwh=float(draw.choice([20.0, 50.0, 120.0])),
        grid_option_mw=grid_mw,
        retail_cny_per_mwh=1000.0,
    )


def test_two_firms_beside_the_grid_are_the_logit_duopoly_of_the_literature() -> None:
    """a = 2, c = 1, m = 1/4, a0 = 0 (Calvano et al. 2020), in thousands: price 1.47293, profit 0.22293."""
    game = PeriodGame.of(
        surplus_mw=[5.0, 5.0],
        deficit_mw=1.0,
        satisfaction_cny_per_h=1e4,
        floor_cny_per_mwh=1000.0,
        cap_cny_per_mwh=2000.0,
        temperature_cny_per_mwh=250.0,
        grid_option_mw=5.0,
        retail_cny_per_mwh=2000.0,
    )
    result = market.solve_period(game)
    assert result.verdict is Verdict.EQUILIBRIUM
    assert result.price_cny_per_mwh == pytest.approx([1472.93, 1472.93], abs=0.005)
    earned = (result.price_cny_per_mwh - 1000.0) * result.delivered_mw.sum(axis=0)
    assert earned == pytest.approx([222.93, 222.93], abs=0.005)
    assert float(result.probability.sum()) < 0.95


@pytest.mark.parametrize("seed", range(20))
def test_the_grid_is_one_more_seller_at_the_retail_price(seed: int) -> None:
    """Rest, evolution, answers, gains and best responses are those of a game with a seller in its place."""
    game = drawn(seed, 0.8)
    twin = replace(
        game,
        sellers=(*game.sellers, "grid"),
        surplus_mw=np.append(game.surplus_mw, 0.8),
        reserve_cny_per_mwh=np.append(game.reserve_cny_per_mwh, 400.0),
        grid_option_mw=0.0,
    )
    draw = np.random.default_rng(seed)
    prices = draw.uniform(game.least_price_cny_per_mwh, game.cap_cny_per_mwh)
    beside = np.append(prices, 1000.0)
    assert rest_point(game, prices) == pytest.approx(rest_point(twin, beside)[:, :-1], abs=1e-14)
    assert evolve(game, prices, 0.5).probability == pytest.approx(evolve(twin, beside, 0.5).probability[:, :-1])
    for buyer in game.buyers:
        (ours,) = answer_day(buyer, [game], [prices], MarketRules())
        (theirs,) = answer_day(buyer, [twin], [beside], MarketRules())
        assert ours.probability == pytest.approx(theirs.probability[:-1], abs=1e-12)
    found, expected = market.certify(game, prices), market.certify(twin, beside)
    assert found.buyer_gain_cny == pytest.approx(expected.buyer_gain_cny, abs=1e-6)
    assert found.seller_regret_cny == pytest.approx(expected.seller_regret_cny[:-1], abs=1e-6)
    for j, seller in enumerate(game.sellers):
        assert market.best_response(game, seller, prices) == pytest.approx(
            market.best_response(twin, seller, beside), abs=1e-6
        )
        assert found.seller_regret_bound_cny[j] >= found.seller_regret_cny[j]


@pytest.mark.parametrize("seed", range(20))
def test_prices_come_to_a_certified_rest_at_or_above_the_clearing_price(seed: int) -> None:
    game = drawn(seed, 0.5)
    result = market.solve_period(game)
    assert result.verdict is Verdict.EQUILIBRIUM, result.evidence
    starts = np.maximum(result.clearing_price_cny_per_mwh, game.reserve_cny_per_mwh)
    assert (result.price_cny_per_mwh >= starts - 1e-6).all()


@pytest.mark.parametrize("seed", range(30))
def test_the_clearing_price_is_the_lowest_at_which_sellers_have_what_is_asked_of_them(seed: int) -> None:
    game = drawn(seed, 0.5)
    price = exact_clearing_price(game)

    def enough(at: float) -> bool:
        here = game.reserve_cny_per_mwh <= at
        supply = float(game.surplus_mw[here].sum())
        if not here.any():
            return float(demanded_power(game, np.array([at])).sum()) <= 0.0
        few = replace(
            game,
            sellers=tuple(name for name, there in zip(game.sellers, here, strict=True) if there),
            surplus_mw=game.surplus_mw[here],
            reserve_cny_per_mwh=game.reserve_cny_per_mwh[here],
        )
        prices = np.full(len(few.sellers), at)
        asked = float((rest_point(few, prices) * demanded_power(few, prices)).sum())
        return asked <= supply + 1e-9

    tried = [at for at in np.linspace(400.0, 1000.0, 2001).tolist() if enough(at)]
    lowest = min(tried, default=1000.0)
    assert lowest - 0.31 <= price <= lowest + 1e-6


def test_where_it_weighs_nothing_nothing_changes_and_a_little_changes_little() -> None:
    for seed in range(10):
        none, little = market.solve_period(drawn(seed, 0.0)), market.solve_period(drawn(seed, 1e-9))
        if none.verdict is little.verdict is Verdict.EQUILIBRIUM:
            assert little.price_cny_per_mwh == pytest.approx(none.price_cny_per_mwh, abs=0.01)


def test_a_day_with_it_is_settled_and_the_same_over_messages() -> None:
    scenario = with_overrides(load_scenario("two_vpp"), {"market.grid_option_mw": 0.5})
    day = market_day(scenario)
    assert day.verdict is Verdict.EQUILIBRIUM
    traded = [result for result in day.periods if result.game.tradable]
    assert any(result.probability.sum(axis=1).min() < 0.999 for result in traded)
    for network in (NetworkRules(), NetworkRules(every=LinkConditions(Lognormal(0.05, 1.0), loss=0.2))):
        run = over_the_bus(scenario, network)
        run.run()
        other = day_of(run)
        assert run.coordinator.refused == {}
        periods, others = ([replace(p, rounds=0) for p in each.periods] for each in (day, other))
        assert [str(found) for found in differences(periods, others, "periods")] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"market.choice_temperature_cny_per_mwh": 0.0}, "buyers have to spread over sellers"),
        ({"market.mechanism": "vcg"}, "only in a game do buyers choose"),
        ({"market.day_certificate": True}, "menus do not know of it"),
        ({"market.grid_option_mw": -1.0}, "grid_option_mw"),
    ],
)
def test_where_it_can_be_no_choice_it_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        with_overrides(load_scenario("two_vpp"), {"market.grid_option_mw": 0.5, **changes})
