"""The command `experiment sensitivity`: moves one parameter after the other and solves a day for each value."""

from __future__ import annotations

from functools import partial

from market.app.analysis.sensitivity import Sweep, sweep_tables, sweeps
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.results.exit_codes import ExitCode
from market.app.results.table import Table
from market.app.results.telling import telling_of


def sensitivity_command(options: StudyOptions) -> int:
    """Solve every day of every sweep, write a table for each. Raises MarketError."""
    scenario = options.load()
    asked = sweeps(scenario)
    with study(
        options.out, f"sensitivity-{scenario.name}", telling_of(scenario), quiet=options.quiet
    ) as under_way:
        tables = sweep_tables(scenario, partial(under_way.solve_all, "sensitivities"), asked)
        under_way.write(tables)
        under_way.stage("drawing")
        _illustrate(under_way, asked, tables)
        path = under_way.path
    if not options.quiet:
        echo(
            under_way.told.text(sensitivity_text(asked, tables)) + f"Everything in full precision: {path}\n",
            styled=True,
        )
    return ExitCode.EQUILIBRIUM


def _illustrate(under_way: Study, asked: tuple[Sweep, ...], tables: tuple[Table, ...]) -> None:
    from market.app.figures.sweep import sweep_picture

    drawn = (sweep_picture(sweep.label, sweep.base, table) for sweep, table in zip(asked, tables, strict=True))
    under_way.illustrate(drawn)


def sensitivity_text(asked: tuple[Sweep, ...], tables: tuple[Table, ...]) -> str:
    """The sweeps one after the other, for people."""
    columns = ("value", "verdict", "saving_cny", "game_total_cny", "game_carbon_cny", "traded_mwh")
    headings = ("value", "", "trade saves CNY", "total CNY", "carbon CNY", "traded MWh")
    parts = (
        printed(f"{sweep.label}", table, (*columns, "mean_price_cny_per_mwh"), (*headings, "mean price CNY/MWh"))
        for sweep, table in zip(asked, tables, strict=True)
    )
    return "\n".join(parts) + "\n"
