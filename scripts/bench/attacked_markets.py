"""Markets under attack, on loopback: their answers and their memory, compared with an undisturbed market's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from broker.bus.addresses import port_of
from broker.bus.keys import load_node_keys
from broker.process.server import BrokerServer
from broker.protocol.coordinator import Coordinator
from broker.protocol.membership import Timeouts
from broker.protocol.run_config import RunConfig
from broker.protocol.run_result import RunResult
from broker.tape import TAPE_NAME, MessageSaid, TapeWriter, read_tape
from broker.wire.frames import TOKEN_BYTES, Envelope, encode
from broker.wire.messages import BROKER
from market.app.runs.tokens import TOKEN_VARIABLE, token_from_key
from market.scenario import load_scenario
from scripts.bench.hostile_frames import Source
from scripts.bench.hostile_peers import Attacker, NoisyEnd

COMMAND = Path(sys.executable).parent / "vppmarket"
CASE, SMALL_CASE = "five_vpp", "two_vpp"
TABLES = ("roles", "bids", "offers", "periods", "selections", "dispatch", "costs", "trace")
LIMIT_S = 900.0
TOKEN = bytes(range(TOKEN_BYTES))


@dataclass
class Pass:
    """What came of one pass: frames sent by kind, refused by reason, growth in MB, and what went wrong."""

    name: str
    sent: Counter[str]
    refused: Counter[str]
    growth_mb: float
    faults: list[str]
    seconds: float


# --- processes --------------------------------------------------------------------------------------------------


def free_port() -> int:
    """The first of three ports that are free now."""
    while True:
        port = Random().randrange(10_000, 32_000)  # below the ports that connections take
        try:
            for offset in range(3):
                with socket.socket() as trial:
                    trial.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port


def command(
    *arguments: str | Path, token: bytes | None = TOKEN, where: Path | None = None
) -> subprocess.Popen[bytes]:
    """The command; what it complains of is kept for `last_words`."""
    environment = dict(os.environ) | ({TOKEN_VARIABLE: token.hex()} if token else {})
    return subprocess.Popen(
        [COMMAND, *arguments], env=environment, cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def started_node(
    vpp: str, port: int, case: str, where: Path, *flags: str | Path, token: bytes | None
) -> subprocess.Popen[bytes]:
    """A node of a market on this machine, which leaves its own run folder below `where`."""
    address = f"tcp://127.0.0.1:{port}"
    named = ("--id", vpp, "--broker", address, "--scenario", case)
    return command("node", *named, *flags, token=token, where=where)


def last_words(processes: Sequence[subprocess.Popen[bytes]]) -> list[str]:
    """Exit code and last line of each process that did not end well."""
    said = []
    for process in processes:
        try:
            _, complaints = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, complaints = process.communicate()
        if process.returncode:
            last = (complaints.decode(errors="replace").splitlines() or [""])[-1]
            said.append(f"{process.args!s:.60} ended with {process.returncode}: {last}")
    return said


# --- an attacked broker -----------------------------------------------------------------------------------------


def spoken_frames(folder: Path, token: bytes) -> list[bytes]:
    """Every frame that was published in a run, as it was on the wire."""
    said = [record for record in read_tape(folder / TAPE_NAME) if isinstance(record, MessageSaid)]
    return [encode(Envelope(r.epoch, r.sender, r.seq, r.message), token) for r in said]


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder."""
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return document


