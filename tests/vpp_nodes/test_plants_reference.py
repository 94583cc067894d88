"""Plants with units of every kind cost what a second formulation says, and their plans keep every unit's rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest

from market.errors import DispatchError
from market.model.assets import Deferrable, Hydro, ShiftableLoad, StoredEnd, Vehicle
from market.model.plan import DispatchPlan, UnitPlan
from market.model.vpp import MicroTurbine, Storage, Unit, UnitKind
from tests.sampling import sampled
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.plant_cases import random_plant
from tests.vpp_nodes.reference_plants import reference_cost
from vpp_nodes.dispatch import dispatch

PLANTS, SAMPLE, PARTS = 500, 24, 4
NEAR = 1e-7


@pytest.mark.parametrize("part", range(PARTS))
def test_random_plants_cost_what_the_second_formulation_says(part: int) -> None:
    for seed in sampled(range(part * PLANTS // PARTS, (part + 1) * PLANTS // PARTS), SAMPLE // PARTS):
        case = random_plant(seed)
        reference = reference_cost(case.vpp, case.public, case.direct)
        if not reference.feasible:
            said = rf"^VPP{seed} cannot be dispatched: (period|units\.|ess|mt)"
            with pytest.raises(DispatchError, match=said):
                dispatch(case.vpp, case.public, case.direct)
            continue
        plan = dispatch(case.vpp, case.public, case.direct)
        scale = 1.0 + float(np.abs(astuple(plan.costs)).sum())
        assert plan.objective_cny == pytest.approx(reference.cost_cny, abs=1e-6 * scale), seed
        assert 0.0 <= plan.gap_cny <= 1e-7 * scale, seed
        check_balance(case, plan)
        for unit, does in zip(case.vpp.all_units, plan.units, strict=True):
            assert (unit.id, unit.kind) == (does.unit, does.kind)
            check_unit(case, unit, does)


def test_the_random_plants_are_of_every_kind() -> None:
    """What the comparison is worth: each kind of unit, and all that may be said of one, is among its days."""
    counts: Counter[str] = Counter()
    for seed in range(PLANTS):
        case = random_plant(seed)
        counts.update({unit.kind.value for unit in case.vpp.units})
        turbines = [unit.asset for unit in case.vpp.all_units if isinstance(unit.asset, MicroTurbine)]
        stores = [unit.asset for unit in case.vpp.all_units if isinstance(unit.asset, Storage | Hydro)]
        counts.update({f"end {store.end}" for store in stores})
        counts["curve"] += any(bool(mt.curve_mw) for mt in turbines)
        counts["start cost"] += any(mt.start_cost_cny > 0.0 for mt in turbines)
        counts["times"] += any(mt.min_up_h > 0.0 for mt in turbines) + any(mt.min_down_h > 0.0 for mt in turbines)
        counts["before the day"] += any(mt.initial_output_mw is not None for mt in turbines)
        counts["self-discharge"] += any(isinstance(s, Storage) and s.self_discharge_per_h > 0.0 for s in stores)
        counts["own tariff"] += case.vpp.tariff is not None
        counts["fee"] += case.vpp.exchange.peer_fee_cny_per_mwh > 0.0 and case.direct is not None
        counts["emission by period"] += case.public.carbon.grid_emission_by_period_t_per_mwh is not None
    assert set(UnitKind) | {f"end {end}" for end in StoredEnd} <= set(counts)
    assert min(counts.values()) >= 40, counts


def check_balance(case: Case, plan: DispatchPlan) -> None:
    """(6) by units."""
    supply = sum((unit.supply_mw for unit in plan.units), plan.buy_mw + plan.direct_in_mw)
    use = sum((unit.use_mw for unit in plan.units), plan.sell_mw + plan.direct_out_mw + case.vpp.load_mw)
    assert np.abs(supply - use).max() <= 1e-9
    totals = {"mt_mw": UnitKind.MT, "wt_mw": UnitKind.WT, "cl_mw": UnitKind.CL, "discharge_mw": UnitKind.ESS}
    for name, kind in totals.items():
        assert np.abs(getattr(plan, name) - plan.supplied_mw(kind)).max() <= 1e-12


def check_unit(case: Case, unit: Unit, does: UnitPlan) -> None:
    """A unit's rules, read off its plan."""
    hours = case.public.horizon.period_h
    assert does.supply_mw.min() >= 0.0
    match unit.asset:
        case MicroTurbine() as mt:
            check_turbine(mt, does, hours)
        case Storage() as ess:
            check_battery(ess, does, hours)
        case Hydro() as hydro:
            check_hydro(hydro, does, hours)
        case ShiftableLoad() as users:
            check_shift(case, users, does, hours)
        case Vehicle() | Deferrable() as task:
            assert float(does.use_mw.sum()) * hours == pytest.approx(task.taken_mwh, abs=NEAR)
            first, last = task.window_h
            starts = np.arange(does.use_mw.size) * hours
            outside = (starts + hours <= first) | (starts >= (np.inf if last is None else last))
            assert not does.use_mw[outside].any()
            assert does.use_mw.max() <= task.power_max_mw + NEAR


