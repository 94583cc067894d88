"""Which periods days in a row plan and keep, by hours and by clocks, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import market
from market.errors import ScenarioError
from market.model.calendar import DAY_H, day_edges_h, day_numbers, moment, stamps
from market.model.rolling import PlanEnd, Rolling
from market.model.rules import Horizon
from market.rolling.windows import days_in, windows
from market.scenario import write_scenario
from tests.market.real_days import RealDay
from tests.market.series_of_days import write_days


def spans(horizon: Horizon, rolling: Rolling, days: int | None = None) -> list[tuple[int, int, int]]:
    """First period, planned, kept."""
    return [(window.first, window.planned, window.kept) for window in windows(horizon, rolling, days)]


def test_every_period_is_kept_once_and_no_plan_goes_beyond_the_end() -> None:
    for hours in (1.0, 2.0, 5.0, 23.0, 24.0, 25.0, 47.0, 48.0, 72.0, 170.0):
        for commit in (3.0, 6.0, 8.0, 12.0, 24.0, 48.0):
            for ahead in (0.0, 1.0, 7.0, 24.0, 300.0):
                found = windows(Horizon(round(hours), 1.0), Rolling(commit + ahead, commit))
                ends = [window.first + window.kept for window in found]
                assert [window.first for window in found] == [0, *ends[:-1]]
                assert ends[-1] == round(hours)
                assert all(window.kept <= window.planned for window in found)
                assert all(window.planned == min(commit + ahead, hours - window.first) for window in found)


def test_a_horizon_of_a_day_or_less_is_one_plan() -> None:
    for horizon in (Horizon(6, 4.0), Horizon(24, 1.0), Horizon(5, 1.0), Horizon(96, 0.25), Horizon(1, 24.0)):
        assert spans(horizon, Rolling()) == [(0, horizon.periods, horizon.periods)]
        assert days_in(horizon) == 1


# each zone: a day on which clocks go forward and one on which they go back, in the middle of three days
CHANGES = [
    ("Europe/Berlin", "2016-03-26", "2016-10-29"),
    ("America/New_York", "2021-03-13", "2021-11-06"),
    ("Australia/Sydney", "2019-10-05", "2019-04-06"),
]


@pytest.mark.parametrize(("tz", "forward", "back"), CHANGES)
def test_days_go_by_the_clocks(tz: str, forward: str, back: str) -> None:
    for start, middle in ((forward, 92), (back, 100)):
        horizon = horizon_of(start, tz, 192 + middle)
        assert days_in(horizon) == 3
        assert spans(horizon, Rolling()) == [(0, 96, 96), (96, middle, middle), (96 + middle, 96, 96)]
        ahead = spans(horizon, Rolling(48.0))
        assert ahead == [(0, 96 + middle, 96), (96, middle + 96, middle), (96 + middle, 96, 96)]
        parts = spans(horizon, Rolling(6.0, 6.0))
        assert [kept for _, _, kept in parts] == [24] * 4 + [24, 24, 24, middle - 72] + [24] * 4
        assert day_numbers(horizon) == (0,) * 96 + (1,) * middle + (2,) * 96


def horizon_of(start: str, tz: str, periods: int) -> Horizon:
    """Quarter hours from midnight by the clocks of a zone."""
    return Horizon(periods, 0.25, moment(start, tz).isoformat(timespec="minutes"), tz)


def test_a_part_of_a_run_counts_its_days_from_where_that_began() -> None:
    whole = horizon_of("2016-10-29", "Europe/Berlin", 292)
    begins = 96 + 40
    part = replace(
        horizon_of("2016-10-29", "Europe/Berlin", 100),
        start=market_start(whole, begins),
        before_h=begins * 0.25,
    )
    assert day_numbers(part) == day_numbers(whole)[begins : begins + 100]
    assert day_edges_h(part) == (1, (-10.0, 15.0, 39.0))
    assert day_edges_h(Horizon(10, 1.0, before_h=3.0 * DAY_H)) == (3, (0.0, 24.0))


def market_start(horizon: Horizon, period: int) -> str:
    return stamps(horizon)[period]


def test_a_run_has_no_more_days_than_its_series(tmp_path: Path) -> None:
    scenario = market.load(write_days(tmp_path / "s", 2))
    with pytest.raises(ScenarioError, match=r"days: must be at most the 2 days of its series; got 3; give series"):
        market.run_days(scenario, 3)
    with pytest.raises(ScenarioError, match=r"must be 1: it has one day"):
        market.run_days("five_vpp", 2)


BROKEN = [
    ({"commit_h": 48, "plan_h": 24}, "rolling.commit_h: must be at most plan_h, 24 h; got 48 h"),
    ({"commit_h": 7}, "rolling.commit_h: must be a number of days or a part of one"),
    ({"commit_h": 36, "plan_h": 72}, "rolling.commit_h: must be a number of days or a part of one"),
    ({"plan_h": 24.5}, "rolling.plan_h: must be a whole number of periods of 1 h; got 24.5 h, 24.5 periods"),
    ({"commit_h": 1.5, "plan_h": 3}, "rolling.commit_h: must be a whole number of periods of 1 h"),
    ({"plan_h": 0}, "rolling.plan_h: must be a number > 0"),
    ({"commit_h": -24}, "rolling.commit_h: must be a number > 0"),
    ({"plan_h": "two days"}, "rolling.plan_h: must be a number"),
    ({"plan_h": "48 MW"}, "rolling.plan_h"),
    ({"soc_end": "given"}, "rolling.soc_end: must be one of: own, as_begun, free, valued; got 'given'"),
    ({"soc_end": "empty"}, "rolling.soc_end: must be one of"),
    ({"soc_end": "valued"}, "rolling.end_value_cny_per_mwh: must be given with soc_end valued"),
    ({"end_value_cny_per_mwh": 500}, "rolling.end_value_cny_per_mwh: must be given with soc_end valued only"),
    ({"soc_end": "valued", "end_value_cny_per_mwh": -1}, "rolling.end_value_cny_per_mwh: must be a number >= 0"),
    ({"look_ahead_h": 48}, "rolling.look_ahead_h: must be a known field"),
    ("48 h", "rolling: must be"),
]


@pytest.mark.parametrize(("rolling", "said"), BROKEN)
def test_a_broken_section_is_told_once(tmp_path: Path, rolling: object, said: str) -> None:
    folder = write_days(tmp_path / "s", 2, sections={"rolling": rolling})
    with pytest.raises(ScenarioError) as refused:
        market.load(folder)
    told = str(refused.value).splitlines()
    assert len(told) == 1, told
    assert said in told[0]
    assert "scenario.yaml" in told[0]


OTHERS = [
    ("carbon", {"billing_period": "month"}, "carbon.billing_period: must be one of"),
    ("horizon", {"periods": 48, "before_h": -1}, "horizon.before_h: must be a number >= 0"),
]


@pytest.mark.parametrize(("section", "value", "said"), OTHERS)
def test_other_fields_of_many_days_have_their_bounds(
    tmp_path: Path, section: str, value: dict[str, object], said: str
) -> None:
    folder = write_days(tmp_path / "s", 2, sections={section: value})
    with pytest.raises(ScenarioError) as refused:
        market.load(folder)
    assert said in str(refused.value)


SETTLED = [
    ({"rolling": {"plan_h": 48}}, 10, "must not be given with rolling; got 10; leave it out"),
    ({"rolling": {"plan_h": 48}}, 99, "must not be given with rolling; got 99; leave it out"),
    ({}, 49, "must be at most the 48 periods of the horizon; got 49; give no more"),
]


@pytest.mark.parametrize(("sections", "settled", "said"), SETTLED)
def test_how_much_becomes_real_is_said_of_one_plan_and_is_at_most_all_of_it(
    tmp_path: Path, sections: dict[str, object], settled: int, said: str
) -> None:
    """In the file and by a change from outside, once."""
    given = {**sections, "imbalance": {"settled_periods": settled}}
    plain = market.load(write_days(tmp_path / "plain", 2, sections={**sections, "imbalance": {}}))
    with pytest.raises(ScenarioError) as in_file:
        market.load(write_days(tmp_path / "s", 2, sections=given))
    with pytest.raises(ScenarioError) as outside:
        plain.with_({"imbalance.settled_periods": settled})
    for refused in (in_file, outside):
        (fault,) = refused.value.faults
        assert f"imbalance.settled_periods: {said}" in str(fault)


@pytest.mark.parametrize("settled", [0, 10, 48])
def test_any_part_of_one_plan_may_become_real(tmp_path: Path, settled: int) -> None:
    sections = {"imbalance": {"settled_periods": settled}, "forecast": {"model": "noise"}}
    rules = market.load(write_days(tmp_path / "s", 2, sections=sections)).public.imbalance
    assert rules is not None
    assert rules.settled_periods == settled


def test_fewer_days_than_there_are_data_for_are_run_not_set(tmp_path: Path) -> None:
    """One message, with the flag that runs the first days; for more days there are no data."""
    plain = market.load(write_days(tmp_path / "s", 3, start="2016-06-15", tz="Europe/Berlin"))
    timed = market.load(RealDay(start="2016-06-14", days=3, minutes=60).write(tmp_path / "t"))
    for scenario, rule in ((plain, "rows in the profiles"), (timed, "periods that series were read for")):
        for days, remedy in (
            (1, r"vppmarket run --days 1, in Python market.run_days(…, 1)"),
            (4, "scenario.yaml"),
        ):
            with pytest.raises(ScenarioError) as refused:
                scenario.with_({"horizon.days": days})
            (fault,) = refused.value.faults
            assert fault.rule == f"must be the number of {rule}, 72"
            assert fault.value == str(24 * days)
            assert remedy in fault.remedy
    assert len(market.run_days(plain, 1).days) == 1


TASKS = [
    ({"arrival_h": 25.0, "departure_h": 30.0}, "arrival_h: must be below 24 with every_day"),
    ({"arrival_h": 2.0, "departure_h": 27.0}, "departure_h: must be at most 24 h after arrival_h with every_day"),
    ({"arrival_h": 18.0, "departure_h": 7.0}, "departure_h: departure_h must be after arrival_h"),
]


@pytest.mark.parametrize(("times", "said"), TASKS)
def test_a_vehicle_that_comes_every_day_leaves_before_it_comes_again(
    tmp_path: Path, times: dict[str, float], said: str
) -> None:
    folder = write_days(tmp_path / "s", 1)
    document = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    document["vpps"][0]["units"][1] |= times
    (folder / "scenario.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        market.load(folder)
    assert said in str(refused.value)


def test_days_of_no_whole_number_of_periods_are_refused() -> None:
    """A day of 23 hours has no whole number of periods of two."""
    horizon = replace(horizon_of("2016-03-26", "Europe/Berlin", 35), period_h=2.0)
    with pytest.raises(ScenarioError, match=r"days must be whole numbers of periods of 2 h"):
        windows(horizon, Rolling())


def test_a_section_can_be_set_from_outside_and_taken_out(tmp_path: Path) -> None:
    plain = market.load(write_days(tmp_path / "s", 2))
    assert plain.rolling is None
    changed = plain.with_({"rolling.plan_h": 48, "rolling.soc_end": "free"})
    assert changed.rolling is not None
    assert (changed.rolling.plan_h, changed.rolling.commit_h, changed.rolling.soc_end) == (48.0, 24.0, "free")
    assert changed.with_({"rolling": None}).rolling is None
    assert changed.digest == plain.digest, "how it is cut into days is no part of what it is"
    with pytest.raises(ScenarioError, match=r"in Python market\.run_days"):
        market.run(changed)


def test_a_scenario_of_many_days_is_written_as_it_is(tmp_path: Path) -> None:
    given = {"plan_h": 36.0, "commit_h": 12.0, "soc_end": "valued", "end_value_cny_per_mwh": 450.0}
    sections = {"rolling": given, "carbon": {"billing_period": "week"}}
    scenario = market.load(write_days(tmp_path / "s", 2, sections=sections))
    write_scenario(scenario, tmp_path / "again")
    again = market.load(tmp_path / "again")
    assert again.rolling == scenario.rolling == Rolling(36.0, 12.0, PlanEnd.VALUED, 450.0)
    assert again.digest == scenario.digest
