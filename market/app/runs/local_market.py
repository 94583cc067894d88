"""A market with real plants in this process: the broker's and the nodes' machines, joined in memory.

It says what the processes say, in the same order, at the same simulated times: its tape is theirs to the byte.
"""

from __future__ import annotations

from functools import partial

from broker.protocol.run_progress import Phase
from broker.protocol.run_result import RunResult
from broker.tape import Record
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario
from vpp_nodes.in_memory import Loopback
from vpp_nodes.node import Node
from vpp_nodes.plant import plant_node


class LocalMarket:
    """One market day, which goes on as it is asked for more.

    nodes : each VPP's behaviour, the same object as in a process of its own
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.nodes: dict[str, Node] = {}
        self._told = 0
        self._market = Loopback(
            scenario.public,
            nodes={vpp.id: partial(self._make, vpp) for vpp in scenario.vpps},
            network=scenario.network,
            network_seed=seed,
            shared=scenario.shared,
        )
        self._market.join()

    def _make(self, vpp: Vpp) -> Node:
        self.nodes[vpp.id] = plant_node(vpp, self.scenario.public)
        return self.nodes[vpp.id]

    @property
    def tape(self) -> list[Record]:
        """What has been said and done so far."""
        return self._market.tape

    @property
    def over(self) -> bool:
        """Whether the day is complete."""
        return self._market.coordinator.phase is Phase.OVER

    def more(self) -> list[Record]:
        """The records that come next, at least one; none once the day is over.

        DispatchError if a plant's day cannot be planned.
        """
        while not self.over and len(self.tape) == self._told:
            self._market.step()
        records = self.tape[self._told :]
        self._told = len(self.tape)
        return records

    @staticmethod
    def release() -> None:
        """Nothing of it lives outside of this object."""

    close = release

    def proceedings(self) -> RunResult:
        """What a day that is over leaves behind."""
        return self._market.coordinator.proceedings()
