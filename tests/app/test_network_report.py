"""Claims: a run folder tells of its network what its log says, in tables that stay small, totals and pictures.

Who said what to whom, one by one, is what links and tape say as well.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection

import market as market_api
from broker.delivery.network_log import CarriedMessage, MessageFate, Moment, NetworkLog, Staleness
from broker.tape import MessageSaid, TurnGiven
from broker.wire.messages import BROKER
from market.app.cli.main import command
from market.app.figures.messages import Window, sequence_figure, shown_messages
from market.app.figures.network import links_figure, network_figure, network_pictures
from market.app.results.columns import NETWORK_TABLES
from market.app.results.network_tables import MOST_ROWS, network_tables, thinned
from market.app.results.network_totals import is_perfect, network_document
from market.app.results.recorded import read_run
from market.app.results.run_metadata import RunMetadata
from market.app.results.table import Table
from market.game.result import Verdict
from market.model.network import LinkConditions, LinkOverride, Links, NetworkRules, NodeCompute, TimeMode
from tests.app.commands import vppmarket
from tests.app.replayed_tapes import finished, market_of, scenario_with
from tests.processes.command import manifest, rows
from vpp_nodes.in_memory import Loopback

LAW = settings(derandomize=True, deadline=None, max_examples=60)
VPPS = ("Wind", "Sun", "Town")


def facts(log: NetworkLog | None) -> RunMetadata:
    return RunMetadata("virtual", {}, counters={"sent": 4}, rest_time_s=1.5, network=log)


def a_log() -> NetworkLog:
    log = NetworkLog()
    to_sun, to_town = log.link("Wind", "Sun"), log.link("Wind", "Town")
    to_sun.sent, to_sun.lost, to_sun.resent, to_sun.bytes = 3, 1, 1, 400
    for delay_s in (0.1, 0.5):
        to_sun.arrived(delay_s)
    to_town.sent, to_town.lost, to_town.undeliverable = 1, 5, 1
    log.link("Sun", "Wind").sent = 1
    log.moments += [Moment(0.1, 4, 0), Moment(0.2, 2, 3), Moment(0.5, 1, 0)]
    log.staleness += [Staleness(0.0, "Wind", 1, 0.0), Staleness(0.5, "Wind", 2, 0.3)]
    return log


# --- tables ---


def test_links_stand_in_the_scenarios_order_and_say_nothing_of_delays_that_were_not() -> None:
    links, *_ = network_tables(a_log(), VPPS)
    assert [row[:2] for row in links.rows] == [("Wind", "Sun"), ("Wind", "Town"), ("Sun", "Wind")]
    first, second, _ = links.records()
    assert first | {"sent": 3, "delivered": 2, "lost": 1, "resent": 1, "bytes": 400, "delay_min_s": 0.1} == first
    assert first["delay_mean_s"] == pytest.approx(0.3)
    assert (second["undeliverable"], second["delay_min_s"], second["delay_max_s"]) == (1, None, None)
    assert all(isnan(cell) for cell in links.rows[1][-3:] if isinstance(cell, float))


def test_short_series_are_written_as_they_are() -> None:
    _, network, staleness, _ = network_tables(a_log(), VPPS)
    assert network.rows == ((0.1, 4, 0), (0.2, 2, 3), (0.5, 1, 0))
    assert staleness.rows == ((0.0, "Wind", 1, 0.0), (0.5, "Wind", 2, 0.3))


@LAW
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=400), st.integers(3, 50))
def test_thinned_series_are_short_in_order_and_keep_the_extremes(series: list[tuple[int, int]], most: int) -> None:
    entries = [(at, *pair) for at, pair in enumerate(series)]
    kept = thinned(entries, (lambda entry: entry[1], lambda entry: entry[2]), most)
    assert len(kept) <= most
    assert list(kept) == sorted(set(kept))
    assert kept[-1] == entries[-1]
    for column in (1, 2):
        assert max(entry[column] for entry in kept) == max(entry[column] for entry in entries)
    assert len(entries) > most or list(kept) == entries


def test_a_long_run_does_not_write_long_tables() -> None:
    log = NetworkLog()
    log.moments += [Moment(step * 1e-3, step % 977, step % 13) for step in range(100_000)]
    log.staleness += [Staleness(step * 1e-3, "Wind", step, (step % 1009) * 1e-3) for step in range(100_000)]
    for table in network_tables(log, VPPS):
        assert len(table.rows) <= MOST_ROWS
        assert len(table.csv()) < 400_000
    told = network_document(facts(log), Verdict.EQUILIBRIUM)
    assert told is not None
    assert (told["largest_in_flight"], told["largest_queue"]) == (976, 12)
    assert told["mean_staleness_s"] == pytest.approx(sum(entry.staleness_s for entry in log.staleness) / 100_000)


# --- totals ---


def test_totals_are_sums_and_extremes() -> None:
    told = network_document(facts(a_log()), Verdict.NO_TRADE)
    assert told is not None
    assert told["time_to_equilibrium_s"] == 1.5
    counts = {"published": 4, "sent": 5, "delivered": 2, "lost": 6, "resent": 1, "undeliverable": 1, "bytes": 400}
    assert told | counts == told
    assert (told["delay_min_s"], told["delay_max_s"]) == (0.1, 0.5)
    assert told["delay_mean_s"] == pytest.approx(0.3)
    assert (told["mean_staleness_s"], told["largest_staleness_s"]) == (0.15, 0.3)


def test_what_there_was_none_of_is_null() -> None:
    log = NetworkLog()
    log.link("Wind", "Sun")
    told = network_document(facts(log), Verdict.STALLED)
    assert told is not None
    nulls = ("time_to_equilibrium_s", "delay_min_s", "delay_mean_s", "mean_staleness_s", "largest_staleness_s")
    assert [told[name] for name in nulls] == [None] * 5
    json.dumps(told, allow_nan=False)
    assert network_document(facts(None), Verdict.EQUILIBRIUM) is None


def test_a_perfect_network_is_told_from_others() -> None:
    assert is_perfect(NetworkRules())
    assert is_perfect(NetworkRules(time=TimeMode.WALL))
    assert not is_perfect(NetworkRules(every=LinkConditions(loss=0.1)))
    assert not is_perfect(NetworkRules(links=(LinkOverride(Links(vpp="Sun"), loss=0.1),)))
    assert not is_perfect(NetworkRules(compute_s=0.1))
    assert not is_perfect(NetworkRules(pause_s=0.1))
    assert not is_perfect(NetworkRules(compute=(NodeCompute("Sun", 0.1),)))


# --- a run's folder, summary and pictures ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the small case under delay and loss, told in JSON beside its folder."""
    path = tmp_path_factory.mktemp("network")
    done = vppmarket(*("run", "two_vpp", "--delay", "50ms", "--loss", "0.3", "--json", "--out", "run"), cwd=path)
    assert done.returncode == 0, done.stderr
    (path / "told.json").write_text(done.stdout, encoding="utf-8")
    return path / "run"


