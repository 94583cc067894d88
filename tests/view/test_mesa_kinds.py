"""Claims: a Mesa model is the same with its agents in this process, in processes of their own, or elsewhere.

Everything that Mesa collects, and every table, is equal to the last digit: in virtual time the tape is the same to
the byte, in whatever order frames reach the bus, and steps, data and results are functions of the tape alone. What
is on no tape, a model that follows a market does not know: the plants' κ, unless the scenario is beside it.
In real time two runs are two days.

No process outlives its model, whatever ends that.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mesa
import pandas
import psutil
import pytest

from market.app.mesa_model import MarketModel
from market.errors import DispatchError, RunError, ScenarioError
from market.scenario import load_scenario
from tests.api.test_scripts import WAYS
from tests.processes.command import finish, held_node, node_processes, settle_session, start
from tests.tapes import entries
from tests.view.test_live import Way, opened, whereabouts

SLOW: dict[str, Any] = {"delay_s": 0.05, "loss": 0.2}
HELD: dict[str, Any] = {"time": "wall", "delay_s": 30.0}
"""A market that stays for a while."""

LIMIT_S = 90.0


def run_to_its_end(model: MarketModel) -> MarketModel:
    model.run_model()
    return model


@contextmanager
def market_elsewhere(folder: Path, *flags: str) -> Iterator[Way]:
    """A run that waits for its first viewer, and how to look on."""
    process = start("run", "--watch", "--quiet", "--silence", "120s", "--out", folder, *flags)
    with held_node(process, early=True) as node:
        way = whereabouts(process)
        yield Watching(way.address, way.flag, way.path, node)
    assert finish(process).returncode == 0


class Watching(Way):
    """A market elsewhere whose first node is stopped until somebody looks on."""

    def __init__(self, address: str, flag: str, path: Path, node: psutil.Process) -> None:
        super().__init__(address, flag, path)
        object.__setattr__(self, "node", node)

    def followed(self, **options: Any) -> MarketModel:
        model = MarketModel.follow(self.address, keys=self.path, **options)
        self.__dict__["node"].resume()
        return run_to_its_end(model)


def collected(model: MarketModel) -> dict[str, pandas.DataFrame]:
    """Everything that Mesa has collected, and every table of the day."""
    collector = model.datacollector
    frames = {
        "model": collector.get_model_vars_dataframe(),
        "agents": collector.get_agent_vars_dataframe(),
        **{f"collected {name}": collector.get_table_dataframe(name) for name in collector.tables},
    }
    return frames | model.data_frames()


def assert_alike(one: MarketModel, other: MarketModel) -> None:
    assert entries(one.timeline.records) == entries(other.timeline.records)
    assert one.steps == other.steps
    mine, theirs = collected(one), collected(other)
    assert mine.keys() == theirs.keys()
    for name, frame in mine.items():
        pandas.testing.assert_frame_equal(frame, theirs[name], rtol=0, atol=0, obj=name)
    for my, its in zip(one.agents, other.agents, strict=True):
        assert (my.unique_id, my.vpp, my.partners) == (its.unique_id, its.vpp, its.partners)
        assert my.cell.connections.keys() == its.cell.connections.keys()
    assert one.scenario.digest == other.scenario.digest


@pytest.mark.in_turn
@pytest.mark.sampled(1)
@pytest.mark.parametrize("step_unit", ["round", "event"])
@pytest.mark.parametrize("seed", [0, 3])
def test_all_three_collect_the_same_to_the_last_digit(seed: int, step_unit: str, tmp_path: Path) -> None:
    conditions = SLOW if seed else {}
    flags = ("--delay", "50ms", "--loss", "0.2", "--seed", str(seed)) if seed else ()
    here = run_to_its_end(MarketModel("five_vpp", step_unit=step_unit, seed=seed, **conditions))
    apart = run_to_its_end(MarketModel("five_vpp", step_unit=step_unit, seed=seed, processes=True, **conditions))
    with market_elsewhere(tmp_path / "run", *flags) as way:
        assert isinstance(way, Watching)
        elsewhere = way.followed(scenario=here.scenario, step_unit=step_unit)
    assert here.view.verdict == "equilibrium"
    assert here.steps > 10
    assert_alike(here, apart)
    assert_alike(here, elsewhere)


@pytest.mark.in_turn
def test_who_follows_without_the_plants_lacks_what_is_on_no_tape_and_nothing_else(tmp_path: Path) -> None:
    here = run_to_its_end(MarketModel("five_vpp"))
    with market_elsewhere(tmp_path / "run") as way:
        assert isinstance(way, Watching)
        stranger = way.followed()
    assert stranger.scenario.vpps == ()
    mine, its = collected(here), collected(stranger)
    assert its["bids"]["kappa"].isna().all()
    assert mine["bids"]["kappa"].notna().all()
    its["bids"]["kappa"] = mine["bids"]["kappa"]
    for name, frame in mine.items():
        pandas.testing.assert_frame_equal(frame, its[name], rtol=0, atol=0, obj=name)


@pytest.mark.in_turn
def test_batch_run_takes_processes_as_it_takes_any_parameter() -> None:
    results = mesa.batch_run(
        MarketModel,
        {"scenario": "two_vpp", "processes": [False, True], "growth": [0.25, 0.5]},
        display_progress=False,
    )
    frame = pandas.DataFrame(results)
    told = [
        part.drop(columns=["RunId", "processes"]).reset_index(drop=True)
        for _, part in frame.groupby("processes", sort=True)
    ]
    assert len(told[0]) == 2 * 2
    assert set(frame["verdict"]) == {"equilibrium"}
    pandas.testing.assert_frame_equal(told[0], told[1], rtol=0, atol=0)


@pytest.mark.in_turn
def test_batch_run_follows_a_market(tmp_path: Path) -> None:
    process = start("run", "two_vpp", "--watch", "--quiet", "--out", tmp_path / "run")
    with held_node(process, among=2) as node:
        way = whereabouts(process)
        node.resume()
        where = {"address": way.address, "keys": str(way.path)}
        frame = pandas.DataFrame(mesa.batch_run(MarketModel, where, display_progress=False))
    assert finish(process).returncode == 0
    here = pandas.DataFrame(mesa.batch_run(MarketModel, {"scenario": "two_vpp"}, display_progress=False))
    told = here.columns.difference(["scenario"])
    pandas.testing.assert_frame_equal(frame[told], here[told], rtol=0, atol=0)


# --- what is wrong ---


def test_a_market_elsewhere_is_looked_at_as_it_is() -> None:
    with pytest.raises(ScenarioError, match="looked at as it is") as refused:
        MarketModel(address="tcp://127.0.0.1:1", seed=4, processes=True, growth=0.5)
    assert {fault.place for fault in refused.value.faults} == {"seed", "processes", "growth"}
    with pytest.raises(ScenarioError, match="must look like tcp://host:port"):
        MarketModel.follow("five_vpp")
    with pytest.raises(ScenarioError, match="the watching token is needed"):
        MarketModel.follow("tcp://127.0.0.1:5555")


def test_an_address_where_nobody_listens_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market.app.feeds.followed.PATIENCE_S", 0.0)
    monkeypatch.setenv("VPPMARKET_WATCH_TOKEN", "0" * 32)
    with pytest.raises(RunError, match=r"nobody listens at tcp://127\.0\.0\.1:1"):
        MarketModel.follow("tcp://127.0.0.1:1")


@pytest.mark.in_turn
def test_who_follows_a_market_hears_why_it_broke(tmp_path: Path) -> None:
    with opened(tmp_path / "run") as way:
        model = MarketModel.follow(way.address, token_file=way.path)
        assert model.scenario.name == "two_vpp"
        assert model.running
    with pytest.raises(RunError, match="interrupted"):
        model.run_model()
    assert not model.running


@pytest.mark.parametrize("processes", [False, True])
def test_a_day_that_cannot_be_planned_is_told_by_the_step(processes: bool) -> None:
    tight: dict[str, Any] = {
        f"vpps.{vpp.id}.exchange.grid_buy_max_mw": 0.1 for vpp in load_scenario("five_vpp").vpps
    }
    scenario = load_scenario("five_vpp").with_(tight)
    model = MarketModel(scenario, processes=processes)
    with pytest.raises(DispatchError, match=r"VPP\d.*cannot be dispatched: period"):
        model.run_model()


# --- processes ---


def nodes_of_this_process() -> list[psutil.Process]:
    return node_processes(os.getpid())


def gone(limit_s: float = LIMIT_S) -> bool:
    deadline = time.monotonic() + limit_s
    while nodes_of_this_process() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not nodes_of_this_process()


def held_model() -> MarketModel:
    """A model whose two agents are processes, in the middle of their day."""
    model = MarketModel("two_vpp", processes=True, **HELD)
    while model.phase != "trading":
        model.step()
    assert len(nodes_of_this_process()) == 2
    assert all(agent.node is None for agent in model.agents)
    return model


def test_every_agent_is_a_process_until_the_model_is_closed() -> None:
    model = held_model()
    model.close()
    assert nodes_of_this_process() == []
    with pytest.raises(RunError, match="let go of"):
        model.run_model()


def test_a_model_that_is_dropped_takes_its_processes_with_it() -> None:
    model = held_model()
    del model
    assert gone()


def test_a_finished_model_has_no_processes() -> None:
    model = run_to_its_end(MarketModel("two_vpp", processes=True))
    assert model.view.verdict == "equilibrium"
    assert gone()


BODY = """
from market.app.mesa_model import MarketModel
print("once")
model = MarketModel("two_vpp", processes=True)
model.run_model()
print(model.view.verdict)
MarketModel("two_vpp", processes=True, time="wall", delay_s=30.0).step()  # and is left alone
"""
TYPED = f"exec(compile({BODY!r}, '<ipython-input-1-abc>', 'exec'), globals())"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("way", WAYS)
def test_no_guard_is_needed_and_nothing_outlives_the_program(way: str, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(BODY)
    arguments = {
        "file": ["study.py"],
        "module": ["-m", "study"],
        "piped": ["-"],
        "argument": ["-c", BODY],
        "typed": ["-c", TYPED],
    }[way]
    done = finish(started(arguments, tmp_path, BODY if way == "piped" else ""))
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["once", "equilibrium"], "")


def started(arguments: list[str], cwd: Path, given: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.flush()
    return process


KEPT = """
from market.app.mesa_model import MarketModel
model = MarketModel("two_vpp", processes=True, time="wall", delay_s=30.0)
while model.phase != "trading":
    model.step()
