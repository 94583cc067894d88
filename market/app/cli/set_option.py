"""The flags of commands that take a scenario and may change it: `--set PATH=VALUE`, `--strategy VPP=NAME`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, TypeVar

import click

from market.errors import Fault, ScenarioError
from market.scenario.changes import SET
from market.scenario.shown_value import shown

STRATEGY: Final = "--strategy"

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


def strategy_option(command: _Command) -> Any:
    """Add the flag to a command with `settings`, among which it puts what the flag says."""

    @click.option(
        STRATEGY,
        "strategies",
        metavar="VPP=NAME",
        multiple=True,
        help="Let a plant price, choose or declare by a strategy, package.module:Class. Repeatable.",
    )
    @wraps(command)
    def with_strategies(*given: Any, strategies: tuple[str, ...], settings: tuple[str, ...], **others: Any) -> Any:
        return command(*given, settings=(*settings, *as_settings(strategies)), **others)

    return with_strategies


def as_settings(strategies: Sequence[str]) -> tuple[str, ...]:
    """What flags `--strategy` change, as those of `--set` say it. ScenarioError with each that cannot be read.

    >>> as_settings(["VPP1=my_package.pricing:UnderTheCap"])
    ('vpps.VPP1.strategy=my_package.pricing:UnderTheCap',)
    """
    parted = [text.partition("=") for text in strategies]
    broken = [text for text, (vpp, _, name) in zip(strategies, parted, strict=True) if not (vpp and name)]
    if broken:
        rule, remedy = "must be a VPP, =, and the name of a strategy", "write it like VPP1=package.module:Class"
        raise ScenarioError([Fault(rule, shown(text), STRATEGY, remedy) for text in broken])
    return tuple(f"vpps.{vpp.strip()}.strategy={name.strip()}" for vpp, _, name in parted)
