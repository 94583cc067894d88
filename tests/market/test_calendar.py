"""Claims: periods go on in real hours, days by the clocks of a zone; days on which clocks change have the quarter
hours that they have, each with its right time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from market.errors import ScenarioError
from market.model.calendar import NoSuchTime, moment, stamps
from market.scenario import load_scenario, with_overrides, write_scenario
from tests.market.real_days import RealDay, arrays, moments, power_mw, price
from tests.market.scenario_files import write_files

DAYS = [
    ("Europe/Berlin", "2016-03-27", 92),
    ("Europe/Berlin", "2016-06-15", 96),
    ("Europe/Berlin", "2016-10-30", 100),
    ("America/New_York", "2016-03-13", 92),
    ("America/New_York", "2016-06-15", 96),
    ("America/New_York", "2016-11-06", 100),
    ("Australia/Sydney", "2016-10-02", 92),
    ("Australia/Sydney", "2016-06-15", 96),
    ("Australia/Sydney", "2016-04-03", 100),
    ("Australia/Lord_Howe", "2016-10-02", 94),
    ("Australia/Lord_Howe", "2016-04-03", 98),
    ("Asia/Kolkata", "2016-03-27", 96),
    ("+05:45", "2016-10-30", 96),
]


@pytest.mark.parametrize(("tz", "day", "quarters"), [case for case in DAYS if not case[0].startswith("+")])
def test_a_day_has_the_quarter_hours_of_its_clocks(tz: str, day: str, quarters: int, tmp_path: Path) -> None:
    """From a file whose times have no distance from UTC: an hour that comes twice is told by its order."""
    scenario = load_scenario(RealDay(start=day, tz=tz).write(tmp_path / "day"))
    when = moments(day, tz, 1, 15)
    assert scenario.public.horizon.periods == quarters == len(when)
    assert stamps(scenario.public.horizon) == tuple(each.isoformat(timespec="minutes") for each in when)
    found = arrays(scenario)
    for column in ("Farm_load", "Farm_pv", "Town_load"):
        assert found[column] == pytest.approx([power_mw(column, each) for each in when], rel=1e-12)
    if "Lord_Howe" not in tz:  # where an hour of prices goes over the change
        assert found["retail"] == pytest.approx([price(each) + 120 for each in when], rel=1e-12)


@pytest.mark.parametrize(("tz", "day", "quarters"), DAYS)
def test_times_are_a_quarter_of_an_hour_apart(tz: str, day: str, quarters: int, tmp_path: Path) -> None:
    files = {
        "scenario.yaml": f"""\
horizon: {{start: {day}, days: 1, step: 15 min, tz: "{tz}"}}
series: {{retail: 500 CNY/MWh, feed_in: 300 CNY/MWh, Only_load: 2 MW}}
vpps: [{{id: Only}}]
"""
    }
    told = stamps(load_scenario(write_files(tmp_path / "day", files)).public.horizon)
    assert len(set(told)) == len(told) == quarters
    times = [datetime.fromisoformat(each) for each in told]
    assert {later - sooner for sooner, later in pairwise(times)} == {timedelta(minutes=15)}
    assert told[0].startswith(f"{day}T00:00")
    assert (times[-1] + timedelta(minutes=15)).astimezone(UTC) > times[0].astimezone(UTC)


def test_a_week_with_a_change_of_clocks_has_its_hours(tmp_path: Path) -> None:
    week = load_scenario(RealDay(start="2016-10-26", days=7).write(tmp_path / "week"))
    assert week.public.horizon.periods == 7 * 96 + 4


@pytest.mark.parametrize(
    ("horizon", "said"),
    [
        ("start: 2016-03-27T02:30, periods: 4, tz: Europe/Berlin", "they leap over this one"),
        ("start: 2016-10-30T02:30, periods: 4, tz: Europe/Berlin", "write 2016-10-30T02:30+02:00 or"),
        ("start: 2016-06-15, periods: 4, tz: Europe/Bern", "must be a time zone"),
        ("start: 15.06.2016, periods: 4", "must be a day or a time in ISO 8601"),
        ("start: 2016-06-15, days: 1, step: 7 min", "must divide the 24 hours of 1 days"),
        ("start: 2016-10-30, days: 1, step: 2 h, tz: Europe/Berlin", "must divide the 25 hours"),
        ("start: 2016-06-15, days: 1, periods: 24", "must not be given together with periods"),
        ("start: 2016-06-15, days: 1, step: 15 min, period_h: 0.25", "must not be given together with period_h"),
        ("days: 1, step: 15 min", "must come with a start"),
        ("periods: 4, tz: Europe/Berlin", "must come with a start"),
        ("start: 2016-06-15, days: 366, step: 10 min", "must be at most 35,136 periods"),
    ],
)
def test_a_horizon_that_there_is_not_is_refused(horizon: str, said: str, tmp_path: Path) -> None:
    files = {
        "scenario.yaml": f"""\
