"""A day that goes on from others costs what a second formulation says, whatever it brings along (M16)."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest

from market.errors import DispatchError
from market.model.assets import Deferrable, ShiftableLoad, Vehicle
from market.model.vpp import ControllableLoad
from tests.sampling import sampled
from tests.vpp_nodes.past_cases import plant_with_a_past
from tests.vpp_nodes.reference_plants import reference_cost
from vpp_nodes.dispatch import dispatch

PLANTS, SAMPLE, PARTS = 500, 24, 4


@pytest.mark.parametrize("part", range(PARTS))
def test_plants_with_a_past_cost_what_the_second_formulation_says(part: int) -> None:
    for seed in sampled(range(part * PLANTS // PARTS, (part + 1) * PLANTS // PARTS), SAMPLE // PARTS):
        case = plant_with_a_past(seed)
        reference = reference_cost(case.vpp, case.public, case.direct)
        if not reference.feasible:
            with pytest.raises(DispatchError, match=rf"^VPP{seed} cannot be dispatched: "):
                dispatch(case.vpp, case.public, case.direct)
            continue
        plan = dispatch(case.vpp, case.public, case.direct)
        scale = 1.0 + float(np.abs(astuple(plan.costs)).sum())
        assert plan.objective_cny == pytest.approx(reference.cost_cny, abs=1e-6 * scale), seed


def test_the_plants_have_pasts_of_every_kind() -> None:
    """What the comparison is worth: all that may be carried on is among them, often enough."""
    counts: Counter[str] = Counter()
    for seed in range(PLANTS):
        case = plant_with_a_past(seed)
        counts[f"billed by {case.public.carbon.billing_period}"] += 1
        counts["excess"] += case.vpp.excess_before_t != 0.0
        for unit in case.vpp.all_units:
            match unit.asset:
                case Vehicle() | Deferrable() as task:
                    counts["every day"] += task.every_day
                    counts["taken"] += task.taken_before_mwh > 0.0
                case ShiftableLoad() as users:
                    counts["moved"] += users.moved_before_mwh != 0.0
                case ControllableLoad() as cl:
                    counts["limit each day"] += cl.limit_each_day and cl.daily_energy_max_mwh is not None
                    counts["shed"] += cl.shed_before_mwh > 0.0
    assert min(counts.values()) >= 40, counts
