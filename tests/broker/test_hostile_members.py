"""Claims: whatever a member says, whenever, is refused and counted, or ends the run with one clear error.

Whole markets in memory, in which one member turned hostile; what comes of a run is followed into its folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from broker.bus.broker_end import BrokerEnd
from broker.protocol.actions import ControlCame, DataCame, Parcel, ProcessEnded, Publish
from broker.protocol.run_progress import Phase
from broker.protocol.run_result import RunResult
from broker.screening.messages import screen
from broker.tape import Ended, MessageSaid, OrderGiven, TurnGiven
from broker.wire.frames import Envelope, encode
from broker.wire.limits import MOST_A_TURN
from broker.wire.messages import (
    Audit,
    Declared,
    Done,
    Failure,
    Hello,
    Message,
    Offer,
    Ready,
    Ref,
    Refusals,
    Resend,
    Seen,
    Selection,
    Trouble,
)
from market.app.results.concluded_day import ConcludedDay, outcome_of
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.runs.distributed import _facts
from market.app.runs.run_day import run_day
from market.bidding.roles import sdr
from market.errors import MarketError
from market.game.period import period_games
from market.game.result import Verdict
from market.game.solver import solve_day
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration
from market.model.network import Constant, LinkConditions, Lognormal, NetworkRules, OnLoss, TimeMode
from market.model.plan import DispatchPlan
from market.model.rules import PriceRule
from market.model.vpp import Exchange, Vpp
from market.scenario.scenario import Scenario
from tests.broker.days import declaration, market_day, market_rules, public_rules
from tests.broker.hostility import Hostile
from tests.broker.loopback import ENDPOINTS, TOKEN, Loopback, blank_plan
from tests.tapes import of_kind

DAY = {"A": [2.0, 1.0, -1.0], "B": [1.5, -1.0, 2.0], "C": [-1.0, -2.0, -0.5]}  # A sells twice, C only buys
VIRTUAL = NetworkRules()
WALL = NetworkRules(time=TimeMode.WALL, every=LinkConditions(Constant(0.01)))
STEPS = 3000


def market(network: NetworkRules = VIRTUAL) -> Loopback:
    rules = public_rules(3, market=market_rules(offer_budget=20))
    run = Loopback(rules, market_day(DAY), network=network)
    run.join()
    return run


def until(run: Loopback, there: Callable[[], bool]) -> Loopback:
    for _ in range(STEPS):
        if there():
            return run
        run.step()
    raise AssertionError(f"does not come: {run.coordinator.progress(run.now)}")


def trading(network: NetworkRules = VIRTUAL) -> Loopback:
    """A market in which everybody has declared and everybody's turn, if there are turns, is open."""
    run = market(network)
    waits = run.coordinator.clockwork.waiting_for
    return until(
        run, lambda: run.coordinator.phase is Phase.TRADING and (network.time is TimeMode.WALL or "A" in waits())
    )


def planning() -> Loopback:
    run = market()
    return until(run, lambda: run.coordinator.phase is Phase.PLANNING)


def settling() -> Loopback:
    run = market()
    return until(run, lambda: run.coordinator.phase is Phase.SETTLING)


def finish(run: Loopback) -> RunResult:
    until(run, lambda: run.coordinator.phase is Phase.OVER)
    return run.coordinator.proceedings()


def publish(run: Loopback, vpp: str, message: Message) -> str:
    """A member publishes its next message; the reason for which it is refused, empty if it is not."""
    epoch = run.coordinator.epoch
    envelope = Envelope(epoch.number, vpp, epoch.upto(vpp) + 1, message)
    before = run.coordinator.refused.copy()
    run.event(DataCame(Parcel(envelope, encode(envelope, TOKEN))))
    return next(iter(run.coordinator.refused - before), "")


def tell(run: Loopback, vpp: str, message: Message, epoch: int | None = None) -> str:
    """A member tells the broker something at once; the reason for which it is refused, empty if it is not."""
    number = run.coordinator.epoch.number if epoch is None else epoch
    before = run.coordinator.refused.copy()
    run.event(ControlCame(vpp.encode(), Envelope(number, vpp, 0, message)))
    return next(iter(run.coordinator.refused - before), "")


def turn_of(run: Loopback, vpp: str) -> int:
    """The newest order that a member has been given."""
    given = [r for r in run.tape if isinstance(r, TurnGiven | OrderGiven)]
    return [r.number for r in given if r.receiver == vpp][-1]


