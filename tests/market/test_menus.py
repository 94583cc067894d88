"""Claims: bounds on what a menu offers (M6) are above all of it and close to its best; the verdict of a day."""

from __future__ import annotations

import math

import numpy as np
import pytest

from market.day_certificate.buying_menu import buying_menu
from market.day_certificate.day_certificate import DayCertificate, DayRegret, DayVerdict
from market.day_certificate.selling_menu import selling_menu
from market.game.period import PeriodGame
from market.model.arrays import Array


def random_game(seed: int) -> tuple[PeriodGame, Array, float]:
    """A period of others, their offers, and the limit of somebody who comes in."""
    draw = np.random.default_rng(seed)
    sellers, buyers = int(draw.integers(1, 4)), int(draw.integers(1, 4))
    deficit, own = draw.uniform(0.2, 3.0, buyers), draw.uniform(0.0, 1.0, buyers)
    game = PeriodGame.of(
        surplus_mw=draw.uniform(0.2, 3.0, sellers),
        deficit_mw=deficit,
        own_supply_mw=own,
        satisfaction_cny_per_h=draw.uniform(400.0, 1100.0, buyers) * (0.001 + own + deficit),
        floor_cny_per_mwh=300.0,
        cap_cny_per_mwh=1200.0,
        temperature_cny_per_mwh=float(draw.choice([5.0, 50.0])),
    )
    return game, draw.uniform(300.0, 1200.0, sellers), float(draw.uniform(0.1, 4.0))


def asked(game: PeriodGame, offers: Array, surplus: float, price: float) -> float:
    """Q of one more seller, (17), (20), (M2), written out."""
    total = 0.0
    all_prices, all_surplus = [*offers.tolist(), price], [*game.surplus_mw.tolist(), surplus]
    for d, own, k in zip(game.deficit_mw, game.own_supply_mw, game.satisfaction_cny_per_h, strict=True):
        base = game.base_power_mw + own
        wants = [min(max(k / p - base, 0.0), d) for p in all_prices]
        worth = [k * math.log((base + x) / base) - p * x for p, x in zip(all_prices, wants, strict=True)]
        logs = [
            math.log(s) + u / (d * game.temperature_cny_per_mwh) for s, u in zip(all_surplus, worth, strict=True)
        ]
        weights = [math.exp(value - max(logs)) for value in logs]
        total += wants[-1] * weights[-1] / sum(weights)
    return total


@pytest.mark.parametrize("seed", range(8))
def test_no_declaration_and_price_earns_more_than_the_selling_bound(seed: int) -> None:
    game, offers, limit = random_game(seed)
    menu = selling_menu("new", [game], [offers], np.array([limit]))
    prices = np.linspace(300.0, 1200.0, 181)
    points = [
        (p, min(s, asked(game, offers, s, p)))
        for p in prices.tolist()
        for s in (0.25 * limit, 0.5 * limit, 0.9 * limit, limit)
    ]
    for worth in (0.0, 300.0, 450.0, 700.0, 1100.0):
        best = max(0.0, *((p - worth) * q for p, q in points))
        bound = float(menu.support(np.array([worth]))[0])
        assert best <= bound + 1e-9
        assert bound <= best + 5.0 * limit + 0.01  # the prices tried are 5 CNY/MWh apart


@pytest.mark.parametrize("seed", range(8))
def test_what_can_be_sold_is_sold_at_the_highest_price_that_sells_it(seed: int) -> None:
    game, offers, limit = random_game(seed)
    menu = selling_menu("new", [game], [offers], np.array([limit]))
    for share in (0.1, 0.5, 0.9, 1.0):
        wanted = share * menu.most_mw
        sold, earned = menu.revenue(wanted)
        price = float(earned[0] / sold[0])
        assert sold[0] == pytest.approx(wanted[0], abs=1e-6)
        assert min(limit, asked(game, offers, limit, price)) >= sold[0] - 1e-9
        if price < 1200.0 - 1e-6:
            assert asked(game, offers, limit, price + 0.01) < sold[0] + 1e-9


@pytest.mark.parametrize("seed", range(8))
def test_no_deficit_is_worth_more_than_the_buying_bound(seed: int) -> None:
    game, offers, limit = random_game(seed)
    menu = buying_menu([game], [offers], np.array([limit]))
    deficits = np.linspace(0.0, limit, 1001)[None, :]
    got = menu.sellers.got(deficits)[0]
    assert (got.sum(axis=1) <= deficits[0] + 1e-12).all()
    for worth in (300.0, 450.0, 700.0, 1100.0, 2000.0):
        best = float((got @ (worth - offers)).max())
        bound = float(menu.support(np.array([worth]))[0])
        assert best <= bound + 1e-9
        assert bound <= best + 0.01 * worth * limit
    bought, paid = menu.payment(0.5 * menu.most_mw)
    assert bought[0] == pytest.approx(0.5 * menu.most_mw[0])
    assert offers.min() - 1e-9 <= paid[0] / bought[0] <= offers.max() + 1e-9


def certificate(*uppers: float, rests: bool = True) -> DayCertificate:
    regrets = tuple(DayRegret(f"V{k}", 100.0, 0.0, upper) for k, upper in enumerate(uppers))
    return DayCertificate(regrets, rests, traded_value_cny=1000.0, possible_saving_cny=0.0)


def test_a_day_is_an_equilibrium_only_where_that_is_proved_of_everybody() -> None:
    assert certificate(0.0, 1.0).verdict is DayVerdict.DAY_EQUILIBRIUM
    assert certificate(0.0, 1.1).verdict is DayVerdict.SETTLED
    assert certificate(0.0, math.inf).verdict is DayVerdict.SETTLED
    assert certificate(0.0, 1.0, rests=False).verdict is DayVerdict.SETTLED
    assert certificate(0.5).share_of_saving(0.5) is None
