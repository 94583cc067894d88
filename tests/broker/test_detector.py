"""Claims: rest (M3) is declared exactly when all concerned have confirmed the newest prices; cycles are seen."""

from __future__ import annotations

from broker.equilibrium.quiescence import CYCLE_SIGHTINGS, QuiescenceDetector
from broker.wire.messages import Done, Offer, Seen
from market.game.period import PeriodGame, period_games
from market.model.arrays import frozen
from tests.broker.days import market_day, public_rules

DAY = {"A": [1.0, 2.0], "B": [1.0, -1.0], "C": [-1.0, 0.0]}


def games() -> tuple[PeriodGame, ...]:
    return period_games(market_day(DAY), public_rules())


def offer(version: int, *prices: float) -> Offer:
    return Offer(version, tuple(range(len(prices))), frozen(prices))


def done(seen: dict[str, int], pending: tuple[int, ...] = ()) -> Done:
    return Done(1, 1, tuple(Seen(vpp, version) for vpp, version in seen.items()), pending)


def all_confirm(detector: QuiescenceDetector, version: int) -> None:
    """Everybody has consumed this version of A, and the first of B."""
    for vpp in "ABC":
        detector.done(vpp, done({"A": version, "B": 1}))


def test_nobody_rests_before_everybody_has_confirmed() -> None:
    first, second = games()
    detector = QuiescenceDetector((first, second))
    assert not detector.rests(first)
    detector.offer("A", offer(1, 500.0, 600.0))
    detector.offer("B", offer(1, 510.0))
    assert not detector.rests(first)
    detector.done("A", done({"A": 1, "B": 1}))
    detector.done("B", done({"A": 1, "B": 1}))
    assert detector.rests(second)  # A sells to B alone, and C has no part in it
    assert not detector.rests(first)
    detector.done("C", done({"A": 1, "B": 1}))
    assert detector.rests(first)


def test_a_newer_price_ends_the_rest_of_its_period_only() -> None:
    first, second = games()
    detector = QuiescenceDetector((first, second))
    detector.offer("A", offer(1, 500.0, 600.0))
    detector.offer("B", offer(1, 510.0))
    for vpp in "ABC":
        detector.done(vpp, done({"A": 1, "B": 1}))
    detector.offer("A", offer(2, 505.0, 600.0))
    assert not detector.rests(first)
    assert detector.rests(second)
    detector.done("B", done({"A": 2, "B": 1}))
    assert not detector.rests(first)  # C has not consumed it
    detector.done("C", done({"A": 2, "B": 1}))
    assert detector.rests(first)


def test_an_old_confirmation_is_not_enough() -> None:
    first, _ = games()
    detector = QuiescenceDetector((first,))
    for version in (1, 2, 3):
        detector.offer("A", offer(version, 500.0 + version))
    detector.offer("B", offer(1, 510.0))
    detector.done("A", done({"B": 1}))
    detector.done("B", done({"A": 2}))
    detector.done("C", done({"A": 3, "B": 1}))
    assert not detector.rests(first)
    detector.done("B", done({"A": 3}))
    assert detector.rests(first)


def test_a_seller_whose_rule_is_not_finished_does_not_rest() -> None:
    first, second = games()
    detector = QuiescenceDetector((first, second))
    detector.offer("A", offer(1, 500.0, 600.0))
    detector.offer("B", offer(1, 510.0))
    detector.done("A", done({"A": 1, "B": 1}, pending=(1,)))
    for vpp in "BC":
        detector.done(vpp, done({"A": 1, "B": 1}))
    assert detector.rests(first)
    assert not detector.rests(second)


def test_a_period_without_trade_always_rests() -> None:
    lonely = period_games(market_day({"A": [1.0], "B": [0.0]}), public_rules(periods=1))
    assert QuiescenceDetector(lonely).rests(lonely[0])


def test_prices_stand_once_all_sellers_have_offered() -> None:
    first, _ = games()
    detector = QuiescenceDetector((first,))
    detector.offer("A", offer(1, 500.0))
    assert detector.prices(first) is None
    detector.offer("B", offer(1, 510.0))
    prices = detector.prices(first)
    assert prices is not None
    assert prices.tolist() == [500.0, 510.0]


def test_a_recurring_price_vector_is_a_cycle_and_a_rising_one_is_not() -> None:
    first, second = games()
    detector = QuiescenceDetector((first, second))
    detector.offer("B", offer(1, 510.0))
    version = 0
    for sighting in range(CYCLE_SIGHTINGS):
        assert detector.cycle(first) == ()
        for price in (500.0, 501.0, 502.0)[: 3 if sighting < CYCLE_SIGHTINGS - 1 else 1]:
            version += 1
            detector.offer("A", offer(version, price, 600.0 + version))
            all_confirm(detector, version)
            detector.note_prices()
    assert detector.cycle(first) == ((500.0, 510.0), (501.0, 510.0), (502.0, 510.0))
    assert detector.cycle(second) == ()


def test_the_cycle_is_the_longest_way_round_not_a_moment_back() -> None:
    first, _ = games()
    detector = QuiescenceDetector((first,))
    detector.offer("B", offer(1, 510.0))
    for version, price in enumerate((500.0, 501.0, 502.0, 503.0, 500.0, 499.0, 500.0), start=1):
        detector.offer("A", offer(version, price))
        all_confirm(detector, version)
        detector.note_prices()
    assert [prices[0] for prices in detector.cycle(first)] == [500.0, 501.0, 502.0, 503.0]


def test_prices_go_round_only_where_everybody_knows_them() -> None:
    """A and B may swap prices for a while because C has not heard of them; what it says then may end that."""
    (game,) = period_games(market_day({"A": [1.0], "B": [1.0], "C": [1.0], "D": [-2.0]}), public_rules(periods=1))
    detector = QuiescenceDetector((game,))
    detector.offer("C", offer(1, 510.0))
    for version in range(1, 2 * CYCLE_SIGHTINGS):
        for vpp in "AB":
            detector.offer(vpp, offer(version, 500.0 + version % 2))
        for vpp in "AB":
            detector.done(vpp, done({"A": version, "B": version, "C": 1}))
        detector.note_prices()
    assert detector.cycle(game) == ()
    detector.done("C", done({"A": 1, "B": 1}))
    assert detector.cycle(game) == ((501.0, 501.0, 510.0), (500.0, 500.0, 510.0))


def test_standing_still_is_not_a_cycle() -> None:
    first, _ = games()
    detector = QuiescenceDetector((first,))
    detector.offer("A", offer(1, 500.0))
    detector.offer("B", offer(1, 510.0))
    for _ in range(10 * CYCLE_SIGHTINGS):
        detector.note_prices()
    assert detector.cycle(first) == ()


def test_offers_count_for_the_seller_and_moves_for_the_period() -> None:
    first, second = games()
    detector = QuiescenceDetector((first, second))
    assert (detector.rounds(first), detector.moves(first)) == (0, 0)
    for version, price in enumerate((600.0, 590.0, 580.0), start=1):
        detector.offer("A", offer(version, 500.0, price))
    assert (detector.rounds(first), detector.moves(first)) == (3, 0)
    assert (detector.rounds(second), detector.moves(second)) == (3, 2)
