"""Claims: the two numbers of (M6) hold the true regret of a day between them, and lie close together.

The true regret is that of whole days tried one by one by a second implementation (`reference_regret`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.app.results.day_certificate import day_certificate
from market.app.runs.certified_day import with_regrets
from market.app.runs.in_process import market_day
from market.day_certificate.day_certificate import DayCertificate, DayVerdict
from market.day_certificate.market_end import market_end
from market.day_certificate.trade_options import trade_options
from market.game.result import PeriodResult
from market.model.arrays import frozen
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import CarbonMode, Horizon, Tariff
from market.model.vpp import Renewable, Storage, Vpp
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import direct_exchange, settle
from tests.market.random_markets import Level, random_market
from tests.vpp_nodes.dispatch_cases import STORAGE
from tests.vpp_nodes.reference_regret import Hour, Rival, Want, least_cost


def market_of(
    plants: dict[str, tuple[list[float], list[float]]], retail: list[float], feed_in: list[float]
) -> Scenario:
    """Plants of (load, PV) in MW, whose carbon has one price; those whose name begins with B have storage too."""
    like = load_scenario("two_vpp")
    public = replace(
        like.public,
        horizon=Horizon(len(retail), 1.0),
        tariff=Tariff(frozen(retail), frozen(feed_in)),
        carbon=replace(like.public.carbon, mode=CarbonMode.FLAT),
    )
    vpps = tuple(_plant(name, *series) for name, series in plants.items())
    return replace(like, public=public, vpps=vpps, roster=tuple(plants), plant_digests=("",) * len(plants))


def _plant(name: str, load: list[float], sun: list[float]) -> Vpp:
    ess: Storage | None = STORAGE if name.startswith("B") else None
    return Vpp(name, "", frozen(load), pv=Renewable(frozen(sun), 20.0), ess=ess)


def hour_of(vpp: str, result: PeriodResult, public: PublicRules) -> Hour:
    """A period as one VPP meets it, in bare numbers."""
    game, carbon, t = result.game, public.carbon, result.game.period
    prices = result.price_cny_per_mwh if game.tradable else game.least_price_cny_per_mwh
    held = float(direct_exchange(vpp, [result], public).in_mw[0]) if game.tradable else 0.0
    paid = 0.0
    if held:
        paid = float(result.delivered_mw[game.buyers.index(vpp)] @ prices)
    dearer = (carbon.grid_emission_t_per_mwh - carbon.grid_quota_t_per_mwh) * carbon.flat_price_cny_per_t
    return Hour(
        retail=float(public.tariff.retail_cny_per_mwh[t]) + dearer,
        feed_in=float(public.tariff.feed_in_cny_per_mwh[t]),
        floor=game.floor_cny_per_mwh,
        cap=game.cap_cny_per_mwh,
        tau=game.temperature_cny_per_mwh,
        rivals=tuple(
            Rival(float(s), float(p))
            for name, s, p in zip(game.sellers, game.surplus_mw, prices, strict=True)
            if name != vpp
        ),
        wants=tuple(
            Want(float(d), game.base_power_mw + float(own), float(k))
            for name, d, own, k in zip(
                game.buyers, game.deficit_mw, game.own_supply_mw, game.satisfaction_cny_per_h, strict=True
            )
            if name != vpp
        ),
        held=(held, paid),
    )


def certified_day(scenario: Scenario, outcome: MarketOutcome) -> DayCertificate:
    """The certificate of a day."""
    public = replace(scenario.public, market=replace(scenario.public.market, day_certificate=True))
    found = day_certificate(
        replace(scenario, public=public), with_regrets(scenario, outcome), settle(outcome, scenario.public)
    )
    assert found is not None
    return found


TINY = {
    "one glut hour": ({"S": ([0.5], [3.0]), "T": ([0.2], [2.0]), "U": ([2.5], [0.0])}, [800.0], [350.0]),
    "one scarce hour": ({"S": ([0.5], [2.0]), "U": ([3.0], [0.0]), "V": ([1.5], [0.3])}, [800.0], [350.0]),
    "a seller alone": ({"S": ([0.0], [2.0]), "U": ([1.0], [0.0])}, [700.0], [300.0]),
    "two hours": (
        {"S": ([0.5, 2.0], [3.0, 0.0]), "T": ([0.2, 0.1], [2.0, 1.0]), "U": ([1.5, 2.0], [0.0, 0.0])},
        [800.0, 1000.0],
        [350.0, 350.0],
    ),
    "a storage": (
        {"B": ([0.5, 0.5], [0.5, 0.5]), "T": ([0.2, 0.1], [2.0, 0.2]), "U": ([1.0, 2.0], [0.0, 0.0])},
        [800.0, 800.0],
        [350.0, 350.0],
    ),
    "a storage that gains": (
        {
            "B": ([0.5, 0.5], [0.5, 0.5]),
            "S": ([0.2, 1.0], [2.5, 0.0]),
            "T": ([0.2, 1.0], [2.0, 0.0]),
            "U": ([1.5, 2.0], [0.0, 0.0]),
        },
        [800.0, 800.0],
        [350.0, 350.0],
    ),
    "a storage and sun": (
        {"B": ([0.5, 1.0], [2.5, 0.0]), "T": ([0.2, 1.5], [2.0, 0.0]), "U": ([1.0, 2.0], [0.0, 0.0])},
        [700.0, 1100.0],
        [320.0, 320.0],
    ),
}


@pytest.mark.parametrize("name", TINY)
def test_the_bounds_hold_the_regret_of_whole_days_tried_one_by_one(name: str) -> None:
    assert held(market_of(*TINY[name])) <= 1.0


def tiny_day(seed: int) -> Scenario:
    """Two or three plants, two to four hours: one has sun to spare, one lacks it, a third may be either."""
    random = np.random.default_rng(seed)
    plants, hours = int(random.integers(2, 4)), int(random.integers(2, 5))
    letters = [("B" if random.random() < 0.3 else "P") + str(n) for n in range(plants)]
    series = {
        letter: (
            random.uniform(0.2, 3.0, hours).round(3).tolist(),
            (random.uniform(0.0, [4.0, 1.0, 3.0][n], hours) * (random.random(hours) < 0.8)).round(3).tolist(),
        )
        for n, letter in enumerate(letters)
    }
    retail = random.uniform(600.0, 1200.0, hours).round(1)
    return market_of(series, retail.tolist(), (retail * random.uniform(0.3, 0.7)).round(1).tolist())


@pytest.mark.sampled(6)
@pytest.mark.parametrize("seed", range(200))
def test_the_bounds_hold_the_regret_of_a_random_tiny_day(seed: int) -> None:
    assert held(tiny_day(seed)) <= 1.0


def held(scenario: Scenario) -> float:
    """Holds the bounds against whole days tried one by one; the larger gap between the two, CNY."""
    outcome, gaps = market_day(scenario), [0.0]
    for vpp, regret in zip(scenario.vpps, certified_day(scenario, outcome).regrets, strict=True):
        hours = [hour_of(vpp.id, result, scenario.public) for result in outcome.periods]
        tried = regret.cost_cny - least_cost(vpp, hours)
        assert tried <= regret.upper_cny + 1e-6
        if vpp.ess is None or len(hours) <= 2:  # all there is was tried, but for what the grid of the trial misses
            assert regret.lower_cny <= tried + 0.01 * sum(hour.cap for hour in hours)
        gaps.append(regret.upper_cny - regret.lower_cny)
    return max(gaps)


def test_a_balanced_storage_that_others_would_pay_for_is_found() -> None:
    """Alone it is idle under a flat tariff; the others have a glut first and lack energy then."""
    scenario = market_of(*TINY["a storage that gains"])
    outcome = market_day(scenario)
    (regret, *_) = certified_day(scenario, outcome).regrets
    assert {role.value for role in outcome.days[0].declaration.roles} == {"idle"}
    assert regret.vpp == "B"
    assert regret.lower_cny > 50.0


def test_nobody_regrets_a_day_in_which_nothing_could_be_traded() -> None:
    scenario = market_of({"U": ([1.0, 2.0], [0.0, 0.0]), "B": ([2.0, 2.0], [0.0, 0.0])}, [800.0] * 2, [300.0] * 2)
    day = certified_day(scenario, market_day(scenario))
    assert day.upper_cny <= day.tolerance_cny


@pytest.mark.parametrize("seed", range(9))
def test_the_bounds_are_in_order_and_close_on_days_of_every_kind(seed: int) -> None:
    """Turbines that may be off, storage, steps of carbon, feed-in prices below zero."""
    scenario = random_market(
        seed, list(Level)[seed % 3], vpps=2 + seed % 3, periods=[4, 8, 24][seed % 3], commitment=seed % 2 == 1
    )
    day = certified_day(scenario, market_day(scenario))
    moved = 1.0 + max(abs(regret.cost_cny) for regret in day.regrets)
    for regret in day.regrets:
        assert 0.0 <= regret.lower_cny <= regret.upper_cny
        assert regret.upper_cny - regret.lower_cny <= 1e-3 * moved


def test_nobody_gains_by_selling_and_buying_in_one_period() -> None:
    """The hull of both sides together would let a VPP that can do nothing buy low and sell high at once."""
    plants = {"B": ([0.5], [0.5]), "S": ([0.5], [3.0]), "T": ([0.2], [2.0]), "U": ([2.5], [0.0])}
    scenario = market_of(plants, [800.0], [350.0])
    outcome = market_day(scenario)
    (regret, *_) = certified_day(scenario, outcome).regrets
    options = trade_options(scenario.vpps[0], market_end(scenario.vpps[0].id, outcome.periods, scenario.public))
    slopes = [np.full(1, worth) for worth in np.linspace(350.0, 800.0, 46)]
    mixed = min(max(options.selling_support(v)[0], options.buying_support(v)[0]) for v in slopes)
    assert mixed > 5.0  # what a mixture without net power would gain, by duality
    assert regret.upper_cny <= 0.01


def test_what_is_held_is_on_the_menus() -> None:
    """So that nobody's upper bound can be below 0."""
    scenario = load_scenario("five_vpp")
    outcome = market_day(scenario)
    for vpp in scenario.vpps:
        options = trade_options(vpp, market_end(vpp.id, outcome.periods, scenario.public))
        now = direct_exchange(vpp.id, outcome.periods, scenario.public)
        assert (now.in_mw <= options.most_in_mw + 1e-9).all()
        assert (now.out_mw <= options.most_out_mw + 1e-6).all()
        earned = _earned(vpp.id, outcome)
        for worth in np.linspace(0.0, 1200.0, 7):
            v = np.full(now.out_mw.shape, worth)
            assert (earned - v * now.out_mw <= options.selling_support(v) + 1e-6).all()


def _earned(vpp: str, outcome: MarketOutcome) -> np.ndarray:
    return np.array(
        [
            float(
                r.delivered_mw[:, r.game.sellers.index(vpp)].sum() * r.price_cny_per_mwh[r.game.sellers.index(vpp)]
            )
            if r.game.tradable and vpp in r.game.sellers
            else 0.0
            for r in outcome.periods
        ]
    )


def test_the_plain_cases_come_to_what_the_documentation_says() -> None:
    two, five = (_certified(case) for case in ("two_vpp", "five_vpp"))
    assert two == pytest.approx((175.6, 175.9), abs=0.2)
    assert five == pytest.approx((7580.3, 7583.5), abs=2.0)


def _certified(case: str) -> tuple[float, float]:
    scenario = load_scenario(case)
    outcome = market_day(scenario)
    day = certified_day(scenario, outcome)
    assert day.verdict is DayVerdict.SETTLED
    assert all(isinstance(shown.after, DispatchPlan) for shown in outcome.days)
    return day.lower_cny, day.upper_cny
