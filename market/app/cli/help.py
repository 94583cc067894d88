"""How `--help` is laid out: commands and options in sections, and examples that work as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Run a market": ("run", "broker", "node", "view"),
    "Scenarios": ("new", "import", "check", "split", "keys", "parameters", "schema"),
    "What came of it": ("report", "compare", "replay"),
    "Studies of many days": ("sweep", "experiment"),
}
"""Every command in its section."""

STUDIES: Final[Mapping[str, tuple[str, ...]]] = {
    "Studies": (
        *("known", "paper", "economics", "mechanisms", "division", "learning", "sensitivity", "forecast"),
        "network",
    )
}

IMPORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Sources": ("csv", "simbench", "pvlib", "wind", "assume", "emhass")
}
"""The sources of `vppmarket import`."""

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "What is run": (
        *(
            "vpps",
            "scenario",
            "case",
            "plants",
            "settings",
            "strategies",
            "learners",
            "days",
            "runs",
            "seed",
        ),
        *(
            "resume",
            "until_s",
            "window",
            "combine",
            "orders",
            "draws",
            "delays",
            "losses",
            "shares",
            "correlation",
        ),
        *("seeds", "by", "count", "flexible_vehicles", "loads", "suns", "winds", "batteries", "tmy", "site"),
        *("new_plants", "section", "commitment", "base"),
    ),
    "The form of the file, where it is not as it looks": (
        *("unit", "price_unit", "sep", "decimal", "encoding", "skip", "time_column", "time_format", "stamp"),
        *("gaps", "longest_gap", "clip", "thousands"),
    ),
    "When, and at which prices": ("start", "day_count", "step", "zone", "currency", "retail", "feed_in", "carbon"),
    "How it is run": (
        *("in_process", "processes", "engine", "day_certificate", "jobs"),
        "join_s",
        "patience_s",
        "restarts",
    ),
    "The network, where it is not the scenario's": (
        *(
            "delay",
            "jitter",
            "loss",
            "duplicate",
            "reorder",
            "bandwidth",
            "outage",
            "partition",
            "compute",
            "time",
        ),
    ),
    "When somebody is lost, where it is not the scenario's": ("on_loss", "silence", "absence", "answer"),
    "Who takes part, and sees what": (
        *("address", "host", "port", "keys", "token", "token_file", "insecure", "audit", "undisclosed"),
    ),
    "What comes out": (
        "out",
        "as_json",
        "quiet",
        "trace",
        "day_folders",
        "format",
        "figures",
        "report",
        "watch",
        "view",
        "viewer_s",
        "from_start",
        "open_browser",
    ),
}
"""Every option in its section, by the name of its parameter."""

_WHOLE: Final = 400
"""Letters of a command's first sentence: all of them."""

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "commands": ("vppmarket run", "vppmarket new mine", "vppmarket check mine", "vppmarket run mine --report"),
    "experiment": ("vppmarket experiment economics",),
    "run": (
        "vppmarket run",
        "vppmarket run flexible --set market.mechanism=consensus --in-process",
        "vppmarket run mine --set vpps.VPP1.ess.energy_mwh=6 --out runs/larger --report",
        "vppmarket run mine --days 14 --in-process",
        "vppmarket run --delay lognormal:50ms:0.5 --loss 0.02 --seed 7",
    ),
    "broker": ("vppmarket broker two_vpp", "vppmarket broker mine/public --host 192.0.2.7 --keys keys"),
    "node": (
        "vppmarket node --id Farm --scenario two_vpp \\\n"
        "    --broker tcp://127.0.0.1:5555 --token-file run/join.token",
        "vppmarket node --id VPP1,VPP2 --scenario five_vpp \\\n    --broker tcp://192.0.2.10:5555 --keys keys",
    ),
    "keys": ("vppmarket keys keys five_vpp", "vppmarket keys keys VPP3"),
    "report": ("vppmarket report runs/larger",),
    "replay": ("vppmarket replay runs/larger", "vppmarket replay runs/larger --until 0.5"),
    "view": (
        "vppmarket view",
        "vppmarket view runs/larger --open",
        "vppmarket view tcp://127.0.0.1:5555 --keys runs/larger/watch",
    ),
    "compare": (
        "vppmarket compare runs/base runs/larger",
        "vppmarket compare runs/base runs/larger runs/largest --out runs/compared",
    ),
    "check": ("vppmarket check mine", "vppmarket check five_vpp --set carbon.mode=flat"),
    "new": ("vppmarket new mine", "vppmarket new small --from two_vpp"),
    "split": ("vppmarket split mine parts",),
    "schema": ("vppmarket schema > scenario.schema.json",),
    "parameters": ("vppmarket parameters | less",),
    "sweep": (
        "vppmarket sweep --set market.choice_temperature_cny_per_mwh=20,50,80",
        "vppmarket sweep two_vpp --set carbon.growth=0.25,0.5 --seeds 0-4 --jobs 2",
    ),
    "import": ("vppmarket import simbench 1-MV-rural--1-sw --by feeder --vpps 9",),
    "simbench": ("vppmarket import simbench 1-MV-rural--1-sw --by feeder --vpps 9",),
    "csv": (
        "vppmarket import csv meter.csv --unit kW --load Farm=Hof --pv Farm=Dach \\\n"
        "    --load Village=Dorf --battery Farm='400 kWh,150 kW' \\\n"
        "    --retail '30 ct/kWh' --feed-in '8 ct/kWh' --tz Europe/Berlin",
    ),
    "pvlib": (
        "vppmarket import pvlib --plant 'Roof=400 kW,load=120 kW' \\\n"
        "    --plant 'Barn=250 kW,azimuth=270' --out sun",
    ),
    "wind": (
        "vppmarket import wind --plant 'Hill=E-126/4200,number=2,load=3 MW' \\\n"
        "    --add-to sun --out sun_and_wind",
    ),
    "assume": ("vppmarket import assume fleet --start 2019-01-02 --days 1",),
    "emhass": ("vppmarket import emhass home/config_emhass.yaml next/config.json",),
    "known": ("vppmarket experiment known",),
    "mechanisms": ("vppmarket experiment mechanisms two_vpp",),
    "division": ("vppmarket experiment division five_vpp",),
    "learning": ("vppmarket experiment learning duopoly --runs 5",),
    "paper": ("vppmarket experiment paper --draws 10 --out runs/paper",),
    "economics": ("vppmarket experiment economics flexible",),
    "sensitivity": ("vppmarket experiment sensitivity two_vpp --out runs/moved",),
    "forecast": ("vppmarket experiment forecast five_vpp --shares 0.1,0.2 --seeds 50",),
    "network": ("vppmarket experiment network two_vpp --delays 0,50ms --losses 0,0.1",),
}
"""Command lines of each command; `mine`, `runs/…` and addresses stand for the reader's own."""


