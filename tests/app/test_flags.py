"""Claims: a wrong value of any argument or flag of any command is bad input, told in a line; nothing is made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

import market.app.cli.node as node_command
import market.app.cli.run as run_command
import market.app.view.server as page_server
from market.app.cli.commands import commands
from market.app.cli.main import command
from market.app.cli.path_value import PathValue
from market.errors import RunError

NOT_UTF8 = os.fsdecode(b"no\xffwhere")
NUMBERS = ("", "x", "nan", "inf", "-inf", "-1", "1e400", "0x10", "½", NOT_UTF8)
NO_SUCH = ("", "nowhere", "a_file", "a_file/below", "a_folder", NOT_UTF8, "x" * 300)
NOT_FREE = ("", "a_file", "a_file/below", "a_full_folder", "x" * 300, "/proc/nowhere")

NEEDED: dict[tuple[str, ...], Sequence[str]] = {
    ("node",): ("--id", "Farm", "--broker", "tcp://127.0.0.1:1", "--scenario", "two_vpp", "--token", "0" * 32),
    ("keys",): ("new",),
    ("report",): ("run",),
    ("replay",): ("run",),
    ("compare",): ("run", "run"),
    ("check",): ("two_vpp",),
    ("new",): ("new",),
    ("split",): ("two_vpp", "new"),
}
"""What a command cannot do without. `run`: a folder with a run."""

BESIDE: dict[tuple[str, str], Sequence[str]] = {
    **dict.fromkeys((("view", flag) for flag in ("token", "token_file", "keys")), ("tcp://127.0.0.1:1",)),
}
"""What a parameter of a command is given with, so that it is what counts."""

WRONG: dict[str, Sequence[str]] = {
    "strategies": ("", "x", "=", "Farm=", "=a:B", "Nobody=a:B", "Farm=two words", NOT_UTF8),
    **dict.fromkeys(("run_folder", "runs"), NO_SUCH),
    **dict.fromkeys(("scenario", "resume", "token_file", "plants"), NO_SUCH),
    "keys": tuple(value for value in NO_SUCH if value != "a_folder"),  # of which every key is missed
    "out": NOT_FREE,
    "folder": NOT_FREE,
    "name": (*NOT_FREE, ".", "..", "-x", NOT_UTF8),
    "names": ("", "a b", NOT_UTF8, "../x", "-"),
    **dict.fromkeys(("target", "targets"), (*NO_SUCH, "tcp://", "tcp://x:0", "http://127.0.0.1:1")),
    "window": ("", "x", "2s:1s", "nans:1s", "1s", NOT_UTF8),
    "shares": ("", ",", "x", "nan", "inf", "-1", NOT_UTF8),
    "learners": ("", ",", "VPP9", "VPP1,VPP9", "VPP1,VPP1", NOT_UTF8),
    "case": NO_SUCH,
    "vpps": ("", "VPP9", "Farm,VPP9", "Farm,Farm", "Farm,", NOT_UTF8),
    "address": ("", "x", "tcp://", "tcp://x", "tcp://x:0", "tcp://x:65536", "tcp://x:nan", NOT_UTF8),
    "token": ("x", "0" * 31, "g" * 32, NOT_UTF8),
    "host": ("", "nowhere.invalid", "300.1.1.1", "192.0.2.1", "a b", NOT_UTF8, "x" * 300, "tcp://127.0.0.1"),
    "delays": ("", ",", "x", "50", "nan", "-1ms", "nanms", "infs", NOT_UTF8),
    "losses": ("", ",", "x", "nan", "inf", "-1", "1", NOT_UTF8),
}
TIMES = ("", "x", "50", "nan", "nans", "infs", "-1s", "s", "1e400s", NOT_UTF8)
SHARES = ("", "x", "nan", "inf", "-0.1", "1.5", NOT_UTF8)
for flag in ("jitter", "compute", "silence", "absence", "answer"):
    WRONG[flag] = TIMES
WRONG |= {
    "delay": (*TIMES, "uniform:2s:1s", "normal:1s", "lognormal:1s:nan", "empirical:nowhere.csv", "empirical:"),
    "loss": (*SHARES, "1"),
    "duplicate": SHARES,
    "reorder": ("", "x", "0.1", "0.1:", ":1s", "nan:1s", "0.1:nans", "2:1s", NOT_UTF8),
    "bandwidth": ("", "x", "64", "0kbit", "-1kbit", "nankbit", "infkbit", NOT_UTF8),
    "outage": ("", "x", "VPP1", "VPP9:1s:2s", "VPP1:2s:1s", "VPP1-VPP1:1s:2s", "VPP1:x:y", NOT_UTF8),
    "partition": ("", "x", "VPP1/VPP1:1s:2s", "VPP1/VPP2:2s:1s", "/:1s", "VPP1/VPP9:1s", NOT_UTF8),
    "settings": ("", "x", "market.growth=1", "carbon.growth=x", "carbon.growth=-1", "vpps.VPP9.label=x", NOT_UTF8),
    "time": ("", "x", "Virtual", NOT_UTF8),
    "on_loss": ("", "x", "nan", NOT_UTF8),
}


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from leaves(each, (*path, name))
        else:
            yield (*path, name), each


def wrong_values(parameter: click.Parameter) -> Sequence[str]:
    """By its own name, else by its type; a flag without a value has none."""
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return ()
    if parameter.name in WRONG:
        return WRONG[parameter.name]
    if isinstance(parameter.type, click.Choice):
        return ("", "x", "FULL ", NOT_UTF8)
    assert isinstance(parameter.type, click.IntRange | click.FloatRange) or parameter.name in ("seed",), parameter
    beyond = getattr(parameter.type, "max", None)
    return (*NUMBERS, *([] if beyond is None else [str(beyond + 1)]))


def given(path: tuple[str, ...], parameter: click.Parameter, value: str) -> list[str]:
    """The command line with this value, and all else as it has to be."""
    needed = [*NEEDED.get(path, ()), *BESIDE.get((path[-1], parameter.name or ""), ())]
    if isinstance(parameter, click.Option):
        flag = parameter.opts[0]
        if flag in needed:
            at = needed.index(flag)
            del needed[at : at + 2]
        if flag == "--token-file" and "--token" in needed:
            at = needed.index("--token")
            del needed[at : at + 2]
        return [*path, *needed, f"{flag}={value}"]
    arguments = [p.name for p in dict(leaves(commands))[path].params if isinstance(p, click.Argument)]
    place = arguments.index(parameter.name)
    return [*path, "--", *needed[:place], value, *needed[place + 1 :]]


CASES = [
    pytest.param(path, parameter, id=f"{'-'.join(path)}-{parameter.name}")
    for path, each in leaves(commands)
    if path != ("sweep",)  # whose values are of many runs: tests/app/test_sweep.py has what is wrong with them
    and path[0] != "import"  # whose flags are of data: tests/app/test_importing_broken.py has what is wrong
    for parameter in each.params
    if wrong_values(parameter)
]


@pytest.fixture
def here(tmp_path: Path, default_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run and with what stands in the way; no day is run in it."""
    (tmp_path / "run").symlink_to(default_run)
    (tmp_path / "a_file").write_text("nothing", encoding="utf-8")
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "a_full_folder").mkdir()
    (tmp_path / "a_full_folder" / "a_file").write_text("nothing", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def not_run(*_: object, **__: object) -> None:
        raise RunError("it was not refused")

    monkeypatch.setattr(run_command, "run_day", not_run)
    monkeypatch.setattr(node_command, "serve_nodes", not_run)
    monkeypatch.setattr(page_server, "serve", not_run)
    return tmp_path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the page's server imports
@pytest.mark.in_turn
@pytest.mark.parametrize(("path", "parameter"), CASES)
def test_each_wrong_value_is_told_in_one_line(
    path: tuple[str, ...], parameter: click.Parameter, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.rglob("*"))
    failed = []
    for value in wrong_values(parameter):
        arguments = given(path, parameter, value)
        code = command(list(arguments))
        told = capsys.readouterr()
        errors = [line for line in told.err.splitlines() if line.startswith("error: ")]
        if code != 2 or len(errors) != 1 or "Traceback" in told.err or told.out:
            failed.append(ascii((arguments[len(path) :], code, told.err[-400:], told.out[:100])))
    assert failed == []
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("target", [(), ("two_vpp",), ("run",)])
@pytest.mark.parametrize("flag", ["--token", "--token-file", "--keys"])
def test_what_only_a_broker_asks_for_is_refused_where_there_is_none(
    flag: str, target: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["view", *target, flag, "a_file"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: RUN: only a run at tcp://… is looked at with {flag}; got ")


def test_a_watching_token_in_a_variable_is_no_flag(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPPMARKET_WATCH_TOKEN", "0" * 32)
    assert command(["view", "two_vpp"]) == 4  # it would have been served


def takes_a_path(case: Any) -> bool:
    parameter: click.Parameter = case.values[1]
    return isinstance(parameter.type, PathValue)


PATHS = [case for case in CASES if takes_a_path(case)]


@pytest.mark.parametrize(("path", "parameter"), PATHS)
@pytest.mark.parametrize("text", ["ü" * 128, "./" * 2048], ids=["part", "whole"])
def test_a_path_that_no_system_takes_is_refused_by_its_length(
    path: tuple[str, ...], parameter: click.Parameter, text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(given(path, parameter, text)) == 2
    told = capsys.readouterr().err
    limit = 255 if text.startswith("ü") else 4095
    assert f"has at most {limit} bytes; got '{text[:20]}" in told
    assert parameter.make_metavar(click.Context(commands)) in told or parameter.opts[0] in told
    assert len(told) < 300
