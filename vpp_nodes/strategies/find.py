"""Finds the strategy that a plant's owner has chosen: by a name that a package gave it, or by module and class."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from market.errors import StrategyError
from market.model.strategy import StrategyChoice

GROUP = "vppmarket.strategies"
"""The entry points under which packages name their strategies."""

_ASKED = ("price", "choose", "declare")


def find_strategy(vpp: str, choice: StrategyChoice) -> Any:
    """A new strategy, made with its options. StrategyError where it is not there, or is none."""
    made = _found(vpp, choice.use)
    try:
        strategy = made(**dict(choice.options))
    except (Exception, SystemExit) as error:  # whatever somebody else's code does
        told = f"{type(error).__name__}: {error}"
        raise _error(
            vpp, choice.use, f"cannot be made with {dict(choice.options)}: {told}", "mend its options"
        ) from error
    if not any(callable(getattr(strategy, method, None)) for method in _ASKED):
        raise _error(vpp, choice.use, "is no strategy", f"give it one of the methods {', '.join(_ASKED)}")
    return strategy


def _found(vpp: str, use: str) -> Any:
    named = entry_points(group=GROUP, name=use)
    if ":" not in use and not named:
        known = sorted({entry.name for entry in entry_points(group=GROUP)})
        there = f"; installed packages name {', '.join(known)}" if known else ""
        raise _error(vpp, use, "is not known", f"give `package.module:Class` or a price rule{there}")
    try:
        return next(iter(named)).load() if named else _attribute(use)
    except (Exception, SystemExit) as error:  # an import runs somebody else's code
        told = f"{type(error).__name__}: {error}"
        remedy = (
            "install its package where this node runs, or set PYTHONPATH to its folder, PYTHONPATH=. for this one"
        )
        raise _error(vpp, use, f"cannot be imported: {told}", remedy) from error


def _attribute(use: str) -> Any:
    module, _, name = use.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _error(vpp: str, use: str, what: str, remedy: str) -> StrategyError:
    return StrategyError(f"{vpp}: its strategy {use} {what}; {remedy}")
