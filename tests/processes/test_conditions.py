"""Claims: real processes under real conditions come to the undisturbed prices, or say why not, in both times.

Conditions come by flags and by scenario. The same seed gives the same tape however slow a node is, another seed
another one; a market that cannot end so ends as `stalled` or `cycling`, with its tape and trace complete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import fsum
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import psutil
import pytest

from broker.tape import AuditGiven, Ended, MessageSaid, Record, TurnGiven, read_tape
from market.app.results.network_tables import MOST_ROWS
from market.game.result import Verdict
from market.scenario.cases import copy_case
from tests.processes.command import finish, manifest, node_processes, rows, run, start
from tests.tapes import of_kind, offers_of, said_by_vpps

LOGNORMAL = ("--delay", "lognormal:50ms:1", "--seed", "5")


@dataclass(frozen=True)
class Condition:
    """Flags, a section `network` of the scenario, or both."""

    flags: tuple[str, ...] = ()
    section: Sequence[str] = field(default_factory=tuple)


CONDITIONS = {
    "constant": Condition(("--delay", "500ms")),
    "lognormal": Condition(LOGNORMAL),
    "another seed": Condition((*LOGNORMAL[:2], "--seed", "6")),
    "one VPP at 2 s": Condition(section=["delay_s: 0.05", "links: [{vpp: VPP3, delay_s: 2.0}]"]),
    "jitter": Condition(("--delay", "uniform:10ms:90ms", "--jitter", "50ms", "--reorder", "0.3:200ms")),
    "loss 20 %": Condition(("--delay", "50ms", "--loss", "0.2")),
    "loss 40 %": Condition(section=["delay_s: 0.05", "loss: 0.4"]),
    "duplication": Condition(("--delay", "lognormal:50ms:0.5", "--duplicate", "0.1")),
    "64 kbit/s": Condition(("--delay", "50ms", "--bandwidth", "64kbit")),
    "outage": Condition(("--delay", "50ms", "--outage", "VPP1-VPP3:0.2s:10.2s")),
    "healing partition": Condition(
        section=[
            "delay_s: 0.05",
            "partitions: [{groups: [[VPP1, VPP2], [VPP3, VPP4, VPP5]], start_s: 0.3, end_s: 6}]",
        ]
    ),
    "stalled": Condition(("--delay", "50ms", "--partition", "VPP1,VPP2/VPP3,VPP4,VPP5:0.2s")),
    "stalled in wall time": Condition(
        ("--time", "wall", "--partition", "VPP1,VPP2/VPP3,VPP4,VPP5:0.7s"), ["delay_s: 0.05", "stall_after_s: 1"]
    ),
}
STALLED = ("stalled", "stalled in wall time")
DISTURBED = [name for name in CONDITIONS if name not in STALLED]


@dataclass(frozen=True)
class Run:
    """How a run ended, and its folder."""

    exit_code: int
    errors: str
    folder: Path

    @property
    def network(self) -> dict[str, Any]:
        told: dict[str, Any] = manifest(self.folder)["network"]
        return told

    @property
    def tape(self) -> list[Record]:
        return list(read_tape(self.folder / "tape.msgpack"))


def carried_out(condition: Condition, folder: Path, held_up: Callable[[int], None] | None = None) -> Run:
    """A run to its end; `held_up` is given its process id while it is under way."""
    folder.mkdir()
    scenario: str | Path = "five_vpp"
    if condition.section:
        scenario = copy_case("five", folder)
        text = (scenario / "scenario.yaml").read_text(encoding="utf-8")
        section = "".join(f"  {line}\n" for line in condition.section)
        changed, count = re.subn(r"^network:\n(?: .*\n)+", f"network:\n{section}", text, flags=re.MULTILINE)
        assert count == 1
        (scenario / "scenario.yaml").write_text(changed, encoding="utf-8")
    process = start("run", scenario, "--out", folder / "run", "--quiet", *condition.flags)
    if held_up:
        held_up(process.pid)
    ended = finish(process)
    return Run(ended.returncode, ended.stderr, folder / "run")


class Runs(dict[str, Run]):
    """A run of every condition, carried out when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, name: str) -> Run:
        self[name] = carried_out(CONDITIONS[name], self.folder / str(len(self)))
        return self[name]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("conditions"))


def prices(folder: Path) -> dict[tuple[str, str], float]:
    return {(row["vpp"], row["period"]): float(row["price_cny_per_mwh"]) for row in rows(folder, "offers")}


