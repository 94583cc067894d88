"""Random scenarios as values, over all that `scenario.yaml` allows: extremes, odd words, parts of a market."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from market.model.arrays import Array, frozen
from market.model.currency import DEFAULT_CURRENCY
from market.model.disclosure import Disclosure
from market.model.imbalance import ImbalancePricing, ImbalanceRules
from market.model.network import (
    Constant,
    Empirical,
    Latency,
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    NodeCompute,
    Normal,
    OnLoss,
    Outage,
    Partition,
    Retransmission,
    TimeMode,
    Uniform,
)
from market.model.rules import (
    LEAST_TEMPERATURE_CNY_PER_MWH,
    CarbonMode,
    CarbonRules,
    Coupling,
    Horizon,
    MarketRules,
    Mechanism,
    PriceRule,
    Tariff,
)
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Renewable, Storage, Vpp
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.scenario import Scenario

ODD_IDS = (
    "null",
    "True",
    "no",
    "Y",
    "NULL",
    "e5",
    "A-b_9",
    "Z" * 32,
    "inf",
    "nan",
    "VPP1",
    "x0",
    "off",
    "Infinity",
)
LINE = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=200
) | st.sampled_from(
    ["", " ", "# no", "a: b", "- x", '"', "\\", "'q'", "{a}", "\ufeff", "\ufffe", "😀 é", "1e5", "~"]
)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    """A double from `low` to `high`, both included, of any exactness; now and then the other zero."""
    ends = [low, high, *([-0.0] if low == 0.0 else [])]
    return st.sampled_from(ends) | st.floats(low, high, allow_nan=False)


def above_zero(high: float) -> st.SearchStrategy[float]:
    return st.floats(0.0, high, exclude_min=True) | st.sampled_from([5e-324, high])


POWER, COST, FACTOR, TIME = number(0.0, 1e6), number(0.0, 1e6), number(0.0, 100.0), number(0.0, 1e6)


@st.composite
def column(draw: st.DrawFn, periods: int, low: float) -> Array:
    return frozen(np.array(draw(st.lists(number(low, 1e6), min_size=periods, max_size=periods))))


@st.composite
def market_rules(draw: st.DrawFn) -> MarketRules:
    low, high = sorted(draw(st.tuples(above_zero(1e6), above_zero(1e6))))
    mechanism = draw(st.sampled_from(Mechanism))
    of_a_game = mechanism is Mechanism.GAME
    return MarketRules(
        price_min_cny_per_mwh=low,
        price_max_cny_per_mwh=high,
        choice_temperature_cny_per_mwh=draw(number(LEAST_TEMPERATURE_CNY_PER_MWH, 1e6)),
        base_power_mw=draw(above_zero(1e6)),
        role_tolerance=draw(st.floats(0.0, 1.0, exclude_max=True)),
        price_rule=draw(st.sampled_from(PriceRule)),
        revision_step=draw(st.floats(0.001, 1.0, exclude_max=True)),
        gradient_step_cny_per_mwh_per_mw=draw(above_zero(1e6)),
        tatonnement_step_cny_per_mwh=draw(above_zero(1e6)),
        price_tick_cny_per_mwh=draw(above_zero(1e6)),
        offer_budget=draw(st.integers(1, 10_000_000)),
        mechanism=mechanism,
        coupling=draw(st.sampled_from(Coupling)) if of_a_game else Coupling.ONCE,
        day_certificate=draw(st.booleans()) if of_a_game else False,
        coupling_rounds=draw(st.integers(1, 10_000)),
        consensus_rounds=draw(st.integers(1, 100_000)),
        consensus_regret=draw(st.floats(1e-9, 1.0)),
    )


@st.composite
def carbon_rules(draw: st.DrawFn) -> CarbonRules:
    return CarbonRules(
        mode=draw(st.sampled_from(CarbonMode)),
        base_price_cny_per_t=draw(COST),
        flat_price_cny_per_t=draw(COST),
        interval_t=draw(above_zero(1e9)),
        growth=draw(FACTOR),
        steps=draw(st.integers(1, 1000)),
        grid_emission_t_per_mwh=draw(FACTOR),
        grid_quota_t_per_mwh=draw(FACTOR),
        mt_quota_t_per_mwh=draw(FACTOR),
        renewable_quota_t_per_mwh=draw(FACTOR),
        credits_follow_energy=draw(st.booleans()),
        direct_quota_t_per_mwh=draw(FACTOR),
    )


@st.composite
def micro_turbine(draw: st.DrawFn, period_h: float) -> MicroTurbine:
    low, high = sorted(draw(st.tuples(POWER, POWER)))
    ramp = st.just(high / period_h) | POWER
    up = draw(ramp)
    return MicroTurbine(
        p_min_mw=low,
        p_max_mw=high,
        ramp_up_mw_per_h=up,
        ramp_down_mw_per_h=draw(st.just(up) | ramp),
        cost_a_cny_per_mw2h=draw(COST),
        cost_b_cny_per_mwh=draw(COST),
        cost_on_cny_per_h=draw(COST),
        commitment=draw(st.booleans()),
        cost_pieces=draw(st.integers(4, 1000)),
        emission_t_per_mwh=draw(FACTOR),
    )


@st.composite
def storage(draw: st.DrawFn) -> Storage:
    share = number(0.0, 1.0)
    low, start, high = sorted(draw(st.tuples(share, share, share)))
    return Storage(
        energy_mwh=draw(POWER),
        charge_max_mw=draw(POWER),
        discharge_max_mw=draw(POWER),
        charge_efficiency=draw(above_zero(1.0)),
        discharge_efficiency=draw(above_zero(1.0)),
        soc_min=low,
        soc_max=high,
        soc_initial=start,
        wear_cny_per_mwh=draw(COST),
    )


SHEDDING = st.builds(
    ControllableLoad,
    share_of_load=number(0.0, 1.0),
    compensation_cny_per_mwh=COST,
    daily_energy_max_mwh=st.none() | number(0.0, 1e9),
    credit_t_per_mwh=FACTOR,
)


@st.composite
def exchange(draw: st.DrawFn) -> Exchange:
    limit = st.just(float("inf")) | POWER
    into = draw(limit)
    return Exchange(draw(limit), draw(limit), into, draw(st.just(into) | limit), draw(COST))


@st.composite
def plant(draw: st.DrawFn, vpp_id: str, horizon: Horizon, *, real: bool = False) -> Vpp:
    forecast = column(horizon.periods, 0.0)
    realised = st.none() | forecast if real else st.none()
    renewable = st.none() | st.builds(Renewable, forecast, COST, realised)
    return Vpp(
        id=vpp_id,
        label=draw(LINE),
        load_mw=draw(forecast),
        wt=draw(renewable),
        pv=draw(renewable),
        mt=draw(st.none() | micro_turbine(horizon.period_h)),
        ess=draw(st.none() | storage()),
        cl=draw(st.none() | SHEDDING),
        exchange=draw(exchange()),
        satisfaction=draw(above_zero(10.0)),
        realised_load_mw=draw(realised),
    )


@st.composite
def latency(draw: st.DrawFn) -> Latency:
    low, high = sorted(draw(st.tuples(TIME, TIME)))
    samples = st.lists(TIME, min_size=1, max_size=30).map(lambda values: Empirical(tuple(sorted(values))))
    others: st.SearchStrategy[Latency] = st.one_of(
        st.just(Uniform(low, high)),
        st.builds(Constant, TIME),
        st.builds(Normal, TIME, TIME),
        st.builds(Lognormal, above_zero(1e6), number(0.0, 5.0)),
    )
    return draw(samples | others)


@st.composite
def conditions(draw: st.DrawFn) -> LinkConditions:
    held_back = draw(st.just((0.0, 0.0)) | st.tuples(above_zero(1.0), above_zero(1e6)))
    return LinkConditions(
        draw(latency()),
        draw(TIME),
        draw(st.floats(0.0, 1.0, exclude_max=True)),
        draw(number(0.0, 1.0)),
        *held_back,
        draw(st.none() | number(1.0, 1e11)),
    )


@st.composite
def some_links(draw: st.DrawFn, ids: tuple[str, ...]) -> Links:
    if len(ids) == 1 or draw(st.booleans()):
        return Links(vpp=draw(st.sampled_from(ids)))
    sender, receiver = draw(st.permutations(ids))[:2]
    return draw(st.sampled_from([Links(sender, receiver), Links(sender), Links(receiver=receiver)]))


@st.composite
def override(draw: st.DrawFn, ids: tuple[str, ...]) -> LinkOverride:
    """Some of a link's conditions, at least one."""
    every = draw(conditions())
    groups = [("latency",), ("jitter_s",), ("loss",), ("duplication",), ("reordering", "reordering_s")]
    if every.bandwidth_bit_per_s is not None:
        groups.append(("bandwidth_bit_per_s",))
    kept = draw(st.lists(st.sampled_from(groups), min_size=1, unique=True))
    given = {name: getattr(every, name) for group in kept for name in group}
    return LinkOverride(draw(some_links(ids)), **given)


