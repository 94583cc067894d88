"""What a node process is given, and its start as part of a local run.

Who starts nodes imports this and nothing of what they work with: solver, client, behaviour are theirs.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from broker.bus.keys import NodeKeys
from broker.process.last_words import say_last
from market.model.disclosure import Disclosure
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.patience import PATIENCE_S


@dataclass(frozen=True, slots=True)
class NodeTask:
    """What a node process is given: its VPP, the market's rules, where the broker is, the run's token, keys.

    scenario : what its scenario is called · audit : the most that it shows of its day
    patience_s : how long it looks for its broker
    """

    vpp: Vpp
    public: PublicRules
    scenario: str
    broker: str
    token: bytes
    keys: NodeKeys | None = None
    audit: Disclosure = Disclosure.FULL
    patience_s: float = PATIENCE_S


def run_local_node(task: NodeTask, last_words: Connection) -> None:
    """Be the node of a local run: the run's owner handles interrupts and reports; end when it is gone.

    last_words : takes why this node cannot go on to the run's owner, who owns the plant too, and to nobody else
    """
    from vpp_nodes.process import serve_node

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    parent = parent_process()
    watched = parent.sentinel if parent else None
    sys.exit(serve_node(task, _quiet, lambda text: say_last(last_words, text), watched).exit_code)


def _quiet(text: str) -> None:
    """Say nothing."""
