"""Owns the record of a whole scenario on a tape, so that a tape alone can be looked at, replayed and resumed.

Knows nothing of files or of how a scenario was written. What is read back is sealed anew: a record that was
altered does not carry the digest that its tape begins with.
"""

from __future__ import annotations

from broker.tape import Record
from broker.wire.types import codec_for
from market.errors import TapeError, WireError
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.model import Scenario

KIND = "scenario"


def scenario_record(scenario: Scenario) -> Record:
    """The record that holds a scenario, its name included."""
    return [KIND, codec_for(Scenario, infinite=True).pack(scenario)]


def scenario_of(record: Record) -> Scenario:
    """The scenario in a record; TapeError if it is none, or not the one that its digest tells of."""
    if len(record) != 2 or record[0] != KIND:
        raise TapeError("the tape does not hold its scenario")
    try:
        read: Scenario = codec_for(Scenario, infinite=True).unpack(record[1], KIND)
    except WireError as error:
        raise TapeError(f"the tape's scenario cannot be read: {error}") from None
    rules = read.public
    public = seal_public(rules.horizon, rules.tariff, rules.market, rules.carbon)
    sealed = seal_scenario(read.name, read.title, public, read.vpps, read.network, read.coupling)
    if sealed.digest != read.digest:
        raise TapeError(f"the tape's scenario was altered: its digest is {sealed.digest}, not {read.digest}")
    return sealed
