"""The commands `vppmarket experiment …`; each imports its study when it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from market.app.cli.console import echo
from market.app.cli.help import STUDIES, SectionedGroup
from market.app.cli.path_value import PATH
from market.app.cli.set_option import set_option
from market.app.cli.shared_options import EPILOG, SEED, Number
from market.app.runs.system import need_linux
from market.scenario import DEFAULT_CASE


@click.group(cls=SectionedGroup, sections=STUDIES, invoke_without_command=True)
@click.pass_context
def experiment(context: click.Context) -> None:
    """Studies: known games, the paper, economics, mechanisms, fair shares, learners, forecasts, networks …"""
    if context.invoked_subcommand is None:
        echo(context.get_help() + "\n")


def _study(command: Callable[..., int]) -> Callable[..., int]:
    """The argument and the flags that all studies have."""
    scenario = click.argument("scenario", default=DEFAULT_CASE)
    out = click.option("--out", type=PATH, help="Folder of the study; new or empty.  [default: runs/…]")
    quiet = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
    return scenario(set_option(out(quiet(command))))


@experiment.command(epilog=EPILOG)
@_study
@click.option(
    "--draws",
    type=click.IntRange(0, 10000),
    default=40,
    show_default=True,
    help="How often the facts are tried on data disturbed by 5 %; 0: not at all.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the first draw; the others follow.")
def paper(scenario: str, settings: tuple[str, ...], out: Path | None, quiet: bool, draws: int, seed: int) -> int:
    """Carry out the paper's case study.

    Models 1 to 4, Scenarios 1 and 2, Tables 1 to 5, its figures, and every stated fact, published beside
    computed. SCENARIO is the built-in case or a changed copy of it, with the same VPPs and 24 periods.
    """
    from market.app.cli.experiment.options import StudyOptions
    from market.app.cli.experiment.paper import paper_command

    return paper_command(StudyOptions(scenario, out, quiet, draws, seed, settings))


@experiment.command(epilog=EPILOG)
@_study
def economics(scenario: str, settings: tuple[str, ...], out: Path | None, quiet: bool) -> int:
    """Measure a day: efficiency, who gains, mark-ups, concentration. SCENARIO is a folder or a built-in case."""
    from market.app.cli.experiment.economics import economics_command
    from market.app.cli.experiment.options import StudyOptions

    return economics_command(StudyOptions(scenario, out, quiet, settings=settings))


@experiment.command(epilog=EPILOG)
@_study
@click.option(
    "--orders",
    type=click.IntRange(2, 100_000),
    default=50,
    show_default=True,
    help="Random orders of plants by which the Shapley value of more than 12 of them is estimated.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of those orders.")
def division(
    scenario: str, settings: tuple[str, ...], out: Path | None, quiet: bool, orders: int, seed: int
) -> int:
    """Share what all plants save as one: Shapley, nucleolus, bargaining, prices, and who would gain by leaving."""
    from market.app.cli.experiment.division import division_command
    from market.app.cli.experiment.options import StudyOptions

    return division_command(StudyOptions(scenario, out, quiet, orders, seed, settings))


@experiment.command(epilog=EPILOG)
@click.option("--out", type=PATH, help="Folder of the study; new or empty.  [default: runs/…]")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def known(out: Path | None, quiet: bool) -> int:
    """Solve games whose answers are known, published beside computed. Exit code 3 where one is not met."""
    from market.app.cli.experiment.known import known_command

    return known_command(out, quiet=quiet)


@experiment.command(epilog=EPILOG)
@_study
def mechanisms(scenario: str, settings: tuple[str, ...], out: Path | None, quiet: bool) -> int:
    """Run a day under every mechanism: cost, prices, gains, losers, budget, and what a lie would pay each."""
    from market.app.cli.experiment.mechanisms import mechanisms_command
    from market.app.cli.experiment.options import StudyOptions

    return mechanisms_command(StudyOptions(scenario, out, quiet, settings=settings))


@experiment.command(epilog=EPILOG)
@_study
@click.option("--learners", metavar="VPP,…", help="Who learns; the first also alone.  [default: all who sell]")
@click.option(
    "--days",
    type=click.IntRange(1_000, 1_000_000),
    default=20_000,
    show_default=True,
    help="How many days each run learns for; the same day comes again and again.",
)
@click.option(
    "--runs", type=click.IntRange(1, 100), default=2, show_default=True, help="Runs of each kind of learner."
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the first run; the others follow.")
def learning(
    scenario: str,
    settings: tuple[str, ...],
    out: Path | None,
    quiet: bool,
    learners: str | None,
    days: int,
    runs: int,
    seed: int,
) -> int:
    """Let sellers learn to price, day after day, against the certified equilibrium.

    Q-learning and a bandit, all sellers at once and one of them among best replies. Shows how far above the
    equilibrium they end: Δ, 0 there and 1 at the largest joint profit.
    """
    from market.extras import need

    need("learn", "vppmarket experiment learning")
    from market.app.cli.experiment.learning import learning_command
    from market.app.cli.experiment.options import StudyOptions

    names = None if learners is None else tuple(learners.split(","))
    return learning_command(StudyOptions(scenario, out, quiet, 0, seed, settings), names, days, runs)


@experiment.command(epilog=EPILOG)
@_study
def sensitivity(scenario: str, settings: tuple[str, ...], out: Path | None, quiet: bool) -> int:
    """Move one parameter after the other and solve the day again. SCENARIO is a folder or a built-in case."""
    from market.app.cli.experiment.options import StudyOptions
    from market.app.cli.experiment.sensitivity import sensitivity_command

    return sensitivity_command(StudyOptions(scenario, out, quiet, settings=settings))


@experiment.command(epilog=EPILOG)
@_study
@click.option(
    "--shares",
    metavar="SHARE,…",
    default="0,0.05,0.1,0.2,0.3",
    show_default=True,
    help="Standard deviations of the relative error of each load, wind and PV plant.",
)
@click.option(
    "--correlation",
    type=Number(0.0, 0.999999),
    default=0.8,
    show_default=True,
    help="Of the errors of two moments an hour apart.",
)
@click.option(
    "--seeds", type=click.IntRange(1, 1000), default=20, show_default=True, help="Realities of each share."
)
def forecast(
    scenario: str,
    settings: tuple[str, ...],
    out: Path | None,
    quiet: bool,
    shares: str,
    correlation: float,
    seeds: int,
) -> int:
    """Measure what forecast errors cost, who bears them, and how often somebody loses by trade.

    A day is planned and traded once by its forecast and becomes real in many ways; deviations are settled by the
    scenario's rules of imbalance, or by their defaults. SCENARIO is a folder or a built-in case.
    """
    from market.app.cli.experiment.forecast import ForecastOptions, forecast_command
    from market.app.cli.experiment.options import StudyOptions

    return forecast_command(
        StudyOptions(scenario, out, quiet, settings=settings), ForecastOptions(shares, correlation, seeds)
    )


@experiment.command(epilog=EPILOG)
@_study
@click.option(
    "--delays",
    metavar="LATENCY,…",
    default="0ms,1ms,10ms,50ms,200ms,500ms",
    show_default=True,
    help="Of every link, in the notation of run --delay.",
)
@click.option("--losses", metavar="SHARE,…", default="0,0.05,0.2,0.4", show_default=True, help="Of attempts lost.")
@click.option(
    "--seeds", type=click.IntRange(1, 1000), default=1, show_default=True, help="Runs of each combination."
)
@click.option("--jobs", type=click.IntRange(1, 64), help="Runs at the same time.  [default: one for each core]")
def network(
    scenario: str,
    settings: tuple[str, ...],
    out: Path | None,
    quiet: bool,
    delays: str,
    losses: str,
    seeds: int,
    jobs: int | None,
) -> int:
    """Measure what delay and loss do to a day.

    Time to equilibrium and messages over a grid of delay and loss, each a run of its own with all its processes,
    in virtual time; other conditions are the scenario's. Shows whether the market's answer is everywhere the same.
    """
    need_linux("vppmarket experiment network", "its runs are of processes: run it on Linux")
    from market.app.cli.experiment.network import GridOptions, network_command
    from market.app.cli.experiment.options import StudyOptions

    return network_command(
        StudyOptions(scenario, out, quiet, settings=settings), GridOptions(delays, losses, seeds, jobs)
    )
