"""Runs a scenario's day from Python, and opens one that was run before."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from market.api.arguments import folder_at, told
from market.api.results import Run
from market.app.results.run_metadata import RunProgress
from market.app.runs.seeds import seed_fault
from market.app.runs.system import missing_linux
from market.errors import Fault, ScenarioError
from market.extras import need
from market.model.arguments import word_of
from market.scenario import DEFAULT_CASE, load_scenario, require_one_plan, require_plants
from market.scenario.overrides import require_changes
from market.scenario.plain_value import plain_value
from market.scenario.scenario import Scenario
from market.system_fault import as_run_error

if TYPE_CHECKING:
    from market.app.results.concluded_day import ConcludedDay
    from market.app.results.kept import Keep
    from market.app.results.manifest import RunSpec
    from market.app.runs.keyring import Keyring
    from market.app.runs.run_day import Runner

_LOG = logging.getLogger(__name__)
MOST_PROCESSES = 1000


def load(source: str | Path = DEFAULT_CASE) -> Scenario:
    """A scenario, from a folder with `scenario.yaml` and its profiles, or a built-in case by its name.

    `with_` gives another one with some values changed. Raises ScenarioError with every fault at once.

    >>> import market
    >>> scenario = market.load("two_vpp").with_({"market.satisfaction": 0.9})
    >>> scenario.roster
    ('Farm', 'Village')
    """
    return load_scenario(source)


def run(
    scenario: str | Path | Scenario = DEFAULT_CASE,
    changes: Mapping[str, object] | None = None,
    *,
    processes: bool | int = False,
    day_certificate: bool = False,
    seed: int = 0,
    out: str | Path | None = None,
    trace: str | None = None,
    format: str = "csv",
    on_progress: Callable[[RunProgress], None] | None = None,
) -> Run:
    """Run a market day and wait for its end.

    scenario : a folder, the name of a built-in case, or a scenario from `load`
    changes : values by their paths in `scenario.yaml`, such as {"carbon.growth": 0.5}
    processes : whether the plants run as processes, over the bus and under the scenario's network: each as one of
    its own, more than 20 in a few that they share, or any number in so many as is said; else the day is solved
    here, without messages. All come to the same equilibrium.
    day_certificate : whether to bound what each plant could have gained by planning its whole day anew, as the
    table `day_certificate`
    seed : of all that is random, which is only the network
    out : the run folder, new or empty; None leaves no files
    trace : "none", "offers" or "full", how much of the way to the end the table `trace` tells; None: by size
    format : of the tables in `out`, "csv" or "parquet"
    on_progress : told now and then how far the run is
    Raises: ScenarioError for bad input, DispatchError if a plant's day cannot be planned, RunError if the run
    breaks. A law of settlement that does not hold is a RuntimeWarning, and in the run's `broken_laws`.
    No process is left behind, whatever ends it.

    >>> import market
    >>> day = market.run("two_vpp", {"market.choice_temperature_cny_per_mwh": 80})
    >>> day.verdict
    'equilibrium'
    >>> len(day.offers)
    4
    """
    since, started, seed = time.monotonic(), datetime.now().astimezone(), plain_value(seed)
    chosen = require_plants(scenario if isinstance(scenario, Scenario) else load_scenario(scenario))
    changes = {
        **require_changes({} if changes is None else changes),
        **({} if day_certificate is False else {"market.day_certificate": day_certificate}),
    }
    processes, listener = plain_value(processes), told(on_progress)
    number = _number_of(processes)
    check_changes(changes, seed, processes=bool(processes))
    if changes:
        chosen = chosen.with_(changes)
    require_one_plan(chosen)
    with as_run_error():
        what = replace(_undertaking(chosen, seed, started, processes=bool(processes)), keep=keep_of(trace, format))
        report = _carried_out(what, out, listener, since, number)
    for law in report.broken_laws:
        warnings.warn(law, RuntimeWarning, stacklevel=2)
    return Run.of(report, written=out is not None)


def open_run(folder: str | Path) -> Run:
    """A run that was written before, by `run` or by the command. Raises ScenarioError if the folder holds none.

    >>> import market
    >>> day = market.run("two_vpp", out="runs/small")
    >>> market.open_run("runs/small").costs.equals(day.costs)
    True
    """
    return Run.at(folder_at(folder, "folder"))


def check_changes(changes: Mapping[str, object], seed: int, *, processes: bool) -> None:
    """ScenarioError where a seed is none, or a change has no effect."""
    faults = []
    if fault := seed_fault(seed, "seed"):
        faults.append(fault)
    if processes and (fault := missing_linux("processes=True")):
        faults.append(fault)
    if not processes:
        remedy = "leave it out, or run with processes=True"
        of_network = {path: value for path, value in changes.items() if str(path).split(".")[0] == "network"}
        faults += [
            Fault("one process has no network", repr(value), f"override {path}", remedy)
            for path, value in of_network.items()
        ]
    if faults:
        raise ScenarioError(faults)


def _number_of(processes: object) -> int | None:
    """How many processes are asked for; None where it is only said that there are some, or none."""
    if isinstance(processes, bool):
        return None
    if not isinstance(processes, int) or not 1 <= processes <= MOST_PROCESSES:
        rule = f"must be True, False or a whole number from 1 to {MOST_PROCESSES}"
        raise ScenarioError([Fault(rule, repr(processes), "processes", "give one of these")])
    return processes


def keep_of(trace: str | None, format: str) -> Keep:
    """What a run folder is to hold. ScenarioError for words that mean nothing."""
    from market.app.results.kept import Keep, TableFormat, TraceLevel

    level = None if trace is None else TraceLevel(word_of(trace, TraceLevel, "trace"))
    tables = TableFormat(word_of(format, TableFormat, "format"))
    if tables is TableFormat.PARQUET:
        need("parquet", 'format="parquet"')
    return Keep(level, tables)


def _undertaking(scenario: Scenario, seed: int, started: datetime, *, processes: bool) -> RunSpec:
    from market.app.results.manifest import RunSpec
    from market.model.disclosure import Disclosure

    audit = scenario.audit or Disclosure.FULL
    return RunSpec(scenario, seed, not processes, started, audit)


def _carried_out(
    what: RunSpec,
    out: str | Path | None,
    on_progress: Callable[[RunProgress], None],
    since: float,
    processes: int | None,
) -> ConcludedDay:
    from market.app.results.folder import new_run_folder
    from market.app.runs.run_day import report_of, run_day

    if out is None:
        with _scratch(what) as place:
            return report_of(what, _runner(what, processes), place, on_progress, since)
    folder = new_run_folder(folder_at(out, "out"), what.scenario.name, what.started, 'out="{}"')
    with folder.held():
        return run_day(what, _runner(what, processes), folder, on_progress, since)


@contextmanager
def _scratch(what: RunSpec) -> Iterator[Path]:
    """A folder for the tape, gone in the end; a day in one process leaves none."""
    if what.in_process:
        yield Path()
        return
    with tempfile.TemporaryDirectory(prefix="vppmarket-") as folder:
        yield Path(folder)


def _runner(what: RunSpec, processes: int | None) -> Runner:
    from market.app.runs.ways import ProcessOptions, as_processes, in_this_process

    if what.in_process:
        return in_this_process()
    return as_processes(what, ProcessOptions(_LOG.info, _opened, processes=processes))


def _opened(address: str, keys: Keyring) -> None:
    _LOG.debug("the broker listens at %s", address)
