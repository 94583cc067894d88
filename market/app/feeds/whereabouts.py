"""Where a market runs that is to be looked at, and what lets one look: an address, keys or a token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from broker.bus.addresses import is_address
from broker.bus.keys import WATCHER, NodeKeys, load_node_keys
from market.app.runs.tokens import WATCHING, token_from_key, token_of
from market.errors import Fault, ScenarioError
from market.scenario.shown_value import shown


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """An address with the watching token. keys : the watcher's, None where nothing is encrypted"""

    address: str
    token: bytes
    keys: NodeKeys | None


def whereabouts(
    address: str, keys: Path | None = None, token: str | None = None, token_file: Path | None = None
) -> Whereabouts:
    """What is needed to look on. ScenarioError where it is no address, or where keys or token are missing.

    keys : the folder of the watcher's · token : 32 hexadecimal digits · token_file : a file that holds it
    """
    if not is_address(address):
        remedy = "copy it from what the run printed"
        raise ScenarioError([Fault("must look like tcp://host:port", shown(address), "RUN", remedy)])
    own = load_node_keys(keys, WATCHER) if keys else None
    return Whereabouts(address, token_from_key(own.broker) if own else token_of(token, token_file, WATCHING), own)
