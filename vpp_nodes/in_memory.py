"""A market without sockets: the broker's machine and the nodes' machines, joined by queues in memory.

Each connection keeps its order; between connections the order is drawn at random, as it is between sockets.
Frames are really encoded and decoded, and may be dropped or added on the way. Time passes only when nothing is
under way. Where no nodes are given, VPPs are their declarations, and plan nothing but the trade fixed for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import numpy as np

from broker.bus.broker_end import Endpoints
from broker.protocol.actions import (
    Action,
    Announce,
    ControlCame,
    DataCame,
    Event,
    Parcel,
    ProcessEnded,
    Publish,
    Reply,
    Send,
    Tick,
    Write,
)
from broker.protocol.coordinator import Coordinator
from broker.protocol.membership import Timeouts
from broker.protocol.resume_point import past_of
from broker.protocol.run_config import RunConfig
from broker.protocol.run_result import RunResult
from broker.tape import Record
from broker.wire.frames import Envelope, decode, encode
from broker.wire.messages import BROKER, Heartbeat, Hello, Message
from market.errors import RunError, WireError
from market.model.arrays import frozen
from market.model.declaration import Declaration
from market.model.disclosure import Disclosure
from market.model.network import NetworkRules
from market.model.plan import CostBreakdown, DirectExchange, DispatchPlan, SolveMethod
from market.model.public import PublicRules, PublicScenario
from market.scenario.digest import seal_scenario
from vpp_nodes.client import Client, Instruction, OpenData, Say, Stage, Tell
from vpp_nodes.node import Node

TOKEN = b"l" * 16
ENDPOINTS = Endpoints("tcp://127.0.0.1:1001", "tcp://127.0.0.1:1002", "tcp://127.0.0.1:1003")


def blank_plan(periods: int, direct: DirectExchange | None = None) -> DispatchPlan:
    """A plan of zeros, but for the trade that is fixed in it."""
    zeros = frozen(np.zeros(periods))
    names = ("wt", "pv", "mt", "charge", "discharge", "cl", "buy", "sell", "curtailed", "load")
    powers: dict[str, Any] = {f"{name}_mw": zeros for name in names}
    return DispatchPlan(
        **powers,
        soc_mwh=zeros,
        direct_in_mw=direct.in_mw if direct else zeros,
        direct_out_mw=direct.out_mw if direct else zeros,
        marginal_value_cny_per_mwh=zeros,
        emission_t=0.0,
        quota_t=0.0,
        costs=CostBreakdown(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        objective_cny=0.0,
        gap_cny=0.0,
        method=SolveMethod.LP,
    )


@dataclass(frozen=True)
class Hop:
    """One connection in one direction: data or control, from whom to whom."""

    plane: str
    sender: str
    receiver: str


@dataclass
class Loopback:
    """A market under way. `steal(hop, frame)` returns True to lose a frame on its way.

    shared : the market's scenario, where there is one
    nodes : by VPP, in the roster's order, what makes its node; where there are none, `declarations` do
    """

    public: PublicRules
    declarations: Sequence[Declaration] = ()
    seed: int = 0
    network: NetworkRules = field(default_factory=NetworkRules)
    steal: Callable[[Hop, bytes], bool] = lambda hop, frame: False
    network_seed: int = 7
    nodes: Mapping[str, Callable[[], Node]] = field(default_factory=dict)
    shared: PublicScenario | None = None
    tape: list[Record] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self._makers = dict(self.nodes) or {d.vpp: partial(self._node, d) for d in self.declarations}
        roster = tuple(self._makers)
        shared = self.shared or self._unnamed(roster)
        rules = shared.network
        patience = Timeouts(30.0, rules.silence_s, rules.wait_s, rules.answer_s)
        self._charge = RunConfig(shared, self.network_seed, patience, shared.audit or Disclosure.FULL)
        self.coordinator = Coordinator(self._charge, ENDPOINTS, self.now)
        self._queues: dict[Hop, deque[bytes]] = {}
        self._random = Random(self.seed)
        self.clients = {vpp: self._client(vpp) for vpp in roster}
        self._asleep: set[str] = set()
        self._beaten_at = self.now
        self._act(self.coordinator.open())

    def _unnamed(self, roster: tuple[str, ...]) -> PublicScenario:
        """A market of these VPPs that came from no file."""
        others = dict.fromkeys(roster, "")
        return seal_scenario("loopback", "", self.public, (), self.network, None, others).shared

    def _client(self, vpp: str) -> Client:
        shared = self._charge.shared
        hello = Hello(1, self.public.digest, shared.digest_by_vpp[vpp], shared.name, "loopback")
        return Client(vpp, self._makers[vpp](), hello, self.now)

    def _node(self, declaration: Declaration) -> Node:
        periods = self.public.horizon.periods
        return Node(declaration.vpp, self.public, lambda trade: blank_plan(periods, trade), lambda _: declaration)

    def run(self, steps: int = 200_000) -> RunResult:
        """Carry frames until the run is over."""
        self.join()
        for _ in range(steps):
            if self.coordinator.taken_leave(self.now):
                return self.coordinator.proceedings()
            self.step()
        raise RunError("the market does not come to its end")

    def join(self) -> None:
        """Everybody asks to take part."""
        for vpp, client in self.clients.items():
            self._instruct(vpp, client.tick(self.now))

    def step(self) -> None:
        """Carry one frame; with none under way, let time pass: a second, or until something is due."""
        waiting = [hop for hop, queue in self._queues.items() if queue and hop.receiver not in self._asleep]
        if not waiting:
            if not any(client.wants_to_act for client in self._awake().values()):
                due = self.coordinator.next_due()
                self.now = self.now + 1.0 if due is None else min(max(due, self.now), self.now + 1.0)
            self._beat()
            self.event(Tick())
            for vpp, client in self._awake().items():
                if client.stage is not Stage.STOPPED:  # its process has ended
                    self._instruct(vpp, client.tick(self.now))
            return
        hop = self._random.choice(waiting)
        frame = self._queues[hop].popleft()
        if not self.steal(hop, frame):
            self._arrive(hop, frame)

    def _awake(self) -> dict[str, Client]:
        return {vpp: client for vpp, client in self.clients.items() if vpp not in self._asleep}

    def _beat(self) -> None:
        """Every node that has been let in gives a sign of life each second."""
        if self.now - self._beaten_at >= 1.0:
            self._beaten_at = self.now
            for vpp, client in self._awake().items():
                if client.stage is Stage.TAKING_PART:
                    self.tell(vpp, Heartbeat())

    # --- what can go wrong ---

    def kill(self, vpp: str) -> None:
        """A node's process dies, with all that is on its way to and from it, and is started again."""
        self._asleep.discard(vpp)
        self._cut(vpp)
        self.clients[vpp] = self._client(vpp)
        self.event(ProcessEnded(vpp, "was killed", restarted=True))

    def pause(self, vpp: str) -> None:
        """A node's process is stopped; what is sent to it waits."""
        self._asleep.add(vpp)

    def resume(self, vpp: str) -> None:
        """It goes on, as if no time had passed."""
        self._asleep.discard(vpp)

    def kill_broker(self) -> None:
        """The broker dies with all that is on its way; another takes the run up from the tape."""
        self._queues.clear()
        self.coordinator = Coordinator(self._charge, ENDPOINTS, self.now, past_of(self.tape))
        self._act(self.coordinator.open())

    def _cut(self, vpp: str) -> None:
        for hop, queue in self._queues.items():
            if vpp in (hop.sender, hop.receiver):
                queue.clear()

    def tell(self, vpp: str, message: Message, epoch: int = 1) -> None:
        """Put a control message of a node on its way."""
        self.carry(Hop("control", vpp, BROKER), encode(Envelope(epoch, vpp, 0, message), TOKEN))

    def carry(self, hop: Hop, frame: bytes) -> None:
        """Put a frame on its way."""
        self._queues.setdefault(hop, deque()).append(frame)

    def event(self, event: Event) -> None:
        """Let something happen to the broker."""
        self._act(self.coordinator.handle(event, self.now))

    def _arrive(self, hop: Hop, frame: bytes) -> None:
        if hop.receiver != BROKER:
            control = hop.plane == "control"
            came = self.clients[hop.receiver].came(decode(frame, TOKEN), control=control, now=self.now)
            self._instruct(hop.receiver, came)
            return
        try:
            envelope = decode(frame, TOKEN)
        except WireError as error:
            self.coordinator.refuse(error.reason)
            return
        if hop.plane == "control":
            self.event(ControlCame(hop.sender.encode(), envelope))
        else:
            self.event(DataCame(Parcel(envelope, frame)))

    def _act(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Write):
                self.tape.append(action.record)
            elif isinstance(action, Send) and action.vpp in self.coordinator.membership.members:
                self._order(action.vpp, action.message)
            elif isinstance(action, Reply):
                self._order(action.route.decode(), action.message)
            elif isinstance(action, Publish):
                turns = (self._said(action.turns),) if action.turns else ()
                for vpp in action.receivers or self.clients:
                    for frame in (*action.frames, *turns):
                        self.carry(Hop("data", BROKER, vpp), frame)
            elif isinstance(action, Announce):
                for vpp in self.clients:
                    self.carry(Hop("data", BROKER, vpp), encode(action.envelope, TOKEN))

    def _order(self, vpp: str, message: Message) -> None:
        self.carry(Hop("control", BROKER, vpp), self._said(message))

    def _said(self, message: Message) -> bytes:
        """A frame of the broker's."""
        return encode(Envelope(self.coordinator.epoch.number, BROKER, 0, message), TOKEN)

    def _instruct(self, vpp: str, instructions: Sequence[Instruction]) -> None:
        for instruction in instructions:
            if isinstance(instruction, Say):
                self.carry(Hop("data", vpp, BROKER), encode(instruction.envelope, TOKEN))
            elif isinstance(instruction, Tell):
                self.tell(vpp, instruction.message, instruction.epoch)
            elif isinstance(instruction, OpenData):
                self._instruct(vpp, self.clients[vpp].data_open())


def prices_of(proceedings: RunResult) -> Mapping[int, list[float]]:
    """The final prices of each period that trades."""
    return {r.game.period: r.price_cny_per_mwh.tolist() for r in proceedings.results if r.game.tradable}
