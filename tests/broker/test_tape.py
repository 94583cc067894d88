"""Claims: a tape gives back what was put on it; a torn end loses only the torn record; damage is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.tape import TAPE_VERSION, Record, TapeWriter, read_tape
from market.errors import TapeError

HEADER: Record = ["tape", TAPE_VERSION, 1, "digest", 7, ["VPP1"]]
RECORDS: list[Record] = [HEADER, ["turn", 1, 0.05, "VPP1", [["VPP2", 1]]], ["end", "equilibrium"]]


def write(path: Path, records: list[Record]) -> bytes:
    with TapeWriter(path) as tape:
        for record in records:
            tape.add(record)
    return path.read_bytes()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "tape", RECORDS)
    assert list(read_tape(tmp_path / "tape")) == RECORDS


def test_nothing_is_on_the_tape_before_the_flush_and_all_after(tmp_path: Path) -> None:
    tape = TapeWriter(tmp_path / "tape")
    tape.add(HEADER)
    assert (tmp_path / "tape").read_bytes() == b""
    tape.flush()
    assert list(read_tape(tmp_path / "tape")) == [HEADER]
    tape.close()


def test_a_tape_cut_at_every_byte_keeps_its_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    data = write(path, RECORDS)
    ends = [len(write(tmp_path / f"{n}", RECORDS[:n])) for n in range(len(RECORDS) + 1)]
    for length in range(ends[1], len(data)):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends[1:])
        assert list(read_tape(path)) == RECORDS[:whole]


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
    [(["turn", 1], "does not begin with"), (["tape", TAPE_VERSION + 1], f"reads version {TAPE_VERSION}")],
)
def test_another_format_or_version_is_refused(tmp_path: Path, header: Record, story: str) -> None:
    write(tmp_path / "tape", [header])
    with pytest.raises(TapeError, match=story):
        list(read_tape(tmp_path / "tape"))


def test_an_existing_tape_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "tape", RECORDS)
    with pytest.raises(TapeError, match="cannot be created"):
        TapeWriter(tmp_path / "tape")
    assert list(read_tape(tmp_path / "tape")) == RECORDS


def test_a_missing_tape_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="cannot be read"):
        list(read_tape(tmp_path / "nothing"))
