"""Claims: a tape gives back what was put on it; a torn end loses only the torn record; damage is told.

A shared scenario comes back whole, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.tape import TAPE_VERSION, Record, Shared, TapeWriter, read_tape
from broker.tape.records import entry_of, packed, record_of, unpacked
from market.errors import TapeError
from market.model.network import (
    Constant,
    Empirical,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    NodeCompute,
    Outage,
)
from market.scenario import load_scenario
from market.scenario.digest import seal_scenario, seal_shared
from tests.tapes import Entry, bytes_of, entries
from tests.view.tapes import ROSTER, market_records

RECORDS = market_records(ROSTER)
HEADER = RECORDS[0]
CONDITIONS = NetworkRules(
    links=(
        LinkOverride(Links(vpp="VPP1"), latency=Lognormal(0.05, 1.0), loss=0.1),
        LinkOverride(Links(sender="VPP2"), latency=Empirical((0.1, 0.2))),
        LinkOverride(Links(receiver="VPP2"), latency=Constant(2.0), bandwidth_bit_per_s=64e3),
    ),
    outages=(Outage(Links(), 1.0, None),),
    compute=(NodeCompute("VPP1", 0.5),),
)


def write(path: Path, records: Sequence[Record]) -> bytes:
    with TapeWriter(path) as tape:
        for record in records:
            tape.add(record)
    return path.read_bytes()


def same(found: Sequence[Record], wanted: Sequence[Record]) -> bool:
    return entries(found) == entries(wanted)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "tape", RECORDS)
    assert same(list(read_tape(tmp_path / "tape")), RECORDS)


def test_nothing_is_on_the_tape_before_the_flush_and_all_after(tmp_path: Path) -> None:
    tape = TapeWriter(tmp_path / "tape")
    tape.add(HEADER)
    assert (tmp_path / "tape").read_bytes() == b""
    tape.flush()
    assert same(list(read_tape(tmp_path / "tape")), [HEADER])
    tape.close()


def test_a_tape_cut_at_every_byte_keeps_its_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    data = write(path, RECORDS)
    ends = [len(write(tmp_path / f"{n}", RECORDS[:n])) for n in range(len(RECORDS) + 1)]
    for length in range(ends[1], len(data)):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends[1:])
        assert len(list(read_tape(path))) == whole


def test_a_tape_without_a_whole_record_is_none(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    for data in (b"", write(tmp_path / "good", RECORDS)[:5]):
        path.write_bytes(data)
        with pytest.raises(TapeError, match="no whole record"):
            list(read_tape(path))


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    data = bytearray(write(path, RECORDS))
    data[-1] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(TapeError, match="damaged at byte"):
        list(read_tape(path))


@pytest.mark.parametrize(
    ("header", "story"),
    [
        (["turn", 1], "does not begin with"),
        (["tape", TAPE_VERSION + 1], f"reads version {TAPE_VERSION}"),
        (["tape", 2, 2, "digest", 7, ["VPP1"]], f"tape version 2, this software reads version {TAPE_VERSION}"),
    ],
)
def test_another_format_or_version_is_refused(tmp_path: Path, header: Entry, story: str) -> None:
    (tmp_path / "tape").write_bytes(bytes_of([header]))
    with pytest.raises(TapeError, match=story):
        list(read_tape(tmp_path / "tape"))


def test_an_existing_tape_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "tape", RECORDS)
    with pytest.raises(TapeError, match="cannot be created"):
        TapeWriter(tmp_path / "tape")
    assert same(list(read_tape(tmp_path / "tape")), RECORDS)


def test_a_missing_tape_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="cannot be read"):
        list(read_tape(tmp_path / "nothing"))


# --- the shared scenario ---


def through_a_tape(record: Record) -> Record:
    return record_of(unpacked(packed(record)))


@pytest.mark.parametrize("name", ["five_vpp", "two_vpp", "quarter_hours"])
def test_a_scenario_comes_back_whole(name: str) -> None:
    record = Shared(load_scenario(name).shared)
    found = through_a_tape(record)
    assert isinstance(found, Shared)
    assert entry_of(found) == entry_of(record)
    assert seal_shared(found.scenario).digest == record.scenario.digest


def test_every_kind_of_condition_comes_back() -> None:
    plain = load_scenario("two_vpp")
    scenario = seal_scenario(plain.name, plain.title, plain.public, plain.vpps, CONDITIONS)
    found = through_a_tape(Shared(scenario.shared))
    assert isinstance(found, Shared)
    assert found.scenario.network == CONDITIONS
