"""The command `experiment economics`: what a day is worth, to whom, under which design of trade."""

from __future__ import annotations

from functools import partial

from market.app.analysis.designs import design_days, design_gains_table, designs_table
from market.app.analysis.economics import BESIDE, Economy, economics_tables, economy_of
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.results.exit_codes import exit_code_of
from market.app.results.table import Table
from market.app.results.telling import telling_of


def economics_command(options: StudyOptions) -> int:
    """Solve a day, write its economics, show the main tables. Raises MarketError."""
    scenario = options.load()
    with study(options.out, f"economics-{scenario.name}", telling_of(scenario), quiet=options.quiet) as under_way:
        economy = economy_of(scenario, on_stage=under_way.stage)
        days = design_days(scenario, partial(_say, under_way))
        tables = (*economics_tables(economy), designs_table(economy, days), design_gains_table(days))
        under_way.write(tables)
        under_way.stage("drawing")
        _illustrate(under_way, tables)
        path = under_way.path
    if not options.quiet:
        echo(
            under_way.told.text(economics_text(economy, tables)) + f"Everything in full precision: {path}\n",
            styled=True,
        )
    return exit_code_of(economy.outcome.verdict)


def _say(under_way: Study, design: str, round: int) -> None:
    under_way.stage(f"solving the day by design {design}" + (f", round {round}" if round else ""))


def _illustrate(under_way: Study, tables: tuple[Table, ...]) -> None:
    from market.app.figures.designs import designs_picture
    from market.app.figures.economics import economics_picture

    under_way.illustrate([economics_picture(tables[:-2]), designs_picture(*tables[-2:])])


def economics_text(economy: Economy, tables: tuple[Table, ...]) -> str:
    """The main tables, for people."""
    by_name = {table.name: table for table in tables}
    welfare = printed(
        f"{economy.scenario.name}: costs of the system in CNY",
        by_name["economics_welfare"],
        ("arrangement", "operation_cny", "carbon_cny", "total_cny", "saving_cny", "share_of_possible_saving"),
        ("", "operation", "carbon", "total", "saves", "of what is possible"),
    )
    parts = {
        "vpp": "",
        "gain_cny": "gain",
        "selling_margin_cny": "selling",
        "buying_margin_cny": "buying",
        "carbon_saving_cny": "carbon",
        BESIDE: "beside prices",
        "replanning_cny": "other plan",
    }
    of_gains = by_name["economics_gains"]
    there = {column: heading for column, heading in parts.items() if column in of_gains.columns}
    gains = printed("Where each VPP's gain comes from, CNY", of_gains, [*there], [*there.values()])
    designs = printed(
        "What each design of trade is worth",
        by_name["economics_designs"],
        (
            "design",
            "total_cny",
            "saving_cny",
            "share_of_possible_saving",
            "regret_lower_cny",
            "regret_upper_cny",
            "pay_more",
            "exchanged_mwh",
            "mean_price_cny_per_mwh",
            "emission_t",
        ),
        (
            "",
            "costs CNY",
            "saves",
            "of what is possible",
            "regret from",
            "to",
            "pay more",
            "MWh",
            "CNY/MWh",
            "t CO2",
        ),
    )
    return f"{welfare}\n{gains}\n{designs}\n"
