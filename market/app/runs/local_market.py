"""A market with real plants in this process: the broker's and the nodes' machines, joined in memory.

It says what the processes say, in the same order, at the same simulated times: its tape is theirs to the byte.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial

from broker.protocol.coordinator import Phase, RunResult
from broker.tape import Record
from market.model.vpp import Vpp
from market.scenario.scenario import Scenario
from vpp_nodes.in_memory import Loopback
from vpp_nodes.node import Node
from vpp_nodes.plant import plant_node


class StepUnit(StrEnum):
    """How far one step goes."""

    EVENT = "event"  # until something more is on the tape: messages said, turns given, verdicts
    ROUND = "round"  # until some seller has made more offers than any before, or a phase of the day ends


class LocalMarket:
    """One market day under way. `nodes`: each VPP's behaviour, the same object as in a process of its own."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.nodes: dict[str, Node] = {}
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
    def phase(self) -> Phase:
        """How far the day is."""
        return self._market.coordinator.phase

    @property
    def over(self) -> bool:
        """Whether the day is complete."""
        return self.phase is Phase.OVER

    def advance(self, unit: StepUnit) -> None:
        """Go on by one step; nothing happens once the day is over. DispatchError if a day cannot be planned."""
        before = self._milestone()
        while not self.over:
            self._next_event()
            if unit is StepUnit.EVENT or self._milestone() != before:
                return

    def _next_event(self) -> None:
        written = len(self.tape)
        while not self.over and len(self.tape) == written:
            self._market.step()

    def _milestone(self) -> tuple[Phase, int]:
        return self.phase, self.rounds

    @property
    def rounds(self) -> int:
        """The most offers that any one seller has made."""
        return self._market.coordinator.progress(self._market.now).rounds

    @property
    def unrested_periods(self) -> int:
        """How many periods have not come to rest, as the broker sees it."""
        return self._market.coordinator.progress(self._market.now).unrested_periods

    def proceedings(self) -> RunResult:
        """What a day that is over leaves behind."""
        return self._market.coordinator.proceedings()
