"""Owns the command `node`: one VPP of a market that a broker has opened, here or on another machine.

Knows nothing of what is negotiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from broker.bus.addresses import is_address
from broker.bus.keys import load_node_keys
from market.app.tokens import parse_token, token_from_key
from market.errors import Fault, ScenarioError
from market.scenario import load_scenario
from vpp_nodes.process import NodeTask, serve_node


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The flags of `node`, as given."""

    vpp: str
    broker: str
    scenario: str
    token: str | None
    keys: Path | None = None


def node_command(options: NodeOptions) -> int:
    """Be one VPP until the run is over; returns the exit code. Raises MarketError."""
    _check_address(options.broker)
    keys = load_node_keys(options.keys, options.vpp) if options.keys else None
    token = token_from_key(keys.broker) if keys and not options.token else parse_token(options.token)
    scenario = load_scenario(options.scenario)
    known = [vpp.id for vpp in scenario.vpps]
    if options.vpp not in known:
        remedy = f"choose one of {', '.join(known)}, or another --scenario"
        raise ScenarioError([Fault("must be a VPP of the scenario", repr(options.vpp), "--id", remedy)])
    return serve_node(NodeTask(scenario.vpp(options.vpp), scenario.public, options.broker, token, keys))


def _check_address(address: str) -> None:
    if not is_address(address):
        remedy = "copy it from what the broker printed"
        raise ScenarioError([Fault("must look like tcp://host:port", repr(address), "--broker", remedy)])
