"""Claims about sweeps: every combination is run once, whoever carries it out and whatever interrupts it, and a row
says what the run itself would say."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import psutil
import pytest

import market
from market.app.analysis.sweep.kept_sweep import LINES
from market.app.analysis.sweep.sweep import Means
from market.app.cli.sweep import SweepOptions, sweep_command
from market.errors import ScenarioError
from tests.app.commands import error_lines, vppmarket
from tests.market.real_days import RealDay
from tests.processes.command import session

SATISFACTION = "market.satisfaction"
VALUES: dict[str, list[object]] = {SATISFACTION: [0.8, 0.9], "carbon.mode": ["none", "flat"]}


@pytest.fixture(scope="module")
def swept() -> market.SweepResult:
    return market.sweep("two_vpp", VALUES, jobs=1)


def test_a_grid_has_every_value_with_every_other(swept: market.SweepResult) -> None:
    pairs = list(zip(swept.runs[SATISFACTION], swept.runs["carbon.mode"], strict=True))
    assert pairs == [(0.8, "none"), (0.8, "flat"), (0.9, "none"), (0.9, "flat")]
    assert swept.runs["run"].tolist() == [1, 2, 3, 4]


def test_a_row_says_what_the_run_itself_says(swept: market.SweepResult) -> None:
    for row in swept.runs.to_dict("records"):
        day = market.run("two_vpp", {path: row[path] for path in VALUES})
        costs = day.costs[day.costs["vpp"] == "system"].set_index("scenario")
        assert row["verdict"] == day.verdict
        assert row["epsilon_cny"] == day.epsilon_cny
        assert row["game_total_cny"] == costs.loc["game", "total_cny"]
        assert row["grid_only_emission_t"] == costs.loc["grid_only", "emission_t"]
        sold = day.offers[day.offers["delivered_mw"] > 0]
        mean = (sold["price_cny_per_mwh"] * sold["delivered_mw"]).sum() / sold["delivered_mw"].sum()
        assert row["mean_price_cny_per_mwh"] == pytest.approx(mean, rel=1e-12)
        squares = (sold["price_cny_per_mwh"] - mean) ** 2 * sold["delivered_mw"]
        variance = squares.sum() / sold["delivered_mw"].sum()
        assert row["price_deviation_cny_per_mwh"] == pytest.approx(variance**0.5, abs=1e-9)
        assert row["seller_regret_cny"] == day.offers["regret_cny"].max()


def test_what_a_mechanism_pays_out_is_not_saved() -> None:
    swept = market.sweep("five_vpp", {"market.mechanism": ["vcg", "uniform_price"]}, jobs=1)
    for row in swept.runs.to_dict("records"):
        cost = row["game_operation_cny"] + row["game_carbon_cny"]
        assert row["saving_cny"] == pytest.approx(row["grid_only_total_cny"] - cost, abs=1e-6)
        assert row["budget_cny"] == pytest.approx(row["game_trade_cny"], abs=1e-6)
        assert (row["budget_cny"] < -1.0) == (row["market.mechanism"] == "vcg")


def test_a_sweep_tells_the_currency_and_has_but_one(tmp_path: Path) -> None:
    RealDay(minutes=60).write(tmp_path / "day")
    done = vppmarket(
        "sweep",
        "day",
        "--set",
        "carbon.base_price=60 EUR/t,80 EUR/t",
        "--jobs",
        "1",
        "--out",
        "swept",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "total EUR" in done.stdout
    for told in (done.stdout, *(p.read_text("utf-8", "replace") for p in (tmp_path / "swept").glob("*.*"))):
        assert "cny" not in told.lower()
    table = pandas.read_csv(tmp_path / "swept" / "sweep.csv")
    assert table["game_total_eur"].notna().all()
    with pytest.raises(ScenarioError, match="scenarios must be in one currency; got EUR and CNY"):
        market.sweep([tmp_path / "day", "two_vpp"])


def test_two_processes_come_to_the_table_of_one(swept: market.SweepResult) -> None:
    other = market.sweep("two_vpp", VALUES, jobs=2)
    pandas.testing.assert_frame_equal(other.runs, swept.runs, check_exact=True)
    assert os.getpid() not in set(other.timing["process_id"])


def test_lists_go_side_by_side_and_scenarios_and_seeds_multiply() -> None:
    zipped = market.sweep(["two_vpp", "two_vpp"], {SATISFACTION: [0.8, 0.9], "carbon.mode": ["none", "flat"]},
                          combine="zip", seeds=[1, 2], jobs=1)  # fmt: skip
    found = list(zip(zipped.runs[SATISFACTION], zipped.runs["carbon.mode"], zipped.runs["seed"], strict=True))
    assert found == [(0.8, "none", 1), (0.8, "none", 2), (0.9, "flat", 1), (0.9, "flat", 2)] * 2
    own = market.sweep("two_vpp", [{SATISFACTION: 0.8}, {"carbon.mode": "flat"}], jobs=1)
    assert len(own.runs) == 2
    with pytest.raises(ScenarioError, match="equally long"):
        market.sweep("two_vpp", {SATISFACTION: [0.8, 0.9], "carbon.growth": [0.0, 0.1, 0.2]}, combine="zip")


def test_a_value_that_breaks_a_rule_costs_its_row_and_a_path_that_is_none_the_sweep(tmp_path: Path) -> None:
    done = vppmarket("sweep", "two_vpp", "--set", f"{SATISFACTION}=0.8,-1", "--out", "swept", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    table = pandas.read_csv(tmp_path / "swept" / "sweep.csv")
    assert table["verdict"].tolist() == ["equilibrium", "failed"]
    assert "satisfaction" in table["reason"][1]
    assert f"run 2: {table['reason'][1]}" in " ".join(done.stdout.split())
    assert SATISFACTION in done.stdout
    with pytest.raises(ScenarioError, match="satisfacton"):
        market.sweep("two_vpp", {"market.satisfacton": [0.8, 0.9]})


def test_one_process_has_no_network_to_be_swept(tmp_path: Path) -> None:
    done = vppmarket("sweep", "two_vpp", "--set", "network.delay_s=0.1,0.2", cwd=tmp_path)
    assert done.returncode == 2
    assert "one process has no network; got network.delay_s" in " ".join(done.stderr.split())
    done = vppmarket("sweep", "two_vpp", "--set", "carbon.growth", cwd=tmp_path)
    assert "got 'carbon.growth'" in done.stderr


def test_what_a_run_raises_that_nobody_thought_of_is_a_row_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr("market.app.analysis.sweep.row.market_day", breaks)
    (row,) = market.sweep("two_vpp", jobs=1).runs.to_dict("records")
    assert row["verdict"] == "failed"
    assert "nobody thought of it" in row["reason"]


def test_over_the_bus_rows_tell_of_the_network_and_seeds_matter() -> None:
    conditions = {"network.delay_s": [0.05], "network.jitter_s": [0.02]}
    found = market.sweep("two_vpp", conditions, processes=True, seeds=[1, 2], jobs=1).runs
    assert found["verdict"].tolist() == ["equilibrium"] * 2, found["reason"].tolist()
    assert (found["sent"] > 0).all()
    first, second = found["time_to_equilibrium_s"]
    assert first != second
    assert found["game_total_cny"][0] == pytest.approx(found["game_total_cny"][1], rel=1e-9)


def lines(folder: Path) -> list[int]:
    path = folder / LINES
    if not path.exists():
        return []
    return [json.loads(line)[0] for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


FORTY = [round(0.70 + 0.005 * n, 3) for n in range(40)]
STRUCK = """
import os, sys
import market

