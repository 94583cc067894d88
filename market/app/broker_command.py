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

from broker.bus.keys import load_broker_keys, public_file, secret_file
from broker.wire.frames import TOKEN_BYTES
from broker.wire.messages import BROKER
from market.app.distributed import LOOPBACK, Listening, Opening, run_broker
from market.app.resume import SCENARIO_FOLDER
from market.app.run_command import Hosting, run_command
from market.app.run_day import Runner
from market.app.run_folder.folder import RunFolder
from market.app.run_folder.manifest import Undertaking
from market.app.run_options import RunOptions
from market.app.screen import complain
from market.app.tokens import TOKEN_FILE, parse_token, read_token, token_from_key
from market.app.watch_hint import tell_viewers
from market.errors import Fault, ScenarioError
from market.scenario import DEFAULT_CASE
from market.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The flags of `broker` that `run` does not have."""

    host: str
    token: str | None
    insecure: bool


LOOPBACK_HOSTS = (LOOPBACK, "localhost", "[::1]")


def broker_command(options: BrokerOptions, run: RunOptions) -> int:
    """Open a market, wait for its nodes, run the day; folder, output and exit codes are those of `run`."""
    _check_host(options, run.keys)
    listening = Listening(options.host, run.port, run.keys, resumed=run.resume is not None)

    def opener(what: Undertaking, folder: RunFolder) -> Runner:
        token = _token(options, run.keys, what.scenario.roster, folder)

        def announce(address: str) -> None:
            given = _scenario_argument(what.scenario, run, folder)
            _announce(given, what.scenario.roster, address, token, run.keys, folder)

        opening = Opening(token, run.join_s, what.audit, announce, complain)
        return partial(run_broker, listening=listening, opening=opening)

    keyed = f" --keys {shlex.quote(str(run.keys))}" if run.keys else ""
    return run_command(run, Hosting(opener, f"vppmarket broker --port PORT{keyed}"))


def _scenario_argument(scenario: Scenario, run: RunOptions, folder: RunFolder) -> str:
    """What a node on this machine gives as its --scenario: what the broker was given, or its own part of it."""
    if not scenario.whole:
        return "DIR"
    if run.resume is not None:
        return shlex.quote(str((folder.path / SCENARIO_FOLDER).resolve()))
    given = run.scenario or DEFAULT_CASE
    return shlex.quote(str(Path(given).resolve()) if Path(given).is_dir() else given)


def _token(options: BrokerOptions, keys: Path | None, vpps: Sequence[str], folder: RunFolder) -> bytes:
    """The token given, or that follows from the keys, or that the run had before it broke off, or a new one."""
    if options.token:
        return parse_token(options.token)
    if keys is not None:
        return token_from_key(load_broker_keys(keys, vpps).own.public)
    if (folder.path / TOKEN_FILE).is_file():
        return read_token(folder.path / TOKEN_FILE)
    return secrets.token_bytes(TOKEN_BYTES)


def _announce(
    given: str, roster: Sequence[str], address: str, token: bytes, keys: Path | None, folder: RunFolder
) -> None:
    """Say how nodes join; the command works as it stands on this machine, and shows no secret."""
    complain(f"listening on {address}; start each of {', '.join(roster)} with")
    command = f"vppmarket node --id ID --scenario {given} --broker {address}"
    own = "" if given != "DIR" else "   (DIR is the VPP's own part of the scenario, as vppmarket split makes it)"
    if keys is None:
        folder.write(TOKEN_FILE, token.hex() + "\n")
        complain(f"  {command} --token-file {shlex.quote(str((folder.path / TOKEN_FILE).resolve()))}{own}")
        complain("the token file lets in whoever has it; pass it on to the owners of the plants only")
    else:
        files = f"{public_file(Path(), BROKER)} and {secret_file(Path(), 'ID')}"
        complain(f"  {command} --keys {shlex.quote(str(keys.resolve()))}{own}")
        complain(f"  on another machine --keys names a folder with {files}")
    tell_viewers(address, token, keys)


def _check_host(options: BrokerOptions, keys: Path | None) -> None:
    """Without keys anybody who reaches the port can take part and read what is said, so that must be asked for."""
    if options.host in LOOPBACK_HOSTS or keys is not None or options.insecure:
        return
    remedy = f"give --keys DIR (see vppmarket keys), listen on {LOOPBACK}, or say --insecure among trusted people"
    raise ScenarioError([Fault("beyond this machine keys are needed", options.host, "--host", remedy)])
