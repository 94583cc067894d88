"""Owns the command `broker`: a market whose nodes people start themselves, on this machine or on others.

Knows nothing of what is negotiated.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from broker.wire.frames import TOKEN_BYTES
from market.app.distributed import LOOPBACK, Listening, Opening, run_broker
from market.app.run_command import RunOptions, run_command, tell_viewers
from market.app.run_facts import OnProgress, RunFacts
from market.app.screen import complain
from market.app.tokens import TOKEN_VARIABLE, parse_token
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


def broker_command(options: BrokerOptions, run: RunOptions) -> int:
    """Open a market, wait for its nodes, run the day; folder, output and exit codes are those of `run`."""
    _check_host(options)
    token = parse_token(options.token) if options.token else secrets.token_bytes(TOKEN_BYTES)
    listening = Listening(options.host, run.port)

    def runner(
        scenario: Scenario, seed: int, out: Path, on_progress: OnProgress
    ) -> tuple[MarketOutcome, RunFacts]:
        opening = Opening(token, options.wait_s, lambda address: _announce(scenario, address, token))
        return run_broker(scenario, seed, out, on_progress, listening, opening)

    return run_command(run, runner)


def _announce(scenario: Scenario, address: str, token: bytes) -> None:
    complain(f"listening on {address}; start each of {', '.join(vpp.id for vpp in scenario.vpps)} with")
    complain(f"  {TOKEN_VARIABLE}={token.hex()} python -m vpp_nodes --id ID --broker {address}")
    tell_viewers(address, token)


def _check_host(options: BrokerOptions) -> None:
    """Without keys anybody who reaches the port can read what is said, so that must be asked for."""
    if options.host not in (LOOPBACK, "localhost") and not options.insecure:
        remedy = f"listen on {LOOPBACK}, or add --insecure on a network where everybody is trusted"
        raise ScenarioError([Fault("nothing is encrypted beyond this machine", options.host, "--host", remedy)])
