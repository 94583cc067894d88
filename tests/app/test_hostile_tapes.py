"""Claims: no tape, however it was altered, is taken for an honest one, ends in a traceback, or never ends.

Every value and every list of a real tape is altered in every way listed here, every record is left out, said twice
or exchanged with every other, with checksums that fit: each is refused by the reader, or shows in the replay as a
difference. What a tape cannot tell by itself (its seed where nothing is random, its scenario's name) its manifest
does.
"""

from __future__ import annotations

import copy
import json
import os
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from broker.tape import TAPE_NAME, Shared
from broker.tape.records import entry_of
from market.app.feeds.recorded import RecordedFeed
from market.app.replay.export import export_run
from market.app.replay.tally import Tally, replayed
from market.errors import TapeError
from market.model.network import Constant, LinkOverride, Links, NetworkRules
from market.model.rules import Horizon
from market.model.vpp import Vpp
from market.scenario import load_scenario
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario
from tests.app.commands import error_lines, vppmarket
from tests.app.replayed_tapes import STEPS, any_death, finished, market_of, scenario_with
from tests.sampling import sampled, whole
from tests.tapes import Entry, entries, records_of, written

ODD: tuple[Any, ...] = (
    *(None, "", "x", 0, -1, 2**53, 2**63, 1.5, -1.5, 1e300, float("nan"), float("inf"), True),
    *(b"", bytes(7), bytes(8), [], {}, {"a": 1}, [[]], ["x"], [1, 2]),
)
NTH = 11
SEED, NAME = ("tape", 4), ("scenario", 1, 0)
"""Where the two stand that a tape alone cannot vouch for."""


@cache
def tape(kind: str) -> tuple[Entry, ...]:
    """A day of two VPPs, as it is read back: `virtual`, `wall`, or with deaths on the way."""
    values = {
        "virtual": {},
        "wall": {"network.time": "wall", "network.delay_s": 0.01, "network.loss": 0.1},
        "deaths": {"network.on_loss": "wait", "network.delay_s": 0.01},
    }[kind]
    run = finished(market_of(scenario_with(values), seed=3), any_death(3), 30 if kind == "deaths" else STEPS)
    return tuple(entries(records_of(entries(run.tape))))


@cache
def plants() -> Mapping[str, Vpp]:
    return {vpp.id: vpp for vpp in load_scenario("two_vpp").vpps}


def judged(records: list[Entry]) -> Tally | None:
    """The replay of a tape beside its plants; None if it is refused."""
    try:
        return replayed(records_of(records), None, plants())
    except TapeError:
        return None


def passes(records: list[Entry]) -> bool:
    """Whether this is taken for the tape of a complete run that can be relied on."""
    tally = judged(records)
    return tally is not None and tally.complete and not tally.differing


def nodes(value: list[Any], path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Where every value of a record stands, lists included."""
    for index, entry in enumerate(value):
        yield (*path, index)
        if isinstance(entry, list):
            yield from nodes(entry, (*path, index))


def at(value: Any, path: tuple[int, ...]) -> Any:
    for index in path:
        value = value[index]
    return value


def bent(value: Any) -> Any:
    """Another value of the same kind, as near as can be; None where there is none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, bytes):
        first = struct.unpack_from("<d", value)[0] if value else 0.0
        return struct.pack("<d", bent(first)) + value[8:]
    if isinstance(value, int):
        return value + 1
    return (value * (1 + 1e-12) if value else 1e-12) if isinstance(value, float) else None


def alterations(value: Any) -> Iterator[Any]:
    """Everything that this value is exchanged for."""
    others: list[Any] = [bent(value), *ODD]
    if isinstance(value, list):
        others += [value[:-1], [*value, None], [*value, *value[-1:]], [None, *value], value[::-1]]
    yield from (other for other in others if repr(other) != repr(value))


def altered(kind: str) -> Iterator[tuple[tuple[Any, ...], list[Entry]]]:
    """Each tape with one value altered, and where that stands."""
    honest = tape(kind)
    for place, record in enumerate(honest):
        for path in nodes(record):
            for value in alterations(at(record, path)):
                changed = copy.deepcopy(record)
                at(changed, path[:-1])[path[-1]] = value
                yield (record[0], *path), [*honest[:place], changed, *honest[place + 1 :]]


