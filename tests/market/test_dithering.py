"""Claims: where surplus and demand just balance, sellers that swap prices for ever are at rest, and it is settled.

A period's verdict and prices do not depend on which periods are solved with it, in which order, or by whom.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from broker.equilibrium.quiescence import CYCLE_SIGHTINGS
from broker.equilibrium.trading import Trading
from broker.wire.messages import Done, Offer, Seen
from market.game.dithering import LARGEST_AMPLITUDE_CNY_PER_MWH, rest_of_cycle
from market.game.period import PeriodGame, period_games
from market.game.pricing import PriceMove, fresh_memory, reprice_all
from market.game.result import PeriodResult, Verdict
from market.game.solver import Order, end_cycle, negotiate, solve_day, solve_period
from market.game.sums import stacked_sum
from market.model.arrays import Array, frozen
from market.model.declaration import Declaration, Role
from market.model.network import Constant, LinkConditions, Lognormal, NetworkRules, Uniform
from market.model.public import PublicRules
from market.model.rules import Horizon, Tariff
from tests.broker.days import public_rules
from tests.broker.loopback import Loopback
from tests.market.instances import make_rules, random_game, random_prices
from tests.sampling import whole

RULES = make_rules()
SWAPPING = (247, 288, 383, 443, 539, 547, 677, 821, 940, 971)  # of a thousand: two prices that swap for ever
SEEDS = range(1000) if whole() else (*range(120), *SWAPPING)
BALANCED = [random_game(seed, ratio=1.0, period=place) for place, seed in enumerate(SEEDS)]
DITHERING = (12, 33, 36, 40, 74, 105, 126, 150, 206, 247, 267, 288)  # they would swap by best replies alone


@pytest.fixture(scope="module")
def alone() -> list[PeriodResult]:
    """Each balanced game solved by itself."""
    return [solve_period(game, RULES) for game in BALANCED]


def test_every_balanced_game_comes_to_rest(alone: list[PeriodResult]) -> None:
    assert {result.verdict for result in alone} == {Verdict.EQUILIBRIUM}
    settled = [result for result in alone if "where nobody gains: settled there" in result.evidence]
    assert len(settled) > 2  # which of them dither is a matter of the last digit


def test_what_is_solved_with_it_changes_nothing_about_a_period(alone: list[PeriodResult]) -> None:
    shuffled = np.random.default_rng(0).permutation(len(BALANCED))
    for batch in np.array_split(shuffled, 12):
        for result in solve_day([BALANCED[place] for place in batch.tolist()], RULES):
            wanted = alone[result.game.period]
            assert result.verdict is wanted.verdict
            assert (result.price_cny_per_mwh == wanted.price_cny_per_mwh).all()
            assert (result.probability == wanted.probability).all()


def test_who_moves_first_changes_next_to_nothing(alone: list[PeriodResult]) -> None:
    """One after the other instead of all at once: the way is another one, its end is not.

    Some rests are a stretch in which no seller's profit rises by a last digit.
    """
    ends = negotiate(BALANCED, RULES, order=Order.SEQUENTIAL)
    assert {end.ended for end in ends} == {Verdict.EQUILIBRIUM}
    off = [np.abs(end.prices - one.price_cny_per_mwh).max() for end, one in zip(ends, alone, strict=True)]
    assert max(off) <= LARGEST_AMPLITUDE_CNY_PER_MWH
    assert np.quantile(off, 0.98) <= 1e-6


def test_replies_of_games_of_all_sizes_are_the_same_in_any_company() -> None:
    rng = np.random.default_rng(3)
    games = [random_game(s, sellers=int(rng.integers(1, 12)), buyers=int(rng.integers(1, 45))) for s in range(60)]
    prices = [random_prices(game, place) for place, game in enumerate(games)]
    turns = [PriceMove(game, 0, price, fresh_memory(RULES)) for game, price in zip(games, prices, strict=True)]
    together = [reply.price for reply in reprice_all(RULES, turns)]
    assert together == [reprice_all(RULES, [turn])[0].price for turn in turns]
    few = [turn for turn in turns if len(turn.game.buyers) < 8]
    assert [reply.price for reply in reprice_all(RULES, few)] == [
        price for price, turn in zip(together, turns, strict=True) if len(turn.game.buyers) < 8
    ]


@pytest.mark.parametrize("count", [1, 3, 7, 8, 9, 15, 16, 17, 40, 130])
def test_zeros_at_the_end_change_no_sum(count: int) -> None:
    rng = np.random.default_rng(count)
    numbers = rng.uniform(0.0, 1.0, (5, 4, count)) * 10.0 ** rng.integers(-8, 8, (5, 4, count))
    alone = stacked_sum(numbers, np.full((5, 1), count))
    np.testing.assert_allclose(alone, numbers.sum(axis=-1), rtol=1e-14)
    for width in (count + 1, 7, 8, 12, 16, 50, 200):
        if width >= count:
            padded = np.zeros((5, 4, width))
            padded[..., :count] = numbers
            counts = np.full((5, 1), count)
            assert (stacked_sum(padded, counts) == alone).all()


# --- the rule ---


def dithered(seed: int, off: float = 4e-7) -> tuple[PeriodGame, list[Array]]:
    """A balanced game, and two sellers that swap prices about its rest."""
    game = random_game(seed, ratio=1.0, period=0)
    rest = solve_period(game, RULES).price_cny_per_mwh
    low, high = rest.copy(), rest.copy()
    low[0] += off
    high[1] += off
    return game, [low, high]


@pytest.mark.sampled(5)
@pytest.mark.parametrize("seed", DITHERING)
def test_where_it_settles_does_not_depend_on_who_moved_first(seed: int) -> None:
    game, cycle = dithered(seed)
    settled = end_cycle(game, cycle, RULES, "rounds").settled
    assert settled is not None
    assert (settled == end_cycle(game, cycle[::-1], RULES, "rounds").settled).all()
    assert np.abs(settled - solve_period(game, RULES).price_cny_per_mwh).max() <= 1e-6


def test_without_a_better_one_it_settles_at_each_seller_s_highest_price() -> None:
    game, cycle = dithered(74)
    for other in (None, cycle[0] + 1.0):  # none at all, or too far away
        settled = rest_of_cycle(game, cycle, RULES, lambda other=other: other)  # type: ignore[misc]
        assert settled is not None
        assert (settled == np.maximum(*cycle)).all()


def test_a_wider_cycle_is_one() -> None:
    game, cycle = dithered(74, off=1.1 * LARGEST_AMPLITUDE_CNY_PER_MWH)
    assert end_cycle(game, cycle, RULES, "rounds").settled is None


def test_a_narrow_cycle_in_which_somebody_gains_is_one() -> None:
    game, cycle = dithered(74)
    assert end_cycle(game, [prices - 2.0 for prices in cycle], RULES, "rounds").settled is None


# --- through the broker ---


def day_of(games: list[PeriodGame]) -> tuple[PublicRules, tuple[Declaration, ...]]:
    """A market of many whose periods are these games, all of one temperature."""
    rules = public_rules(len(games), market=replace(RULES, price_max_cny_per_mwh=1e4))
    feed_in = frozen([game.feed_in_cny_per_mwh for game in games])
    public = replace(
        rules,
        horizon=Horizon(len(games), 1.0),
        tariff=Tariff(frozen([game.cap_cny_per_mwh for game in games]), feed_in),
    )
    names = [f"S{j}" for j in range(1, 7)] + [f"B{i}" for i in range(1, 7)]
    return public, tuple(_declared(name, games) for name in names)


def _declared(name: str, games: list[PeriodGame]) -> Declaration:
    columns = np.zeros((5, len(games)))
    for t, game in enumerate(games):
        if name in game.sellers:
            j = game.sellers.index(name)
            columns[[0, 4], t] = game.surplus_mw[j], game.reserve_cny_per_mwh[j]
        if name in game.buyers:
            i = game.buyers.index(name)
            columns[1:4, t] = game.deficit_mw[i], game.own_supply_mw[i], game.satisfaction_cny_per_h[i]
    surplus, deficit, own, satisfaction, reserve = map(frozen, columns)
    role = {(True, False): Role.SELLER, (False, True): Role.BUYER, (False, False): Role.IDLE}
    roles = tuple(role[s > 0, d > 0] for s, d in zip(surplus.tolist(), deficit.tolist(), strict=True))
    return Declaration(name, roles, surplus, deficit, own, satisfaction, reserve)


BALANCED_DAY = [random_game(seed, ratio=1.0, temperature=50.0, period=seed) for seed in range(5)]


@pytest.mark.parametrize(
    "network",
    [
        NetworkRules(),
        NetworkRules(every=LinkConditions(Constant(0.05))),
        NetworkRules(every=LinkConditions(Lognormal(0.05, 1.0))),
        NetworkRules(every=LinkConditions(Uniform(0.01, 0.09), jitter_s=0.05, loss=0.2)),
    ],
    ids=["at once", "constant", "lognormal", "jitter and loss"],
)
def test_a_balanced_day_rests_on_every_network_where_it_rests_in_one_process(network: NetworkRules) -> None:
    public, declarations = day_of(BALANCED_DAY)
    wanted = solve_day(period_games(declarations, public), public.market)
    for got, expected in zip(Loopback(public, declarations, network=network).run().results, wanted, strict=True):
        assert (got.verdict, expected.verdict) == (Verdict.EQUILIBRIUM, Verdict.EQUILIBRIUM)
        np.testing.assert_allclose(got.price_cny_per_mwh, expected.price_cny_per_mwh, rtol=0, atol=1e-6)


def all_confirm(trading: Trading, game: PeriodGame, version: int) -> None:
    """Everybody knows the newest offers, and would go on."""
    for vpp in (*game.sellers, *game.buyers):
        seen = tuple(Seen(seller, version) for seller in game.sellers if seller != vpp)
        trading.done(vpp, Done(version, version, seen, (0,) if vpp in game.sellers else ()))


def test_offers_that_go_on_elsewhere_had_not_settled() -> None:
    game, cycle = dithered(74)
    trading = Trading([game], RULES)
    for turn in range(2 * CYCLE_SIGHTINGS):
        for index, seller in enumerate(game.sellers):
            trading.take(seller, Offer(turn + 1, (0,), frozen(cycle[turn % 2][index : index + 1])))
        all_confirm(trading, game, turn + 1)
        trading.settled()
    assert trading.settled()
    moved = float(cycle[0][0]) - 1e-3
    trading.take(game.sellers[0], Offer(2 * CYCLE_SIGHTINGS + 1, (0,), frozen([moved])))
    assert not trading.settled()


def test_the_broker_settles_offers_that_dither_by_the_same_rule() -> None:
    game, cycle = dithered(74)
    trading = Trading([game], RULES)
    for turn in range(2 * CYCLE_SIGHTINGS):
        for index, seller in enumerate(game.sellers):
            price = frozen(cycle[turn % 2][index : index + 1])
            trading.take(seller, Offer(turn + 1, (0,), price))
        all_confirm(trading, game, turn + 1)
        over = trading.settled()
    assert over
    (result,) = trading.results()
    assert result.verdict is Verdict.EQUILIBRIUM
    assert "where nobody gains: settled there" in result.evidence
    settled = end_cycle(game, cycle, RULES, "rounds").settled
    assert settled is not None
    assert (result.price_cny_per_mwh == settled).all()
    assert result.delivered_mw.sum() > 0.0
