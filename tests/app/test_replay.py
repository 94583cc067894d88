"""Claims: a replay finds every decision of an honest tape again, to the last digit, and any that was altered.

Real plants in memory; the commands on the folders of real runs.
"""

from __future__ import annotations

import copy
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.tape import TAPE_NAME, TAPE_VERSION, time_of
from broker.tape.records import record_of
from broker.wire.frames import WIRE_VERSION
from market.app.replay.decision import Agreement, Decision, differences
from market.app.replay.tally import Tally
from market.app.replay.tally import replayed as replayed_records
from market.app.replay.vpp_replay import NOT_SHOWN
from market.errors import TapeError
from market.scenario import load_scenario
from market.scenario.cases import case_folder
from tests.app.commands import error_lines, vppmarket
from tests.app.replayed_tapes import STEPS, any_death, finished, market_of, scenario_with
from tests.tapes import Entry, entries, records_of, written

LOSSY = {"network.delay_s": 0.05, "network.loss": 0.2}
WALL = {"network.time": "wall", "network.delay_s": 0.01, "network.loss": 0.05}
WAITS = {"network.on_loss": "wait"}


def taped(values: dict[str, Any], folder: Path, case: str = "five_vpp", *, deaths: bool = False) -> list[Entry]:
    """The tape of a day, as it is read back."""
    run = market_of(scenario_with(values, case), seed=3)
    finished(run, any_death(3), 300 if deaths else STEPS)
    return entries(records_of(entries(run.tape)))


def replayed(tape: list[Entry], until_s: float | None = None) -> Tally:
    """The replay of these entries, beside the plants of their roster."""
    records = records_of(tape)
    case = "five_vpp" if len(tape[0][5]) == 5 else "two_vpp"
    return replayed_records(records, until_s, {vpp.id: vpp for vpp in load_scenario(case).vpps})


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """The tape of a day in virtual time, with two VPPs."""
    return taped({}, tmp_path_factory.mktemp("honest"), "two_vpp")


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """The tape of the default day under delay and loss."""
    return taped(LOSSY, tmp_path_factory.mktemp("lossy"))


def all_the_same(tally: Tally) -> bool:
    return not tally.differing and tally.number(Agreement.NOT_RECORDED) == 0 and tally.complete


def count(tally: Tally, what: str) -> int:
    return sum(number for (_, kind, _), number in tally.counts.items() if kind == what)


def test_every_decision_of_a_day_with_delay_and_loss_comes_out_again(lossy: list[Entry]) -> None:
    tally = replayed(lossy)
    assert all_the_same(tally)
    messages = [r[5][0] for r in lossy if r[0] == "message"]
    for what, kind in (("declaration", "Declared"), ("offer", "Offer"), ("selection", "Selection")):
        assert count(tally, what) == messages.count(kind) > 4
    assert count(tally, "turn") == sum(r[0] == "turn" for r in lossy) > 250
    assert (count(tally, "audit"), count(tally, "trade"), count(tally, "verdicts")) == (5, 5, 1)


def test_every_decision_of_a_day_in_real_time_comes_out_again(tmp_path: Path) -> None:
    tape = taped(WALL, tmp_path)
    tally = replayed(tape)
    assert not tally.differing
    assert tally.complete
    offers = sum(r[0] == "message" and r[5][0] == "Offer" for r in tape)
    assert count(tally, "offer") == offers > 50
    assert tally.number(Agreement.NOT_RECORDED) < 5  # said while it was being concluded


@pytest.mark.parametrize("rule", ["gradient", "tatonnement"])
@pytest.mark.parametrize("time", ["virtual", "wall"])
def test_rules_that_remember_are_given_their_acts_in_order(rule: str, time: str, tmp_path: Path) -> None:
    tally = replayed(taped({"market.price_rule": rule, "network.time": time}, tmp_path, "two_vpp"))
    assert all_the_same(tally)


