"""Counts the offers, selections and answers of each member in an epoch, and checks the numbers of the next ones.

Versions count from 1 without a gap, a selection answers an offer, and nobody has seen an offer that was not made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from broker.wire.messages import Answer, MarketMessage, Offer, Seen, Selection
from market.errors import ProtocolError


class Versions:
    """The newest versions of one epoch. `roster`: whose they are.

    of_declarations : whether what is seen are declarations, each one's version 1, since nothing else is said
    """

    def __init__(self, roster: Sequence[str], *, of_declarations: bool = False) -> None:
        self._of_declarations = of_declarations
        self._offers = dict.fromkeys(roster, 0)
        self._selections: Counter[str] = Counter()
        self._offered = 0  # offers of all members
        self._rounds = dict.fromkeys(roster, 0)  # newest answer of each

    def take(self, sender: str, message: MarketMessage) -> None:
        """A message that has passed the screening; ProtocolError `bad_content` if its version is not the next."""
        if isinstance(message, Offer):
            self._check(sender, message, self._offers[sender])
            self._offers[sender] = message.version
            self._offered += 1
        elif isinstance(message, Selection):
            self._check(sender, message, self._selections[sender])
            if message.version > self._offered:
                raise ProtocolError("bad_content", f"{sender} answers more often than anybody has offered")
            self._selections[sender] = message.version
        elif isinstance(message, Answer):
            self._answer(sender, message)
        elif self._of_declarations:
            self._rounds[sender] = 1

    def _answer(self, sender: str, message: Answer) -> None:
        """In consensus everybody answers once a round, and none before all have answered in the one before."""
        if message.round != self._rounds[sender] + 1:
            raise ProtocolError(
                "bad_content", f"{sender}'s answer {message.round} came after {self._rounds[sender]}"
            )
        if message.round > min(self._rounds.values()) + 1:
            raise ProtocolError("bad_content", f"{sender} answers {message.round} before all have answered")
        self._rounds[sender] = message.round

    def _check(self, sender: str, message: Offer | Selection, last: int) -> None:
        if message.version != last + 1:
            kind = type(message).__name__.lower()
            raise ProtocolError("bad_content", f"{sender}'s {kind} {message.version} came after {last}")

    def check_seen(self, vpp: str, seen: Sequence[Seen]) -> None:
        """ProtocolError if a member says it has seen what nobody has offered; its own may be on their way."""
        if len(seen) > len(self._offers):
            raise ProtocolError("bad_content", f"{vpp} has seen offers of {len(seen)} members")
        for entry in seen:
            made = self._offers.get(entry.vpp, 0) or self._rounds.get(entry.vpp, 0)
            if entry.version < 1 or (entry.version > made and entry.vpp != vpp):
                story = f"{vpp} has seen offer {entry.version} of {entry.vpp!r:.40}, which has made {made}"
                raise ProtocolError("bad_content", story)
