"""Days in a row: what is carried on, what they cost, what is written, and that a break leaves no trace."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import market
from market.app.cli.main import command
from market.app.results.day_record import read_record
from market.app.results.days_folder import day_folder
from market.costs.carbon import stepped_cost_cny
from market.errors import DispatchError, ScenarioError
from market.model.assets import Vehicle
from market.model.vpp import ControllableLoad, Storage
from market.scenario.cases import case_folder
from market.scenario.scenario import Scenario
from tests.app.commands import error_lines, vppmarket
from tests.market.series_of_days import write_days
from tests.processes.command import COMMAND
from tests.sampling import sampled

TABLES = ("days.csv", "costs.csv", "periods.csv")


def same_tables(one: Path, other: Path) -> bool:
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in TABLES)


# --- one day is a day ---


@pytest.mark.parametrize("case", ["two_vpp", "flexible"])
def test_a_single_day_is_the_plain_run_to_the_byte(case: str, tmp_path: Path) -> None:
    """h = H: each file of the day's folder is that of `run`, but for when it was run and how long it took."""
    market.run(case, out=tmp_path / "plain")
    days = market.run_days(case, 1, out=tmp_path / "days")
    day = tmp_path / "days" / "days" / "001"
    names = {path.name for path in (tmp_path / "plain").iterdir()}
    assert {path.name for path in day.iterdir()} == names | {"day.json"}
    for name in names - {"manifest.json", "scenario"}:
        assert filecmp.cmp(tmp_path / "plain" / name, day / name, shallow=False), name
    for path in (tmp_path / "plain" / "scenario").iterdir():
        assert filecmp.cmp(path, day / "scenario" / path.name, shallow=False), path
    plain = market.open_run(tmp_path / "plain")
    told, own = dict(days.day(1).manifest), dict(plain.manifest)
    for measured in ("started", "wall_s", "durations_s", "process_ids", "peak_memory_mb"):
        told.pop(measured), own.pop(measured)
    assert told == own
    costs = plain.costs[plain.costs.vpp == "system"].set_index("scenario").total_cny
    assert days.days.game_cny[0] == costs["game"]
    assert days.days.grid_only_cny[0] == costs["grid_only"]


def test_what_a_mechanism_pays_out_is_not_saved_by_trade(tmp_path: Path) -> None:
    """`vcg` pays out more than it takes in: days in a row tell the saving that a sweep of the day tells."""
    rule = {"market.mechanism": "vcg"}
    days = market.run_days("five_vpp", 1, changes=rule, out=tmp_path / "days")
    swept = market.sweep("five_vpp", {"market.mechanism": ["vcg"]}).runs.iloc[0]
    assert swept.budget_cny < -1000.0
    assert days.manifest["totals"]["budget_cny"] == pytest.approx(swept.budget_cny, rel=1e-9)
    assert days.saving_cny == pytest.approx(swept.saving_cny, rel=1e-9)
    assert days.days.saving_cny[0] == days.saving_cny
    assert "budget_cny" not in market.run_days("two_vpp", 1).manifest["totals"]


# --- what it costs to see two days ahead in place of three ---


@pytest.mark.parametrize("billing", ["horizon", "day"])
def test_three_days_seen_two_ahead_cost_what_three_days_at_once_do(billing: str, tmp_path: Path) -> None:
    """With batteries of 3 hours and the grid alone within 0.1 %, with the market 3 %; 24 cases, of which some.

    Plans that cost the same may declare other volumes, and what a market of volumes saves depends on those.
    """
    for seed in sampled(range(24), 2):
        carbon = {"billing_period": billing, "interval_t": 20.0 if billing == "horizon" else 8.0}
        folder = write_days(
            tmp_path / str(seed),
            3,
            seed=seed,
            flexible=seed % 2 == 0,
            sections={"rolling": {"plan_h": 48}, "carbon": carbon},
        )
        scenario = market.load(folder)
        days = market.run_days(scenario)
        once = market.run(replace(scenario, rolling=None))
        system = once.costs[once.costs.vpp == "system"].set_index("scenario").total_cny
        totals = days.manifest["totals"]
        assert totals["game_cny"] == pytest.approx(system["game"], rel=0.03), seed
        assert totals["grid_only_cny"] == pytest.approx(system["grid_only"], rel=0.001), seed
        assert totals["grid_only_cny"] >= system["grid_only"] * (1.0 - 1e-6), "nothing is cheaper than all at once"
        assert days.verdict == "equilibrium"
        assert not days.broken_laws