horizon: {{{horizon}}}
series: {{retail: 500 CNY/MWh, feed_in: 300 CNY/MWh, Only_load: 2 MW}}
vpps: [{{id: Only}}]
"""
    }
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write_files(tmp_path / "day", files))
    assert len(caught.value.faults) == 1, caught.value
    assert said in str(caught.value)


def test_start_and_zone_count_in_the_digest_and_come_back(tmp_path: Path) -> None:
    day = with_overrides(load_scenario("two_vpp"), {"horizon.start": "2016-06-15", "horizon.tz": "Europe/Berlin"})
    later = with_overrides(day, {"horizon.start": "2016-06-16"})
    assert later.public.horizon.start == "2016-06-16T00:00+02:00"
    assert later.digest != day.digest
    write_scenario(later, tmp_path / "later")
    assert load_scenario(tmp_path / "later").digest == later.digest


def test_data_of_one_day_are_not_given_another_date(tmp_path: Path) -> None:
    day = load_scenario(RealDay(start="2016-10-30", minutes=60).write(tmp_path / "day"))
    write_scenario(day, tmp_path / "kept")
    for scenario in (day, load_scenario(tmp_path / "kept")):
        others: dict[str, object] = {"start": "2016-10-31", "tz": "UTC", "period_h": 0.5, "step": "30min"}
        for name, value in others.items():
            with pytest.raises(ScenarioError, match="must stay what it is where series were read by their times"):
                with_overrides(scenario, {f"horizon.{name}": value})
        assert with_overrides(scenario, {"horizon.start": "2016-10-30"}).digest == day.digest


def test_days_that_are_whole_stay_whole(tmp_path: Path) -> None:
    series = "series: {retail: 500 CNY/MWh, feed_in: 300 CNY/MWh, A_load: 2 MW, B_load: 1 MW}"
    horizon = 'horizon: {start: 2016-10-30, days: 1, step: 1h, tz: "Europe/Berlin"}'
    text = f"{horizon}\n{series}\nvpps: [{{id: A}}, {{id: B}}]\n"
    day = load_scenario(write_files(tmp_path / "day", {"scenario.yaml": text}))
    assert day.public.horizon.periods == 25
    with pytest.raises(ScenarioError, match="must make whole days of the 25 periods of 1 h"):
        with_overrides(day, {"horizon.start": "2016-10-31"})
    assert with_overrides(day, {"horizon.start": "2017-10-29"}).public.horizon.periods == 25


def test_a_scenario_without_a_start_says_nothing_of_it(tmp_path: Path) -> None:
    write_scenario(load_scenario("two_vpp"), tmp_path / "plain")
    text = (tmp_path / "plain" / "scenario.yaml").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(start|tz|currency|sources)\b", text, re.MULTILINE)


@pytest.mark.parametrize(
    "text", ["0001-01-01", "9999-12-31T23:00", "0001-01-01T00:00+14:00", "9999-12-31T23:00-14:00"]
)
def test_a_year_that_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(NoSuchTime) as refused:
        moment(text, "Europe/Berlin")
    assert "year" in refused.value.rule
