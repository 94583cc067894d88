"""The schema of a VPP's plants in `scenario.yaml`: what their sections have besides the model's parameters."""

from __future__ import annotations

from collections.abc import Iterator

from market.model.parameter import Broken
from market.model.vpp import (
    ControllableLoad,
    Exchange,
    MicroTurbine,
    Renewable,
    Storage,
    charge_limits,
    commitment_limits,
    cost_curve,
    output_limits,
)
from market.scenario.fields import FileField, Section, fields_of, one_way, section_of

_TURBINE = fields_of(MicroTurbine)
_RAMP = _TURBINE["ramp_up_mw_per_h"].parameter
_COST = _TURBINE["cost_b_cny_per_mwh"].parameter
_EXCHANGE = fields_of(Exchange)
_DIRECT = _EXCHANGE["direct_in_max_mw"].parameter
QUADRATIC = ("cost_a_cny_per_mw2h", "cost_b_cny_per_mwh", "cost_on_cny_per_h", "cost_pieces")


def _one_cost(turbine: Section) -> Iterator[Broken]:
    """The cost is given once: as a P² + b P + c_on, or by the points of a curve."""
    curve = turbine.curve_mw or turbine.curve_cny_per_h
    both = [name for name in QUADRATIC if curve and name in turbine.model_fields_set]
    if both:
        rule, remedy = "must not be given together with curve_mw", "keep the curve, or take it out"
        yield Broken(both[0], rule, repr(getattr(turbine, both[0])), remedy)
    elif not curve and turbine.cost_b_cny_per_mwh is None:
        rule = f"required, a number {_COST.limits}, without curve_mw"
        yield Broken("cost_b_cny_per_mwh", rule, "nothing", f"add it: {_COST.description}")


WindSection, PvSection = (
    section_of(
        f"{name}Section",
        f"A {words} plant; its forecast is the profile column `<id>_{column}_mw`.",
        {
            key: field._replace(default=15.0 if column == "wt" else 12.0)
            if key == "om_cost_cny_per_mwh"
            else field
            for key, field in fields_of(Renewable).items()
        },
    )
    for name, words, column in (("Wind", "wind", "wt"), ("Pv", "PV", "pv"))
)
MicroTurbineSection = section_of(
    "MicroTurbineSection",
    MicroTurbine.__doc__,
    {
        **_TURBINE,
        "ramp_mw_per_h": FileField(
            float, _RAMP.said("Ramp limit up and down; left out: its whole range in a period")
        ).optional(),
        "ramp_up_mw_per_h": _TURBINE["ramp_up_mw_per_h"].optional(", in place of ramp_mw_per_h"),
        "ramp_down_mw_per_h": _TURBINE["ramp_down_mw_per_h"].optional(", in place of ramp_mw_per_h"),
        "cost_b_cny_per_mwh": _TURBINE["cost_b_cny_per_mwh"].optional("; required without curve_mw"),
    },
    output_limits,
    one_way("ramp_mw_per_h", "ramp_up_mw_per_h", "ramp_down_mw_per_h"),
    _one_cost,
    cost_curve,
    commitment_limits,
)
StorageSection = section_of("StorageSection", Storage.__doc__, fields_of(Storage), charge_limits)
ControllableLoadSection = section_of(
    "ControllableLoadSection", ControllableLoad.__doc__, fields_of(ControllableLoad)
)
ExchangeSection = section_of(
    "ExchangeSection",
    Exchange.__doc__,
    {
        **_EXCHANGE,
        "direct_max_mw": FileField(
            float, _DIRECT.said("Most power exchanged with other VPPs, either way")
        ).optional(),
        "direct_in_max_mw": _EXCHANGE["direct_in_max_mw"].optional(", in place of direct_max_mw"),
        "direct_out_max_mw": _EXCHANGE["direct_out_max_mw"].optional(", in place of direct_max_mw"),
    },
    one_way("direct_max_mw", "direct_in_max_mw", "direct_out_max_mw"),
)
