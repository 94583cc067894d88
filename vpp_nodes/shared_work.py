"""What the nodes of one process work out once instead of each for itself.

All of it are functions of what each has heard or is asked, kept by the very objects they were worked out from: a
node gets what it would have worked out itself, to the last digit, and learns nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from broker.screening.messages import screen
from broker.wire.messages import Declared
from market.game.period import PeriodGame, period_games
from market.game.pricing import PriceMove, Pricer, Repricing, RulePricer
from market.model.declaration import Declaration
from market.model.public import PublicRules
from market.model.rules import MarketRules
from vpp_nodes.offer_pages import OfferPages

_Made = TypeVar("_Made")
_EPOCHS: Final = 2
"""Of so many epochs the games are kept: nodes may be in two at a time."""


@dataclass(frozen=True, slots=True)
class EpochGames:
    """The games that follow from everybody's declaration, and the pages of offers in them."""

    games: tuple[PeriodGame, ...]
    pages: OfferPages


@dataclass(slots=True)
class SharedWork:
    """Of a process with one node it is that node's own work."""

    _games: dict[tuple[int, ...], tuple[Any, EpochGames]] = field(default_factory=dict)
    _screened: dict[int, Declared] = field(default_factory=dict)
    _pricers: list[tuple[MarketRules, PricedTogether]] = field(default_factory=list)

    def games(self, declarations: Sequence[Declaration], public: PublicRules) -> EpochGames:
        """The games of these declarations."""

        def make() -> EpochGames:
            games = period_games(declarations, public)
            return EpochGames(games, OfferPages(games))

        return self._once(self._games, (public, *declarations), make)

    def pricer(self, rules: MarketRules) -> PricedTogether:
        """What prices by these rules, for all whose strategy that is."""
        for known, pricer in self._pricers:
            if known == rules:
                return pricer
        self._pricers.append((rules, PricedTogether(RulePricer(rules))))
        return self._pricers[-1][1]

    @staticmethod
    def _once(
        known: dict[tuple[int, ...], tuple[Any, _Made]], of: tuple[object, ...], make: Callable[[], _Made]
    ) -> _Made:
        key = tuple(map(id, of))
        if key not in known:
            known[key] = (of, make())
            if len(known) > _EPOCHS:
                del known[next(iter(known))]
        return known[key][1]

    def screen(self, sender: str, message: Declared, public: PublicRules) -> None:
        """ProtocolError as of the screening, which looks at each declaration once."""
        if self._screened.get(id(message)) is None or message.declaration.vpp != sender:
            screen(sender, message, public, None)
            self._screened[id(message)] = message


class PricedTogether:
    """A pricer that knows what it will be asked: sellers of one process are priced at once.

    Each then asks for itself, and is given its own answer; what was not expected is answered as ever.
    """

    def __init__(self, pricer: Pricer) -> None:
        self._pricer = pricer
        self._expected: list[PriceMove] = []
        self._known: dict[tuple[int, int, int, int], tuple[PriceMove, Repricing]] = {}

    def fresh(self) -> Hashable:
        """As in `Pricer`."""
        return self._pricer.fresh()

    def expect(self, turns: Sequence[PriceMove]) -> None:
        """These turns will be asked for, once all have been told of that are to be answered together."""
        self._expected.extend(turns)

    def price_all(self, turns: Sequence[PriceMove]) -> Sequence[Repricing]:
        """As in `Pricer`."""
        if self._expected:
            answers = zip(self._expected, self._pricer.price_all(self._expected), strict=True)
            self._known = {_key(turn): (turn, answer) for turn, answer in answers}
            self._expected = []
        known = [self._known.get(_key(turn)) for turn in turns]
        missing = [turn for turn, found in zip(turns, known, strict=True) if found is None]
        fresh = iter(self._pricer.price_all(missing) if missing else ())
        return [next(fresh) if found is None else found[1] for found in known]


def _key(turn: PriceMove) -> tuple[int, int, int, int]:
    """By identity: what is known is kept as long as its answer."""
    return id(turn.game), turn.seller, id(turn.prices), id(turn.memory)
