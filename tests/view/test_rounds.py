"""Claims: the page shows days of several rounds, on the way and in the end."""

from __future__ import annotations

import pytest

from market.app.feeds.feed import State, Status
from market.app.history.timeline import Timeline
from market.app.view.panels import PANELS
from market.app.view.panels.concluded import results_at
from market.app.view.session import Frame
from market.model.network import NetworkRules
from market.model.rules import Mechanism
from market.scenario import with_overrides
from tests.app.days_over_the_bus import Drawn, day_of, over_the_bus

DAYS = (Drawn(3, 3, 4), Drawn(3, 3, 4, Mechanism.CONSENSUS))


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_tab_can_be_seen_at_any_moment(day: Drawn) -> None:
    run = over_the_bus(day.scenario(), NetworkRules())
    run.run()
    timeline = Timeline(run.tape)
    length = len(timeline)
    for position in (*range(0, length, max(1, length // 25)), length):
        frame = frame_at(timeline, position)
        for name, panel in PANELS.items():
            assert panel(frame), name


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_in_the_end_results_are_those_of_the_round_that_is_settled(day: Drawn) -> None:
    run = over_the_bus(day.scenario(), NetworkRules())
    run.run()
    timeline = Timeline(run.tape)
    results = results_at(frame_at(timeline, len(timeline)))
    expected = day_of(run).periods
    words = PANELS["Certificate"](frame_at(timeline, len(timeline)))
    assert ("All agree to one price" in words) is (day.mechanism is Mechanism.CONSENSUS)
    assert [r.price_cny_per_mwh.tolist() for r in results] == [r.price_cny_per_mwh.tolist() for r in expected]


def frame_at(timeline: Timeline, position: int) -> Frame:
    status = Status(State.ENDED, "recorded")
    return Frame(timeline, timeline.at(position), status, len(timeline), False, False, 1, 1, "V1", "")


def test_the_tab_of_the_certificate_tells_of_the_whole_day_where_that_is_asked_for() -> None:
    for asked in (True, False):
        run = over_the_bus(with_overrides(DAYS[0].scenario(), {"market.day_certificate": asked}), NetworkRules())
        run.run()
        timeline = Timeline(run.tape)
        end, before = (
            PANELS["Certificate"](frame_at(timeline, position)) for position in (len(timeline), len(timeline) - 1)
        )
        assert ("The day as a whole" in end) is asked
        assert ("gain at most CNY" in end) is asked
        assert "The day as a whole" not in before