counts, blows = set(), []
def strike(progress):
    counts.add(progress.stage.split(" runs")[0])
    first = len(counts) == 5 and not blows  # after four runs
    if first or (sys.argv[2] == "twice" and len(blows) == 1 and "once more" in progress.stage):
        blows.append(progress)
        os.kill(os.getpid(), int(sys.argv[1]))

market.sweep("two_vpp", {"market.satisfaction": %r}, jobs=2, out="broken", on_progress=strike)
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("blow", "often"),
    [(signal.SIGKILL, "once"), (signal.SIGINT, "once"), (signal.SIGTERM, "once"), (signal.SIGINT, "twice")],
)
def test_a_sweep_that_is_stopped_goes_on_where_it_was(tmp_path: Path, blow: signal.Signals, often: str) -> None:
    process = start_python(STRUCK % FORTY, str(int(blow)), often, cwd=tmp_path)
    process.communicate(timeout=150)
    assert process.returncode != 0
    assert left_of(process.pid) == []
    before = lines(tmp_path / "broken")
    assert 4 <= len(before) < 40
    resumed = vppmarket("sweep", "--resume", "broken", "--quiet", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert sorted(lines(tmp_path / "broken")) == list(range(1, 41))  # each once
    assert lines(tmp_path / "broken")[: len(before)] == before
    market.sweep("two_vpp", {SATISFACTION: FORTY}, jobs=1, out=tmp_path / "whole")
    for name in ("sweep.csv", "sweep.parquet"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def start_python(program: str, *arguments: str, cwd: Path) -> subprocess.Popen[bytes]:
    """A program in a session of its own."""
    command = [sys.executable, "-c", program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, stdout=pipe, stderr=pipe, start_new_session=True)


def left_of(leader: int) -> list[psutil.Process]:
    """What is left of a session after a while."""
    until = time.monotonic() + 60
    while (left := session(leader)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def test_who_interrupts_a_sweep_is_told_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("market.app.cli.sweep.carry_out", interrupted)
    options = SweepOptions(("two_vpp",), (), "grid", (0,), False, Means(), tmp_path / "swept", None, quiet=True)
    with pytest.raises(KeyboardInterrupt):
        sweep_command(options)
    told = capsys.readouterr().err
    assert "0 of 1 runs are kept" in told
    command = shlex.split(told.splitlines()[-1])
    assert command[1:] == ["sweep", "--resume", str(tmp_path / "swept")]


def test_a_line_that_is_not_whole_is_cut_off_and_its_run_run_again(tmp_path: Path) -> None:
    whole = market.sweep("two_vpp", VALUES, jobs=1, out=tmp_path / "swept")
    path = tmp_path / "swept" / LINES
    path.write_bytes(path.read_bytes()[:-7])
    again = market.sweep("two_vpp", VALUES, jobs=1, out=tmp_path / "swept", resume=True)
    pandas.testing.assert_frame_equal(again.runs, whole.runs, check_exact=True)
    assert lines(tmp_path / "swept") == [1, 2, 3, 4]


def test_another_sweep_is_not_taken_up(tmp_path: Path) -> None:
    market.sweep("two_vpp", {SATISFACTION: [0.8]}, jobs=1, out=tmp_path / "swept")
    with pytest.raises(ScenarioError, match="as it was begun"):
        market.sweep("two_vpp", {SATISFACTION: [0.9]}, jobs=1, out=tmp_path / "swept", resume=True)
    done = vppmarket("sweep", "--resume", "swept", "--set", f"{SATISFACTION}=1", cwd=tmp_path)
    assert done.returncode == 2
    assert "leave out --set" in error_lines(done)[0]
    (tmp_path / "empty").mkdir()
    refused = vppmarket("sweep", "--resume", "empty", cwd=tmp_path)
    assert refused.returncode == 2
    assert "sweep.json" in error_lines(refused)[0]


def test_parquet_holds_the_table(tmp_path: Path) -> None:
    found = market.sweep("two_vpp", VALUES, jobs=1, out=tmp_path / "swept")
    table = pandas.read_parquet(tmp_path / "swept" / "sweep.parquet")
    assert table.columns.tolist() == found.runs.columns.tolist()
    assert table["game_total_cny"].tolist() == found.runs["game_total_cny"].tolist()


def test_ray_that_is_not_there_is_named(tmp_path: Path) -> None:
    code = "import sys; sys.modules['ray'] = None; import market; market.sweep('two_vpp', engine='ray')"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = [sys.executable, "-c", code]
    done = subprocess.run(ran, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert "vppmarket[sweep]" in done.stderr
