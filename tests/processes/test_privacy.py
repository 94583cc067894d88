"""Claims: no number of a plant reaches anybody but its owner before its audit, in a keyed or a keyless market.

After the audit whoever may look on learns what the audit shows, and nothing else. What is searched for is every
number of plants that have no number in common with anything; where: on the wire, on the tape, in the broker's
run folder, in what is printed, in command lines, environments and temporary files, and in whatever a stranger, a
member and a watcher get at the sockets.

Public by the model, and so no secret here (docs/disclosure.md): the rules; ids and digests; each declaration,
which is surplus and deficit by (15), a buyer's own supply P^s by (14) and its k by (17); offers, selections and
what follows from them. The plants have several sources each and limits that cut nothing, so that none of these is
one of their numbers: that is a claim of its own below. Left out of the search is the number of pieces of a cost
curve, a whole number of three digits. An owner's own folder is for the owner alone; its modes are looked at.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

from broker.bus.keys import WATCHER, load_node_keys, public_file, secret_file
from broker.tape import TAPE_NAME, AuditGiven, MessageSaid, read_tape
from broker.wire.messages import BROKER, Declared
from market.app.cli.split import split_scenario
from market.app.runs.tokens import WATCHING, read_token
from market.model.plan import DispatchPlan
from market.scenario.scenario import Scenario
from market.scenario.write import write_scenario
from scripts.bench.proxied_market import ProxiedMarket
from scripts.bench.started_market import Setup, three_free_ports
from scripts.bench.tcp_proxy import BACK, FRONT
from tests.market.unmistakable import digits, plant_numbers, unmistakable
from tests.processes.command import LIMIT_S, finish, run, start
from tests.processes.onlookers import AtTheProcesses, AtTheSockets
from tests.processes.plant_search import PlantSearch, files_in

ROSTER = ("Farm", "Mill", "Village")
SLOWLY = ("--time", "wall", "--delay", "100ms")  # so that there is something to look at
OTHERS = stat.S_IRWXG | stat.S_IRWXO
LOOK_S = 0.05
BEFORE_ANYBODY = 10  # looks
MEMBER = "Farm"
AUDITED = b"\xa5Audit"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return unmistakable(ROSTER)


@pytest.fixture(scope="module")
def secrets(scenario: Scenario) -> PlantSearch:
    """Every number of every plant."""
    return PlantSearch([number for vpp in scenario.vpps for number in plant_numbers(vpp)])


def open_to_others(*folders: Path) -> list[str]:
    """What is below some folders, or one of them itself, that group or others may do anything with."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return [str(path) for path in paths if path.stat().st_mode & OTHERS]


def shown_by(records: Sequence[object]) -> set[str]:
    """The first digits of everything that the audits on a tape show."""
    plans = [plan for r in records if isinstance(r, AuditGiven) for plan in (r.before, r.after)]
    shown = set[str]()
    for plan in plans:
        if isinstance(plan, DispatchPlan):
            arrays = (getattr(plan, field.name) for field in fields(plan))
            shown |= {digits(x) for array in arrays if isinstance(array, np.ndarray) for x in array.tolist()}
    return shown


def only_what_the_audit_shows(found: Mapping[str, list[float]], records: Sequence[object]) -> bool:
    shown = shown_by(records)
    return all(digits(number) in shown for numbers in found.values() for number in numbers)


@dataclass(frozen=True)
class Pried:
    """A market that came to its end while others tried to read it, and what each of them got hold of.

    run : the broker's run folder · owners : folders of those who own a plant, and of nobody else
    wire : everything that passed between nodes and broker, in its order · watched : the tape as it was shown
    kept : by name, what strangers and members have heard and what was found at the processes
    """

    run: Path
    owners: tuple[Path, ...]
    wire: tuple[bytes, ...]
    watched: bytes
    kept: Mapping[str, bytes]

    def before_the_audit(self) -> bytes:
        """What passed before the first audit did."""
        first = next(number for number, piece in enumerate(self.wire) if AUDITED in piece)
        return b"".join(self.wire[:first])


