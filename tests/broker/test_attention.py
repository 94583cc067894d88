"""Claims: what a process misses while it stands still itself is not others' silence, at the broker and at a node.

Time goes on for it by a second from one look at the clock to the next, however long it was away, and as fast as
ever while it looks often: who is really silent is found out as soon as before.
"""

from __future__ import annotations

import pytest

from broker.protocol.actions import Tick
from broker.protocol.attention import MOST_AT_ONCE_S, Attention
from broker.protocol.run_progress import Phase
from broker.wire.frames import Envelope
from broker.wire.messages import BROKER, Beat, Hello, Welcome
from market.errors import RunError
from market.model.network import NetworkRules, OnLoss
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import Loopback, blank_plan
from tests.broker.test_patience import DAY, WALL, at
from vpp_nodes.client import Client
from vpp_nodes.node import Node
from vpp_nodes.patience import PATIENCE_S

LOOK_S = 0.1
AWAY_S = 1000.0


class Wall:
    """A clock that a test sets."""

    def __init__(self, at_s: float = 0.0) -> None:
        self.at_s = at_s

    def __call__(self) -> float:
        return self.at_s


def test_looked_at_often_it_is_the_clock_and_after_an_absence_it_has_gone_on_by_a_second() -> None:
    wall = Wall(5.0)
    clock = Attention(wall)
    for number in range(1, 50):
        wall.at_s = 5.0 + LOOK_S * number
        assert clock.now() == wall.at_s
    before = clock.now()
    wall.at_s += AWAY_S
    assert clock.now() == pytest.approx(before + MOST_AT_ONCE_S)
    assert clock.away_s == pytest.approx(AWAY_S - MOST_AT_ONCE_S)
    wall.at_s += LOOK_S
    assert clock.now() == pytest.approx(before + MOST_AT_ONCE_S + LOOK_S)


def test_a_clock_that_goes_back_gives_no_time() -> None:
    wall = Wall(5.0)
    clock = Attention(wall)
    wall.at_s = 4.0
    assert clock.now() <= 5.0
    assert clock.away_s == 0.0


def looks(run: Loopback, clock: Attention, wall: Wall, for_s: float, heard: tuple[str, ...]) -> None:
    """The broker serves for some time, and hears these nodes."""
    for _ in range(round(for_s / LOOK_S)):
        wall.at_s += LOOK_S
        for vpp in heard:
            run.coordinator.membership.heard(vpp, clock.now())
        run.coordinator.handle(Tick(), clock.now())


@pytest.mark.parametrize("network", [NetworkRules(), WALL], ids=["virtual", "wall"])
@pytest.mark.parametrize("phase", [Phase.PLANNING, Phase.SETTLING])
def test_a_broker_that_was_away_blames_nobody(phase: Phase, network: NetworkRules) -> None:
    run = at(phase, network)
    wall = Wall(run.now)
    clock = Attention(wall)
    for _ in range(3):
        looks(run, clock, wall, 2.0, tuple(DAY))
        wall.at_s += AWAY_S
        run.coordinator.handle(Tick(), clock.now())
        looks(run, clock, wall, 2.0, ())  # until their signs of life come through again
    assert set(run.coordinator.membership.members) == set(DAY)
    assert run.coordinator.phase is phase


def test_who_is_silent_is_found_out_as_soon_as_ever_by_a_broker_that_was_away() -> None:
    run = at(Phase.PLANNING)
    wall = Wall(run.now)
    clock = Attention(wall)
    wall.at_s += AWAY_S
    with pytest.raises(RunError, match=r"A's node .* has given no sign of life for 10 s"):
        looks(run, clock, wall, 11.0, ("B", "C"))


def test_a_lost_vpp_is_waited_for_as_long_though_the_broker_was_away() -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WAIT))
    wall = Wall(run.now)
    clock = Attention(wall)
    looks(run, clock, wall, 11.0, ("B", "C"))
    assert "A" in run.coordinator.membership.absent
    wall.at_s += AWAY_S
    looks(run, clock, wall, 40.0, ("B", "C"))
    assert "A" in run.coordinator.membership.absent
    with pytest.raises(RunError, match=r"A node .* waited 60 s for it to come back, in vain"):
        looks(run, clock, wall, 20.0, ("B", "C"))


def test_a_node_that_was_away_goes_on_and_one_whose_broker_is_gone_ends() -> None:
    declared = market_day(DAY)[0]
    node = Node("A", public_rules(2), lambda trade: blank_plan(2, trade), lambda plan: declared)
    wall = Wall()
    clock = Attention(wall)
    who = Client("A", node, Hello(1, "digest", "", "a case", "test"), clock.now())
    who.came(Envelope(1, BROKER, 0, Welcome(1, 1002, 1003)), control=True, now=clock.now())
    wall.at_s += AWAY_S
    who.tick(clock.now())
    who.came(Envelope(1, BROKER, 0, Beat((), 0)), control=True, now=clock.now())
    for _ in range(round(PATIENCE_S / LOOK_S)):
        wall.at_s += LOOK_S
        who.tick(clock.now())
    wall.at_s += 2 * LOOK_S
    with pytest.raises(RunError, match="no sign of life from the broker for 60 s"):
        who.tick(clock.now())