# --- what is carried on ---


@pytest.fixture(scope="module")
def four_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days, seen 36 hours ahead and kept by 12."""
    folder = tmp_path_factory.mktemp("four")
    sections = {
        "rolling": {"plan_h": 36, "commit_h": 12},
        "carbon": {"billing_period": "day", "interval_t": 8.0},
    }
    write_days(folder / "s", 4, seed=5, sections=sections)
    market.run_days(folder / "s", out=folder / "run")
    return folder


def windows_of(run: Path) -> list[tuple[Scenario, market.Run]]:
    """Each day's scenario and run, in their order."""
    folders = sorted((run / "days").iterdir())
    return [(market.load(folder / "scenario"), market.open_run(folder)) for folder in folders]


def test_every_store_goes_on_from_what_was_kept(four_days: Path) -> None:
    found = windows_of(four_days / "run")
    assert len(found) == 8
    for (scenario, run), (after, _) in pairwise(found):
        kept = 12
        dispatch = run.dispatch[(run.dispatch.stage == 3) & (run.dispatch.period == kept)].set_index("vpp")
        for vpp, later in zip(scenario.vpps, after.vpps, strict=True):
            assert vpp.ess is not None
            assert later.ess is not None
            stored = later.ess.soc_initial * later.ess.energy_mwh
            assert stored == pytest.approx(dispatch.soc_mwh[vpp.id], abs=1e-9)
            if later.mt is not None:
                assert later.mt.initial_output_mw == pytest.approx(dispatch.mt_mw[vpp.id], abs=1e-12)


def test_no_ramp_is_broken_between_days(four_days: Path) -> None:
    found = windows_of(four_days / "run")
    for vpp in found[0][0].vpps:
        if vpp.mt is None:
            continue
        kept = [run.dispatch[(run.dispatch.stage == 3) & (run.dispatch.vpp == vpp.id)][:12] for _, run in found]
        output = np.concatenate([part.mt_mw.to_numpy() for part in kept])
        assert np.abs(np.diff(output)).max() <= vpp.mt.ramp_up_mw_per_h + 1e-6


def test_each_day_keeps_its_limit_of_load_shed_and_each_vehicle_is_charged(four_days: Path) -> None:
    found = windows_of(four_days / "run")
    for vpp in found[0][0].vpps:
        kept = [run.dispatch[(run.dispatch.stage == 3) & (run.dispatch.vpp == vpp.id)][:12] for _, run in found]
        shed = np.concatenate([part.cl_mw.to_numpy() for part in kept]).reshape(4, 24).sum(axis=1)
        cl, vehicle = vpp.cl, vpp.units[1].asset
        assert isinstance(cl, ControllableLoad)
        assert isinstance(vehicle, Vehicle)
        assert shed.max() <= (cl.daily_energy_max_mwh or 0.0) + 1e-6
        charged = np.concatenate([part.tasks_mw.to_numpy() for part in kept])
        for night in range(3):
            evening = 24 * night + 18
            assert charged[evening : evening + 13].sum() == pytest.approx(vehicle.taken_mwh, abs=1e-6)
        assert charged.sum() - charged[90:].sum() == pytest.approx(3 * vehicle.taken_mwh, abs=1e-6)