@contextmanager
def readable_files() -> Iterator[None]:
    """As most people have it: what is made without a thought is for everybody to read."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def own_keys(keys: Path, vpp: str, folder: Path) -> None:
    """What the machine of a VPP has: its own pair, and the broker's public key."""
    folder.mkdir(mode=0o700, parents=True)
    for path in (secret_file(keys, vpp), public_file(keys, BROKER)):
        (folder / path.name).write_bytes(path.read_bytes())
        (folder / path.name).chmod(0o600)


def in_parts(scenario: Scenario, folder: Path, audit: str, *, keyed: bool) -> Setup:
    """A market whose plants are at their owners': its folders, and how it is started."""
    split_scenario(scenario, folder / "parts", disclosed=True)
    flags: tuple[str, ...] = (*SLOWLY, "--audit", audit)
    node_flags: tuple[str, ...] = ("--out", str(folder / "nodes" / "{vpp}"), "--audit", audit)
    if keyed:
        assert run("keys", folder / "keys", folder / "parts" / "public").returncode == 0
        for vpp in ROSTER:
            own_keys(folder / "keys", vpp, folder / "own" / vpp)
        flags += ("--keys", str(folder / "keys"))
        node_flags += ("--keys", str(folder / "own" / "{vpp}"))
    parts = folder / "parts"
    return Setup(str(parts / "public"), ROSTER, flags, node_flags, node_scenario=str(parts / "{vpp}"))


@contextmanager
def onlookers(folder: Path, port: int, *, keyed: bool) -> Iterator[dict[str, AtTheSockets]]:
    """Strangers, a member and the watcher, at the broker itself."""
    member = load_node_keys(folder / "own" / MEMBER, MEMBER) if keyed else None
    watcher = load_node_keys(folder / "keys", WATCHER) if keyed else None
    those = {
        "a stranger": AtTheSockets(BACK, port, ROSTER, "stranger"),
        "a greedy stranger": AtTheSockets(BACK, port, ROSTER, "stranger"),
        "a stranger by another's name": AtTheSockets(BACK, port, ROSTER, "Mill"),
        "a member": AtTheSockets(BACK, port, ROSTER, MEMBER, member),
        "a member by the watcher's name": AtTheSockets(BACK, port, ROSTER, WATCHER, member),
        "the watcher": AtTheSockets(BACK, port, ROSTER, WATCHER, watcher),
    }
    those["a greedy stranger"].everything_wanted()
    try:
        yield those
    finally:
        for who in those.values():
            who.close()


def pry(market: ProxiedMarket, those: Mapping[str, AtTheSockets], watch_token: bytes) -> None:
    """Everybody tries once. Without keys strangers have what token they have heard; a member has the run's."""
    for name, who in those.items():
        who.hear()
        if name == "the watcher":
            who.ask(watch_token, from_byte=len(who.pieces()))
            continue
        for token in {bytes(16), *who.tokens()} if "stranger" in name else {bytes.fromhex(market.token)}:
            who.ask_to_join(token) if "stranger" in name else who.ask(token)


def left_watching_token(folder: Path) -> bytes:
    """The watching token that a broker leaves soon after it listens."""
    deadline = time.monotonic() + LIMIT_S
    while not (folder / WATCHING.file).exists() and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    return read_token(folder / WATCHING.file, WATCHING)


