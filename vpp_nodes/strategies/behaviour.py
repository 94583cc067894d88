"""How one VPP behaves in the market: what prices it, what chooses for it, what it declares.

What plays a strategy of an owner's own is imported where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from market.bidding.declare import declare
from market.errors import StrategyError
from market.game.buyers import Chooser, answer_day
from market.game.period import PeriodGame
from market.game.pricing import Pricer, RulePricer
from market.game.result import PeriodResult
from market.game.solver import Negotiation, answered, certified, negotiate
from market.model.arrays import Array
from market.model.declaration import Declaration
from market.model.plan import DispatchPlan
from market.model.public import PublicRules
from market.model.rules import MarketRules, Mechanism, PriceRule
from market.model.strategy import StrategyChoice
from market.model.vpp import Vpp


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a VPP does where the market asks it. declaring : its strategy, where that declares for it"""

    pricer: Pricer
    chooser: Chooser = answer_day
    declaring: Any = None

    def declared(
        self, vpp: Vpp, plan: DispatchPlan, public: PublicRules, value_cny_per_mwh: Array | None = None
    ) -> Declaration:
        """A plan made public; `value_cny_per_mwh` as in `declare`."""
        truthful = declare(vpp, plan, public, value_cny_per_mwh)
        if self.declaring is None:
            return truthful
        from vpp_nodes.strategies.foreign import declared_by

        return declared_by(self.declaring, vpp.id, plan, public, truthful)


@dataclass(frozen=True, slots=True)
class Behaviours:
    """Those of all VPPs of a market, as the solver asks them. pricers, choosers : of those with a strategy."""

    own: Mapping[str, Behaviour]
    pricers: Mapping[str, Pricer]
    choosers: Mapping[str, Chooser]

    @classmethod
    def of(cls, vpps: Sequence[Vpp], rules: MarketRules) -> Behaviours:
        """As every owner has chosen. StrategyError as in `behaviour_of`."""
        own = {vpp.id: behaviour_of(vpp, rules) for vpp in vpps}
        chosen = {vpp.id: own[vpp.id] for vpp in vpps if vpp.strategy is not None}
        return cls(
            own,
            {vpp: behaviour.pricer for vpp, behaviour in chosen.items()},
            {vpp: behaviour.chooser for vpp, behaviour in chosen.items()},
        )

    def declared(
        self, vpp: Vpp, plan: DispatchPlan, public: PublicRules, value_cny_per_mwh: Array | None = None
    ) -> Declaration:
        """What a VPP makes public of a plan."""
        return self.own[vpp.id].declared(vpp, plan, public, value_cny_per_mwh)

    def played(self, games: Sequence[PeriodGame], rules: MarketRules) -> Played:
        """The games from the clearing prices to their certified ends."""
        negotiations, results = self.traded(games, rules)
        return Played(negotiations, tuple(certified(result) for result in results))

    def traded(self, games: Sequence[PeriodGame], rules: MarketRules) -> Played:
        """The same, none certified yet: for a day of many games, of which one counts."""
        negotiations = negotiate(games, rules, pricers=self.pricers)
        return Played(negotiations, answered(games, negotiations, rules, self.choosers))


class Played(NamedTuple):
    """How prices came about in each period, and what each came to."""

    negotiations: tuple[Negotiation, ...]
    results: tuple[PeriodResult, ...]


def usual_behaviour(rules: MarketRules) -> Behaviour:
    """By the market's rules."""
    return Behaviour(RulePricer(rules))


def behaviour_of(vpp: Vpp, rules: MarketRules) -> Behaviour:
    """As the plant's owner has chosen. StrategyError where that cannot be had, or does not fit the market."""
    return usual_behaviour(rules) if vpp.strategy is None else chosen_behaviour(vpp.id, vpp.strategy, rules)


def chosen_behaviour(vpp: str, choice: StrategyChoice, rules: MarketRules) -> Behaviour:
    """By a strategy. StrategyError as above."""
    by_rule, game = choice.use in [rule.value for rule in PriceRule], rules.mechanism is Mechanism.GAME
    if not game and (by_rule or not rules.mechanism.clears):
        raise _unfit(vpp, choice, f"plays the game, and {_is(rules)}", "take one of them back")
    if by_rule:
        return Behaviour(RulePricer(replace(rules, price_rule=PriceRule(choice.use))))
    from vpp_nodes.strategies.find import find_strategy
    from vpp_nodes.strategies.foreign import ForeignChooser, ForeignPricer

    strategy = find_strategy(vpp, choice)
    if getattr(strategy, "learns", False) and not rules.learning_turns:
        raise _unfit(vpp, choice, "learns, and market.learning_turns is 0", "say how many turns it may take")
    usual = usual_behaviour(rules)
    prices, chooses, declares = (hasattr(strategy, method) for method in ("price", "choose", "declare"))
    if not game and (prices or chooses):
        remedy = "take one of them back, or a strategy that declares only"
        raise _unfit(vpp, choice, f"prices or chooses, and {_is(rules)}, which clears what is declared", remedy)
    return Behaviour(
        ForeignPricer(vpp, strategy, choice.seed, rules.learning_turns) if prices else usual.pricer,
        ForeignChooser(strategy) if chooses else usual.chooser,
        strategy if declares else None,
    )


def _is(rules: MarketRules) -> str:
    return f"market.mechanism is {rules.mechanism}"


def _unfit(vpp: str, choice: StrategyChoice, what: str, remedy: str) -> StrategyError:
    return StrategyError(f"{vpp}: its strategy {choice.use} {what}; {remedy}")
