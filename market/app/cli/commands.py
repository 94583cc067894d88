"""All commands and their flags.

Each imports what it needs when it is called, so that none waits for the packages of another.
"""

from __future__ import annotations

from pathlib import Path

import click

from market.app.cli.console import echo
from market.app.cli.experiment.commands import experiment
from market.app.cli.help import COMMANDS, SectionedGroup
from market.app.cli.importing import import_group
from market.app.cli.network_options import network_options
from market.app.cli.path_value import PATH
from market.app.cli.set_option import set_option, strategy_option
from market.app.cli.shared_options import (
    AUDIT,
    EPILOG,
    KEYS,
    PORT,
    RESUME,
    SEED,
    Number,
    disclosure,
    join_option,
    keep_options,
    kept,
)
from market.app.runs.system import need_linux
from market.scenario import DEFAULT_CASE
from market.scenario.changes import SET
from market.scenario.network_flags import NetworkFlags


@click.group(
    cls=SectionedGroup,
    sections=COMMANDS,
    epilog=EPILOG,
    invoke_without_command=True,
    context_settings={"max_content_width": 100},
)
@click.version_option(package_name="vppmarket", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Virtual power plants trade electricity and carbon for a day, each as a process of its own."""
    if context.invoked_subcommand is None:
        echo(context.get_help() + "\n")


commands.add_command(import_group)
commands.add_command(experiment)


@commands.command(epilog=EPILOG)
@click.argument("scenario", required=False)
@click.option("--out", type=PATH, help="Run folder; new or empty.  [default: runs/…]")
@RESUME
@click.option("--in-process", is_flag=True, help="Solve the day in this process, without messages.")
@network_options
@set_option
@click.option("--seed", type=SEED, help="For all that is random.  [default: 0]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@PORT
@click.option(
    "--restart",
    "restarts",
    metavar="N",
    type=click.IntRange(0, 1000),
    default=0,
    help="Start a plant's process again when it has died, up to N times; the others wait for it.",
)
@click.option(
    "--processes",
    metavar="N",
    type=click.IntRange(1, 1000),
    help="How many processes the plants share at most.  [default: one for each plant, of more than 20 plants one "
    "for each processor]",
)
@KEYS
@keep_options
@click.option("--figures", is_flag=True, help="Draw the day as PNG and SVG, into figures/ of the run folder.")
@click.option("--report", is_flag=True, help="Write report.html into the run folder, and the figures.")
@click.option(
    "--day-certificate",
    is_flag=True,
    help="Bound what each VPP could have gained by planning its whole day anew.",
)
@click.option("--watch", is_flag=True, help="Say how vppmarket view can look on from the first message.")
@click.option(
    "--await-viewer",
    "viewer_s",
    metavar="SECONDS",
    type=Number(0, 86400),
    default=0.0,
    help="With --watch: begin once somebody looks on, or after this long.",
)
@click.option("--view", is_flag=True, help="Open a page in the browser that plays the day from its first message.")
@AUDIT
@join_option(30)
@click.option(
    "--days",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Run the first N days of the series, one after the other.  [default: all of them where the scenario has "
    "a section rolling, else one plan for the whole horizon]",
)
@click.option(
    "--day-folders",
    type=click.Choice(["whole", "small"]),
    help="Of many days: whether each leaves all that an ordinary run does, or what it follows from.  "
    "[default: whole up to 31 days]",
)
@strategy_option
def run(
    scenario: str | None,
    out: Path | None,
    resume: Path | None,
    in_process: bool,
    network: NetworkFlags,
    settings: tuple[str, ...],
    seed: int | None,
    as_json: bool,
    quiet: bool,
    port: int,
    restarts: int,
    processes: int | None,
    keys: Path | None,
    trace: str | None,
    format: str,
    figures: bool,
    report: bool,
    day_certificate: bool,
    watch: bool,
    viewer_s: float,
    view: bool,
    audit: str | None,
    join_s: float,
    days: int | None,
    day_folders: str | None,
) -> int:
    """Run a market day, or many days in a row. SCENARIO is a folder or a built-in case."""
    from market.app.cli.run import run_command
    from market.app.cli.run_options import RunOptions

    options = RunOptions(
        scenario,
        out,
        in_process,
        network,
        seed,
        as_json,
        quiet,
        port,
        figures,
        report,
        restarts,
        watch,
        keys,
        resume,
        disclosure(audit),
        join_s,
        settings,
        day_certificate,
        viewer_s,
        view,
        kept(trace, format),
        processes,
        days,
        day_folders,
    )
    from market.app.cli.of_many_days import is_of_many_days

    if not is_of_many_days(options):
        return run_command(options)
    from market.app.cli.days import days_command

    return days_command(options)


@commands.command(epilog=EPILOG)
@click.argument("scenario", required=False)
@click.option("--out", type=PATH, help="Run folder; new or empty.  [default: runs/…]")
@RESUME
@network_options
@set_option
@click.option("--seed", type=SEED, help="For all that is random.  [default: 0]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors and where to join.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@PORT
@KEYS
@click.option(
    "--token",
    envvar="VPPMARKET_TOKEN",
    help="The run's token; other users can read it in the list of processes, so set VPPMARKET_TOKEN instead.  "
    "[default: a new one, in join.token of the run folder]",
)
@AUDIT
@join_option(600)
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without keys.")
def broker(
    scenario: str | None,
    out: Path | None,
    resume: Path | None,
    network: NetworkFlags,
    settings: tuple[str, ...],
    seed: int | None,
    as_json: bool,
    quiet: bool,
    host: str,
    port: int,
    keys: Path | None,
    token: str | None,
    audit: str | None,
    join_s: float,
    insecure: bool,
) -> int:
    """Open a market for nodes started by hand.

    They join from this machine or from others; the run, its folder and its output are those of `run`.
    """
    need_linux("vppmarket broker")
    from market.app.cli.broker import BrokerOptions, broker_command
    from market.app.cli.run_options import RunOptions

    options = BrokerOptions(host, token, insecure)
    run = RunOptions(
        scenario,
        out,
        False,
        network,
        seed,
        as_json,
        quiet,
        port,
        keys=keys,
        resume=resume,
        audit=disclosure(audit),
        join_s=join_s,
        settings=settings,
    )
    return broker_command(options, run)


@commands.command()
@click.option(
    "--id",
    "vpps",
    required=True,
    metavar="ID,…",
    help="Which VPP of the scenario to be; several share the process.",
)
@click.option("--broker", "address", required=True, help="Where the broker listens, such as tcp://127.0.0.1:5555.")
@click.option("--scenario", required=True, help="Folder, the VPP's own part of one, or built-in case.")
@set_option
@click.option("--token-file", type=PATH, help="Where the run's token is: join.token.")
@click.option(
    "--token",
    envvar="VPPMARKET_TOKEN",
    help="The run's token itself; other users can read it in the list of processes.",
)
@KEYS
@click.option("--out", type=PATH, help="The node's own run folder.  [default: runs/…]")
@AUDIT
@click.option(
    "--wait",
    "patience_s",
    type=Number(1, 86400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to look for the broker, at first and whenever it is gone.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@strategy_option
def node(
    vpps: str,
    address: str,
    scenario: str,
    settings: tuple[str, ...],
    token_file: Path | None,
    token: str | None,
    keys: Path | None,
    out: Path | None,
    audit: str | None,
    patience_s: float,
    quiet: bool,
) -> int:
    """Be one VPP, or several, of a market that a broker has opened."""
    need_linux("vppmarket node")
    from market.app.cli.node import NodeOptions, node_command

    shown = disclosure(audit)
    return node_command(
        NodeOptions(
            tuple(vpps.split(",")),
            address,
            scenario,
            token,
            token_file,
            keys,
            out,
            shown,
            patience_s,
            quiet,
            settings,
        )
    )


@commands.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.argument("names", metavar="[SCENARIO | NAME...]", nargs=-1)
def keys(folder: Path, names: tuple[str, ...]) -> int:
    """Make the keys of a market in the folder DIR.

    For a SCENARIO (a folder or a built-in case; the default one if nothing is given): a pair for the broker, for
    each of its VPPs, and for a watcher. For NAMEs, such as VPP3 or broker: a pair for each of these alone.
    """
    need_linux("vppmarket keys", "make them on a machine with Linux")
    from market.app.cli.keys import keys_command

    return keys_command(folder, names)


@commands.command(epilog="Exit codes: 0 all runs carried out, 2 bad input, 3 some failed, 130 interrupted.")
@click.argument("scenarios", metavar="[SCENARIO...]", nargs=-1)
@click.option(
    SET,
    "settings",
    metavar="PATH=V1,V2,…",
    multiple=True,
    help="The values of a field of scenario.yaml, with commas between them. Repeatable.",
)
@click.option(
    "--combine",
    type=click.Choice(["grid", "zip"]),
    default="grid",
    show_default=True,
    help="Take each value with each of the others, or the first with the first and so on.",
)
@click.option("--seeds", metavar="N,N,…", help="Each run under each; 0-9: ten.  [default: 0]")
@click.option("--processes", is_flag=True, help="Run each day over the bus, with the scenario's network.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--jobs", type=click.IntRange(1, 4096), help="Runs at once.  [default: one for each core]")
@click.option("--address", help="Of a Ray cluster.  [default: one started for this sweep]")
@click.option("--out", type=PATH, help="Folder; new or empty.  [default: runs/…]")
@click.option("--resume", metavar="DIR", type=PATH, help="Take up the sweep in this folder, which broke off.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def sweep(
    scenarios: tuple[str, ...],
    settings: tuple[str, ...],
    combine: str,
    seeds: str | None,
    processes: bool,
    engine: str,
    jobs: int | None,
    address: str | None,
    out: Path | None,
    resume: Path | None,
    quiet: bool,
) -> int:
    """Run a day for every combination of values, several at once.

    One row a run, in sweep.csv and, with the extra parquet, sweep.parquet. A SCENARIO is a folder or a built-in
    case.
    """
    from market.app.analysis.sweep.sweep import Engine, Means
    from market.app.cli.sweep import SweepOptions, seeds_of, sweep_command

    means = Means(Engine(engine), jobs, address)
    return sweep_command(
        SweepOptions(
            scenarios,
            settings,
            combine,
            seeds_of(seeds) if seeds is not None else (),
            processes,
            means,
            out,
            resume,
            quiet,
        )
    )


@commands.command(epilog=EPILOG)
@click.argument("run_folder", metavar="RUN", type=PATH)
@click.option(
    "--window", metavar="START:END", help="When the messages that are drawn were under way, such as 0s:2s."
)
def report(run_folder: Path, window: str | None) -> int:
    """Draw the figures of a run that is over, and write its report.html.

    RUN is a run folder; figures and a report that are there already are replaced.
    """
    from market.app.cli.report import report_command

    return report_command(run_folder, window)


@commands.command(epilog="Exit codes: 0 all decisions the same, 2 no tape that can be read, 4 a decision differs.")
@click.argument("run_folder", metavar="RUN", type=PATH)
@click.option(
    "--until",
    "until_s",
    type=Number(0),
    metavar="SECONDS",
    help="Stop behind the last record that is not later, and show what stood then.",
)
@click.option("--plants", metavar="SCENARIO", help="Where the plants are, a folder or a built-in case.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, nothing else.")
def replay(run_folder: Path, until_s: float | None, plants: str | None, as_json: bool) -> int:
    """Compute every decision of a run again, from its tape alone, and say whether each is the recorded one.

    RUN is a run folder, also of a run that broke off. What plants decided is computed again for those that the
    folder keeps, or that --plants gives.
    """
    from market.app.cli.replay import replay_command

    return replay_command(run_folder, until_s, as_json=as_json, plants=plants)


@commands.command()
@click.argument("targets", metavar="[RUN…|SCENARIO|tcp://…]", nargs=-1)
@set_option
@click.option(
    "--token-file",
    type=PATH,
    help="Where the watching token of a run at tcp://… is: watch.token.",
)
@click.option(
    "--token",
    envvar="VPPMARKET_WATCH_TOKEN",
    help="The watching token itself; other users can read it in the list of processes.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Of the page.  [default: 8765, or a free one]")
@click.option("--open", "open_browser", is_flag=True, help="Open the page in a browser.")
@click.option("--keys", type=PATH, metavar="DIR", help="Of a run with keys: the watcher's.")
@click.option("--from-start", is_flag=True, help="Play a run from its first message on.")
@strategy_option
def view(
    targets: tuple[str, ...],
    settings: tuple[str, ...],
    token_file: Path | None,
    token: str | None,
    port: int | None,
    open_browser: bool,
    keys: Path | None,
    from_start: bool,
) -> int:
    """Show a market on a page in the browser.

    A recorded run, or one that is being written, by its folder; one that runs elsewhere, by its broker's address;
    several of these side by side; or a scenario, which the page itself then runs as a Mesa model.
    [default: five_vpp]
    """
    from market.app.cli.view import ViewOptions, view_command

    return view_command(ViewOptions(targets, token, port, open_browser, keys, token_file, settings, from_start))


@commands.command(epilog=EPILOG)
@click.argument("runs", metavar="RUN RUN [RUN]...", type=PATH, nargs=-1)
@click.option("--out", type=PATH, help="Folder for a report, CSV tables and figures; new or empty.")
def compare(runs: tuple[Path, ...], out: Path | None) -> int:
    """Show what was changed between runs, field by field, and what came of it.

    The first RUN is what the others are compared with.
    """
    from market.app.cli.compare import compare_command

    return compare_command(runs, out)


@commands.command()
@click.argument("scenario")
@set_option
@strategy_option
def check(scenario: str, settings: tuple[str, ...]) -> int:
    """Show every fault of a scenario at once."""
    from market.app.cli.scenario import check_command

    return check_command(scenario, settings)


@commands.command()
@click.argument("name", type=PATH)
@click.option("--from", "case", default=DEFAULT_CASE, show_default=True, help="Built-in case to start from.")
def new(name: Path, case: str) -> int:
    """Copy a built-in case to the new folder NAME."""
    from market.app.cli.scenario import new_command

    return new_command(name, case)


@commands.command()
@click.argument("scenario")
@click.argument("folder", metavar="DIR", type=PATH)
@click.option("--undisclosed", is_flag=True, help="Leave out the digests by which a plant is known again.")
def split(scenario: str, folder: Path, undisclosed: bool) -> int:
    """Part a scenario, so that every plant's data stay with its owner.

    DIR, new or empty, gets a folder `public` for the broker, without any plant, and one for each VPP, called after
    it, with its own plant alone.
    """
    from market.app.cli.split import SplitOptions, split_command

    return split_command(SplitOptions(scenario, folder, undisclosed))


@commands.command()
def schema() -> int:
    """Print the JSON Schema of scenario.yaml."""
    from market.app.cli.scenario import schema_command

    return schema_command()


@commands.command()
def parameters() -> int:
    """Print every parameter of scenario.yaml: path, symbol, unit, bounds, default, meaning."""
    from market.app.cli.scenario import parameters_command

    return parameters_command()