def pried(scenario: Scenario, folder: Path, audit: str, *, keyed: bool) -> Pried:
    """A market in parts from its start to its end, with everybody looking."""
    temporary = folder / "temporary"
    temporary.mkdir()
    machine, setup = AtTheProcesses(temporary), in_parts(scenario, folder, audit, keyed=keyed)
    with readable_files(), ProxiedMarket(setup, folder, keep=True) as market:
        market.environment["TMPDIR"] = str(temporary)
        market.open()
        assert market.broker is not None
        token = bytes.fromhex(market.token)
        watch_token = token if keyed else left_watching_token(market.folder)
        with onlookers(folder, market.port, keyed=keyed) as those:
            for _ in range(BEFORE_ANYBODY):
                pry(market, those, watch_token)
                time.sleep(LOOK_S)
            market.join()
            while market.broker.poll() is None:
                pry(market, those, watch_token)
                machine.look([market.broker.pid, *(node.pid for node in market.nodes.values())])
                time.sleep(LOOK_S)
            watcher = those.pop("the watcher")
            watcher.hear()
            watched = watcher.pieces()
            watcher.close()
            heard = {name: b"".join(who.heard) for name, who in those.items()}
        ended = market.end()
        assert (ended.broker, set(ended.nodes)) == (0, {0}), ended.said
        printed = {f"printed by {name}": market.said(name).encode() for name in ("broker", *ROSTER)}
        kept = {**heard, **machine.seen, **printed}
        owners = (folder / "parts", *(folder / "nodes" / vpp for vpp in ROSTER))
        return Pried(market.folder, owners, tuple(market.proxy.heard), watched, kept)


# --- a market in parts, each owner with a folder of its own ---

MARKETS = {"keyless, none": ("none", False), "keyless, full": ("full", False), "keyed, totals": ("totals", True)}


