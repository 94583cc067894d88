"""Claims about fair shares: each is that of a second implementation, and obeys the laws that define it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations, permutations
from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from market.division.bargaining import equal_split, nash_bargaining
from market.division.coalitions import CoalitionGame, members_of, membership
from market.division.nucleolus import least_complaint, nucleolus
from market.division.shapley import sampled_shapley, shapley_value
from market.division.stability import most_gaining
from market.errors import ModelError
from market.model.arrays import Array, frozen
from market.model.public import PublicRules
from market.model.rules import CarbonRules, Horizon, Tariff
from market.model.vpp import Renewable, Vpp
from market.scenario import load_scenario
from tests.market.random_markets import Level, random_market
from vpp_nodes.dispatch import dispatch
from vpp_nodes.dispatch.joint import joint_dispatch

TOLERANCE = 1e-6  # of the whole
DAYS = 10


def second_shapley(game: CoalitionGame) -> Array:
    """By its words: the mean over all orders."""
    count = len(game.players)
    added, orders = np.zeros(count), list(permutations(range(count)))
    for order in orders:
        here = 0
        for player in order:
            added[player] += game.worth[here | 1 << player] - game.worth[here]
            here |= 1 << player
    return added / len(orders)


def second_nucleolus(game: CoalitionGame) -> Array:
    """Lexicographic minimum by scipy: at each stage every coalition is asked whether it can complain less."""
    count, scale = len(game.players), float(np.abs(game.worth).max()) or 1.0
    rows, worth = membership(count)[1:-1], game.worth[1:-1] / scale
    held: dict[int, float] = {}
    bounds = [(float(game.worth[1 << i]) / scale, None) for i in range(count)]
    while True:
        left = [s for s in range(len(rows)) if s not in held]
        equal = np.vstack([np.ones(count), *(rows[s] for s in held)])
        totals = [float(game.worth[-1]) / scale, *held.values()]
        if np.linalg.matrix_rank(equal) == count or not left:
            return frozen(np.linalg.lstsq(equal, np.array(totals))[0] * scale)
        most = linprog(
            [*[0.0] * count, 1.0],
            A_ub=np.hstack([-rows[left], -np.ones((len(left), 1))]),
            b_ub=-worth[left],
            A_eq=np.hstack([equal, np.zeros((len(equal), 1))]),
            b_eq=totals,
            bounds=[*bounds, (None, None)],
        ).fun
        for s in left:
            best = linprog(
                -rows[s],
                A_ub=-rows[left],
                b_ub=-worth[left] + most + 1e-10,
                A_eq=equal,
                b_eq=totals,
                bounds=bounds,
            )
            if -best.fun <= worth[s] - most + 1e-8:
                held[s] = float(worth[s] - most)


def second_core(game: CoalitionGame) -> bool:
    """Whether any shares satisfy every coalition."""
    scale = float(np.abs(game.worth).max()) or 1.0
    found = linprog(
        np.zeros(len(game.players)),
        A_ub=-membership(len(game.players))[1:-1],
        b_ub=-(game.worth[1:-1] / scale) + 1e-9,
        A_eq=np.ones((1, len(game.players))),
        b_eq=[game.worth[-1] / scale],
        bounds=[(None, None)] * len(game.players),
    )
    return bool(found.status == 0)


def day_game(seed: int, vpps: int = 5) -> CoalitionGame:
    """What coalitions of a random day save."""
    scenario = random_market(seed, list(Level)[seed % 3], vpps=vpps, periods=8)
    alone = [dispatch(vpp, scenario.public).costs.total_cny for vpp in scenario.vpps]

    def saved(coalition: int) -> float:
        vpps = [vpp for i, vpp in enumerate(scenario.vpps) if coalition >> i & 1]
        cost = joint_dispatch(vpps, scenario.public).total_cny if len(vpps) > 1 else None
        own = fsum(a for i, a in enumerate(alone) if coalition >> i & 1)
        return 0.0 if cost is None else own - cost

    return CoalitionGame.by(scenario.roster, saved)


@pytest.fixture(scope="module", params=range(DAYS))
def game(request: pytest.FixtureRequest) -> CoalitionGame:
    return day_game(int(request.param))


def test_shapley_nucleolus_and_core_of_a_random_day_are_those_of_a_second_implementation(
    game: CoalitionGame,
) -> None:
    scale = max(float(game.worth[-1]), 1.0)
    assert shapley_value(game) == pytest.approx(second_shapley(game), abs=TOLERANCE * scale)
    assert nucleolus(game) == pytest.approx(second_nucleolus(game), abs=TOLERANCE * scale)
    assert (least_complaint(game) <= TOLERANCE * scale) is second_core(game)


def test_shares_of_a_random_day_give_out_the_whole_and_the_nucleolus_is_in_the_core_if_anything_is(
    game: CoalitionGame,
) -> None:
    whole = float(game.worth[-1])
    for shares in (shapley_value(game), nucleolus(game), equal_split(whole, 5)):
        assert fsum(shares.tolist()) == pytest.approx(whole, abs=1e-6)
    stays = most_gaining(game, nucleolus(game)).gain <= TOLERANCE * max(whole, 1.0)
    assert stays is second_core(game)


def drawn_game(seed: int, count: int) -> CoalitionGame:
    draw = np.random.default_rng(seed)
    worth = draw.uniform(0.0, 1.0, 1 << count) * [c.bit_count() ** 1.5 for c in range(1 << count)]
    worth[0], worth[[1 << i for i in range(count)]] = 0.0, 0.0
    return CoalitionGame(tuple(f"P{i}" for i in range(count)), worth)


@pytest.mark.parametrize("seed", range(12))
def test_so_are_those_of_games_that_no_market_has(seed: int) -> None:
    game = drawn_game(seed, 2 + seed % 4)
    assert shapley_value(game) == pytest.approx(second_shapley(game), abs=1e-9)
    assert nucleolus(game) == pytest.approx(second_nucleolus(game), abs=1e-6)
    assert (least_complaint(game) <= 1e-9) is second_core(game)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 6))
def test_the_shapley_value_is_linear_gives_nothing_to_who_adds_nothing_and_knows_no_names(
    seed: int, count: int
) -> None:
    game, other = drawn_game(seed, count), drawn_game(seed + 1, count)
    summed = CoalitionGame(game.players, game.worth + 2.0 * other.worth)
    assert shapley_value(summed) == pytest.approx(shapley_value(game) + 2.0 * shapley_value(other), abs=1e-9)
    numbers = np.arange(1 << (count + 1))
    idle = CoalitionGame((*game.players, "idle"), game.worth[numbers & ((1 << count) - 1)])
    assert shapley_value(idle) == pytest.approx([*shapley_value(game), 0.0], abs=1e-9)
    turned = CoalitionGame(game.players, game.worth[[int(f"{c:0{count}b}"[::-1], 2) for c in range(1 << count)]])
    assert shapley_value(turned) == pytest.approx(shapley_value(game)[::-1], abs=1e-9)


@pytest.mark.parametrize("count", [6, 8])
def test_nobody_who_complains_most_in_the_nucleolus_can_complain_less_without_another_complaining_more(
    count: int,
) -> None:
    """Larger games, where asking every coalition takes too long: no move lowers the sorted complaints."""
    game = drawn_game(count, count)
    shares, draw = nucleolus(game), np.random.default_rng(0)
    held = np.sort(game.worth[1:-1] - game.shared(shares)[1:-1])[::-1]
    alone = game.worth[1 << np.arange(count)]
    for _ in range(2000):
        moved = draw.normal(size=count) * 10.0 ** draw.uniform(-5, -1)
        moved -= moved.mean()
        if (shares + moved < alone).any():
            continue
        other = np.sort(game.worth[1:-1] - game.shared(shares + moved)[1:-1])[::-1]
        first = np.flatnonzero(np.abs(other - held) > 1e-9)
        assert not first.size or other[first[0]] > held[first[0]]


# --- sampled ---


SPREAD = 700.0  # of retail and feed-in, CNY/MWh


@pytest.mark.parametrize("seed", range(3))
def test_the_sampled_value_of_twenty_plants_is_within_three_standard_errors_of_a_long_run(seed: int) -> None:
    """In one period plants save the spread on what one has over and another is short of: a closed form."""
    draw = np.random.default_rng(seed)
    net_mw = np.round(draw.uniform(-1.0, 1.0, 20), 6)
    short = sampled_shapley(partial(traded_worth, net_mw), np.array([draw.permutation(20) for _ in range(200)]))
    long, long_error = long_run(net_mw, draw, 100_000)
    assert fsum(short.shares.tolist()) == pytest.approx(traded_worth(net_mw, (1 << 20) - 1))
    assert (long_error < 0.25 * short.standard_error).all()
    assert (np.abs(short.shares - long) < 3.0 * np.hypot(short.standard_error, long_error)).all()


def test_twenty_real_plants_save_that() -> None:
    draw = np.random.default_rng(7)
    net_mw = np.round(draw.uniform(-1.0, 1.0, 20), 6)
    plants, public = one_period(net_mw)
    for coalition in [(1 << 20) - 1, *draw.integers(1, 1 << 20, 8).tolist()]:
        vpps = [vpp for i, vpp in enumerate(plants) if coalition >> i & 1]
        alone = fsum(dispatch(vpp, public).costs.total_cny for vpp in vpps)
        saved = alone - joint_dispatch(vpps, public).total_cny
        assert saved == pytest.approx(traded_worth(net_mw, coalition), abs=1e-3)


def traded_worth(net_mw: Array, coalition: int) -> float:
    inside = net_mw[[i for i in range(len(net_mw)) if coalition >> i & 1]]
    return SPREAD * float(min(np.maximum(inside, 0.0).sum(), np.maximum(-inside, 0.0).sum()))


def one_period(net_mw: Array) -> tuple[list[Vpp], PublicRules]:
    """Plants with so much over, or so much short, in a market without a price of carbon."""
    base = load_scenario("two_vpp").public
    public = replace(
        base,
        horizon=Horizon(1, 1.0),
        tariff=Tariff(frozen([1000.0]), frozen([1000.0 - SPREAD])),
        carbon=CarbonRules(base_price_cny_per_t=0.0),
    )
    plants = [
        Vpp(f"P{i}", "", frozen([max(-net, 0.0)]), pv=Renewable(frozen([net]), 0.0) if net > 0.0 else None)
        for i, net in enumerate(net_mw.tolist())
    ]
    return plants, public


def long_run(net_mw: Array, draw: np.random.Generator, orders: int) -> tuple[Array, Array]:
    """The same from the closed form, by whole arrays of orders, none of them taken backwards; with its error."""
    order = draw.permuted(np.tile(np.arange(len(net_mw)), (orders, 1)), axis=1)
    come = net_mw[order]
    worth = SPREAD * np.minimum(np.maximum(come, 0.0).cumsum(axis=1), np.maximum(-come, 0.0).cumsum(axis=1))
    added = np.diff(worth, axis=1, prepend=0.0)
    parts = [added[order == player] for player in range(len(net_mw))]
    return np.array([part.mean() for part in parts]), np.array([part.std() for part in parts]) / np.sqrt(orders)


def test_the_standard_error_is_that_of_many_estimates() -> None:
    """Of 400 estimates from 20 pairs each, the spread is what they tell of themselves."""
    game, draw = drawn_game(3, 5), np.random.default_rng(0)
    estimates = [
        sampled_shapley(lambda c: float(game.worth[c]), np.array([draw.permutation(5) for _ in range(20)]))
        for _ in range(400)
    ]
    spread = np.array([each.shares for each in estimates]).std(axis=0)
    told = np.array([each.standard_error for each in estimates]).mean(axis=0)
    assert told == pytest.approx(spread, rel=0.15)
    middle = np.array([each.shares for each in estimates]).mean(axis=0)
    assert (np.abs(middle - shapley_value(game)) < 4.0 * spread / 20.0).all()


def test_orders_that_are_none_are_refused() -> None:
    for orders in ([[0, 1]], [[0, 0], [1, 1]], [0, 1]):
        with pytest.raises(ModelError, match="permutations"):
            sampled_shapley(lambda coalition: 0.0, np.array(orders))


# --- bargaining, coalitions ---


@given(without=st.lists(st.floats(0.0, 10.0), min_size=2, max_size=6), more=st.floats(0.0, 50.0))
def test_bargaining_maximises_the_product_of_gains(without: list[float], more: float) -> None:
    start = np.array(without)
    shares = nash_bargaining(float(start.sum()) + more, start)
    assert fsum(shares.tolist()) == pytest.approx(float(start.sum()) + more)
    draw = np.random.default_rng(0)
    for _ in range(50):
        moved = shares + draw.normal(size=len(start)) * more / 10.0
        moved += (shares.sum() - moved.sum()) / len(start)
        if (moved >= start).all():
            assert np.prod(moved - start) <= np.prod(shares - start) * (1.0 + 1e-9) + 1e-9


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ModelError, match="without agreement"):
        nash_bargaining(1.0, np.array([1.0, 1.0]))
    with pytest.raises(ModelError, match="nothing that all would share"):
        nucleolus(CoalitionGame.of("AB", {"A": 1.0, "B": 1.0, "AB": 1.0}))
    with pytest.raises(ModelError, match="1 to 12"):
        CoalitionGame.of("ABCDEFGHIJKLM", {})
    with pytest.raises(ModelError, match="no player"):
        CoalitionGame.of("AB", {"AC": 1.0})
    with pytest.raises(ModelError, match="finite"):
        CoalitionGame.of("AB", {"AB": float("nan")})
    with pytest.raises(ModelError, match="nobody is worth 0; got 5"):
        CoalitionGame.of("AB", {"": 5.0, "AB": 3.0})
    with pytest.raises(ModelError, match="named once; got 'AB' and 'BA'"):
        CoalitionGame.of("AB", {"AB": 3.0, "BA": 4.0})


def test_a_coalition_is_named_by_its_members_in_order() -> None:
    names = ("A", "B", "C", "D")
    for size in range(5):
        for members in combinations(names, size):
            game = CoalitionGame.of(names, {members: 7.0}) if members else None
            assert game is None or members_of(int(game.worth.argmax()), names) == members
