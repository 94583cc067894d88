"""All known answers as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from market.app.analysis.known.answer import KnownAnswer
from market.app.analysis.known.games import known_games
from market.app.analysis.known.own_market import known_market
from market.app.analysis.known.shares import known_shares
from market.app.results.table import Table

COLUMNS: Final = (
    "game",
    "quantity",
    "source",
    "published",
    "computed",
    "difference",
    "met",
    "regret_bound",
    "rigorous",
)
PARTS: Final[tuple[tuple[str, Callable[[], Iterator[KnownAnswer]]], ...]] = (
    ("games of one number each", known_games),
    ("fair shares", known_shares),
    ("the market itself", known_market),
)


def known_answers(on_part: Callable[[str], None] = lambda name: None) -> tuple[KnownAnswer, ...]:
    """Solve them all. on_part : told what is being solved"""
    answers: list[KnownAnswer] = []
    for name, part in PARTS:
        on_part(name)
        answers += part()
    return tuple(answers)


def known_table(answers: Sequence[KnownAnswer]) -> Table:
    """One row for each number. met : to its last printed digit · rigorous : whether the bound is proved"""
    rows = (
        (
            *(a.game, a.quantity, a.source, a.published, a.computed, a.difference),
            *("yes" if a.met else "no", a.regret_bound, "yes" if a.rigorous else "no"),
        )
        for a in answers
    )
    return Table("known", COLUMNS, tuple(rows))
