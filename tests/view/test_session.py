"""Claims: a tab plays, steps, follows and looks back; panels say at any moment what the tape says, and at the end
what the run folder says. No browser, no Solara.
"""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from broker.tape import TAPE_NAME, Left
from market.app.feeds.feed import State, Status
from market.app.feeds.recorded import RecordedFeed
from market.app.history.timeline import Timeline
from market.app.mesa_model import MarketModel
from market.app.view.draw.plane import number, ticks
from market.app.view.form import form_of, model_of
from market.app.view.own_feed import OwnFeed
from market.app.view.panels import PANELS
from market.app.view.session import SPEEDS, Frame, Session
from market.errors import ScenarioError
from market.scenario import load_scenario
from tests.app.recorded_days import aborted
from tests.processes.command import manifest, rows
from tests.view.tapes import ROSTER, market_records


@pytest.fixture(scope="module")
def recorded(slow_run: Path) -> RecordedFeed:
    return RecordedFeed(slow_run)


def text_of(html: str) -> str:
    """What a reader sees of HTML: its texts, one after the other."""
    return unescape(re.sub(r"<[^>]+>", " ", html))


def panel(name: str, frame: Frame) -> str:
    return " ".join(text_of(PANELS[name](frame)).split())


# --- moving -----------------------------------------------------------------------------------------------------


def test_a_recorded_run_stands_at_its_end_and_plays_from_its_beginning(recorded: RecordedFeed) -> None:
    session = Session(recorded)
    frame = session.frame()
    assert frame.view.position == frame.length == len(recorded.timeline)
    assert (frame.status.state, frame.status.words, frame.following) == (State.ENDED, "recorded", False)
    session.set_speed(100)
    session.play()
    seen = [session.frame().view.position]
    while session.frame().playing:
        assert session.advance()
        seen.append(session.frame().view.position)
    assert seen[0] == 0
    assert seen[-1] == len(recorded.timeline)
    assert {later - earlier for earlier, later in pairwise(seen[:-1])} == {100}


def test_the_usual_speed_plays_a_recorded_run_in_about_a_minute(recorded: RecordedFeed) -> None:
    speed = Session(recorded).frame().speed
    assert speed in SPEEDS
    assert 200 <= len(recorded.timeline) / speed <= 1200


def test_one_can_step_and_look_back(recorded: RecordedFeed) -> None:
    session = Session(recorded)
    session.go_to(100)
    session.step()
    assert session.frame().view.position == 101
    session.go_to(-5)
    assert session.frame().view.position == 0
    session.follow()
    assert session.frame().view.position == len(recorded.timeline)
    session.pick("period:3")
    session.pick("vpp:VPP4")
    session.pick("weather:fine")
    session.pick("buyer:VPP2")
    frame = session.frame()
    assert (frame.period, frame.vpp, frame.buyer) == (3, "VPP4", "VPP2")
    session.pick("period:99")
    assert session.frame().period == 23


def test_nothing_new_is_no_beat(recorded: RecordedFeed) -> None:
    session = Session(recorded)
    assert session.advance()
    assert not session.advance()
    session.go_to(7)
    assert session.advance()


def test_two_tabs_look_at_one_source_each_in_its_own_place(recorded: RecordedFeed) -> None:
    one, other = Session(recorded), Session(recorded)
    one.go_to(50)
    assert one.frame().view.position == 50
    assert other.frame().view.position == len(recorded.timeline)
    assert one.frame().timeline is other.frame().timeline


def test_a_model_is_stepped_and_played_to_its_end() -> None:
    feed = OwnFeed(MarketModel("two_vpp"))
    session = Session(feed)
    begun = session.frame()
    assert (begun.status.state, begun.view.phase.value) == (State.GOING_ON, "joining")
    session.step()
    assert feed.model.steps == 1
    assert session.frame().view.position == len(feed.timeline) > begun.view.position
    session.play()
    for _ in range(1000):
        session.advance()
        if not session.frame().playing:
            break
    end = session.frame()
    assert (end.status.state, end.view.verdict, end.view.position) == (
        State.ENDED,
        "equilibrium",
        len(feed.timeline),
    )
    session.step()
    assert session.frame().view.position == len(feed.timeline)


def test_a_model_that_fails_says_why() -> None:
    feed = OwnFeed(MarketModel("two_vpp"))
    feed.model.market.more = lambda: (_ for _ in ()).throw(ScenarioError([]))  # type: ignore[method-assign]
    session = Session(feed)
    session.play()
    session.advance()
    assert session.frame().status.state is State.BROKEN
    assert not session.frame().playing


# --- parameters -------------------------------------------------------------------------------------------------


def test_a_form_changes_what_it_changes_and_nothing_else() -> None:
    scenario = load_scenario("five_vpp")
    form = form_of(scenario, seed=4)
    assert model_of(scenario, form).scenario.digest == scenario.digest
    changed = model_of(scenario, form.with_value("carbon.growth", 0.5).with_value("market.price_rule", "gradient"))
    assert changed.scenario.public.carbon.growth == 0.5
    assert changed.scenario.public.market.price_rule.value == "gradient"
    assert changed.view.seed == 4
    with pytest.raises(ScenarioError, match="growth"):
        model_of(scenario, form.with_value("carbon.growth", -1.0))


# --- recorded runs that are not over ----------------------------------------------------------------------------


