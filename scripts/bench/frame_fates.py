"""Lets one frame of a market in memory be lost, doubled or late, and says what comes of the market.

Frames are enumerated from an undisturbed run: the k-th on a hop is the same one in every run of the same seed,
up to the moment at which it is struck. A little time passes with every frame, so that signs of life are among
the frames; more while one is held back, so that repetitions go on meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

from broker.protocol.actions import Tick
from broker.protocol.run_progress import Phase
from broker.protocol.run_result import RunResult
from broker.tape import Ended
from broker.wire.frames import decode
from broker.wire.messages import BROKER
from market.errors import MarketError
from market.game.result import Verdict, worst
from market.model.network import Constant, LinkConditions, NetworkRules, OnLoss, TimeMode
from scripts.bench.remembered_plants import node_makers, scenario_of
from vpp_nodes.client import Stage
from vpp_nodes.in_memory import TOKEN, Hop, Loopback, prices_of

LIMIT_S = 240.0
"""Time of the market within which all must be over after a frame was struck, what it was held back for aside."""
STEPS = 100_000
PACE_S = 0.05
"""What a frame takes, divided by the number of VPPs."""
HELD_PACE_S = 0.2
"""The same while a frame is held back."""
HELD_S = (1.5, 3.0, 8.0, 30.0)
"""How long late frames are held back, in turn; everything is said again within 1.5 s."""
DOUBLED_AFTER = 8
"""A copy comes so many frames later at most, in turn; with 0 right behind."""

CONDITIONS: Mapping[str, NetworkRules] = {
    "virtual": NetworkRules(),
    "wall": NetworkRules(time=TimeMode.WALL, every=LinkConditions(Constant(0.01))),
    "wall, lossy": NetworkRules(time=TimeMode.WALL, every=LinkConditions(Constant(0.01), loss=0.5)),
}
"""The lossy one has requests for what is missing among its frames."""


class Fate(StrEnum):
    """What becomes of a frame."""

    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class MarketSetup:
    """Whose day it is, under which conditions and which rule for losses."""

    scenario: str
    conditions: str
    on_loss: OnLoss = OnLoss.STOP
    seed: int = 0

    def rules(self) -> NetworkRules:
        """Its communication conditions."""
        return replace(CONDITIONS[self.conditions], on_loss=self.on_loss)

    def __str__(self) -> str:
        return f"{self.scenario}, {self.conditions}, {self.on_loss}"


@dataclass(frozen=True, slots=True)
class Spot:
    """One frame of a day: the `number`-th on its hop, counted from 1, and what it says."""

    hop: Hop
    number: int
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number} on {self.hop.plane} from {self.hop.sender} to {self.hop.receiver}"


@dataclass(frozen=True, slots=True)
class FrameTrial:
    """What came of a day with one frame struck; `fault` is empty if all is as it should be."""

    market: MarketSetup
    spot: Spot
    fate: Fate
    fault: str
    took_s: float

    def __str__(self) -> str:
        return (
            f"{self.market}: {self.fate} {self.spot}: {self.fault or 'as undisturbed'} after {self.took_s:.1f} s"
        )


@dataclass(slots=True)
class _DelayedFrame:
    """A frame that comes later: when, or after how many more frames."""

    hop: Hop
    frame: bytes
    at_s: float = 0.0
    frames: int = 0


@dataclass
class Disturbed(Loopback):
    """A market in which one frame meets its fate: the first of which `fate_of` knows one.

    seen : the frames up to that one, or all
    struck, struck_at : that frame, and when it came
    """

    fate_of: Callable[[Spot], Fate | None] = lambda spot: None
    seen: list[Spot] = field(default_factory=list)
    struck: Spot | None = None
    struck_at: float | None = None

    def __post_init__(self) -> None:
        self._numbers: Counter[Hop] = Counter()
        self._late: list[_DelayedFrame] = []
        self._copies: list[_DelayedFrame] = []
        self.steal = self._meets_its_fate
        super().__post_init__()

    @property
    def everybody_has_left(self) -> bool:
        """Whether the broker has come to its end and every node has been told."""
        stopped = all(client.stage is Stage.STOPPED for client in self.clients.values())
        return stopped and self.coordinator.phase is Phase.OVER

    def step(self) -> None:
        """Let a little time pass and what was held back arrive; then as undisturbed."""
        self.let_pass((HELD_PACE_S if self._late else PACE_S) / len(self.clients))
        due = [held for held in self._late if self.now >= held.at_s]
        self._late = [held for held in self._late if self.now < held.at_s]
        copies = [held for held in self._copies if held.frames <= 0]
        self._copies = [replace(held, frames=held.frames - 1) for held in self._copies if held.frames > 0]
        for held in (*due, *copies):
            self._come(held)
        super().step()

    def let_pass(self, seconds: float) -> None:
        """Time passes, and everybody does what is due; a node when it has taken all that came, as in a process."""
        self.now += seconds
        self._beat()
        self.event(Tick())
        busy = {hop.receiver for hop, queue in self._queues.items() if queue}
        for vpp, client in self._awake().items():
            if vpp not in busy and client.stage is not Stage.STOPPED:
                self._instruct(vpp, client.tick(self.now))

    def _come(self, held: _DelayedFrame) -> None:
        """A frame comes that was held back; who has left takes no more."""
        left = held.hop.receiver != BROKER and self.clients[held.hop.receiver].stage is Stage.STOPPED
        ended = held.hop.receiver == BROKER and self.coordinator.phase is Phase.OVER
        if not left and not ended:
            self._arrive(held.hop, held.frame)

    def _meets_its_fate(self, hop: Hop, frame: bytes) -> bool:
        """Whether a frame does not arrive now."""
        if self.struck is not None:
            return False
        self._numbers[hop] += 1
        number = self._numbers[hop]
        spot = Spot(hop, number, type(decode(frame, TOKEN).message).__name__)
        self.seen.append(spot)
        fate = self.fate_of(spot)
        if fate is None:
            return False
        self.struck, self.struck_at = spot, self.now
        if fate is Fate.DOUBLED:
            self._copies.append(_DelayedFrame(hop, frame, frames=number % (DOUBLED_AFTER + 1)))
        elif fate is Fate.LATE:
            self._late.append(_DelayedFrame(hop, frame, at_s=self.now + HELD_S[number % len(HELD_S)]))
        return fate is not Fate.DOUBLED


def untouched(spot: Spot) -> Fate | None:
    """Nothing happens to any frame."""
    return None


def market_in_memory(market: MarketSetup, fate_of: Callable[[Spot], Fate | None] = untouched) -> Disturbed:
    """A market with real plants, and what is to become of its frames."""
    scenario = scenario_of(market.scenario)
    return Disturbed(
        scenario.public,
        seed=market.seed,
        nodes=node_makers(market.scenario),
        shared=replace(scenario.shared, network=market.rules()),
        fate_of=fate_of,
    )


@cache
def undisturbed(market: MarketSetup) -> Disturbed:
    """The same market at its end when nothing happens to it; its `seen` are all frames of the day."""
    run = market_in_memory(market)
    fault = _fault(run, prices=None, rounds=())
    if fault:
        raise AssertionError(f"{market}: {fault}, with nothing done to it")
    return run


def frames_of(market: MarketSetup) -> Sequence[Spot]:
    """Every frame of an undisturbed day, in the order in which they arrive."""
    return tuple(undisturbed(market).seen)


def struck(market: MarketSetup, spot: Spot, fate: Fate) -> FrameTrial:
    """The day with one frame struck."""
    hop, number = spot.hop, spot.number
    run = market_in_memory(market, lambda seen: fate if (seen.hop, seen.number) == (hop, number) else None)
    fault, took_s = what_came_of(run, market)
    if run.struck != spot:
        fault = fault or ("the frame did not come" if run.struck is None else f"it was {run.struck}")
    return FrameTrial(market, spot, fate, fault, took_s)


def what_came_of(run: Disturbed, market: MarketSetup) -> tuple[str, float]:
    """Carry a day to its end: what is wrong with it, and how long it took after a frame was struck.

    Its prices have to be those of the undisturbed day in virtual time; so has what each round came to, where the
    day has several.
    """
    calm = undisturbed(replace(market, conditions="virtual")).coordinator.proceedings()
    fault = _fault(run, prices_of(calm), _rounds_of(calm))
    return fault, 0.0 if run.struck_at is None else run.now - run.struck_at


def _rounds_of(done: RunResult) -> Sequence[tuple[float, ...]]:
    """What each round of a day left to regret and traded, and which of them is settled."""
    if done.rounds is None:
        return ()
    return [(float(done.rounds.settled),), *((r.regrets_cny, r.traded_mwh) for r in done.rounds.rounds)]


def _fault(run: Disturbed, prices: Mapping[int, list[float]] | None, rounds: Sequence[tuple[float, ...]]) -> str:
    """What is wrong with how a market ends; empty if nothing is."""
    try:
        _carry_to_the_end(run)
    except (MarketError, TimeoutError) as error:
        return f"{type(error).__name__}: {error}"
    done = run.coordinator.proceedings()
    if worst([result.verdict for result in done.results]) is not Verdict.EQUILIBRIUM:
        return f"verdicts {[result.verdict.value for result in done.results]}"
    if prices is not None and prices_of(done) != prices:
        return f"other prices: {prices_of(done)}, not {prices}"
    if prices is not None and _rounds_of(done) != rounds:
        return f"other rounds: {_rounds_of(done)}, not {rounds}"
    if done.withdrawn or set(done.audits) != set(run.clients):
        return f"audits of {', '.join(done.audits)} only"
    return "" if run.tape[-1] == Ended(Verdict.EQUILIBRIUM) else f"the tape ends with {run.tape[-1]}"


def _carry_to_the_end(run: Disturbed) -> None:
    run.join()
    for _ in range(STEPS):
        if run.everybody_has_left:
            return
        if run.now > (run.struck_at or 0.0) + LIMIT_S + max(HELD_S):
            break
        run.step()
    waiting = [f"{vpp} {client.stage}" for vpp, client in run.clients.items() if client.stage is not Stage.STOPPED]
    raise TimeoutError(f"no end after {run.now:.0f} s: {run.coordinator.progress(run.now)}, {', '.join(waiting)}")
