"""Units that fit: power, energy and mass in the size in which their largest value has no zeros to count."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_ALIKE = 0.5
"""A unit is used from half of it on."""


@dataclass(frozen=True, slots=True)
class ShownUnit:
    """A unit, and how many of it make up one of the unit in which values are kept."""

    name: str
    factor: float


POWER = (ShownUnit("GW", 1e-3), ShownUnit("MW", 1.0), ShownUnit("kW", 1e3), ShownUnit("W", 1e6))
ENERGY = (ShownUnit("GWh", 1e-3), ShownUnit("MWh", 1.0), ShownUnit("kWh", 1e3), ShownUnit("Wh", 1e6))
CO2 = (ShownUnit("kt CO2", 1e-3), ShownUnit("t CO2", 1.0), ShownUnit("kg CO2", 1e3), ShownUnit("g CO2", 1e6))


def fitting(units: tuple[ShownUnit, ...], largest: float) -> ShownUnit:
    """The first unit of which the largest value is at least half a one; for nothing at all the unit it is kept in.

    >>> fitting(POWER, 0.0042).name, fitting(POWER, 0.7).name, fitting(ENERGY, 700.0).name, fitting(CO2, 0.0).name
    ('kW', 'MW', 'GWh', 't CO2')
    """
    kept = next(unit for unit in units if unit.factor == 1.0)
    if not largest > 0.0:
        return kept
    return next((unit for unit in units if largest * unit.factor >= LARGEST_ALIKE), units[-1])