def offers_of(run: Loopback, vpp: str) -> int:
    said = run.coordinator.epoch.said
    return sum(isinstance(entry.message, Offer) and entry.sender == vpp for entry in said)


# --- what a run leaves behind ---


def recorded(run: Loopback, folder: Path) -> ConcludedDay:
    """The run folder of a run that is over."""
    proceedings, public = run.coordinator.proceedings(), run.public
    load, limits = frozen([1.0] * public.horizon.periods), Exchange(1e9, 1e9, 1e9, 1e9)
    vpps = tuple(Vpp(vpp, "", load, None, None, None, None, None, limits, 0.85) for vpp in run.clients)
    scenario = Scenario(
        "hostile",
        "",
        public,
        vpps,
        run.network,
        "digest",
        tuple(v.id for v in vpps),
        ("",) * len(vpps),
    )
    bus = cast(BrokerEnd, SimpleNamespace(endpoints=ENDPOINTS, dropped={}))
    facts = _facts(scenario, proceedings, bus, proceedings.process_ids, {})
    what = RunSpec(scenario, 0, False, datetime.now(UTC))
    return run_day(
        what,
        lambda *_: (outcome_of(proceedings), facts),
        RunFolder(folder),
        lambda progress: None,
        since=0.0,
    )


# --- declarations ---


def declares(**changed: Array) -> Declared:
    """A's declaration, but for this."""
    return Declared(replace(declaration("A", DAY["A"]), **cast(Any, changed)))


@pytest.mark.parametrize(
    "message",
    [
        declares(surplus_mw=frozen([5e-324, 1.0, 0.0])),
        declares(deficit_mw=frozen([0.0, 0.0, 1e-12])),
        declares(satisfaction_cny_per_h=frozen([0.0, 0.0, 1e308])),
        declares(satisfaction_cny_per_h=frozen([1e300, 0.0, 1.0])),
    ],
)
def test_a_declaration_out_of_all_reason_is_refused(message: Declared) -> None:
    assert publish(planning(), "A", message) == "bad_content"


def test_a_member_declares_once_though_its_turn_is_not_over() -> None:
    run = planning()
    assert publish(run, "A", Declared(declaration("A", DAY["A"]))) == ""
    assert publish(run, "A", Declared(declaration("A", [-1.0, -1.0, -1.0]))) == "out_of_turn"


def extreme(chance: Random, vpp: str, periods: int) -> Declaration:
    """A declaration at the ends of what is allowed."""
    volumes = [chance.choice((1e-9, 1.0, 1e6)) * chance.choice((1.0, -1.0, -1.0, 0.0)) for _ in range(periods)]
    said = declaration(vpp, volumes)
    own = [chance.choice((0.0, 5e-324, 0.5, 1e6)) for _ in volumes]
    worth = [chance.choice((0.0, 5e-324, 1e-100, 400.0, 700.0 * abs(v), 1e12, 1e24)) for v in volumes]
    return replace(said, own_supply_mw=frozen(own), satisfaction_cny_per_h=frozen(worth))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("temperature", [50.0, 0.0])
def test_games_stay_finite_at_the_ends_of_what_may_be_declared(temperature: float, seed: int) -> None:
    chance = Random(seed)
    said = [extreme(chance, vpp, 4) for vpp in "ABC"]
    for entry in said:
        screen(entry.vpp, Declared(entry), public_rules(4), None)
    rule = chance.choice(list(PriceRule))
    rules = public_rules(4, market=market_rules(temperature, rule, offer_budget=50))
    for result in solve_day(period_games(said, rules), rules.market):
        if result.certificate:
            assert np.isfinite(result.certificate.seller_regret_bound_cny).all()
            assert np.isfinite(result.certificate.buyer_gain_cny).all()


# --- offers and selections ---


@pytest.mark.parametrize("ahead", [2, 2**53 - 100])
def test_offers_are_counted_without_a_gap(ahead: int) -> None:
    run = trading()
    offer = Offer(offers_of(run, "A") + ahead, (0, 1), frozen([500.0, 500.0]))
    assert publish(run, "A", offer) == "bad_content"


