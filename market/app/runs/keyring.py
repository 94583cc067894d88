"""The keys of a run whose processes all belong to one person: from a folder, or made in memory for it alone.

Without keys any user of the machine could connect to the broker and read along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from broker.bus.keys import WATCHER, BrokerKeys, NodeKeys, fresh_keys, load_broker_keys, load_node_keys
from market.app.runs.tokens import token_from_key


@dataclass(frozen=True, slots=True)
class Keyring:
    """The broker's keys and every node's. `watcher`: those of who looks on, where they were made for this run."""

    broker: BrokerKeys
    nodes: Mapping[str, NodeKeys]
    watcher: NodeKeys | None

    @property
    def token(self) -> bytes:
        """The run's token."""
        return token_from_key(self.broker.own.public)


def keyring(folder: Path | None, roster: Sequence[str]) -> Keyring:
    """The keys in a folder, else fresh ones. ScenarioError if one is missing: what all lack is told first."""
    if folder is not None:
        return Keyring(
            load_broker_keys(folder, roster), {vpp: load_node_keys(folder, vpp) for vpp in roster}, None
        )
    broker, nodes = fresh_keys((*roster, WATCHER))
    return Keyring(broker, nodes, nodes[WATCHER])
