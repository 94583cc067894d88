"""Claims: forecasts by simple models are what they are said to be, and fixed by their seed; a wind plant alone
earns most by scheduling the newsvendor's quantile; prices of imbalance never reward a deviation.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.costs.imbalance import deviation_price, imbalance_prices, outside_tariff
from market.errors import ModelError
from market.forecast.errors import ForecastErrors, ForecastModel, noisy, standard_normal
from market.forecast.newsvendor import expected_revenue_cny, newsvendor_quantile, newsvendor_schedule_mw
from market.forecast.plants import surprised
from market.model.arrays import Array, frozen
from market.model.imbalance import ImbalanceRules
from market.model.rules import Tariff
from market.scenario import load_scenario
from tests.sampling import law

LAW = law(100)
LONG = 20_000
PRICES = st.floats(-500.0, 1500.0)


def errors(share: float, correlation: float, period_h: float = 1.0) -> Array:
    """Relative errors of a long series of ones, those cut off at −1 included."""
    return noisy(np.ones(LONG), share, correlation, period_h, 3, "A_wt_mw") - 1.0


def test_draws_are_standard_normal_and_independent() -> None:
    drawn = standard_normal(LONG, 1, "A_wt_mw")
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 1.0) < 0.02
    assert abs(np.mean(drawn**3)) < 0.08
    assert abs(np.mean(drawn**4) - 3.0) < 0.2
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.03
    assert abs(np.corrcoef(drawn, standard_normal(LONG, 2, "A_wt_mw"))[0, 1]) < 0.03
    assert abs(np.corrcoef(drawn, standard_normal(LONG, 1, "B_wt_mw"))[0, 1]) < 0.03
    assert np.array_equal(drawn[:7], standard_normal(7, 1, "A_wt_mw"))


@pytest.mark.parametrize(("period_h", "lag"), [(1.0, 1), (0.25, 4)])
def test_noise_has_the_deviation_and_the_correlation_that_are_asked_for(period_h: float, lag: int) -> None:
    found = errors(0.1, 0.8, period_h)
    assert abs(found.mean()) < 0.01
    assert found.std() == pytest.approx(0.1, rel=0.06)
    assert np.corrcoef(found[lag:], found[:-lag])[0, 1] == pytest.approx(0.8, abs=0.04)
    assert abs(np.corrcoef(errors(0.1, 0.0)[1:], errors(0.1, 0.0)[:-1])[0, 1]) < 0.03


@given(share=st.floats(0.0, 10.0), correlation=st.floats(0.0, 0.99), seed=st.integers(0, 2**53))
@LAW
def test_noise_changes_no_sign_and_leaves_nothing_where_there_is_nothing(
    share: float, correlation: float, seed: int
) -> None:
    values = np.array([0.0, 2.0, -3.0, 1e-9])
    values.flags.writeable = False
    made = noisy(values, share, correlation, 0.25, seed, "A")
    assert np.array_equal(made, noisy(values, share, correlation, 0.25, seed, "A"))
    assert (made * values >= 0.0).all()
    assert made[0] == 0.0
    assert np.isfinite(made).all()


def test_a_plant_is_surprised_as_a_scenario_says_it() -> None:
    plain = load_scenario("flexible")
    said = plain.with_({"forecast.model": "noise", "forecast.given": "forecast", "forecast.noise_seed": 9})
    drawn = ForecastErrors(model=ForecastModel.NOISE, noise_seed=9)
    hours = plain.public.horizon.period_h
    again = seal(tuple(surprised(vpp, drawn, hours) for vpp in plain.vpps))
    assert again == said.plant_digests


def seal(vpps: tuple[object, ...]) -> tuple[str, ...]:
    from market.scenario.digest import plant_digest

    return tuple(plant_digest(vpp) for vpp in vpps)  # type: ignore[arg-type]


# --- the newsvendor ---


@given(
    outcomes=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=12),
    long=st.floats(0.0, 300.0),
    scheduled=st.floats(0.0, 300.0),
    short=st.floats(0.0, 600.0),
)
@LAW
def test_no_schedule_earns_more_than_the_newsvendors(
    outcomes: list[float], long: float, scheduled: float, short: float
) -> None:
    """Tried against every outcome, and points between them: the revenue is piecewise linear in the schedule."""
    price = np.array([long + scheduled])
    prices = (price, price + short, np.array([long]))
    drawn = np.array(outcomes)[:, None]
    schedule = newsvendor_schedule_mw(drawn, newsvendor_quantile(*prices))
    best = expected_revenue_cny(schedule, drawn, *prices, 1.0)
    tried = [*outcomes, *(np.array(outcomes) + 0.5), 0.0, 11.0]
    most = max(expected_revenue_cny(np.array([each]), drawn, *prices, 1.0) for each in tried)
    assert best >= most - 1e-9 * (1.0 + abs(most))


def test_of_a_known_distribution_it_is_the_known_quantile() -> None:
    """Uniform on 0 … 10 MW, β 300, β⁺ 500, β⁻ 200: a third of it, 10/3 MW; at equal distances half of it."""
    outcomes = np.linspace(0.0, 10.0, 30_001)[:, None]
    third = newsvendor_quantile(np.array([300.0]), np.array([500.0]), np.array([200.0]))
    assert third == pytest.approx([1.0 / 3.0])
    assert newsvendor_schedule_mw(outcomes, third) == pytest.approx([10.0 / 3.0], abs=1e-3)
    half = newsvendor_quantile(np.array([300.0]), np.array([400.0]), np.array([200.0]))
    assert newsvendor_schedule_mw(outcomes, half) == pytest.approx([5.0], abs=1e-3)


def test_prices_out_of_order_have_no_quantile() -> None:
    with pytest.raises(ModelError, match=r"got 300 outside 350 … 500 CNY/MWh in period 2"):
        newsvendor_quantile(np.full(2, 300.0), np.full(2, 500.0), np.array([100.0, 350.0]))


# --- prices of imbalance ---


@given(
    retail=PRICES,
    feed_in=PRICES,
    premium=st.floats(0.0, 3.0),
    discount=st.floats(0.0, 3.0),
    u=st.floats(-5.0, 5.0),
)
@LAW
def test_a_deviation_never_costs_less_than_the_same_energy_scheduled(
    retail: float, feed_in: float, premium: float, discount: float, u: float
) -> None:
    tariff = Tariff(frozen([retail]), frozen([feed_in]))
    prices = imbalance_prices(ImbalanceRules(short_premium=premium, long_discount=discount), tariff)
    price = float(deviation_price(prices, np.array([u]))[0])
    for scheduled in (retail, feed_in):
        assert price * u >= scheduled * u - 1e-9 * (1.0 + abs(scheduled * u))
    assert prices.missed_cny_per_mwh >= 10.0
    said = ImbalanceRules(
        short_by_period_cny_per_mwh=prices.short_cny_per_mwh, long_by_period_cny_per_mwh=prices.long_cny_per_mwh
    )
    assert list(outside_tariff(said, tariff)) == []


def test_prices_by_period_stand_in_place_of_the_shares() -> None:
    tariff = Tariff(frozen([500.0, 500.0]), frozen([300.0, 300.0]))
    rules = ImbalanceRules(short_by_period_cny_per_mwh=frozen([501.0, 499.0]))
    prices = imbalance_prices(rules, tariff)
    assert prices.short_cny_per_mwh.tolist() == [501.0, 499.0]
    assert prices.long_cny_per_mwh.tolist() == [240.0, 240.0]
    assert list(outside_tariff(rules, tariff)) == [("short", 1, 499.0, 500.0)]
