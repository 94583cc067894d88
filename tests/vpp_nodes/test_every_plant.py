"""Plants in which everything comes together cost what a second formulation says, and refusals are explained right.

Each goes through the files of a scenario first, in one currency or another.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from market.errors import DispatchError
from market.model.assets import FixedLoad, Hydro, StoredEnd
from market.model.rules import BillingPeriod, CarbonMode
from market.model.vpp import MicroTurbine, Storage, UnitKind
from market.scenario import load_scenario, write_scenario
from tests.sampling import sampled
from tests.vpp_nodes.dispatch_cases import Case
from tests.vpp_nodes.every_plant import CURRENCIES, WholePlant, whole_plant
from tests.vpp_nodes.explanations import mistakes
from tests.vpp_nodes.reference_plants import reference_cost
from vpp_nodes.dispatch import dispatch

PLANTS, SAMPLE, PARTS = 500, 24, 4
RELATIVE = 1e-6


@pytest.mark.parametrize("part", range(PARTS))
def test_plants_with_everything_cost_what_the_second_formulation_says(part: int, tmp_path: Path) -> None:
    for seed in sampled(range(part * PLANTS // PARTS, (part + 1) * PLANTS // PARTS), SAMPLE // PARTS):
        compare(seed, through_files(whole_plant(seed), tmp_path / str(seed)))


def through_files(plant: WholePlant, folder: Path) -> Case:
    """The day of the plant as it is read again from the files that it was written to."""
    write_scenario(plant.scenario, folder)
    loaded = load_scenario(folder)
    assert loaded.digest == plant.scenario.digest
    assert loaded.public.currency == plant.case.public.currency
    return plant.on_the_day(loaded)


def compare(seed: int, case: Case) -> float | None:
    """How far the costs are from each other, relative to the money moved; None where there is no day."""
    reference = reference_cost(case.vpp, case.public, case.direct)
    if not reference.feasible:
        with pytest.raises(DispatchError) as refusal:
            dispatch(case.vpp, case.public, case.direct)
        assert mistakes(case, str(refusal.value)) == [], (seed, str(refusal.value))
        return None
    plan = dispatch(case.vpp, case.public, case.direct)
    scale = 1.0 + float(np.abs(astuple(plan.costs)).sum())
    assert plan.objective_cny == pytest.approx(reference.cost_cny, abs=RELATIVE * scale), seed
    return abs(plan.objective_cny - reference.cost_cny) / scale


def test_everything_is_among_them_and_together() -> None:
    """What the comparison is worth: all that a plant may have is there often enough, and much of it at once."""
    counts: Counter[str] = Counter()
    for seed in range(PLANTS):
        case = whole_plant(seed).case
        features = set(_features(case))
        counts.update(features)
        counts["ten at once"] += len(features) >= 10
    wanted = {f"unit {kind}" for kind in UnitKind} | {f"end {end}" for end in StoredEnd}
    assert wanted <= set(counts)
    assert min(counts.values()) >= 40, counts


def _features(case: Case) -> list[str]:
    vpp, public = case.vpp, case.public
    mts = [unit.asset for unit in vpp.all_units if isinstance(unit.asset, MicroTurbine)]
    stores = [unit.asset for unit in vpp.all_units if isinstance(unit.asset, Storage | Hydro)]
    features = {
        "curve": any(mt.curve_mw for mt in mts),
        "start cost": any(mt.start_cost_cny for mt in mts),
        "least times": any(mt.min_up_h or mt.min_down_h for mt in mts),
        "state before": any(mt.initial_output_mw is not None for mt in mts),
        "self-discharge": any(isinstance(store, Storage) and store.self_discharge_per_h for store in stores),
        "net load below 0": bool((vpp.total_load_mw < 0.0).any()),
        "net metered": any(isinstance(unit.asset, FixedLoad) and unit.asset.net_metered for unit in vpp.units),
        "own tariff": vpp.tariff is not None,
        "fee": vpp.exchange.peer_fee_cny_per_mwh > 0.0 and case.direct is not None,
        "peak charge": vpp.exchange.peak_charge_cny_per_mw > 0.0,
        "connection": vpp.exchange.import_max_mw < np.inf,
        "peak before": vpp.exchange.peak_charge_cny_per_mw > 0.0 and vpp.exchange.peak_before_mw > 0.0,
        "emission by period": public.carbon.grid_emission_by_period_t_per_mwh is not None,
        "stepped": public.carbon.mode is CarbonMode.STEPPED and public.carbon.steps > 1,
        "quota follows energy": public.carbon.credits_follow_energy and case.direct is not None,
        "excess before": vpp.excess_before_t != 0.0,
        "every day": any(getattr(unit.asset, "every_day", False) for unit in vpp.units),
        "taken before": any(getattr(unit.asset, "taken_before_mwh", 0.0) for unit in vpp.units),
        "moved before": any(getattr(unit.asset, "moved_before_mwh", 0.0) for unit in vpp.units),
        "shed before": any(getattr(unit.asset, "shed_before_mwh", 0.0) for unit in vpp.all_units),
        "negative prices": bool((public.tariff.retail_cny_per_mwh < 0.0).any()),
        "quarter hours": public.horizon.period_h == 0.25,
        "days before": public.horizon.before_h > 0.0,
        "days after": public.horizon.after_h > 0.0,
        **{f"currency {word}": public.currency == word for word in CURRENCIES},
        **{f"billed by {each}": public.carbon.billing_period is each for each in BillingPeriod},
        **{f"unit {kind}": any(unit.kind is kind for unit in vpp.units) for kind in UnitKind},
        **{f"end {end}": any(store.end is end for store in stores) for end in StoredEnd},
    }
    return [name for name, there in features.items() if there]
