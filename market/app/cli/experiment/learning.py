"""The command `experiment learning`: sellers who learn, against the certified equilibrium."""

from __future__ import annotations

from math import fsum

from market.app.analysis.learning import LearningStudy, learning_study, learning_tables
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.learning.tabular import q_learning
from market.app.report.printed import printed
from market.app.results.exit_codes import ExitCode
from market.app.results.table import Cell, Table
from market.app.results.telling import telling_of


def learning_command(options: StudyOptions, learners: tuple[str, ...] | None, days: int, runs: int) -> int:
    """Let sellers learn, write two tables and a picture. Raises MarketError."""
    scenario = options.load()
    with study(options.out, f"learning-{scenario.name}", telling_of(scenario), quiet=options.quiet) as under_way:
        seeds = range(options.seed, options.seed + runs)
        under_way.stage("planning the day")
        found = learning_study(scenario, learners, days, seeds, under_way.solve_all)
        tables = learning_tables(found)
        under_way.write(tables)
        under_way.stage("drawing")
        _illustrate(under_way, found, tables)
        path = under_way.path
    if not options.quiet:
        text = learning_text(found, tables[1])
        echo(under_way.told.text(text) + f"Everything in full precision: {path}\n", styled=True)
    return ExitCode.EQUILIBRIUM


def _illustrate(under_way: Study, found: LearningStudy, tables: tuple[Table, Table]) -> None:
    from market.app.figures.learning import learning_picture

    certified = found.ends.verdict == "equilibrium"
    day_end = "certified equilibrium" if certified else f"day's own end, which is {found.ends.verdict}"
    under_way.illustrate([learning_picture(*tables, day_end)])


def learning_text(found: LearningStudy, ends: Table) -> str:
    """How all ended, for people."""
    title = f"{found.scenario.name}: after {found.days:,} days of learning, prices in CNY/MWh, CNY a day"
    shown = printed(
        title,
        _over_runs(ends),
        (
            *("who", "mean_price_cny_per_mwh", "equilibrium_price_cny_per_mwh", "joint_price_cny_per_mwh"),
            *("profit_cny", "equilibrium_profit_cny", "joint_profit_cny", "delta", "regret_bound_cny"),
        ),
        ("", "asks", "equilibrium", "joint", "earns", "equilibrium", "joint", "Δ", "regret"),
    )
    about = (
        "Means of all runs; equilibrium and joint: what it would ask and earn there. "
        "Δ is 0 where profits are those of the day's own end and 1 where they are the largest that the sellers of "
        "each period can have together, as far as was tried."
    )
    if found.days <= (trial := q_learning().trial_days):
        about += f" In the first {trial} days prices are drawn at random: in {found.days:,} nothing is learnt."
    if found.ends.verdict != "equilibrium":
        about += f" The day's own end is {found.ends.verdict}: its profits are those of no certified equilibrium."
    return f"{shown}{about}\n"


def _over_runs(ends: Table) -> Table:
    """One row for each setting, kind of learner and VPP: the means of its runs."""
    setting, learner, _, vpp, *numbers = range(len(ends.columns))
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for row in ends.rows:
        who = f"{row[setting]}, {str(row[learner]).replace('_', ' ')}: {row[vpp]}"
        groups.setdefault(who, []).append(row)
    rows: list[tuple[Cell, ...]] = [
        (who, *(fsum(float(str(row[at])) for row in group) / len(group) for at in numbers))
        for who, group in groups.items()
    ]
    return Table(ends.name, ("who", *(ends.columns[at] for at in numbers)), tuple(rows))
