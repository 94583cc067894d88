"""A VPP as a Mesa agent: its behaviour, and what it has made public so far.

What an agent does is done by its node: in this process, or in one of its own here or elsewhere. The attributes
below are read off the market's tape, as everybody else could.
"""

from __future__ import annotations

from math import fsum, nan
from typing import TYPE_CHECKING

import mesa.discrete_space

from market.app.history.period import role_of
from market.model.declaration import Role
from market.settlement.outcome import VppDay
from vpp_nodes.node import Node

if TYPE_CHECKING:
    from market.app.mesa_model.model import MarketModel


class VppAgent(mesa.discrete_space.FixedAgent):  # type: ignore[misc]  # Mesa has no types
    """One VPP. `vpp` is its id in the scenario, `unique_id` Mesa's number for it, from 1.

    node : its behaviour, where that is in this process; None where it is a process of its own
    """

    model: MarketModel

    def __init__(self, model: MarketModel, number: int, vpp: str, node: Node | None) -> None:
        # Mesa's own initialiser draws the number from a register of all models, which keeps every model for ever.
        # It says what to do without it: `Model.register_agent`.
        self.model = model
        self.unique_id = number
        self.pos = None
        model.register_agent(self)
        self.vpp = vpp
        self.node = node

    def role(self, period: int) -> Role | None:
        """Seller, buyer or idle in a period, counted from 1; None before it has declared."""
        return role_of(self.model.view, self.vpp, period - 1)

    @property
    def partners(self) -> list[str]:
        """Whom it can trade with in some period: its neighbours in the model's space."""
        return sorted(agent.vpp for agent in self.cell.neighborhood.agents)

    @property
    def offers(self) -> int:
        """How many offers it has made."""
        offer = self.model.view.offers.get(self.vpp)
        return offer.version if offer else 0

    @property
    def selections(self) -> int:
        """How many times it has chosen."""
        selection = self.model.view.selections.get(self.vpp)
        return selection.version if selection else 0

    @property
    def mean_price_cny_per_mwh(self) -> float:
        """What it asks now, the mean of its selling periods weighted by its surplus; NaN if it offers nothing."""
        view = self.model.view
        offer, declared = view.offers.get(self.vpp), view.declarations.get(self.vpp)
        if offer is None or declared is None:
            return nan
        surplus_mw = declared.surplus_mw[list(offer.periods)]
        return float(offer.price_cny_per_mwh @ surplus_mw / surplus_mw.sum())

    @property
    def sold_mwh(self) -> float:
        """What it would deliver by the offers and selections as they stand."""
        return self._traded_mwh(Role.SELLER)

    @property
    def bought_mwh(self) -> float:
        """What it would receive by the offers and selections as they stand."""
        return self._traded_mwh(Role.BUYER)

    def _traded_mwh(self, role: Role) -> float:
        powers = []
        for now in self.model.periods:
            players = now.game.sellers if role is Role.SELLER else now.game.buyers
            if self.vpp in players:
                place = players.index(self.vpp)
                delivered = now.delivered_mw[:, place] if role is Role.SELLER else now.delivered_mw[place]
                powers.append(float(delivered.sum()) * now.game.period_h)
        return fsum(powers)

    @property
    def day(self) -> VppDay | None:
        """Its declaration and what it shows of its plans, once the market is over."""
        outcome = self.model.outcome
        return next((day for day in outcome.days if day.declaration.vpp == self.vpp), None) if outcome else None

    @property
    def grid_only_cny(self) -> float:
        """What its day costs without trade; NaN before the market is over, or if it does not show it."""
        return self._cost_cny("grid_only")

    @property
    def game_cny(self) -> float:
        """What its day costs with trade, payments included; NaN likewise."""
        return self._cost_cny("game")

    def _cost_cny(self, scenario: str) -> float:
        settlement = self.model.settlement
        accounts = getattr(settlement, scenario) if settlement else ()
        return next((account.total_cny for account in accounts if account.vpp == self.vpp), nan)