def reordered(kind: str) -> Iterator[list[Entry]]:
    """Each tape with a record left out, said twice, or exchanged with another."""
    honest = list(tape(kind))
    for place, record in enumerate(honest):
        yield honest[:place] + honest[place + 1 :]
        yield [*honest[:place], record, *honest[place:]]
        for other in range(place + 1, len(honest)):
            changed = list(honest)
            changed[place], changed[other] = honest[other], record
            yield changed


def a_part_of(
    cases: Iterator[tuple[tuple[Any, ...], list[Entry]]],
) -> Iterator[tuple[tuple[Any, ...], list[Entry]]]:
    """One of NTH of them, from another one on with each commit; all of them with --whole."""
    kept = set(sampled(range(NTH), 1, "altered"))
    return (case for number, case in enumerate(cases) if number % NTH in kept)


def test_the_honest_ones_pass() -> None:
    assert all(passes(list(tape(kind))) for kind in ("virtual", "wall", "deaths"))
    assert {entry[0] for entry in tape("deaths")} > {"left", "back"}


def test_every_altered_value_is_refused_or_shows() -> None:
    slipped = {where for where, records in a_part_of(altered("virtual")) if passes(records)}
    assert slipped <= {SEED, NAME}


def test_seed_and_name_are_nobody_s_business_but_the_owner_s() -> None:
    """What a run is called, and a seed where nothing is random, may be anything; else the claim above is empty."""
    assert {where for where, records in altered("virtual") if where in (SEED, NAME) and passes(records)} == {
        SEED,
        NAME,
    }


def test_every_record_left_out_doubled_or_exchanged_is_refused_or_shows() -> None:
    slipped = [records for records in reordered("virtual") if passes(records)]
    assert slipped == []


def test_no_record_is_doubled_in_real_time_without_being_noticed() -> None:
    honest = list(tape("wall"))
    kinds = {record[0] for record in honest}
    slipped = [record for place, record in enumerate(honest) if passes([*honest[:place], record, *honest[place:]])]
    assert slipped == []
    assert {"done", "message", "command"} <= kinds


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["wall", "deaths"])
def test_nothing_altered_ends_in_anything_but_a_refusal_or_a_judgement(kind: str) -> None:
    """Real times and how a process ended are observations: only the manifest's digest vouches for them."""
    other, moved = (5, 9) if whole() else (23, 31)
    told = [judged(records) for number, (_, records) in enumerate(altered(kind)) if number % other == 0]
    told += [judged(records) for number, records in enumerate(reordered(kind)) if number % moved == 0]
    assert told.count(None) > len(told) / 2


def exported(records: list[Entry], folder: Path) -> Path:
    """The run folder of a whole day."""
    started = datetime.fromisoformat("2026-03-01T12:00:00+01:00")
    return export_run(records_of(records), folder, started, load_scenario("two_vpp"))


@pytest.mark.parametrize(("where", "value"), [(SEED, 8), (NAME, "five_vpp")])
def test_what_the_tape_cannot_vouch_for_its_manifest_does(
    where: tuple[Any, ...], value: Any, tmp_path: Path
) -> None:
    records = [list(copy.deepcopy(entry)) for entry in tape("virtual")]
    place = next(n for n, entry in enumerate(records) if entry[0] == where[0])
    run = exported(records, tmp_path / "run")
    assert vppmarket("replay", run, "--plants", "two_vpp", cwd=tmp_path).returncode == 0
    at(records[place], where[1:-1])[where[-1]] = value
    told = vppmarket("replay", written(records, tmp_path / "run"), "--json", cwd=tmp_path)
    assert told.returncode == 4
    (difference,) = json.loads(told.stdout)["differences"]
    values = {entry["place"]: entry["computed"] for entry in difference["values"]}
    assert difference["what"] == "manifest"
    assert values.keys() == {"tape_sha256", "seed" if where == SEED else "scenario"}
    assert value in values.values()


def test_the_whole_tape_is_held_against_the_manifests_digest(tmp_path: Path) -> None:
    records = list(tape("virtual"))
    run = exported(records, tmp_path / "run")
    honest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**honest, "tape_sha256": "0" * 64}))
    told = vppmarket("replay", run, cwd=tmp_path)
    assert told.returncode == 4
    assert "tape_sha256: recorded 0000" in told.stdout
    (run / "manifest.json").write_text("[")
    told = vppmarket("replay", run, cwd=tmp_path)
    assert told.returncode == 2
    assert "manifest.json: it must be readable JSON" in error_lines(told)[0]


# --- everybody who reads refuses --------------------------------------------------------------------------------


