"""Claims: the grid of delay and loss has every combination and compares each with the undisturbed day."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.lines import Line2D

from market.app.analysis.network_grid import GridPoint, GridResult, by_delay, document, measured, prices, squares
from market.app.cli.experiment.network import grid_text
from market.app.figures.network_grid import grid_figure
from market.app.results.recorded import read_run
from market.app.runs.subprocesses import CommandResult, run_side_by_side
from market.errors import RunError, ScenarioError
from market.scenario import load_scenario
from tests.app.commands import error_lines, vppmarket
from tests.market.real_days import RealDay
from tests.processes.command import finish, rows, session, start

NETWORK: dict[str, Any] = {"time_to_equilibrium_s": 2.0, "published": 9, "sent": 20, "delivered": 20, "lost": 0}
NETWORK |= {"resent": 0, "duplicated": 0, "late": 0, "undeliverable": 0}


def a_run(price: float = 400.0, **changes: Any) -> dict[str, Any]:
    offers = [{"vpp": "Farm", "period": 1, "price_cny_per_mwh": price}]
    told = {"verdict": "equilibrium", "exit_code": 0, "network": NETWORK, "rounds": 3, "wall_s": 1.0}
    return told | {"tables": {"offers": offers}} | changes


def result(delay: str = "1ms", loss: str = "0", seed: int = 0, time_s: float | None = 2.0) -> GridResult:
    square = GridPoint(delay, 0.001, loss, seed)
    return measured(square, a_run(network=NETWORK | {"time_to_equilibrium_s": time_s}), {("Farm", 1): 400.0})


# --- which runs ---


def test_every_combination_is_run_once() -> None:
    found = squares(load_scenario("two_vpp"), "0ms, 50ms,lognormal:50ms:1,50ms", "0,0.2", 3)
    assert len(found) == len(set(found)) == 3 * 2 * 3
    assert [square.delay_s for square in found[::6]][:2] == [0.0, 0.05]
    assert isnan(found[-1].delay_s)
    assert found[-1].flags() == [
        *("--time", "virtual", "--delay", "lognormal:50ms:1", "--loss", "0.2", "--seed", "2")
    ]


def test_all_faults_are_told_at_once_by_the_flag_that_holds_them() -> None:
    with pytest.raises(ScenarioError) as caught:
        squares(load_scenario("two_vpp"), "5,10ms,uniform:9ms:1ms", "2,x", 1)
    told = str(caught.value)
    assert len(caught.value.faults) == 4
    assert "--delays: must be a number and a unit (us, ms, s); got '5'" in told
    assert "--losses: must be a plain number; got 'x'" in told
    with pytest.raises(ScenarioError, match="--losses: must have an entry"):
        squares(load_scenario("two_vpp"), "1ms", " , ", 1)


# --- what they came to ---


def test_prices_are_compared_with_the_undisturbed_day() -> None:
    square = GridPoint("1ms", 0.001, "0", 0)
    assert measured(square, a_run(400.0), {("Farm", 1): 400.0}).sound
    off = measured(square, a_run(400.5), {("Farm", 1): 400.0})
    assert off.price_difference_cny_per_mwh == 0.5
    assert not off.sound
    assert not measured(square, a_run(), {("Farm", 2): 400.0}).sound
    assert not measured(square, a_run(exit_code=3, verdict="stalled"), {("Farm", 1): 400.0}).sound


def test_prices_are_read_by_the_name_that_the_currency_gives_them(tmp_path: Path) -> None:
    RealDay(minutes=60).write(tmp_path / "day")
    printed = vppmarket("run", "day", "--in-process", "--json", "--out", "run", cwd=tmp_path)
    found = prices(document(CommandResult(printed.returncode, printed.stdout, printed.stderr), "run"))
    offers = read_run(tmp_path / "run")["offers"]
    assert found
    assert list(found.values()) == pytest.approx(offers["price_cny_per_mwh"].tolist(), abs=1e-9)


def test_medians_over_seeds_and_nothing_where_one_did_not_rest() -> None:
    runs = [result(seed=0, time_s=1.0), result(seed=1, time_s=5.0), result(seed=2, time_s=2.0)]
    assert by_delay(runs, "time_s").rows == (("1ms", 2.0),)
    assert by_delay(runs, "sent").rows == (("1ms", 20.0),)
    (row,) = by_delay([*runs, result(seed=3, time_s=None)], "time_s").rows
    assert isnan(float(row[1]))


def test_the_text_says_whether_the_answer_is_everywhere_the_same() -> None:
    runs = [result(delay, loss) for delay in ("1ms", "5ms") for loss in ("0", "0.2")]
    assert "All 4 runs came to the same equilibrium; largest price difference" in grid_text(runs)
    odd = replace(runs[0], price_difference_cny_per_mwh=0.25)
    told = grid_text([odd, *runs[1:]])
    assert "1 of 4 runs did not come to the undisturbed equilibrium" in told
    assert "0.25 CNY/MWh" in told
    assert "--delay 1ms --loss 0 " in told


def test_the_figure_has_a_line_for_each_loss() -> None:
    runs = [
        replace(result(delay, loss), square=GridPoint(delay, seconds, loss, 0))
        for delay, seconds in (("0ms", 0.0), ("1ms", 0.001), ("1s", 1.0))
        for loss in ("0", "0.2")
    ]
    left, right = grid_figure(runs).axes
    for ax, value in ((left, 2.0), (right, 20.0)):
        assert len(ax.containers) == 2
        (line, *_) = ax.containers[0].get_children()
        assert isinstance(line, Line2D)
        assert np.asarray(line.get_xdata()).tolist() == [0.0, 0.001, 1.0]
        assert np.asarray(line.get_ydata()).tolist() == [value] * 3
    words = [replace(run, square=replace(run.square, delay_s=nan)) for run in runs]
    assert list(grid_figure(words).axes[0].get_xticks()) == [0.0, 1.0, 2.0]


# --- real runs ---


def test_a_run_that_breaks_is_told_in_its_own_words() -> None:
    with pytest.raises(RunError, match="--delay 1ms: VPP2's process was killed"):
        document(CommandResult(4, "", "error: VPP2's process was killed\n"), "--delay 1ms")


def test_calls_side_by_side_keep_their_order_and_tell_their_progress(tmp_path: Path) -> None:
    done: list[int] = []
    ended = run_side_by_side([["check", str(tmp_path)], ["schema"], ["--version"]], 2, done.append)
    assert [one.exit_code for one in ended] == [2, 0, 0]
    assert ended[0].err.startswith("error: ")
    assert '"vpps"' in ended[1].out
    assert ended[2].out.startswith("vppmarket")
    assert done == [1, 2, 3]


@pytest.mark.in_turn
def test_a_small_grid_of_real_runs(tmp_path: Path) -> None:
    flags = ("--delays", "0ms,50ms", "--losses", "0,0.3", "--jobs", "2")
    done = vppmarket("experiment", "network", "two_vpp", *flags, "--out", "grid", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "All 4 runs came to the same equilibrium" in done.stdout
    found = rows(tmp_path / "grid", "grid")
    assert [(row["delay"], row["loss"]) for row in found] == [
        *(("0ms", "0.0"), ("0ms", "0.3"), ("50ms", "0.0"), ("50ms", "0.3"))
    ]
    assert {row["verdict"] for row in found} == {"equilibrium"}
    assert float(found[0]["time_to_equilibrium_s"]) == 0.0
    assert float(found[2]["time_to_equilibrium_s"]) == pytest.approx(0.15)
    assert max(float(row["price_difference_cny_per_mwh"]) for row in found) <= 1e-6
    assert {path.name for path in (tmp_path / "grid" / "figures").iterdir()} == {"grid.png", "grid.svg"}


def test_bad_entries_end_before_anything_runs(tmp_path: Path) -> None:
    done = vppmarket("experiment", "network", "--delays", "soon", "--out", "grid", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = error_lines(done)
    assert line.startswith("error: --delays: ")
    assert not (tmp_path / "grid").exists()


@pytest.mark.in_turn
def test_an_interrupt_ends_every_run_of_the_grid(tmp_path: Path) -> None:
    process = start("experiment", "network", "--out", tmp_path / "grid", "--seeds", "50")
    deadline = time.monotonic() + 30.0
    while len(session(process.pid)) < 6 and time.monotonic() < deadline:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    ended = finish(process, 30.0)
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr == "interrupted\n"
    assert not (tmp_path / "grid" / "grid.csv").exists()
