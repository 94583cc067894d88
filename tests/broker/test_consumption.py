"""Claims: in virtual time an offer counts as consumed once a turn has given it, to whom holds all declarations."""

from __future__ import annotations

from broker.delivery.consumption import Consumption
from broker.wire.messages import Offer, Ref, Seen
from market.model.arrays import frozen

ROSTER = ("A", "B", "C")


def after_offers(*refs: Ref) -> Consumption:
    """Of these references, each an offer whose version is one below its number."""
    consumption = Consumption(ROSTER)
    for ref in refs:
        consumption.said(ref, Offer(ref.seq - 1, (0,), frozen([500.0])))
    return consumption


def test_what_a_turn_gives_is_consumed_and_of_each_the_newest_is_told() -> None:
    consumption = after_offers(Ref("B", 2), Ref("B", 3), Ref("C", 2))
    assert consumption.turn("A", (Ref("B", 1), Ref("C", 1))) == ()
    assert consumption.turn("A", (Ref("B", 2), Ref("B", 3), Ref("C", 2))) == (Seen("B", 2), Seen("C", 1))
    assert consumption.turn("A", ()) == ()


def test_offers_count_from_the_last_declaration_on() -> None:
    consumption = after_offers(Ref("B", 2))
    assert consumption.turn("A", (Ref("B", 1), Ref("B", 2))) == ()
    assert consumption.turn("A", (Ref("C", 1),)) == (Seen("B", 1),)


def test_each_has_consumed_for_itself() -> None:
    consumption = after_offers(Ref("B", 2))
    assert consumption.turn("A", (Ref("B", 1), Ref("C", 1), Ref("B", 2))) == (Seen("B", 1),)
    assert consumption.turn("C", (Ref("A", 1), Ref("B", 1))) == ()
    assert consumption.turn("C", (Ref("B", 2),)) == (Seen("B", 1),)
