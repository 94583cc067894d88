"""Claims: a plant that plans again in reality pays least, its trade and schedule standing; whoever foresaw all
deviates nowhere; what nothing can serve or take up is as little as can be.

A second way to the same cost is an ordinary day whose tariff is that of imbalance, the schedule standing in it as
must-run output and load.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from market.costs.costs import tariff_of
from market.costs.imbalance import imbalance_prices
from market.errors import DispatchError
from market.model.arrays import Array, frozen
from market.model.assets import FixedLoad, Hydro, MustRun, StoredEnd
from market.model.imbalance import ImbalanceRules
from market.model.plan import DirectExchange, DispatchPlan
from market.model.public import PublicRules
from market.model.reality import REALISED, has_reality
from market.model.rules import CarbonMode, OwnTariff, Tariff
from market.model.unit_limits import LATER_KINDS, SERIES
from market.model.vpp import FIELDS, Exchange, Renewable, Storage, Unit, UnitKind, Vpp
from market.settlement.settlement import quota_in_t
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.plant_cases import random_plant
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.realised import RealPlan, realised_day, replanned


def prepared(seed: int, rules: ImbalanceRules | None = None) -> Case:
    """A random day with every kind of unit, whose trade takes along the quota that its rules ask for."""
    case = random_plant(seed)
    public = replace(case.public, imbalance=rules or random_rules(seed))
    direct = case.direct
    if direct is not None:
        direct = replace(direct, quota_in_t=quota_in_t(direct.in_mw, direct.out_mw, public))
    return Case(case.vpp, public, direct)


def random_rules(seed: int) -> ImbalanceRules:
    draw = np.random.default_rng([seed, 17])
    premium, discount = (float(draw.choice([0.0, 0.2, 1.0])) for _ in range(2))
    return ImbalanceRules(short_premium=premium, long_discount=discount)


def surprised(vpp: Vpp, seed: int, largest: float = 0.5) -> Vpp:
    """The same plant, each of its series realised otherwise."""
    draw = np.random.default_rng([seed, 18])

    def real(series: Array) -> Array:
        return frozen(series * draw.uniform(1.0 - largest, 1.0 + largest, len(series)))

    def asset(kind: UnitKind, of: Any) -> Any:
        if kind not in SERIES:
            return of
        changes: dict[str, Any] = {REALISED[kind]: real(getattr(of, SERIES[kind]))}
        return replace(of, **changes)

    fields: dict[str, Any] = {
        kind.value: asset(kind, of) for kind in FIELDS if (of := getattr(vpp, kind.value)) is not None
    }
    units = tuple(replace(unit, asset=asset(unit.kind, unit.asset)) for unit in vpp.units)
    return replace(vpp, realised_load_mw=real(vpp.load_mw), units=units, **fields)


def planned(case: Case) -> DispatchPlan:
    try:
        return dispatch(case.vpp, case.public, case.direct)
    except DispatchError:
        pytest.skip("the drawn day has no plan")


def money(plan: DispatchPlan) -> float:
    costs = plan.costs
    parts = (costs.wt_cny, costs.pv_cny, costs.ess_cny, costs.mt_cny, costs.grid_cny, costs.cl_cny)
    return 1.0 + sum(map(abs, (*parts, costs.carbon_cny, costs.other_cny)))


@pytest.mark.sampled(10)
@pytest.mark.parametrize("seed", range(300))
def test_whoever_foresaw_everything_deviates_nowhere_and_saves_nothing_by_it(seed: int) -> None:
    """By the program, which is free to deviate; and the day of such a plant is its plan."""
    case = prepared(seed)
    plan = planned(case)
    real = replanned(case.vpp, case.public, plan)
    assert np.abs(real.metered.deviation_mw).max() <= 1e-6
    assert not real.metered.missed_mw.any()
    allowed = 2e-6 * money(plan) + plan.gap_cny
    assert abs(real.plan.objective_cny - plan.objective_cny) <= allowed
    kept = realised_day(case.vpp, case.public, plan)
    assert kept.plan is plan
    assert not kept.metered.deviation_mw.any()
    same = replace(case.vpp, realised_load_mw=frozen(case.vpp.load_mw.copy()))
    assert not has_reality(same)


@pytest.mark.sampled(10)
@pytest.mark.parametrize("seed", range(300, 600))
def test_a_day_in_reality_balances_and_keeps_its_trade(seed: int) -> None:
    case = prepared(seed)
    plan = planned(case)
    real = replanned(surprised(case.vpp, seed), case.public, plan)
    found, metered = real.plan, real.metered
    assert np.array_equal(found.direct_in_mw, plan.direct_in_mw)
    assert np.array_equal(found.direct_out_mw, plan.direct_out_mw)
    assert np.array_equal(metered.scheduled_mw, plan.buy_mw - plan.sell_mw)
    assert np.allclose(metered.realised_mw, found.buy_mw - found.sell_mw, atol=1e-9)
    assert not ((found.buy_mw > 0.0) & (found.sell_mw > 0.0)).any()
    supply = found.wt_mw + found.pv_mw + found.mt_mw + found.discharge_mw + found.cl_mw + found.buy_mw
    use = found.load_mw + found.charge_mw + found.sell_mw + found.direct_out_mw - found.direct_in_mw
    for unit in found.units:
        if unit.kind in LATER_KINDS:
            supply, use = supply + unit.supply_mw, use + unit.use_mw
    assert np.allclose(supply + metered.missed_mw, use, atol=1e-6)
    exchange = case.vpp.exchange
    assert (found.buy_mw <= exchange.grid_buy_max_mw + 1e-9).all()
    assert (found.sell_mw <= exchange.grid_sell_max_mw + 1e-9).all()


def in_other_words(case: Case, plan: DispatchPlan) -> float:
    """The cost of a day in reality by `dispatch`: where carbon does not tell grid energy from other energy."""
    assert case.public.imbalance is not None
    real, schedule = surprised(case.vpp, 0), plan.buy_mw - plan.sell_mw
    prices = imbalance_prices(case.public.imbalance, tariff_of(case.vpp, case.public))
    of_imbalance = OwnTariff("", Tariff(prices.short_cny_per_mwh, prices.long_cny_per_mwh))
    taken = Unit("Taken", "", UnitKind.MUST_RUN, MustRun(output_mw=frozen(np.maximum(schedule, 0.0))))
    load = real.realised_load_mw
    assert load is not None
    fields: dict[str, Any] = {
        name: replace(of, forecast_mw=of.realised_mw)
        for name in ("wt", "pv")
        if (of := getattr(real, name)) is not None
    }
    direct = case.direct
    nothing = np.zeros(len(load))
    out = nothing if direct is None else direct.out_mw
    into = nothing if direct is None else direct.in_mw
    stands = replace(case.public, carbon=replace(case.public.carbon, mode=CarbonMode.NONE))
    # what the schedule gives away is trade to nobody, so that no share of load is reckoned of it
    away = DirectExchange(frozen(into), frozen(out + np.maximum(-schedule, 0.0)))
    plant = replace(real, load_mw=load, tariff=of_imbalance, units=(taken,), exchange=Exchange(), **fields)
    return dispatch(plant, stands, away).objective_cny


@pytest.mark.sampled(6)
@pytest.mark.parametrize("seed", range(600, 700))
def test_it_costs_what_a_day_with_the_tariff_of_imbalance_costs(seed: int) -> None:
    """Of plants of fields, without carbon in the objective and without limits of the grid."""
    case = prepared(seed)
    exchange = replace(Exchange(), peer_fee_cny_per_mwh=case.vpp.exchange.peer_fee_cny_per_mwh)
    vpp = replace(case.vpp, units=(), exchange=exchange)
    public = replace(case.public, carbon=replace(case.public.carbon, mode=CarbonMode.NONE))
    case = Case(vpp, public, case.direct)
    plan = planned(case)
    real = replanned(surprised(vpp, 0), public, plan)
    tariff = tariff_of(vpp, public)
    paid = float(tariff.retail_cny_per_mwh @ plan.buy_mw - tariff.feed_in_cny_per_mwh @ plan.sell_mw)
    fee = vpp.exchange.peer_fee_cny_per_mwh * float(plan.direct_in_mw.sum())
    expected = in_other_words(case, plan) + (paid + fee) * public.horizon.period_h
    assert real.plan.objective_cny == pytest.approx(expected, rel=1e-6, abs=1e-6 * money(plan))


def plain(periods: int = 2) -> tuple[Vpp, PublicRules]:
    """A plant of nothing but a load and wind, under a flat tariff."""
    case = random_plant(0)
    prices = Tariff(frozen(np.full(periods, 500.0)), frozen(np.full(periods, 300.0)))
    carbon = replace(case.public.carbon, mode=CarbonMode.NONE, grid_emission_by_period_t_per_mwh=None)
    horizon = replace(case.public.horizon, periods=periods, period_h=0.5)
    public = replace(case.public, horizon=horizon, tariff=prices, carbon=carbon, imbalance=ImbalanceRules())
    wind = Renewable(frozen(np.full(periods, 3.0)), 10.0, frozen(np.full(periods, 3.0)))
    return Vpp("A", "", frozen(np.ones(periods)), wt=wind), public


def in_reality(vpp: Vpp, public: PublicRules) -> RealPlan:
    return realised_day(vpp, public, dispatch(vpp, public, None))


def test_without_flexibility_the_deviation_is_that_of_the_series() -> None:
    vpp, public = plain()
    assert vpp.wt is not None
    vpp = replace(
        vpp,
        wt=replace(vpp.wt, realised_mw=frozen([2.0, 4.0])),
        realised_load_mw=frozen([1.5, 0.5]),
    )
    real = in_reality(vpp, public)
    assert real.metered.scheduled_mw.tolist() == [-2.0, -2.0]
    assert real.metered.deviation_mw.tolist() == pytest.approx([1.5, -1.5])
    # sold 2 MW at 300, then short of 1.5 at 600 and long of 1.5 at 240, and wind at 10, half an hour each
    assert real.plan.objective_cny == pytest.approx(0.5 * (-1200 + 900 - 360 + 10 * 6))
    assert real.plan.curtailed_mw.tolist() == [0.0, 0.0]


def test_a_battery_makes_good_what_it_can() -> None:
    vpp, public = plain()
    assert vpp.wt is not None
    store = Storage(
        energy_mwh=4.0,
        charge_max_mw=1.0,
        discharge_max_mw=1.0,
        charge_efficiency=1.0,
        discharge_efficiency=1.0,
        wear_cny_per_mwh=0.0,
    )
    vpp = replace(vpp, ess=store, wt=replace(vpp.wt, realised_mw=frozen([4.0, 2.0])))
    real = in_reality(vpp, public)
    assert np.allclose(real.metered.deviation_mw, 0.0, atol=1e-9)
    assert real.plan.charge_mw.tolist() == pytest.approx([1.0, 0.0])


def test_power_that_earns_less_than_nothing_is_curtailed() -> None:
    vpp, public = plain()
    assert vpp.wt is not None
    public = replace(public, imbalance=ImbalanceRules(long_discount=2.0))
    real = in_reality(replace(vpp, wt=replace(vpp.wt, realised_mw=frozen([3.0, 5.0]))), public)
    assert real.metered.deviation_mw.tolist() == [0.0, 0.0]
    assert real.plan.curtailed_mw.tolist() == [0.0, 2.0]


def test_load_that_nothing_can_serve_is_missed_and_nothing_else() -> None:
    vpp, public = plain()
    vpp = replace(vpp, wt=None, exchange=Exchange(grid_buy_max_mw=2.0), realised_load_mw=frozen([1.0, 2.75]))
    real = in_reality(vpp, public)
    assert real.metered.missed_mw.tolist() == pytest.approx([0.0, 0.75])
    assert real.metered.deviation_mw.tolist() == pytest.approx([0.0, 1.0])
    # bought 1 MW at 500, then 1 MW at 600, and 0.75 MW missed at ten times 600, half an hour each
    assert real.plan.objective_cny == pytest.approx(0.5 * (1000 + 600 + 0.75 * 6000))


def test_output_that_can_go_nowhere_is_missed_the_other_way() -> None:
    vpp, public = plain()
    unit = MustRun(output_mw=frozen([2.0, 2.0]), realised_output_mw=frozen([2.0, 4.0]))
    vpp = replace(
        vpp,
        wt=None,
        exchange=Exchange(grid_sell_max_mw=1.5),
        units=(Unit("Waste", "", UnitKind.MUST_RUN, unit),),
    )
    real = in_reality(vpp, public)
    assert real.metered.missed_mw.tolist() == pytest.approx([0.0, -1.5])
    assert real.metered.realised_mw.tolist() == pytest.approx([-1.0, -1.5])


def test_a_reservoir_ends_no_higher_than_its_inflow_allows() -> None:
    vpp, public = plain()
    river = Hydro(
        inflow_mw=frozen([4.0, 4.0]),
        realised_inflow_mw=frozen([1.0, 1.0]),
        p_max_mw=2.0,
        reservoir_mwh=10.0,
        level_initial=0.2,
        end=StoredEnd.GIVEN,
        level_end=0.6,
    )
    vpp = replace(vpp, units=(Unit("River", "", UnitKind.HYDRO, river),))
    real = in_reality(vpp, public)
    assert real.plan.units[-1].stored_mwh[-1] == pytest.approx(3.0)
    assert real.plan.units[-1].supply_mw.tolist() == [0.0, 0.0]


def test_a_load_may_be_net_in_reality() -> None:
    vpp, public = plain()
    roofs = FixedLoad(frozen([1.0, -1.0]), net_metered=True, realised_load_mw=frozen([0.5, -2.0]))
    vpp = replace(vpp, units=(Unit("Roofs", "", UnitKind.LOAD, roofs),))
    assert in_reality(vpp, public).metered.deviation_mw.tolist() == pytest.approx([-0.5, -1.0])
