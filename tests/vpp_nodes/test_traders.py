"""Claims: a seller opens at p_clr and moves only when somebody else has; a buyer answers once all have offered."""

from __future__ import annotations

import numpy as np

from broker.wire.messages import Offer, Seen
from market.game.buyers import answer_day
from market.game.clearing.clearing_price import clearing_price
from market.game.period import period_games
from market.game.price_grid import on_price_grid
from market.game.pricing import RulePricer, best_response
from market.game.replicator import rest_point
from market.model.arrays import frozen
from tests.broker.days import market_day, market_rules, public_rules
from vpp_nodes.buyer import Buyer
from vpp_nodes.offer_book import OfferBook
from vpp_nodes.offer_pages import OfferPages
from vpp_nodes.seller import Seller

DAY = {"A": [2.0, 1.0], "B": [1.5, 0.0], "C": [-1.0, -2.0]}
GAMES = period_games(market_day(DAY), public_rules())
RULES = market_rules()


def offer(version: int, *prices: float) -> Offer:
    return Offer(version, tuple(range(len(prices))), frozen(prices))


def test_a_seller_opens_at_the_clearing_price() -> None:
    opening = Seller("A", OfferBook(OfferPages(GAMES)), RulePricer(RULES)).open()
    assert opening is not None
    assert opening.version == 1
    assert opening.periods == (0, 1)
    assert opening.price_cny_per_mwh.tolist() == [clearing_price(game) for game in GAMES]


def test_a_vpp_that_sells_nowhere_offers_nothing() -> None:
    seller = Seller("C", OfferBook(OfferPages(GAMES)), RulePricer(RULES))
    assert seller.open() is None
    assert seller.answer() is None
    assert seller.pending == ()


def test_a_seller_replies_best_to_the_newest_prices_then_is_silent() -> None:
    book = OfferBook(OfferPages(GAMES))
    seller = Seller("A", book, RulePricer(RULES))
    seller.open()
    book.take("B", offer(1, 520.0))
    reply = seller.answer()
    assert reply is not None
    expected = best_response(GAMES[0], 0, np.array([0.0, 520.0]))
    assert reply.price_cny_per_mwh[0] == on_price_grid(expected, GAMES[0])
    assert seller.pending == ()
    assert seller.answer() is None
    book.take("B", offer(1, 600.0))  # not newer: discarded
    assert seller.answer() is None
    book.take("B", offer(2, 600.0))
    assert seller.answer() is not None


def test_a_buyer_waits_for_every_seller_and_says_nothing_twice() -> None:
    book = OfferBook(OfferPages(GAMES))
    buyer = Buyer("C", book, RULES, answer_day)
    book.take("A", offer(1, 500.0, 600.0))
    assert buyer.answer() is None
    book.take("B", offer(1, 510.0))
    selection = buyer.answer()
    assert selection is not None
    assert selection.seller_counts == (2, 1)
    expected = rest_point(GAMES[0], np.array([500.0, 510.0]))[0]
    np.testing.assert_allclose(selection.probability[selection.part(0)], expected, rtol=0, atol=1e-9)
    assert selection.probability[selection.part(1)].tolist() == [1.0]
    assert buyer.answer() is None
    book.take("A", offer(2, 500.0, 600.0))
    assert buyer.answer() is None  # a new version of the same prices changes nothing
    book.take("A", offer(3, 505.0, 600.0))
    again = buyer.answer()
    assert again is not None
    assert again.version == 2


def test_an_answer_depends_on_the_newest_offers_alone() -> None:
    """Whatever a buyer has seen before, equal offers get equal answers: no path dependence."""
    straight, wandering = OfferBook(OfferPages(GAMES)), OfferBook(OfferPages(GAMES))
    buyers = [Buyer("C", book, RULES, answer_day) for book in (straight, wandering)]
    for version, prices in enumerate([(700.0, 400.0), (410.0, 750.0), (500.0, 600.0)], start=1):
        wandering.take("A", offer(version, *prices))
        wandering.take("B", offer(version, prices[0] + 5.0))
        last = buyers[1].answer()
    straight.take("A", offer(1, 500.0, 600.0))
    straight.take("B", offer(1, 505.0))
    first = buyers[0].answer()
    assert first is not None
    assert last is not None
    assert first.probability.tobytes() == last.probability.tobytes()
    assert first.requested_mw.tobytes() == last.requested_mw.tobytes()


def test_a_book_confirms_the_newest_version_of_each_seller() -> None:
    book = OfferBook(OfferPages(GAMES))
    book.take("B", offer(4, 510.0))
    book.take("A", offer(2, 500.0, 600.0))
    book.take("A", offer(1, 700.0, 700.0))
    assert book.seen() == (Seen("A", 2), Seen("B", 4))
    assert book.prices(0).tolist() == [500.0, 510.0]
