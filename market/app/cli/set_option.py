"""The flag `--set PATH=VALUE` of every command that takes a scenario."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from market.scenario.changes import SET

_Command = TypeVar("_Command", bound=Callable[..., Any])


def set_option(command: _Command) -> _Command:
    """Add the flag to a command, which gets the texts as its parameter `settings`."""
    return click.option(
        SET,
        "settings",
        metavar="PATH=VALUE",
        multiple=True,
        help="Change a field of scenario.yaml, such as carbon.growth=0.5, vpps.VPP1.ess.energy_mwh=2 or "
        "vpps.VPP2.mt=null; see vppmarket parameters. Repeatable.",
    )(command)
