"""Claims: `import market` is next to nothing and offers what it says; a day run from Python is the day of the
command, table for table; a run read back is the run; whatever is wrong is told in the words of the command."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import market
from market.app.results.run_metadata import RunProgress
from market.errors import ScenarioError
from market.scenario import load_scenario, with_overrides
from tests.app.commands import vppmarket
from tests.test_shape import HEAVY, loaded_after

HOTTER = {"market.choice_temperature_cny_per_mwh": 80}


def same_tables(one: market.Run, other: market.Run) -> bool:
    assert list(one.tables) == list(other.tables)
    for name in one.tables:
        pandas.testing.assert_frame_equal(one.tables[name], other.tables[name], check_exact=True)
    return True


# --- the door itself ---


def test_importing_it_loads_next_to_nothing() -> None:
    assert not loaded_after("market") & {*HEAVY, "numpy", "zmq", "msgpack", "ortools", "scipy"}


def test_everything_it_offers_is_there() -> None:
    assert [name for name in market.__all__ if getattr(market, name, None) is None] == []
    assert set(market.__all__) <= set(dir(market))
    assert market.__version__ == version("vppmarket")
    assert issubclass(market.errors.ScenarioError, market.errors.MarketError)
    with pytest.raises(AttributeError, match="no attribute 'solve'"):
        market.solve  # type: ignore[attr-defined]


# --- a day ---


def test_a_day_in_process_is_the_day_of_the_command(tmp_path: Path) -> None:
    assert vppmarket("run", "two_vpp", "--in-process", "--quiet", "--out", "run", cwd=tmp_path).returncode == 0
    day = market.run("two_vpp")
    assert same_tables(day, market.open_run(tmp_path / "run"))
    assert (day.verdict, day.epsilon_cny, day.folder) == ("equilibrium", 0.0, None)


def test_a_day_of_many_processes_is_the_day_of_the_command(tmp_path: Path) -> None:
    flags = ("--seed", "3", "--delay", "uniform:10ms:90ms", "--loss", "0.2")
    assert vppmarket("run", "two_vpp", "--quiet", *flags, "--out", "run", cwd=tmp_path).returncode == 0
    changes = {"network.latency": {"kind": "uniform", "low_s": 0.01, "high_s": 0.09}, "network.loss": 0.2}
    day = market.run("two_vpp", changes, processes=True, seed=3)
    theirs = market.open_run(tmp_path / "run")
    assert same_tables(day, theirs)
    for key in ("scenario_digest", "tape_sha256", "conditions", "seed", "time_mode"):
        assert day.manifest[key] == theirs.manifest[key]
    assert len(day.manifest["process_ids"]) == 3


@pytest.mark.parametrize("processes", [False, True])
def test_a_run_read_back_is_the_run(processes: bool, tmp_path: Path) -> None:
    day = market.run("two_vpp", HOTTER, processes=processes, out=tmp_path / "run")
    again = market.open_run(str(tmp_path / "run"))
    assert same_tables(day, again)
    assert (again.manifest, again.certificate, again.folder) == (day.manifest, day.certificate, day.folder)
    assert again.scenario.digest == day.scenario.digest == market.load("two_vpp").with_(HOTTER).digest
    assert repr(again) == repr(day)


@pytest.mark.parametrize("processes", [False, True])
def test_a_run_may_be_sent_to_another_process(processes: bool) -> None:
    day = market.run("two_vpp", HOTTER, processes=processes)
    sent = pickle.loads(pickle.dumps(day))
    assert same_tables(day, sent)
    assert (sent.manifest, sent.certificate, sent.scenario.digest) == (
        day.manifest,
        day.certificate,
        day.scenario.digest,
    )
    assert repr(copy.deepcopy(day)) == repr(sent) == repr(day)


def test_scenarios_are_compared_by_what_they_say() -> None:
    case = market.load("two_vpp")
    assert (
        case
        == market.load("two_vpp")
        == case.with_(HOTTER).with_(
            {"market.choice_temperature_cny_per_mwh": case.public.market.choice_temperature_cny_per_mwh}
        )
    )
    assert case not in [case.with_(HOTTER), market.load("five_vpp"), case.with_({"rolling.plan_h": 48}), "two_vpp"]
    assert len({case, market.load("two_vpp"), case.with_(HOTTER)}) == 2


def test_whole_numbers_of_numpy_count() -> None:
    assert market.run("two_vpp", seed=np.int64(3)).manifest["seed"] == 3  # type: ignore[arg-type]
    assert len(market.run_days("two_vpp", np.int64(1), seed=np.uint8(3)).days) == 1  # type: ignore[arg-type]


def test_a_scenario_may_be_a_name_a_folder_or_loaded(tmp_path: Path) -> None:
    assert vppmarket("new", "mine", "--from", "two_vpp", cwd=tmp_path).returncode == 0
    runs = [
        market.run(case) for case in ("two_vpp", tmp_path / "mine", str(tmp_path / "mine"), market.load("two_vpp"))
    ]
    assert all(same_tables(runs[0], run) for run in runs[1:])


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[RunProgress] = []
    market.run("two_vpp", on_progress=told.append)
    assert [progress.stage for progress in told] == ["planning", "trading", "settling", "measuring"]


@pytest.mark.parametrize("processes", [False, True])
def test_a_day_may_be_run_in_a_thread(processes: bool) -> None:
    found: list[market.Run] = []
    thread = threading.Thread(target=lambda: found.append(market.run("two_vpp", processes=processes)))
    thread.start()
    thread.join(timeout=150)
    assert [run.verdict for run in found] == ["equilibrium"]


# --- a run in the hand ---


@pytest.fixture(scope="module")
def day() -> market.Run:
    return market.run("two_vpp")


def test_tables_are_attributes_made_once(day: market.Run) -> None:
    assert day.offers is day.tables["offers"]
    assert {"offers", "costs", "verdict"} <= set(dir(day))
    assert list(day.offers["vpp"]) == ["Farm", "Farm", "Farm", "Village"]
    with pytest.raises(AttributeError, match=r"no table 'links'; it has roles, bids, offers"):
        day.links
    with pytest.raises(KeyError):
        day.tables["links"]


def test_a_run_cannot_be_changed(day: market.Run) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        day.folder = Path()  # type: ignore[misc]
    with pytest.raises(TypeError):
        day.tables["offers"] = day.costs  # type: ignore[index]


def test_a_run_shows_itself(day: market.Run) -> None:
    for text in (repr(day), day._repr_html_()):
        for expected in (
            "two_vpp",
            "equilibrium",
            "ε = ",
            "2 no trade",
            "rounds: 2",
            "offers",
            "nothing was written",
        ):
            assert expected in text
    assert all(len(line) <= 100 for line in repr(day).splitlines())


# --- what is wrong ---


def test_faults_are_those_of_the_scenario() -> None:
    wrong = {"market.satisfaction": -1, "carbon.mode": "steep"}
    with pytest.raises(market.errors.ScenarioError) as theirs:
        with_overrides(load_scenario("two_vpp"), wrong)
    with pytest.raises(market.errors.ScenarioError) as ours:
        market.run("two_vpp", wrong)
    assert str(ours.value) == str(theirs.value)
    assert len(ours.value.faults) == 2


@pytest.mark.parametrize("seed", [-1, 1.0, True, "1", 10**18])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(market.errors.ScenarioError, match=r"seed: must be a whole number of 0 or more"):
        market.run("two_vpp", seed=seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [None, 5, b"runs", "", "a\0b", ["runs"]])
def test_a_folder_is_a_text_or_a_path(place: Any) -> None:
    """Wherever one is given: to be written, or to be read."""
    asks: list[Callable[[], object]] = [lambda: market.open_run(place), lambda: market.open_days(place)]
    if place is not None:  # nothing is written then
        asks += [
            lambda: market.run("two_vpp", out=place),
            lambda: market.run_days("two_vpp", 1, out=place),
            lambda: market.sweep("two_vpp", {"carbon.growth": [0.1]}, out=place),
        ]
    for ask in asks:
        with pytest.raises(ScenarioError, match="must be the path of a folder; got"):
            ask()


@pytest.mark.parametrize("certified", ["no", 1, None])
def test_whether_a_day_is_certified_is_true_or_false(certified: Any) -> None:
    with pytest.raises(ScenarioError, match="day_certificate: must be true or false"):
        market.run("two_vpp", day_certificate=certified)


def test_one_process_has_no_network() -> None:
    with pytest.raises(market.errors.ScenarioError, match=r"override network.loss: one process has no network"):
        market.run("two_vpp", {"network.loss": 0.1})


def test_a_folder_with_files_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(market.errors.ScenarioError, match="the run folder must be empty"):
        market.run("two_vpp", out=tmp_path)
    with pytest.raises(market.errors.ScenarioError, match=r"a folder without manifest\.json"):
        market.open_run(tmp_path)


def test_a_folder_that_keeps_no_scenario_says_so(tmp_path: Path) -> None:
    market.run("two_vpp", out=tmp_path / "run")
    (tmp_path / "run" / "scenario").rename(tmp_path / "scenario")
    with pytest.warns(UserWarning, match=r"run is not as its run wrote it: scenario/\S+ \(missing\)"):
        run = market.open_run(tmp_path / "run")
    assert run.verdict == "equilibrium"
    with pytest.raises(market.errors.ScenarioError, match="a run folder keeps its scenario; got a folder without"):
        run.scenario
