"""Claims: whatever of a run folder is altered, no command that reads it ends in a traceback or believes it.

Every field of a manifest and of a certificate is left out and exchanged for every odd value in turn; every column
of every table holds what it cannot. What is refused names the field; what the tape contradicts is a difference.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from market.app.cli.main import command
from market.app.feeds.recorded import RecordedFeed
from market.app.replay.derived import OBSERVED
from market.app.report import write
from market.app.results.columns import DAY_TABLES, NETWORK_TABLES
from market.errors import ScenarioError
from market.scenario import load_scenario
from tests.app.commands import error_lines, vppmarket
from tests.sampling import sampled

ODD: tuple[Any, ...] = (None, "x", "\x1b[2J", -1, 2**70, 1.5, True, [], {}, [[{}]], ["x"], {"a": {"b": []}})
DEEP = "[" * 900 + "]" * 900
ALLOWED = {"report": (0, 2), "compare": (0, 2), "replay": (0, 2, 4), "run": (2,)}
Path_ = tuple[str | int, ...]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest") / "run"
    arguments = ("run", "two_vpp", "--delay", "10ms", "--jitter", "5ms", "--out", folder, "--quiet")
    assert vppmarket(*arguments, cwd=folder.parent).returncode == 0
    return folder


@pytest.fixture
def run(honest: Path, tmp_path: Path) -> Path:
    shutil.copytree(honest, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "day_drawings", lambda run: [])
    monkeypatch.setattr(write, "network_drawings", lambda run, window: [])


def paths(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where everything in a document stands."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in inside:
        yield (*path, name)
        yield from paths(entry, (*path, name))


def altered(document: Any) -> Iterator[tuple[Path_, Any]]:
    """The document with one thing left out, or exchanged."""
    for path in paths(document):
        for value in (..., *ODD):
            changed = copy.deepcopy(document)
            place = changed
            for name in path[:-1]:
                place = place[name]
            if value is ...:
                del place[path[-1]]
            else:
                place[path[-1]] = value
            if changed != document or repr(changed) != repr(document):
                yield path, changed


def outcome(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """How a command ends, in this process, and all that it says; never with a traceback or a raw control."""
    code = command([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert "fault of the program" not in err
    assert "\x1b" not in out + err
    if code == 2:
        assert all(line.startswith(("error: ", "note: ")) for line in err.splitlines())
    return code, out + err


@pytest.mark.usefixtures("no_pictures")
def test_every_field_of_a_manifest_altered_is_refused_by_name_or_read(
    honest: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    refused = 0
    cases = list(altered(manifest))
    tried = sampled(cases, len(cases) // 9, "manifest")
    for number, (path, changed) in enumerate(tried):
        (run / "manifest.json").write_text(json.dumps(changed))
        reading = [("report", run), ("compare", run, honest), ("replay", run), ("run", "--resume", run)]
        codes = []
        for arguments in reading if number % 9 == 0 else reading[3:]:
            code, said = outcome(capsys, *arguments)
            codes.append(code)
            assert code in ALLOWED[str(arguments[0])]
            if "manifest.json: " in said:
                assert any(str(name) in said for name in path), (path, said)
                refused += 1
    assert refused > len(tried) / 2


def test_what_the_tape_gives_the_lie_to_is_a_difference(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    lies: dict[str, Any] = {
        "epsilon_cny": 1e-9,
        "epsilon_relative": 0.5,
        "rounds": 99,
        "verdict": "cycling",
        "seed": 9,
        "periods": {"equilibrium": 6},
        "broken_laws": ["x"],
        "laws_not_claimed": ["x"],
        "title": "another",
        "laws_not_checked": [{"law": "x", "vpps": ["Farm"]}],
        "withdrawn": ["Farm"],
        "time_mode": "wall",
        "in_process": True,
        "vpps": ["Village", "Farm"],
        "rest_time_s": 9.0,
        "scenario": "five_vpp",
        "scenario_digest": "0" * 64,
        "public_digest": "0" * 64,
        "tape_sha256": "0" * 64,
        "tape": "other",
        "files": {**manifest["files"], "offers.csv": "0" * 64},
    }
    lies |= {
        "audit": {**manifest["audit"], "asked": "totals"},
        "counters": {**manifest["counters"], "sent": 1},
        "network": {**manifest["network"], "late": 77},
        "conditions": {**manifest["conditions"], "loss": 0.5},
        "rules": {**manifest["rules"], "horizon": {"periods": 5, "period_h": 4.0}},
        "possible_saving_cny": 5.0,
        "day": {"rounds": 2, "settled_round": 0, "agreed": True, "regrets_cny": 0.0, "regret_cny": {"Farm": 0.0}},
    }
    for name, lie in lies.items():
        (run / "manifest.json").write_text(json.dumps({**manifest, name: lie}))
        code, said = outcome(capsys, "replay", run, "--json")
        (difference,) = json.loads(said[: said.rindex("}") + 1])["differences"]
        assert code == 4
        assert {value["place"].split(".")[0].split("[")[0] for value in difference["values"]} == {name}
    assert manifest.keys() - lies.keys() == {"format", "undisclosed_plants", *OBSERVED} - {"error", "tape_sha256"}


@pytest.mark.parametrize("text", ["", "[", DEEP, "[1]", "NaN", '{"seed": 1, "seed": 2}', "\ufeff{}", '{"a":' * 99])
def test_what_is_no_manifest_is_refused(text: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "manifest.json").write_text(text)
    for arguments in (("report", run), ("compare", run, run), ("replay", run)):
        code, said = outcome(capsys, *arguments)
        assert code == 2
        assert "manifest.json" in said
    with pytest.raises(ScenarioError, match=r"manifest\.json"):
        RecordedFeed(run)


@pytest.mark.usefixtures("no_pictures")
def test_every_field_of_a_certificate_altered_is_refused_or_read(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = json.loads((run / "certificate.json").read_text())
    for number, (_, changed) in enumerate(altered(certificate)):
        if number % 11 == 0:
            (run / "certificate.json").write_text(json.dumps(changed))
            assert outcome(capsys, "report", run)[0] in (0, 2)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", [*DAY_TABLES, *NETWORK_TABLES])
def test_every_column_of_a_table_is_checked(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / f"{name}.csv"
    header, first, *rows = path.read_text().splitlines()
    for place, column in enumerate(header.split(",")):
        for odd in ("\x1b[31mVPP", "9" * 40, "1e300"):
            cells = first.split(",")
            cells[place] = odd
            path.write_text("\n".join((header, ",".join(cells), *rows)) + "\n")
            code, said = outcome(capsys, "compare", run, run)
            if column != "sdr":
                assert (code, f"{name}.csv" in said) == (2, True), (column, odd)
        without = [",".join(c for at, c in enumerate(line.split(",")) if at != place) for line in (header, first)]
        path.write_text("\n".join(without) + "\n")
        assert outcome(capsys, "compare", run, run)[0] == 2


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def without_a_row(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def with_a_blank_line(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def exchanged(path: Path) -> None:
    """By a pipe, which must not be waited for."""
    path.unlink()
    os.mkfifo(path)


def files_of(run: Path) -> list[str]:
    """Whatever a run has written, but for what tells of it."""
    names = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    return sorted(names - {"manifest.json"})


@pytest.mark.sampled(2)
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("alter", [cut, without_a_row, with_a_blank_line, Path.unlink, exchanged])
def test_every_file_that_is_not_what_the_run_wrote_is_named(
    alter: Callable[[Path], None], honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By all who read the folder: whoever reads that very file may refuse it instead, and then names it, too."""
    for name in files_of(honest):
        run = tmp_path / name.replace("/", "_")
        shutil.copytree(honest, run)
        alter(run / name)
        for arguments in (("report", run), ("compare", honest, run), ("replay", run)):
            code, said = outcome(capsys, *arguments)
            assert (run / name).name in said, (arguments, said)
            assert code == {"report": 0, "compare": 0, "replay": 4}[str(arguments[0])] or code == 2
            assert code == 2 or f"{name} (" in said or "replay" in arguments
        if (run / "report.html").exists():
            assert f"{name} (" in (run / "report.html").read_text(encoding="utf-8")