@pytest.mark.parametrize(("time", "start_s"), [("virtual", 0.015), ("wall", 0.0)])
def test_a_market_that_stalls_is_found_to_stall(time: str, start_s: float, tmp_path: Path) -> None:
    outage = {"vpp": "Farm", "start_s": start_s, "end_s": None}
    values = {"network.time": time, "network.delay_s": 0.01, "network.outages": [outage]}
    tape = taped(values, tmp_path, "two_vpp")
    assert tape[-1] == ["end", "stalled"]
    assert all_the_same(replayed(tape))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("values", [WAITS, WAITS | LOSSY, WAITS | WALL, {"network.on_loss": "withdraw"}])
def test_deaths_void_what_was_under_way_and_nothing_else(values: dict[str, Any], tmp_path: Path) -> None:
    tape = taped(values, tmp_path, deaths=True)
    tally = replayed(tape)
    assert sum(r[0] == "epoch" for r in tape) > 2
    assert not tally.differing
    assert tally.complete
    assert tally.number(Agreement.SAME) > 300


# --- plants that are here, and plants that are not ---


def without_plants(tape: list[Entry]) -> Tally:
    return replayed_records(records_of(tape))


def test_without_plants_only_what_they_decided_is_not_computed_again(lossy: list[Entry]) -> None:
    tally, whole = without_plants(lossy), replayed(lossy)
    assert not tally.differing
    assert tally.complete
    assert tally.number(Agreement.NOT_RECORDED) == 0
    unknown = {key: n for key, n in tally.counts.items() if key[2] is Agreement.NOT_RECOMPUTED}
    vpps = [f"VPP{number}" for number in range(1, 6)]
    assert {(who, what) for who, what, _ in unknown} == {(v, w) for v in vpps for w in ("audit", "declaration")}
    assert list(tally.unknown.values()) == [vpps]
    assert sum(tally.counts.values()) == sum(whole.counts.values())


def test_one_plant_that_is_here_is_computed_again_and_the_others_are_not(honest: list[Entry]) -> None:
    (farm, _) = load_scenario("two_vpp").vpps
    tally = replayed_records(records_of(honest), None, {"Farm": farm})
    assert list(tally.unknown.values()) == [["Village"]]
    assert tally.counts["Farm", "audit", Agreement.SAME] == 1
    assert not tally.differing


def test_a_declaration_that_was_altered_shows_also_where_its_plant_is_not_here(honest: list[Entry]) -> None:
    """What others made of the honest one cannot have been made of this."""
    place = first_of(honest, kind="message", of="Declared", after=5)

    def change(tape: list[Entry]) -> None:
        declaration = tape[place][5][1][0]
        declaration[3] = with_double(declaration[3], 1, 1.25 * doubles(declaration[3])[1])

    assert without_plants(altered(honest, change)).differing
    assert any(decision.what == "declaration" for decision in replayed(altered(honest, change)).differing)


def totals_of(plan: Entry) -> Entry:
    """A recorded plan as the totals of it."""
    kind, fields = plan
    assert kind == "DispatchPlan"
    emission_t, quota_t, costs, _, gap_cny = fields[14:19]
    return ["PlanTotals", [sum(costs[:-1]), costs[-1], emission_t, quota_t, gap_cny]]


def with_audits(tape: list[Entry], shown: Callable[[Entry], Entry | None]) -> list[Entry]:
    """The tape of a run whose VPPs have shown less of their days."""
    return [
        [*entry[:2], shown(entry[2]), shown(entry[3]), None, None] if entry[0] == "audit" else list(entry)
        for entry in tape
    ]


def test_totals_are_compared_as_totals(honest: list[Entry]) -> None:
    shown = with_audits(honest, totals_of)
    assert all_the_same(replayed(shown))
    last = next(entry for entry in reversed(shown) if entry[0] == "audit")
    last[3][1][0] += 1e-9
    (decision,) = replayed(shown).differing
    assert (decision.who, decision.what) == ("Village", "audit")
    assert [difference.place for difference in decision.differences] == ["after.operation_cny"]


def test_of_what_was_not_shown_nothing_is_compared_and_that_is_said(honest: list[Entry]) -> None:
    tally = replayed(with_audits(honest, lambda plan: None))
    assert not tally.differing
    assert tally.complete
    assert tally.unknown == {NOT_SHOWN: ["Farm", "Village"]}


