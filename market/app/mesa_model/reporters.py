"""What the Mesa model collects: columns of its data frames, and rows for each price and probability.

NaN stands for what is not known yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import fsum, nan
from typing import TYPE_CHECKING, Any, Final

from broker.wire.messages import Offer, Selection
from market.app.history.event_log import SaidAt, since
from market.app.history.timeline import Timeline

if TYPE_CHECKING:
    from market.app.mesa_model.model import MarketModel

TABLES: Final[dict[str, list[str]]] = {
    "prices": ["record", "time_s", "offer", "vpp", "period", "price_cny_per_mwh"],
    "probabilities": ["record", "time_s", "answer", "buyer", "seller", "period", "probability"],
}
"""Every offer and every selection, one row a period and counterpart; periods count from 1."""


def new_rows(timeline: Timeline, seen: int) -> Iterator[tuple[str, dict[str, object]]]:
    """(table, row) of everything said after the first `seen` records."""
    for entry in since(timeline.event_log.said, seen):
        yield from _price_rows(entry) if isinstance(entry.message, Offer) else _choice_rows(timeline, entry)


def _price_rows(entry: SaidAt) -> Iterator[tuple[str, dict[str, object]]]:
    offer = entry.message
    assert isinstance(offer, Offer)
    for period, price in zip(offer.periods, offer.price_cny_per_mwh.tolist(), strict=True):
        values = (entry.position, entry.time_s, offer.version, entry.sender, period + 1, price)
        yield "prices", dict(zip(TABLES["prices"], values, strict=True))


def _choice_rows(timeline: Timeline, entry: SaidAt) -> Iterator[tuple[str, dict[str, object]]]:
    selection, games = entry.message, timeline.newest.games
    assert isinstance(selection, Selection)
    for period in selection.periods:
        shares = selection.probability[selection.part(period)].tolist()
        for seller, share in zip(games[period].sellers, shares, strict=True):
            values = (entry.position, entry.time_s, selection.version, entry.sender, seller, period + 1, share)
            yield "probabilities", dict(zip(TABLES["probabilities"], values, strict=True))


def traded_mwh(model: MarketModel) -> float:
    """What changes hands by the offers and selections as they stand."""
    return fsum(now.traded_mw * now.game.period_h for now in model.periods)


def mean_price_cny_per_mwh(model: MarketModel) -> float:
    """The mean price of what changes hands; NaN where nothing does."""
    energy = traded_mwh(model)
    if not energy:
        return nan
    paid = fsum(
        float((now.delivered_mw @ now.price_cny_per_mwh).sum()) * now.game.period_h
        for now in model.periods
        if now.traded_mw
    )
    return paid / energy


def _system(model: MarketModel, scenario: str, quantity: str) -> float:
    settlement = model.settlement
    return nan if settlement is None else float(getattr(getattr(settlement, f"{scenario}_system"), quantity))


MODEL_REPORTERS: Final[dict[str, Callable[[MarketModel], Any]]] = {
    "phase": lambda model: model.phase,
    "time_s": lambda model: model.view.time_s,
    "rounds": lambda model: model.view.rounds,
    "messages": lambda model: model.view.sent,
    "in_flight": lambda model: len(model.view.under_way),
    "unrested_periods": lambda model: model.unrested_periods,
    "traded_mwh": traded_mwh,
    "traded_at_cny_per_mwh": mean_price_cny_per_mwh,
    "verdict": lambda model: model.view.verdict,
    "epsilon_cny": lambda model: model.outcome.epsilon_cny if model.outcome else nan,
    "system_grid_only_cny": lambda model: _system(model, "grid_only", "total_cny"),
    "system_game_cny": lambda model: _system(model, "game", "total_cny"),
    "system_grid_only_emission_t": lambda model: _system(model, "grid_only", "emission_t"),
    "system_game_emission_t": lambda model: _system(model, "game", "emission_t"),
}

AGENT_REPORTERS: Final[dict[str, str]] = {
    name: name
    for name in (
        *("vpp", "offers", "selections", "mean_price_cny_per_mwh"),
        *("sold_mwh", "bought_mwh", "grid_only_cny", "game_cny"),
    )
}