class _WithExamples(click.Command):
    """A command with examples at the end of its help, each on lines of its own that are never broken."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, then what is said of all commands."""
        examples = EXAMPLES.get(self.name or "", ())
        if examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {example}\n" for example in examples))
        super().format_epilog(ctx, formatter)


class SectionedCommand(_WithExamples):
    """A command whose options stand in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sections that have an option here."""
        by_name = {param.name: param for param in self.get_params(ctx) if isinstance(param, click.Option)}
        for title, names in (*OPTIONS.items(), ("Help", ("help",))):
            records = [by_name[name].get_help_record(ctx) for name in names if name in by_name]
            _write(formatter, title, [record for record in records if record is not None])


class SectionedGroup(_WithExamples, click.Group):
    """A group whose commands stand in sections."""

    command_class = SectionedCommand

    def __init__(self, *args: Any, sections: Mapping[str, tuple[str, ...]], **others: Any) -> None:
        super().__init__(*args, **others)
        self._sections = sections

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sections, in the order of a newcomer's way."""
        for title, names in self._sections.items():
            _write(formatter, title, list(_lines(self, ctx, names)))


def _lines(group: click.Group, ctx: click.Context, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        command = group.get_command(ctx, name)
        if command is not None:
            yield name, command.get_short_help_str(_WHOLE)


def _write(formatter: click.HelpFormatter, title: str, records: list[tuple[str, str]]) -> None:
    if records:
        with formatter.section(title):
            formatter.write_dl(records)
