"""The page's colours: VPPs as in the figures, roles, verdicts, shades of probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from market.app.figures import style
from market.model.declaration import Role

ROLE: Final[dict[Role | None, str]] = {
    Role.SELLER: style.BLUE,
    Role.BUYER: style.ORANGE,
    Role.IDLE: style.LIGHT,
    None: "#ffffff",
}
MESSAGE: Final[dict[str, str]] = {"Offer": style.BLUE, "Selection": style.ORANGE, "Declared": style.GREY}
SOUND, UNSOUND, QUIET = style.GREEN, style.VERMILLION, style.LIGHT
VERDICT: Final[dict[str, str]] = {"equilibrium": SOUND, "no_trade": QUIET}


def of_vpps(vpps: Sequence[str]) -> dict[str, str]:
    """The colour of each VPP, by its place in the scenario, as in every figure."""
    return {vpp: vpp_style.colour for vpp, vpp_style in style.vpp_styles(vpps).items()}


def verdict_colour(verdict: str) -> str:
    """Green where a period is sound, grey where nothing can be traded, red for anything else."""
    return VERDICT.get(verdict, UNSOUND)


def shade(share: float) -> str:
    """White to blue for a probability from 0 to 1."""
    low, high = (255, 255, 255), (0, 114, 178)
    mixed = (round(a + (b - a) * min(1.0, max(0.0, share))) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)