def selection(version: int, probability: Sequence[float], requested_mw: Sequence[float]) -> Selection:
    """C's selection: two sellers in the first period, one in each of the others."""
    return Selection(version, (0, 1, 2), (2, 1, 1), frozen(probability), frozen(requested_mw))


def until_c_has_its_turn() -> Loopback:
    run = market()
    waits = run.coordinator.clockwork.waiting_for
    return until(run, lambda: run.coordinator.phase is Phase.TRADING and "C" in waits())


@pytest.mark.parametrize(
    "message",
    [
        selection(1, [1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.1, 0.1]),  # asks the seller that it does not choose
        selection(1, [0.5, 0.5, 1.0, 1.0], [0.6, 0.1, 0.1, 0.1]),
        selection(2, [0.5, 0.5, 1.0, 1.0], [0.1, 0.1, 0.1, 0.1]),
        selection(1, [1e308, 1e308, 1.0, 1.0], [0.1, 0.1, 0.1, 0.1]),
        selection(1, [0.5, 0.5, 1.0, 1.0], [1e308, 1e308, 0.1, 0.1]),
    ],
)
def test_a_selection_asks_for_no_more_than_its_probabilities_share(message: Selection) -> None:
    assert publish(until_c_has_its_turn(), "C", message) == "bad_content"


def test_nobody_answers_more_often_than_anybody_has_offered() -> None:
    run = until_c_has_its_turn()
    offers = offers_of(run, "A") + offers_of(run, "B")
    answers = [selection(n, [0.5, 0.5, 1.0, 1.0], [0.1] * 4) for n in range(1, offers + 2)]
    assert [publish(run, "C", answer) for answer in answers] == [""] * offers + ["bad_content"]


def test_one_turn_holds_so_many_messages_and_no_more() -> None:
    run = trading()
    first = offers_of(run, "A") + 1
    offers = [Offer(first + n, (0, 1), frozen([500.0, 500.0 + n])) for n in range(MOST_A_TURN + 1)]
    assert [publish(run, "A", offer) for offer in offers] == [""] * MOST_A_TURN + ["too_many"]


# --- confirmations ---


@pytest.mark.parametrize(
    ("seen", "pending"),
    [
        ((Seen("Z", 1),), ()),
        ((Seen("x" * 4096, 0),), ()),
        ((Seen("B", 2**53),), ()),
        ((Seen("A", 1),) * 4, ()),
        ((), (2,)),
        ((), (77, 2**53)),
    ],
)
def test_a_confirmation_speaks_of_what_is_there(seen: tuple[Seen, ...], pending: tuple[int, ...]) -> None:
    run = trading()
    upto = run.coordinator.epoch.upto("A")
    assert tell(run, "A", Done(turn_of(run, "A"), upto, seen, pending)) == "bad_content"


def test_who_is_not_on_the_roster_confirms_nothing() -> None:
    run = trading(replace(WALL, on_loss=OnLoss.WITHDRAW))
    run.event(ProcessEnded("B", "was killed"))
    run.tell("B", Hello(1, "digest", "", "loopback", "test"))
    until(run, lambda: "B" in run.coordinator.membership.members)
    assert tell(run, "B", Done(1, 0, (), ())) == "not_a_member"


def test_a_message_of_an_epoch_to_come_is_refused() -> None:
    run = trading()
    assert tell(run, "A", Done(turn_of(run, "A"), run.coordinator.epoch.upto("A"), (), ()), 2) == "wrong_epoch"


def answer_for(run: Loopback, vpp: str, reply: Callable[[int], Sequence[Message]]) -> RunResult:
    """Carry the run to its end with a member that answers each of its turns in its own way."""
    run.pause(vpp)
    answered = turn_of(run, vpp)
    for _ in range(20 * STEPS):
        if run.coordinator.phase is not Phase.TRADING:
            run.resume(vpp)
            return finish(run)
        if turn_of(run, vpp) > answered and vpp in run.coordinator.clockwork.waiting_for():
            answered = turn_of(run, vpp)
            for message in reply(answered):
                assert (tell if isinstance(message, Done) else publish)(run, vpp, message) == ""
        run.coordinator.membership.heard(vpp, run.now)
        run.step()
    raise AssertionError(f"does not end: {run.coordinator.progress(run.now)}")


