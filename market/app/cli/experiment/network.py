"""The command `experiment network`: runs one day under many delays and loss rates and compares the outcomes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from market.app.analysis.network_grid import (
    SAME_PRICE_CNY_PER_MWH,
    GridPoint,
    GridResult,
    by_delay,
    document,
    grid_table,
    measured,
    prices,
    squares,
)
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.report.terminal.numbers import rounded
from market.app.results.exit_codes import ExitCode
from market.app.results.telling import telling_of
from market.app.runs.process_pool import workers
from market.app.runs.subprocesses import run_side_by_side
from market.scenario.changes import as_flags


@dataclass(frozen=True, slots=True)
class GridOptions:
    """The flags that no other study has. jobs : runs at once, each of several processes; None: one a core"""

    delays: str
    losses: str
    seeds: int
    jobs: int | None


def network_command(options: StudyOptions, grid: GridOptions) -> int:
    """Run every combination, write and draw the grid, show it. Raises MarketError.

    Exit code 0 if every run came to the undisturbed equilibrium.
    """
    scenario = options.load()
    asked = squares(scenario, grid.delays, grid.losses, grid.seeds)
    with study(options.out, f"network-{scenario.name}", telling_of(scenario), quiet=options.quiet) as under_way:
        runs = _measure(under_way, options, asked, grid.jobs or workers())
        under_way.write([grid_table(runs)])
        under_way.stage("drawing")
        _illustrate(under_way, runs)
    if not options.quiet:
        echo(
            under_way.told.text(grid_text(runs)) + f"Everything in full precision: {under_way.path}\n", styled=True
        )
    return ExitCode.EQUILIBRIUM if all(run.sound for run in runs) else ExitCode.NO_EQUILIBRIUM


def _measure(under_way: Study, options: StudyOptions, asked: Sequence[GridPoint], jobs: int) -> list[GridResult]:
    """The undisturbed day and all runs, several at once; their folders are not kept."""

    def on_done(done: int) -> None:
        under_way.stage(f"{done} of {len(asked) + 1} runs")

    on_done(0)
    with tempfile.TemporaryDirectory() as scratch:
        call = partial(_call, options, Path(scratch))
        calls = [call("undisturbed", ["--in-process"])]
        calls += [call(str(number), square.flags()) for number, square in enumerate(asked)]
        first, *others = run_side_by_side(calls, jobs, on_done)
    undisturbed = prices(document(first, "the day without messages"))
    return [
        measured(square, document(ended, " ".join(square.flags())), undisturbed)
        for square, ended in zip(asked, others, strict=True)
    ]


def _call(options: StudyOptions, scratch: Path, name: str, flags: Sequence[str]) -> list[str]:
    settings = as_flags(options.settings)
    return ["run", options.scenario, "--json", "--quiet", "--out", str(scratch / name), *settings, *flags]


def _illustrate(under_way: Study, runs: Sequence[GridResult]) -> None:
    from market.app.figures.network_grid import grid_picture

    under_way.illustrate([grid_picture(runs)])


def grid_text(runs: Sequence[GridResult]) -> str:
    """Time and messages by delay and loss, and whether the answer was the same everywhere, for people."""
    parts = []
    for title, quantity in (("Simulated time to equilibrium, s", "time_s"), ("Messages sent", "sent")):
        table = by_delay(runs, quantity)
        headings = ("delay", *(f"loss {float(loss):.0%}" for loss in table.columns[1:]))
        parts.append(printed(title, table, table.columns, headings))
    return "\n".join([*parts, _verdict(runs)])


def _verdict(runs: Sequence[GridResult]) -> str:
    largest = max(run.price_difference_cny_per_mwh for run in runs)
    odd = [run for run in runs if not run.sound]
    same = f"largest price difference to the undisturbed day: {rounded(largest, 2)} CNY/MWh"
    if not odd:
        most = rounded(SAME_PRICE_CNY_PER_MWH)
        return f"All {len(runs)} runs came to the same equilibrium; {same} (at most {most}).\n"
    listed = "".join(f"  {' '.join(run.square.flags())}: {run.verdict}\n" for run in odd[:8])
    return f"{len(odd)} of {len(runs)} runs did not come to the undisturbed equilibrium; {same}.\n{listed}"
