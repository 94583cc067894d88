"""Claims about a market whose plants stay with their owners, with real processes and keys: a broker with the
public part and nodes with a part each come to the plain run's answer, and the broker keeps nothing of a plant."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from broker.bus.keys import public_file, secret_file
from broker.wire.messages import BROKER
from market.app.cli.split import split_scenario
from market.model.vpp import Vpp
from market.scenario import load_scenario
from market.scenario.scenario import Scenario
from tests.market.unmistakable import found_in, plant_numbers, unmistakable
from tests.processes.command import finish, manifest, rows, run, start
from tests.processes.test_hostile_frames import free_port

PUBLIC_TABLES = ("offers", "periods", "selections", "trace")


def _own_keys(keys: Path, vpp: str, folder: Path) -> Path:
    """What the machine of a VPP has: its own pair, and the broker's public key."""
    folder.mkdir(mode=0o700, parents=True)
    for path in (secret_file(keys, vpp), public_file(keys, BROKER)):
        (folder / path.name).write_bytes(path.read_bytes())
        (folder / path.name).chmod(0o600)
    return folder


def _node(folder: Path, vpp: str, port: str) -> list[str | Path]:
    """The flags of a node that has its own part, its own keys and a run folder of its own."""
    keys = _own_keys(folder / "keys", vpp, folder / "own" / vpp)
    part, out = folder / "parts" / vpp, folder / "nodes" / vpp
    return ["--id", vpp, "--scenario", part, "--broker", f"tcp://127.0.0.1:{port}", "--keys", keys, "--out", out]


def split_market(scenario: Scenario, folder: Path, *flags: str) -> None:
    """Run it in parts: `folder`/run is the broker's run folder, `folder`/nodes/ID each node's."""
    split_scenario(scenario, folder / "parts", disclosed=True)
    assert run("keys", folder / "keys", folder / "parts" / "public").returncode == 0
    port = str(free_port())
    opened: list[str | Path] = [folder / "parts" / "public", "--keys", folder / "keys", "--port", port]
    broker = start("broker", *opened, "--out", folder / "run", "--quiet", *flags)
    nodes = [start("node", *_node(folder, vpp, port)) for vpp in scenario.roster]
    ended, left = finish(broker), [finish(node) for node in nodes]
    assert ended.returncode == 0, (ended.stderr, [node.stderr for node in left])
    assert [node.returncode for node in left] == [0] * len(nodes), [node.stderr for node in left]


# --- the same answer ---


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parted")
    split_market(load_scenario("five_vpp"), folder)
    return folder


@pytest.mark.in_turn("split market")
def test_prices_and_payments_are_those_of_the_plain_run(parted: Path, default_run: Path) -> None:
    for table in PUBLIC_TABLES:
        assert (parted / "run" / f"{table}.csv").read_bytes() == (default_run / f"{table}.csv").read_bytes(), table


@pytest.mark.in_turn("split market")
def test_each_plants_costs_are_those_of_the_plain_run_to_the_last_digit(parted: Path, default_run: Path) -> None:
    plain = {(row["vpp"], row["scenario"]): row for row in rows(default_run, "costs")}
    shown = {(row["vpp"], row["scenario"]): row for row in rows(parted / "run", "costs")}
    for vpp in load_scenario("five_vpp").roster:
        own = rows(parted / "nodes" / vpp, "costs")
        assert [row["scenario"] for row in own] == ["grid_only", "game"]
        for row in own:
            assert row == plain[vpp, row["scenario"]]
            told = shown[vpp, row["scenario"]]  # by default its totals
            assert {**row, "curtailed_mwh": ""} == told


@pytest.mark.in_turn("split market")
def test_the_run_can_be_replayed_without_plants_and_with_them(parted: Path) -> None:
    without = run("replay", parted / "run")
    assert without.returncode == 0, without.stderr
    assert "all " in without.stdout
    assert "not recomputed: what was private to VPP1, VPP2, VPP3, VPP4, VPP5" in without.stdout
    whole = run("replay", parted / "run", "--plants", "five_vpp")
    assert whole.returncode == 0, whole.stderr
    assert "decisions are the recorded ones\n" in whole.stdout
    assert "not recomputed:" not in whole.stdout


@pytest.mark.in_turn("split market")
def test_the_brokers_run_folder_keeps_the_public_part(parted: Path) -> None:
    kept = load_scenario(parted / "run" / "scenario")
    assert kept.vpps == ()
    assert kept.digest == load_scenario("five_vpp").digest == manifest(parted / "run")["scenario_digest"]


# --- nothing is given away ---


def forms(number: float) -> list[bytes]:
    """How a number may stand in a file: as text, or as a double or a float in either order of its bytes."""
    texts = {repr(number), f"{number:g}", f"{number:.9g}"}
    return [*(text.encode() for text in texts), *(struct.pack(kind, number) for kind in (">d", "<d", ">f", "<f"))]


def given_away(folder: Path, vpp: Vpp) -> dict[str, list[float]]:
    """The numbers of a plant, by the file that has them."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        raw = [n for n in plant_numbers(vpp) if n % 1 and any(form in data for form in forms(n))]
        text = "" if path.suffix == ".msgpack" else data.decode()
        if numbers := {*raw, *found_in(text, plant_numbers(vpp))}:
            found[path.name] = sorted(numbers)
    return found


def test_no_number_of_a_plant_is_in_what_the_broker_keeps(tmp_path: Path) -> None:
    """Whatever it is kept in: tape, tables, manifest, certificate, scenario. Other owners' folders neither."""
    scenario = unmistakable(("Farm", "Mill", "Village"))
    split_market(scenario, tmp_path, "--audit", "none")
    assert len(rows(tmp_path / "run", "selections")) > len(rows(tmp_path / "run", "offers")) > 0
    for vpp in scenario.vpps:
        assert given_away(tmp_path / "parts" / vpp.id, vpp)  # the search finds what is there
        assert given_away(tmp_path / "run", vpp) == {}, vpp.id
        for other in scenario.roster:
            if other != vpp.id:
                assert given_away(tmp_path / "nodes" / other, vpp) == {}, (vpp.id, other)


def test_the_search_sees_a_number_on_a_tape(tmp_path: Path) -> None:
    vpp = unmistakable().vpps[0]
    for number, form in enumerate(forms(vpp.satisfaction)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "tape.msgpack").write_bytes(b"\x93\xcb" + form + b"\xc0")
        assert given_away(tmp_path / str(number), vpp) == {"tape.msgpack": [vpp.satisfaction]}
