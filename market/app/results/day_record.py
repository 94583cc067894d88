"""What is kept of each day of a run of many: how it ended, what it cost, and what the next one begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import fsum, isnan, nan
from pathlib import Path
from typing import Any, Final

import numpy as np

from market.app.results.document import read_document, refused
from market.errors import ScenarioError
from market.game.result import PeriodResult, Verdict, worst
from market.model.arrays import Array, frozen
from market.rolling.plant_state import PlantState
from market.settlement.settlement import Account, kept_cny, saved_cny, settled_mw

RECORD: Final = "day.json"
"""The file of a day's folder that is written last: a day that has one is finished."""
_BY_VPP: Final = ("short_mwh", "long_mwh", "missed_mwh", "stored_mwh")
_REMEDY: Final = "take the file from where it is whole, or take the day's folder away and go on with --resume"
_PEAK, _PEAK_BEFORE = "peak_cny", "peak_before_mw"  # of plants whose peaks are charged


@dataclass(frozen=True, slots=True)
class KeptReality:
    """What the kept periods came to in reality, by VPP. accounts : with what deviations cost

    short_mwh, long_mwh : what it took from the grid beyond its schedule, and less
    missed_mwh : what nothing could serve or take up · stored_mwh : what its stores really hold in the end
    """

    accounts: tuple[Account, ...]
    short_mwh: Mapping[str, float]
    long_mwh: Mapping[str, float]
    missed_mwh: Mapping[str, float]
    stored_mwh: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One finished day. first : its first period, of the whole horizon, from 0 · kept : its periods that count

    verdict, epsilon_cny : of those periods
    game, grid_only : each VPP's account of them, with the market and without, where each goes on from its own past
    stored_mwh, stored_alone_mwh : what each VPP's stores hold at their end; both as planned
    verdicts, traded_mw, price_cny_per_mwh : by period kept; the price is the mean of what is traded, NaN
    where nothing is
    states, alone : by VPP, what it brings into the next day
    digest : of the scenario that was run
    game_real, grid_only_real : what both came to in reality; None where nothing is told of it
    """

    number: int
    first: int
    kept: int
    verdict: Verdict
    epsilon_cny: float
    broken_laws: tuple[str, ...]
    game: tuple[Account, ...]
    grid_only: tuple[Account, ...]
    stored_mwh: Mapping[str, float]
    stored_alone_mwh: Mapping[str, float]
    verdicts: tuple[Verdict, ...]
    traded_mw: Array
    price_cny_per_mwh: Array
    states: Mapping[str, PlantState]
    alone: Mapping[str, PlantState]
    digest: str
    game_real: KeptReality | None = None
    grid_only_real: KeptReality | None = None

    @property
    def budget_cny(self) -> float:
        """What the mechanism takes in less what it pays out."""
        return kept_cny(self.game)

    @property
    def saving_cny(self) -> float:
        """What trade saves; what the mechanism pays out is no saving, and what it takes in no loss."""
        alone, game = (fsum(account.total_cny for account in side) for side in (self.grid_only, self.game))
        return saved_cny(alone, game, self.budget_cny)

    @property
    def mean_price_cny_per_mwh(self) -> float:
        """Of all energy traded; NaN where there is none."""
        traded = float(self.traded_mw.sum())
        return float(np.nansum(self.traded_mw * self.price_cny_per_mwh)) / traded if traded else nan


def traded_of(results: Sequence[PeriodResult]) -> tuple[Array, Array]:
    """The power traded in each period, and its mean price, NaN where there is none; shape (periods,) each."""
    delivered = [settled_mw(result) for result in results]
    traded = [fsum(power.ravel().tolist()) for power in delivered]
    paid = [
        fsum((power * result.price_cny_per_mwh).ravel().tolist()) if total else 0.0
        for power, result, total in zip(delivered, results, traded, strict=True)
    ]
    return frozen(traded), frozen(
        [money / power if power else nan for money, power in zip(paid, traded, strict=True)]
    )


def ending(results: Sequence[PeriodResult]) -> tuple[Verdict, float]:
    """The verdict of these periods, and the most that anybody could gain by moving in any."""
    most = max((result.certificate.epsilon_cny for result in results if result.certificate), default=0.0)
    return worst([result.verdict for result in results]), most


def record_document(record: DayRecord) -> dict[str, Any]:
    """For JSON, to the last bit."""
    return {
        "number": record.number,
        "first": record.first,
        "kept": record.kept,
        "verdict": record.verdict.value,
        "epsilon_cny": record.epsilon_cny,
        "broken_laws": list(record.broken_laws),
        "game": [_told(asdict(account)) for account in record.game],
        "grid_only": [_told(asdict(account)) for account in record.grid_only],
        "stored_mwh": dict(record.stored_mwh),
        "stored_alone_mwh": dict(record.stored_alone_mwh),
        "verdicts": [verdict.value for verdict in record.verdicts],
        "traded_mw": record.traded_mw.tolist(),
        "price_cny_per_mwh": [_number(price) for price in record.price_cny_per_mwh.tolist()],
        "states": {vpp: _state_document(state) for vpp, state in record.states.items()},
        "alone": {vpp: _state_document(state) for vpp, state in record.alone.items()},
        "digest": record.digest,
        **_real_document(record),
    }


def _real_document(record: DayRecord) -> dict[str, Any]:
    """What became of the day; nothing where that is not told."""
    sides = {"game_real": record.game_real, "grid_only_real": record.grid_only_real}
    return {
        name: {
            "accounts": [_told(asdict(account)) for account in real.accounts],
            **{part: dict(getattr(real, part)) for part in _BY_VPP},
        }
        for name, real in sides.items()
        if real is not None
    }


def read_record(folder: Path) -> DayRecord | None:
    """The record of a day's folder; None where it has none. ScenarioError where it is not what a run leaves."""
    path = folder / RECORD
    try:
        told = read_document(path, _REMEDY)
    except FileNotFoundError:
        return None
    try:
        return _record(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        value = f"{type(error).__name__}: {error}"[:100]
        raise refused(path, "it must be the record of a day", value, _REMEDY) from None


def unreadable(path: Path, rule: str, value: str) -> ScenarioError:
    """The error of a record that does not fit its run."""
    return refused(path, rule, value, _REMEDY)


def _record(told: Mapping[str, Any]) -> DayRecord:
    return DayRecord(
        number=int(told["number"]),
        first=int(told["first"]),
        kept=int(told["kept"]),
        verdict=Verdict(told["verdict"]),
        epsilon_cny=float(told["epsilon_cny"]),
        broken_laws=tuple(told["broken_laws"]),
        game=tuple(_account(each) for each in told["game"]),
        grid_only=tuple(_account(each) for each in told["grid_only"]),
        stored_mwh=_numbers(told["stored_mwh"]),
        stored_alone_mwh=_numbers(told["stored_alone_mwh"]),
        verdicts=tuple(Verdict(verdict) for verdict in told["verdicts"]),
        traded_mw=frozen(told["traded_mw"]),
        price_cny_per_mwh=frozen([nan if price is None else price for price in told["price_cny_per_mwh"]]),
        states={vpp: _state(state) for vpp, state in told["states"].items()},
        alone={vpp: _state(state) for vpp, state in told["alone"].items()},
        digest=str(told["digest"]),
        game_real=_real(told.get("game_real")),
        grid_only_real=_real(told.get("grid_only_real")),
    )


def _real(told: Mapping[str, Any] | None) -> KeptReality | None:
    if told is None:
        return None
    accounts = tuple(_account(each) for each in told["accounts"])
    return KeptReality(accounts, **{part: _numbers(told[part]) for part in _BY_VPP})


def _number(value: float) -> float | None:
    return None if isnan(value) else value


def _told(account: dict[str, Any]) -> dict[str, Any]:
    if not account[_PEAK] > 0.0:
        account = {name: value for name, value in account.items() if name != _PEAK}
    return {name: _number(value) if isinstance(value, float) else value for name, value in account.items()}


def _account(told: Mapping[str, Any]) -> Account:
    return Account(**{name: nan if value is None else value for name, value in told.items()})  # type: ignore[arg-type]


def _numbers(told: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in told.items()}


def _state_document(state: PlantState) -> dict[str, Any]:
    units = {unit: dict(values) for unit, values in state.units.items() if values}
    told = {"excess_before_t": state.excess_before_t, "units": units}
    return told | {_PEAK_BEFORE: state.peak_before_mw} if state.peak_before_mw else told


def _state(told: Mapping[str, Any]) -> PlantState:
    units = {unit: dict(values) for unit, values in told["units"].items()}
    return PlantState(units, float(told["excess_before_t"]), float(told.get(_PEAK_BEFORE, 0.0)))
