"""The command `experiment division`: fair shares of what cooperation saves, and who would gain by leaving."""

from __future__ import annotations

from market.app.analysis.division import DividedDay, divided_day, division_tables
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.results.exit_codes import ExitCode
from market.app.results.table import Table
from market.app.results.telling import telling_of


def division_command(options: StudyOptions) -> int:
    """Solve the coalitions, write three tables and a picture. Raises MarketError."""
    scenario = options.load()
    with study(options.out, f"division-{scenario.name}", telling_of(scenario), quiet=options.quiet) as under_way:
        under_way.stage("dispatching each plant alone")
        day = divided_day(scenario, options.draws, options.seed, under_way.solve_all)
        tables = division_tables(day)
        under_way.write(tables)
        under_way.stage("drawing")
        _illustrate(under_way, tables)
        path = under_way.path
    if not options.quiet:
        echo(
            under_way.told.text(division_text(day, tables)) + f"Everything in full precision: {path}\n",
            styled=True,
        )
    return ExitCode.EQUILIBRIUM


def _illustrate(under_way: Study, tables: tuple[Table, ...]) -> None:
    from market.app.figures.division import division_picture

    under_way.illustrate([division_picture(*tables[:2])])


def division_text(day: DividedDay, tables: tuple[Table, ...]) -> str:
    """Shares and their stability, for people."""
    shares, stability = tables[:2]
    names = [each.name for each in day.divisions]
    columns, headings = (
        ["vpp", *(f"{name}_cny" for name in names)],
        ["", *(name.replace("_", " ") for name in names)],
    )
    if not day.all_coalitions:
        columns.insert(2, "shapley_error_cny")
        headings.insert(2, "± standard error")
    saving = f"{day.scenario.name}: shares of the {day.whole_cny:,.0f} CNY that all save as one, CNY"
    shown = printed(saving, shares, columns, headings)
    stable = printed(
        "Who would gain by leaving",
        stability,
        ("division", "shared_cny", "share_of_whole", "leaving", "leaving_gain_cny", "in_core"),
        ("", "shares out CNY", "of the whole", "gains most by leaving", "CNY", "in the core"),
    )
    return f"{shown}\n{stable}\n{_of_the_core(day)}\n"


def _of_the_core(day: DividedDay) -> str:
    if not day.all_coalitions:
        tried = f"{len(day.cost_cny):,} of {(1 << len(day.alone_cny)) - 1:,} coalitions were looked at"
        return f"{tried}: a larger gain by leaving may exist, and the nucleolus is not worked out."
    if day.least_complaint_cny <= 0.0:
        return (
            f"The core is not empty: shares exist by which every coalition loses {-day.least_complaint_cny:,.2f} "
            "CNY or more by leaving."
        )
    return (
        f"The core is empty: some coalition gains at least {day.least_complaint_cny:,.2f} CNY whatever the shares."
    )
