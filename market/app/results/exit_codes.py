"""The exit codes of the command, and which verdict or error leads to which."""

from __future__ import annotations

from enum import IntEnum

from market.errors import DispatchError, MarketError, ScenarioError, StrategyError
from market.game.result import Verdict


class ExitCode(IntEnum):
    """What a script can tell a run's end by."""

    EQUILIBRIUM = 0
    BAD_INPUT = 2
    NO_EQUILIBRIUM = 3
    BROKEN = 4
    INTERRUPTED = 130


def exit_code_of(verdict: Verdict) -> ExitCode:
    """The exit code of a run that came to a verdict."""
    if verdict in (Verdict.EQUILIBRIUM, Verdict.NO_TRADE, Verdict.CLEARED):
        return ExitCode.EQUILIBRIUM
    return ExitCode.BROKEN if verdict is Verdict.ABORTED else ExitCode.NO_EQUILIBRIUM


def exit_code_of_error(error: MarketError) -> ExitCode:
    """The exit code of a run that ended with an error: bad input where scenario, flag or strategy are to blame."""
    to_blame = isinstance(error, ScenarioError | DispatchError | StrategyError)
    return ExitCode.BAD_INPUT if to_blame else ExitCode.BROKEN
