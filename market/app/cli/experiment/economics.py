"""The command `experiment economics`: welfare, gains, mark-ups and concentration of one day of any scenario."""

from __future__ import annotations

from market.app.analysis.economics import Economy, economics_tables, economy_of
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.results.exit_codes import exit_code_of
from market.app.results.table import Table


def economics_command(options: StudyOptions) -> int:
    """Solve a day, write its economics, show the main tables. Raises MarketError."""
    scenario = options.load()
    with study(options.out, f"economics-{scenario.name}", quiet=options.quiet) as under_way:
        under_way.stage("solving the day, alone, together and in the game")
        economy = economy_of(scenario)
        tables = economics_tables(economy)
        under_way.write(tables)
        under_way.stage("drawing")
        _illustrate(under_way, tables)
        path = under_way.path
    if not options.quiet:
        echo(economics_text(economy, tables) + f"Everything in full precision: {path}\n", styled=True)
    return exit_code_of(economy.outcome.verdict)


def _illustrate(under_way: Study, tables: tuple[Table, ...]) -> None:
    from market.app.figures.experiments import economics_picture
    from market.app.figures.picture import write_pictures

    write_pictures([economics_picture(tables)], under_way.path / "figures")


def economics_text(economy: Economy, tables: tuple[Table, ...]) -> str:
    """The first two tables, for people."""
    by_name = {table.name: table for table in tables}
    welfare = printed(
        f"{economy.scenario.name}: costs of the system in CNY",
        by_name["economics_welfare"],
        ("arrangement", "operation_cny", "carbon_cny", "total_cny", "saving_cny", "share_of_possible_saving"),
        ("", "operation", "carbon", "total", "saves", "of what is possible"),
    )
    gains = printed(
        "Where each VPP's gain comes from, CNY",
        by_name["economics_gains"],
        ("vpp", "gain_cny", "selling_margin_cny", "buying_margin_cny", "carbon_saving_cny", "replanning_cny"),
        ("", "gain", "selling", "buying", "carbon", "other plan"),
    )
    return f"{welfare}\n{gains}\n"
