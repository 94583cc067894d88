"""Which strategy a plant's owner has chosen for it in the market. Private, as the plant is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from market.model.parameter import parameter

Option: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """How a VPP behaves in the market where it does not follow the market's rules.

    options : what the strategy is made with, by name
    """

    use: str = parameter(
        "",
        "What it is: `package.module:Class`, a name that an installed package gives its own, or a price rule",
    )
    seed: int = parameter("number", "What its random draws follow from", default=0, ge=0, le=2**53)
    options: tuple[tuple[str, Option], ...] = ()
