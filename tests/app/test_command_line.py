"""Claims about the command line: exit codes, what goes to which stream, and how errors are told."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from market.app.cli.main import command
from market.app.results.run_metadata import RunMetadata
from market.app.runs import in_process
from market.errors import RunError
from market.settlement.outcome import MarketOutcome
from tests.app.commands import error_lines, vppmarket
from tests.processes.command import COMMAND, manifest, rows

FILES = {
    *("manifest.json", "certificate.json", "roles.csv", "bids.csv", "offers.csv", "selections.csv"),
    *("periods.csv", "dispatch.csv", "costs.csv", "trace.csv", "scenario"),
}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A scenario of our own, copied from the smallest built-in case."""
    assert vppmarket("new", "mine", "--from", "two_vpp", cwd=tmp_path).returncode == 0
    return tmp_path / "mine"


def edit(case: Path, old: str, new: str) -> None:
    text = (case / "scenario.yaml").read_text(encoding="utf-8")
    assert old in text
    (case / "scenario.yaml").write_text(text.replace(old, new), encoding="utf-8")


# --- a run that ends well ---


def test_a_copied_case_checks_and_runs(case: Path) -> None:
    done = vppmarket("check", "mine", cwd=case.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("mine is sound: 2 VPPs (Farm, Village), 6 periods of 4 h")
    done = vppmarket("run", "mine", "--in-process", cwd=case.parent)
    assert (done.returncode, done.stderr) == (0, "")
    (folder,) = (case.parent / "runs").iterdir()
    assert folder.name.startswith("mine-20")
    assert {path.name for path in folder.iterdir()} == FILES
    assert str(folder.relative_to(case.parent)) in done.stdout


def test_the_summary_shows_verdict_roles_prices_and_costs(tmp_path: Path) -> None:
    done = vppmarket("run", "five_vpp", "--in-process", "--out", "day", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for expected in ("equilibrium", "Roles: S sells", "price in CNY/MWh, probability", "Costs in CNY", "Carbon"):
        assert expected in done.stdout
    first = next(row for row in rows(tmp_path / "day", "offers") if row["period"] == "10")
    assert f"{float(first['price_cny_per_mwh']):.2f}" in done.stdout
    system = [row for row in rows(tmp_path / "day", "costs") if row["vpp"] == "system"]
    for row in system:
        assert f"{round(float(row['total_cny'])):,}" in done.stdout


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    done = vppmarket("run", "two_vpp", "--in-process", "--json", "--out", "day", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["exit_code"], told["verdict"], told["folder"]) == (0, "equilibrium", "day")
    assert told.items() >= manifest(tmp_path / "day").items()
    offers = told["tables"]["offers"]
    assert [(o["vpp"], o["period"]) for o in offers] == [("Farm", 2), ("Farm", 3), ("Farm", 4), ("Village", 5)]
    assert [repr(o["price_cny_per_mwh"]) for o in offers] == [
        row["price_cny_per_mwh"] for row in rows(tmp_path / "day", "offers")
    ]


def test_quiet_says_nothing(tmp_path: Path) -> None:
    done = vppmarket("run", "two_vpp", "--in-process", "--quiet", "--out", "day", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_progress_is_shown_to_a_person_only(tmp_path: Path) -> None:
    keyboard, screen = pty.openpty()
    arguments = [str(COMMAND), "run", "two_vpp", "--in-process", "--out", "day"]
    with subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=screen) as running:
        os.close(screen)
        shown = b""
        try:
            while chunk := os.read(keyboard, 65536):
                shown += chunk
        except OSError:  # the other end is closed: the command has ended
            pass
        out, _ = running.communicate(timeout=150)
    os.close(keyboard)
    assert running.returncode == 0
    assert all(stage in shown for stage in (b"planning", b"trading", b"settling"))
    assert b"\x1b" not in out


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [COMMAND, "run", "two_vpp", "--in-process", "--out", "day"],
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=150,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_schema_is_json_and_help_names_the_commands(tmp_path: Path) -> None:
    schema = json.loads(vppmarket("schema", cwd=tmp_path).stdout)
    assert schema["properties"]["vpps"]
    told = vppmarket(cwd=tmp_path)
    assert told.returncode == 0
    assert all(name in told.stdout for name in ("run", "check", "new", "schema"))


# --- bad input: exit code 2 ---


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "--frobnicate"), "no such option '--frobnicate'"),
        (("run", "two_vpp", "again"), "unexpected extra argument (again)"),
        (("run", "--seed", "one"), "'one' is not a whole number of 0 or more"),
        (("run", "--seed", "-1"), "'-1' is not a whole number of 0 or more"),
        (("run", "--time", "noon"), "--time: must be one of: virtual, wall; got 'noon'"),
        (("run", "--in-process", "--time", "wall"), "--time: one process has no network; got 'wall'"),
        (
            ("run", "--delay", "50"),
            "--delay: must be a number and a unit (us, ms, s); got '50'; write it like 50ms",
        ),
        (("run", "--delay", "-1s"), "got '-1s'"),
        (("run", "--delay", "lognormal:50ms"), "got 'lognormal:50ms'"),
        (("run", "--loss", "1"), "--loss: must be a number >= 0 and < 1, or null; got 1.0"),
        (("run", "--outage", "VPP1-VPP9:2s:12s"), "--outage [0].to: must be the id of a VPP; got 'VPP9'"),
        (("run", "--in-process", "--delay", "50ms"), "--delay: one process has no network"),
        (("run", "nowhere"), "'nowhere': must be a scenario folder or the name of a built-in case"),
        (("check",), "missing argument 'SCENARIO'"),
        (("check", "nowhere"), "built-in cases: duopoly, five_vpp"),
        (("new",), "missing argument 'NAME'"),
        (("new", "x", "--from", "nowhere"), "'nowhere': must be"),
        (("new", "no/such/folder/x"), "no such file or directory"),
        (("sell",), "no such command 'sell'"),
    ],
)
def test_bad_arguments_give_one_clear_line(arguments: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    done = vppmarket(*arguments, cwd=tmp_path)
    (line,) = error_lines(done)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected in line
    assert list(tmp_path.iterdir()) == []


def test_all_faults_of_a_scenario_are_shown_at_once(case: Path) -> None:
    edit(case, "price_min_cny_per_mwh: 300", "price_min_cny_per_mwh: -300")
    edit(case, "satisfaction: 0.8 ", "satisfactoin: 0.8 ")
    edit(case, "mode: flat", "mode: round")
    (case / "profiles.csv").write_text("period\n1\n", encoding="utf-8")
    for action in (["check"], ["run", "--in-process"]):
        done = vppmarket(*action, "mine", cwd=case.parent)
        told = "\n".join(error_lines(done))
        assert done.returncode == 2
        for place in ("price_min_cny_per_mwh", "satisfactoin", "mode", "profiles.csv"):
            assert place in told
    assert not (case.parent / "runs").exists()


def test_json_tells_of_bad_input_too(case: Path) -> None:
    edit(case, "mode: flat", "mode: round")
    done = vppmarket("run", "mine", "--in-process", "--json", cwd=case.parent)
    told = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == 2
    assert {"rule", "value", "place", "remedy"} == told["faults"][0].keys()
    error_lines(done)


def test_a_folder_with_anything_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "notes.txt").write_text("mine", encoding="utf-8")
    done = vppmarket("run", "two_vpp", "--in-process", "--out", "day", cwd=tmp_path)
    (line,) = error_lines(done)
    assert done.returncode == 2
    assert "--out day: the run folder must be empty" in line
    assert [path.name for path in (tmp_path / "day").iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_taken_and_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    assert vppmarket("run", "two_vpp", "--in-process", "--quiet", "--out", "day", cwd=tmp_path).returncode == 0
    for place in ("day/manifest.json", "day/manifest.json/below"):
        done = vppmarket("run", "two_vpp", "--in-process", "--out", place, cwd=tmp_path)
        assert done.returncode == 2
        assert f"--out {place}: the run folder must be" in error_lines(done)[0]


def test_new_never_overwrites(case: Path) -> None:
    before = (case / "scenario.yaml").read_bytes()
    done = vppmarket("new", "mine", cwd=case.parent)
    assert done.returncode == 2
    assert "must not exist yet" in error_lines(done)[0]
    assert (case / "scenario.yaml").read_bytes() == before


def test_a_day_that_cannot_be_planned_is_bad_input_and_leaves_a_manifest(case: Path) -> None:
    edit(case, "    wt: {}", "    wt: {}\n    exchange: {grid_buy_max_mw: 0}")
    done = vppmarket("run", "mine", "--in-process", "--out", "day", cwd=case.parent)
    assert done.returncode == 2
    assert "Farm" in error_lines(done)[0]
    left = manifest(case.parent / "day")
    assert (left["verdict"], left["scenario"]) == ("aborted", "mine")
    assert "Farm" in left["error"]


# --- no equilibrium: exit code 3 ---


def test_a_day_without_equilibrium_ends_with_3_and_its_evidence(tmp_path: Path) -> None:
    assert vppmarket("new", "hasty", cwd=tmp_path).returncode == 0
    edit(tmp_path / "hasty", "\nmarket:\n", "\nmarket:\n  offer_budget: 5\n")
    done = vppmarket("run", "hasty", "--in-process", "--out", "day", cwd=tmp_path)
    assert done.returncode == 3
    assert "periods 10–16: budget_spent: a seller has moved 5 times" in done.stdout
    assert manifest(tmp_path / "day")["verdict"] == "budget_spent"
    verdicts = {row["period"]: row["verdict"] for row in rows(tmp_path / "day", "periods")}
    assert (verdicts["2"], verdicts["10"], verdicts["18"]) == ("equilibrium", "budget_spent", "no_trade")
    settled = {period for period, verdict in verdicts.items() if verdict == "equilibrium"}
    for row in rows(tmp_path / "day", "selections"):
        assert (float(row["delivered_mw"]) > 0) == (row["period"] in settled)


# --- a run that breaks: exit codes 4 and 130 ---

Runner = Callable[..., tuple[MarketOutcome, RunMetadata]]


def broken_run(monkeypatch: pytest.MonkeyPatch, folder: Path, error: BaseException) -> list[str]:
    """The arguments of a run whose market breaks with this error."""

    def breaks(*_: object) -> tuple[MarketOutcome, RunMetadata]:
        raise error

    monkeypatch.setattr(in_process, "run_in_process", breaks)
    return ["run", "two_vpp", "--in-process", "--out", str(folder)]


def test_a_run_that_breaks_ends_with_4_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = broken_run(monkeypatch, tmp_path / "day", RunError("VPP2's process was killed by signal 9"))
    assert command(arguments) == 4
    assert capsys.readouterr().err == "error: VPP2's process was killed by signal 9\n"
    left = manifest(tmp_path / "day")
    assert (left["verdict"], left["error"]) == ("aborted", "VPP2's process was killed by signal 9")


def test_a_fault_of_the_program_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(broken_run(monkeypatch, tmp_path / "day", ZeroDivisionError("oh"))) == 4
    told = capsys.readouterr().err
    assert "ZeroDivisionError: oh" in told
    assert told.endswith("error: this is a fault of the program; please report it with the lines above\n")


def test_an_interrupted_run_leaves_a_manifest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        command(broken_run(monkeypatch, tmp_path / "day", KeyboardInterrupt()))
    left = manifest(tmp_path / "day")
    assert (left["verdict"], left["error"]) == ("aborted", "interrupted")
    assert {path.name for path in (tmp_path / "day").iterdir()} == {"manifest.json", "scenario"}


def test_a_broken_law_is_an_error_whatever_the_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = in_process.run_in_process

    def loses_a_delivery(*arguments: object) -> tuple[MarketOutcome, RunMetadata]:
        outcome, facts = honest(*arguments)  # type: ignore[arg-type]
        forged = [type(day)(day.declaration, day.before, day.before) for day in outcome.days]
        return MarketOutcome(outcome.periods, tuple(forged)), facts

    monkeypatch.setattr(in_process, "run_in_process", loses_a_delivery)
    assert command(["run", "two_vpp", "--in-process", "--out", str(tmp_path / "day")]) == 4
    told = capsys.readouterr().err
    assert "error: Farm, period 2: the plan with trade carries exactly the delivered power" in told
    assert manifest(tmp_path / "day")["broken_laws"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("module", ["numpy", "market.app.cli.main", "rich.console", "vpp_nodes.dispatch"])
def test_an_interrupt_during_imports_is_one_line_and_130(module: str, tmp_path: Path) -> None:
    interrupts_itself = f"""
import importlib.abc, os, signal, sys

class Trap(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Trap())
sys.argv = ["vppmarket", "run", "two_vpp", "--in-process", "--out", "day"]
from market.app.entry import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", interrupts_itself],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_an_interrupt_that_a_library_took_for_an_error_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market.app.cli.main.interrupted", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        command(["check", "no_such_case"])


def test_an_interrupt_that_python_drops_is_not_lost(tmp_path: Path) -> None:
    # Raised inside a destructor, a KeyboardInterrupt goes no further. Compiled code prints it besides.
    code = """
import os, signal, sys
import market.app.cli.main as cli

class Trap:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

honest = cli.command

def command(arguments):
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())
    Trap()
    return honest(arguments)

cli.command = command
sys.argv = ["vppmarket", "run", "five_vpp", "--in-process", "--out", "day"]
from market.app.entry import main
sys.exit(main())
"""
    arguments = [sys.executable, "-c", code]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=150)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
