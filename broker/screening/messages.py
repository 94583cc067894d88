"""Screens market messages: the rules beyond their types that each must satisfy in the market it belongs to.

A message that fails is refused as if it had not been sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from broker.screening.answers import AnswerRules
from broker.screening.silence import SilenceRules
from broker.wire.messages import Answer, Declared, MarketMessage, Message, Offer, Selection
from market.bidding.reserve import highest_reserve_cny_per_mwh
from market.bidding.roles import VOLUME_DECIMALS
from market.errors import ProtocolError
from market.game.period import PeriodGame, period_games
from market.model.arrays import Array, IndexArray, starts_of
from market.model.declaration import Declaration, Role
from market.model.plan import DirectExchange
from market.model.public import PublicRules
from market.model.rules import Mechanism
from market.settlement.settlement import POWER_TOLERANCE_MW

_SIMPLEX_TOLERANCE = 1e-9
_VOLUME_LIMIT_MW = 1e6
_LEAST_VOLUME_MW = 0.5 * 10.0**-VOLUME_DECIMALS
_SATISFACTION_LIMIT_CNY_PER_H = 1e24  # no scenario allows as much; far from where sums and products overflow
_TRADE_LIMIT_MW = 1.1 * _VOLUME_LIMIT_MW
_CREDIT_LIMIT_T = 1e15  # no scenario allows as much
_OVER_MW = POWER_TOLERANCE_MW / 2  # so much more than it lacks a buyer may ask for, by rounding


@dataclass(frozen=True, slots=True)
class _Sells:
    """The periods in which a VPP sells, and between what it may offer in each, CNY/MWh."""

    periods: tuple[int, ...]
    floor: Array
    cap: Array


@dataclass(frozen=True, slots=True)
class _Buys:
    """The periods in which a VPP buys: how many sellers each has, where they start in a selection, D in MW.

    entry_mw : D at each entry of a selection
    """

    periods: tuple[int, ...]
    counts: tuple[int, ...]
    starts: IndexArray
    deficit_mw: Array
    entry_mw: Array


class TradingRoles:
    """What each VPP may say about its trade, worked out once: such messages are frequent."""

    def __init__(self, games: Sequence[PeriodGame]) -> None:
        self._grid_is_a_choice = any(game.grid_option_mw > 0.0 for game in games)
        selling: defaultdict[str, list[tuple[PeriodGame, float]]] = defaultdict(list)
        buying: defaultdict[str, list[tuple[PeriodGame, float]]] = defaultdict(list)
        for game in games:
            if game.tradable:
                for index, vpp in enumerate(game.sellers):
                    selling[vpp].append((game, float(game.least_price_cny_per_mwh[index])))
                for vpp, deficit_mw in zip(game.buyers, game.deficit_mw.tolist(), strict=True):
                    buying[vpp].append((game, deficit_mw))
        self._sells = {vpp: _sells(due) for vpp, due in selling.items()}
        self._buys = {vpp: _buys(due) for vpp, due in buying.items()}

    def sells(self, vpp: str) -> tuple[int, ...]:
        """The periods in which a VPP sells, and somebody buys."""
        return self._sells.get(vpp, _NO_SALE).periods

    def check(self, sender: str, message: MarketMessage) -> None:
        """ProtocolError for anything but an offer or a selection that may be."""
        if isinstance(message, Offer):
            self.offer(sender, message)
        elif isinstance(message, Selection):
            self.selection(sender, message)
        else:
            raise ProtocolError("out_of_turn", f"{sender} says {type(message).__name__} in a game")

    def offer(self, sender: str, offer: Offer) -> None:
        """ProtocolError for an offer of other periods than its sender sells in, off the band or its reserve."""
        due = self._sells.get(sender, _NO_SALE)
        price = offer.price_cny_per_mwh
        if offer.version < 1 or not due.periods or offer.periods != due.periods or price.shape != due.floor.shape:
            raise ProtocolError("bad_content", f"{sender}'s offer is not for the periods in which it sells")
        off = np.flatnonzero(~((due.floor <= price) & (price <= due.cap)))
        if off.size:
            period = due.periods[off[0]] + 1
            story = (
                f"{sender}'s price {price[off[0]]:g} in period {period} leaves the band, or is below its reserve"
            )
            raise ProtocolError("bad_content", story)

    def selection(self, sender: str, selection: Selection) -> None:
        """ProtocolError if a selection is off the simplex, or asks for more than its sender lacks."""
        due = self._buys.get(sender, _NO_PURCHASE)
        known = bool(due.periods) and (selection.periods, selection.seller_counts) == (due.periods, due.counts)
        if selection.version < 1 or not known:
            raise ProtocolError("bad_content", f"{sender}'s selection is not for the periods in which it buys")
        entries = (sum(due.counts),)
        if selection.probability.shape != entries or selection.requested_mw.shape != entries:
            raise ProtocolError("bad_content", f"{sender}'s selection does not fit the sellers of these periods")
        if min(selection.probability.min(), selection.requested_mw.min()) < 0:
            raise ProtocolError("bad_content", f"{sender}'s selection holds a negative number")
        if selection.probability.max() > 1 + _SIMPLEX_TOLERANCE:
            raise ProtocolError("bad_content", f"{sender}'s selection holds a probability above 1")
        if (selection.requested_mw > selection.probability * due.entry_mw).any():
            raise ProtocolError("bad_content", f"{sender} asks a seller for more than its probability's share")
        total = np.add.reduceat(selection.probability, due.starts)
        asked = np.add.reduceat(selection.requested_mw, due.starts)
        beyond = total - 1.0
        off = np.flatnonzero((beyond if self._grid_is_a_choice else np.abs(beyond)) > _SIMPLEX_TOLERANCE)
        if off.size:
            at, period = float(total[off[0]]), due.periods[off[0]] + 1
            raise ProtocolError("bad_content", f"{sender}'s probabilities in period {period} sum to {at!r}")
        over = np.flatnonzero(asked > due.deficit_mw + _OVER_MW)
        if over.size:
            wanted, short = asked[over[0]], due.deficit_mw[over[0]]
            story = f"{sender} asks for {wanted:g} MW in period {due.periods[over[0]] + 1}, short {short:g}"
            raise ProtocolError("bad_content", story)


def _sells(due: Sequence[tuple[PeriodGame, float]]) -> _Sells:
    return _Sells(
        tuple(game.period for game, _ in due),
        np.array([least for _, least in due]),
        np.array([game.cap_cny_per_mwh for game, _ in due]),
    )


def _buys(due: Sequence[tuple[PeriodGame, float]]) -> _Buys:
    counts = [len(game.sellers) for game, _ in due]
    deficit_mw = np.array([deficit_mw for _, deficit_mw in due])
    return _Buys(
        tuple(game.period for game, _ in due),
        tuple(counts),
        starts_of(counts),
        deficit_mw,
        np.repeat(deficit_mw, counts),
    )


_NO_SALE, _NO_PURCHASE = _sells(()), _buys(())


MarketParts: TypeAlias = TradingRoles | AnswerRules | SilenceRules
"""What each VPP may say once all have declared, by the market's mechanism."""


