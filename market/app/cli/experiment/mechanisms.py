"""The command `experiment mechanisms`: the same day under every mechanism, and what a lie would pay in each."""

from __future__ import annotations

from market.app.analysis.mechanisms import MechanismStudy, mechanism_study, mechanism_tables
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.results.exit_codes import ExitCode
from market.app.results.table import Table
from market.app.results.telling import telling_of


def mechanisms_command(options: StudyOptions) -> int:
    """Run every mechanism, write three tables and a picture. Raises MarketError."""
    scenario = options.load()
    with study(options.out, f"mechanisms-{scenario.name}", telling_of(scenario), quiet=options.quiet) as under_way:
        found = mechanism_study(scenario, under_way.solve_all, under_way.stage)
        tables = mechanism_tables(found)
        under_way.write(tables)
        under_way.stage("drawing")
        _illustrate(under_way, tables)
        path = under_way.path
    if not options.quiet:
        echo(
            under_way.told.text(mechanisms_text(found, tables)) + f"Everything in full precision: {path}\n",
            styled=True,
        )
    return ExitCode.EQUILIBRIUM


def _illustrate(under_way: Study, tables: tuple[Table, ...]) -> None:
    from market.app.figures.mechanisms import mechanisms_picture

    under_way.illustrate([mechanisms_picture(*tables)])


def mechanisms_text(found: MechanismStudy, tables: tuple[Table, ...]) -> str:
    """The main table, gains, and what is not claimed, for people."""
    main = printed(
        f"{found.scenario.name}: one day under every mechanism, CNY",
        tables[0],
        (
            *("mechanism", "total_cny", "share_of_possible_saving", "mean_price_cny_per_mwh", "budget_cny"),
            *("pay_more", "worst_gain_cny", "lie_gain_cny", "lie_vpp", "lie_about", "lie_factor"),
        ),
        (
            *("", "costs", "of what is possible", "CNY/MWh", "budget", "pay more", "least gain"),
            *("best lie gains", "of", "about", "×"),
        ),
    )
    gains = printed(
        "What each VPP gains, CNY", tables[1], tables[1].columns, ("", *(day.name for day in found.days))
    )
    unclaimed = "".join(f"  {day.name}: {law}\n" for day in found.days for law in day.unclaimed)
    told = f"Not claimed\n{unclaimed}" if unclaimed else ""
    return f"{main}\n{gains}\n{told}"
