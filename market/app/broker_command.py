"""Owns the command `broker`: a market whose nodes people start themselves, on this machine or on others.

Knows nothing of what is negotiated.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from broker.bus.keys import load_broker_keys, public_file, secret_file
from broker.wire.frames import TOKEN_BYTES
from broker.wire.messages import BROKER
from market.app.distributed import LOOPBACK, Listening, Opening, run_broker
from market.app.run_command import run_command
from market.app.run_facts import OnProgress, RunFacts
from market.app.run_options import RunOptions
from market.app.screen import complain
from market.app.tokens import TOKEN_VARIABLE, parse_token, token_from_key
from market.app.watch_hint import tell_viewers
from market.errors import Fault, ScenarioError
from market.outcome import MarketOutcome
from market.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The flags of `broker` that `run` does not have. `wait_s`: how long all nodes may take to join."""

    host: str
    token: str | None
    wait_s: float
    insecure: bool


LOOPBACK_HOSTS = (LOOPBACK, "localhost", "[::1]")


def broker_command(options: BrokerOptions, run: RunOptions) -> int:
    """Open a market, wait for its nodes, run the day; folder, output and exit codes are those of `run`."""
    _check_host(options, run.keys)
    listening = Listening(options.host, run.port, run.keys, resumed=run.resume is not None)

    def runner(
        scenario: Scenario, seed: int, out: Path, on_progress: OnProgress
    ) -> tuple[MarketOutcome, RunFacts]:
        token = _token(options, run.keys, [vpp.id for vpp in scenario.vpps])
        opening = Opening(
            token, options.wait_s, lambda address: _announce(scenario, address, token, run.keys), complain
        )
        return run_broker(scenario, seed, out, on_progress, listening, opening)

    return run_command(run, runner)


def _token(options: BrokerOptions, keys: Path | None, vpps: Sequence[str]) -> bytes:
    if options.token:
        return parse_token(options.token)
    if keys is not None:
        return token_from_key(load_broker_keys(keys, vpps).own.public)
    return secrets.token_bytes(TOKEN_BYTES)


def _announce(scenario: Scenario, address: str, token: bytes, keys: Path | None) -> None:
    complain(f"listening on {address}; start each of {', '.join(vpp.id for vpp in scenario.vpps)} with")
    if keys is None:
        complain(f"  {TOKEN_VARIABLE}={token.hex()} python -m vpp_nodes --id ID --broker {address}")
    else:
        files = f"{public_file(Path(), BROKER)} and {secret_file(Path(), 'ID')}"
        complain(f"  python -m vpp_nodes --id ID --broker {address} --keys DIR   (DIR holds {files})")
    tell_viewers(address, token, keys)


def _check_host(options: BrokerOptions, keys: Path | None) -> None:
    """Without keys anybody who reaches the port can take part and read what is said, so that must be asked for."""
    if options.host in LOOPBACK_HOSTS or keys is not None or options.insecure:
        return
    remedy = f"give --keys DIR (see vppmarket keys), listen on {LOOPBACK}, or say --insecure among trusted people"
    raise ScenarioError([Fault("beyond this machine keys are needed", options.host, "--host", remedy)])