def test_shifted_load_comes_back_within_its_window_across_plans(tmp_path: Path) -> None:
    folder = write_days(tmp_path / "s", 2, seed=3, sections={"rolling": {"plan_h": 24, "commit_h": 6}})
    text = (folder / "scenario.yaml").read_text(encoding="utf-8").replace("window_h: 4.0", "window_h: 10.0")
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    market.run_days(folder, out=tmp_path / "run")
    found = windows_of(tmp_path / "run")
    moved = 0.0
    for vpp in found[0][0].vpps:
        kept = [run.dispatch[(run.dispatch.stage == 3) & (run.dispatch.vpp == vpp.id)][:6] for _, run in found]
        away = np.concatenate([(part.moved_away_mw - part.moved_here_mw).to_numpy() for part in kept])
        for start, end in pairwise([0, 10, 20, 24, 34, 44, 48]):
            assert away[start:end].sum() == pytest.approx(0.0, abs=1e-6)
        moved += np.abs(away).sum()
    assert moved > 0.1, "or it says nothing"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("billing", "days_each"), [("day", 1), ("week", 7), ("horizon", 9)])
def test_carbon_is_billed_by_its_period(billing: str, days_each: int, tmp_path: Path) -> None:
    """(3) of the emission of each billing period, worked out from the table, is what was billed day by day."""
    carbon = {"billing_period": billing, "interval_t": 6.0}
    scenario = market.load(write_days(tmp_path / "s", 9, vpps=2, seed=2, sections={"carbon": carbon}))
    days = market.run_days(scenario)
    costs = days.costs[days.costs.vpp != "system"]
    for _, rows in costs.groupby(["vpp", "scenario"]):
        excess = (rows.emission_t - rows.quota_t).to_numpy()
        whole = [excess[first : first + days_each].sum() for first in range(0, 9, days_each)]
        billed = sum(stepped_cost_cny(scenario.public.carbon, float(each)) for each in whole)
        assert rows.carbon_cny.sum() == pytest.approx(billed, rel=1e-9)


TURBINE = """\
  mt: {p_min_mw: 0.4, p_max_mw: 1.5, commitment: true, start_cost_cny: 300.0, cost_b_cny_per_mwh: 740.0,
       min_up_h: 15.0, min_down_h: 9.0}
"""


def test_what_a_turbine_was_before_binds_the_next_day(tmp_path: Path) -> None:
    """A turbine that must run 15 h once started runs on into the next plans, and one that stops stays off."""
    folder = write_days(
        tmp_path / "s", 3, vpps=1, seed=5, flexible=False, sections={"rolling": {"plan_h": 24, "commit_h": 12}}
    )
    with (folder / "scenario.yaml").open("a", encoding="utf-8") as file:
        file.write(TURBINE)
    market.run_days(folder, out=tmp_path / "run")
    found = windows_of(tmp_path / "run")
    kept = [run.dispatch[run.dispatch.stage == 3][:12] for _, run in found]
    on = np.concatenate([part.mt_mw.to_numpy() for part in kept]) > 0.0
    edges = [0, *(np.flatnonzero(np.diff(on)) + 1).tolist(), len(on)]
    lengths = [(bool(on[first]), last - first) for first, last in pairwise(edges)]
    assert len(lengths) > 4, "or it says nothing"
    for state, length in lengths[1:-1]:
        assert length >= (15 if state else 9)
    states = [scenario.vpps[0].mt for scenario, _ in found]
    assert any(mt is not None and mt.initial_state_h is not None for mt in states)


# --- what stores end with ---


def stored_at_the_end(folder: Path, rolling: dict[str, object]) -> tuple[float, float, float]:
    """What all batteries hold at the end together; at the start; at the least."""
    scenario = market.load(folder).with_({f"rolling.{name}": value for name, value in rolling.items()})
    batteries = [vpp.ess for vpp in scenario.vpps if isinstance(vpp.ess, Storage)]
    begun = sum(ess.soc_initial * ess.energy_mwh for ess in batteries)
    least = sum(ess.soc_min * ess.energy_mwh for ess in batteries)
    return float(market.run_days(scenario).days.stored_mwh.iloc[-1]), begun, least


