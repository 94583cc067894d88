"""The market as a Mesa model: its steps, its space, the data it collects.

A model is a fold over the tape of its market, wherever that runs: in this process, as a process for each plant, or
elsewhere. The same tape makes the same steps, data and results.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from weakref import finalize

import mesa
from mesa.discrete_space import Cell, DiscreteSpace

from broker.protocol.run_progress import Phase
from broker.tape import Record
from market.app.history.period import PeriodNow, period_now
from market.app.history.snapshot import Snapshot
from market.app.history.timeline import Timeline
from market.app.mesa_model.agent import VppAgent
from market.app.mesa_model.parameters import looked_at, scenario_with
from market.app.mesa_model.reporters import AGENT_REPORTERS, MODEL_REPORTERS, TABLES, new_rows
from market.app.mesa_model.sources import RecordSource, market_at, own_market
from market.app.mesa_model.steps import StepUnit, milestone
from market.app.replay.conclusion import ReplayedConclusion, day_of_tape
from market.app.results.concluded_day import ConcludedDay
from market.app.results.frames import data_frame
from market.app.results.known_plants import with_known_plants
from market.app.results.telling import telling_of
from market.app.runs.seeds import require_seed
from market.errors import MarketError
from market.model.arguments import word_of
from market.scenario import DEFAULT_CASE
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome
from market.settlement.settlement import Settlement


class MarketModel(mesa.Model):  # type: ignore[misc]  # Mesa has no types
    """A market day with one agent for each VPP.

    scenario : a folder, the name of a built-in case, or a loaded scenario; None is the default case
    step_unit : `round` or `event`, how far one step goes (`StepUnit`)
    seed : of the network's draws; the same seed gives the same day
    processes : whether every agent is a process of its own, on the bus; else all are in this process
    address, keys, token_file : of a market that runs elsewhere (`follow`)
    kwargs : parameters of the scenario, by name (`growth=0.5`; docs/parameters.md has them) or by path
    (`**{"vpps.VPP1.ess.energy_mwh": 2.0}`); None leaves the scenario's value

    A step of a market of processes, or elsewhere, waits for what it is about. `running` turns False in the first
    step that finds nothing left to do: Mesa's `batch_run` reports the last step but one, and that is then the end
    of the day. Processes end with their day, with `close`, or once the model is dropped.

    Raises ScenarioError; RunError if no process can be started, or nobody answers. From `step`: DispatchError if
    a plant's day cannot be planned, RunError if the market breaks.

    >>> model = MarketModel("two_vpp")
    >>> model.run_model()
    >>> model.view.verdict
    'equilibrium'
    """

    market: RecordSource

    def __init__(
        self,
        scenario: str | Path | Scenario | None = None,
        *,
        step_unit: str = StepUnit.ROUND,
        seed: int = 0,
        processes: bool = False,
        address: str = "",
        keys: str | Path | None = None,
        token_file: str | Path | None = None,
        **kwargs: object,
    ) -> None:
        seed = require_seed(seed, "seed")
        super().__init__(rng=seed)
        self.step_unit = StepUnit(word_of(step_unit, StepUnit, "step_unit"))
        self._started = datetime.now().astimezone()
        beside: Scenario | None
        if address:
            beside = looked_at(scenario, seed, kwargs, processes=processes)
            self.market = market_at(address, keys, token_file)
        else:
            beside = scenario_with(DEFAULT_CASE if scenario is None else scenario, kwargs)
            self.market = own_market(beside, seed, processes=processes)
        self._forgotten = finalize(self, self.market.release)
        self._waiting: deque[Record] = deque()
        self.timeline = Timeline()
        self._told = ReplayedConclusion()
        self.scenario = self._opened(beside)
        self._make_agents()
        self._periods_of: Snapshot | None = None
        self._periods: tuple[PeriodNow, ...] = ()
        self._day: ConcludedDay | None = None
        self.datacollector = mesa.DataCollector(MODEL_REPORTERS, AGENT_REPORTERS, tables=TABLES)
        self.datacollector.collect(self)

    @classmethod
    def follow(
        cls,
        address: str,
        *,
        keys: str | Path | None = None,
        token_file: str | Path | None = None,
        scenario: str | Path | Scenario | None = None,
        step_unit: str = StepUnit.ROUND,
    ) -> Self:
        """A model of a market that runs elsewhere, from its first message on.

        address : `tcp://host:port`, as `vppmarket run --watch` or `vppmarket broker` prints it
        keys : the folder of the watcher's keys · token_file : where there are no keys, the `watch.token`; without
        either, the variable VPPMARKET_WATCH_TOKEN
        scenario : with the plants, where they are at hand; a tape has none

        ScenarioError if address, keys or token cannot be, RunError if nobody answers there for ten seconds.
        """
        return cls(scenario, step_unit=step_unit, address=address, keys=keys, token_file=token_file)

    def _opened(self, beside: Scenario | None) -> Scenario:
        """The market's scenario as its tape tells it, with the plants that are known here."""
        while (shared := self.view.scenario) is None and self._next_record():
            pass
        assert shared is not None  # a market that breaks off before says why
        return with_known_plants(shared, beside)

    def _make_agents(self) -> None:
        self.space = DiscreteSpace(random=self.random)
        self._linked = False
        nodes = getattr(self.market, "nodes", {})  # where they are in this process
        for number, vpp in enumerate(self.scenario.roster, 1):
            self.space.add_cell(Cell(vpp, random=self.random))
            VppAgent(self, number, vpp, nodes.get(vpp)).cell = self.space[vpp]

    # --- steps ---

    def step(self) -> None:
        """One event or one round; the first step after the end ends the model."""
        before, seen = milestone(self.view), len(self.timeline)
        while self._next_record():
            if self.step_unit is StepUnit.EVENT or milestone(self.view) != before:
                break
        self.running = len(self.timeline) > seen
        for table, row in new_rows(self.timeline, seen):
            self.datacollector.add_table_row(table, row)
        if self.view.games and not self._linked:
            self._link()
        self.datacollector.collect(self)

    def _next_record(self) -> bool:
        """Take in one more record; whether there was one."""
        if not self._waiting and self.view.phase is not Phase.OVER:
            try:
                self._waiting.extend(self.market.more())
            except MarketError:
                self.running = False
                raise
        if not self._waiting:
            return False
        record = self._waiting.popleft()
        self.timeline.extend([record])
        self._told.go_on([record])
        return True

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

    def close(self) -> None:
        """Let go of the market: its processes, if it has any, are ended when this returns."""
        self.market.close()

    # --- how it stands ---

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
        return self.view.phase.value

    @property
    def unrested_periods(self) -> int:
        """How many periods have not come to rest, as the broker sees it."""
        return self._told.unrested_periods

    @property
    def day(self) -> ConcludedDay | None:
        """Everything that a run folder would hold of the day, once the market is over."""
        if self._day is None and self._told.left is not None:
            self._day = day_of_tape(self._told.what(self.scenario, self._started), self._told.left)
        return self._day

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
        return {table.name: data_frame(table.by_column(), told) for table in tables}