@pytest.fixture(scope="module", params=MARKETS)
def parted(request: pytest.FixtureRequest, scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Pried:
    audit, keyed = MARKETS[request.param]
    return pried(scenario, tmp_path_factory.mktemp("pried"), audit, keyed=keyed)


def test_what_the_model_makes_public_is_no_number_of_a_plant(parted: Pried, secrets: PlantSearch) -> None:
    """Else the search below would be blind, or would blame what has to be said."""
    said = [r.message for r in read_tape(parted.run / TAPE_NAME) if isinstance(r, MessageSaid)]
    declared = [message.declaration for message in said if isinstance(message, Declared)]
    assert len(declared) == len(ROSTER)
    public = {
        digits(number)
        for each in declared
        for field in fields(each)
        if isinstance(array := getattr(each, field.name), np.ndarray)
        for number in array.tolist()
    }
    assert len(public) > len(ROSTER)
    assert not public & {digits(number) for number in secrets.numbers}


def test_nothing_of_a_plant_is_on_the_wire_before_its_audit(
    parted: Pried, secrets: PlantSearch, scenario: Scenario
) -> None:
    records = list(read_tape(parted.run / TAPE_NAME))
    whole = b"".join(parted.wire)
    assert len(whole) > 10_000  # the wire was listened to
    if AUDITED not in whole:  # encrypted
        assert secrets.found(whole) == set()
        return
    before = parted.before_the_audit()
    assert b"Declared" in before
    assert secrets.found(before) == set()
    assert only_what_the_audit_shows({"wire": sorted(secrets.found(whole))}, records)


def test_nothing_of_a_plant_is_on_the_tape_or_shown_to_a_watcher(parted: Pried, secrets: PlantSearch) -> None:
    records = list(read_tape(parted.run / TAPE_NAME))
    whole = (parted.run / TAPE_NAME).read_bytes()
    assert len(parted.watched) > len(whole) / 4
    assert whole.startswith(parted.watched)
    audits = [number for number, record in enumerate(records) if isinstance(record, AuditGiven)]
    assert len(audits) == len(ROSTER)
    assert only_what_the_audit_shows({"tape": sorted(secrets.found(whole))}, records)
    assert bool(secrets.found(whole)) == bool(shown_by(records))


def test_nobody_else_hears_of_a_plant_at_the_sockets_or_the_processes(parted: Pried, secrets: PlantSearch) -> None:
    """Nor is any of them shown the tape, though all ask for it, before anybody has joined as well."""
    assert any(name.startswith("cmdline") for name in parted.kept)
    assert any(name.startswith("environ") for name in parted.kept)
    records = list(read_tape(parted.run / TAPE_NAME))
    assert only_what_the_audit_shows(secrets.found_in(parted.kept), records)
    assert not [name for name, data in parted.kept.items() if b"\xa7Watched" in data]


def test_the_brokers_folder_has_of_plants_what_audits_show_and_is_closed_to_others(
    parted: Pried, secrets: PlantSearch
) -> None:
    records = list(read_tape(parted.run / TAPE_NAME))
    kept = files_in(parted.run)
    assert {"manifest.json", "costs.csv", "offers.csv", TAPE_NAME} <= kept.keys()
    assert only_what_the_audit_shows(secrets.found_in(kept), records)
    assert open_to_others(parted.run, *parted.owners) == []


def test_the_search_finds_every_number_where_it_is(
    parted: Pried, secrets: PlantSearch, scenario: Scenario
) -> None:
    for vpp in scenario.vpps:
        part = files_in(parted.owners[0] / vpp.id)
        own = {number for number in plant_numbers(vpp) if number % 1}
        assert {number for numbers in secrets.found_in(part).values() for number in numbers} == own


@pytest.mark.parametrize("form", ["<d", ">d", "mark >f", "two <f", "two >f", "repr", "short", "in kW", "exponent"])
def test_the_search_knows_every_form(form: str, secrets: PlantSearch) -> None:
    one, other = secrets.numbers[0], secrets.numbers[1]
    forms = {
        "<d": struct.pack("<d", one),
        ">d": struct.pack(">d", one),
        "mark >f": b"\xca" + struct.pack(">f", one),
        "two <f": struct.pack("<ff", one, other),
        "two >f": struct.pack(">ff", other, one),
        "repr": repr(one).encode(),
        "short": f"{one:.6g}".encode(),
        "in kW": f"{1000 * one:.3f}".encode(),
        "exponent": f"{one:.7e}".encode(),
    }
    assert one in secrets.found(b"\x00\xff" + forms[form] + b"\x9c;")
    assert secrets.found(b"\x00\xff" + os.urandom(100) + b"\x9c;") == set()


# --- a run on one machine ---


@pytest.fixture(scope="module", params=["none", "full"])
def alone(request: pytest.FixtureRequest, scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Pried:
    """`vppmarket run` by the owner of all plants, with the port known to a stranger, who has no key."""
    folder = tmp_path_factory.mktemp("alone")
    temporary, port = folder / "temporary", three_free_ports((FRONT,))
    temporary.mkdir()
    write_scenario(scenario, folder / "case")
    machine = AtTheProcesses(temporary)
    those = {name: AtTheSockets(FRONT, port, ROSTER, name) for name in ("stranger", "Farm", WATCHER)}
    flags = ("--port", str(port), *SLOWLY, "--audit", request.param, "--out", str(folder / "run"))
    with readable_files():
        process = start("run", folder / "case", *flags, env={**os.environ, "TMPDIR": str(temporary)})
    try:
        while process.poll() is None:
            for who in those.values():
                who.hear()
                who.ask_to_join(bytes(16))
            machine.look([process.pid])
            time.sleep(LOOK_S)
        ended = finish(process)
    finally:
        for who in those.values():
            who.close()
    assert ended.returncode == 0, ended.stderr
    heard = {name: b"".join(who.heard) for name, who in those.items()}
    printed = {"printed": (ended.stdout + ended.stderr).encode()}
    return Pried(folder / "run", (folder / "case",), (), b"", {**heard, **machine.seen, **printed})


def test_a_run_on_one_machine_shows_others_nothing(alone: Pried, secrets: PlantSearch) -> None:
    """Its own folder keeps what its owner has anyway, the scenario and κ, and what audits have shown."""
    records = list(read_tape(alone.run / TAPE_NAME))
    assert sum(name.startswith("environ") for name in alone.kept) > len(ROSTER)
    assert all(alone.kept[name] == b"" for name in ("stranger", "Farm", WATCHER))
    private = {name: data for name, data in alone.kept.items() if name != "printed"}
    assert secrets.found_in(private) == {}
    assert only_what_the_audit_shows(secrets.found_in(alone.kept), records)
    kept = files_in(alone.run, leave_out=[alone.run / "scenario", alone.run / "bids.csv"])
    assert only_what_the_audit_shows(secrets.found_in(kept), records)
    assert open_to_others(alone.run) == []