def parts_of(declarations: Sequence[Declaration], public: PublicRules) -> MarketParts:
    """What each may say once these have declared."""
    if public.market.mechanism is Mechanism.CONSENSUS:
        return AnswerRules(public)
    if public.market.mechanism.clears:
        return SilenceRules()
    return TradingRoles(period_games(declarations, public))


def screen(sender: str, message: Message, public: PublicRules, parts: MarketParts | None) -> MarketMessage:
    """The message of `sender`, checked, in a day of these rules; `parts` is None until all have declared.

    ProtocolError with reason `out_of_turn`, `wrong_sender` or `bad_content`.
    """
    if isinstance(message, Declared):
        if parts is not None:
            raise ProtocolError("out_of_turn", f"{sender} declares twice in one epoch")
        _declaration(sender, message.declaration, public.horizon.periods)
        _reserve(sender, message.declaration, public)
    elif isinstance(message, Offer | Selection | Answer):
        if parts is None:
            raise ProtocolError("out_of_turn", f"{sender} trades before all have declared")
        parts.check(sender, message)
    else:
        raise ProtocolError("wrong_sender", f"{sender} may not publish {type(message).__name__}")
    return message


def screen_exchange(direct: DirectExchange, periods: int) -> None:
    """ProtocolError `bad_content` if a trade that a node is told to plan with cannot be one in so many periods."""
    vectors = (direct.in_mw, direct.out_mw)
    if any(vector.shape != (periods,) for vector in vectors):
        raise ProtocolError("bad_content", f"a trade that is not for {periods} periods")
    if any(((vector < 0) | (vector > _TRADE_LIMIT_MW)).any() for vector in vectors):
        raise ProtocolError("bad_content", f"a trade outside 0…{_TRADE_LIMIT_MW:g} MW")
    if abs(direct.quota_in_t) > _CREDIT_LIMIT_T:
        raise ProtocolError("bad_content", f"credits of {direct.quota_in_t:g} t")


