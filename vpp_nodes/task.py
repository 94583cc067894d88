"""What a node process is given, and its start as part of a local run.

Who starts nodes imports this and nothing of what they work with: solver, client, behaviour are theirs.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from broker.bus.keys import NodeKeys
from broker.process.last_words import say_ended, say_last
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


def run_local_nodes(tasks: Sequence[NodeTask], last_words: Connection, endings: Connection) -> None:
    """Be nodes of a local run: the run's owner handles interrupts and reports; end when it is gone.

    last_words : takes why a node cannot go on to the run's owner, who owns the plant too, and to nobody else
    endings : takes which node has ended while others here go on
    """
    from vpp_nodes.process import NodeEnding, serve_nodes

    sys.stdout = sys.stderr  # what strategies print is no result of the run's
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    parent = parent_process()
    here = {task.vpp.id for task in tasks}

    def end(vpp: str, ending: NodeEnding) -> None:
        here.discard(vpp)
        if here and ending.exit_code:
            say_ended(endings, vpp, ending.exit_code)

    ended = serve_nodes(
        tasks,
        on_fault=lambda vpp, text: say_last(last_words, text),
        on_end=end,
        parent=parent.sentinel if parent else None,
    )
    sys.exit(max(ending.exit_code for ending in ended.values()))