def test_the_page_names_what_it_shows_that_is_not_what_the_run_wrote(run: Path) -> None:
    assert RecordedFeed(run).status().fault == ""
    with_a_blank_line(run / "offers.csv")  # the page makes its tables anew
    assert RecordedFeed(run).status().fault == ""
    with_a_blank_line(run / "scenario" / "profiles.csv")
    assert "scenario/profiles.csv (altered)" in RecordedFeed(run).status().fault
    cut(run / "tape.msgpack")
    assert "tape.msgpack (altered)" in RecordedFeed(run).status().fault


@pytest.mark.usefixtures("no_pictures")
def test_a_folder_whose_manifest_has_no_digests_is_read_as_before(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    del manifest["files"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    without_a_row(run / "trace.csv")
    assert outcome(capsys, "report", run) == (0, f"{run / 'report.html'}\n")


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.01])
def test_a_tape_that_is_cut_under_a_manifest_of_a_complete_run_can_be_taken_up_without_that(
    share: float, run: Path, honest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = run / "tape.msgpack"
    assert "got a run that is complete; look at it" in outcome(capsys, "run", "--resume", run)[1]
    tape.write_bytes(tape.read_bytes()[: int(share * tape.stat().st_size) - 1])
    code, said = outcome(capsys, "run", "--resume", run)
    assert code == 2
    if share < 0.1:  # not even the scenario is left
        assert "tape that was altered since; put the whole tape back" in said
        return
    assert (
        "by its manifest.json, with a tape that was cut since; put the whole tape back, from where it is; or,"
        in said
    )
    assert "move manifest.json away" in said
    (run / "manifest.json").rename(run.parent / "manifest.json")
    assert vppmarket("run", "--resume", run, "--quiet", cwd=run.parent).returncode == 0
    assert outcome(capsys, "report", run)[0] == 0
    assert (run / "periods.csv").read_bytes() == (honest / "periods.csv").read_bytes()


def test_a_tape_that_holds_something_else_is_to_be_put_back(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = run / "tape.msgpack"
    tape.write_bytes(tape.read_bytes().replace(b"clearing", b"Clearing") + b"more")
    told = (
        "got a run that is complete, with a tape that was altered since; put the whole tape back, from where it is"
    )
    assert told in outcome(capsys, "run", "--resume", run)[1]


def with_other_load(folder: Path) -> None:
    """Another plant of Farm."""
    path = folder / "profiles.csv"
    header, first, *rows = path.read_text().splitlines()
    place = header.split(",").index("Farm_load_mw")
    cells = first.split(",")
    cells[place] = repr(float(cells[place]) + 0.125)
    path.write_text("\n".join((header, ",".join(cells), *rows)) + "\n")


def test_another_plant_in_the_folder_is_named_by_replay_and_resume(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_other_load(run / "scenario")
    code, said = outcome(capsys, "replay", run)
    assert code == 4
    assert "scenario/: recorded another plant of Farm" in said
    (run / "manifest.json").unlink()
    (run / "tape.msgpack").write_bytes((run / "tape.msgpack").read_bytes()[:4000])
    code, said = outcome(capsys, "run", "--resume", run)
    assert code == 2
    assert "another plant of Farm" in said


def test_a_foreign_scenario_in_the_folder_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from market.scenario import write_scenario

    shutil.rmtree(run / "scenario")
    write_scenario(load_scenario("five_vpp"), run / "scenario")
    code, said = outcome(capsys, "replay", run)
    assert code == 4
    assert "other VPPs: VPP1" in said


@pytest.mark.parametrize("what", ["nothing", "file", "empty", "scenario"])
def test_what_is_no_run_cannot_be_taken_up(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "place"
    if what == "file":
        place.write_text("")
    elif what != "nothing":
        place.mkdir()
    for name in ("run", "broker"):
        code, said = outcome(capsys, name, "--resume", place)
        assert code == 2
        assert "name the folder of a run" in said


def test_a_tape_alone_says_what_nothing_vouches_for(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(run / "tape.msgpack", alone)
    told = vppmarket("replay", alone, cwd=tmp_path).stdout
    assert "scenario's name: not checked, no manifest" in told
    assert "seed: not checked" not in told  # what was drawn shows in when messages arrived
    wall = tmp_path / "wall"
    done = vppmarket("run", "two_vpp", "--time", "wall", "--out", wall, "--quiet", cwd=tmp_path)
    assert done.returncode == 0
    assert "not checked" not in vppmarket("replay", wall, cwd=tmp_path).stdout
    (wall / "manifest.json").unlink()
    told = vppmarket("replay", wall, cwd=tmp_path).stdout
    assert "seed: not checked, no manifest" in told
    assert "times: not checked, no manifest" in told


def test_control_characters_of_others_are_shown_escaped(run: Path, tmp_path: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "title": "\x1b]0;x\x07\u202e\x9b2J\nerror: none"}))
    for arguments in (("compare", run, run), ("replay", run), ("replay", run, "--json")):
        done = vppmarket(*arguments, cwd=tmp_path)
        assert not set(done.stdout + done.stderr) & set("\x1b\x07\u202e\x9b")
    assert error_lines(vppmarket("replay", run, cwd=tmp_path)) != ["error: none"]
