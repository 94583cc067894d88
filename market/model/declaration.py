"""What a VPP declares of its day: its role in each period, and its bid or offer volume. Its plan stays private."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.model.arrays import Array
from market.model.parameter import later


class Role(StrEnum):
    """What a VPP is in one period, (15)."""

    SELLER = "seller"
    BUYER = "buyer"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A VPP's public statement for the day, one entry per period.

    surplus_mw : S, 0 where it does not sell · deficit_mw : D, 0 where it does not buy
    reserve_cny_per_mwh : r of (M5), the least price of what it sells; 0 where it does not sell
    own_supply_mw : P^s, read for buyers · satisfaction_cny_per_h : k of (17), 0 where it does not buy
    own_tariff : whether the grid bills it otherwise than everybody, so that the band does not bound its loss (M14)
    """

    vpp: str
    roles: tuple[Role, ...]
    surplus_mw: Array
    deficit_mw: Array
    own_supply_mw: Array
    satisfaction_cny_per_h: Array
    reserve_cny_per_mwh: Array
    own_tariff: bool = later(False)