@pytest.mark.parametrize("name", DISTURBED)
def test_no_condition_changes_the_answer(name: str, runs: Runs, default_run: Path) -> None:
    found = runs[name]
    assert found.exit_code == 0, found.errors
    assert manifest(found.folder)["verdict"] == "equilibrium"
    assert prices(found.folder) == pytest.approx(prices(default_run), rel=0, abs=1e-6)
    assert found.network["time_to_equilibrium_s"] > 0.0


MARKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "constant": lambda told: told["delay_min_s"] == told["delay_max_s"] == 0.5,
    "one VPP at 2 s": lambda told: (told["delay_min_s"], told["delay_max_s"]) == (0.05, 2.0),
    "jitter": lambda told: told["late"] > 0,
    "loss 20 %": lambda told: abs(_lost_share(told) - 0.2) < 0.07 and told["undeliverable"] == 0,
    "loss 40 %": lambda told: abs(_lost_share(told) - 0.4) < 0.07 and told["undeliverable"] == 0,
    "duplication": lambda told: told["duplicated"] > 0,
    "64 kbit/s": lambda told: told["delay_max_s"] > told["delay_min_s"] > 0.05,
    "outage": lambda told: told["lost"] > 0 and told["time_to_equilibrium_s"] > 10.0,
    "healing partition": lambda told: told["time_to_equilibrium_s"] > 6.0,
}
"""What each condition is known by."""


def _lost_share(told: dict[str, Any]) -> float:
    share: float = told["lost"] / (told["sent"] + told["resent"])
    return share


def test_no_condition_leaves_no_mark(default_run: Path) -> None:
    plain = manifest(default_run)["network"]
    assert plain["time_to_equilibrium_s"] == plain["delay_max_s"] == plain["lost"] == plain["late"] == 0


@pytest.mark.parametrize("name", [name for name in CONDITIONS if name in MARKS])
def test_each_condition_leaves_its_mark(name: str, runs: Runs) -> None:
    told = {
        key: round(value, 9) if isinstance(value, float) else value for key, value in runs[name].network.items()
    }
    assert MARKS[name](told), told


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_tables_of_the_network_agree_with_manifest_and_tape(name: str, runs: Runs) -> None:
    folder, told = runs[name].folder, runs[name].network
    links = rows(folder, "links")
    for column in ("sent", "delivered", "lost", "resent", "duplicated", "late", "undeliverable", "bytes"):
        assert sum(int(row[column]) for row in links) == told[column], column
    assert told["delivered"] + told["undeliverable"] <= told["sent"]
    mean_s = fsum(int(row["delivered"]) * float(row["delay_mean_s"] or 0) for row in links) / told["delivered"]
    assert mean_s == pytest.approx(told["delay_mean_s"])
    moments = rows(folder, "network")
    assert max(int(row["in_flight"]) for row in moments) == told["largest_in_flight"]
    assert max(int(row["queued"]) for row in moments) == told["largest_queue"]
    assert [float(row["time_s"]) for row in moments] == sorted(float(row["time_s"]) for row in moments)
    news = rows(folder, "staleness")
    assert max(float(row["staleness_s"]) for row in news) == told["largest_staleness_s"]
    tape = runs[name].tape
    offers = len(offers_of(tape))
    assert len(news) == offers if offers <= MOST_ROWS else MOST_ROWS / 2 <= len(news) <= MOST_ROWS  # thinned
    assert len(said_by_vpps(tape)) == told["published"]
    delivered = sum(len(record.refs) for record in of_kind(tape, TurnGiven))
    assert delivered == told["delivered"] or "wall" in name  # only in virtual time is there a record of turns


def test_a_day_in_one_process_has_no_network(in_process_run: Path) -> None:
    assert manifest(in_process_run)["network"] is None
    assert not {"links.csv", "network.csv", "staleness.csv"} & {path.name for path in in_process_run.iterdir()}


# --- ends that are no equilibrium ---


@pytest.mark.parametrize("name", STALLED)
def test_a_partition_that_never_heals_is_stalled_and_names_who_waits(name: str, runs: Runs) -> None:
    found = runs[name]
    assert found.exit_code == 3, found.errors
    document = manifest(found.folder)
    assert document["verdict"] == "stalled"
    assert document["network"]["time_to_equilibrium_s"] is None
    assert document["network"]["undeliverable"] > 0
    stalled = [row["period"] for row in rows(found.folder, "periods") if row["verdict"] == "stalled"]
    assert stalled
    stories = [record[2] for record in evidence(found.folder) if record[1] == "stalled"]
    assert len(stories) == len(stalled)
    assert all("VPP" in story and " waits for VPP" in story and " since " in story for story in stories)
    assert_complete(found, "stalled")
    if name == "stalled in wall time":
        assert document["durations_s"]["trading"] < 15.0