def first(records: list[Entry], kind: str) -> Entry:
    return next(entry for entry in records if entry[0] == kind)


def drop_first(records: list[Entry], kind: str) -> None:
    records.remove(first(records, kind))


HOSTILE: dict[str, tuple[Callable[[list[Entry]], object], str]] = {
    "a map as key": (lambda tape: tape.insert(3, [{"a": 1}, 0.0]), "not_msgpack"),
    "a kind that is a list": (lambda tape: tape.insert(3, [["turn"], 1]), "is no kind of record"),
    "a short header": (lambda tape: tape[0].pop(), "tape must be a list of 6 fields"),
    "text for a number": (lambda tape: first(tape, "turn").__setitem__(1, "one"), "must be an integer"),
    "an epoch of 2^63": (lambda tape: first(tape, "epoch").__setitem__(1, 2**63), "must be an integer"),
    "an epoch called x": (lambda tape: first(tape, "epoch").__setitem__(1, "x"), "must be an integer"),
    "a late first epoch": (lambda tape: first(tape, "epoch").__setitem__(1, 2), "epoch 2 follows 0"),
    "an endless time": (lambda tape: first(tape, "epoch").__setitem__(2, float("inf")), "must be a finite double"),
    "a time that is none": (lambda tape: first(tape, "turn").__setitem__(2, float("nan")), "must be a finite"),
    "a time before all": (lambda tape: first(tape, "turn").__setitem__(2, -1.0), "its time is -1 s"),
    "a time beyond all": (lambda tape: first(tape, "epoch").__setitem__(2, 1e300), "its time is 1e+300 s"),
    "two headers": (lambda tape: tape.insert(2, tape[0]), "there is one already"),
    "no header": (lambda tape: tape.pop(0), "does not begin with a tape's header"),
    "two scenarios": (lambda tape: tape.insert(2, tape[1]), "there is one already"),
    "no scenario": (lambda tape: tape.pop(1), "does not hold its scenario"),
    "an altered scenario": (lambda tape: tape[1][1].__setitem__(1, "another title"), "it was altered"),
    "another's header": (lambda tape: tape[0].__setitem__(3, "f" * 64), "that of another scenario"),
    "a header of others": (lambda tape: tape[0].__setitem__(5, ["Farm"]), "tells of other VPPs"),
    "an epoch of strangers": (lambda tape: first(tape, "epoch").__setitem__(3, ["Mallory"]), "no VPP 'Mallory'"),
    "an epoch of twins": (
        lambda tape: first(tape, "epoch").__setitem__(3, ["Farm", "Farm"]),
        "not in the scenario",
    ),
    "an epoch of nobody": (lambda tape: first(tape, "epoch").__setitem__(3, []), "an epoch of nobody"),
    "a stranger's loss": (lambda tape: tape.insert(2, ["left", 0.0, "Mallory", "x"]), "no VPP 'Mallory'"),
    "a return of who is here": (lambda tape: tape.insert(2, ["back", 0.0, "Farm"]), "comes back when it is here"),
    "a message of a stranger": (
        lambda tape: first(tape, "message").__setitem__(3, "Mallory"),
        "not on the roster",
    ),
    "a message of another epoch": (lambda tape: first(tape, "message").__setitem__(2, 7), "of epoch 7 in epoch 1"),
    "a message out of number": (
        lambda tape: first(tape, "message").__setitem__(4, 2),
        "message 2 of Farm after 0",
    ),
    "a turn of a stranger": (lambda tape: first(tape, "turn").__setitem__(3, "Mallory"), "not on the roster"),
    "a message nobody said": (lambda tape: first(tape, "turn")[4][1].__setitem__(0, 9), "was not said"),
    "an order to a stranger": (lambda tape: first(tape, "command").__setitem__(3, "Mallory"), "not on the roster"),
    "an audit of a stranger": (lambda tape: first(tape, "audit").__setitem__(1, "Mallory"), "not on the roster"),
    "an audit of other days": (
        lambda tape: first(tape, "audit")[2][1].__setitem__(0, bytes(8)),
        "plan is not for 6 periods",
    ),
    "an audit of less": (
        lambda tape: first(tape, "audit").__setitem__(2, None),
        "not as much of one plan as of the other",
    ),
    "an audit of more than was asked for": (
        lambda tape: tape[0].__setitem__(6, "totals"),
        "is asked to show another part of its day",
    ),
    "a trade with a stranger": (
        lambda tape: [e for e in tape if e[0] == "command"][-1][4][1][3][1][0].__setitem__(0, "Mallory"),
        "trades with 'Mallory'",
    ),
    "a trade of another day": (
        lambda tape: [e for e in tape if e[0] == "command"][-1][4][1][3][0].__setitem__(0, 6),
        "in period 7 of 6",
    ),
    "an end without audits": (lambda tape: drop_first(tape, "audit"), "out of turn"),
    "more after the end": (lambda tape: tape.append(["left", 0.0, "Farm", "x"]), "comes after the last one"),
    "an unknown kind": (lambda tape: tape.insert(3, ["weather", "fine"]), "is no kind of record"),
    "a confirmation in virtual time": (
        lambda tape: tape.insert(7, ["done", 0.0, "Farm", [1, 1, [], []]]),
        "a confirmation of Farm in virtual time",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_run_leaves_is_refused_with_its_place_by_all_who_read(name: str, tmp_path: Path) -> None:
    change, story = HOSTILE[name]
    records = copy.deepcopy(list(tape("virtual")))
    change(records)
    with pytest.raises(TapeError) as refusal:
        records_of(records)
    assert story in str(refusal.value)
    assert "(record " in str(refusal.value)
    with pytest.raises(TapeError):
        RecordedFeed(written(records, tmp_path / "run"))


@pytest.mark.parametrize("command", ["replay", "resume", "view"])
def test_the_commands_refuse_without_a_traceback(command: str, tmp_path: Path) -> None:
    records = copy.deepcopy(list(tape("virtual")))
    first(records, "epoch")[2] = float("inf")
    run = written(records, tmp_path / "run")
    arguments = {"resume": ("run", "--resume", run), "replay": ("replay", run), "view": ("view", run)}[command]
    told = vppmarket(*arguments, cwd=tmp_path)
    assert told.returncode == 2
    assert "must be a finite double" in error_lines(told)[0]
    assert "Traceback" not in told.stderr


# --- scenarios that carry a digest of their own -----------------------------------------------------------------


def forged(scenario: Scenario, network: NetworkRules | None = None, horizon: Horizon | None = None) -> Shared:
    """A scenario's record whose digests are those of what is in it, whatever that is."""
    from market.scenario.digest import seal_public

    rules = scenario.public
    public = seal_public(horizon or rules.horizon, rules.tariff, rules.market, rules.carbon)
    name, title = scenario.name, scenario.title
    return Shared(seal_scenario(name, title, public, scenario.vpps, network or scenario.network).shared)


def test_a_scenario_that_none_could_have_written_is_refused_though_its_digest_fits() -> None:
    honest = load_scenario("two_vpp")
    stranger = LinkOverride(Links(sender="Mallory"), latency=Constant(1.0))
    cases = {
        "periods is 1099511627776": forged(honest, horizon=Horizon(2**40, 1.0)),
        "period_h is 0.0": forged(honest, horizon=Horizon(6, 0.0)),
        "is not for 7 periods": forged(honest, horizon=Horizon(7, 4.0)),
        "stall_after_s is inf": forged(honest, network=NetworkRules(stall_after_s=float("inf"))),
        "value_s is -1.0": forged(honest, network=NetworkRules(links=(
            LinkOverride(Links(vpp="Farm"), latency=Constant(-1.0)),))),
        "speaks of Mallory": forged(honest, network=NetworkRules(links=(stranger,))),
        "its roster is none": Shared(replace(honest.shared, roster=("Farm", "Farm"))),
        "a name that no VPP may have": Shared(replace(honest.shared, roster=("Farm", "broker"))),
        "one digest for each plant": Shared(replace(honest.shared, plant_digests=())),
    }  # fmt: skip
    for story, record in cases.items():
        header = [*tape("virtual")[0]]
        header[3], header[5] = record.scenario.digest, list(record.scenario.roster)
        with pytest.raises(TapeError, match=r"no market's scenario") as refusal:
            records_of([header, entry_of(record)])
        assert story in str(refusal.value)


# --- files that are none ----------------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "socket"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    run.mkdir()
    place = run / TAPE_NAME
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        monkeypatch.chdir(run)  # a socket's path may not be long
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(TAPE_NAME)
    for arguments in (("replay", run), ("run", "--resume", run), ("view", run)):
        told = vppmarket(*arguments, cwd=tmp_path)
        assert told.returncode == 2
        assert "no tape: it is " in error_lines(told)[0]
