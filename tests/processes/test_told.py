"""Claims: who stands still for a while, as a machine asleep does, blames nobody for it, and says each thing once.

Everybody hears why a run broke off: its members, who waits for a place in it, and whoever is to take it up, who is
told by a command that works as it stands. Why a node cannot go on stays with whoever owns its plant.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes.command import LIMIT_S, finish, manifest, run, settle_session, start
from tests.processes.test_broken_runs import said_anything

ROSTER = ("Farm", "Village")
LONG_S = 120.0
SLOWLY = ("--time", "wall", "--delay", "1s")


class Market:
    """A broker and its nodes as people start them, each of which writes what it says into a file."""

    def __init__(self, folder: Path, *flags: str, scenario: str = "two_vpp") -> None:
        self.folder = folder
        self.run = folder / "run"
        self.all: dict[str, subprocess.Popen[str]] = {}
        self.start("broker", "broker", scenario, "--out", str(self.run), "--wait", "60", *flags)
        self.join_words = self.line("broker", "vppmarket node")

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.txt").open("w") as file:
            self.all[name] = start(*command, stdout=file, stderr=file)

    def join(self, vpp: str, name: str = "") -> None:
        """Start a node by the command that the broker has printed."""
        words = shlex.split(self.join_words)[1:]
        words[words.index("ID")] = vpp
        self.start(name or vpp, *words, "--out", str(self.folder / f"folder-{name or vpp}"))

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.txt").read_text()

    def line(self, name: str, part: str) -> str:
        """The first line with some words in it that a process says."""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            for line in self.said(name).splitlines():
                if part in line:
                    return line.strip()
            assert self.all[name].poll() is None, self.said(name)
            time.sleep(0.05)
        raise AssertionError(f"{name} does not say {part!r}: {self.said(name)}")

    def trades(self) -> None:
        """Wait until something has been said."""
        deadline = time.monotonic() + LIMIT_S
        while not said_anything(self.run / "tape.msgpack"):
            assert time.monotonic() < deadline, self.said("broker")
            time.sleep(0.05)

    def stand_still(self, name: str, for_s: float) -> None:
        self.all[name].send_signal(signal.SIGSTOP)
        time.sleep(for_s)
        self.all[name].send_signal(signal.SIGCONT)

    def ended(self, name: str) -> int:
        """The exit code of a process, which has to end by itself."""
        return finish(self.all[name], LONG_S).returncode


@contextmanager
def opened(folder: Path, *flags: str, scenario: str = "two_vpp") -> Iterator[Market]:
    market = Market(folder, *flags, scenario=scenario)
    try:
        yield market
    finally:
        for process in market.all.values():
            process.kill()
            process.wait()
            settle_session(process.pid, 0.0)


def test_a_broker_that_was_stopped_for_long_blames_nobody(tmp_path: Path) -> None:
    with opened(tmp_path, *SLOWLY, "--silence", "3s") as market:
        for vpp in ROSTER:
            market.join(vpp)
        market.trades()
        market.stand_still("broker", 10.0)
        assert market.ended("broker") == 0, market.said("broker")
        assert [market.ended(vpp) for vpp in ROSTER] == [0, 0]
        said = market.said("broker")
    assert "the broker itself was stopped, or busy, for" in said
    assert "lost" not in said.replace("lost messages", "")
    assert manifest(market.run)["counters"].get("lost", 0) == 0


def test_a_node_that_was_stopped_over_the_end_of_its_run_says_each_thing_once(tmp_path: Path) -> None:
    with opened(tmp_path, *SLOWLY) as market:
        for vpp in ROSTER:
            market.join(vpp)
        market.trades()
        market.all["Farm"].send_signal(signal.SIGSTOP)
        market.all["broker"].send_signal(signal.SIGINT)
        assert market.ended("broker") == 130
        market.all["Farm"].send_signal(signal.SIGCONT)
        assert [market.ended(vpp) for vpp in ROSTER] == [4, 4]
        said = market.said("Farm").splitlines()
    assert [line for line, times in Counter(said).items() if times > 1] == []
    assert [line for line in said if "whoever runs the broker has interrupted it" in line] == said[-1:]


def test_a_second_node_for_a_vpp_learns_that_the_run_is_over(tmp_path: Path) -> None:
    with opened(tmp_path, *SLOWLY) as market:
        market.join("Farm")
        market.line("Farm", "is let in")
        market.join("Farm", "second")
        market.line("second", "waits: Farm has joined already")
        market.join("Village")
        assert [market.ended(name) for name in ("broker", *ROSTER)] == [0, 0, 0]
        assert market.ended("second") == 4
        said = market.said("second").splitlines()
    told = "error: Farm ends: the run is complete; this node had no part in it: its place was another node's"
    assert said[-1] == told  # and no advice: there is nothing to be stopped any more


@pytest.mark.parametrize("flags", [(), ("--port", "0", "--host", "127.0.0.1")])
def test_a_run_that_was_interrupted_is_taken_up_by_the_commands_that_are_printed(
    flags: tuple[str, ...], tmp_path: Path
) -> None:
    with opened(tmp_path, *SLOWLY, *flags) as market:
        for vpp in ROSTER:
            market.join(vpp)
        market.trades()
        market.all["broker"].send_signal(signal.SIGINT)
        assert market.ended("broker") == 130
        for vpp in ROSTER:
            assert market.ended(vpp) == 4
            assert "start this node again then" in market.said(vpp).splitlines()[-1]
        words = shlex.split(next(line for line in market.said("broker").splitlines() if "--resume" in line))
        assert "PORT" not in words
        before = market.join_words
        market.start("broker again", *words[1:])
        market.join_words = market.line("broker again", "vppmarket node").replace("DIR", "two_vpp")
        assert market.join_words.split("--broker")[1] == before.split("--broker")[1]
        for vpp in ROSTER:
            market.join(vpp, f"{vpp} again")
        assert [market.ended(name) for name in ("broker again", *(f"{vpp} again" for vpp in ROSTER))] == [0, 0, 0]


# --- what a node says of its own trouble -----------------------------------------------------------------------

REASON = "cannot be dispatched: period"


def too_little_grid(folder: Path) -> Path:
    """A scenario with a plant whose day cannot be planned."""
    assert run("new", folder / "case").returncode == 0
    scenario = folder / "case" / "scenario.yaml"
    text = scenario.read_text()
    assert "grid_buy_max_mw: 8" in text
    scenario.write_text(text.replace("grid_buy_max_mw: 8", "grid_buy_max_mw: 0.1"))
    return folder / "case"


def test_why_a_day_cannot_be_planned_stays_with_its_node_though_all_is_to_be_shown(tmp_path: Path) -> None:
    case = too_little_grid(tmp_path)
    roster = [f"VPP{number}" for number in range(1, 6)]
    with opened(tmp_path, "--audit", "full", scenario=str(case)) as market:
        for vpp in roster:
            market.join(vpp)
        assert market.ended("broker") == 2
        codes = {vpp: market.ended(vpp) for vpp in roster}
        said = {name: market.said(name) for name in ("broker", *roster)}
    failed = {vpp for vpp in roster if codes[vpp] == 2}
    for vpp in failed:
        assert REASON in said[vpp].splitlines()[-1]
        assert REASON in manifest(tmp_path / f"folder-{vpp}")["why"]
    told = said["broker"].splitlines()[-1].removeprefix("error: ")
    assert told in {f"{vpp}'s node cannot go on: its day cannot be planned" for vpp in failed}
    for vpp in set(roster) - failed:
        assert (codes[vpp], REASON in said[vpp]) == (4, False)
        assert said[vpp].splitlines()[-1] == f"error: {vpp} ends: the run has been broken off: {told}"
    kept = [path for path in market.run.rglob("*") if path.is_file()]
    assert REASON not in said["broker"]
    assert [path for path in kept if REASON.encode() in path.read_bytes()] == []


def test_whoever_owns_run_and_plants_is_told_all_of_it_and_the_tape_is_not(tmp_path: Path) -> None:
    ended = run("run", too_little_grid(tmp_path), "--audit", "none", "--out", tmp_path / "run")
    assert ended.returncode == 2
    assert "its day cannot be planned: VPP" in ended.stderr
    assert REASON in ended.stderr
    assert REASON in manifest(tmp_path / "run")["error"]
    tape = tmp_path / "run" / "tape.msgpack"
    assert not tape.exists() or REASON.encode() not in tape.read_bytes()
