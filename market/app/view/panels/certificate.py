"""The tab of the certificate: the verdict, its ε, and the evidence for each period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

from market.app.report.page import callout, cards, table
from market.app.report.run_report import SOUND, strategies, whole_day
from market.app.report.run_words import meaning
from market.app.results.certificate import certificate_document
from market.app.results.columns import DAY_CERTIFICATE
from market.app.results.gains import Gain, gains, gains_at_agreed_prices, gains_text
from market.app.results.strategies import strategy_regrets
from market.app.results.table import Cell
from market.app.results.telling import Telling
from market.app.view.panels.concluded import day_of, results_at, rounds_at
from market.app.view.panels.html import box, note, undusted
from market.app.view.session import Frame
from market.app.view.told import told_of
from market.game.result import PeriodResult
from market.settlement.outcome import MarketOutcome

NEXT_TO_NOTHING = 9
"""Digits behind the point of what a double can tell of these sums; what is less is the rounding of their terms."""


def certificate_panel(frame: Frame) -> str:
    """The day's verdict in words and numbers, and a row for each period."""
    results = results_at(frame)
    if not results:
        return box("Certificate", note("Known once the broker has found every period at rest, or found why not."))
    rounds = rounds_at(frame)
    outcome = MarketOutcome(results, (), rounds)
    verdict = outcome.verdict.value
    numbers = cards(
        [
            ("verdict", verdict.replace("_", " ")),
            ("ε, the most anybody gains by moving", f"{outcome.epsilon_cny:.3g} CNY"),
            ("ε, of the value traded", f"{outcome.epsilon_relative:.3g}"),
            ("traded in the day", f"{_traded_mwh(results):,.2f} MWh"),
        ]
    )
    told = told_of(frame.view)
    means = f"{meaning(verdict, agreed=rounds is not None)} {gains_text(_gains(outcome))}".strip()
    when = (told.axis,) if told.starts else ()
    heads = ("period", *when, "verdict", "offers", "traded MWh", "ε CNY", "ε relative", "clearing CNY/kWh",
             "largest mark-up CNY/kWh", "HHI")  # fmt: skip
    rows = table(heads, list(_rows(results, told)), digits=4, fold=False)
    return box(
        "Certificate",
        callout(means, good=verdict in SOUND),
        numbers,
        _strategies(frame, outcome),
        rows,
        name="certificate",
    ) + _whole_day(frame)


def _gains(outcome: MarketOutcome) -> list[Gain]:
    if outcome.rounds is not None and outcome.rounds.agreed:
        return gains_at_agreed_prices(outcome.verdict.value, outcome.rounds.regret_cny)
    return gains(certificate_document(outcome)["periods"])


def _strategies(frame: Frame, outcome: MarketOutcome) -> str:
    """Who plays which strategy, and its regret, where the plants are known here: they are on no tape."""
    if frame.scenario is None or not (found := strategy_regrets(frame.scenario, outcome)):
        return ""
    return strategies((each.vpp, each.use, each.selling_regret_cny, each.buying_regret_cny) for each in found)


def _whole_day(frame: Frame) -> str:
    """What each VPP could have gained by another day, where the rules ask for that and the market is over."""
    day = day_of(frame)
    if day is None or DAY_CERTIFICATE not in day.tables:
        return ""
    return box("The day as a whole", *whole_day(day), name="whole-day")


def _traded_mwh(results: Sequence[PeriodResult]) -> float:
    return fsum(float(result.delivered_mw.sum()) * result.game.period_h for result in results)


def _rows(results: Sequence[PeriodResult], told: Telling) -> Iterator[tuple[Cell, ...]]:
    unknown = float("nan")
    for result in results:
        proof = result.certificate
        yield (
            result.game.period + 1,
            *(told.clocks[result.game.period :][:1]),
            result.verdict.value.replace("_", " "),
            result.rounds,
            float(result.delivered_mw.sum()) * result.game.period_h if result.game.tradable else unknown,
            undusted(proof.epsilon_cny, NEXT_TO_NOTHING) if proof else unknown,
            undusted(proof.epsilon_relative, NEXT_TO_NOTHING) if proof else unknown,
            proof.clearing_price_cny_per_mwh / 1000 if proof else unknown,
            undusted(float(proof.markup_cny_per_mwh.max()) / 1000) if proof else unknown,
            float(proof.hhi) if proof else unknown,
        )