def test_stores_end_as_they_are_asked_to(tmp_path: Path) -> None:
    folder = write_days(tmp_path / "s", 3, seed=1)
    end, begun, least = stored_at_the_end(folder, {"plan_h": 48})
    assert end == pytest.approx(begun)
    end, begun, least = stored_at_the_end(folder, {"plan_h": 48, "soc_end": "as_begun"})
    assert end == pytest.approx(begun)
    end, begun, least = stored_at_the_end(folder, {"soc_end": "free"})
    assert end == pytest.approx(least), "nobody keeps what is worth nothing"
    dear = {"soc_end": "valued", "end_value_cny_per_mwh": 5000}
    end, begun, least = stored_at_the_end(folder, dear)
    assert end > begun
    nothing = {"soc_end": "valued", "end_value_cny_per_mwh": 0}
    assert stored_at_the_end(folder, nothing)[0] == pytest.approx(least)


# --- days by the clocks ---


def test_days_are_told_by_their_dates_and_clocks(tmp_path: Path) -> None:
    folder = write_days(
        tmp_path / "s",
        3,
        vpps=2,
        per_day=96,
        sections={"rolling": {"plan_h": 48}},
        start="2016-10-29",
        tz="Europe/Berlin",
    )
    days = market.run_days(folder, out=tmp_path / "run")
    assert days.days.periods.tolist() == [96, 100, 96]
    assert [str(start) for start in days.days.start] == [
        "2016-10-29 00:00:00+02:00",
        "2016-10-30 00:00:00+02:00",
        "2016-10-31 00:00:00+01:00",
    ]
    assert len(days.periods) == 292
    second = market.open_run(tmp_path / "run" / "days" / "002")
    assert str(second.periods.start[12]) == "2016-10-30 02:00:00+01:00"


# --- small folders ---


def test_a_small_day_becomes_the_whole_one_when_it_is_opened(four_days: Path, tmp_path: Path) -> None:
    small = market.run_days(four_days / "s", out=tmp_path / "run", whole=False)
    assert same_tables(four_days / "run", tmp_path / "run")
    folder = tmp_path / "run" / "days" / "003"
    assert [path.name for path in folder.iterdir()] == ["day.json"]
    opened = small.day(3)
    whole = market.open_run(four_days / "run" / "days" / "003")
    for name, table in whole.tables.items():
        assert opened.tables[name].equals(table), name
    assert opened.manifest["scenario_digest"] == whole.manifest["scenario_digest"]


def test_a_record_that_was_altered_is_not_believed(four_days: Path, tmp_path: Path) -> None:
    market.run_days(four_days / "s", out=tmp_path / "run", whole=False)
    path = tmp_path / "run" / "days" / "003" / "day.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["game"][0]["operation_cny"] += 1.0
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"day\.json: the day must be the one that follows"):
        market.open_run(path.parent)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"day\.json: it must be the record of a day"):
        market.open_days(tmp_path / "run")


# --- a break ---


def test_a_run_is_taken_up_after_each_day_that_is_finished(four_days: Path, tmp_path: Path) -> None:
    """Whatever a break leaves: no day, some days, half a day's folder, all days without tables."""
    whole = four_days / "run"
    for done in sampled((0, 1, 5, 8), 2):
        run = tmp_path / str(done)
        shutil.copytree(whole, run)
        for name in ("manifest.json", *TABLES):
            (run / name).unlink()
        for number in range(done + 1, 9):
            shutil.rmtree(day_folder(run, number, 8))
        if done < 8:
            half = day_folder(run, done + 1, 8)
            half.mkdir()
            (half / "roles.csv").write_text("half a ta", encoding="utf-8")
        assert command(["run", "--resume", str(run), "--quiet"]) == 0
        assert same_tables(whole, run)
        for number in range(1, 9):
            assert read_record(day_folder(run, number, 8)) is not None