def check_turbine(mt: MicroTurbine, does: UnitPlan, hours: float) -> None:
    on = does.supply_mw > 0.0
    assert np.all(does.supply_mw[on] >= mt.p_min_mw)
    assert np.all(does.supply_mw <= mt.p_max_mw)
    assert mt.commitment or mt.p_min_mw == 0.0 or on.all()
    lengths = runs(on)
    for number, (state, length) in enumerate(lengths):
        inner = 0 < number < len(lengths) - 1
        if inner or (number == 0 and len(lengths) > 1 and mt.initial_output_mw is not None):
            before = 0.0
            if number == 0:
                same = (mt.initial_output_mw or 0.0) > 0.0
                before = (np.inf if mt.initial_state_h is None else mt.initial_state_h) if same == state else 0.0
            assert length * hours + before >= (mt.min_up_h if state else mt.min_down_h) - NEAR


def runs(on: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[tuple[bool, int]]:
    """Stretches of being on or off, and their lengths."""
    found: list[tuple[bool, int]] = []
    for state in on.tolist():
        if found and found[-1][0] == state:
            found[-1] = (state, found[-1][1] + 1)
        else:
            found.append((state, 1))
    return found


def check_battery(ess: Storage, does: UnitPlan, hours: float) -> None:
    assert not np.any((does.use_mw > 0.0) & (does.supply_mw > 0.0))
    stored = ess.soc_initial * ess.energy_mwh
    for t in range(does.use_mw.size):
        stored *= (1.0 - ess.self_discharge_per_h) ** hours
        stored += (ess.charge_efficiency * does.use_mw[t] - does.supply_mw[t] / ess.discharge_efficiency) * hours
        assert does.stored_mwh[t] == pytest.approx(stored, abs=1e-6)
    assert does.stored_mwh.min() >= ess.soc_min * ess.energy_mwh - NEAR
    assert does.stored_mwh.max() <= ess.soc_max * ess.energy_mwh + NEAR
    if ess.end is StoredEnd.AS_BEGUN:
        assert does.stored_mwh[-1] == pytest.approx(ess.soc_initial * ess.energy_mwh, abs=NEAR)
    elif ess.soc_end is not None:
        assert does.stored_mwh[-1] == pytest.approx(ess.soc_end * ess.energy_mwh, abs=NEAR)


def check_hydro(hydro: Hydro, does: UnitPlan, hours: float) -> None:
    before = np.array([hydro.level_initial * hydro.reservoir_mwh, *does.stored_mwh[:-1]])
    spilt = hydro.inflow_mw - does.supply_mw - (does.stored_mwh - before) / hours
    assert spilt.min() >= -1e-6
    assert does.supply_mw.max() <= hydro.p_max_mw
    assert does.stored_mwh.max() <= hydro.level_max * hydro.reservoir_mwh + NEAR
    assert np.all(does.curtailed_mw <= np.minimum(spilt, hydro.p_max_mw - does.supply_mw) + 1e-6)


def check_shift(case: Case, users: ShiftableLoad, does: UnitPlan, hours: float) -> None:
    assert np.all(does.supply_mw <= users.share_of_load * np.maximum(case.vpp.total_load_mw, 0.0) + NEAR)
    window = np.floor(np.arange(does.use_mw.size) * hours / users.window_h + 1e-9)
    for number in set(window.tolist()):
        inside = window == number
        assert float((does.supply_mw - does.use_mw)[inside].sum()) == pytest.approx(0.0, abs=NEAR)
