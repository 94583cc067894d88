"""One VPP's operation over a day: its powers, period by period.

A `DispatchPlan` is an operation and more.
"""

from __future__ import annotations

from typing import Protocol

from market.model.arrays import Array


class Operation(Protocol):
    """The quantities that costs and carbon are made of, MW, each of shape (periods,)."""

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
    def cl_mw(self) -> Array: ...
    @property
    def buy_mw(self) -> Array: ...
    @property
    def sell_mw(self) -> Array: ...