def test_the_command_finds_plants_in_the_runs_folder_or_where_it_is_told(
    honest: list[Entry], tmp_path: Path
) -> None:
    run = written(honest, tmp_path / "run")
    alone = vppmarket("replay", run, cwd=tmp_path)
    assert (alone.returncode, alone.stderr) == (0, "")
    assert "not recomputed: what was private to Farm, Village (plants that are not here" in alone.stdout
    named = vppmarket("replay", run, "--plants", "two_vpp", cwd=tmp_path)
    assert (named.returncode, named.stderr) == (0, "")
    assert "not recomputed:" not in named.stdout
    shutil.copytree(case_folder("two_vpp"), run / "scenario")
    document = json.loads(vppmarket("replay", run, "--json", cwd=tmp_path).stdout)
    assert (document["not_recomputed"], document["unknown"], document["different"]) == (0, {}, 0)


def test_a_plant_that_did_not_take_part_is_refused_by_name(honest: list[Entry], tmp_path: Path) -> None:
    run = written(honest, tmp_path / "run")
    other = tmp_path / "other"
    shutil.copytree(case_folder("two_vpp"), other)
    text = (other / "profiles.csv").read_text(encoding="utf-8")
    header, *rows = text.splitlines()
    column = header.split(",").index("Village_load_mw")
    cells = rows[0].split(",")
    cells[column] = repr(float(cells[column]) + 0.125)
    (other / "profiles.csv").write_text("\n".join((header, ",".join(cells), *rows[1:])) + "\n")
    told = vppmarket("replay", run, "--plants", other, cwd=tmp_path)
    assert told.returncode == 2
    assert [line for line in error_lines(told) if "another plant of Village" in line]
    assert not [line for line in error_lines(told) if "another plant of Farm" in line]
    strangers = vppmarket("replay", run, "--plants", "five_vpp", cwd=tmp_path)
    assert strangers.returncode == 2
    assert "it must hold plants of this run" in error_lines(strangers)[0]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("rule", ["wait", "withdraw"])
def test_why_an_epoch_began_and_with_whom_is_computed_again(rule: str, tmp_path: Path) -> None:
    tape = taped({"network.on_loss": rule, "network.delay_s": 0.01}, tmp_path, deaths=True)
    epochs = [place for place, entry in enumerate(tape) if entry[0] == "epoch"]
    assert not replayed(tape).differing
    reasons = {tape[place][4].split()[-1] for place in epochs}
    assert reasons & {"back", "resumed", "withdrawn"}
    assert "joined" in reasons
    for place in epochs:
        changed = copy.deepcopy(tape)
        changed[place][4] = "somebody felt like it"
        (decision,) = replayed(changed).differing
        assert (decision.who, decision.what) == ("broker", "epoch")
        assert [difference.place for difference in decision.differences] == ["why"]


def test_differing_whole_numbers_can_be_told() -> None:
    (difference,) = differences({"n": 3}, {"n": 2**60})
    assert str(difference) == f"n: recorded 3, computed {2**60}"


# --- what was altered ---


def first_of(tape: list[Entry], *, kind: str, of: str = "", after: int = 0) -> int:
    """The place of a record: of a kind, and of a kind of message."""
    return next(i for i, r in enumerate(tape) if i > after and r[0] == kind and (not of or of == r[5][0]))


def doubles(data: bytes) -> list[float]:
    """The numbers of an array on the tape."""
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def with_double(data: bytes, index: int, value: float) -> bytes:
    """The array with another number in one place."""
    return data[: 8 * index] + struct.pack("<d", value) + data[8 * index + 8 :]


def altered(tape: list[Entry], change: Callable[[list[Entry]], object]) -> list[Entry]:
    tape = copy.deepcopy(tape)
    change(tape)
    return tape


def first_differing(tape: list[Entry]) -> Decision:
    return replayed(tape).differing[0]


