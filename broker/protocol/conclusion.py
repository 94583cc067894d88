"""The end of a market: its verdicts are announced, and each member's trades follow from its results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from broker.protocol.actions import Action, Announce, Write
from broker.tape import MessageSaid
from broker.wire.frames import Envelope
from broker.wire.messages import BROKER, Concluded, Trade
from market.game.result import PeriodResult
from market.settlement.settlement import settled_mw


def concluded_market(epoch: int, results: Sequence[PeriodResult], time_s: float) -> list[Action]:
    """Announce the verdict on every period."""
    concluded = Concluded(tuple(result.verdict for result in results))
    return [
        Write(MessageSaid(time_s, epoch, BROKER, 1, concluded)),
        Announce(Envelope(epoch, BROKER, 1, concluded)),
    ]


def trades_of(vpp: str, results: Sequence[PeriodResult]) -> Iterator[Trade]:
    """What a VPP has bought (+) and sold (−), by period and counterpart."""
    for result in results:
        game, delivered_mw, prices = result.game, settled_mw(result), result.price_cny_per_mwh.tolist()
        if vpp in game.buyers:
            bought = zip(game.sellers, delivered_mw[game.buyers.index(vpp)].tolist(), prices, strict=True)
            yield from (Trade(game.period, other, mw, price) for other, mw, price in bought if mw > 0)
        if vpp in game.sellers:
            index = game.sellers.index(vpp)
            sold = zip(game.buyers, delivered_mw[:, index].tolist(), strict=True)
            yield from (Trade(game.period, other, -mw, prices[index]) for other, mw in sold if mw > 0)
