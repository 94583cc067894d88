"""Claims: tariffs that differ by a millionth of a CNY/MWh make the same market, and where each tariff is flat too.

Then a battery may work in any hour at all but the same cost. Periods in which all that is offered is all that is
wanted to a thousandth, where a price may leap, would be left out; these days have none.
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


def is_balanced(supply_mw: float, demand_mw: float) -> bool:
    """Whether a price may leap: all that is offered is all that is wanted, to a thousandth."""
    return abs(supply_mw - demand_mw) <= 1e-3 * demand_mw


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
    assert any(len(period.price_cny_per_mwh) for period in calm)
    for before, after in zip(calm, moved, strict=True):
        assert not is_balanced(before.game.surplus_mw.sum(), before.game.deficit_mw.sum())
        assert (after.game.sellers, after.game.buyers) == (before.game.sellers, before.game.buyers)
        np.testing.assert_allclose(after.game.surplus_mw, before.game.surplus_mw, atol=1e-6)
        np.testing.assert_allclose(after.game.deficit_mw, before.game.deficit_mw, atol=1e-6)
        np.testing.assert_allclose(
            after.price_cny_per_mwh, before.price_cny_per_mwh, rtol=0.0, atol=ALLOWED_CNY_PER_MWH
        )
