"""Virtual time: which offers each VPP has consumed, by what its turns have given it.

A node uses all that a turn gives it but what is older than what it has, so its confirmation need not say so.
Before it holds everybody's declaration it keeps offers and uses none: they count from the turn on that gives it
the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from broker.wire.messages import MarketMessage, Offer, Ref, Seen

_DECLARATION: Final = 1
"""The number of everybody's declaration: it comes first, and alone."""


class Consumption:
    """What has been consumed in one epoch of a game."""

    def __init__(self, roster: Sequence[str]) -> None:
        self._lacking = dict.fromkeys(roster, len(roster) - 1)  # declarations of others
        self._kept: dict[str, dict[str, int]] = {vpp: {} for vpp in roster}
        self._versions: dict[Ref, int] = {}

    def said(self, ref: Ref, message: MarketMessage) -> None:
        """Something was said that turns may give."""
        if isinstance(message, Offer):
            self._versions[ref] = message.version

    def turn(self, vpp: str, refs: Sequence[Ref]) -> tuple[Seen, ...]:
        """A turn gave these messages and is over: the offers that have been consumed in it, each VPP's newest."""
        kept, versions = self._kept[vpp], self._versions
        for ref in refs:
            version = versions.get(ref)
            if version is not None and version > kept.get(ref.sender, 0):
                kept[ref.sender] = version
            self._lacking[vpp] -= ref.seq == _DECLARATION
        if self._lacking[vpp]:
            return ()
        self._kept[vpp] = {}
        return tuple([Seen(sender, version) for sender, version in kept.items()])
