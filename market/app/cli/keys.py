"""The command `keys`: makes a CURVE key pair for the broker, each VPP and a watcher, and says who needs which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from broker.bus.keys import WATCHER, make_keys
from broker.wire.messages import BROKER
from market.app.cli.console import echo
from market.errors import Fault, ScenarioError
from market.scenario import DEFAULT_CASE, builtin_cases, load_scenario
from market.scenario.load import is_folder

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}\Z")


def keys_command(folder: Path, names: Sequence[str]) -> int:
    """Make keys; returns the exit code. Raises ScenarioError."""
    owners = _owners(names)
    make_keys(folder, owners)
    echo(f"{folder} holds the keys of {', '.join(owners)}\n")
    echo(f"  on the broker's machine:  {BROKER}.key_secret and the .key file of everybody else\n")
    echo(f"  on the machine of a VPP:  its own .key_secret and {BROKER}.key\n")
    return 0


def _owners(names: Sequence[str]) -> list[str]:
    scenario = names[0] if names else DEFAULT_CASE
    if len(names) <= 1 and (scenario in builtin_cases() or is_folder(scenario)):
        return [BROKER, *load_scenario(scenario).roster, WATCHER]
    faults = [
        Fault("must be a scenario, or names of VPPs", repr(name), "NAME", "a name is letters, digits, _ and -")
        for name in names
        if not _NAME.match(name)
    ]
    if len(set(names)) < len(names):
        faults.append(Fault("a name is given once", " ".join(names), "NAME", "leave out what is twice"))
    if faults:
        raise ScenarioError(faults)
    return list(names)
