"""What is known of the market itself: closed forms of its game, and the cost of efficient trade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from market.app.analysis.known.answer import KnownAnswer
from market.app.analysis.known.games import CALVANO
from market.app.runs.in_process import market_day
from market.game.period import PeriodGame
from market.game.result import PeriodResult
from market.game.solver import solve_period
from market.model.rules import MarketRules
from market.scenario import load_scenario, with_overrides
from market.settlement.settlement import settle
from vpp_nodes.dispatch.joint import joint_dispatch

CLOSED_FORM: Final = "closed form: multinomial logit without outside option, p = c + τ/(1 − y), or D y = S"
EFFICIENT: Final = "one programme for all (docs/claims.md); prices by exchange ADMM, Boyd et al. 2011, 7.3"
RESERVE, SPREAD, DEMAND_MW = 400.0, 50.0, 1.0


def known_market() -> Iterator[KnownAnswer]:
    """Every number of it."""
    yield from _alike()
    yield from _sold_out()
    yield from _beside_the_grid()
    yield from _efficient_trade()


def glut(*surplus_mw: float) -> PeriodGame:
    """One buyer who always wants 1 MW, and sellers whose energy costs 400 CNY/MWh."""
    return PeriodGame.of(
        surplus_mw=surplus_mw,
        deficit_mw=DEMAND_MW,
        satisfaction_cny_per_h=2000.0,
        floor_cny_per_mwh=RESERVE,
        cap_cny_per_mwh=1200.0,
        temperature_cny_per_mwh=SPREAD,
    )


def _alike() -> Iterator[KnownAnswer]:
    for count, published in ((2, "500.000000"), (3, "475.000000"), (5, "462.500000")):
        result = solve_period(glut(*[5.0] * count), MarketRules())
        yield _told(result, f"price of {count} alike sellers, c + τ n/(n − 1)", published, _price(result, 0))


def _sold_out() -> Iterator[KnownAnswer]:
    """A small seller is sold out at 0.2 MW, so that the large one has y = 0.8."""
    result = solve_period(glut(0.2, 5.0), MarketRules())
    yield _told(result, "D y of the seller that is sold out", "0.2000000", float(result.requested_mw[0, 0]))
    yield _told(result, "price of the other, c + τ/(1 − 0.8)", "650.00000", _price(result, 1))


def _beside_the_grid() -> Iterator[KnownAnswer]:
    """The logit duopoly in this market's terms, money in thousandths: the grid is the outside option, τ is m."""
    game = PeriodGame.of(
        surplus_mw=[5.0, 5.0],
        deficit_mw=DEMAND_MW,
        satisfaction_cny_per_h=1e4,
        floor_cny_per_mwh=1000.0,
        cap_cny_per_mwh=2000.0,
        temperature_cny_per_mwh=250.0,
        grid_option_mw=5.0,
    )
    result = solve_period(game, MarketRules())
    earned = (result.price_cny_per_mwh - 1000.0) * result.delivered_mw.sum(axis=0)
    for quantity, published, computed in (
        ("price, in thousands", "1.47293", _price(result, 0) / 1000.0),
        ("profit of one firm, in thousands", "0.22293", float(earned[0]) / 1000.0),
    ):
        yield replace(
            _told(result, quantity, published, computed), game="logit duopoly, as a period here", source=CALVANO
        )


def _price(result: PeriodResult, seller: int) -> float:
    return float(result.price_cny_per_mwh[seller])


def _told(result: PeriodResult, quantity: str, published: str, computed: float) -> KnownAnswer:
    certificate = result.certificate
    assert certificate is not None
    bound = max(float(certificate.seller_regret_bound_cny.max()), float(certificate.buyer_gain_cny.max()))
    return KnownAnswer("covered logit with capacities", quantity, CLOSED_FORM, published, computed, bound)


def _efficient_trade() -> Iterator[KnownAnswer]:
    """The cost of all as one, and the share of its saving that consensus agrees on with its own proof."""
    scenario = load_scenario("five_vpp")
    together_cny = joint_dispatch(scenario.vpps, scenario.public).total_cny
    yield KnownAnswer("efficient trade, five_vpp", "joint dispatch, CNY", EFFICIENT, "100720.9", together_cny)
    changed = with_overrides(scenario, {"market.mechanism": "consensus"})
    outcome = market_day(changed)
    assert outcome.rounds is not None
    settlement = settle(outcome, changed.public)
    alone_cny, agreed_cny = settlement.grid_only_system.total_cny, settlement.game_system.total_cny
    possible_cny = alone_cny - together_cny
    share, bound = (alone_cny - agreed_cny) / possible_cny, outcome.rounds.regrets_cny / possible_cny
    yield KnownAnswer(
        "efficient trade, five_vpp", "consensus, share of that saving", EFFICIENT, "1.0000", share, bound
    )
