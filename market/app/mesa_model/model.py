"""The market as a Mesa model: its steps, its space, the data it collects.

Everything that is reported is read off the tape that the market writes, as it is for a market of many processes.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import mesa
from mesa.discrete_space import Cell, DiscreteSpace

from market.app.history.period import PeriodNow, period_now
from market.app.history.snapshot import Snapshot
from market.app.history.timeline import Timeline
from market.app.mesa_model.agent import VppAgent
from market.app.mesa_model.parameters import scenario_with
from market.app.mesa_model.reporters import AGENT_REPORTERS, MODEL_REPORTERS, TABLES, new_rows
from market.app.results.concluded_day import ConcludedDay, conclude_day, metadata_of, outcome_of
from market.app.results.frames import data_frame
from market.app.results.manifest import RunSpec
from market.app.results.records import records_of
from market.app.results.telling import telling_of
from market.app.runs.local_market import LocalMarket, StepUnit
from market.model.disclosure import Disclosure
from market.scenario import DEFAULT_CASE
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Settlement


class MarketModel(mesa.Model):  # type: ignore[misc]  # Mesa has no types
    """A market day with one agent for each VPP, all in this process and in simulated time.

    scenario : a folder, the name of a built-in case, or a loaded scenario
    step_unit : `round` or `event`, how far one step goes (`StepUnit`)
    seed : of the network's draws; the same seed gives the same day
    parameters : of the scenario, by name (`growth=0.5`; docs/parameters.md has them) or by path
    (`**{"vpps.VPP1.ess.energy_mwh": 2.0}`); None leaves the scenario's value

    `running` turns False in the first step that finds nothing left to do: Mesa's `batch_run` reports the last
    step but one, and that is then the end of the day. Raises ScenarioError; DispatchError from `step`.

    >>> model = MarketModel("two_vpp")
    >>> model.run_model()
    >>> model.view.verdict
    'equilibrium'
    """

    market: LocalMarket

    def __init__(
        self,
        scenario: str | Path | Scenario = DEFAULT_CASE,
        *,
        step_unit: str = StepUnit.ROUND,
        seed: int = 0,
        **parameters: object,
    ) -> None:
        super().__init__(rng=seed)
        self.scenario = scenario_with(scenario, parameters)
        self.step_unit = StepUnit(step_unit)
        self._started = datetime.now().astimezone()
        self.market = LocalMarket(self.scenario, seed)
        self.timeline = Timeline()
        self.space = DiscreteSpace(random=self.random)
        for vpp, node in self.market.nodes.items():
            self.space.add_cell(Cell(vpp, random=self.random))
            VppAgent(self, vpp, node).cell = self.space[vpp]
        self._linked = False
        self._periods_of: Snapshot | None = None
        self._periods: tuple[PeriodNow, ...] = ()
        self.datacollector = mesa.DataCollector(MODEL_REPORTERS, AGENT_REPORTERS, tables=TABLES)
        self._collect()
        self.datacollector.collect(self)

    def step(self) -> None:
        """One event or one round; the first step after the end ends the model."""
        if self.market.over:
            self.running = False
        else:
            self.market.advance(self.step_unit)
            self._collect()
        self.datacollector.collect(self)

    def _collect(self) -> None:
        """Take in what is new on the tape."""
        seen = len(self.timeline)
        self.timeline.extend(self.market.tape[seen:])
        for table, row in new_rows(self.timeline, seen):
            self.datacollector.add_table_row(table, row)
        if self.view.games and not self._linked:
            self._link()

    def _link(self) -> None:
        """Everybody has declared: an edge joins two VPPs if one can sell to the other in some period."""
        self._linked = True
        links = {
            frozenset((seller, buyer))
            for game in self.view.games
            if game.tradable
            for seller in game.sellers
            for buyer in game.buyers
        }
        for one, other in sorted(map(sorted, links)):
            self.space.add_connection(self.space[one], self.space[other])

    @property
    def view(self) -> Snapshot:
        """What stands now."""
        return self.timeline.newest

    @property
    def periods(self) -> tuple[PeriodNow, ...]:
        """Every period as it stands; empty until all have declared."""
        view = self.view
        if self._periods_of is not view:
            found = (period_now(view, period) for period in range(len(view.games)))
            self._periods_of, self._periods = view, tuple(now for now in found if now is not None)
        return self._periods

    @property
    def phase(self) -> str:
        """How far the day is."""
        return self.market.phase.value

    @cached_property
    def _day(self) -> ConcludedDay:
        left, scenario = self.market.proceedings(), self.scenario
        what = RunSpec(scenario, self.market.seed, False, self._started, scenario.audit or Disclosure.FULL)
        return conclude_day(what, outcome_of(left, scenario.public.market), metadata_of(left, scenario))

    @property
    def day(self) -> ConcludedDay | None:
        """Everything that a run folder would hold of the day, once the market is over."""
        return self._day if self.market.over else None

    @property
    def outcome(self) -> MarketOutcome | None:
        """The day's outcome with its certificates, once the market is over."""
        return self.day.outcome if self.day else None

    @property
    def settlement(self) -> Settlement | None:
        """Everybody's account without trade and with it, once the market is over."""
        return self.day.settlement if self.day else None

    def data_frames(self) -> dict[str, Any]:
        """The day's tables as data frames, named as in a run folder; empty until the market is over."""
        tables, told = (self.day.tables.values() if self.day else ()), telling_of(self.scenario)
        return {table.name: data_frame(records_of(table.columns, table.rows), told) for table in tables}
