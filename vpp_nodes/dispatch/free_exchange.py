"""A day whose exchange with other VPPs is still open: the quantity itself, and where it takes part."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from market.model.arrays import Array
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram
from vpp_nodes.dispatch.model import Model
from vpp_nodes.dispatch.peer_fee import peer_fee_m14


@dataclass(frozen=True, slots=True)
class FreeDay(DispatchDay):
    """A day whose direct exchange is still open, between the limits of (11); shape (periods,)."""

    most_in_mw: Array = field(default_factory=lambda: np.zeros(0))
    most_out_mw: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def most_needed_mw(self) -> Array:
        return self.net_load_mw + self.most_out_mw

    @property
    def least_needed_mw(self) -> Array:
        return self.net_load_mw - self.most_in_mw


def net_exchange_11(program: LinearProgram, day: FreeDay, model: Model) -> range:
    """−dir_out_max ≤ net_in ≤ dir_in_max; in (6), in (3) where credits follow energy, and at the fee of (M14)."""
    run = program.columns(-day.most_out_mw, day.most_in_mw, day.filled(0.0))
    for row, column in zip(model.balance_rows, run, strict=True):
        program.extend_row(row, column, 1.0)
    for row, column in zip(model.connection_rows, run, strict=False):
        program.extend_row(row, column, 1.0)
    carbon = day.public.carbon
    if model.carbon_rows and carbon.credits_follow_energy:
        for row, column in zip(model.carbon_rows, run, strict=True):
            program.extend_row(row, column, carbon.direct_quota_t_per_mwh * day.period_h)
    peer_fee_m14(program, day, run)
    return run