def test_json_and_manifest_tell_the_same(folder: Path) -> None:
    told = json.loads((folder.parent / "told.json").read_text(encoding="utf-8"))
    assert told["network"] == manifest(folder)["network"]
    assert told["network"]["lost"] > 0
    assert sum(int(row["sent"]) for row in rows(folder, "links")) == told["network"]["sent"]


def test_the_summary_says_it_in_a_line_or_a_short_block(tmp_path: Path) -> None:
    plain = vppmarket("run", "two_vpp", "--out", "plain", cwd=tmp_path)
    assert "\nnetwork: perfect  ·  at rest after 0 s of simulated time\n" in plain.stdout
    slow = vppmarket("run", "two_vpp", "--delay", "50ms", "--time", "wall", "--out", "slow", cwd=tmp_path)
    (line,) = [line for line in slow.stdout.splitlines() if line.startswith("network: ")]
    assert line.startswith("network: at rest after 0.")
    assert line.endswith(" s of real time")
    assert "delays 0.05 to 0.05 s, mean 0.05 s" in slow.stdout
    assert "network" not in vppmarket("run", "two_vpp", "--in-process", "--out", "alone", cwd=tmp_path).stdout


def test_pictures_show_what_the_tables_say(folder: Path) -> None:
    run = read_run(folder)
    assert set(NETWORK_TABLES) <= run.tables.keys()
    assert [picture.name for picture in network_pictures(run)] == ["messages", "network", "delays", "links"]
    above, _ = network_figure(run).axes
    (under_way,) = [line for line in above.lines if line.get_label() == "under way"]
    assert np.asarray(under_way.get_ydata()).tolist() == run["network"]["in_flight"].tolist()
    mean, *_ = links_figure(run).axes
    shown = mean.images[0].get_array()
    assert shown is not None
    (first, *_) = run["links"]["delay_mean_s"]
    assert shown[0, 1] == pytest.approx(1000 * first)


# --- messages ---


def told(table: Table) -> list[dict[str, Any]]:
    return table.records()


def market(name: str, **changes: object) -> Loopback:
    """A market in memory that is over."""
    network = {f"network.{field}": value for field, value in changes.items()}
    return finished(market_of(scenario_with(network, name)))


