"""Claims: a tape's torn end is told from damage, and nothing is destroyed by taking a run up.

Every bit of every record's head is flipped, and the tape is cut at every byte.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from broker.tape import TAPE_NAME, TapeReader, TapeWriter, tape_so_far
from broker.tape.reader import framed
from broker.tape.records import packed
from broker.tape.torn import HEAD, MAX_RECORD
from market.errors import TapeError
from tests.tapes import bytes_of, entries
from tests.view.tapes import ROSTER, market_records

RECORDS = market_records(ROSTER)
WHOLE = bytes_of(entries(RECORDS))
STARTS = [len(bytes_of(entries(RECORDS[:n]))) for n in range(len(RECORDS))]


def on_disk(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_any_bit_flipped_in_any_head_is_damage_never_a_torn_end(tmp_path: Path) -> None:
    place = tmp_path / TAPE_NAME
    for start in STARTS:
        for bit in range(8 * HEAD.size):
            data = bytearray(WHOLE)
            data[start + bit // 8] ^= 1 << bit % 8
            with pytest.raises(TapeError, match=r"damaged at byte|no whole record"):
                tape_so_far(on_disk(place, bytes(data)))
            assert place.read_bytes() == data


def test_a_damaged_length_is_told_also_where_the_tape_is_torn_behind_it(tmp_path: Path) -> None:
    """In the last record but one, so that a whole one and a torn one follow."""
    data = bytearray(WHOLE[:-10])
    data[STARTS[-3] + 1] ^= 0x10
    with pytest.raises(TapeError, match=f"damaged at byte {STARTS[-3]}: valid records follow"):
        tape_so_far(on_disk(tmp_path / TAPE_NAME, bytes(data)))


def test_cut_at_every_byte_what_is_torn_is_kept_beside_the_tape(tmp_path: Path) -> None:
    ends = [*STARTS[1:], len(WHOLE)]
    for length in range(ends[0], len(WHOLE) + 1):
        folder = tmp_path / str(length)
        folder.mkdir()
        place = on_disk(folder / TAPE_NAME, WHOLE[:length])
        so_far = tape_so_far(place)
        assert so_far.whole_bytes == max(end for end in ends if end <= length)
        with TapeWriter(place, so_far) as tape:
            tape.add(RECORDS[-1])
        kept = folder / "tape.cut-1"
        assert kept.exists() == bool(so_far.torn_bytes)
        assert (kept.read_bytes() if so_far.torn_bytes else b"") == WHOLE[so_far.whole_bytes : length]
        assert place.read_bytes() == WHOLE[: so_far.whole_bytes] + framed(packed(RECORDS[-1]))


def test_every_cut_is_kept_and_for_its_owner_alone(tmp_path: Path) -> None:
    place = on_disk(tmp_path / TAPE_NAME, WHOLE[:-3])
    first = WHOLE[STARTS[-1] : -3]
    for number, torn in enumerate((first, first[:9], first[:2]), start=1):
        on_disk(place, WHOLE[: STARTS[-1]] + torn)
        with TapeWriter(place, tape_so_far(place)) as tape:
            assert tape.kept == tmp_path / f"tape.cut-{number}"
            assert tape.kept.read_bytes() == torn
            assert tape.kept.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tape.cut-1").read_bytes() == first


def test_where_the_cut_cannot_be_kept_nothing_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = on_disk(tmp_path / TAPE_NAME, WHOLE[:-3])
    so_far = tape_so_far(place)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TapeError, match="no space left on device; make room"):
        TapeWriter(place, so_far)
    assert place.read_bytes() == WHOLE[:-3]


def test_a_tape_that_grew_since_it_was_read_is_not_taken_up(tmp_path: Path) -> None:
    place = on_disk(tmp_path / TAPE_NAME, WHOLE[:-3])
    so_far = tape_so_far(place)
    on_disk(place, WHOLE)
    with pytest.raises(TapeError, match="has changed since it was read"):
        TapeWriter(place, so_far)
    assert place.read_bytes() == WHOLE


@pytest.mark.parametrize("tail", [bytes(40), b"x" * 40, b"\0\0\0\x30____\x95\xa4tape", b"\0\0\0\x30____\xff"])
def test_what_is_no_beginning_of_a_record_is_not_cut(tail: bytes, tmp_path: Path) -> None:
    place = on_disk(tmp_path / TAPE_NAME, WHOLE + tail)
    with pytest.raises(TapeError, match=r"damaged at byte|not_msgpack|no kind"):
        tape_so_far(place)
    assert place.read_bytes() == WHOLE + tail


def test_an_end_full_of_what_looks_like_records_is_refused_in_bounded_time(tmp_path: Path) -> None:
    """Each of 100,000 would have the rest of 4 MB summed up."""
    false = HEAD.pack(4 << 20, 0) + b"\x92\xa3end"
    tail = HEAD.pack(MAX_RECORD - 1, 7) + b"\x92\xa3end" + 100_000 * false + bytes(4 << 20)
    place = on_disk(tmp_path / TAPE_NAME, WHOLE + tail)
    began = time.process_time()
    with pytest.raises(TapeError, match="damaged at byte"):
        tape_so_far(place)
    assert time.process_time() - began < 10.0


def test_a_tape_is_its_owners_alone(tmp_path: Path) -> None:
    with TapeWriter(tmp_path / TAPE_NAME) as tape:
        tape.add(RECORDS[0])
    assert (tmp_path / TAPE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_reader_of_pieces_is_not_in_the_way_of_a_run_that_goes_on() -> None:
    reader = TapeReader("live")
    seen = [record for byte in range(len(WHOLE)) for record in reader.feed(WHOLE[byte : byte + 1])]
    assert entries(seen) == entries(RECORDS)
    reader.check_end()


class _Full:
    """A file on a disk that takes some bytes more, then none, and later some again."""

    def __init__(self, file: BinaryIO, room: int) -> None:
        self._file = file
        self._room = room
        self.closed = False
        self.fileno = file.fileno

    def write(self, data: bytes) -> int:
        if self._room == 0:
            self._room = len(WHOLE)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self._file.write(data[: self._room])
        self._room -= taken
        return taken

    def close(self) -> None:
        self.closed = True
        self._file.close()


@pytest.mark.parametrize("cut", [1, HEAD.size, HEAD.size + 5])
def test_on_a_full_disk_nothing_follows_what_is_torn(cut: int, tmp_path: Path) -> None:
    """What is said once the run breaks off would make a torn tape a damaged one, if there is room by then."""
    place = tmp_path / TAPE_NAME
    with TapeWriter(place) as tape:
        tape._file = cast(BinaryIO, _Full(tape._file, STARTS[-2] + cut))
        for record in RECORDS[:-1]:
            tape.add(record)
        with pytest.raises(TapeError, match=r"cannot be written: no space left on device; make room on the disk"):
            tape.flush()
        tape.add(RECORDS[-1])
        tape.flush()
        tape.check()
    so_far = tape_so_far(place)
    assert (so_far.whole_bytes, so_far.torn_bytes) == (STARTS[-2], cut)
