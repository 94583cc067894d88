"""Claims: a field that came later is not on the wire at its default, and is told in one way only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from broker.screening.audits import screen_audit
from broker.wire.messages import Audit
from broker.wire.types import codec_for
from market.errors import ProtocolError, WireError
from market.model.arrays import frozen
from market.model.declaration import Declaration, Role
from market.model.plan import DispatchPlan, UnitPlan
from market.model.rules import CarbonRules
from market.model.vpp import UnitKind
from vpp_nodes.in_memory import blank_plan

ONE = frozen([1.0, 2.0])
DECLARED = Declaration("A", (Role.IDLE, Role.IDLE), ONE, ONE, ONE, ONE, ONE)
UNIT = UnitPlan("G2", UnitKind.MT, ONE, ONE, ONE, ONE)


def test_a_default_that_came_later_is_left_out_and_comes_back() -> None:
    codec = codec_for(Declaration)
    plain, own = codec.pack(DECLARED), codec.pack(replace(DECLARED, own_tariff=True))
    assert (len(plain), len(own)) == (7, 8)
    assert codec.unpack(plain, "").own_tariff is False
    assert codec.unpack(own, "").own_tariff is True


def test_a_default_is_not_told_twice() -> None:
    codec = codec_for(Declaration)
    with pytest.raises(WireError, match="without a last field that says nothing"):
        codec.unpack([*codec.pack(DECLARED), False], "declaration")
    with pytest.raises(WireError, match="a list of 7 to 8 fields"):
        codec.unpack(codec.pack(DECLARED)[:-1], "declaration")


def test_series_and_units_come_back() -> None:
    rules = CarbonRules(grid_emission_by_period_t_per_mwh=ONE)
    codec = codec_for(CarbonRules)
    back = codec.unpack(codec.pack(rules), "").grid_emission_by_period_t_per_mwh
    assert back.tolist() == [1.0, 2.0]
    assert len(codec.pack(CarbonRules())) < len(codec.pack(rules))
    plan = replace(blank_plan(2), units=(UNIT,))
    again = codec_for(DispatchPlan).unpack(codec_for(DispatchPlan).pack(plan), "")
    assert again.units[0].kind is UnitKind.MT
    assert np.array_equal(again.units[0].stored_mwh, ONE)


def audit(*units: UnitPlan) -> Audit:
    plan = replace(blank_plan(2), units=units)
    return Audit(1, plan, plan, 1.0, ())


def test_units_in_an_audit_are_screened() -> None:
    screen_audit("A", audit(UNIT, replace(UNIT, unit="G3")), 2, certified=False)
    for units, said in (
        ((UNIT, UNIT), "names its units as no scenario may"),
        ((replace(UNIT, unit="a,b"),), "names its units as no scenario may"),
        ((replace(UNIT, supply_mw=frozen([1.0])),), "is not for 2 periods"),
        ((replace(UNIT, use_mw=frozen([1e31, 0.0])),), "holds a number beyond"),
    ):
        with pytest.raises(ProtocolError, match=said):
            screen_audit("A", audit(*units), 2, certified=False)
