"""A concluded day: everything that its run folder holds, made of what its market left behind.

A run, its replayed tape, a model in this process and the check of a manifest differ only in where what was left
behind comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market.app.results.certificate import certificate_document
from market.app.results.columns import DAY_CERTIFICATE, STRATEGIES
from market.app.results.day_certificate import (
    day_certificate,
    day_certificate_document,
    day_certificate_table,
)
from market.app.results.exit_codes import ExitCode, exit_code_of
from market.app.results.imbalance import imbalance_document
from market.app.results.kept import KEPT, Kept, kept_document, kept_of_day
from market.app.results.laws import laws_of_day
from market.app.results.manifest import RunSpec, manifest_of_run
from market.app.results.network_tables import network_tables
from market.app.results.run_metadata import RunMetadata
from market.app.results.strategies import (
    StrategyRegret,
    strategies_document,
    strategies_table,
    strategy_regrets,
)
from market.app.results.table import Table
from market.app.results.tables import day_tables
from market.day_certificate.day_certificate import DayCertificate
from market.model.network import MOST_CHOOSING, TimeMode
from market.model.rules import Mechanism
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.reality import RealSettlement, settle_reality
from market.settlement.settlement import Settlement, settle

if TYPE_CHECKING:
    from broker.protocol.run_result import RunResult
    from market.app.results.recorded import RecordedRun


@dataclass(frozen=True, slots=True)
class ConcludedDay:
    """A day that came to its end, with everything that its run folder holds.

    folder : where its way of running left its tape, if it leaves one
    day_certificate : that of the whole day (M6), None where it was not asked for
    strategies : the regret of each VPP whose owner has chosen one · real : the settlement in reality, if any
    tables : all that can be told of it, those also that `kept` leaves out of the folder
    """

    scenario: Scenario
    outcome: MarketOutcome
    settlement: Settlement
    facts: RunMetadata
    tables: dict[str, Table]
    certificate: dict[str, Any]
    manifest: dict[str, Any]
    kept: Kept
    folder: Path = Path()
    day_certificate: DayCertificate | None = None
    strategies: tuple[StrategyRegret, ...] = ()
    real: RealSettlement | None = None

    @property
    def broken_laws(self) -> list[str]:
        """The laws of settlement that the day does not obey; empty for a sound run."""
        laws: list[str] = self.manifest["broken_laws"]
        return laws

    @property
    def written(self) -> tuple[Table, ...]:
        """The tables that its folder holds."""
        return tuple(table for name, table in self.tables.items() if self.kept.selections or name != "selections")

    @property
    def exit_code(self) -> ExitCode:
        """By the verdict, unless a law is broken: then nothing in the folder can be relied on."""
        return ExitCode.BROKEN if self.broken_laws else exit_code_of(self.outcome.verdict)

    def recorded(self, name: str) -> RecordedRun:
        """As it would be read back from its folder."""
        from market.app.results.recorded import recorded

        return recorded(name, self.manifest, self.tables, self.certificate)


def conclude_day(what: RunSpec, outcome: MarketOutcome, facts: RunMetadata, wall_s: float = 0.0) -> ConcludedDay:
    """Account for a day: its tables, certificate and manifest. wall_s : real time that it took"""
    scenario, public = what.scenario, what.scenario.public
    settlement = settle(outcome, public)
    laws = laws_of_day(outcome, settlement, public, scenario.vpps)
    over_bus = len(scenario.roster) if facts.network else 0
    kept = kept_of_day(what.keep, outcome.periods, over_bus, follow=_selections_follow(what, outcome))
    network = network_tables(facts.network, scenario.roster, links=kept.links) if facts.network else ()
    real = settle_reality(outcome, public, scenario.vpps)
    of_day = day_tables(scenario, outcome, settlement, facts.trace, kept.trace, real)
    tables = {table.name: table for table in (*of_day, *network)}
    manifest = manifest_of_run(what, outcome, facts, laws, wall_s) | {KEPT: kept_document(kept)}
    certified = day_certificate(scenario, outcome, settlement)
    if certified is not None:
        tables[DAY_CERTIFICATE] = day_certificate_table(certified)
        manifest |= day_certificate_document(certified)
    regrets = strategy_regrets(scenario, outcome)
    if regrets:
        tables[STRATEGIES] = strategies_table(regrets)
        manifest |= strategies_document(regrets)
    if real is not None:
        manifest |= imbalance_document(real)
    certificate = certificate_document(outcome)
    return ConcludedDay(
        scenario,
        outcome,
        settlement,
        facts,
        tables,
        certificate,
        manifest,
        kept,
        day_certificate=certified,
        strategies=regrets,
        real=real,
    )


def _selections_follow(what: RunSpec, outcome: MarketOutcome) -> bool:
    """Whether buyers have answered the last offers, and as the evolutionary game does.

    Over processes a period may end with answers to earlier ones, unless buyers choose last and all of it rests; by
    consensus nobody chooses.
    """
    scenario = what.scenario
    chosen = any(vpp.strategy is not None for vpp in scenario.vpps)
    virtual = scenario.network.time is TimeMode.VIRTUAL and len(scenario.vpps) > MOST_CHOOSING
    answered = what.in_process or (virtual and all(result.verdict.rests for result in outcome.periods))
    return answered and scenario.public.market.mechanism is Mechanism.GAME and not chosen


def outcome_of(left: RunResult) -> MarketOutcome:
    """The day that a market left behind."""
    agreed = left.rounds is not None and left.rounds.agreed  # to prices, with its last plan
    audits = [left.audits[declaration.vpp] for declaration in left.declarations]
    days = tuple(
        VppDay(
            declaration,
            audit.before,
            audit.after,
            audit.after if agreed else audit.planned,
            audit.regret,
            audit.reality,
        )
        for declaration, audit in zip(left.declarations, audits, strict=True)
    )
    return MarketOutcome(left.results, days, left.rounds)


def metadata_of(left: RunResult, scenario: Scenario) -> RunMetadata:
    """How that day went, as far as the broker's machine knows."""
    from market.app.results.message_trace import trace_of_messages

    return RunMetadata(
        time_mode=scenario.network.time.value,
        process_ids=left.process_ids,
        counters=dict(sorted(left.counters.items())),
        refused=dict(sorted(left.refused.items())),
        refused_by_nodes={
            vpp: {entry.reason: entry.count for entry in audit.refused}
            for vpp, audit in left.audits.items()
            if audit.refused
        },
        rest_time_s=left.time_s,
        network=left.network,
        withdrawn=left.withdrawn,
        undisclosed=left.undisclosed,
        trace=trace_of_messages(left.said, left.results, scenario.public.market, left.settled_s),
    )
