"""Claims: a day whose plans see the market is the same over messages as in one process, to the last digit.

In virtual and wall time, whatever the network does, whoever dies on the way. Nothing is told of a round but what
the market needs, and a replay computes all of it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from broker.protocol.coordinator import Phase
from broker.tape import EpochBegun, OrderGiven, RoundReviewed
from broker.wire.messages import RoundOver, Settle
from market.app.history.timeline import Timeline
from market.app.replay.tally import replayed
from market.errors import RunError
from market.model.network import LinkConditions, Lognormal, NetworkRules, OnLoss, TimeMode
from tests.app.days_over_the_bus import day_of, iterated, iterated_day, over_the_bus, unlike
from tests.app.replayed_tapes import any_death, finished, read, written
from tests.tapes import of_kind
from vpp_nodes.in_memory import Loopback

DAYS = [(3, 3, 4), (3, 3, 6), (7, 4, 6)]
"""Seed, VPPs, periods: the first and the last settle a round that is not the last."""

LOSSY = LinkConditions(Lognormal(0.05, 1.0), loss=0.2, duplication=0.1)
NETWORKS = {
    "perfect": NetworkRules(),
    "lossy": NetworkRules(every=LOSSY),
    "wall": NetworkRules(time=TimeMode.WALL),
    "wall, lossy": NetworkRules(time=TimeMode.WALL, every=LOSSY),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_day_is_that_of_one_process(day: tuple[int, int, int], network: NetworkRules) -> None:
    run = over_the_bus(iterated(*day), network)
    run.run()
    assert unlike(iterated_day(*day), day_of(run)) == []


def test_each_round_is_an_epoch_and_time_goes_on() -> None:
    run = over_the_bus(iterated(*DAYS[0]), NETWORKS["lossy"])
    run.run()
    begun = of_kind(run.tape, EpochBegun)
    assert [(each.number, each.round) for each in begun] == [(number + 1, number) for number in range(5)]
    assert [each.time_s for each in begun] == sorted({each.time_s for each in begun})
    settled = {each.order.round for each in of_kind(run.tape, OrderGiven) if isinstance(each.order, Settle)}
    assert settled == {day_of(run).rounds.settled} == {3}  # type: ignore[union-attr]


def test_of_a_round_a_vpp_tells_its_regret_and_whether_it_loses() -> None:
    day = DAYS[0]
    run = over_the_bus(iterated(*day), NETWORKS["perfect"])
    run.run()
    told = [each.regret_cny for each in of_kind(run.tape, RoundReviewed)]
    rounds = iterated_day(*day).rounds
    assert rounds is not None
    assert len(told) == 3 * len(rounds.rounds)
    assert sum(told[9:12]) == pytest.approx(rounds.regrets_cny)  # type: ignore[arg-type]
    orders = [each.order for each in of_kind(run.tape, OrderGiven) if isinstance(each.order, RoundOver)]
    assert len(orders) == len(told)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_replay_computes_all_of_it_again(network: NetworkRules, tmp_path: Path) -> None:
    scenario = iterated(*DAYS[0])
    run = over_the_bus(scenario, network)
    run.run()
    records = read(written(run.tape, tmp_path / "run"))
    tally = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert tally.differing == []
    assert tally.unknown == {}
    assert tally.complete
    found = {what for _, what, _ in tally.counts}
    assert {"review", "declaration", "audit", "epoch", "trade"} <= found


def test_an_altered_review_is_found_out(tmp_path: Path) -> None:
    scenario = iterated(*DAYS[0])
    run = over_the_bus(scenario, NETWORKS["perfect"])
    run.run()
    first = next(record for record in run.tape if isinstance(record, RoundReviewed))
    altered = [replace(r, regret_cny=1e6) if r is first and isinstance(r, RoundReviewed) else r for r in run.tape]
    records = read(written(altered, tmp_path / "run"))
    tally = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert {(decision.who, decision.what) for decision in tally.differing} == {(first.vpp, "review")}


def test_what_is_seen_in_the_end_is_the_round_that_is_settled() -> None:
    run = over_the_bus(iterated(*DAYS[0]), NETWORKS["perfect"])
    run.run()
    done, view = run.coordinator.proceedings(), Timeline(run.tape).newest
    assert view.round == 3
    assert tuple(view.declarations.values()) == done.declarations
    assert view.verdicts == tuple(result.verdict for result in done.results)


STRIKES: dict[str, Callable[[Loopback], None]] = {
    "a node": lambda run: run.kill(next(iter(run.clients))),
    "the broker": lambda run: run.kill_broker(),
}


@pytest.mark.parametrize("network", ["perfect", "wall, lossy"])
@pytest.mark.parametrize("every", [40, 61, 97])
@pytest.mark.parametrize("victim", STRIKES)
def test_who_comes_back_begins_the_day_anew(victim: str, every: int, network: str) -> None:
    """All from round 0: whoever was away has no average of its plans."""
    day = DAYS[0]
    rules = replace(NETWORKS[network], on_loss=OnLoss.WAIT)
    run = finished(over_the_bus(iterated(*day), rules), STRIKES[victim], every)
    assert unlike(iterated_day(*day), day_of(run)) == []
    begun = of_kind(run.tape, EpochBegun)
    assert [each.round for each in begun].count(0) > 1


@pytest.mark.parametrize("seed", range(6))
def test_a_day_with_deaths_is_replayed_too(seed: int, tmp_path: Path) -> None:
    scenario = iterated(*DAYS[0])
    rules = replace(NETWORKS["lossy" if seed % 2 else "wall"], on_loss=OnLoss.WAIT)
    run = finished(over_the_bus(scenario, rules, seed), any_death(seed), every=31 + 17 * seed)
    records = read(written(run.tape, tmp_path / "run"))
    tally = replayed(records, plants={vpp.id: vpp for vpp in scenario.vpps})
    assert [str(decision) for decision in tally.differing] == []


def test_who_dies_while_others_review_has_them_begin_without_it() -> None:
    rules = replace(NETWORKS["perfect"], on_loss=OnLoss.WITHDRAW)
    run = over_the_bus(iterated(*DAYS[2]), rules)
    run.join()
    while run.coordinator.phase is not Phase.REVIEWING:
        run.step()
    run.pause("V1")
    run = finished(run)
    assert run.coordinator.proceedings().withdrawn == ("V1",)
    assert of_kind(run.tape, EpochBegun)[1].round == 0


def test_who_dies_in_a_later_round_breaks_the_run_under_the_rule_stop() -> None:
    run = over_the_bus(iterated(*DAYS[0]), NETWORKS["perfect"])
    run.join()
    while run.coordinator.epoch.round < 2:
        run.step()
    with pytest.raises(RunError, match="V1"):
        run.kill("V1")


def test_who_comes_back_when_a_later_round_is_being_settled_has_all_begin_anew() -> None:
    """It does not know what it had declared there, so that it cannot tell whether it can have traded this."""
    day = DAYS[0]
    run = over_the_bus(iterated(*day), replace(NETWORKS["perfect"], on_loss=OnLoss.WAIT))
    run.join()
    while run.coordinator.phase is not Phase.SETTLING:
        run.step()
    run.kill("V2")
    run = finished(run)
    assert unlike(iterated_day(*day), day_of(run)) == []
    assert [each.round for each in of_kind(run.tape, EpochBegun)] == [0, 1, 2, 3, 4] * 2
