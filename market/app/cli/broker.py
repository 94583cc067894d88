"""The command `broker`: opens a market whose nodes people start themselves, on this machine or on others."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from broker.bus.addresses import is_loopback, port_of
from broker.bus.hosts import own_address
from broker.bus.keys import BrokerKeys, load_broker_keys
from broker.wire.frames import TOKEN_BYTES
from market.app.cli.console import echo_error
from market.app.cli.join_hint import Entrance, tell_how_to_join
from market.app.cli.resume_hint import resume_command
from market.app.cli.run import Hosting, run_command
from market.app.cli.run_options import RunOptions
from market.app.cli.watch_hint import tell_by_keys, tell_by_token
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.runs.distributed import LOOPBACK, Listening, Opening, run_broker
from market.app.runs.run_day import Runner
from market.app.runs.tokens import (
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
from market.errors import Fault, ScenarioError
from market.scenario import DEFAULT_CASE
from market.scenario.changes import as_flags
from market.scenario.scenario import Scenario
from market.system_fault import reason_of


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The flags of `broker` that `run` does not have."""

    host: str
    token: str | None
    insecure: bool


def broker_command(options: BrokerOptions, run: RunOptions) -> int:
    """Open a market, wait for its nodes, run the day; folder, output and exit codes are those of `run`."""
    host, listens_at = _listening_host(options, run.keys), list[str]()

    def opener(what: RunSpec, folder: RunFolder) -> Runner:
        keys = load_broker_keys(run.keys, what.scenario.roster) if run.keys else None
        token, watch_token = _token(options, keys, folder), _watch_token(folder)
        listening = Listening(host, run.port, keys, resumed=run.resume is not None)

        def announce(address: str) -> None:
            listens_at.append(address)
            passed_on = None if keys is not None and token == token_from_key(keys.own.public) else token
            _announce(address, what, folder, passed_on, run)
            if run.keys is not None:
                tell_by_keys(address, run.keys)
            else:
                tell_by_token(address, folder.path, watch_token)

        opening = Opening(token, run.join_s, what.audit, announce, echo_error, watch_token)
        return partial(run_broker, listening=listening, opening=opening)

    def check(scenario: Scenario) -> None:
        if run.keys is not None:
            load_broker_keys(run.keys, scenario.roster)
        if options.token:
            parse_token(options.token)

    def resume(folder: RunFolder) -> str:
        port = port_of(listens_at[-1]) if listens_at else run.port
        insecure = ("--insecure",) if options.insecure else ()
        return resume_command("broker", folder.path, run, port, ("--host", options.host, *insecure))

    return run_command(run, Hosting(opener, check, resume))


def _announce(address: str, what: RunSpec, folder: RunFolder, token: bytes | None, run: RunOptions) -> None:
    """Say how nodes join; the token is in its file by then. token : None where it follows from the keys"""
    token_file = None if token is None else keep_token(folder.path, token, JOINING)
    given = None if run.resume is not None else run.scenario or DEFAULT_CASE
    tell_how_to_join(Entrance(address, token_file, run.keys, as_flags(run.settings)), what.scenario, given)


def _token(options: BrokerOptions, keys: BrokerKeys | None, folder: RunFolder) -> bytes:
    """The token given, or that the run had before it broke off, or that follows from the keys, or a new one."""
    if options.token:
        if note := shown_to_others(options.token):
            echo_error(note)
        return parse_token(options.token)
    if os.path.isfile(folder.path / TOKEN_FILE):
        return read_token(folder.path / TOKEN_FILE)
    if keys is not None:
        return token_from_key(keys.own.public)
    return secrets.token_bytes(TOKEN_BYTES)


def _watch_token(folder: RunFolder) -> bytes:
    """What lets others look on: what the run had before it broke off, or a new one."""
    path = folder.path / WATCH_TOKEN_FILE
    return read_token(path, WATCHING) if os.path.isfile(path) else secrets.token_bytes(TOKEN_BYTES)


def _listening_host(options: BrokerOptions, keys: Path | None) -> str:
    """The address to listen on. Without keys anybody who reaches it can take part and read what is said, so
    one that others reach must be asked for; ScenarioError where it is not, or is no address of this machine."""
    try:
        host = own_address(options.host)
    except OSError as error:
        remedy = f"listen on {LOOPBACK}, or on another address that this machine has"
        value = f"{options.host!r} ({reason_of(error)})"
        raise ScenarioError([Fault("must be an address of this machine", value, "--host", remedy)]) from None
    if is_loopback(host) or keys is not None or options.insecure:
        return host
    remedy = f"give --keys DIR (see vppmarket keys), listen on {LOOPBACK}, or say --insecure among trusted people"
    raise ScenarioError([Fault("beyond this machine keys are needed", options.host, "--host", remedy)])
