"""Claims: days in a row become real over processes as they do in one, whoever is killed, and can be taken up."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

import market
from tests.market.series_of_days import write_days
from tests.processes.command import COMMAND
from tests.processes.test_days_in_a_row import arguments, await_path, process_of, same_tables

DAYS, LIMIT_S = 3, 240.0


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days in one process, seen 36 hours ahead, settled at one price."""
    folder = tmp_path_factory.mktemp("days")
    sections = {
        "rolling": {"plan_h": 36, "soc_end": "valued", "end_value_cny_per_mwh": 500.0},
        "forecast": {"model": "noise", "given": "forecast", "noise_share": 0.4},
        "imbalance": {"pricing": "single"},
    }
    write_days(folder / "s", DAYS, vpps=2, seed=7, sections=sections)
    found = market.run_days(folder / "s", out=folder / "run")
    assert abs(found.days.stored_realised_mwh - found.days.stored_mwh).max() > 0.01, "or it says nothing"
    return folder


@pytest.mark.timeout(600)
def test_a_plant_killed_and_a_run_killed_leave_no_trace(alone: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(
        arguments(run, alone / "s"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        await_path(run / "days" / "002" / "tape.msgpack", process)
        os.kill(process_of(process.pid, at=1), signal.SIGKILL)
        await_path(run / "days" / "003" / "tape.msgpack", process)
        process.kill()
    resumed = [str(COMMAND), "run", "--resume", str(run), "--quiet"]
    done = subprocess.run(resumed, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert same_tables(alone / "run", run)
    one, other = market.open_days(alone / "run"), market.open_days(run)
    assert one.manifest["imbalance"] == other.manifest["imbalance"]
    replayed = [str(COMMAND), "replay", str(run / "days" / "002")]
    assert subprocess.run(replayed, capture_output=True, timeout=LIMIT_S, check=False).returncode == 0
