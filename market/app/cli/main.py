"""The command line: how a command is carried out, and how an error is reported."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from itertools import pairwise

import click

from broker.process.interrupts import interrupted
from market.app.cli.commands import commands
from market.app.cli.console import echo_error
from market.app.results.exit_codes import ExitCode, exit_code_of_error
from market.errors import MarketError
from market.system_fault import located_reason

HELP = {"--help", "--version"}
"""With one of these a command does nothing but print."""


def command(arguments: list[str]) -> int:
    """Carry out a command line; returns the exit code. KeyboardInterrupt passes through."""
    try:
        _check_empty(arguments)
        with commands.make_context("vppmarket", arguments) as context:
            return int(commands.invoke(context) or 0)
    except click.exceptions.Exit as end:
        return end.exit_code
    except Exception as error:
        if interrupted():  # a library has taken it for an error of its own
            _tell_notes(error)
            raise KeyboardInterrupt from error
        if isinstance(error, BrokenPipeError) and HELP & {*arguments}:
            return ExitCode.EQUILIBRIUM  # who reads it has read enough
        return _told(error)


def _told(error: Exception) -> int:
    """The exit code of an error that has been put into words."""
    match error:
        case click.ClickException():
            echo_error(f"error: {_usage(error)}")
            return ExitCode.BAD_INPUT
        case MarketError():
            for line in str(error).splitlines():
                echo_error(f"error: {line}")
            _tell_notes(error)
            return exit_code_of_error(error)
        case OSError():
            echo_error(f"error: {located_reason(error)}")
            return ExitCode.BROKEN
    echo_error("".join(traceback.format_exception(error)).rstrip())
    echo_error("error: this is a fault of the program; please report it with the lines above")
    return ExitCode.BROKEN


def _tell_notes(error: Exception) -> None:
    for note in getattr(error, "__notes__", ()):
        echo_error(note)


def _check_empty(arguments: Sequence[str]) -> None:
    """No argument may be empty: a path would be the folder that one is in, a name nobody's."""
    for before, text in pairwise(("", *arguments)):
        flag, equals, value = text.partition("=")
        if not text or (flag.startswith("--") and equals and not value):
            name = flag or (before if before.startswith("--") else "an argument")
            raise click.UsageError(f"{name} must not be empty; give it a value or leave it out")


def _ranged(error: click.ClickException) -> str:
    """What click says; of a whole number between two limits what would be one, and how it is written."""
    message, parameter = error.format_message(), getattr(error, "param", None)
    kind = getattr(parameter, "type", None)
    if parameter is None or not isinstance(kind, click.IntRange):
        return message
    span = f"a whole number from {kind.min} to {kind.max}"
    told = re.sub(r"is not (a valid integer range|in the range .*)", f"is not {span}", message).rstrip(".")
    return f"{told}; write it like {parameter.opts[0]} {max(kind.min or 0, 1)}"


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "vppmarket"
    message = _ranged(error).rstrip(".")
    return f"{path}: {message[:1].lower()}{message[1:]}; see '{path} --help'"
