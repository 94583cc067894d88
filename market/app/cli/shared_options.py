"""Options that several commands have, and the kinds of their values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from market.app.cli.path_value import PATH
from market.app.runs.seeds import A_SEED, is_seed
from market.model.disclosure import Disclosure

if TYPE_CHECKING:
    from market.app.results.kept import Keep

Command = TypeVar("Command", bound=Callable[..., Any])

EPILOG = "Exit codes: 0 equilibrium, 2 bad input, 3 no equilibrium, 4 the run broke, 130 interrupted."


class Seed(click.ParamType[int]):
    name = "integer"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not is_seed(text):
            self.fail(f"{text!r} is not {A_SEED}", param, ctx)
        return int(text)


class Number(click.FloatRange):
    """A number that one can wait for: neither infinite nor none at all."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


SEED = Seed()
PORT = click.option(
    "--port",
    type=click.IntRange(0, 65533),
    default=0,
    show_default=True,
    help="First of three ports to listen on; 0: three free ones.",
)
RESUME = click.option(
    "--resume",
    metavar="RUN",
    type=PATH,
    help="Take up the run in this folder, which broke off; in place of SCENARIO.",
)
KEYS = click.option(
    "--keys",
    type=PATH,
    metavar="DIR",
    help="Encrypt everything, and let nobody in but the owners of these keys.",
)


AUDIT = click.option(
    "--audit",
    type=click.Choice(["full", "totals", "none"]),
    help="How much plants show of their day in the end.  [default: the scenario's; else full where this run owns "
    "the plants, totals where others bring theirs]",
)


def keep_options(command: Command) -> Command:
    """Add the flags that say what a run folder holds, and how."""
    trace = click.option(
        "--trace",
        type=click.Choice(["none", "offers", "full"]),
        help="How much of the way to the end to keep.  [default: full; of large days offers, and no selections, "
        "which follow from them]",
    )
    formats = click.Choice(["csv", "parquet"])
    form = click.option("--format", type=formats, default="csv", show_default=True, help="Of the tables.")
    return trace(form(command))


def kept(trace: str | None, format: str) -> Keep:
    """What these flags ask for."""
    from market.app.results.kept import Keep, TableFormat, TraceLevel

    return Keep(None if trace is None else TraceLevel(trace), TableFormat(format))


def join_option(default_s: int) -> Callable[[Command], Command]:
    return click.option(
        "--wait",
        "join_s",
        type=Number(1, 86400),
        default=default_s,
        show_default=True,
        metavar="SECONDS",
        help="How long all nodes may take to join.",
    )


def disclosure(text: str | None) -> Disclosure | None:
    """The level that a flag names, if it does."""
    return None if text is None else Disclosure(text)