NETWORKS: Mapping[str, Callable[[], Loopback]] = {
    "perfect": lambda: market("five_vpp"),
    "lossy": lambda: market("two_vpp", delay_s=0.05, jitter_s=0.1, loss=0.4, duplication=0.3),
    "late": lambda: market("five_vpp", delay_s=0.02, reordering=0.2, reordering_s=0.3),
    "cut": lambda: market("two_vpp", delay_s=0.05, give_up_after_s=0.5, loss=0.6),
    "in real time": lambda: market("two_vpp", time="wall", delay_s=0.01, loss=0.3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_messages_are_links_one_by_one(name: str) -> None:
    log = NETWORKS[name]().coordinator.proceedings().network
    assert log is not None
    links, *_, messages = network_tables(log, tuple(sorted({vpp for link in log.links for vpp in link})))
    assert messages.rows
    by_link: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in told(messages):
        by_link.setdefault((str(row["sender"]), str(row["receiver"])), []).append(row)
    assert set(by_link) == {row[:2] for row in links.rows}
    for link in told(links):
        rows = by_link[link["sender"], link["receiver"]]
        fates = Counter(row["fate"] for row in rows)
        delays = [row["arrival_s"] - row["sent_s"] for row in rows if row["arrival_s"] is not None]
        assert link["sent"] == len(rows)
        assert link["delivered"] == fates["delivered"] + fates["late"] == len(delays)
        assert (link["late"], link["undeliverable"]) == (fates["late"], fates["undeliverable"])
        assert link["resent"] == sum(row["attempts"] - 1 for row in rows)
        assert link["bytes"] == sum(row["bytes"] for row in rows)
        if delays:
            assert (link["delay_min_s"], link["delay_max_s"]) == (min(delays), max(delays))
            assert link["delay_mean_s"] == pytest.approx(fmean(delays), rel=1e-12)
    if name != "in real time":  # there a message may be lost again after it has come
        lost = sum(int(row["attempts"]) - (row["fate"] != "undeliverable") for row in told(messages))
        assert lost == sum(int(link["lost"]) for link in told(links))
    expected = {"lossy": "delivered", "late": "late", "cut": "undeliverable"}.get(name, "delivered")
    assert expected in {row["fate"] for row in messages.records()}


def test_messages_are_those_of_the_tape() -> None:
    run = NETWORKS["late"]()
    log = run.coordinator.proceedings().network
    assert log is not None
    *_, messages = network_tables(log, ())
    said = {
        (record.sender, record.seq): (record.time_s, type(record.message).__name__, record.epoch)
        for record in run.tape
        if isinstance(record, MessageSaid) and record.sender != BROKER
    }
    given = {
        (ref.sender, ref.seq, record.receiver): record.time_s
        for record in run.tape
        if isinstance(record, TurnGiven)
        for ref in record.refs
    }
    assert len(said) > 50
    assert {(row["sender"], row["seq"]) for row in messages.records()} == set(said)
    for row in told(messages):
        assert (row["sent_s"], row["kind"], row["epoch"]) == said[row["sender"], row["seq"]]
        assert row["arrival_s"] == given.get((row["sender"], row["seq"], row["receiver"]))


def test_of_very_many_messages_the_first_are_kept_and_all_are_counted() -> None:
    log = NetworkLog(most_messages=2)
    for seq in range(1, 5):
        log.link("Wind", "Sun").sent += 1
        log.sent(CarriedMessage(1, "Wind", "Sun", seq, "Offer", 0.1 * seq)).arrived(1.0, late=False)
    links, *_, messages = network_tables(log, VPPS)
    assert [row["seq"] for row in messages.records()] == [1, 2]
    assert links.records()[0]["sent"] == 4


def test_messages_are_read_back_as_they_were_written_and_stand_in_a_data_frame(folder: Path) -> None:
    frame = market_api.open_run(folder).messages
    written = rows(folder, "messages")
    assert len(frame) == len(written) > 0
    assert frame["fate"].tolist() == [row["fate"] for row in written]
    assert frame["arrival_s"].map(repr).tolist() == [row["arrival_s"] or "nan" for row in written]
    assert frame["seq"].dtype == np.int64
    assert {*frame["kind"]} <= {"Declared", "Offer", "Selection", "Answer"}


def test_the_arrows_drawn_are_the_messages_of_the_window(folder: Path) -> None:
    run = read_run(folder)
    messages = run["messages"]
    window = Window(0.0, float(messages["sent_s"].max()) / 2)
    drawn = shown_messages(run, window)
    inside = messages["sent_s"] <= window.end_s
    assert 0 < len(drawn) == inside.sum() < len(messages)
    ax = sequence_figure(run, window).axes[0]
    drawings = [lines for lines in ax.collections if isinstance(lines, LineCollection)]
    segments = [each for lines in drawings for each in lines.get_segments()]
    place = {vpp: at for at, vpp in enumerate(run.vpps)}
    sides = ((place[vpp] for vpp in drawn[side].tolist()) for side in ("sender", "receiver"))
    times = (drawn[side].tolist() for side in ("sent_s", "arrival_s"))
    arrows = Counter((s, r, round(t, 9), round(a, 9)) for s, r, t, a in zip(*sides, *times, strict=True) if a == a)
    ends = [(*each[:, 0].tolist(), *np.round(each[:, 1], 9).tolist()) for each in segments]
    assert arrows <= Counter(ends)
    marked = {line.get_marker(): len(np.asarray(line.get_xdata())) for line in ax.lines}
    assert marked["x"] + marked["o"] == len(ends) - arrows.total() == np.isnan(drawn["arrival_s"]).sum()
    assert marked["o"] == (drawn["fate"] == MessageFate.UNDER_WAY.value).sum()


@pytest.mark.parametrize("window", ["2s", "2s:1s", "1:2s", "a:b", ":", "1s:"])
def test_a_window_that_is_none_is_bad_input(window: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["report", str(folder), "--window", window]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--window" in line
    assert "0s:2s" in line