def test_a_run_that_is_still_written_is_followed_and_its_end_seen(default_run: Path, tmp_path: Path) -> None:
    whole = (default_run / TAPE_NAME).read_bytes()
    with (tmp_path / TAPE_NAME).open("wb") as tape:
        tape.write(whole[:9000])
        tape.flush()
        feed = RecordedFeed(tmp_path)
        session = Session(feed)
        first = session.frame()
        assert (first.status.state, first.status.words, first.following) == (State.GOING_ON, "being written", True)
        tape.write(whole[9000:])
        tape.flush()
        pause = Event()
        for _ in range(200):
            session.advance()
            if session.frame().view.verdict:
                break
            pause.wait(0.05)
    assert session.frame().status.state is State.ENDED
    assert session.frame().view.verdict == "equilibrium"
    assert session.frame().view.position == len(feed.timeline)


def test_a_run_that_broke_shows_its_reason(default_run: Path, tmp_path: Path) -> None:
    (tmp_path / TAPE_NAME).write_bytes((default_run / TAPE_NAME).read_bytes()[:9000])
    broken = aborted({**manifest(default_run), "error": "VPP3 went home"})
    (tmp_path / "manifest.json").write_text(json.dumps(broken))
    status = RecordedFeed(tmp_path).status()
    assert (status.state, status.fault) == (State.BROKEN, "VPP3 went home")


def test_a_folder_without_a_tape_is_refused(default_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such folder"):
        RecordedFeed(tmp_path / "nowhere")
    with pytest.raises(ScenarioError, match="without one"):
        RecordedFeed(tmp_path)
    shutil.copy(default_run / "manifest.json", tmp_path)
    with pytest.raises(ScenarioError, match="without messages"):
        RecordedFeed(tmp_path)


# --- panels -----------------------------------------------------------------------------------------------------


def test_every_panel_says_something_at_every_stage(recorded: RecordedFeed) -> None:
    session = Session(recorded)
    for position in (
        0,
        1,
        2,
        5,
        12,
        100,
        len(recorded.timeline) // 2,
        len(recorded.timeline) - 1,
        len(recorded.timeline),
    ):
        session.go_to(position)
        frame = session.frame()
        for name, draw in PANELS.items():
            html = draw(frame)
            assert text_of(html).strip(), name
            assert "nan" not in text_of(html).lower().split(), name


def test_the_market_panel_has_the_numbers_of_the_run(recorded: RecordedFeed, slow_run: Path) -> None:
    session = Session(recorded)
    for period in (3, 11, 14):
        session.pick(f"period:{period - 1}")
        told = panel("Market", session.frame())
        for row in rows(slow_run, "offers"):
            if int(row["period"]) == period:
                price, sold = float(row["price_cny_per_mwh"]) / 1000, float(row["delivered_mw"])
                assert f"asks {price:.4f} CNY/kWh" in told
                assert f"sells {sold:.2f} of {float(row['surplus_mw']):.2f} MW" in told
    session.pick("period:18")
    assert "Nothing to trade: nobody sells." in panel("Market", session.frame())


def test_costs_and_certificate_have_the_numbers_of_the_run(recorded: RecordedFeed, slow_run: Path) -> None:
    frame = Session(recorded).frame()
    costs, certificate = panel("Costs", frame), panel("Certificate", frame)
    for row in rows(slow_run, "costs"):
        assert f"{float(row['total_cny']):,.2f}" in costs
    told = manifest(slow_run)
    assert f"{told['epsilon_cny']:.3g} CNY" in certificate
    assert certificate.count("equilibrium") >= told["periods"]["equilibrium"]
    counted = panel("Network", frame)
    for name in ("sent", "delivered", "lost", "late"):
        assert f"{name} {told['network'][name]:,}" in counted


def test_costs_are_known_only_once_the_day_is_over(recorded: RecordedFeed) -> None:
    session = Session(recorded)
    session.go_to(len(recorded.timeline) - 1)
    frame = session.frame()
    assert "Known once the market is over" in panel("Costs", frame)
    assert "private until the market is over" in panel("Plant", frame)
    assert "ε" in panel("Certificate", frame)  # the broker has concluded already


def test_messages_on_their_way_are_drawn(recorded: RecordedFeed) -> None:
    session = Session(recorded)
    session.go_to(len(recorded.timeline) // 2)
    frame = session.frame()
    html = PANELS["Market"](frame)
    assert html.count('class="message ') == min(len(frame.view.under_way), 80) > 0


def test_what_others_write_is_escaped() -> None:
    class Told:
        name = "told"
        scenario = None
        timeline = Timeline([*market_records(ROSTER), Left(2.0, ROSTER[0], "<script>alert(1)</script>")])

        def status(self) -> Status:
            return Status(State.GOING_ON, "live")

    frame = Session(Told()).frame()
    for name in ("Market", "Log"):
        html = PANELS[name](frame)
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_axes_have_round_numbers() -> None:
    assert ticks(0.0, 1.0) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(397.0, 512.0) == pytest.approx([400.0, 420.0, 440.0, 460.0, 480.0, 500.0])
    assert ticks(5.0, 5.0) == [5.0]
    assert [number(value) for value in (0.0, -1234.5, 1e-13, 0.25)] == ["0", "−1,234.5", "0", "0.25"]
