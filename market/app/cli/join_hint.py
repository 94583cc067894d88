"""Prints how nodes join a market: for each VPP a command that works as it stands but for the name, and no secret.

For a plant, or a key, that is not on this machine there is none: then it says what its owner has to fill in.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from broker.bus.keys import public_file, secret_file
from broker.wire.messages import BROKER
from market.app.cli.console import echo_error
from market.app.runs.command_line import NAME, pasted
from market.scenario import builtin_cases, load_scenario
from market.scenario.document import FILE_NAME
from market.scenario.load import is_folder, scenario_folder
from market.scenario.scenario import Scenario

ANY = "ID"
"""Stands for the name of any VPP in a command that is the same for all."""

Place = str | Path
"""What a node on this machine gives as its --scenario: a built-in case, or a folder."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where a broker listens, and what lets nodes in: the token's file, the folder of keys, or both.

    settings : the flags that change the scenario for everybody
    """

    address: str
    token_file: Path | None
    keys: Path | None
    settings: Sequence[str] = ()

    @property
    def passes(self) -> tuple[str | Path, ...]:
        """The flags that let a node in."""
        token = () if self.token_file is None else ("--token-file", self.token_file)
        return (*token, *(() if self.keys is None else ("--keys", self.keys)))


def tell_how_to_join(entrance: Entrance, scenario: Scenario, given: str | None) -> None:
    """Say how each VPP joins. given : the scenario as the broker was given it, None where a run is taken up"""
    places = {vpp: place for vpp, place in _places(scenario, given).items() if _has_key(entrance, vpp)}
    absent = [vpp for vpp in scenario.roster if vpp not in places]
    alike = not absent and len(set(places.values())) == 1
    echo_error(
        f"listening on {entrance.address}; start each of {', '.join(scenario.roster)} with"
        + (" its name for ID in" if alike else "")
    )
    for vpp, place in [(ANY, places[scenario.roster[0]])] if alike else places.items():
        echo_error(f"  {_command(entrance, vpp, place)}")
    if absent:
        _tell_others(entrance, absent)
    if entrance.keys is None:
        echo_error("the token file lets in whoever has it; pass it on to the owners of the plants only")


def _command(entrance: Entrance, vpp: str, place: Place) -> str:
    scenario = ("--scenario", place, *entrance.settings)
    return pasted("node", "--id", vpp, *scenario, "--broker", entrance.address, *entrance.passes)


def _tell_others(entrance: Entrance, absent: Sequence[str]) -> None:
    """How those join whose plant or key is elsewhere: what stands in capitals is for them to fill in."""
    needed = ("--token-file FILE" if entrance.token_file else "", "--keys KEYS" if entrance.keys else "")
    flags = " ".join(["--scenario DIR", *map(shlex.quote, entrance.settings), "--broker", entrance.address])
    options = " ".join([flags, *filter(None, needed)])
    echo_error(f"where its owner has it, {', '.join(absent)}: {NAME} node --id ID {options}")
    echo_error("DIR is the VPP's scenario, or its own part of it as vppmarket split makes it")
    if entrance.token_file is not None:
        echo_error(f"FILE is a copy of {entrance.token_file.absolute()}")
    if entrance.keys is not None:
        echo_error(f"KEYS is a folder with {public_file(Path(), BROKER)} and {secret_file(Path(), 'ID')}")


def _has_key(entrance: Entrance, vpp: str) -> bool:
    return entrance.keys is None or os.path.isfile(secret_file(entrance.keys, vpp))


def _places(scenario: Scenario, given: str | None) -> Mapping[str, Place]:
    """Where the plants are that are on this machine, as far as can be known."""
    if given is None:
        return dict.fromkeys(scenario.roster, scenario.name) if _is_builtin(scenario) else {}
    folder = scenario_folder(given)
    if load_scenario(given).whole:
        return dict.fromkeys(scenario.roster, folder if is_folder(given) else given)
    beside = {vpp: folder.absolute().parent / vpp for vpp in scenario.roster}  # as vppmarket split leaves them
    return {vpp: part for vpp, part in beside.items() if os.path.isfile(part / FILE_NAME)}


def _is_builtin(scenario: Scenario) -> bool:
    """Whether its rules and plants are those of the built-in case of its name."""
    if scenario.name not in builtin_cases():
        return False
    case = load_scenario(scenario.name)
    return (case.public.digest, case.plant_digests) == (scenario.public.digest, scenario.plant_digests)
