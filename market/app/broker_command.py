"""Owns the command `broker`: a market whose nodes people start themselves, on this machine or on others.

Knows nothing of what is negotiated.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from broker.bus.addresses import is_loopback, port_of
from broker.bus.keys import BrokerKeys, load_broker_keys, public_file, secret_file
from broker.wire.frames import TOKEN_BYTES
from broker.wire.messages import BROKER
from market.app.changes import as_flags
from market.app.distributed import LOOPBACK, Listening, Opening, run_broker
from market.app.resume_hint import resume_command
from market.app.run_command import Hosting, run_command
from market.app.run_day import Runner
from market.app.run_folder.folder import RunFolder
from market.app.run_folder.manifest import Undertaking
from market.app.run_options import RunOptions
from market.app.screen import complain
from market.app.tokens import (
    JOINING,
    TOKEN_FILE,
    WATCH_TOKEN_FILE,
    WATCHING,
    keep_token,
    parse_token,
    read_token,
    shown_to_others,
    token_from_key,
)
from market.app.watch_hint import tell_by_keys, tell_by_token
from market.errors import Fault, ScenarioError
from market.scenario import DEFAULT_CASE, load_scenario


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The flags of `broker` that `run` does not have."""

    host: str
    token: str | None
    insecure: bool


def broker_command(options: BrokerOptions, run: RunOptions) -> int:
    """Open a market, wait for its nodes, run the day; folder, output and exit codes are those of `run`."""
    _check_host(options, run.keys)
    listens_at = list[str]()

    def opener(what: Undertaking, folder: RunFolder) -> Runner:
        keys = load_broker_keys(run.keys, what.scenario.roster) if run.keys else None
        token, watch_token = _token(options, keys, folder), _watch_token(folder)
        listening = Listening(options.host, run.port, keys, resumed=run.resume is not None)

        def announce(address: str) -> None:
            listens_at.append(address)
            given = _scenario_argument(run)
            passed_on = None if keys is not None and token == token_from_key(keys.own.public) else token
            _announce(given, run.settings, what.scenario.roster, address, passed_on, run.keys, folder)
            if run.keys is not None:
                tell_by_keys(address, run.keys)
            else:
                tell_by_token(address, folder.path, watch_token)

        opening = Opening(token, run.join_s, what.audit, announce, complain, watch_token)
        return partial(run_broker, listening=listening, opening=opening)

    def resume(folder: RunFolder) -> str:
        port = port_of(listens_at[-1]) if listens_at else run.port
        insecure = ("--insecure",) if options.insecure else ()
        return resume_command("broker", folder.path, run, port, ("--host", options.host, *insecure))

    return run_command(run, Hosting(opener, resume))


def _scenario_argument(run: RunOptions) -> str:
    """What a node on this machine gives as its --scenario: what the broker was given, or its own part of it."""
    given = run.scenario or DEFAULT_CASE
    if run.resume is not None or not load_scenario(given).whole:
        return "DIR"
    return shlex.quote(str(Path(given).resolve()) if Path(given).is_dir() else given)


def _token(options: BrokerOptions, keys: BrokerKeys | None, folder: RunFolder) -> bytes:
    """The token given, or that the run had before it broke off, or that follows from the keys, or a new one."""
    if options.token:
        if note := shown_to_others(options.token):
            complain(note)
        return parse_token(options.token)
    if (folder.path / TOKEN_FILE).is_file():
        return read_token(folder.path / TOKEN_FILE)
    if keys is not None:
        return token_from_key(keys.own.public)
    return secrets.token_bytes(TOKEN_BYTES)


def _watch_token(folder: RunFolder) -> bytes:
    """What lets others look on: what the run had before it broke off, or a new one."""
    path = folder.path / WATCH_TOKEN_FILE
    return read_token(path, WATCHING) if path.is_file() else secrets.token_bytes(TOKEN_BYTES)


def _announce(
    given: str,
    settings: Sequence[str],
    roster: Sequence[str],
    address: str,
    token: bytes | None,
    keys: Path | None,
    folder: RunFolder,
) -> None:
    """Say how nodes join; the command works as it stands on this machine, and shows no secret.

    token : None where it follows from the keys
    """
    complain(f"listening on {address}; start each of {', '.join(roster)} with")
    parts = [f"vppmarket node --id ID --scenario {given}", *map(shlex.quote, as_flags(settings))]
    command = f"{' '.join(parts)} --broker {address}"
    if token is not None:
        path = keep_token(folder.path, token, JOINING)
        command += f" --token-file {shlex.quote(str(path.resolve()))}"
    if keys is None:
        complain(f"  {command}")
        complain("the token file lets in whoever has it; pass it on to the owners of the plants only")
    else:
        files = f"{public_file(Path(), BROKER)} and {secret_file(Path(), 'ID')}"
        complain(f"  {command} --keys {shlex.quote(str(keys.resolve()))}")
        complain(f"  on another machine --keys names a folder with {files}")
    if given == "DIR":
        complain("DIR is the VPP's scenario, or its own part of it as vppmarket split makes it")


def _check_host(options: BrokerOptions, keys: Path | None) -> None:
    """Without keys anybody who reaches the port can take part and read what is said, so that must be asked for."""
    if is_loopback(options.host) or keys is not None or options.insecure:
        return
    remedy = f"give --keys DIR (see vppmarket keys), listen on {LOOPBACK}, or say --insecure among trusted people"
    raise ScenarioError([Fault("beyond this machine keys are needed", options.host, "--host", remedy)])