print("held", flush=True)
model.step()
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_its_caller(end: signal.Signals, tmp_path: Path) -> None:
    process = started(["-c", KEPT], tmp_path)
    assert process.stdout is not None
    told, nodes = process.stdout.readline(), node_processes(process.pid)
    process.send_signal(end)
    done = finish(process)
    assert (told, len(nodes)) == ("held\n", 2)
    assert done.returncode in (1, -end)
    assert settle_session(process.pid) == []


# --- memory ---

MOST_BYTES_A_MODEL = 250_000
"""200 models stay within 50 MB."""

SWEEP = f"""
import gc, weakref
import psutil
from market.app.mesa_model import MarketModel

def day(growth):
    model = MarketModel("two_vpp", growth=growth)
    model.run_model()
    return weakref.ref(model)

me = psutil.Process()
for _ in range(10):
    day(0.25)
gc.collect()
objects, before = len(gc.get_objects()), me.memory_info().rss
references = [day(0.25 + n / 1000) for n in range(40)]
gc.collect()
grown = me.memory_info().rss - before
assert all(reference() is None for reference in references)
assert len(gc.get_objects()) - objects < 40 * 5, len(gc.get_objects()) - objects
assert grown < 40 * {MOST_BYTES_A_MODEL}, grown
print("freed")
"""


@pytest.mark.in_turn
def test_finished_models_are_freed(tmp_path: Path) -> None:
    """Of forty, none is left, and what stays of each is a two-hundredth of 50 MB at most."""
    done = finish(started(["-c", SWEEP], tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "freed\n", "")


def test_a_dropped_model_is_freed_with_its_agents_and_its_space() -> None:
    import weakref

    model = MarketModel("two_vpp")
    model.run_model()
    parts = [weakref.ref(part) for part in (model, *model.agents, model.space, model.timeline)]
    del model
    gc.collect()
    assert [part() for part in parts] == [None] * len(parts)
