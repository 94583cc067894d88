"""Fair shares that are published: an insurance pool, and the bankruptcies of the Talmud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from market.app.analysis.known.answer import KnownAnswer
from market.division.coalitions import CoalitionGame
from market.division.nucleolus import nucleolus
from market.division.shapley import shapley_value

LEMAIRE: Final = "Lemaire 1991, ASTIN Bulletin 21(1), 17-40"
AUMANN: Final = "Aumann & Maschler 1985, Journal of Economic Theory 36, 195-213"
CLAIMS: Final = (100.0, 200.0, 300.0)


def known_shares() -> Iterator[KnownAnswer]:
    """Every share of every player."""
    pool = insurance()
    for name, shares, published in (
        ("Shapley", shapley_value(pool), ("51750.00", "25875.00", "12375.00")),
        ("nucleolus", nucleolus(pool), ("52687.50", "24468.75", "12843.75")),
    ):
        for player, share, printed in zip(pool.players, shares.tolist(), published, strict=True):
            yield KnownAnswer("insurance pool", f"{name} of {player}", LEMAIRE, printed, share)
    for estate, expected in (
        (100.0, ("33.3333", "33.3333", "33.3333")),
        (200.0, ("50.0000", "75.0000", "75.0000")),
        (300.0, ("50.0000", "100.0000", "150.0000")),
    ):
        for claim, share, printed in zip(CLAIMS, nucleolus(bankruptcy(estate)).tolist(), expected, strict=True):
            quantity = f"nucleolus of claim {claim:g}"
            yield KnownAnswer(f"bankruptcy, estate {estate:g}", quantity, AUMANN, printed, share)


def insurance() -> CoalitionGame:
    """Three companies that pool reserves."""
    worth = {"1": 46125.0, "2": 17437.5, "3": 5812.5, "12": 69187.5, "13": 53812.5, "23": 30750.0, "123": 90000.0}
    return CoalitionGame.of("123", worth)


def bankruptcy(estate: float) -> CoalitionGame:
    """A coalition is worth what the others' claims leave of the estate."""

    def left(coalition: int) -> float:
        others = sum(claim for place, claim in enumerate(CLAIMS) if not coalition >> place & 1)
        return max(0.0, estate - others)

    return CoalitionGame.by([f"{claim:g}" for claim in CLAIMS], left)
