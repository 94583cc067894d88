"""Claims: a day is concluded in one way; run folder, export of the page and Mesa model tell the same of it.

Days that end in each way: an equilibrium, a cycle, a rest that is none, a stall, and one that a VPP has left. What
depends on the moment, such as processes, real time and what had to be said again, is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from broker.protocol.actions import ProcessEnded
from broker.tape import Record, read_tape
from market.app.mesa_model import MarketModel
from market.app.replay.derived import OBSERVED
from market.app.replay.export import export_run
from market.app.results.columns import DAY_TABLES, NETWORK_TABLES
from market.app.results.concluded_day import ConcludedDay, metadata_of, outcome_of
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.results.written_files import FILES
from market.app.runs.run_day import json_text, run_day
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from tests.app.commands import vppmarket
from tests.app.replayed_tapes import any_death, finished, market_of, scenario_with
from tests.tapes import entries
from vpp_nodes.in_memory import Loopback

STARTED = datetime.fromisoformat("2026-03-01T12:00:00+01:00")
COARSE = {"market.choice_temperature_cny_per_mwh": 0.0, "market.price_tick_cny_per_mwh": 20.0}
DAYS: Mapping[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "at rest": (("--delay", "20ms", "--loss", "0.1"), {}, "equilibrium"),
    "cycling": ((), COARSE, "cycling"),
    "uncertified": ((), {"market.price_rule": "tatonnement"}, "uncertified"),
    "stalled": (("--partition", "VPP1,VPP2,VPP3/VPP4,VPP5:0s"), {}, "stalled"),
}
"""Flags of the network, changes, and the verdict, by name."""


def files(folder: Path) -> dict[str, bytes]:
    """Every table and the certificate of a run folder."""
    return {path.name: path.read_bytes() for path in (*folder.glob("*.csv"), folder / "certificate.json")}


def told(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without what depends on the moment or tells of files; of its counters those that a tape tells."""
    kept = {name: value for name, value in manifest.items() if name not in (*OBSERVED, "tape", FILES)}
    counted = {name: manifest["counters"][name] for name in ("sent", "delivered", "turns")}
    return {**kept, "counters": counted}


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found


def texts(day: ConcludedDay) -> dict[str, bytes]:
    """The same files as `files`, of a day that is in memory."""
    tables = {f"{table.name}.csv": table.csv().encode() for table in day.tables.values()}
    return {**tables, "certificate.json": json_text(day.certificate).encode()}


def same(folder: Path, day: ConcludedDay, records: Sequence[Record], scratch: Path) -> None:
    """Run folder, the day in memory and the export of its tape are the same, all tables of it."""
    export = export_run(records, scratch / "export", STARTED, day.scenario)
    assert set(files(folder)) == {f"{name}.csv" for name in (*DAY_TABLES, *NETWORK_TABLES)} | {"certificate.json"}
    assert texts(day) == files(folder) == files(export)
    assert told(json.loads(json_text(day.manifest))) == told(manifest(folder)) == told(manifest(export))


@pytest.mark.parametrize("name", DAYS)
def test_folder_export_and_model_agree_in_every_file(name: str, tmp_path: Path) -> None:
    flags, changes, verdict = DAYS[name]
    settings = [word for path, value in changes.items() for word in ("--set", f"{path}={value}")]
    vppmarket("run", "five_vpp", "--out", tmp_path / "run", "--quiet", *flags, *settings, cwd=tmp_path)
    found = manifest(tmp_path / "run")
    assert found["verdict"] == verdict
    model = MarketModel(load_scenario(str(tmp_path / "run" / "scenario")), seed=found["seed"])
    model.run_model()
    records = list(read_tape(tmp_path / "run" / "tape.msgpack"))
    assert entries(model.timeline.records) == entries(records)
    assert model.day is not None
    assert set(model.data_frames()) == {*DAY_TABLES, *NETWORK_TABLES}
    same(tmp_path / "run", model.day, records, tmp_path)


def in_memory(run: Loopback, scenario: Scenario, folder: Path) -> ConcludedDay:
    """The run folder of a market in memory that is over."""
    left, what = (
        run.coordinator.proceedings(),
        RunSpec(scenario, run.network_seed, in_process=False, started=STARTED),
    )
    outcome, facts = outcome_of(left), metadata_of(left, scenario)
    folder.mkdir()
    return run_day(what, lambda *_: (outcome, facts), RunFolder(folder), lambda progress: None, 0.0)


def test_they_agree_on_a_day_that_a_vpp_has_left(tmp_path: Path) -> None:
    scenario = scenario_with({"network.on_loss": "withdraw", "network.delay_s": 0.02}, "five_vpp")
    run = market_of(scenario)
    while run.coordinator.progress(run.now).rounds < 3:
        run.step()
    run.pause("VPP5")
    run.event(ProcessEnded("VPP5", "was killed", restarted=False))
    day = in_memory(finished(run), scenario, tmp_path / "run")
    assert day.facts.withdrawn == ("VPP5",)
    same(tmp_path / "run", day, run.tape, tmp_path)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rule", ["wait", "withdraw"])
def test_they_agree_whoever_dies_and_comes_back(rule: str, seed: int, tmp_path: Path) -> None:
    scenario = scenario_with({"network.on_loss": rule, "network.delay_s": 0.05, "network.loss": 0.2})
    run = finished(market_of(scenario, seed), any_death(seed), every=60)
    same(tmp_path / "run", in_memory(run, scenario, tmp_path / "run"), run.tape, tmp_path)
