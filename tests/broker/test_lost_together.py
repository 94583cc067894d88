"""Claims: VPPs that fall silent in the same moment are lost together: the others begin again once, without all of
them, and come to the end that they would have come to alone."""

from __future__ import annotations

import pytest

from broker.protocol.run_progress import Phase
from broker.tape import EpochBegun, Left
from market.model.network import Constant, LinkConditions, NetworkRules, OnLoss, TimeMode
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import Loopback, prices_of
from tests.tapes import of_kind

DAY = {"A": [2.0, 1.0], "B": [-1.0, -1.5], "C": [-0.5, 0.4], "D": [0.7, -0.2], "E": [-0.9, -0.6]}
STEPS = 60_000


def market(time: TimeMode, on_loss: OnLoss, day: dict[str, list[float]] = DAY) -> Loopback:
    link = LinkConditions(Constant(0.01 if time is TimeMode.WALL else 0.0))
    return Loopback(public_rules(2), market_day(day), network=NetworkRules(time=time, on_loss=on_loss, every=link))


@pytest.mark.sampled(4)
@pytest.mark.parametrize("lost", [("B", "C"), ("A", "E"), ("B", "C", "D")])
@pytest.mark.parametrize("phase", [Phase.PLANNING, Phase.TRADING])
@pytest.mark.parametrize("time", TimeMode)
def test_the_others_begin_again_once(time: TimeMode, phase: Phase, lost: tuple[str, ...]) -> None:
    run = market(time, OnLoss.WITHDRAW)
    run.join()
    for _ in range(STEPS):
        if run.coordinator.phase is phase:
            break
        run.step()
    for vpp in lost:
        run.pause(vpp)
    for _ in range(STEPS):
        if run.coordinator.phase is Phase.OVER:
            break
        run.step()
    assert run.coordinator.phase is Phase.OVER
    left = tuple(vpp for vpp in DAY if vpp not in lost)
    assert {record.vpp for record in of_kind(run.tape, Left)} == set(lost)
    assert [record.roster for record in of_kind(run.tape, EpochBegun)] == [tuple(DAY), left]
    alone = market(time, OnLoss.STOP, {vpp: DAY[vpp] for vpp in left}).run()
    assert prices_of(run.coordinator.proceedings()) == prices_of(alone)
