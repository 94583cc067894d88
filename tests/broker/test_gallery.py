"""Claims: a viewer gets the tape in pieces of bounded size, whenever it asks, and nothing is queued for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.admission.viewers import (
    ANSWERS_PER_S,
    FAREWELL_BYTES,
    MOST_VIEWERS,
    PIECE_BYTES,
    RECENT_S,
    RunStatus,
    Viewers,
)
from broker.tape import Record, TapeReader, TapeWriter
from broker.wire.frames import Envelope, decode, encode
from broker.wire.limits import MAX_FRAME_BYTES
from broker.wire.messages import Count, Watch
from tests.tapes import entries
from tests.view.tapes import ROSTER, market_records

STANDING = RunStatus("trading", 1.25, ("VPP1",), 0.5, (Count("sent", 3),))


class Bytes:
    """A tape that is a string of bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @property
    def size(self) -> int:
        return len(self.data)

    def piece(self, offset: int, most: int) -> bytes:
        return self.data[offset : offset + most]


def test_a_tape_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    with TapeWriter(tmp_path / "tape") as tape:
        gallery, reader, seen = Viewers(tape), TapeReader("the broker's"), list[Record]()
        records = market_records(ROSTER)
        for number, record in enumerate(records):
            tape.add(record)
            if number % 3 == 0:
                tape.flush()
            shown = gallery.answer(b"r", Watch(reader.received), STANDING, now=number / 100)
            seen += reader.feed(shown.piece)
        tape.flush()
        seen += reader.feed(gallery.answer(b"r", Watch(reader.received), STANDING, 1.0).piece)
    assert entries(seen) == entries(records)
    assert reader.received == tape.size == (tmp_path / "tape").stat().st_size


def test_pieces_are_bounded_and_fit_a_frame() -> None:
    data = bytes(range(256)) * 2000
    gallery, got = Viewers(Bytes(data)), b""
    while len(got) < len(data):
        shown = gallery.answer(b"r", Watch(len(got)), STANDING, now=0.0)
        assert 0 < len(shown.piece) <= PIECE_BYTES
        frame = encode(Envelope(1, "broker", 0, shown), b"t" * 16)
        assert len(frame) < MAX_FRAME_BYTES / 4
        assert decode(frame, b"t" * 16).message == shown
        got += shown.piece
    assert got == data
    beyond = gallery.answer(b"r", Watch(len(data) + 5), STANDING, now=0.0)
    assert (beyond.piece, beyond.size, beyond.over) == (b"", len(data), False)
    assert beyond.time_s == 1.25
    assert (beyond.phase, beyond.waiting_for, beyond.waiting_s) == ("trading", ("VPP1",), 0.5)


def test_the_rest_is_shown_at_the_end_to_whoever_has_asked_of_late() -> None:
    data = b"x" * (3 * PIECE_BYTES + 10)
    gallery = Viewers(Bytes(data))
    gallery.answer(b"old", Watch(0), STANDING, now=0.0)
    first = gallery.answer(b"new", Watch(0), STANDING, now=RECENT_S + 0.5)
    rest = list(gallery.farewell(STANDING, "VPP1's process ended", now=RECENT_S + 1.0))
    assert {route for route, _ in rest} == {b"new"}
    assert first.piece + b"".join(shown.piece for _, shown in rest) == data
    assert all(shown.over and shown.fault == "VPP1's process ended" for _, shown in rest)


def test_a_viewer_that_has_everything_is_told_of_the_end_as_well() -> None:
    gallery = Viewers(Bytes(b"whole"))
    gallery.answer(b"r", Watch(0), STANDING, now=0.0)
    [(route, shown)] = gallery.farewell(STANDING, "", now=0.1)
    assert (route, shown.piece, shown.over, shown.fault) == (b"r", b"", True, "")


def test_whoever_asks_after_the_end_is_told_the_same_of_it() -> None:
    """A request may be on its way when the run breaks off; its answer must not take back what was said."""
    gallery = Viewers(Bytes(b"whole"))
    gallery.answer(b"r", Watch(0), STANDING, now=0.0)
    [(_, told)] = gallery.farewell(STANDING, "VPP1's process ended", now=0.1)
    again, late = (gallery.answer(route, Watch(5), STANDING, now=0.2) for route in (b"r", b"late"))
    assert again == late == told
    assert (told.over, told.fault) == (True, "VPP1's process ended")


def test_what_is_kept_of_viewers_and_sent_at_the_end_is_bounded() -> None:
    gallery = Viewers(Bytes(b"x" * (FAREWELL_BYTES + 3 * PIECE_BYTES)))
    for number in range(5 * MOST_VIEWERS):
        gallery.answer(b"%d" % number, Watch(0), STANDING, now=0.0)
    sent = list(gallery.farewell(STANDING, "", now=0.0))
    routes = list(dict.fromkeys(route for route, _ in sent))
    assert routes == [b"%d" % number for number in range(4 * MOST_VIEWERS, 5 * MOST_VIEWERS)]
    assert sum(len(shown.piece) for route, shown in sent if route == routes[0]) == FAREWELL_BYTES


@pytest.mark.parametrize("now", [0.0, 1e6 + 0.4])
def test_requests_beyond_a_rate_are_not_answered(now: float) -> None:
    gallery = Viewers(Bytes(b""))
    allowed = [gallery.may_answer(now) for _ in range(3 * ANSWERS_PER_S)]
    assert sum(allowed) == ANSWERS_PER_S
    assert gallery.may_answer(now + 1.0)
