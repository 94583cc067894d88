"""Claims: any single frame of a day, on either plane, may be lost, doubled or late: the day ends as it would have.

Every frame of `two_vpp`, one at a time (a sample of them, all with `--whole`): joining, trade, settlement and
farewell, in virtual and wall time, with either rule for losses, and wall time under simulated loss besides, so
that requests are among the frames. Of `five_vpp` a draw from one frame of each kind and direction; the whole is
`scripts/bench/every_frame.py`.
"""

from __future__ import annotations

from random import Random

import pytest

from broker.wire.messages import BROKER
from market.model.network import OnLoss
from scripts.bench.every_frame import cases, table, tried
from scripts.bench.frame_fates import (
    CONDITIONS,
    Fate,
    FrameTrial,
    MarketSetup,
    frames_of,
    struck,
    undisturbed,
)
from tests.sampling import sampled

MARKET_KINDS = {"Declared", "Offer", "Selection", "Concluded"}
ORDERS_AND_ANSWERS = {"Hello", "Welcome", "Ready", "Begin", "Turns", "Done", "Settle", "Audit", "Stop"}
SIGNS = {"Beat", "Heartbeat", "Resend"}
SEVERAL_ROUNDS = {
    "two_vpp coupling=iterate market.coupling_rounds=2": {"RoundOver", "Reviewed"},
    "two_vpp market.mechanism=consensus": {"Answer"},
}
"""Days of several rounds, and the kinds of frames that only they have."""
RULES = (OnLoss.STOP, OnLoss.WAIT)


def held(trials: list[FrameTrial]) -> None:
    """Every day came to its end; what was struck is printed."""
    print(*trials, sep="\n")
    assert [str(trial) for trial in trials if trial.fault] == [], table(trials)


def test_the_days_have_frames_of_every_kind_on_both_planes_and_in_both_directions() -> None:
    kinds = set[str]()
    for conditions in CONDITIONS:
        spots = frames_of(MarketSetup("two_vpp", conditions))
        assert len({(spot.hop.plane, spot.hop.receiver == BROKER) for spot in spots}) == 4
        assert len(spots) == len({(spot.hop, spot.number) for spot in spots})
        kinds |= {spot.kind for spot in spots}
    assert kinds >= MARKET_KINDS | ORDERS_AND_ANSWERS | SIGNS


@pytest.mark.sampled(6)
@pytest.mark.parametrize("fate", Fate)
@pytest.mark.parametrize("on_loss", RULES)
@pytest.mark.parametrize("conditions", CONDITIONS)
def test_any_frame_of_a_day_of_two_may_meet_its_fate(conditions: str, on_loss: OnLoss, fate: Fate) -> None:
    market = MarketSetup("two_vpp", conditions, on_loss)
    held([struck(market, spot, fate) for spot in sampled(frames_of(market), 20, fate.name)])


@pytest.mark.sampled(2)
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("conditions", "on_loss"), [("virtual", OnLoss.WAIT), ("wall, lossy", OnLoss.STOP)])
@pytest.mark.parametrize("scenario", SEVERAL_ROUNDS)
def test_a_frame_of_each_kind_of_a_day_of_several_rounds_may_meet_its_fate(
    scenario: str, conditions: str, on_loss: OnLoss
) -> None:
    market = MarketSetup(scenario, conditions, on_loss)
    assert {spot.kind for spot in frames_of(market)} >= SEVERAL_ROUNDS[scenario]
    held([tried(case) for case in sampled(cases([market], most=1, seed=1), 15, f"{scenario} {conditions}")])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("conditions", "on_loss"), [("virtual", OnLoss.STOP), ("wall, lossy", OnLoss.WAIT)])
def test_a_frame_of_each_kind_of_a_day_of_five_may_meet_its_fate(conditions: str, on_loss: OnLoss) -> None:
    of_each_kind = cases([MarketSetup("five_vpp", conditions, on_loss)], most=1, seed=1)
    held([tried(case) for case in sampled(Random(conditions).sample(of_each_kind, 6), 2, conditions)])


@pytest.mark.sampled(1)
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.LATE])
def test_who_begins_late_learns_of_what_was_lost_before(fate: Fate) -> None:
    """It was told that a declaration should have come, while it did not know of any epoch: it is told again."""
    market = MarketSetup("five_vpp", "wall, lossy", seed=5)
    begun = [spot for spot in frames_of(market) if spot.kind == "Begin"]
    held([struck(market, spot, fate) for spot in sampled(begun, 2, fate.name)])


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(20))
def test_a_market_that_loses_every_other_frame_comes_to_its_end(seed: int) -> None:
    """Sellers mostly know different prices, so that what one foresees of the others does not come true."""
    assert undisturbed(MarketSetup("five_vpp", "wall, lossy", seed=seed)).everybody_has_left