def test_one_altered_price_is_caught_and_its_place_named(lossy: list[Entry]) -> None:
    place = first_of(lossy, kind="message", of="Offer", after=200)
    _, time_s, epoch, seller, seq, (_, body) = lossy[place]
    honest_price = doubles(body[2])[1]

    def change(tape: list[Entry]) -> None:
        tape[place][5][1][2] = with_double(body[2], 1, honest_price + 1e-9)

    found = first_differing(altered(lossy, change))
    assert (found.who, found.what, found.epoch, found.detail) == (seller, "offer", epoch, f"message {seq}")
    assert found.time_s <= time_s
    (difference,) = found.differences
    assert difference.place == "price_cny_per_mwh[1]"
    assert (difference.recorded, difference.computed) == (honest_price + 1e-9, honest_price)
    assert 0.0 < difference.size < 1.1e-9


def test_an_altered_price_is_caught_in_real_time_too(tmp_path: Path) -> None:
    tape = taped(WALL, tmp_path)
    place = first_of(tape, kind="message", of="Offer", after=60)
    seller, seq, body = tape[place][3], tape[place][4], tape[place][5][1]

    def change(tape: list[Entry]) -> None:
        tape[place][5][1][2] = with_double(body[2], 0, doubles(body[2])[0] - 1e-9)

    differing = replayed(altered(tape, change)).differing
    assert [seller, "offer", f"message {seq}"] in [[d.who, d.what, d.detail] for d in differing]


def without_last(senders: Entry, numbers: Entry) -> None:
    """References in columns, less the last: of senders those that there are, and which of them it is each time."""
    numbers.pop()
    last = senders[1].pop()
    if last not in senders[1]:
        senders[0].pop(last)
        senders[1] = [place - (place > last) for place in senders[1]]


def test_a_message_that_reached_nobody_is_a_difference_of_the_brokers(lossy: list[Entry]) -> None:
    place = next(i for i, r in enumerate(lossy) if r[0] == "turn" and r[4] and len(r[4][1]) > 1)
    found = first_differing(altered(lossy, lambda tape: without_last(*tape[place][4])))
    assert (found.who, found.what) == ("broker", "turn")
    assert found.differences[0].place.startswith("turn.refs[")


@pytest.mark.parametrize("kind", ["message", "turn", "audit", "command"])
def test_a_record_taken_out_is_noticed(kind: str, honest: list[Entry]) -> None:
    for place in [i for i, record in enumerate(honest) if record[0] == kind]:
        try:
            assert not all_the_same(replayed(honest[:place] + honest[place + 1 :])), honest[place]
        except TapeError:
            continue


def test_differences_are_found_in_their_places() -> None:
    told, ours = (
        {"a": (1.0, [2, 3]), "b": "x", "n": float("nan")},
        {"a": [1.0, [2, 4, 5]], "b": "y", "n": float("nan")},
    )
    found = [(d.place, d.recorded, d.computed) for d in differences(told, ours)]
    assert found == [("a[1][1]", 3, 4), ("a[1][2]", None, 5), ("b", "x", "y")]


# --- tapes that end early ---


def test_a_tape_cut_behind_any_record_is_replayed_as_far_as_it_goes(honest: list[Entry]) -> None:
    for length in range(1, len(honest)):
        tally = replayed(honest[:length])
        assert not tally.differing
        assert not tally.complete


