"""The command `split`: a scenario becomes a public folder for the broker, and a folder for each plant's owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from market.app.cli.console import echo
from market.app.results.exit_codes import ExitCode
from market.app.runs.command_line import pasted
from market.errors import Fault, ScenarioError
from market.scenario import load_scenario, own_part, public_part, require_plants, write_scenario
from market.scenario.parts import undisclosed
from market.scenario.private import take_folder
from market.scenario.scenario import Scenario
from market.system_fault import reason_of

PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """The arguments of `split`, as given. undisclosed : leave out the digests of the plants"""

    scenario: str
    folder: Path
    undisclosed: bool = False


def split_command(options: SplitOptions) -> int:
    """Write the folders and say which is for whom; returns the exit code. Raises MarketError."""
    scenario = require_plants(load_scenario(options.scenario))
    split_scenario(scenario, options.folder, disclosed=not options.undisclosed)
    echo("\n".join(_report(scenario, options)) + "\n")
    return ExitCode.EQUILIBRIUM


def split_scenario(scenario: Scenario, folder: Path, *, disclosed: bool) -> None:
    """Write `folder`/public, and `folder`/ID for each VPP; nobody but the caller can enter any of them (0700).

    disclosed : whether the roster has the digest of each plant, by which the broker knows it again
    ScenarioError where the folder holds anything, or cannot be had; RunError where the disk refuses.
    """
    if taken := [vpp for vpp in scenario.roster if vpp.casefold() == PUBLIC]:
        rule = f"no VPP may be called like the folder for everybody, {PUBLIC}"
        raise ScenarioError([Fault(rule, taken[0], f"scenario {scenario.name}", "give this VPP another id")])
    _take(folder)
    parts = {PUBLIC: public_part(scenario), **{vpp: own_part(scenario, vpp) for vpp in scenario.roster}}
    for name, part in parts.items():
        write_scenario(part if disclosed else undisclosed(part), folder / name)


def _take(folder: Path) -> None:
    try:
        empty = take_folder(folder)
    except OSError as error:
        value, remedy = reason_of(error), "name a new one, where you may write"
        raise ScenarioError([Fault("the folder must be one of our own", value, f"DIR {folder}", remedy)]) from None
    if not empty:
        remedy = "name a new folder: nothing is ever overwritten"
        raise ScenarioError([Fault("the folder must be empty", "a folder with files", f"DIR {folder}", remedy)])


def _report(scenario: Scenario, options: SplitOptions) -> Iterator[str]:
    """What is where, for whom, and what comes next."""
    folder = options.folder
    known = "the VPPs by id alone" if options.undisclosed else "the VPPs by id and digest"
    width = max(len(str(folder / name)) for name in (PUBLIC, *scenario.roster))
    yield f"{scenario.name} in {len(scenario.roster) + 1} parts, which you alone can read:"
    yield f"  {folder / PUBLIC!s:{width}}  for the broker: rules, tariffs, network, {known}; no plant"
    for vpp in scenario.roster:
        yield f"  {folder / vpp!s:{width}}  for the owner of {vpp}: the same, and this plant with its profiles"
    yield "Give each its own folder and no other. The broker opens the market, and says how each plant joins:"
    yield f"  {pasted('broker', folder / PUBLIC)}"
