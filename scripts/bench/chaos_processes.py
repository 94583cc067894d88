"""Kills and pauses the processes of `vppmarket run` at random: its nodes and its broker."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import psutil

from broker.tape import TAPE_NAME
from scripts.bench.chaos_trial import COMMAND, LONGEST_S, MOST_BLOWS, OF_PROCESSES, TAPE_BYTES, ChaosTrial, Kind

LEFT_S = 10.0  # for processes to end by themselves


def disturb_processes(result: ChaosTrial, folder: Path) -> None:
    """One run, taken up again as often as its broker was killed; AssertionError if it does not end well."""
    chance = Random(result.seed)
    command: list[str | Path] = ["run", "--quiet", "--out", folder, "--seed", str(result.seed), "--restart", "20"]
    command += result.conditions
    sharing = ("--processes", "2") if result.shared else ()
    command += sharing
    while _disturbed(command, folder, chance, result) is None:
        if (folder / TAPE_NAME).exists() and (folder / TAPE_NAME).stat().st_size:
            command = ["run", "--quiet", "--resume", folder, "--restart", "20", *sharing]
        else:  # killed before anything was promised
            shutil.rmtree(folder, ignore_errors=True)


def _disturbed(command: Sequence[str | Path], folder: Path, chance: Random, result: ChaosTrial) -> int | None:
    """One command with some faults; its exit code, or None if it was killed itself."""
    process = subprocess.Popen([COMMAND, *command], stderr=subprocess.PIPE, text=True)
    family: dict[int, psutil.Process] = {}
    try:
        for _ in range(chance.randint(1, 3) if len(result.done) < MOST_BLOWS else 0):
            if not _await_moment(process, folder, chance):
                break
            kind = chance.choice(OF_PROCESSES)
            family |= _family(process.pid)
            if kind is Kind.KILL_BROKER:
                process.kill()
                result.done.append(kind)
                return None
            if _strike(kind, process.pid, chance):
                result.done.append(kind)
        _, complaints = process.communicate(timeout=LONGEST_S)
        assert process.returncode == 0, f"exit code {process.returncode}: {complaints.strip()}"
        return process.returncode
    finally:
        family |= _family(process.pid)
        if process.poll() is None:
            process.kill()
        process.communicate()
        _, alive = psutil.wait_procs(list(family.values()), timeout=LEFT_S)
        for left in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        assert not alive, f"left behind: {alive}"


def _family(process_id: int) -> dict[int, psutil.Process]:
    """Every process below one."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {child.pid: child for child in psutil.Process(process_id).children(recursive=True)}
    return {}


def _await_moment(process: subprocess.Popen[str], folder: Path, chance: Random) -> bool:
    """Wait until the tape has grown to a random length, or the run is over."""
    tape, until = folder / TAPE_NAME, time.monotonic() + LONGEST_S
    start = tape.stat().st_size if tape.exists() else 0
    length = start + chance.choice((0, chance.randint(0, TAPE_BYTES)))
    while process.poll() is None and time.monotonic() < until:
        if tape.exists() and tape.stat().st_size >= length:
            return True
        time.sleep(0.002)
    return False


def _strike(kind: Kind, process_id: int, chance: Random) -> bool:
    """Kill or stop one of the nodes: they are the children of the fork server."""
    with contextlib.suppress(psutil.NoSuchProcess, IndexError):
        servers = psutil.Process(process_id).children()
        node = chance.choice([node for server in servers for node in server.children()])
        if kind is Kind.KILL_NODE:
            node.kill()
        else:
            node.suspend()
            time.sleep(chance.uniform(0.01, 0.5))
            node.resume()
        return True
    return False
