"""Small tapes that tests write by hand, record by record."""

from __future__ import annotations

from collections.abc import Sequence

from broker.tape import TAPE_VERSION, EpochBegun, MessageSaid, Opened, OrderGiven, Record, Shared
from broker.wire.frames import WIRE_VERSION
from broker.wire.messages import Begin, Declared, Offer
from market.model.arrays import frozen
from market.model.declaration import Declaration, Role
from market.model.disclosure import Disclosure
from market.scenario import load_scenario

ROSTER = tuple(vpp.id for vpp in load_scenario("two_vpp").vpps)


def market_records(roster: Sequence[str]) -> list[Record]:
    """A tape of the two-VPP case up to the first offer, with what a node would say."""
    scenario = load_scenario("two_vpp")
    assert [vpp.id for vpp in scenario.vpps] == list(roster)
    count = scenario.public.horizon.periods
    header = Opened(TAPE_VERSION, WIRE_VERSION, scenario.digest, 7, tuple(roster), Disclosure.FULL)
    records: list[Record] = [header, Shared(scenario.shared), EpochBegun(1, 0.0, tuple(roster), "all have joined")]
    for number, vpp in enumerate(roster, 1):
        records.append(OrderGiven(number, 0.0, vpp, Begin(number, 0.0, tuple(roster), False)))
    for vpp, role in zip(roster, (Role.SELLER, Role.BUYER), strict=True):
        sells = role is Role.SELLER
        volume, none = frozen([1.0] * count), frozen([0.0] * count)
        said = Declaration(
            vpp, (role,) * count, volume if sells else none, none if sells else volume, none,
            none if sells else frozen([600.0] * count),
            scenario.public.tariff.feed_in_cny_per_mwh if sells else none,
        )  # fmt: skip
        records.append(MessageSaid(0.5, 1, vpp, 1, Declared(said)))
    offer = Offer(1, tuple(range(count)), frozen([500.0] * count))
    records.append(MessageSaid(1.0, 1, roster[0], 2, offer))
    return records
