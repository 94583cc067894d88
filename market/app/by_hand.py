"""Owns the commands `broker` and `node`: a market whose processes people start themselves, on one host or many.

Knows nothing of what is negotiated.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from broker.bus.addresses import port_of
from broker.wire.frames import TOKEN_BYTES
from market.app.distributed import LOOPBACK, Listening, Opening, run_broker
from market.app.run_command import RunOptions, show
from market.app.run_day import run_day
from market.app.run_folder.folder import new_run_folder
from market.app.run_folder.manifest import Undertaking
from market.app.screen import complain, live_progress
from market.errors import Fault, ScenarioError
from market.scenario import load_scenario
from vpp_nodes.process import NodeTask, serve_node

TOKEN_VARIABLE = "VPPMARKET_TOKEN"
DEFAULT_PORT = 5555
_TOKEN = re.compile(rf"[0-9a-f]{{{2 * TOKEN_BYTES}}}\Z")


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The flags of `broker`, as given; `run` holds those that it shares with the command `run`."""

    run: RunOptions
    host: str
    port: int
    token: str | None
    wait_s: float
    insecure: bool


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The flags of `node`, as given."""

    vpp: str
    broker: str
    scenario: str
    token: str | None


def broker_command(options: BrokerOptions) -> int:
    """Open a market, wait for its nodes, run the day; the same folder and exit codes as `run`."""
    since, started = time.monotonic(), datetime.now().astimezone()
    _check_host(options)
    token = _token(options.token) if options.token else secrets.token_bytes(TOKEN_BYTES)
    scenario = options.run.changed(load_scenario(options.run.scenario))
    what = Undertaking(scenario, options.run.seed, in_process=False, started=started)
    folder = new_run_folder(options.run.out, scenario.name, started)

    def announce(address: str) -> None:
        complain(f"listening on {address} for {', '.join(vpp.id for vpp in scenario.vpps)}; start each with")
        complain(f"  {TOKEN_VARIABLE}={token.hex()} python -m vpp_nodes --id ID --broker {address}")

    opening = Opening(token, options.wait_s, announce)
    listening = Listening(options.host, options.port)
    quiet = options.run.quiet or options.run.as_json
    with live_progress(since, wanted=not quiet) as on_progress:
        report = run_day(
            what, lambda s, seed, out, tell: run_broker(s, seed, out, tell, listening, opening), folder, on_progress, since
        )
    return show(report, options.run)


def node_command(options: NodeOptions) -> int:
    """Be one VPP of a market that a broker has opened."""
    port_of(options.broker)  # a wrong address is told before anything else is done
    if not options.token:
        remedy = f"set {TOKEN_VARIABLE} or give --token; the broker printed it"
        raise ScenarioError([Fault("the run's token is needed", "none", "--token", remedy)])
    token = _token(options.token)
    scenario = load_scenario(options.scenario)
    known = [vpp.id for vpp in scenario.vpps]
    if options.vpp not in known:
        remedy = f"choose one of {', '.join(known)}, or another --scenario"
        raise ScenarioError([Fault("must be a VPP of the scenario", repr(options.vpp), "--id", remedy)])
    return serve_node(NodeTask(scenario.vpp(options.vpp), scenario.public, options.broker, token))


def _check_host(options: BrokerOptions) -> None:
    """Without keys anybody who reaches the port can read what is said, so that must be asked for."""
    if options.host not in (LOOPBACK, "localhost") and not options.insecure:
        remedy = f"listen on {LOOPBACK}, or add --insecure on a network where everybody is trusted"
        raise ScenarioError([Fault("nothing is encrypted beyond this machine", options.host, "--host", remedy)])


def _token(text: str) -> bytes:
    if not _TOKEN.match(text):
        remedy = "copy it from what the broker printed"
        raise ScenarioError([Fault(f"must be {2 * TOKEN_BYTES} hexadecimal digits", repr(text), "--token", remedy)])
    return bytes.fromhex(text)
