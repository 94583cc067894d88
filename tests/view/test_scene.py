"""Claims: what is shown of a tape is what the run folder says, to the last digit; on the way, what the tape says.

The fold takes the records that a broker writes when VPPs leave and come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from broker.protocol.run_progress import Phase
from broker.tape import Back, DoneSaid, EpochBegun, Left, Record, TurnGiven, read_tape
from broker.wire.messages import Done, Ref, Seen
from market.app.history.event_log import until
from market.app.history.period import busiest_period, period_now
from market.app.history.snapshot import Snapshot, apply
from market.app.history.timeline import EVERY, Timeline
from market.app.replay.conclusion import day_of_tape, replayed_conclusion
from market.app.replay.export import export_run
from market.app.results.recorded import read_run
from market.errors import RunError
from market.scenario import load_scenario
from tests.processes.command import rows
from tests.view.tapes import ROSTER, market_records


def tape(folder: Path) -> list[Record]:
    return list(read_tape(folder / "tape.msgpack"))


@pytest.fixture(params=["default_run", "slow_run"])
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def test_the_tables_of_a_tape_are_those_of_its_run_folder(folder: Path) -> None:
    told = replayed_conclusion(tape(folder))
    assert told.left is not None
    day = day_of_tape(told.what(load_scenario("five_vpp")), told.left)
    found, written = day.recorded("again"), read_run(folder)
    for name, table in found.tables.items():
        assert table.columns.keys() == written[name].columns.keys()
        for column, values in table.columns.items():
            np.testing.assert_array_equal(values, written[name][column], err_msg=f"{name}.{column}")
    assert found.manifest["verdict"] == written.manifest["verdict"]
    assert found.certificate == written.certificate


def test_ages_and_delays_are_those_that_the_broker_measured(slow_run: Path) -> None:
    timeline = Timeline(tape(slow_run))
    told = {(row["vpp"], int(row["version"])): float(row["staleness_s"]) for row in rows(slow_run, "staleness")}
    assert {(age.vpp, age.version): age.staleness_s for age in timeline.event_log.staleness} == pytest.approx(told)
    for row in rows(slow_run, "links"):
        delays = [
            entry.delay_s
            for entry in timeline.event_log.deliveries
            if (entry.sender, entry.receiver) == (row["sender"], row["receiver"])
        ]
        assert len(delays) == int(row["delivered"])
        assert np.mean(delays) == pytest.approx(float(row["delay_mean_s"]))


def test_any_moment_is_what_its_records_alone_would_give(slow_run: Path) -> None:
    records = tape(slow_run)
    timeline = Timeline(records)
    for position in (0, 1, EVERY - 1, EVERY, EVERY + 1, len(records) // 2, len(records), len(records) + 9):
        alone = Timeline(records[:position])
        view = timeline.at(position)
        assert repr(view) == repr(alone.newest)
        lines = until(timeline.event_log.lines, view.position)
        assert list(lines) == alone.event_log.lines
        assert repr(until(timeline.event_log.said, view.position)) == repr(alone.event_log.said)


def test_messages_are_under_way_from_being_said_until_they_arrive(slow_run: Path) -> None:
    timeline = Timeline(tape(slow_run))
    most = max(load.in_flight for load in timeline.event_log.loads)
    told = read_run(slow_run)
    assert most >= told.manifest["network"]["largest_in_flight"] > 0
    middle = timeline.at(len(timeline) // 2)
    for passage in middle.under_way.values():
        assert passage.sent_s <= middle.time_s
        assert passage.sender != passage.receiver
    assert timeline.newest.under_way == {}
    assert (timeline.newest.sent, timeline.newest.verdict) == (told.manifest["counters"]["sent"], "equilibrium")


def test_the_last_word_in_a_period_is_what_offers_and_selections_say(folder: Path) -> None:
    view, run = Timeline(tape(folder)).newest, read_run(folder)
    for period in range(view.periods):
        now = period_now(view, period)
        assert now is not None
        offers = run["offers"].where(period=period + 1)
        chosen = run["selections"].where(period=period + 1)
        if now.game.tradable:
            assert now.price_cny_per_mwh.tolist() == offers["price_cny_per_mwh"].tolist()
            assert now.delivered_mw.ravel().tolist() == chosen["delivered_mw"].tolist()
            assert now.probability.ravel().tolist() == chosen["probability"].tolist()
        else:
            assert len(offers) == 0
    sellers = [len(game.sellers) if game.tradable else 0 for game in view.games]
    assert sellers[busiest_period(view)] == max(sellers)


def test_an_export_is_a_run_folder_again(default_run: Path, tmp_path: Path) -> None:
    records = tape(default_run)
    started = datetime.fromisoformat("2026-03-01T12:00:00+01:00")
    with pytest.raises(RunError, match="let it run to its end"):
        export_run(records[: len(records) // 2], tmp_path / "early", started)
    out = export_run(records, tmp_path / "out", started, load_scenario("five_vpp"))
    assert (out / "tape.msgpack").read_bytes() == (default_run / "tape.msgpack").read_bytes()
    for table in ("roles", "bids", "offers", "selections", "periods", "dispatch", "costs", "trace"):
        assert (out / f"{table}.csv").read_bytes() == (default_run / f"{table}.csv").read_bytes(), table
    assert (out / "certificate.json").read_bytes() == (default_run / "certificate.json").read_bytes()
    assert read_run(out).manifest["verdict"] == "equilibrium"
    assert load_scenario(str(out / "scenario")).digest == load_scenario("five_vpp").digest
    alone = export_run(records, tmp_path / "alone", started)
    assert load_scenario(str(alone / "scenario")).vpps == ()


# --- records of failures ----------------------------------------------------------------------------------------


def folded(records: Sequence[Record]) -> Snapshot:
    view = Snapshot()
    for record in records:
        view = apply(view, record)
    return view


def test_an_offer_is_on_its_way_to_those_it_matters_to() -> None:
    view = folded(market_records(ROSTER))
    assert view.phase is Phase.TRADING
    assert [(p.sender, p.receiver, p.kind) for p in view.under_way.values()][-1] == (*ROSTER, "Offer")
    arrived = apply(view, TurnGiven(9, 1.25, ROSTER[1], (Ref(ROSTER[0], 1), Ref(ROSTER[0], 2))))
    assert (ROSTER[1], ROSTER[0], 2) not in arrived.under_way
    assert arrived.time_s == 1.25


def test_in_real_time_an_offer_is_under_way_until_it_has_been_used() -> None:
    seller, buyer = ROSTER
    view = folded(market_records(ROSTER))
    assert any(p.kind == "Offer" for p in view.under_way.values())
    none, one = (DoneSaid(1.5, buyer, Done(1, 1, (Seen(seller, n),), ())) for n in (0, 1))
    assert apply(view, none).under_way == view.under_way
    used = apply(view, one)
    assert not any(p.kind == "Offer" for p in used.under_way.values())


def test_who_leaves_is_absent_until_it_is_back_and_an_epoch_voids_what_was_said() -> None:
    seller, buyer = ROSTER
    left = Left(2.0, seller, "was killed by signal 9")
    epoch = EpochBegun(2, 2.0, (buyer,), "its process has ended")
    back: list[Record] = [Back(3.0, seller), EpochBegun(3, 3.0, ROSTER, "it is back")]
    timeline = Timeline([*market_records(ROSTER), left, epoch, *back])
    start = len(market_records(ROSTER))
    gone = timeline.at(start + 1)
    assert gone.absent == {seller: "was killed by signal 9"}
    assert gone.offers.keys() == {seller}
    alone = timeline.at(start + 2)
    assert (alone.epoch, alone.roster, alone.games, dict(alone.offers)) == (2, (buyer,), (), {})
    assert alone.vpps == ROSTER
    assert dict(timeline.newest.absent) == {}
    assert (timeline.newest.epoch, timeline.newest.roster) == (3, ROSTER)
    assert timeline.event_log.epochs == [0, start + 2, start + 4]
    words = [line.text for line in timeline.event_log.lines if line.position > start]
    assert words[0] == "has left: was killed by signal 9"
    assert "epoch 2 begins" in words[1]