def _await_opening(broker: subprocess.Popen[bytes], tape: Path) -> None:
    """Wait until a broker listens, which its tape begins with: what is sent before would never come."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until and broker.poll() is None:
        if tape.exists() and tape.stat().st_size:
            return
        time.sleep(0.05)


def attacked_market(attacker: Attacker, folder: Path, port: int, token: bytes, keys: Path | None) -> list[str]:
    """A market whose last node joins when the attack is almost over; how its processes ended, if not well."""
    vpps = [vpp.id for vpp in load_scenario(CASE).vpps]
    flags: tuple[str | Path, ...] = ("--keys", keys) if keys else ()
    given = None if keys else token
    own = ("--port", str(port), "--out", folder, "--audit", "full", "--quiet")
    broker = command("broker", CASE, *own, *flags, token=given)
    processes = [broker, *(started_node(vpp, port, CASE, folder.parent, *flags, token=given) for vpp in vpps[:-1])]
    try:
        _await_opening(broker, folder / TAPE_NAME)
        attacker.start()
        while not attacker.almost_done.wait(0.2) and all(process.poll() is None for process in processes):
            pass  # what has broken already need not be attacked any longer
        processes.append(started_node(vpps[-1], port, CASE, folder.parent, *flags, token=given))
        return last_words(processes)
    finally:
        attacker.ended.set()
        attacker.join(20.0)
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def attack_broker(name: str, frames: int, random: Random, folder: Path, quiet: Path, keys: Path | None) -> Pass:
    """One market under attack, compared with the quiet one."""
    since, port = time.monotonic(), free_port()
    stolen = load_node_keys(keys, "watcher") if keys else None
    token = token_from_key(stolen.broker) if stolen else TOKEN
    # Without keys a token is all that there is: who has it can be anybody. Frames with it come in nobody's name.
    names = [*(vpp.id for vpp in load_scenario(CASE).vpps), BROKER, "watcher"] if keys else ["VPP9", "x", BROKER]
    source = Source(random, token, names, spoken_frames(quiet, token if keys else bytes(TOKEN_BYTES)))
    attacker = Attacker(source, port, frames, stolen)
    broken = attacked_market(attacker, folder, port, token, keys)
    faults = broken or differences(folder, quiet)
    growth = 0.0 if broken else growth_of(folder, quiet)
    refused = Counter(manifest_of(folder).get("refused", {}))
    return Pass(name, attacker.sent, refused, growth, faults, time.monotonic() - since)


def quiet_market(folder: Path) -> None:
    """The same market with nobody to disturb it."""
    port = free_port()
    nobody = Attacker(Source(Random(0), TOKEN, [], []), port, 0, None)
    broken = attacked_market(nobody, folder, port, TOKEN, None)
    if broken:
        raise SystemExit("\n".join(["the undisturbed market broke:", *broken]))


def differences(folder: Path, quiet: Path) -> list[str]:
    """The tables in which two runs differ."""
    names = [f"{table}.csv" for table in TABLES]
    return [f"{n} differs" for n in names if (folder / n).read_bytes() != (quiet / n).read_bytes()]


def growth_of(folder: Path, quiet: Path) -> float:
    """How much more memory the hungriest process took than in the quiet run, MB."""
    noisy, before = manifest_of(folder)["peak_memory_mb"], manifest_of(quiet)["peak_memory_mb"]
    return max(float(noisy[who]) - float(before[who]) for who in before)


# --- attacked nodes ---------------------------------------------------------------------------------------------


def noisy_market(frames: int, random: Random, path: Path) -> tuple[NoisyEnd, RunResult, list[str]]:
    """The smallest market, whose second node is started once most frames have been sent to the first."""
    scenario = load_scenario(SMALL_CASE)
    vpps = tuple(vpp.id for vpp in scenario.vpps)
    charge = RunConfig(scenario.shared, 0, Timeouts(LIMIT_S))
    bus = NoisyEnd("127.0.0.1")
    with TapeWriter(path) as tape, bus:
        port = port_of(bus.endpoints.control)
        bus.source, bus.frames = Source(random, TOKEN, ["VPP9", "x"], [b"\x00"]), frames
        shell = BrokerServer(Coordinator(charge, bus.endpoints, time.monotonic()), bus, tape, TOKEN)
        nodes = [started_node(vpps[0], port, SMALL_CASE, path.parent, token=TOKEN)]

        def join(progress: object) -> None:
            if len(nodes) == 1 and bus.sent.total() >= 0.95 * frames:
                nodes.append(started_node(vpps[1], port, SMALL_CASE, path.parent, token=TOKEN))

        try:
            proceedings = shell.run(None, join)
        finally:
            broken = last_words(nodes)
    return bus, proceedings, broken


def attack_nodes(frames: int, random: Random, folder: Path) -> Pass:
    """A broker that is noisy beside one that is not."""
    since, tapes = time.monotonic(), [folder / "quiet tape", folder / "noisy tape"]
    _, quiet, _ = noisy_market(0, random, tapes[0])
    bus, noisy, broken = noisy_market(frames, random, tapes[1])
    refused = Counter[str]()
    for audit in noisy.audits.values():
        refused.update({entry.reason: entry.count for entry in audit.refused})
    faults = broken + ([] if tapes[0].read_bytes() == tapes[1].read_bytes() else ["the tape differs"])
    if refused.total() < 0.5 * frames:
        faults.append(f"only {refused.total()} frames arrived")
    growth = max(noisy.audits[vpp].peak_memory_mb - quiet.audits[vpp].peak_memory_mb for vpp in noisy.audits)
    return Pass("nodes", bus.sent, refused, growth, faults, time.monotonic() - since)
