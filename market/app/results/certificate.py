"""Writes `certificate.json`: the regrets (M4) of every period and the optimality gap of every dispatch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from market.app.results.table import json_number
from market.game.certificate.certified import PeriodCertificate
from market.game.period import PeriodGame
from market.game.result import PeriodResult
from market.model.disclosure import ShownPlan
from market.model.plan import DispatchPlan
from market.settlement.outcome import MarketOutcome

CERTIFICATE_FILE: Final = "certificate.json"


def certificate_document(outcome: MarketOutcome) -> dict[str, Any]:
    """The certificate of a day, ready for JSON; money is CNY for a period."""
    return {
        "verdict": outcome.verdict.value,
        "epsilon_cny": outcome.epsilon_cny,
        "epsilon_relative": outcome.epsilon_relative,
        "periods": [_period(result) for result in outcome.periods],
        "dispatch": list(_dispatch(outcome)),
    }


def _period(result: PeriodResult) -> dict[str, Any]:
    stated = {"period": result.game.period + 1, "verdict": result.verdict.value, "evidence": result.evidence}
    return stated | (_evidence(result.game, result.certificate) if result.certificate else {})


def _evidence(game: PeriodGame, certificate: PeriodCertificate) -> dict[str, Any]:
    return {
        "epsilon_cny": certificate.epsilon_cny,
        "epsilon_relative": certificate.epsilon_relative,
        "traded_value_cny": certificate.traded_value_cny,
        "clearing_price_cny_per_mwh": certificate.clearing_price_cny_per_mwh,
        "hhi": json_number(float(certificate.hhi)),
        "sellers": [
            {
                "vpp": seller,
                "regret_cny": float(certificate.seller_regret_cny[j]),
                "regret_bound_cny": float(certificate.seller_regret_bound_cny[j]),
                "better_price_cny_per_mwh": json_number(float(certificate.better_price_cny_per_mwh[j])),
                "markup_cny_per_mwh": float(certificate.markup_cny_per_mwh[j]),
            }
            for j, seller in enumerate(game.sellers)
        ],
        "buyers": [
            {
                "vpp": buyer,
                "distance": float(certificate.buyer_distance[i]),
                "gain_cny": float(certificate.buyer_gain_cny[i]),
                "plain_gap_cny": float(certificate.buyer_plain_gap_cny[i]),
            }
            for i, buyer in enumerate(game.buyers)
        ],
    }


def _dispatch(outcome: MarketOutcome) -> Iterator[dict[str, Any]]:
    for day in outcome.days:
        real = day.reality
        in_reality = ((4, real.before_plan), (5, real.after_plan)) if real else ()
        for stage, plan in ((1, day.before), (3, day.after), *in_reality):
            yield {"vpp": day.declaration.vpp, "stage": stage, **_solved(plan)}


def _solved(plan: ShownPlan) -> dict[str, Any]:
    """How a dispatch was solved, and how well; null for what is not shown."""
    whole = plan if isinstance(plan, DispatchPlan) else None
    return {
        "method": whole.method.value if whole else None,
        "objective_cny": whole.objective_cny if whole else None,
        "gap_cny": plan.gap_cny if plan else None,
    }
