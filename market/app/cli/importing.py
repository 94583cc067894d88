"""The commands `vppmarket import …`: a scenario's folder from data that others publish."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from market.app.cli.console import echo
from market.app.cli.help import IMPORTS, SectionedGroup
from market.app.cli.path_value import PATH
from market.app.results.exit_codes import ExitCode

if TYPE_CHECKING:
    from market.app.importing.draft import Draft
    from market.app.importing.wanted import ImportWishes

_EPILOG: Final = "Exit codes: 0 written, 2 bad input or a missing extra, 4 not written."


@click.group("import", cls=SectionedGroup, sections=IMPORTS, invoke_without_command=True)
@click.pass_context
def import_group(context: click.Context) -> None:
    """Make a scenario of data that others publish: SimBench, CSV files, pvlib, windpowerlib, ASSUME, EMHASS.

    Each says what it took, what not and why, and what it had to assume, and leaves a folder to read and edit.
    """
    if context.invoked_subcommand is None:
        echo(context.get_help() + "\n")


def _importer(command: Callable[..., tuple[Draft, str]]) -> Any:
    """The flags that all importers have; the draft that they make is joined, written and told."""

    @click.option("--out", type=PATH, help="Folder; new or empty.  [default: imported/…]")
    @click.option(
        "--add-to",
        "base",
        type=PATH,
        metavar="SCENARIO",
        help="Put the plants beside those of this scenario, with its days, prices and rules.",
    )
    @click.option("--start", help="First day, such as 2016-06-15, or a time.  [default: the source's]")
    @click.option(
        "--days", "day_count", type=click.IntRange(1, 366), help="How many days.  [default: the source's]"
    )
    @click.option("--step", help="Length of a period, such as 15min.  [default: the source's]")
    @click.option(
        "--tz", "zone", help="Zone by whose clocks days go, such as Europe/Berlin.  [default: the source's]"
    )
    @click.option("--currency", help="Code of three letters.  [default: EUR]")
    @click.option(
        "--retail", help="Price of the grid, such as '30 ct/kWh'.  [default: the source's, or 300 per MWh]"
    )
    @click.option("--feed-in", "feed_in", help="What the grid pays.  [default: the source's, or 80 per MWh]")
    @click.option("--carbon-price", "carbon", help="Such as '70 EUR/t'.  [default: the source's, or 0]")
    @click.option("--quiet", is_flag=True, help="Print nothing but errors.")
    @wraps(command)
    def run(out: Path | None, base: Path | None, quiet: bool, **given: Any) -> int:
        from market.app.importing.flag_words import PLACES, told_by_flags
        from market.app.importing.folder import account_text, write_draft
        from market.app.importing.joining import base_of, joined
        from market.app.runs.command_line import pasted

        wanted = _wanted(given, None if base is None else base_of(base))
        draft, name = command(wanted=wanted, **given)
        told = told_by_flags(draft.words, {**PLACES, **draft.places})
        if wanted.base is not None:
            draft = joined(wanted.base, draft)
        folder = out or Path("imported") / name
        with told:
            scenario = write_draft(draft, folder)
        if not quiet:
            public = scenario.public
            plants = "1 plant" if len(scenario.vpps) == 1 else f"{len(scenario.vpps)} plants"
            size = f"{plants}, {public.horizon.periods} periods of {public.horizon.period_h:g} h"
            echo(account_text(draft.account))
            echo(f"{folder}: {size}\n  {pasted('check', folder)}\n  {pasted('run', folder)}\n")
        return ExitCode.EQUILIBRIUM

    return run


def _wanted(given: dict[str, Any], base: Any) -> ImportWishes:
    """The flags of all importers, taken out of those that are given."""
    from market.app.importing.source_tables import refuse
    from market.app.importing.wanted import ImportWishes
    from market.model.currency import is_currency

    names = ("zone", "start", "days", "step", "retail", "feed_in", "carbon", "currency")
    given["days"] = given.pop("day_count")
    told = {name: value for name in names if (value := given.pop(name)) is not None}
    if base is not None:
        flags = {"zone": "tz", "feed_in": "feed-in", "carbon": "carbon-price"}
        if asked := [name for name in told if name != "currency"]:
            flag = f"--{flags.get(asked[0], asked[0])}"
            refuse("must not be given together with --add-to", str(told[asked[0]]), flag, "it is the scenario's")
        told.setdefault("currency", base.currency)
    if not is_currency(told.get("currency", "EUR")):
        refuse(
            "must be a code of three capital letters", told["currency"], "--currency", "write it like EUR or CNY"
        )
    return ImportWishes(**told, base=base)


@import_group.command(epilog=_EPILOG)
@click.argument("code")
@click.option(
    "--by", type=click.Choice(["feeder"]), default="feeder", show_default=True, help="What makes a plant."
)
@click.option("--vpps", "count", type=click.IntRange(1, 500), help="How many plants.  [default: one a feeder]")
@click.option(
    "--flexible-vehicles",
    "flexible_vehicles",
    is_flag=True,
    help="Let vehicles charge when it is cheap: each session may last until 7 o'clock at home, 17 at work.",
)
@_importer
def simbench(
    code: str, by: str, count: int | None, flexible_vehicles: bool, wanted: ImportWishes
) -> tuple[Draft, str]:
    """A benchmark network, cut into plants by feeders.

    CODE is one of SimBench's, such as 1-MV-urban--1-sw. Lightest feeders are put together, heaviest cut along the
    line, until there are as many as --vpps. Needs the extra `import`.
    """
    from market.app.importing.simbench_grid import simbench_draft

    return simbench_draft(code, count, flexible_vehicles, wanted), code


@import_group.command("csv", epilog=_EPILOG)
@click.argument("file", type=PATH)
@click.option(
    "--load", "loads", multiple=True, metavar="ID=COLUMN", help="A plant's load. Repeatable; of one id added."
)
@click.option("--pv", "suns", multiple=True, metavar="ID=COLUMN", help="What its PV could deliver. Repeatable.")
@click.option(
    "--wind", "winds", multiple=True, metavar="ID=COLUMN", help="What its wind could deliver. Repeatable."
)
@click.option(
    "--battery", "batteries", multiple=True, metavar="ID=ENERGY,POWER", help="Such as Farm='400 kWh,150 kW'."
)
@click.option("--unit", required=True, help="Of the columns: W, kW, MW, or kWh of each interval.")
@click.option("--price-unit", help="Of columns that --retail or --feed-in name.  [default: EUR/MWh]")
@click.option("--sep", help="Mark between columns.  [default: the header's]")
@click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark.  [default: the cells']")
@click.option("--thousands", help="Mark between thousands.  [default: the cells']")
@click.option("--encoding", help="Such as latin-1.  [default: UTF-8]")
@click.option("--skip", type=click.IntRange(0, 1000), help="Lines above the header.")
@click.option("--time", "time_column", help="Column of times.  [default: the first]")
@click.option("--time-format", "time_format", help="As in strptime, iso or unix.  [default: the cells']")
@click.option("--stamp", type=click.Choice(["start", "end", "instant"]), help="What a time is.  [default: start]")
@click.option("--gaps", type=click.Choice(["refuse", "hold", "linear", "zero"]), help="[default: refuse]")
@click.option("--longest-gap", "longest_gap", help="Longest one that is filled, such as '90 min'.  [default: 2 h]")
@click.option("--clip", help="Numbers below 0 by no more than this count as 0, such as '1 kW'.")
@_importer
def csv_command(
    file: Path,
    loads: tuple[str, ...],
    suns: tuple[str, ...],
    winds: tuple[str, ...],
    batteries: tuple[str, ...],
    unit: str,
    price_unit: str | None,
    time_column: str | None,
    wanted: ImportWishes,
    **form: Any,
) -> tuple[Draft, str]:
    """Columns of one CSV file as it is: loads, PV, wind, prices.

    Marks, times and days are read off the file where no flag says them. --retail and --feed-in may name columns.
    """
    from market.app.importing.csv_file import CsvWishes, csv_draft
    from market.app.importing.csv_form import CsvForm
    from market.app.importing.flag_words import CSV_FLAGS, told_by_flags

    columns = {"load": loads, "pv": suns, "wind": winds}
    wishes = CsvWishes(file, columns, batteries, unit, price_unit, CsvForm(time=time_column, **form))
    with told_by_flags(CSV_FLAGS):
        return csv_draft(wishes, wanted), file.stem


_TMY = click.option(
    "--tmy",
    default="greensboro",
    show_default=True,
    metavar="FILE|SAMPLE",
    help="A typical year: TMY3 (.csv), EPW (.epw), or a sample that pvlib ships: greensboro, sand-point.",
)


@import_group.command("pvlib", epilog=_EPILOG)
@_TMY
@click.option("--site", metavar="LAT,LON[,ALT]", help="In degrees and m.  [default: the typical year's]")
@click.option(
    "--plant",
    "new_plants",
    multiple=True,
    metavar="ID=SIZE[,…]",
    help="Such as 'Roof=400 kW,tilt=30,azimuth=180,load=120 kW,battery=400 kWh/150 kW'. Repeatable.",
)
@_importer
def pvlib_command(
    tmy: str, site: str | None, new_plants: tuple[str, ...], wanted: ImportWishes
) -> tuple[Draft, str]:
    """PV plants at a site, their power worked out by pvlib from a typical year. Needs the extra `import`."""
    from market.app.importing.sun import sun_draft

    return sun_draft(tmy, site, new_plants, wanted), "pv"


@import_group.command(epilog=_EPILOG)
@_TMY
@click.option(
    "--plant",
    "new_plants",
    multiple=True,
    metavar="ID=TYPE[,…]",
    help="Such as 'Hill=E-126/4200,number=3,hub=135,load=2 MW'. Repeatable.",
)
@_importer
def wind(tmy: str, new_plants: tuple[str, ...], wanted: ImportWishes) -> tuple[Draft, str]:
    """Wind turbines by windpowerlib's power curves, in a typical year's wind. Needs the extra `import`."""
    from market.app.importing.wind import wind_draft

    return wind_draft(tmy, new_plants, wanted), "wind"


@import_group.command(epilog=_EPILOG)
@click.argument("folder", metavar="FOLDER", type=PATH)
@click.option("--scenario", "section", help="Section of config.yaml.  [default: its first]")
@click.option(
    "--commitment",
    is_flag=True,
    help="Take least outputs, start costs and least times: plans are integer programs.",
)
@_importer
def assume(folder: Path, section: str | None, commitment: bool, wanted: ImportWishes) -> tuple[Draft, str]:
    """A fleet of power plants as ASSUME describes it, a plant for each firm that operates units."""
    from market.app.importing.fleet import fleet_draft

    return fleet_draft(folder, section, commitment, wanted), folder.absolute().name


@import_group.command(epilog=_EPILOG)
@click.argument("files", metavar="FILE…", type=PATH, nargs=-1, required=True)
@_importer
def emhass(files: tuple[Path, ...], wanted: ImportWishes) -> tuple[Draft, str]:
    """Households as EMHASS describes them, one a configuration, with the CSV files beside each."""
    from market.app.importing.household import household_draft

    return household_draft(files, wanted), "households"
