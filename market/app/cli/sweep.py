"""The command `sweep`: from its flags to the runs, their table, and the exit code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from market.app.analysis.sweep.journal import Journal, kept_plan
from market.app.analysis.sweep.plan import Combine, SweepPlan, combined, plan_of
from market.app.analysis.sweep.row import FAILED
from market.app.analysis.sweep.sweep import Means, carry_out, check_means
from market.app.analysis.sweep.values import swept_values
from market.app.cli.console import echo, echo_error, live_progress
from market.app.report.printed import printed
from market.app.results.exit_codes import ExitCode
from market.app.results.folder import RunFolder, new_run_folder
from market.app.results.table import Table
from market.app.results.telling import telling_of
from market.app.runs.command_line import pasted
from market.app.runs.seeds import A_SEED, is_seed
from market.errors import Fault, ScenarioError
from market.scenario import DEFAULT_CASE, load_scenario, require_plants
from market.scenario.shown_value import shown

_MOST_SEEDS = 100_000
_ROWS_SHOWN = 20
_REASONS_SHOWN = 3
_SHOWN = {
    "verdict": "",
    "saving_cny": "trade saves CNY",
    "game_total_cny": "total CNY",
    "game_realised_total_cny": "in reality CNY",
    "game_realised_imbalance_cny": "imbalance CNY",
    "game_carbon_cny": "carbon CNY",
    "traded_mwh": "traded MWh",
    "mean_price_cny_per_mwh": "mean price CNY/MWh",
}
"""The columns that people are shown, where the table has them, and what they are called there."""


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """The flags of `sweep`, as given.

    seeds : none where the flag is not there · resume : the folder of a sweep that broke off
    """

    scenarios: tuple[str, ...]
    settings: tuple[str, ...]
    combine: str
    seeds: tuple[int, ...]
    processes: bool
    means: Means
    out: Path | None
    resume: Path | None
    quiet: bool


def seeds_of(text: str) -> tuple[int, ...]:
    """Seeds with commas between them, each once; `0-9` stands for ten. ScenarioError if they cannot be read.

    >>> seeds_of("1,5-7")
    (1, 5, 6, 7)
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not (is_seed(first) and (is_seed(last) or part.strip() == first)):
            raise _no_seeds(f"each must be {A_SEED}", part)
        each = range(int(first), int(last or first) + 1)
        if not each:
            raise _no_seeds("the first of a range must not be above its last", part)
        if len(each) > _MOST_SEEDS:
            raise _no_seeds(f"a range must have at most {_MOST_SEEDS:,} seeds", part)
        found |= dict.fromkeys(each)
    return tuple(found)


def _no_seeds(rule: str, part: str) -> ScenarioError:
    return ScenarioError([Fault(rule, shown(part), "--seeds", "write them like 0,1,2 or 0-2")])


def sweep_command(options: SweepOptions) -> int:
    """Carry out a sweep and show its first rows. Raises MarketError.

    Exit code 0 if every run could be carried out, whatever came of it, else 3.
    """
    since, started = time.monotonic(), datetime.now().astimezone()
    check_means(options.means)
    with _journal(options, started) as journal:
        try:
            with live_progress(since, wanted=not options.quiet) as on_progress:
                carry_out(journal, options.means, on_progress)
        except BaseException:
            ended, wanted = len(journal.ended), len(journal.plan.runs)
            if ended < wanted:
                echo_error(f"{ended} of {wanted} runs are kept; take the sweep up with")
                echo_error(f"  {pasted('sweep', '--resume', journal.folder.path)}")
            raise
    table = journal.table()
    if not options.quiet:
        echo(_text(journal, table), styled=True)
    failed = [row for row in journal.rows() if row["verdict"] == FAILED]
    return ExitCode.NO_EQUILIBRIUM if failed else ExitCode.EQUILIBRIUM


@contextmanager
def _journal(options: SweepOptions, started: datetime) -> Iterator[Journal]:
    """That of a new sweep, or of one that is taken up; nobody else takes it up meanwhile."""
    if options.resume is None:
        plan = _plan(options)
        name = "-".join(dict.fromkeys(scenario.name for scenario in plan.scenarios))
        folder = new_run_folder(options.out, f"sweep-{name}"[:80], started)
        with folder.held():
            yield Journal.begun(folder, plan)
        return
    folder = RunFolder(options.resume)
    with folder.held():
        yield Journal.taken_up(folder, _plan_again(options))


def _plan(options: SweepOptions) -> SweepPlan:
    sources = options.scenarios or (DEFAULT_CASE,)
    scenarios = [require_plants(load_scenario(source)) for source in sources]
    changes = combined(swept_values(options.settings), Combine(options.combine))
    return plan_of(scenarios, changes, options.seeds or (0,), processes=options.processes)


def _plan_again(options: SweepOptions) -> SweepPlan:
    """The plan of the sweep that is taken up, whose folder says what it is to be."""
    given = [
        ("SCENARIO", options.scenarios),
        ("--set", options.settings),
        ("--out", () if options.out is None else (str(options.out),)),
        ("--combine", () if options.combine == Combine.GRID else (options.combine,)),
        ("--seeds", tuple(map(str, options.seeds))),
        ("--processes", ("yes",) if options.processes else ()),
    ]
    rule = "a sweep is taken up as it was begun"
    faults = [
        Fault(rule, shown(", ".join(values)), flag, f"leave out {flag}, or begin a new sweep")
        for flag, values in given
        if values
    ]
    if faults:
        raise ScenarioError(faults)
    assert options.resume is not None
    return kept_plan(options.resume)


def _text(journal: Journal, table: Table) -> str:
    """The first rows, for people, and where all of them are."""
    several = [name for name in ("scenario", "seed", *journal.plan.paths) if len(set(_column(table, name))) > 1]
    told = telling_of(journal.plan.scenarios[0])
    shown = {name: heading for name, heading in _SHOWN.items() if told.columns((name,))[0] in table.columns}
    columns = ("run", *several, *told.columns(tuple(shown)))
    first = Table(table.name, table.columns, table.rows[:_ROWS_SHOWN])
    count, failed = len(table.rows), _column(table, "verdict").count(FAILED)
    heading = f"{count} {'run' if count == 1 else 'runs'}" + (f", {failed} failed" if failed else "")
    text = printed(heading, first, columns, ("run", *several, *map(told.text, shown.values())))
    more = f"{count - _ROWS_SHOWN} rows more are in the table.\n" if count > _ROWS_SHOWN else ""
    return f"{text}{_reasons(table)}{more}Everything in full precision: {journal.folder.path}\n"


def _reasons(table: Table) -> str:
    """Why the first of those runs failed that did; the column `reason` says it of all."""
    told = zip(_column(table, "run"), _column(table, "verdict"), _column(table, "reason"), strict=True)
    failed = [f"run {run}: {reason}\n" for run, verdict, reason in told if verdict == FAILED]
    more = f"{len(failed) - _REASONS_SHOWN} more are in the column reason.\n"
    return "".join(failed[:_REASONS_SHOWN]) + (more if len(failed) > _REASONS_SHOWN else "")


def _column(table: Table, name: str) -> Sequence[object]:
    place = table.columns.index(name)
    return [row[place] for row in table.rows]
