"""Claims: links that stall, vanish, go down or lead nowhere delay a market, and change nothing in its end.

Whole markets behind a proxy, started as people start them; nobody is restarted but a broker that was killed. More
of it is in `scripts/bench/lost_messages.py`, real loss of packets in `scripts/bench/lossy_links.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.bench.lost_messages import BlowCase, table, trials
from scripts.bench.network_blows import with_flags
from scripts.bench.started_market import TOKEN_VARIABLE, TWO, Setup, Undisturbed, three_free_ports, undisturbed
from scripts.bench.tcp_proxy import FRONT, TcpProxy
from tests.processes.command import finish, start
from tests.sampling import sampled

AT_ONCE = 4  # they mostly wait
LIMIT_S = 90.0
SLOW = replace(TWO, flags=("--time", "wall", "--delay", "300ms", "--on-loss", "wait"), label="wall, slow")
VIRTUAL = with_flags(TWO, "virtual", "wait", "")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The day of two that nobody disturbs."""
    return undisturbed(TWO, tmp_path_factory.mktemp("calm") / "run")


def all_held(blows: Sequence[str], setups: Sequence[Setup], calm: Undisturbed, folder: Path) -> None:
    todo = [BlowCase(blow, setup, seed=3) for blow in blows for setup in setups]
    found = trials(todo, folder, calm, AT_ONCE, LIMIT_S)
    assert [str(trial) for trial in found if trial.fault] == [], table(found)


@pytest.mark.timeout(400)
def test_what_stalls_or_vanishes_only_delays(calm: Undisturbed, tmp_path: Path) -> None:
    blows = ["data stalled 6 s", "all stalled 6 s", "half-open one", "half-open all"]
    all_held(sampled(blows, 2), [SLOW], calm, tmp_path)


@pytest.mark.timeout(400)
def test_a_link_may_be_down_for_longer_than_anybody_may_be_silent(calm: Undisturbed, tmp_path: Path) -> None:
    all_held(["link down 12 s", "dead forwarder 8 s"], [SLOW], calm, tmp_path)


@pytest.mark.timeout(700)
def test_a_fifth_of_all_that_passes_may_be_late_by_seconds(calm: Undisturbed, tmp_path: Path) -> None:
    all_held(["stutter"], [VIRTUAL, SLOW], calm, tmp_path)


def test_a_node_looks_for_its_broker_as_long_as_it_was_told_and_says_what_it_saw(tmp_path: Path) -> None:
    """At an address that takes connections and closes them, as a tunnel does whose other end is gone."""
    port, environment = three_free_ports((FRONT,)), {**os.environ, TOKEN_VARIABLE: "0" * 32}
    with TcpProxy(port) as forwarder:
        forwarder.close_at_once()
        since = time.monotonic()
        flags = ("--id", "Farm", "--scenario", "two_vpp", "--broker", f"tcp://{FRONT}:{port}", "--wait", "6")
        ended = finish(start("node", *flags, "--out", tmp_path / "node", env=environment))
    assert time.monotonic() - since >= 6.0
    assert ended.returncode == 4
    assert "takes connections and closes them at once: a forwarder" in ended.stderr
    assert "key" not in ended.stderr
    assert "Traceback" not in ended.stderr
