"""Owns the command `broker`: a market whose nodes people start themselves, on this machine or on others.

Knows nothing of what is negotiated.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from broker.bus.addresses import is_loopback, port_of
from broker.bus.hosts import own_address
from broker.bus.keys import BrokerKeys, load_broker_keys
from broker.wire.frames import TOKEN_BYTES
from market.app.distributed import LOOPBACK, Listening, Opening, run_broker
from market.app.join_hint import Entrance, tell_how_to_join
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
from market.scenario import DEFAULT_CASE
from market.scenario.model import Scenario
from market.system_fault import reason_of


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The flags of `broker` that `run` does not have."""

    host: str
    token: str | None
    insecure: bool


def broker_command(options: BrokerOptions, run: RunOptions) -> int:
    """Open a market, wait for its nodes, run the day; folder, output and exit codes are those of `run`."""
    host = _listening_host(options, run.keys)
    flags = [*(["--host", options.host] if options.host != LOOPBACK else []), *(["--insecure"] * options.insecure)]

    def opener(what: Undertaking, folder: RunFolder) -> Runner:
        keys = load_broker_keys(run.keys, what.scenario.roster) if run.keys else None
        token, watch_token = _token(options, keys, folder), _watch_token(folder)
        listening = Listening(host, run.port, keys, resumed=run.resume is not None)

        def announce(address: str) -> None:
            hosting.port = port_of(address)
            _announce(address, what, folder, token, run)
            if run.keys is not None:
                tell_by_keys(address, run.keys)
            else:
                tell_by_token(address, folder.path, watch_token)

        opening = Opening(token, run.join_s, what.audit, announce, complain, watch_token)
        return partial(run_broker, listening=listening, opening=opening)

    def check(scenario: Scenario) -> None:
        if run.keys is not None:
            load_broker_keys(run.keys, scenario.roster)
        if options.token:
            parse_token(options.token)

    hosting = Hosting(opener, check, flags, run.port)
    return run_command(run, hosting)


def _announce(address: str, what: Undertaking, folder: RunFolder, token: bytes, run: RunOptions) -> None:
    """Say how nodes join; the token is in its file by then."""
    if run.keys is None:
        keep_token(folder.path, token, JOINING)
    given = None if run.resume is not None else run.scenario or DEFAULT_CASE
    tell_how_to_join(Entrance(address, folder.path / TOKEN_FILE, run.keys), what.scenario, given)


def _token(options: BrokerOptions, keys: BrokerKeys | None, folder: RunFolder) -> bytes:
    """The token given, or that follows from the keys, or that the run had before it broke off, or a new one."""
    if options.token:
        if note := shown_to_others(options.token):
            complain(note)
        return parse_token(options.token)
    if keys is not None:
        return token_from_key(keys.own.public)
    if (folder.path / TOKEN_FILE).is_file():
        return read_token(folder.path / TOKEN_FILE)
    return secrets.token_bytes(TOKEN_BYTES)


def _watch_token(folder: RunFolder) -> bytes:
    """What lets others look on: what the run had before it broke off, or a new one."""
    path = folder.path / WATCH_TOKEN_FILE
    return read_token(path, WATCHING) if path.is_file() else secrets.token_bytes(TOKEN_BYTES)


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