def test_who_wants_another_step_for_ever_and_makes_none_is_not_woken() -> None:
    run = trading()
    tell(run, "A", Done(turn_of(run, "A"), run.coordinator.epoch.upto("A"), (), (0, 1)))
    done = answer_for(run, "A", lambda turn: [Done(turn, run.coordinator.epoch.upto("A"), (), (0, 1))])
    assert Verdict.STALLED in [result.verdict for result in done.results]


def test_who_offers_the_same_for_ever_spends_its_budget() -> None:
    run = trading()

    def again(turn: int) -> Sequence[Message]:
        offer = Offer(offers_of(run, "A") + 1, (0, 1), frozen([500.0, 500.0]))
        return [offer, Done(turn, run.coordinator.epoch.upto("A") + 1, (), (0, 1))]

    for message in again(turn_of(run, "A")):
        (tell if isinstance(message, Done) else publish)(run, "A", message)
    done = answer_for(run, "A", again)
    spent = [result for result in done.results if result.verdict is Verdict.BUDGET_SPENT]
    assert spent
    assert all("raise market.offer_budget" in result.evidence for result in spent)
    assert max(result.rounds for result in done.results) <= 20 * 3 + 2


def test_a_buyer_that_never_answers_leaves_no_equilibrium_to_be_claimed(tmp_path: Path) -> None:
    run = until_c_has_its_turn()

    def silent(turn: int) -> Sequence[Message]:
        seen = tuple(Seen(vpp, offers_of(run, vpp)) for vpp in "AB" if offers_of(run, vpp))
        return [Done(turn, run.coordinator.epoch.upto("C"), seen, ())]

    tell(run, "C", silent(turn_of(run, "C"))[0])
    done = answer_for(run, "C", silent)
    assert Verdict.EQUILIBRIUM not in [result.verdict for result in done.results]
    assert done.results[2].verdict is Verdict.UNCERTIFIED
    assert done.results[2].evidence == "at rest, but C has not answered"
    recorded(run, tmp_path)


# --- other control messages ---


def test_what_is_asked_for_a_thousand_times_is_sent_once() -> None:
    run = trading()
    resend = Envelope(1, "A", 0, Resend((Ref("B", 1), Ref("B", 2**53), Ref("Z", 1)) * 1000))
    actions = run.coordinator.handle(ControlCame(b"A", resend), run.now)
    assert [isinstance(action, Publish) for action in actions] == [True]
    assert run.coordinator.epoch.counters["resent"] == 1


def test_asking_for_what_is_always_lost_piles_nothing_up() -> None:
    lossy = NetworkRules(time=TimeMode.WALL, every=LinkConditions(Constant(0.01), loss=0.999))
    run = market(lossy)
    until(run, lambda: bool(of_kind(run.tape, MessageSaid)))
    sender = of_kind(run.tape, MessageSaid)[0].sender
    asker = next(vpp for vpp in DAY if vpp != sender)
    for _ in range(200):
        tell(run, asker, Resend((Ref(sender, 1),)))
    assert run.coordinator.epoch.counters["resent"] <= 2


@pytest.mark.parametrize("kind", Trouble)
def test_a_failure_names_who_failed(kind: Trouble) -> None:
    with pytest.raises(MarketError, match=r"A's node (cannot go on|was ended)"):
        tell(trading(), "A", Failure(kind))


def test_who_comes_back_after_the_end_changes_nothing() -> None:
    run = trading(NetworkRules(on_loss=OnLoss.WITHDRAW))
    run.event(ProcessEnded("B", "was killed"))
    finish(run)
    tell(run, "B", Hello(1, "digest", "", "loopback", "test"))
    tell(run, "B", Ready(1))
    assert run.coordinator.phase is Phase.OVER
    assert isinstance(run.tape[-1], Ended)
    assert run.coordinator.proceedings().withdrawn == ("B",)


# --- audits ---


def plan(periods: int = 3, **changed: Any) -> DispatchPlan:
    return replace(blank_plan(periods), **changed)


