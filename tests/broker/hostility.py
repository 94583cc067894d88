"""What a hostile member says: any well-typed message, with content that no honest member would send."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from broker.protocol.actions import ControlCame, DataCame, Parcel
from broker.protocol.run_progress import Phase
from broker.tape import OrderGiven, TurnGiven
from broker.wire.frames import Envelope, decode, encode
from broker.wire.messages import (
    Audit,
    Declared,
    Done,
    Failure,
    Heartbeat,
    Hello,
    Message,
    Offer,
    Ref,
    Resend,
    Selection,
)
from market.model.arrays import Array, frozen
from tests.broker.days import declaration
from tests.broker.loopback import TOKEN, Loopback, blank_plan

NUMBERS = (0.0, -0.0, 5e-324, 1e-300, 1e-9, 0.5, 1.0, -1.0, 500.0, 700.0, 750.0, 1e6, 1e24, 1e308, -1e308)
WHOLE = (0, 0, 1, 1, 2, 3, 4, 5, 7, 10, 100, 10_000, 10_001, 2**31, 2**53)
NAMES = ("A", "B", "C", "Z", "broker", "", "x" * 300)
LENGTHS = (0, 1, 1, 2, 2, 3, 5)
AT_MOST = 3000
KINDS = get_args(Message)
TELLING = (Declared, Offer, Selection, Done, Resend, Audit)  # what a member may say at all, at some time


class Hostile:
    """One member of a market that says anything, at any time, on either plane."""

    def __init__(self, market: Loopback, vpp: str, chance: Random) -> None:
        self.said = 0
        self._market = market
        self._vpp = vpp
        self._chance = chance

    def speak(self) -> None:
        """Say one thing to the broker."""
        self.said += 1
        chance, coordinator = self._chance, self._market.coordinator
        message = self._message()
        seq = self._upto() + 1 if chance.random() < 0.9 else chance.choice(WHOLE)
        epoch = coordinator.epoch.number if chance.random() < 0.95 else chance.choice(WHOLE)
        data = isinstance(message, Declared | Offer | Selection) == (chance.random() < 0.95)
        frame = encode(Envelope(epoch, self._vpp, seq if data else 0, message), TOKEN)
        envelope = decode(frame, TOKEN)
        self._market.event(
            DataCame(Parcel(envelope, frame)) if data else ControlCame(self._vpp.encode(), envelope)
        )

    def _message(self) -> Message:
        if self._chance.random() < 0.4:
            return self._plausible()
        kind = self._chance.choice(TELLING if self._chance.random() < 0.6 else KINDS)
        if kind is Failure and self._chance.random() < 0.95:
            kind = Heartbeat  # else most runs would end by it
        if kind is Hello:
            scenario, software = (self._chance.choice(NAMES) for _ in range(2))
            return Hello(self._chance.choice(WHOLE), self._market.public.digest, "", scenario, software)
        message: Message = self.anything(kind)
        return message

    def _plausible(self) -> Message:
        """A message that would pass, but for one thing perhaps."""
        chance, coordinator, periods = self._chance, self._market.coordinator, self._periods
        if coordinator.phase is Phase.SETTLING:
            plans = [blank_plan(chance.choice((periods, periods, 0, periods + 1))) for _ in range(2)]
            return Audit(self._turn(), plans[0], plans[1], chance.choice(NUMBERS), self.anything(_hint(Audit)))
        trading = coordinator.epoch.trading
        if trading is None:
            volumes = [chance.choice((2.0, -1.0, 0.0, 1e-9, -1e-9, 1e6, -1e6, 5e-324)) for _ in range(periods)]
            willing = chance.choice((0.0, 1.0, 700.0, 1e15, 1e300))
            return Declared(declaration(self._vpp, volumes, willing, chance.choice((0.0, 5e-324, 0.5, 1e6))))
        sold = trading.parts.sells(self._vpp)
        if chance.random() < 0.4:
            mine = [said.message for said in coordinator.epoch.said if said.sender == self._vpp]
            made = sum(isinstance(message, Offer) for message in mine)
            prices = [chance.choice((400.0, 550.0, 750.0, 400.0 + 5e-14)) for _ in sold]
            return Offer(made + 1, sold, frozen(prices))
        pending = tuple(t for t in sold if chance.random() < 0.7)
        return Done(self._turn(), self._upto() + (chance.random() < 0.05), (), pending)

    def _upto(self) -> int:
        epoch = self._market.coordinator.epoch
        return epoch.upto(self._vpp) if self._vpp in epoch.roster else 0

    def _turn(self) -> int:
        """The turn that we hold, as the broker numbers them, more often than not."""
        given = [r for r in self._market.tape if isinstance(r, TurnGiven | OrderGiven)]
        orders = [r.number for r in given if r.receiver == self._vpp]
        return orders[-1] if orders and self._chance.random() < 0.9 else self._chance.choice(WHOLE)

    @property
    def _periods(self) -> int:
        return self._market.public.horizon.periods

    def anything(self, hint: Any) -> Any:
        """Any value of a wire type."""
        chance = self._chance
        plain: dict[Any, Sequence[Any]] = {
            float: NUMBERS,
            int: WHOLE,
            str: NAMES,
            bool: (False, True),
            bytes: (b"",),
            NoneType: (None,),
        }
        if hint in plain:
            return chance.choice(plain[hint])
        if hint == Array:
            pool = NUMBERS if chance.random() < 0.5 else NUMBERS[4:8]
            return frozen([chance.choice(pool) for _ in range(chance.choice((*LENGTHS, self._periods)))])
        if get_origin(hint) in (Union, UnionType):
            return self.anything(chance.choice(get_args(hint)))
        if get_origin(hint) is tuple:
            item = get_args(hint)[0]
            if chance.random() < 0.02:
                return (self.anything(item),) * (AT_MOST if item is Ref else len(NAMES))
            return tuple(self.anything(item) for _ in range(chance.choice(LENGTHS)))
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return chance.choice(list(hint))
        return hint(*(self.anything(part) for part in get_type_hints(hint).values()))


def _hint(kind: type[Audit]) -> Any:
    return get_type_hints(kind)["refused"]