@st.composite
def window(draw: st.DrawFn) -> tuple[float, float | None]:
    start = draw(number(0.0, 1e5))
    return start, draw(st.none() | st.floats(start, 1e6, exclude_min=True))


@st.composite
def network_rules(draw: st.DrawFn, ids: tuple[str, ...]) -> NetworkRules:
    after = draw(number(0.001, 1e6))
    outage = st.builds(lambda links, when: Outage(links, *when), some_links(ids), window())
    apart = tuple((vpp,) for vpp in draw(st.permutations(ids)))
    partition = st.builds(lambda when: Partition(apart, *when), window())
    slow = sorted(draw(st.lists(st.sampled_from(ids), unique=True)))
    return NetworkRules(
        every=draw(conditions()),
        links=tuple(draw(st.lists(override(ids), max_size=3))),
        outages=tuple(draw(st.lists(outage, max_size=2))),
        partitions=tuple(draw(st.lists(partition, max_size=2))) if len(ids) > 1 else (),
        compute_s=draw(TIME),
        compute=tuple(NodeCompute(vpp, draw(TIME)) for vpp in slow),
        pause_s=draw(st.none() | TIME),
        retransmission=Retransmission(
            after, draw(number(1.0, 100.0)), draw(number(after, 1e6)), draw(above_zero(min(1e6, 1e5 * after)))
        ),
        stall_after_s=draw(number(0.1, 86400.0)),
        time=draw(st.sampled_from(TimeMode)),
        on_loss=draw(st.sampled_from(OnLoss)),
        silence_s=draw(number(2.0, 86400.0)),
        wait_s=draw(above_zero(86400.0)),
        answer_s=draw(above_zero(86400.0)),
    )


