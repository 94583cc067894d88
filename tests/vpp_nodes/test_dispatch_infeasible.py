"""A day that cannot be dispatched is explained: when, what is there, what is missing, and which limit mends it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DispatchError
from market.model.arrays import frozen
from market.model.plan import DirectExchange
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Storage
from tests.sampling import law
from tests.vpp_nodes.dispatch_cases import MICRO_TURBINE, STORAGE, Case, plain_case
from vpp_nodes.dispatch import dispatch


def case(
    load: list[float],
    *,
    buy: float = 0.0,
    sell: float = 0.0,
    mt: MicroTurbine | None = None,
    ess: Storage | None = None,
    cl: ControllableLoad | None = None,
    direct_in: list[float] | None = None,
    direct_out: list[float] | None = None,
) -> Case:
    """A VPP on a tight grid connection."""
    plain = plain_case(load)
    vpp = replace(plain.vpp, exchange=Exchange(buy, sell, 5.0, 5.0), mt=mt, ess=ess, cl=cl)
    nothing = [0.0] * len(load)
    direct = DirectExchange(frozen(direct_in or nothing), frozen(direct_out or nothing))
    return Case(vpp, plain.public, direct)


def complaint(day: Case) -> str:
    with pytest.raises(DispatchError) as error:
        dispatch(day.vpp, day.public, day.direct)
    return str(error.value)


RUNNING = replace(MICRO_TURBINE, p_min_mw=1.0, p_max_mw=2.0)

CASES = {
    "load beyond every supply": (
        case([1.0, 1.0, 4.07, 1.0], buy=1.5, mt=replace(MICRO_TURBINE, p_max_mw=1.2), ess=STORAGE),
        "VPP1 cannot be dispatched: period 3: 4.07 MW of load, at most 3.2 MW can be supplied "
        "(MT 1.2, discharge 0.5, grid 1.5): short of 0.87 MW; raise exchange.grid_buy_max_mw (1.5) or raise "
        "mt.p_max_mw (1.2) or enlarge the storage "
        "(ess.energy_mwh 2, ess.charge_max_mw 0.5, ess.discharge_max_mw 0.5)",
    ),
    "several periods short": (
        case([2.0, 1.0, 1.8], buy=1.5),
        "VPP1 cannot be dispatched: period 1: 2 MW of load, at most 1.5 MW can be supplied (grid 1.5): "
        "short of 0.5 MW (also period 3); raise exchange.grid_buy_max_mw (1.5)",
    ),
    "nothing to supply from": (
        case([0.5]),
        "VPP1 cannot be dispatched: period 1: 0.5 MW of load, at most 0 MW can be supplied: short of 0.5 MW; "
        "raise exchange.grid_buy_max_mw (0)",
    ),
    "must run above what can be used": (
        case([0.5, 0.3], sell=0.2, mt=RUNNING),
        "VPP1 cannot be dispatched: period 2: 1 MW of supply (MT 1), at most 0.5 MW can be used "
        "(load 0.3, grid 0.2): 0.5 MW cannot go anywhere (also period 1); "
        "raise exchange.grid_sell_max_mw (0.2) or lower mt.p_min_mw (1)",
    ),
    "must run, but a grid that could carry the load alone": (
        case([0.5, 0.3], buy=1.0, sell=0.2, mt=RUNNING),
        "VPP1 cannot be dispatched: period 2: 1 MW of supply (MT 1), at most 0.5 MW can be used "
        "(load 0.3, grid 0.2): 0.5 MW cannot go anywhere (also period 1); raise exchange.grid_sell_max_mw (0.2) "
        "or lower mt.p_min_mw (1) or set mt.commitment so that the unit may be off",
    ),
    "a committed unit too large for the load": (
        case([0.5], sell=0.2, mt=replace(RUNNING, commitment=True)),
        "VPP1 cannot be dispatched: period 1: 1 MW of supply (MT 1), at most 0.7 MW can be used "
        "(load 0.5, grid 0.2): 0.3 MW cannot go anywhere; raise exchange.grid_buy_max_mw (0) or raise "
        "exchange.grid_sell_max_mw (0.2) or lower mt.p_min_mw (1)",
    ),
    "a ramp too slow for the load": (
        case([0.2, 1.0], mt=replace(MICRO_TURBINE, ramp_up_mw_per_h=0.3)),
        "raise mt.ramp_up_mw_per_h (0.3) and mt.ramp_down_mw_per_h (5)",
    ),
    "a storage too small for the evening": (
        case([0.0, 1.0, 1.0, 0.0], buy=0.6, ess=replace(STORAGE, energy_mwh=0.5)),
        "enlarge the storage (ess.energy_mwh 0.5, ess.charge_max_mw 0.5, ess.discharge_max_mw 0.5)",
    ),
    "shedding that would do": (
        case([1.0], buy=0.8, cl=ControllableLoad(compensation_cny_per_mwh=500.0)),
        "period 1: 1 MW of load, at most 0.9 MW can be supplied (load shed 0.1, grid 0.8): short of 0.1 MW; "
        "raise exchange.grid_buy_max_mw (0.8) or raise cl.share_of_load (0.1) or cl.daily_energy_max_mwh",
    ),
    "a delivery larger than what can be had": (
        case([0.2], buy=2.0, direct_out=[3.0]),
        "period 1: 0.2 MW of load and 3 MW of direct delivery, at most 2 MW can be supplied (grid 2): "
        "short of 1.2 MW; raise exchange.grid_buy_max_mw (2) or trade less directly with other VPPs",
    ),
    "a purchase larger than what can be used": (
        case([0.2], buy=1.0, sell=2.0, direct_in=[3.0]),
        "period 1: 3 MW of supply (direct 3), at most 2.2 MW can be used (load 0.2, grid 2): 0.8 MW cannot go "
        "anywhere; raise exchange.grid_sell_max_mw (2) or trade less directly with other VPPs",
    ),
    "a trade beyond its limit": (
        case([0.2, 0.2], buy=9.0, direct_out=[0.0, 6.0]),
        "VPP1 cannot be dispatched: period 2: direct exchange out must lie in 0 … 5 MW, got 6; "
        "trade less or change exchange.direct_out_max_mw",
    ),
    "a negative trade": (
        case([0.2], buy=9.0, direct_in=[-1.0]),
        "VPP1 cannot be dispatched: period 1: direct exchange in must lie in 0 … 5 MW, got -1; "
        "trade less or change exchange.direct_in_max_mw",
    ),
    "a storage target that its limits forbid": (
        case([0.2], buy=9.0, ess=replace(STORAGE, soc_initial=0.95)),
        "VPP1 cannot be dispatched: the storage must end the day as it began, at ess.soc_initial 0.95, but may "
        "only hold 0.1 … 0.9; set soc_initial between soc_min and soc_max",
    ),
    "too much and too little on one day": (
        case([0.5, 4.0], buy=1.0, sell=0.0, mt=RUNNING),
        "no single limit is enough to mend this",
    ),
    "limits that are crossed": (
        case([0.5], buy=1.0, mt=replace(MICRO_TURBINE, p_min_mw=2.0)),
        "limits that are crossed",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_user_reads(name: str) -> None:
    day, expected = CASES[name]
    assert expected in complaint(day)


@law(60)
@given(
    st.lists(st.floats(0.1, 5.0), min_size=1, max_size=8),
    st.floats(0.0, 2.0),
    st.one_of(st.none(), st.floats(0.1, 2.0)),
    st.booleans(),
)
def test_a_shortage_is_found_where_and_as_large_as_it_is(
    load: list[float], buy: float, p_max: float | None, commitment: bool
) -> None:
    """Without storage and ramps each period stands alone: what is missing is load − grid − turbine."""
    mt = replace(MICRO_TURBINE, p_max_mw=p_max, commitment=commitment, cost_on_cny_per_h=5.0) if p_max else None
    day = case(load, buy=buy, mt=mt)
    missing = np.array(load) - buy - (p_max or 0.0)
    if missing.max() <= 1e-4:
        if missing.max() <= -1e-4:
            dispatch(day.vpp, day.public, day.direct)
        return
    said = re.search(r"period (\d+): .* short of ([\d.e-]+) MW", complaint(day))
    assert said is not None
    assert missing[int(said[1]) - 1] == pytest.approx(missing.max(), abs=1e-6)
    assert float(said[2]) == pytest.approx(missing.max(), rel=1e-3)


@pytest.mark.parametrize("name", [name for name, (_, said) in CASES.items() if "grid_buy_max_mw (" in said])
def test_a_remedy_that_is_named_works(name: str) -> None:
    day, _ = CASES[name]
    mended = replace(day.vpp, exchange=replace(day.vpp.exchange, grid_buy_max_mw=1e3))
    assert dispatch(mended, day.public, day.direct).objective_cny >= 0.0


@pytest.mark.parametrize("beyond_mw", [3e-9, 2e-8, 5e-7])
def test_a_miss_that_a_solver_would_let_pass_is_said_instead_of_planned(beyond_mw: float) -> None:
    """GLOP says OPTIMAL up to about 1e-8 beyond feasible and ABNORMAL up to 1e-6; a plan keeps (6) to 1e-9."""
    assert "only just touch" in complaint(case([1.0], buy=1.5, direct_out=[0.5 + beyond_mw]))


def test_a_trade_rounded_up_by_half_a_billionth_is_still_delivered() -> None:
    day = case([1.0], buy=1.5, direct_out=[0.5 + 5e-10])
    assert dispatch(day.vpp, day.public, day.direct).buy_mw.tolist() == [1.5]
