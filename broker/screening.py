"""Owns what a market message must satisfy beyond its types, given the market it belongs to.

Knows nothing of sockets or of when a message may come. A message that fails is refused as if it had not been sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from broker.wire.messages import Declared, MarketMessage, Message, Offer, Selection
from market.declaration import Declaration, Role
from market.errors import ProtocolError
from market.game.period import PeriodGame

_SIMPLEX_TOLERANCE = 1e-9
_VOLUME_LIMIT_MW = 1e6


def screen(sender: str, message: Message, periods: int, games: Sequence[PeriodGame] | None) -> MarketMessage:
    """The message of `sender`, checked, in a day of `periods`; `games` is None until all have declared.

    ProtocolError with reason `out_of_turn`, `wrong_sender` or `bad_content`.
    """
    if isinstance(message, Declared):
        if games is not None:
            raise ProtocolError("out_of_turn", f"{sender} declares twice in one epoch")
        _declaration(sender, message.declaration, periods)
    elif isinstance(message, Offer | Selection):
        if games is None:
            raise ProtocolError("out_of_turn", f"{sender} trades before all have declared")
        plays = {game.period: game for game in games if game.tradable}
        if isinstance(message, Offer):
            _offer(sender, message, plays)
        else:
            _selection(sender, message, plays)
    else:
        raise ProtocolError("wrong_sender", f"{sender} may not publish {type(message).__name__}")
    return message


def _declaration(sender: str, declaration: Declaration, periods: int) -> None:
    if declaration.vpp != sender:
        raise ProtocolError("wrong_sender", f"{sender} declares for {declaration.vpp!r:.40}")
    vectors = (
        declaration.surplus_mw,
        declaration.deficit_mw,
        declaration.own_supply_mw,
        declaration.satisfaction_cny_per_h,
    )
    if len(declaration.roles) != periods or any(v.shape != (periods,) for v in vectors):
        raise ProtocolError("bad_content", f"{sender}'s declaration is not for {periods} periods")
    if any((v < 0).any() for v in vectors) or any((v > _VOLUME_LIMIT_MW).any() for v in vectors[:3]):
        raise ProtocolError("bad_content", f"{sender} declares a volume outside 0…{_VOLUME_LIMIT_MW:g} MW")
    sells = np.array([role is Role.SELLER for role in declaration.roles])
    buys = np.array([role is Role.BUYER for role in declaration.roles])
    if (sells != (declaration.surplus_mw > 0)).any() or (buys != (declaration.deficit_mw > 0)).any():
        raise ProtocolError("bad_content", f"{sender}'s roles and volumes contradict each other")


def _offer(sender: str, offer: Offer, plays: Mapping[int, PeriodGame]) -> None:
    due = tuple(t for t, game in plays.items() if sender in game.sellers)
    if offer.version < 1 or offer.periods != due or offer.price_cny_per_mwh.shape != (len(due),):
        raise ProtocolError("bad_content", f"{sender}'s offer is not for the periods in which it sells")
    for period, price in zip(due, offer.price_cny_per_mwh.tolist(), strict=True):
        game = plays[period]
        if not game.floor_cny_per_mwh <= price <= game.cap_cny_per_mwh:
            raise ProtocolError(
                "bad_content", f"{sender}'s price {price:g} in period {period + 1} leaves the band"
            )


def _selection(sender: str, selection: Selection, plays: Mapping[int, PeriodGame]) -> None:
    due = tuple(t for t, game in plays.items() if sender in game.buyers)
    counts = tuple(len(plays[t].sellers) for t in due)
    entries = (sum(counts),)
    if selection.version < 1 or selection.periods != due or selection.seller_counts != counts:
        raise ProtocolError("bad_content", f"{sender}'s selection is not for the periods in which it buys")
    if selection.probability.shape != entries or selection.requested_mw.shape != entries:
        raise ProtocolError("bad_content", f"{sender}'s selection does not fit the sellers of these periods")
    if (selection.probability < 0).any() or (selection.requested_mw < 0).any():
        raise ProtocolError("bad_content", f"{sender}'s selection holds a negative number")
    starts = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.intp)
    for period, total in zip(due, np.add.reduceat(selection.probability, starts).tolist(), strict=True):
        if abs(total - 1.0) > _SIMPLEX_TOLERANCE:
            raise ProtocolError("bad_content", f"{sender}'s probabilities in period {period + 1} sum to {total!r}")
    demand = np.add.reduceat(selection.requested_mw, starts)
    for period, asked in zip(due, demand.tolist(), strict=True):
        limit = float(plays[period].deficit_mw[plays[period].buyers.index(sender)])
        if asked > limit * (1 + _SIMPLEX_TOLERANCE):
            raise ProtocolError(
                "bad_content", f"{sender} asks for {asked:g} MW in period {period + 1}, short {limit:g}"
            )
