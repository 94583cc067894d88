"""Claims: a VPP that is lost again and again, and the market comes no further, does not hold the others for ever.

By its own fault three times, or at all three times over more than `wait_s`: where losses are waited for the run
ends and names it, where they are withdrawn it is not let in again and the others come to their end.
"""

from __future__ import annotations

import pytest

from broker.protocol.actions import ControlCame
from broker.protocol.losses import MOST_FAULTS, MOST_LOSSES, Losses
from broker.protocol.run_progress import Phase
from broker.tape import EpochBegun, Left
from broker.wire.frames import Envelope
from broker.wire.messages import Failure, Trouble
from market.errors import DispatchError, MarketError, RunError
from market.model.network import NetworkRules, OnLoss
from tests.broker.loopback import Loopback
from tests.broker.test_patience import at, until
from tests.tapes import of_kind

WAIT_S = 60.0


def fails(run: Loopback, vpp: str, trouble: Trouble) -> None:
    """A VPP says that it cannot go on, and is started again at once."""
    run.event(ControlCame(vpp.encode(), Envelope(1, vpp, 0, Failure(trouble))))
    run.kill(vpp)


def is_here(run: Loopback, vpp: str) -> bool:
    return vpp in run.coordinator.membership.here() and vpp not in run.coordinator.membership.absent


def kill_again_and_again(run: Loopback, vpp: str, for_s: float) -> None:
    until_s = run.now + for_s
    while run.now < until_s:
        run.kill(vpp)
        until(run, lambda: is_here(run, vpp))
        for _ in range(200):
            run.step()


@pytest.mark.parametrize(
    ("trouble", "error", "words"),
    [
        (Trouble.DISPATCH, DispatchError, "its day cannot be planned"),
        (Trouble.ERROR, RunError, "it has met an error of its own"),
    ],
)
def test_who_fails_and_comes_back_again_and_again_ends_a_run_that_waits_for_it(
    trouble: Trouble, error: type[MarketError], words: str
) -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WAIT))
    for _ in range(MOST_FAULTS - 1):
        fails(run, "A", trouble)
        until(run, lambda: is_here(run, "A"))
    with pytest.raises(error, match=f"^A was lost 3 times, and the market came no further: its node .*{words}$"):
        fails(run, "A", trouble)


def test_who_fails_and_comes_back_again_and_again_is_left_out_where_losses_are_withdrawn() -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WITHDRAW))
    for _ in range(MOST_FAULTS - 1):
        run.pause("B")  # so that the others do not come to their end without A
        fails(run, "A", Trouble.ERROR)
        until(run, lambda: is_here(run, "A"))
        run.resume("B")
    run.event(ControlCame(b"A", Envelope(1, "A", 0, Failure(Trouble.ERROR))))
    assert run.run().withdrawn == ("A",)
    assert len(of_kind(run.tape, EpochBegun)) == 2 * MOST_FAULTS


def test_who_is_killed_again_and_again_ends_the_run_once_that_has_taken_longer_than_one_is_waited_for() -> None:
    run = at(Phase.PLANNING, NetworkRules(on_loss=OnLoss.WAIT))
    run.steal = lambda hop, frame: hop.plane == "data" and hop.sender == "B"  # so that it never comes further
    began = run.now
    with pytest.raises(RunError, match=r"^A was lost \d+ times in [67]\d s, and the market came no further$"):
        kill_again_and_again(run, "A", 10 * WAIT_S)
    assert run.now - began < 3 * WAIT_S
    assert {left.vpp for left in of_kind(run.tape, Left)} == {"A"}


def test_many_losses_within_the_time_that_one_is_waited_for_are_borne() -> None:
    losses = Losses(WAIT_S)
    for number in range(100):
        losses.lost("A", number * 0.6)
    assert losses.enough("A") == ""


@pytest.mark.parametrize("times", [MOST_LOSSES - 1, MOST_LOSSES])
def test_losses_are_counted_for_each_vpp_since_the_market_came_further(times: int) -> None:
    losses = Losses(WAIT_S)
    losses.reached(1)
    for number in range(times):
        losses.lost("A", number * 2 * WAIT_S)
        losses.lost("B" if number else "C", number * 2 * WAIT_S)
    assert bool(losses.enough("A")) == (times == MOST_LOSSES)
    assert losses.enough("B") == losses.enough("C") == ""
    losses.reached(1)  # it was there before
    assert bool(losses.enough("A")) == (times == MOST_LOSSES)
    losses.reached(2)
    assert losses.enough("A") == ""