def evidence(folder: Path) -> list[tuple[int, str, str]]:
    told = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))
    return [(entry["period"], entry["verdict"], entry["evidence"]) for entry in told["periods"]]


def assert_complete(found: Run, verdict: str) -> None:
    """The tape has its end, with everybody's audit; every price on it is in the trace."""
    tape = found.tape
    assert tape[-1] == Ended(Verdict(verdict))
    vpps = manifest(found.folder)["vpps"]
    assert sorted(record.vpp for record in of_kind(tape, AuditGiven)) == sorted(vpps)
    offers = {(record.sender, str(offer.version)) for record, offer in offers_of(tape)}
    traced = {(row["vpp"], row["round"]) for row in rows(found.folder, "trace") if row["quantity"] == "price"}
    assert offers == traced


EDGEWORTH = """\
title: Two sellers, a buyer who takes the cheaper and one who hardly minds
horizon: {periods: 1, period_h: 1.0}
market: {choice_temperature_cny_per_mwh: 20, base_power_mw: 0.001}
carbon: {mode: flat, flat_price_cny_per_t: 0}
network: {delay_s: 0.05}
vpps:
  - {id: S1, wt: {}}
  - {id: S2, wt: {}}
  - {id: B1, satisfaction: 1.6666666666666667}
  - {id: B2, satisfaction: 0.0016666666666666668}
"""
EDGEWORTH_DAY = """\
period,retail_cny_per_mwh,feed_in_cny_per_mwh,S1_load_mw,S1_wt_mw,S2_load_mw,S2_wt_mw,B1_load_mw,B2_load_mw
1,1200,300,0.0,50.0,0.0,60.0,1.0,100.0
"""


def test_a_market_that_cycles_says_so_and_shows_the_cycle(tmp_path: Path) -> None:
    """Why it cycles is told where the game is tested, by `contested_and_captive`."""
    (tmp_path / "scenario.yaml").write_text(EDGEWORTH, encoding="utf-8")
    (tmp_path / "profiles.csv").write_text(EDGEWORTH_DAY, encoding="utf-8")
    ended = run("run", tmp_path, "--out", tmp_path / "run", "--quiet")
    assert ended.returncode == 3
    found = Run(ended.returncode, ended.stderr, tmp_path / "run")
    ((_, verdict, story),) = evidence(found.folder)
    assert verdict == manifest(found.folder)["verdict"] == "cycling"
    assert story.startswith("prices of S1, S2 repeat after ")
    assert " → " in story
    assert_complete(found, "cycling")
    assert fsum(float(row["delivered_mw"]) for row in rows(found.folder, "offers")) == 0.0