@pytest.mark.parametrize("part", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_until_a_moment_shows_what_stood_then(part: float, lossy: list[Entry]) -> None:
    moment = part * max(r[1] for r in lossy if r[0] == "message")
    tally = replayed(lossy, moment)
    stood = tally.stood
    assert stood is not None
    assert not tally.differing
    before, behind = lossy[: stood["records"]], lossy[stood["records"] :]
    assert not [r for r in behind if (time_s := time_of(record_of(r))) is not None and time_s <= moment]
    offers = {r[3]: r[5][1] for r in before if r[0] == "message" and r[5][0] == "Offer"}
    shown = {(v, p["period"] - 1): x for p in stood["periods"] for v, x in p["price_cny_per_mwh"].items()}
    assert shown == {(v, t): x for v, (_, ts, xs) in offers.items() for t, x in zip(ts, doubles(xs), strict=True)}
    periods = stood["periods"]
    if part == 0.0:
        assert (shown, len(stood["under_way"]), stood["phase"]) == ({}, 20, "trading")
        assert all(p["unconfirmed"] for p in periods)
    elif part == 1.0:
        assert all(p["unconfirmed"] == [] and p["verdict"] == "equilibrium" for p in periods)
    else:
        assert stood["under_way"]
        assert {bool(p["unconfirmed"]) for p in periods} == {True, False}


# --- the command ---


def test_the_command_says_by_its_exit_code_whether_a_run_can_be_relied_on(
    honest: list[Entry], tmp_path: Path
) -> None:
    good = vppmarket("replay", written(honest, tmp_path / "good"), cwd=tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert "decisions are the recorded ones" in good.stdout
    place = first_of(honest, kind="message", of="Selection")

    def change(tape: list[Entry]) -> None:
        requested = tape[place][5][1][4]
        tape[place][5][1][4] = with_double(requested, 0, 0.999 * doubles(requested)[0])

    bad = written(altered(honest, change), tmp_path / "bad")
    told = vppmarket("replay", bad, cwd=tmp_path)
    assert told.returncode == 4
    assert "cannot be relied on" in told.stdout
    assert "requested_mw[0]: recorded " in told.stdout
    assert "one difference from what is computed here" in error_lines(told)[0]
    document = json.loads(vppmarket("replay", bad, "--json", cwd=tmp_path).stdout)
    assert document["exit_code"] == 4
    assert document["differences"][0]["values"][0]["place"] == "requested_mw[0]"
    assert document["largest_difference"] > 0.0


def test_a_torn_tape_is_replayed_up_to_where_it_is_whole(honest: list[Entry], tmp_path: Path) -> None:
    run = written(honest, tmp_path / "torn")
    whole = (run / TAPE_NAME).read_bytes()
    (run / TAPE_NAME).write_bytes(whole[: len(whole) * 2 // 3])
    told = vppmarket("replay", run, cwd=tmp_path)
    assert told.returncode == 0
    assert "bytes of an unfinished record, which were left out" in told.stdout
    assert "the run broke off: what its tape holds was replayed" in told.stdout
    until = vppmarket("replay", run, "--until", "0", cwd=tmp_path)
    assert until.returncode == 0
    assert "At 0 s, after " in until.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tape: tape[0].__setitem__(1, 1), f"tape version 1, this software reads version {TAPE_VERSION}"),
        (
            lambda tape: tape[0].__setitem__(2, 0),
            f"messages of wire version 0, this software reads {WIRE_VERSION}",
        ),
        (lambda tape: tape.pop(1), "does not hold its scenario"),
        (lambda tape: tape[5].__setitem__(0, "massage"), "'massage' is no kind of record"),
        (lambda tape: tape[-1].__delitem__(1), "end must be a list of 1 fields"),
    ],
)
def test_a_tape_that_cannot_be_read_is_refused_with_a_reason(
    change: Callable[[list[Entry]], object], said: str, honest: list[Entry], tmp_path: Path
) -> None:
    run = written(altered(honest, change), tmp_path / "other")
    told = vppmarket("replay", run, cwd=tmp_path)
    assert told.returncode == 2
    assert said in error_lines(told)[0]
    assert told.stdout == ""
    document = json.loads(vppmarket("replay", run, "--json", cwd=tmp_path).stdout)
    assert document["exit_code"] == 2
    assert said in document["error"]


def test_a_moment_that_is_none_is_refused(tmp_path: Path) -> None:
    for moment in ("nan", "-1", "noon"):
        told = vppmarket("replay", tmp_path, "--until", moment, cwd=tmp_path)
        assert told.returncode == 2
        assert "--until" in error_lines(told)[0]


def test_a_folder_without_a_tape_is_refused(tmp_path: Path) -> None:
    for place, said in ((tmp_path, "a folder without one"), (tmp_path / "none", "no such folder")):
        told = vppmarket("replay", place, cwd=tmp_path)
        assert told.returncode == 2
        assert said in error_lines(told)[0]