@pytest.mark.parametrize(
    ("before", "after", "memory_mb"),
    [
        (plan(2), plan(), 1.0),
        (plan(), plan(4), 1.0),
        (plan(0), plan(0), 1.0),
        (plan(soc_mwh=frozen([1.0])), plan(), 1.0),
        (plan(wt_mw=frozen([1e308] * 3), pv_mw=frozen([1e308] * 3)), plan(), 1.0),
        (plan(), plan(curtailed_mw=frozen([-1e308] * 3)), 1.0),
        (plan(), plan(emission_t=1e308), 1.0),
        (plan(), plan(costs=replace(blank_plan(3).costs, carbon_cny=-1e308, cl_cny=-1e308)), 1.0),
        (plan(), plan(), 1e308),
    ],
)
def test_an_audit_without_plans_of_the_day_is_refused(
    before: DispatchPlan, after: DispatchPlan, memory_mb: float, tmp_path: Path
) -> None:
    run = settling()
    assert tell(run, "A", Audit(turn_of(run, "A"), before, after, memory_mb, ())) == "bad_content"
    assert set(finish(run).audits) == set(DAY)
    assert recorded(run, tmp_path).manifest["refused"] == {"bad_content": 1}


def test_an_audit_of_odd_numbers_can_be_written_down(tmp_path: Path) -> None:
    run = settling()
    odd = plan(wt_mw=frozen([1e30, 1.0, 0.0]), load_mw=frozen([5e-324, -1.0, 0.0]), objective_cny=-1e30)
    audit = Audit(turn_of(run, "A"), odd, odd, -1e30, (Refusals("", 2**53), Refusals("x" * 4096, 0)))
    assert tell(run, "A", audit) == ""
    finish(run)
    assert recorded(run, tmp_path).broken_laws


def test_next_to_no_demand_is_as_good_as_none() -> None:
    ratio = sdr(plan(wt_mw=frozen([1e6, 1e6, 0.0]), load_mw=frozen([5e-324, 0.0, 0.0])))
    assert ratio.tolist() == [np.inf, np.inf, 1.0]


# --- anything at all ---

CONDITIONS = {
    "at once": LinkConditions(),
    "constant": LinkConditions(Constant(0.01)),
    "lossy": LinkConditions(Lognormal(0.05, 1.0), loss=0.3),
}


def drawn(chance: Random) -> Loopback:
    """A market under rules drawn at random, and not for long."""
    time = chance.choice(list(TimeMode))
    network = NetworkRules(
        time=time,
        on_loss=chance.choice(list(OnLoss)),
        every=CONDITIONS[chance.choice([*CONDITIONS][time is TimeMode.WALL :])],
        compute_s=chance.choice((0.0, 0.01)),
        pause_s=chance.choice((None, 0.02)),
    )
    rules = market_rules(chance.choice((50.0, 50.0, 0.0)), chance.choice(list(PriceRule)), chance.choice((3, 20)))
    public = public_rules(3, market=rules)
    run = Loopback(public, market_day(DAY), network=network, seed=chance.randrange(1000))
    run.join()
    return run


def besieged(run: Loopback, hostile: Hostile, chance: Random) -> None:
    """The run goes on, with the hostile member speaking now and then, and processes dying where they may."""
    rate, since = chance.choice((0.02, 0.1, 0.3, 0.6)), chance.choice((0, 20, 60, 100))
    for step in range(10 * STEPS):  # a member that fails and comes back is borne with for a while
        if run.coordinator.phase is Phase.OVER:
            break
        if step > since and chance.random() < rate:
            hostile.speak()
        if run.network.on_loss is not OnLoss.STOP and chance.random() < 0.001:
            run.kill(chance.choice("AB"))
        run.step()
    for _ in range(10):
        hostile.speak()


@pytest.mark.parametrize("seed", range(40))
def test_a_member_may_say_anything_at_any_time(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    run = drawn(chance)
    hostile = Hostile(run, chance.choice("AC"), chance)
    error = ""
    try:
        besieged(run, hostile, chance)
    except MarketError as ending:
        error = str(ending)
    if run.coordinator.phase is Phase.OVER:
        recorded(run, tmp_path)
    else:
        assert error


def test_the_hostile_member_is_refused_for_every_reason_there_is() -> None:
    """The random test is worth its name: it goes through the broker's refusals."""
    reasons = Counter[str]()
    for seed in range(25):
        chance = Random(seed)
        run = drawn(chance)
        hostile = Hostile(run, "A", chance)
        with suppress(MarketError):
            for _ in range(400):
                if chance.random() < 0.3:
                    hostile.speak()
                run.step()
        reasons += run.coordinator.refused
    assert {"bad_content", "gap", "not_a_member", "out_of_turn", "wrong_epoch", "wrong_sender"} <= {*reasons}