def _declaration(sender: str, declaration: Declaration, periods: int) -> None:
    if declaration.vpp != sender:
        raise ProtocolError("wrong_sender", f"{sender} declares for {declaration.vpp!r:.40}")
    vectors = (
        declaration.surplus_mw,
        declaration.deficit_mw,
        declaration.own_supply_mw,
        declaration.satisfaction_cny_per_h,
    )
    reserve = declaration.reserve_cny_per_mwh
    if len(declaration.roles) != periods or any(v.shape != (periods,) for v in (*vectors, reserve)):
        raise ProtocolError("bad_content", f"{sender}'s declaration is not for {periods} periods")
    if any((v < 0).any() for v in vectors) or any((v > _VOLUME_LIMIT_MW).any() for v in vectors[:3]):
        raise ProtocolError("bad_content", f"{sender} declares a volume outside 0…{_VOLUME_LIMIT_MW:g} MW")
    if any(((v > 0) & (v < _LEAST_VOLUME_MW)).any() for v in vectors[:2]):
        raise ProtocolError(
            "bad_content", f"{sender} declares less than the {VOLUME_DECIMALS} decimals of a volume"
        )
    if (declaration.satisfaction_cny_per_h > _SATISFACTION_LIMIT_CNY_PER_H).any():
        raise ProtocolError("bad_content", f"{sender} values power at more than any scenario allows")
    sells = np.array([role is Role.SELLER for role in declaration.roles])
    buys = np.array([role is Role.BUYER for role in declaration.roles])
    if (sells != (declaration.surplus_mw > 0)).any() or (buys != (declaration.deficit_mw > 0)).any():
        raise ProtocolError("bad_content", f"{sender}'s roles and volumes contradict each other")


def _reserve(sender: str, declaration: Declaration, public: PublicRules) -> None:
    """(M5): where it sells, a reserve between the feed-in price and the cap; none elsewhere."""
    reserve, sells = declaration.reserve_cny_per_mwh, declaration.surplus_mw > 0
    least, most = public.tariff.feed_in_cny_per_mwh, highest_reserve_cny_per_mwh(public)
    off = np.flatnonzero(np.where(sells, ~((least <= reserve) & (reserve <= most)), reserve != 0))
    if off.size:
        t = off[0]
        story = f"{sender}'s reserve {reserve[t]:g} in period {t + 1}, where "
        story += f"{least[t]:g} to {most[t]:g} is possible" if sells[t] else "it sells nothing"
        raise ProtocolError("bad_content", story)