def imbalance_rules() -> st.SearchStrategy[ImbalanceRules]:
    share = number(0.0, 100.0)
    return st.builds(ImbalanceRules, st.sampled_from(ImbalancePricing), share, share, number(1.0, 1e6))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A market, whole."""
    horizon = Horizon(draw(st.integers(1, 3)), draw(number(0.001, 168.0)))
    prices = column(horizon.periods, -1e6)
    rules = (draw(market_rules()), draw(carbon_rules()), DEFAULT_CURRENCY, draw(st.none() | imbalance_rules()))
    public = seal_public(horizon, Tariff(draw(prices), draw(prices)), *rules)
    ids = tuple(draw(st.lists(st.sampled_from(ODD_IDS), min_size=1, max_size=3, unique_by=str.casefold)))
    return seal_scenario(
        draw(LINE) or "folder",
        draw(LINE),
        public,
        tuple(draw(plant(vpp, horizon, real=public.imbalance is not None)) for vpp in ids),
        draw(network_rules(ids)),
        draw(st.none() | st.sampled_from(Disclosure)),
    )


@st.composite
def parts(draw: st.DrawFn) -> Scenario:
    """Some of a market's plants, or none, or all; the digests of some others are known."""
    whole = draw(scenarios())
    known = draw(st.lists(st.sampled_from(whole.roster), unique=True))
    here = tuple(vpp for vpp in whole.vpps if vpp.id in known)
    if draw(st.booleans()):
        return replace(whole, vpps=here)
    digests = zip(whole.roster, whole.plant_digests, strict=True)
    others = {vpp: digest if draw(st.booleans()) else "" for vpp, digest in digests}
    rules = (whole.network, whole.audit)
    return seal_scenario(whole.name, whole.title, whole.public, here, *rules, others)