@pytest.fixture(scope="module")
def pure_choice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the default case with τ = 0."""
    scenario = copy_case("pure", tmp_path_factory.mktemp("pure_choice"))
    text = (scenario / "scenario.yaml").read_text(encoding="utf-8")
    changed, count = re.subn(r"choice_temperature_cny_per_mwh: 50\b", "choice_temperature_cny_per_mwh: 0", text)
    assert count == 1
    (scenario / "scenario.yaml").write_text(changed, encoding="utf-8")
    return scenario


CYCLE_STORY = re.compile(
    r"prices of .* repeat after (?P<length>\d+) (rounds|steps), "
    r"between (?P<low>\d+) and (?P<high>\d+) CNY/MWh: \(.*\) → … \d+ more … → \(.*\)$"
)


def prices_on_the_way(folder: Path, period: int) -> list[float]:
    """Every price that was offered for a period, in order."""
    mine = (row for row in rows(folder, "trace") if int(row["period"]) == period and row["quantity"] == "price")
    return [float(row["value"]) for row in mine]


@pytest.mark.parametrize("way", [(), ("--in-process",)], ids=["processes", "in process"])
def test_without_crowding_a_glut_ends_as_cycling_and_scarcity_rests(
    way: tuple[str, ...], pure_choice: Path, tmp_path: Path
) -> None:
    ended = run("run", pure_choice, "--out", tmp_path / "run", "--quiet", *way)
    assert ended.returncode == 3, ended.stderr
    found = Run(ended.returncode, ended.stderr, tmp_path / "run")
    assert manifest(found.folder)["verdict"] == "cycling"
    verdicts = {int(row["period"]): row["verdict"] for row in rows(found.folder, "periods")}
    assert {period for period, verdict in verdicts.items() if verdict == "cycling"} == set(range(10, 17))
    assert {period for period, verdict in verdicts.items() if verdict == "no_trade"} == set(range(17, 22))
    assert set(verdicts.values()) == {"cycling", "no_trade", "equilibrium"}
    cycles = [(period, story) for period, verdict, story in evidence(found.folder) if verdict == "cycling"]
    for period, story in cycles:
        told = CYCLE_STORY.match(story)
        assert told
        assert len(story) < 300
        path = prices_on_the_way(found.folder, period)
        assert len(path) > int(told["length"])  # at each step of a cycle somebody moves
        assert {float(told["low"]), float(told["high"])} <= set(path)
    if not way:
        assert_complete(found, "cycling")


# --- determinism ---


def pulses(seed: int, command: int) -> None:
    """Stop and wake nodes of a run at random until it has no nodes any more."""
    random, pause, seen = Random(seed), Event(), False
    while True:
        nodes = node_processes(command)
        if not nodes and (seen or not psutil.pid_exists(command)):
            return
        try:
            seen = seen or len(nodes) == 5
            if seen:
                victim = random.choice(nodes)
                victim.suspend()
                pause.wait(random.uniform(0.01, 0.08))
                victim.resume()
        except psutil.NoSuchProcess:
            continue
        pause.wait(random.uniform(0.0, 0.02))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seed", [1, 2])
def test_slow_nodes_leave_the_same_tape_and_tables(seed: int, runs: Runs, tmp_path: Path) -> None:
    slowed = carried_out(Condition(LOGNORMAL), tmp_path / "slowed", partial(pulses, seed))
    assert slowed.exit_code == 0, slowed.errors
    for name in ("tape.msgpack", "links.csv", "network.csv", "staleness.csv", "trace.csv", "offers.csv"):
        assert (slowed.folder / name).read_bytes() == (runs["lognormal"].folder / name).read_bytes(), name


def test_another_seed_leaves_another_tape(runs: Runs) -> None:
    one, other = (runs[name].folder / "tape.msgpack" for name in ("lognormal", "another seed"))
    assert one.read_bytes() != other.read_bytes()


# --- wall time ---


def message_rounds(tape: Sequence[Record], delay_s: float) -> int:
    """The longest chain of messages on a tape of which each can have been an answer to the one before."""
    said = [(record.time_s, record.sender) for record in said_by_vpps(tape)]
    longest: list[tuple[float, str, int]] = []
    for time_s, sender in said:
        before = (n for sent_s, who, n in longest if who != sender and sent_s + delay_s <= time_s)
        longest.append((time_s, sender, 1 + max(before, default=0)))
    return max(n for _, _, n in longest)


def first_said_s(found: Run) -> float:
    return of_kind(found.tape, MessageSaid)[0].time_s


def test_virtual_time_takes_exactly_as_long_as_its_message_rounds_say(runs: Runs) -> None:
    """The last message of the longest chain is said when all the others have travelled."""
    found, delay_s = runs["constant"], 0.5
    told_s = (message_rounds(found.tape, delay_s) - 1) * delay_s
    assert told_s > 0.0
    assert found.network["time_to_equilibrium_s"] - first_said_s(found) == pytest.approx(told_s, abs=1e-6)


def test_wall_time_takes_no_less_than_its_message_rounds_say(tmp_path: Path, default_run: Path) -> None:
    """How much more depends on the machine: `scripts/bench/network.py` measures it."""
    delay_s = 0.05
    found = carried_out(Condition(("--time", "wall", "--delay", "50ms")), tmp_path / "wall")
    assert found.exit_code == 0, found.errors
    assert prices(found.folder) == pytest.approx(prices(default_run), rel=0, abs=1e-6)
    assert found.network["delay_min_s"] == pytest.approx(delay_s)
    taken_s = found.network["time_to_equilibrium_s"] - first_said_s(found)
    assert manifest(found.folder)["durations_s"]["trading"] <= taken_s
    assert taken_s >= message_rounds(found.tape, delay_s) * delay_s - 1e-6
