"""What a run's report says in words, by the rules under which the day was run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from market.model.rules import CarbonMode, Coupling, Mechanism

_MEANING: Final = {
    "equilibrium": "No seller gains by another price and no buyer by another choice, up to the ε told below. "
    "That was checked by a search that shares no code with the negotiation.",
    "no_trade": "In no period can anybody trade: nobody sells, nobody buys, or there is no room for a price.",
    "cleared": "Prices and deliveries follow from what all have declared by the rule of the mechanism. That "
    "nobody would gain by declaring otherwise is not claimed; `vppmarket experiment mechanisms` measures it.",
    "uncertified": "Prices came to rest, but somebody would gain by moving: this is no equilibrium.",
    "cycling": "Prices go round in a circle; there is no equilibrium in prices to be found.",
    "budget_spent": "The sellers used up their offers before prices came to rest.",
    "stalled": "Somebody was waited for in vain; the negotiation did not end.",
    "aborted": "The run broke off.",
}
_OF_CONSENSUS: Final = {
    "equilibrium": "All agree to one price of each period. At these prices nobody would gain by another exchange "
    "more than its regret; all regrets together bound what any other exchange could still save.",
    "uncertified": "The search for prices ended before all agreed: some would gain by another exchange at these "
    "prices, by more than was asked for.",
}
"""The same where prices are agreed on."""
_WITHIN_BAND: Final = (
    *(Mechanism.GAME, Mechanism.UNIFORM_PRICE, Mechanism.K_DOUBLE_AUCTION, Mechanism.MCAFEE, Mechanism.VCG),
)
"""The mechanisms whose prices lie between the lowest and the highest that the rules allow."""


def meaning(verdict: str, *, agreed: bool) -> str:
    """A verdict in words. agreed : whether prices were agreed on, and not offered"""
    return _OF_CONSENSUS.get(verdict, _MEANING.get(verdict, "")) if agreed else _MEANING.get(verdict, "")


def whole_day_words(verdict: str, rules: Mapping[str, Any]) -> str:
    """What the certificate of the whole day comes to."""
    if verdict == "day_equilibrium":
        return "The day is an equilibrium as a whole: nobody gains by planning it otherwise."
    unproved = "The day is settled: its trade stands. It is not proved to be an equilibrium of whole days"
    if _coupling(rules) is Coupling.ONCE:
        return f"{unproved}, since every VPP planned against the grid before it knew what trade would bring."
    return f"{unproved}."


def price_words(rules: Mapping[str, Any]) -> str:
    """At which prices VPPs may trade with each other."""
    mechanism, market = _mechanism(rules), rules["market"]
    if mechanism is Mechanism.CONSENSUS:
        return "VPPs agree on one price of each period, at which each gives or takes what is best for it."
    if mechanism not in _WITHIN_BAND:
        return f"VPPs trade at prices that follow from what all declare by the rule of {mechanism.value}."
    low, high = (market[f"price_{end}_cny_per_mwh"] / 1000 for end in ("min", "max"))
    return (
        f"VPPs may trade with each other at {low:g} to {high:g} CNY/kWh, and within that never worse than with "
        "the grid: not below its feed-in price, not above its retail price."
    )


def role_words(rules: Mapping[str, Any]) -> str:
    """How it comes about who sells and who buys."""
    if _mechanism(rules) is Mechanism.CONSENSUS:
        return "Every plan sees the prices agreed on: who gives is a seller of that period, who takes a buyer."
    planned = (
        "Before any trade each VPP plans its day with the grid alone."
        if _coupling(rules) is Coupling.ONCE
        else "In rounds each VPP plans its day anew with the market as an option; these are the plans settled on."
    )
    return (
        f"{planned} Where its own supply is more than its own demand it becomes a seller of that period, where it "
        "is less a buyer."
    )


def choice_words(rules: Mapping[str, Any]) -> str:
    """How buyers come to their sellers."""
    if _mechanism(rules) is not Mechanism.GAME:
        return "Nobody chooses: every buyer gets from each seller that seller's part of all that is sold."
    return (
        "A buyer spreads its demand over the sellers. The more of it one seller already has, compared with that "
        "seller's share of the surplus, the less attractive the next block; so the dearer seller can be chosen "
        "more."
    )


def carbon_words(rules: Mapping[str, Any]) -> str:
    """What emission costs."""
    how = "at one price" if rules["carbon"]["mode"] == CarbonMode.FLAT.value else "in steps that grow dearer"
    return (
        "Each VPP has a free quota for the energy it buys and makes. What it emits beyond is paid for, "
        f"{how}; a VPP that stays below its quota earns."
    )


def reality_words(rules: Mapping[str, Any]) -> str:
    """At which prices what became of the day is settled."""
    made = (
        "Trade and schedules with the grid were made on the forecast. Then every VPP planned again on what came "
        "true, its trade fixed."
    )
    if rules["imbalance"]["pricing"] == "single":
        return (
            f"{made} All pay and earn the price of the side on which they stand together; who stands on the other "
            "side gains by it."
        )
    return (
        f"{made} Who takes more or gives less than scheduled pays the short price, who is long earns the long "
        "price, which is never better than the grid's own prices, so that nobody deviates for gain."
    )


def _mechanism(rules: Mapping[str, Any]) -> Mechanism:
    return Mechanism(rules["market"]["mechanism"])


def _coupling(rules: Mapping[str, Any]) -> Coupling:
    return Coupling(rules["market"]["coupling"])
