"""Claims: a market in other processes is watched from its first record to its last, by any number of viewers, late
ones too; none of them disturbs it, and whatever is wrong is said.
"""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.bus.keys import WATCHER, NodeKeys, load_node_keys
from broker.bus.viewer_end import ViewerEnd
from broker.tape import TAPE_NAME, read_tape
from broker.wire.frames import Envelope, encode
from broker.wire.messages import Watch
from market.app.feeds.feed import State
from market.app.feeds.live import LiveFeed
from market.app.feeds.whereabouts import Whereabouts
from market.app.runs.tokens import TOKEN_FILE, WATCH_TOKEN_FILE, WATCHING, read_token, token_from_key
from market.scenario import load_scenario
from tests.app.commands import error_lines, vppmarket
from tests.processes.command import finish, held_node, manifest, start
from tests.tapes import entries

LIMIT_S = 90.0
PAUSE_S = 0.02
STRANGER = bytes(16)


def until(true: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait until something is so; the test fails if that takes too long."""
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(PAUSE_S)


@dataclass(frozen=True)
class Way:
    """How a run can be watched, as it prints it: a command that works as it stands."""

    address: str
    flag: str
    path: Path

    @property
    def keys(self) -> NodeKeys | None:
        return load_node_keys(self.path, WATCHER) if self.flag == "--keys" else None

    @property
    def token(self) -> bytes:
        return token_from_key(self.keys.broker) if self.keys else read_token(self.path, WATCHING)


def whereabouts(process: subprocess.Popen[str]) -> Way:
    """What a run prints of how to watch it."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.fullmatch(r"  \S*vppmarket view (\S+) (--keys|--token-file) (\S+)\n", line):
            return Way(found[1], found[2], Path(found[3]))
    raise AssertionError("the run has not said how to watch it")


@contextmanager
def watching(
    address: str, token: bytes, news: list[str] | None = None, keys: NodeKeys | None = None
) -> Iterator[LiveFeed]:
    feed = LiveFeed(Whereabouts(address, token, keys), ([] if news is None else news).append)
    try:
        yield feed
    finally:
        feed.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.in_turn
def test_viewers_see_all_of_a_run_and_do_not_disturb_it(tmp_path: Path) -> None:
    folder, news = tmp_path / "run", list[str]()
    process = start("run", "--watch", "--time", "wall", "--delay", "20ms", "--quiet", "--out", folder)
    with held_node(process) as node:
        way = whereabouts(process)
        address, token, keys = way.address, way.token, way.keys
        with watching(address, token, news, keys) as first, watching(address, token) as stranger:
            until(lambda: first.status().state is State.GOING_ON)
            assert len(first.status().live.waiting_for) >= 1
            assert not first.timeline.event_log.said
            with ViewerEnd(address, keys) as dead:  # it asks and never listens
                for _ in range(50):
                    dead.ask(encode(Envelope(1, WATCHER, 0, Watch(0)), token))
                    dead.wait(0.0)
                node.resume()
                until(lambda: len(first.timeline.event_log.said) > 3)
                with watching(address, token, None, keys) as late:
                    ended = finish(process)
                    until(lambda: first.status().state is State.ENDED)
                    until(lambda: late.status().state is State.ENDED)
            assert stranger.status().state is not State.ENDED
            assert len(stranger.timeline) == 0
    assert ended.returncode == 0, ended.stderr
    tape = entries(read_tape(folder / TAPE_NAME))
    assert entries(first.timeline.records) == entries(late.timeline.records) == tape
    network = manifest(folder)["network"]
    assert {name: network[name] for name in ("sent", "delivered", "lost")}.items() <= dict(
        first.status().live.counts
    ).items()
    assert set(manifest(folder)["refused"]) & {"no_key", "broken_handshake"}
    assert [words.split(": ")[1] for words in news][-1] == "ended"


@pytest.mark.in_turn
def test_a_run_that_breaks_tells_its_viewers_why(tmp_path: Path) -> None:
    process = start("run", "--watch", "--quiet", "--out", tmp_path / "run")
    with held_node(process) as node:
        way = whereabouts(process)
        with watching(way.address, way.token, None, way.keys) as feed:
            until(lambda: feed.status().state is State.GOING_ON)
            node.kill()
            assert finish(process).returncode == 4
            until(lambda: feed.status().words == "broken off")
            assert "SIGKILL" in feed.status().fault


def test_an_address_where_nobody_listens_is_told_on_page_and_terminal() -> None:
    news: list[str] = []
    with watching("tcp://127.0.0.1:1", STRANGER, news) as feed:
        until(lambda: bool(feed.status().fault))
        assert "nobody listens at tcp://127.0.0.1:1" in feed.status().fault
        until(lambda: any("nobody listens" in words for words in news))


@contextmanager
def opened(folder: Path, *flags: str | Path) -> Iterator[Way]:
    """A broker that waits for its nodes, and how to watch it."""
    process = start("broker", "two_vpp", "--wait", "60", "--quiet", "--out", folder, *flags)
    try:
        yield whereabouts(process)
    finally:
        process.terminate()
        finish(process)


@pytest.mark.in_turn
def test_without_keys_the_watching_token_opens_the_tape_and_no_other(tmp_path: Path) -> None:
    """Not even the run's own, which every member has; each is told what is wrong."""
    with opened(tmp_path / "run") as way:
        member = read_token(tmp_path / "run" / TOKEN_FILE)
        assert way.path == tmp_path / "run" / WATCH_TOKEN_FILE
        assert way.token != member
        assert mode(way.path) == mode(tmp_path / "run" / TOKEN_FILE) == 0o600
        with (
            watching(way.address, STRANGER) as stranger,
            watching(way.address, member) as curious,
            watching(way.address, way.token) as feed,
        ):
            until(lambda: feed.status().state is State.GOING_ON)
            until(lambda: bool(stranger.status().fault) and bool(curious.status().fault))
            assert "the watching token is not this run's" in stranger.status().fault
            assert "who takes part may not look on: that needs the watching token" in curious.status().fault
            assert len(feed.timeline) > 0
            assert len(stranger.timeline) == len(curious.timeline) == 0


@pytest.mark.in_turn
def test_with_keys_the_watcher_looks_on_and_nobody_else(tmp_path: Path) -> None:
    """Neither without a key nor with that of a member."""
    vpps = [vpp.id for vpp in load_scenario("two_vpp").vpps]
    keys = tmp_path / "keys"
    made = vppmarket("keys", keys, "broker", *vpps, WATCHER, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    with opened(tmp_path / "run", "--keys", keys) as way:
        assert way.path == keys
        own = load_node_keys(keys, vpps[0])
        with (
            watching(way.address, way.token) as stranger,
            watching(way.address, way.token, None, own) as member,
            watching(way.address, way.token, None, way.keys) as watcher,
        ):
            until(lambda: watcher.status().state is State.GOING_ON)
            until(lambda: bool(stranger.status().fault) and bool(member.status().fault))
            assert len(watcher.timeline) > 0
            assert len(stranger.timeline) == len(member.timeline) == 0
            assert "does the run use keys" in stranger.status().fault


@pytest.mark.in_turn
def test_the_printed_command_works_as_it_stands_and_its_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    process = start("run", "--watch", "--quiet", "--silence", "120s", "--out", tmp_path / "a run")
    assert process.stderr is not None
    with held_node(process) as node:
        command = next(line for line in process.stderr if "vppmarket view " in line)
        watch = tmp_path / "a run" / "watch"
        assert {mode(path) for path in watch.iterdir()} == {0o600}
        assert mode(watch) == 0o700
        assert str(watch) in command
        viewer = start(*shlex.split(command)[1:], "--port", "0")
        assert viewer.stderr is not None
        try:
            assert any(": live" in line for line in viewer.stderr)
        finally:
            viewer.kill()
            finish(viewer)
        node.resume()
    assert finish(process).returncode == 0


# --- the command ------------------------------------------------------------------------------------------------


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tcp://nowhere",), "must look like tcp://host:port"),
        (("http://127.0.0.1:80",), "must look like tcp://host:port"),
        (("tcp://127.0.0.1:5555",), "the watching token is needed"),
        (("tcp://127.0.0.1:5555", "--token", "abc"), "must be 32 hexadecimal digits"),
        (("tcp://127.0.0.1:5555", "--token-file", "nowhere"), "no such file or directory"),
        (("no_such_case",), "must be a run folder, a scenario, or the address of a broker"),
        ((".",), "scenario.yaml"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = vppmarket("view", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in "\n".join(error_lines(done))


def test_a_market_in_one_process_cannot_be_watched(tmp_path: Path) -> None:
    done = vppmarket("run", "two_vpp", "--in-process", "--watch", cwd=tmp_path)
    assert done.returncode == 2
    assert "--watch" in error_lines(done)[0]


def test_without_the_extra_view_says_what_to_install(tmp_path: Path) -> None:
    code = """
import importlib.util, sys

def lacking(name, package=None, find=importlib.util.find_spec):
    return None if name.split(".")[0] in ("solara", "uvicorn", "ipyvuetify") else find(name, package)

importlib.util.find_spec = lacking
from market.app.cli.main import command
sys.exit(command(["view", "two_vpp"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode == 2
    assert "pip install 'vppmarket[view]'" in done.stderr
    assert "Traceback" not in done.stderr
