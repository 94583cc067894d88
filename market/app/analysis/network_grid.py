"""The experiment on network conditions: a day over a grid of delays and loss rates, and what each run came to.

Every run is compared with the same day solved without messages, which no network can disturb.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from market.app.results.table import Cell, Table
from market.app.results.telling import CURRENCY
from market.app.runs.subprocesses import CommandResult
from market.errors import Fault, RunError, ScenarioError
from market.model.currency import DEFAULT_CURRENCY, spoken_name
from market.model.network import Constant
from market.scenario import with_overrides
from market.scenario.network_flags import NetworkFlags, network_changes
from market.scenario.scenario import Scenario

SAME_PRICE_CNY_PER_MWH = 1e-6
COUNTS = ("published", "sent", "delivered", "lost", "resent", "duplicated", "late", "undeliverable")
_NOTHING = float("nan")
_FLAGS = {"--delay": "--delays", "--loss": "--losses"}
Prices = Mapping[tuple[str, int], float]


@dataclass(frozen=True, slots=True)
class GridPoint:
    """One run of the grid. `delay` as it was written; `delay_s` where it is constant, else NaN."""

    delay: str
    delay_s: float
    loss: str
    seed: int

    def flags(self) -> list[str]:
        """What makes a run this one."""
        return ["--time", "virtual", "--delay", self.delay, "--loss", self.loss, "--seed", str(self.seed)]


@dataclass(frozen=True, slots=True)
class GridResult:
    """What a run of the grid came to. `price_difference_cny_per_mwh`: the largest, over all offers at rest."""

    square: GridPoint
    verdict: str
    exit_code: int
    network: Mapping[str, Any]
    rounds: int
    wall_s: float
    price_difference_cny_per_mwh: float

    @property
    def time_s(self) -> float:
        """Simulated time to equilibrium, NaN without one."""
        time_s = self.network["time_to_equilibrium_s"]
        return _NOTHING if time_s is None else float(time_s)

    @property
    def sound(self) -> bool:
        """Whether the market came to the undisturbed answer."""
        return self.exit_code == 0 and self.price_difference_cny_per_mwh <= SAME_PRICE_CNY_PER_MWH


def squares(scenario: Scenario, delays: str, losses: str, seeds: int) -> list[GridPoint]:
    """Every combination, each entry once. ScenarioError if an entry breaks a rule, with all faults at once."""
    faults: dict[Fault, None] = {}
    given = {"--delay": _entries(delays), "--loss": _entries(losses)}
    checked = {flag: [(text, _checked(scenario, flag, text, faults)) for text in given[flag]] for flag in given}
    for flag, entries in checked.items():
        if not entries:
            faults[Fault("must have an entry", "none", _FLAGS[flag], "write entries with commas between them")] = (
                None
            )
    if faults:
        raise ScenarioError(list(faults))
    return [
        GridPoint(delay, delay_s, loss, seed)
        for delay, delay_s in checked["--delay"]
        for loss, _ in checked["--loss"]
        for seed in range(seeds)
    ]


def _entries(text: str) -> list[str]:
    return list(dict.fromkeys(entry.strip() for entry in text.split(",") if entry.strip()))


def _checked(scenario: Scenario, flag: str, text: str, faults: dict[Fault, None]) -> float:
    """One entry by the rules of the flag it stands for; seconds of a constant delay, else NaN."""
    try:
        flags = NetworkFlags(delay=text) if flag == "--delay" else NetworkFlags(loss=text)
        changes = network_changes(flags, [vpp.id for vpp in scenario.vpps])
        latency = with_overrides(scenario, changes.values, changes.sources).network.every.latency
    except ScenarioError as error:
        faults |= {
            replace(fault, place=fault.place.replace(flag, _FLAGS[flag], 1)): None for fault in error.faults
        }
        return _NOTHING
    return latency.value_s if isinstance(latency, Constant) else _NOTHING


def document(ended: CommandResult, what: str) -> dict[str, Any]:
    """What a run printed with --json. RunError, with the run's own words, if it broke."""
    if ended.exit_code not in (0, 3):
        reason = ended.err.strip().removeprefix("error: ") or f"exit code {ended.exit_code}"
        raise RunError(f"{what}: {reason}")
    printed: dict[str, Any] = json.loads(ended.out)
    return printed


def prices(run: Mapping[str, Any]) -> Prices:
    """Every last offer, CNY/MWh, by seller and period; the column has its name by the run's currency."""
    column = spoken_name("price_cny_per_mwh", run.get(CURRENCY, DEFAULT_CURRENCY))
    return {(row["vpp"], row["period"]): row[column] for row in run["tables"]["offers"]}


def measured(square: GridPoint, run: Mapping[str, Any], undisturbed: Prices) -> GridResult:
    """What a run came to, compared with the undisturbed prices; offers that one of them lacks differ endlessly."""
    found = prices(run)
    same_offers = found.keys() == undisturbed.keys()
    gaps = [abs(found[key] - price) for key, price in undisturbed.items()] if same_offers else [float("inf")]
    return GridResult(
        square,
        run["verdict"],
        run["exit_code"],
        run["network"],
        run["rounds"],
        run["wall_s"],
        max(gaps, default=0.0),
    )


def grid_table(runs: Sequence[GridResult]) -> Table:
    """One row a run."""
    columns = (
        *("delay", "delay_s", "loss", "seed", "verdict", "time_to_equilibrium_s", *COUNTS),
        *("rounds", "price_difference_cny_per_mwh", "wall_s"),
    )
    return Table("grid", columns, tuple(_row(run) for run in runs))


def _row(run: GridResult) -> tuple[Cell, ...]:
    square = run.square
    return (
        *(square.delay, square.delay_s, float(square.loss), square.seed, run.verdict, run.time_s),
        *(run.network[name] for name in COUNTS),
        *(run.rounds, run.price_difference_cny_per_mwh, run.wall_s),
    )


def by_delay(runs: Sequence[GridResult], quantity: str) -> Table:
    """Medians over the seeds: a row a delay, a column a loss. quantity: `time_s`, or a count."""
    delays = list(dict.fromkeys(run.square.delay for run in runs))
    losses = list(dict.fromkeys(run.square.loss for run in runs))
    rows: list[tuple[Cell, ...]] = [
        (delay, *(middle(runs, delay, loss, quantity) for loss in losses)) for delay in delays
    ]
    return Table(quantity, ("delay", *losses), tuple(rows))


def middle(runs: Sequence[GridResult], delay: str, loss: str, quantity: str) -> float:
    """The median of one combination over its seeds; NaN where one of them did not come to rest."""
    found = values(runs, delay, loss, quantity)
    return _NOTHING if any(value != value for value in found) else median(found)


def values(runs: Sequence[GridResult], delay: str, loss: str, quantity: str) -> list[float]:
    """What every seed of one combination came to."""
    chosen = [run for run in runs if (run.square.delay, run.square.loss) == (delay, loss)]
    return [run.time_s if quantity == "time_s" else float(run.network[quantity]) for run in chosen]
