"""Claims: tariffs that differ by a millionth of a CNY/MWh make the same market, and where each tariff is flat too.

Then a battery may work in any hour at all but the same cost. Periods in which all that is offered is all that is
wanted to a thousandth, where a price may leap, are left out: days of `once` here have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from market.app.runs.in_process import market_day
from market.game.result import PeriodResult
from market.model.arrays import frozen
from market.model.rules import Tariff
from market.scenario import load_scenario
from market.scenario.changes import changed
from market.scenario.scenario import Scenario

MOVED_CNY_PER_MWH = 1e-6
ALLOWED_CNY_PER_MWH = 0.01
RETAIL, FEED_IN = 750.0, 400.0


def scenario_of(case: str, *, flat: bool, seed: int | None) -> Scenario:
    """A case, its tariffs made flat if wanted and then moved at random; not moved without a seed."""
    scenario = load_scenario(case)
    tariff = scenario.public.tariff
    by = np.zeros((2, scenario.public.horizon.periods))
    if seed is not None:
        by = np.random.default_rng(seed).uniform(-MOVED_CNY_PER_MWH, MOVED_CNY_PER_MWH, by.shape)
    retail = by[0] + (RETAIL if flat else tariff.retail_cny_per_mwh)
    feed_in = by[1] + (FEED_IN if flat else tariff.feed_in_cny_per_mwh)
    return replace(scenario, public=replace(scenario.public, tariff=Tariff(frozen(retail), frozen(feed_in))))


def is_balanced(period: PeriodResult) -> bool:
    """Whether a price may leap: all that is offered is all that is wanted, to a thousandth."""
    supply_mw, demand_mw = float(period.game.surplus_mw.sum()), float(period.game.deficit_mw.sum())
    return abs(supply_mw - demand_mw) <= 1e-3 * demand_mw


def are_alike(calm: Sequence[PeriodResult], moved: Sequence[PeriodResult]) -> None:
    """In all periods where no price may leap."""
    assert any(len(period.price_cny_per_mwh) for period in calm)
    for before, after in zip(calm, moved, strict=True):
        if is_balanced(before):
            continue
        assert (after.game.sellers, after.game.buyers) == (before.game.sellers, before.game.buyers)
        np.testing.assert_allclose(after.game.surplus_mw, before.game.surplus_mw, atol=1e-6)
        np.testing.assert_allclose(after.game.deficit_mw, before.game.deficit_mw, atol=1e-6)
        np.testing.assert_allclose(
            after.price_cny_per_mwh, before.price_cny_per_mwh, rtol=0.0, atol=ALLOWED_CNY_PER_MWH
        )


@cache
def calm_day(case: str, flat: bool) -> Sequence[PeriodResult]:
    """Its periods where nothing is moved."""
    return market_day(scenario_of(case, flat=flat, seed=None)).periods


@pytest.mark.sampled(6)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("flat", [False, True], ids=["as it is", "flat"])
@pytest.mark.parametrize("case", ["five_vpp", "quarter_hours"])
def test_a_millionth_on_a_tariff_changes_neither_a_role_nor_a_price(case: str, flat: bool, seed: int) -> None:
    calm, moved = calm_day(case, flat), market_day(scenario_of(case, flat=flat, seed=seed)).periods
    assert not any(is_balanced(period) for period in calm)
    are_alike(calm, moved)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("flat", [False, True], ids=["as it is", "flat"])
def test_nor_does_it_where_plans_see_the_market(flat: bool, seed: int) -> None:
    """Whoever buys from the grid has λ at the cap; whether that is above it is not for a last digit to say."""
    rounds = ("market.coupling=iterate", "market.coupling_rounds=6")
    calm, moved = (
        market_day(changed(scenario_of("five_vpp", flat=flat, seed=each), rounds)) for each in (None, seed)
    )
    assert calm.rounds is not None
    assert calm.rounds.settled > 0
    are_alike(calm.periods, moved.periods)
