"""Claims: whatever dies, and whenever, a market that ends with all present ends where it would have ended anyway.

Whole markets in memory (`tests.broker.loopback`): every step of a run is a moment at which something can die.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

import pytest

from broker.protocol.actions import ProcessEnded
from broker.protocol.run_progress import Phase
from broker.protocol.run_result import RunResult
from broker.tape import Ended, Left, Opened
from broker.wire.frames import Envelope, encode
from broker.wire.messages import BROKER, Declared, Done
from market.errors import RunError
from market.game.result import Verdict
from market.model.network import Constant, LinkConditions, Lognormal, NetworkRules, OnLoss, TimeMode
from tests.broker.days import market_day, public_rules
from tests.broker.loopback import TOKEN, Hop, Loopback, prices_of
from tests.tapes import of_kind

DAY = {"A": [2.0, 1.0], "B": [1.5, -1.0], "C": [-1.0, -2.0]}  # a duopoly, a monopoly: many rounds
SHORT = {"A": [2.0, 1.0], "B": [-1.0, -1.5], "C": [-0.5, 0.4]}  # a monopoly, scarcity: few
WAIT = NetworkRules(on_loss=OnLoss.WAIT)
RULES = {
    "wait": WAIT,
    "withdraw": NetworkRules(on_loss=OnLoss.WITHDRAW),
    "delayed": NetworkRules(on_loss=OnLoss.WAIT, every=LinkConditions(Lognormal(0.05, 1.0), loss=0.2)),
    "wall": NetworkRules(on_loss=OnLoss.WAIT, time=TimeMode.WALL, every=LinkConditions(Constant(0.01))),
}
STEPS = 5000


def market(day: Mapping[str, Sequence[float]], network: NetworkRules = WAIT, seed: int = 0) -> Loopback:
    return Loopback(public_rules(periods=2), market_day(day), network=network, seed=seed)


@cache
def undisturbed(long: bool) -> Mapping[int, list[float]]:
    return prices_of(market(DAY if long else SHORT).run())


def finish(run: Loopback) -> RunResult:
    for _ in range(STEPS):
        if run.coordinator.phase is Phase.OVER:
            return run.coordinator.proceedings()
        run.step()
    raise AssertionError(f"does not end: {run.coordinator.progress(run.now)}")


def ends_where_it_would_have(run: Loopback, *, long: bool) -> None:
    done = finish(run)
    assert [r.verdict for r in done.results] == [Verdict.EQUILIBRIUM] * 2
    assert prices_of(done) == undisturbed(long)
    assert set(done.audits) == set(DAY)
    assert done.withdrawn == ()
    assert isinstance(run.tape[0], Opened)
    assert run.tape[-1] == Ended(Verdict.EQUILIBRIUM)


def go(run: Loopback, steps: int) -> bool:
    """Some steps on; whether the run is still under way then."""
    for _ in range(steps):
        if run.coordinator.phase is Phase.OVER:
            return False
        run.step()
    return run.coordinator.phase is not Phase.OVER


def break_off(run: Loopback, victim: str) -> None:
    if victim == "broker":
        run.kill_broker()
    else:
        run.kill(victim)


@pytest.mark.parametrize("victim", [*DAY, "broker"])
def test_a_death_at_any_step_changes_nothing_in_the_end(victim: str) -> None:
    step, run = 0, market(SHORT)
    while go(run, step):
        break_off(run, victim)
        ends_where_it_would_have(run, long=False)
        step, run = step + 1, market(SHORT)
    assert step > 50


def pause(run: Loopback, victim: str, seconds: float) -> None:
    """A node is stopped for a while, or until the run is over."""
    run.pause(victim)
    until = run.now + seconds
    while run.now < until and go(run, 1):
        pass
    run.resume(victim)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rules", RULES)
def test_many_deaths_and_pauses_change_nothing_in_the_end(rules: str, seed: int) -> None:
    chance = Random(seed)
    run = market(DAY, RULES[rules], seed)
    for _ in range(chance.randint(1, 6)):
        if not go(run, chance.randint(0, 150)):
            break
        if chance.random() < 0.3:
            pause(run, chance.choice([*DAY]), chance.choice((1.0, 15.0)))
        else:
            break_off(run, chance.choice([*DAY, "broker"]))
    if rules == "withdraw" and finish(run).withdrawn:
        return  # the others ended before it was back
    ends_where_it_would_have(run, long=True)


def until_trading(run: Loopback) -> Loopback:
    while run.coordinator.phase is not Phase.TRADING:
        run.step()
    go(run, 20)
    return run


def test_without_a_rule_for_it_a_death_ends_the_run() -> None:
    run = until_trading(market(SHORT, NetworkRules()))
    with pytest.raises(RunError, match=r"A's process was killed while trading .* cannot go on without it"):
        run.event(ProcessEnded("A", "was killed"))


def test_who_is_not_started_again_is_not_waited_for() -> None:
    run = until_trading(market(SHORT))
    with pytest.raises(RunError, match="cannot go on without it"):
        run.event(ProcessEnded("A", "was killed"))


def test_who_falls_silent_is_waited_for_and_no_longer_than_was_said() -> None:
    run = until_trading(market(SHORT))
    run.pause("A")
    with pytest.raises(RunError, match=r"A node .* no sign of life .* waited 60 s for it to come back, in vain"):
        go(run, STEPS)
    assert run.now > 60.0


def test_the_others_trade_without_who_has_withdrawn() -> None:
    run = until_trading(market(DAY, NetworkRules(on_loss=OnLoss.WITHDRAW)))
    run.event(ProcessEnded("B", "was killed"))
    done = finish(run)
    alone = Loopback(public_rules(periods=2), [d for d in market_day(DAY) if d.vpp != "B"]).run()
    assert prices_of(done) == prices_of(alone)
    assert done.withdrawn == ("B",)
    assert set(done.audits) == {"A", "C"}
    (left,) = of_kind(run.tape, Left)
    assert (left.vpp, left.how) == ("B", "process was killed")


@pytest.mark.parametrize("together", [True, False])
def test_who_is_left_alone_has_no_market(together: bool) -> None:
    run = until_trading(market(SHORT, NetworkRules(on_loss=OnLoss.WITHDRAW)))
    if together:
        run.pause("A")
        run.pause("C")
        with pytest.raises(
            RunError, match=r"no market is left, B is alone: A's node .*; C's node .* sign of life"
        ):
            go(run, STEPS)
    else:
        run.event(ProcessEnded("A", "was killed"))
        with pytest.raises(
            RunError, match="no market is left, B is alone: A's process was killed; C's process was"
        ):
            run.event(ProcessEnded("C", "was killed"))


def test_who_is_alone_from_the_start_has_a_day_all_the_same() -> None:
    run = market({"A": [1.0, -1.0]}, NetworkRules(on_loss=OnLoss.WITHDRAW))
    assert [result.verdict for result in finish(run).results] == [Verdict.NO_TRADE] * 2
    gone = until_trading(market(SHORT, NetworkRules(on_loss=OnLoss.WITHDRAW)))
    gone.event(ProcessEnded("A", "was killed"))
    assert set(finish(gone).audits) == {"B", "C"}


def test_what_an_epoch_left_behind_is_discarded_not_refused() -> None:
    run = until_trading(market(DAY))
    run.kill("A")
    while run.coordinator.epoch.number == 1:
        run.step()
    run.tell("B", Done(1, 9, (), ()), epoch=1)
    run.carry(Hop("data", "B", BROKER), encode(Envelope(1, "B", 9, Declared(run.declarations[1])), TOKEN))
    done = finish(run)
    assert done.counters["superseded"] == 2
    assert done.counters["lost"] == done.counters["returned"] == 1
    assert not done.refused
    assert prices_of(done) == undisturbed(long=True)


@pytest.mark.parametrize("rules", ["wait", "wall"])
def test_a_promise_of_more_than_anybody_can_owe_is_refused(rules: str) -> None:
    """Taken at its word it would have the broker list messages until its memory is full."""
    run = market(DAY, RULES[rules])
    while run.coordinator.phase is not Phase.PLANNING:
        run.step()
    run.tell("B", Done(2 if rules == "wait" else 1, 2**53, (), ()))
    done = finish(run)
    assert done.refused == {"bad_content": 1}
    assert prices_of(done) == undisturbed(long=True)
