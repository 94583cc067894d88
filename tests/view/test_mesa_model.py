"""Claims: the Mesa model is the market of the processes, to the byte, and a model as Mesa's users expect one."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import mesa
import pandas
import pytest

from broker.tape import read_tape
from market.app.mesa_model import MarketModel
from market.app.mesa_model.parameters import PATHS, scenario_with
from market.app.results.columns import DAY_TABLES, NETWORK_TABLES
from market.app.results.recorded import read_run
from market.app.view.form import form_of
from market.errors import ScenarioError
from market.model.declaration import Role
from market.scenario import load_scenario
from market.scenario.catalogue import shared_parameters
from tests.sampling import sampled
from tests.tapes import entries

ROOT = Path(__file__).parent.parent.parent
SLOW: dict[str, Any] = {"delay_s": 0.05, "loss": 0.2}


def finished(*arguments: str, **options: Any) -> MarketModel:
    model = MarketModel(*arguments, **options)
    model.run_model()
    return model


@pytest.fixture(scope="module")
def day() -> MarketModel:
    return finished("five_vpp")


def test_its_tape_is_that_of_the_processes(day: MarketModel, default_run: Path) -> None:
    assert entries(day.timeline.records) == entries(read_tape(default_run / "tape.msgpack"))


def test_its_tables_are_those_of_the_run_folder(day: MarketModel, default_run: Path) -> None:
    run = read_run(default_run)
    frames = day.data_frames()
    assert set(frames) == {*DAY_TABLES, *NETWORK_TABLES} == set(run.tables)
    for name, frame in frames.items():
        expected = pandas.DataFrame(dict(run[name].columns))
        pandas.testing.assert_frame_equal(frame, expected, check_dtype=False, rtol=0, atol=0)


def test_a_step_is_a_round_or_an_event() -> None:
    by_round = MarketModel("five_vpp", step_unit="round", seed=3, **SLOW)
    by_event = MarketModel("five_vpp", step_unit="event", seed=3, **SLOW)
    while by_round.running:
        rounds, phase = by_round.view.rounds, by_round.phase
        by_round.step()
        assert by_round.view.rounds > rounds or by_round.phase != phase or not by_round.running
    seen = [len(by_event.timeline)]
    while by_event.running:
        by_event.step()
        seen.append(len(by_event.timeline))
    assert all(later > earlier for earlier, later in pairwise(seen[:-1]))
    assert by_event.steps > by_round.steps
    assert entries(by_event.timeline.records) == entries(by_round.timeline.records)


def test_collected_data_have_a_row_for_each_step_and_agent(day: MarketModel) -> None:
    model_frame = day.datacollector.get_model_vars_dataframe()
    assert len(model_frame) == day.steps + 1
    assert model_frame["messages"].is_monotonic_increasing
    assert model_frame["messages"].iloc[-1] == day.view.sent > 50
    assert (model_frame["phase"].iloc[0], model_frame["phase"].iloc[-1]) == ("joining", "over")
    agent_frame = day.datacollector.get_agent_vars_dataframe()
    assert len(agent_frame) == (day.steps + 1) * len(day.agents)
    last = agent_frame.loc[day.steps]
    assert last["sold_mwh"].sum() == pytest.approx(last["bought_mwh"].sum())
    costs = day.data_frames()["costs"].set_index(["scenario", "vpp"])["total_cny"]
    for vpp, row in last.set_index("vpp").iterrows():
        assert row["game_cny"] == costs["game", vpp] < row["grid_only_cny"] == costs["grid_only", vpp]


def test_tables_hold_every_offer_and_selection(day: MarketModel, default_run: Path) -> None:
    trace = read_run(default_run)["trace"]
    prices = day.datacollector.get_table_dataframe("prices")
    last = prices.groupby(["vpp", "period"])["price_cny_per_mwh"].last()
    offers = read_run(default_run)["offers"]
    assert last.to_dict() == dict(
        zip(zip(offers["vpp"], offers["period"], strict=True), offers["price_cny_per_mwh"], strict=True)
    )
    moved = prices[prices["price_cny_per_mwh"] != prices.groupby(["vpp", "period"])["price_cny_per_mwh"].shift()]
    assert len(moved) == len(trace.where(quantity="price"))
    assert (day.datacollector.get_table_dataframe("probabilities")["probability"] <= 1).all()


def test_agents_stand_on_cells_whose_connections_are_trading_links() -> None:
    model = MarketModel("five_vpp")
    assert not any(cell.connections for cell in model.space.all_cells)
    assert [agent.cell.coordinate for agent in model.agents] == [vpp.id for vpp in model.scenario.vpps]
    model.run_model()
    for agent in model.agents:
        roles = [agent.role(t + 1) for t in range(model.view.periods)]
        others = {
            other.vpp
            for other in model.agents
            for t, role in enumerate(roles)
            if {role, other.role(t + 1)} == {Role.SELLER, Role.BUYER} and model.view.games[t].tradable
        }
        assert agent.partners == sorted(others)
        assert {cell.coordinate for cell in agent.cell.connections.values()} == others


def test_the_same_seed_gives_the_same_day_and_another_seed_another_way() -> None:
    one, same, other = (finished("two_vpp", seed=seed, **SLOW) for seed in (1, 1, 2))
    assert entries(one.timeline.records) == entries(same.timeline.records) != entries(other.timeline.records)
    assert one.outcome is not None
    assert other.outcome is not None
    for mine, theirs in zip(one.outcome.periods, other.outcome.periods, strict=True):
        assert mine.price_cny_per_mwh == pytest.approx(theirs.price_cny_per_mwh, rel=0, abs=1e-6)


@pytest.mark.parametrize("name", sorted(set(PATHS) - {"periods"}))
def test_parameters_reach_the_scenario(name: str) -> None:
    """Every one that all VPPs share, with a value that it does not have."""
    entry = next(entry for entry in shared_parameters() if entry.name == name)
    base = form_of(load_scenario("two_vpp")).values[entry.path]
    value: Any = entry.choices[-1] if entry.choices else 0.125 + (entry.parameter.ge or 0.0)
    if isinstance(base, bool | int):
        value = not base if entry.switch else int(base) + 1
    elif isinstance(base, float) and base:
        value = base * 0.875
    both = {"reordering": 0.5, "reordering_s": 0.5}
    other: dict[str, Any] = both if name in both else {}
    changed: dict[str, Any] = other | {name: value}
    scenario = scenario_with("two_vpp", changed)
    assert scenario.digest != load_scenario("two_vpp").digest
    assert form_of(scenario).values[entry.path] == value
    assert MarketModel("two_vpp", **changed).scenario.digest == scenario.digest


def test_a_plants_parameter_goes_by_its_path() -> None:
    changed: dict[str, Any] = {"vpps.VPP1.ess.energy_mwh": 0.5}
    (small,) = (vpp for vpp in MarketModel("five_vpp", **changed).scenario.vpps if vpp.id == "VPP1")
    assert small.ess is not None
    assert small.ess.energy_mwh == 0.5
    with pytest.raises(ScenarioError, match=r"did you mean carbon\.growth"):
        MarketModel("two_vpp", grwoth=0.5)


def test_a_bad_parameter_is_named_with_its_rule() -> None:
    with pytest.raises(ScenarioError, match="loss"):
        MarketModel("two_vpp", loss=1.5)
    with pytest.raises(ScenarioError, match="nowhere"):
        MarketModel("nowhere")


def test_batch_run_reports_the_end_of_each_day() -> None:
    prices = sampled([140.0, 280.0, 560.0], 2, "prices")
    results = mesa.batch_run(
        MarketModel, {"scenario": "five_vpp", "base_price_cny_per_t": prices}, display_progress=False
    )
    frame = pandas.DataFrame(results)
    assert len(frame) == len(prices) * 5
    assert set(frame["verdict"]) == {"equilibrium"}
    alone = [finished("five_vpp", base_price_cny_per_t=price).settlement for price in prices]
    system = frame.drop_duplicates("RunId")["system_game_cny"].tolist()
    assert system == [settled.game_system.total_cny for settled in alone if settled]
    assert frame.groupby("RunId")["game_cny"].sum().tolist() == pytest.approx(system)


@pytest.mark.in_turn
def test_the_example_runs() -> None:
    script = ROOT / "scripts" / "mesa_example.py"
    done = subprocess.run(
        [sys.executable, script, "two_vpp"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=150
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "two_vpp: equilibrium after" in done.stdout
    assert done.stdout.count("equilibrium") == 4
    assert "Over 2 processes: equal, step by step" in done.stdout
