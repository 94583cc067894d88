"""The conclusion of a tape's market: what the broker's machine left behind, computed again.

The machines of the run are given what the tape records and conclude as they did then, so these are the same
numbers, with the same evidence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from broker.protocol.epoch import Epoch
from broker.protocol.pooling import Pooling
from broker.protocol.run_result import RunResult
from broker.tape import TAPE_NAME, Record
from market.app.replay.replay import Replay
from market.app.results.concluded_day import ConcludedDay, conclude_day, metadata_of, outcome_of
from market.app.results.known_plants import with_known_plants
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import RunMetadata
from market.errors import RunError, TapeError
from market.game.result import PeriodResult
from market.model.network import TimeMode
from market.scenario.scenario import Scenario
from market.settlement.rounds import DayRounds


class ReplayedConclusion:
    """A tape told again, record by record. `results`: of each epoch that was concluded, by its number.

    rounds : of each that was a search for prices, what its rounds came to
    fault : why it could not be told on, if it could not
    """

    def __init__(self) -> None:
        self.results: dict[int, tuple[PeriodResult, ...]] = {}
        self.rounds: dict[int, DayRounds] = {}
        self.fault = ""
        self._replay = Replay()
        self._taken = 0

    def take(self, records: Sequence[Record]) -> None:
        """All records so far; those taken before are passed over."""
        self.go_on(records[self._taken :])

    def go_on(self, records: Sequence[Record]) -> None:
        """The records that come next."""
        for record in records:
            self._taken += 1
            try:
                deque(self._replay.take(record), maxlen=0)
            except TapeError as error:
                self.fault = self.fault or str(error)
                return
            epoch = self._replay.broker.epoch if self._replay.broker else None
            if epoch is not None and epoch.results is not None:
                self._concluded(epoch)

    def _concluded(self, epoch: Epoch) -> None:
        if epoch.number in self.results or epoch.results is None:
            return
        self.results[epoch.number] = epoch.results
        if isinstance(epoch.trading, Pooling) and epoch.trading.day_rounds is not None:
            self.rounds[epoch.number] = epoch.trading.day_rounds

    @property
    def unrested_periods(self) -> int:
        """How many periods have not come to rest, as the broker sees it; 0 before there is trading."""
        broker = self._replay.broker
        trading = broker.epoch.trading if broker else None
        return trading.residual() if trading else 0

    @property
    def left(self) -> RunResult | None:
        """What the run left behind; None before its end, or if it does not come out again."""
        return None if self.fault else self._replay.left

    def what(self, beside: Scenario | None = None, started: datetime = datetime.min) -> RunSpec:
        """What was run. beside : the scenario with its plants, where they are at hand"""
        assert self._replay.shared is not None
        scenario = with_known_plants(self._replay.shared, beside)
        return RunSpec(scenario, self._replay.seed, in_process=False, started=started, audit=self._replay.audit)

    def day(self) -> ConcludedDay | None:
        """The whole day, None as above."""
        if self.left is None:
            return None
        what = self.what()
        return day_of_tape(what, self.left)


def replayed_conclusion(records: Sequence[Record]) -> ReplayedConclusion:
    """A whole tape told again. RunError if it does not hold a whole day, or does not come out again."""
    found = ReplayedConclusion()
    found.take(records)
    if found.fault:
        raise RunError(f"the tape does not come out again: {found.fault}")
    if found.left is None:
        raise RunError("only a market that is over can be exported; let it run to its end first")
    return found


def day_of_tape(what: RunSpec, left: RunResult) -> ConcludedDay:
    """The day that a tape comes to."""
    outcome = outcome_of(left)
    return conclude_day(what, outcome, metadata_of_tape(left, what.scenario))


def metadata_of_tape(left: RunResult, scenario: Scenario) -> RunMetadata:
    """How the day of a tape went. In real time a tape does not tell when messages arrived."""
    network = None if scenario.network.time is TimeMode.WALL else left.network
    return replace(metadata_of(left, scenario), network=network, tape=TAPE_NAME)
