"""A node that stays up from day to day: takes part in one market after the other, and goes on by its own plan."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from broker.bus.keys import NodeKeys
from broker.process.last_words import say_last
from market.model.public import PublicRules
from market.model.rolling import Rolling
from market.model.rules import Horizon
from market.model.vpp import Vpp
from market.rolling.plant_state import PlantState
from market.rolling.windows import PlanWindow


@dataclass(frozen=True, slots=True)
class DaysTask:
    """What the process of such a node is given: its whole plant, how its days are cut, and how it gets in.

    scenario : what its scenario is called
    """

    vpp: Vpp
    horizon: Horizon
    rolling: Rolling
    scenario: str
    token: bytes
    keys: NodeKeys | None = None


@dataclass(frozen=True, slots=True)
class DayOrder:
    """A day to take part in: what is planned, the market's rules, where its broker is.

    state : how its plant begins it, for a process that was not there the day before
    """

    window: PlanWindow
    public: PublicRules
    broker: str
    state: PlantState


def run_days_node(task: DaysTask, orders: Connection, last_words: Connection, endings: Connection) -> None:
    """Take part in each day that is ordered, until nobody orders any more; end when the run's owner is gone."""
    from market.rolling.carry import state_after
    from market.rolling.cut import window_plant
    from vpp_nodes.process import serve_nodes
    from vpp_nodes.task import NodeTask

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    state: PlantState | None = None
    while (order := _next(orders)) is not None:
        state = order.state if state is None else state
        vpp = window_plant(task.vpp, task.horizon, task.rolling, order.window, state)
        node = NodeTask(vpp, order.public, task.scenario, order.broker, task.token, task.keys)
        ended = serve_nodes([node], on_fault=lambda vpp, text: say_last(last_words, text), parent=_owner())
        ending = ended[vpp.id]
        if ending.exit_code or ending.day is None:
            sys.exit(ending.exit_code or 4)
        state = state_after(vpp, order.public, ending.day.plans.ended, order.window.kept)
    sys.exit(0)


def _next(orders: Connection) -> DayOrder | None:
    """The next order; None once there will be none."""
    owner = _owner()
    ready = wait([orders] if owner is None else [orders, owner])
    if orders not in ready:
        return None
    try:
        order: DayOrder = orders.recv()
    except EOFError:
        return None
    return order


def _owner() -> int | None:
    """What becomes readable when the process that started this one is gone."""
    parent = parent_process()
    return parent.sentinel if parent else None
