"""One VPP's operation over a day: its powers, period by period.

A `DispatchPlan` is an operation and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from market.model.arrays import Array


class UnitOperation(Protocol):
    """What one unit does, each of shape (periods,).

    supply_mw : what it gives: output, discharge, load shed or moved away
    use_mw : what it takes: load, charge, load moved here
    stored_mwh : what it holds at the end of each period, 0 where it holds nothing
    """

    @property
    def supply_mw(self) -> Array: ...
    @property
    def use_mw(self) -> Array: ...
    @property
    def stored_mwh(self) -> Array: ...


class Operation(Protocol):
    """The quantities that costs and carbon are made of, MW and MWh, each of shape (periods,).

    units : what each of `Vpp.all_units` does, in that order; nothing where the totals say it all, which they do
    where a VPP has no units but those of its fields
    """

    @property
    def wt_mw(self) -> Array: ...
    @property
    def pv_mw(self) -> Array: ...
    @property
    def mt_mw(self) -> Array: ...
    @property
    def charge_mw(self) -> Array: ...
    @property
    def discharge_mw(self) -> Array: ...
    @property
    def soc_mwh(self) -> Array: ...
    @property
    def cl_mw(self) -> Array: ...
    @property
    def buy_mw(self) -> Array: ...
    @property
    def sell_mw(self) -> Array: ...
    @property
    def units(self) -> Sequence[UnitOperation]: ...