@pytest.mark.in_turn
def test_a_run_that_was_killed_is_taken_up_with_equal_tables(tmp_path: Path) -> None:
    """SIGKILL while a day is under way, three times; the tables are those of a run that nothing has disturbed."""
    folder = write_days(tmp_path / "s", 8, vpps=2, seed=6, sections={"rolling": {"plan_h": 48}})
    market.run_days(folder, out=tmp_path / "whole")
    run = tmp_path / "run"
    arguments: list[str | Path] = [COMMAND, "run", str(folder), "--in-process", "--out", str(run), "--quiet"]
    for number in (2, 4, 7):
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            deadline = time.monotonic() + 120
            while not (run / "days" / f"{number:03d}").exists() and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        arguments = [COMMAND, "run", "--resume", str(run), "--quiet"]
    if not (run / "manifest.json").exists():
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=150)
        assert done.returncode == 0, done.stderr
    assert same_tables(tmp_path / "whole", run)


def test_a_run_that_is_over_or_another_is_not_taken_up(four_days: Path, tmp_path: Path) -> None:
    done = vppmarket("run", "--resume", four_days / "run", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = error_lines(done)
    assert "only a run that broke off can be taken up; got a run that is complete" in line
    run = tmp_path / "run"
    shutil.copytree(four_days / "run", run)
    (run / "manifest.json").unlink()
    for flag in (["--days", "2"], ["--seed", "3"], ["--set", "carbon.growth=0.5"], ["--out", "x"]):
        done = vppmarket("run", "--resume", run, *flag, cwd=tmp_path)
        assert done.returncode == 2
        assert "a run is taken up as it was begun" in error_lines(done)[0]
    shutil.rmtree(run / "scenario")
    shutil.copytree(case_folder("two_vpp"), run / "scenario")
    done = vppmarket("run", "--resume", run, cwd=tmp_path)
    assert done.returncode == 2
    assert "a run keeps the scenario that it was begun with" in error_lines(done)[0]


def test_a_day_without_a_plan_is_told_by_its_number_and_the_days_before_stay(tmp_path: Path) -> None:
    folder = write_days(tmp_path / "s", 3, vpps=1, seed=1)
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    (folder / "scenario.yaml").write_text(f"{text}  exchange: {{grid_buy_max_mw: 20.0}}\n", encoding="utf-8")
    lines = (folder / "profiles.csv").read_text(encoding="utf-8").splitlines()
    cells = lines[30].split(",")
    cells[lines[0].split(",").index("P1_load_mw")] = "500.0"
    lines[30] = ",".join(cells)
    (folder / "profiles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DispatchError, match=r"^day 2: P1 cannot be dispatched: period 6: 500 MW of load"):
        market.run_days(folder, out=tmp_path / "run")
    told = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert told["verdict"] == "aborted"
    assert "day 2" in told["error"]
    assert len((tmp_path / "run" / "days.csv").read_text(encoding="utf-8").splitlines()) == 2


# --- the command ---


def test_the_command_tells_days_and_totals(four_days: Path, tmp_path: Path) -> None:
    done = vppmarket("run", four_days / "s", "--in-process", "--days", "2", "--out", "run", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["kind"] == "days"
    assert told["days"] == 4
    assert [row["day"] for row in told["tables"]["days"]] == [1, 2, 3, 4]
    saved = sum(row["saving_cny"] for row in told["tables"]["days"])
    assert told["totals"]["saving_cny"] == pytest.approx(saved)
    done = vppmarket("run", four_days / "s", "--in-process", "--days", "2", "--out", "other", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for expected in ("4 days, each planned 36 h ahead and kept for 12 h", "Day by day", "days.csv"):
        assert expected in done.stdout
    assert same_tables(tmp_path / "run", tmp_path / "other")


REFUSED = [
    (["--days", "9"], "days: must be at most the 4 days of its series; got 9"),
    (["--days", "2", "--report"], "--report: many days are drawn one at a time"),
    (["--days", "2", "--view"], "--view: many days are looked at one at a time"),
    (["--days", "2", "--audit", "totals"], "--audit: days go on from plans that are shown"),
    (["--set", "rolling.commit_h=48", "--set", "rolling.plan_h=24"], "must be at most plan_h, 24 h; got 48 h"),
    (["--set", "rolling.plan_h=36.5"], "must be a whole number of periods of 1 h"),
]


@pytest.mark.parametrize(("flags", "said"), REFUSED)
def test_what_cannot_be_is_told_in_a_line(flags: list[str], said: str, four_days: Path, tmp_path: Path) -> None:
    in_process = [] if "--view" in flags or "--audit" in flags else ["--in-process"]
    done = vppmarket("run", four_days / "s", *in_process, *flags, "--out", "run", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = error_lines(done)
    assert said in line
    assert not os.path.exists(tmp_path / "run")


def test_what_reads_one_run_says_to_name_a_day(four_days: Path, tmp_path: Path) -> None:
    for words in (["report"], ["compare", four_days / "run"], ["view"], ["replay"]):
        done = vppmarket(*words, four_days / "run", cwd=tmp_path)
        assert done.returncode == 2
        assert "a run of many days; name a day" in error_lines(done)[0]
    with pytest.raises(ScenarioError, match="name a day"):
        market.open_run(four_days / "run")


@pytest.mark.in_turn
def test_no_report_of_a_day_is_missing_anything(four_days: Path, tmp_path: Path) -> None:
    shutil.copytree(four_days / "run" / "days" / "003", tmp_path / "003")
    assert vppmarket("report", "003", cwd=tmp_path).returncode == 0
    done = vppmarket("compare", "003", four_days / "run" / "days" / "001", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_prices_and_trade_of_the_tables_are_those_of_the_days(four_days: Path) -> None:
    days = market.open_days(four_days / "run")
    for number in range(1, 9):
        run = days.day(number)
        sold = run.selections[run.selections.period <= 12]
        rows = days.periods[days.periods.day == number]
        traded = sold.groupby("period").delivered_mw.sum().reindex(range(1, 13), fill_value=0.0)
        assert np.allclose(rows.traded_mw, traded, atol=1e-9)
        paid = float(sold.payment_cny.sum())
        assert float((rows.traded_mw * rows.price_cny_per_mwh).sum()) == pytest.approx(paid, rel=1e-9, abs=1e-9)


def test_money_is_told_in_the_scenario_s_currency(tmp_path: Path) -> None:
    folder = write_days(tmp_path / "s", 2, vpps=2, flexible=False)
    text = (folder / "scenario.yaml").read_text(encoding="utf-8").replace("_cny_per", "_eur_per")
    rules = {
        "market": "{price_min: 300 EUR/MWh, price_max: 1200 EUR/MWh, choice_temperature: 50 EUR/MWh}",
        "carbon": "{base_price: 280 EUR/t}",
    }
    wind = "wt: {om_cost_eur_per_mwh: 15}"
    text = text.replace("wt: {}", wind).replace("pv: {}", "pv: {om_cost_eur_per_mwh: 12}")
    text = f"currency: EUR\n{text}" + "".join(f"{name}: {value}\n" for name, value in rules.items())
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    profiles = (folder / "profiles.csv").read_text(encoding="utf-8").replace("_cny_per", "_eur_per")
    (folder / "profiles.csv").write_text(profiles, encoding="utf-8")
    days = market.run_days(folder, out=tmp_path / "run")
    assert "saving_eur" in days.days.columns
    header = (tmp_path / "run" / "costs.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "total_eur" in header
    assert "cny" not in header
    told = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert "saving_eur" in told["totals"]
    assert market.open_days(tmp_path / "run").saving_cny == days.saving_cny


@pytest.mark.parametrize("days", [0, -1, 2.5, "3", True])
def test_a_number_of_days_is_whole_and_above_zero(days: Any) -> None:
    with pytest.raises(ScenarioError, match="days: must be a whole number of 1 or more"):
        market.run_days("two_vpp", days)
