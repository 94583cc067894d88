"""Owns small tapes that tests write by hand, record by record."""

from __future__ import annotations

from collections.abc import Sequence

from broker.scenario_record import scenario_record
from broker.tape import Record
from broker.wire.frames import to_body
from broker.wire.messages import Begin, Declared, Offer
from market.arrays import frozen
from market.declaration import Declaration, Role
from market.scenario import load_scenario

ROSTER = tuple(vpp.id for vpp in load_scenario("two_vpp").vpps)


def market_records(roster: Sequence[str]) -> list[Record]:
    """A tape of the two-VPP case up to the first offer, with what a node would say."""
    scenario = load_scenario("two_vpp")
    assert [vpp.id for vpp in scenario.vpps] == list(roster)
    count = scenario.public.horizon.periods
    begin = to_body(Begin(1, 0.0, tuple(roster), False))
    records: list[Record] = [["tape", 2, 1, scenario.digest, 7, list(roster)], scenario_record(scenario)]
    records += [["command", k + 1, 0.0, vpp, "Begin", begin] for k, vpp in enumerate(roster)]
    for vpp, role in zip(roster, (Role.SELLER, Role.BUYER), strict=True):
        sells = role is Role.SELLER
        volume, none = frozen([1.0] * count), frozen([0.0] * count)
        said = Declaration(
            vpp, (role,) * count, volume if sells else none, none if sells else volume, none,
            none if sells else frozen([600.0] * count),
            scenario.public.tariff.feed_in_cny_per_mwh if sells else none,
        )  # fmt: skip
        records.append(["message", 0.5, 1, vpp, 1, "Declared", to_body(Declared(said))])
    offer = Offer(1, tuple(range(count)), frozen([500.0] * count))
    records.append(["message", 1.0, 1, roster[0], 2, "Offer", to_body(offer)])
    return records
