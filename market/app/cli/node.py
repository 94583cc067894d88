"""The command `node`: one VPP, or several, of a market that a broker has opened, here or on another machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from broker.bus.addresses import is_address
from broker.bus.keys import load_node_keys
from market.app.cli.console import echo_error
from market.app.report.node_text import node_lines
from market.app.results.folder import RunFolder, new_run_folder
from market.app.results.scenario_copy import keep_scenario
from market.app.results.telling import telling_of
from market.app.runs.node_day import NodeRun, write_node_day
from market.app.runs.tokens import shown_to_others, token_from_key, token_of
from market.errors import Fault, MarketError, ScenarioError
from market.model.disclosure import Disclosure
from market.scenario import load_scenario, own_part
from market.scenario.changes import changed
from market.scenario.scenario import Scenario
from vpp_nodes.process import NodeEnding, serve_nodes
from vpp_nodes.task import NodeTask


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The flags of `node`, as given."""

    vpps: tuple[str, ...]
    broker: str
    scenario: str
    token: str | None
    token_file: Path | None
    keys: Path | None
    out: Path | None
    audit: Disclosure | None
    patience_s: float
    quiet: bool
    settings: tuple[str, ...] = ()


def node_command(options: NodeOptions) -> int:
    """Be these VPPs until the run is over; returns the exit code, of several the gravest. Raises MarketError."""
    started, since = datetime.now().astimezone(), time.monotonic()
    scenario = changed(load_scenario(options.scenario), options.settings)
    tasks = _tasks(options, scenario)
    say = _quiet if options.quiet else echo_error
    with ExitStack() as held:
        folders = {task.vpp.id: _folder(options, scenario, task.vpp.id, started) for task in tasks}
        runs = {task.vpp.id: NodeRun(scenario, task.vpp, started, since) for task in tasks}
        whom = ", ".join(runs)
        say(f"{whom} of {scenario.name}, process {os.getpid()}; looking for the broker at {options.broker}")
        for vpp, folder in folders.items():
            held.enter_context(folder.held())
            keep_scenario(own_part(scenario, vpp), folder.path)
        codes: dict[str, int] = {}

        def end(vpp: str, ending: NodeEnding) -> None:
            codes[vpp] = _ended(runs[vpp], ending, folders[vpp], say)

        try:
            serve_nodes(tasks, lambda vpp, text: say(text), on_end=end)
        except KeyboardInterrupt:
            for vpp in runs.keys() - codes.keys():
                write_node_day(runs[vpp], NodeEnding(130, "interrupted", None), folders[vpp])
            raise
        return max(codes.values())


def _folder(options: NodeOptions, scenario: Scenario, vpp: str, started: datetime) -> RunFolder:
    """A node's own run folder; of several each has one in the folder that is asked for, called after its VPP."""
    several = options.out is not None and len(options.vpps) > 1
    out = options.out / vpp if several and options.out is not None else options.out
    return new_run_folder(out, f"{scenario.name}-{vpp}", started)


def _tasks(options: NodeOptions, scenario: Scenario) -> list[NodeTask]:
    """What each node is given of the scenario; ScenarioError for whatever is wrong with the flags."""
    _check_address(options.broker)
    _check_ids(options.vpps, [vpp.id for vpp in scenario.vpps])
    keys = {vpp: load_node_keys(options.keys, vpp) for vpp in options.vpps} if options.keys else {}
    known = options.token or options.token_file
    if keys and not known:
        token = token_from_key(keys[options.vpps[0]].broker)
    else:
        token = token_of(options.token, options.token_file)
    if note := shown_to_others(options.token):
        echo_error(note)
    audit = options.audit or scenario.audit or Disclosure.FULL
    named = (scenario.public, scenario.name, options.broker, token)
    return [NodeTask(scenario.vpp(vpp), *named, keys.get(vpp), audit, options.patience_s) for vpp in options.vpps]


def _check_ids(asked: Sequence[str], ids: Sequence[str]) -> None:
    """ScenarioError for each VPP that is not there, and for one that is named twice."""
    remedy = f"choose one of {', '.join(ids)}, or another --scenario" if ids else "take its own folder"
    faults = [Fault("must be a VPP of the scenario", repr(vpp), "--id", remedy) for vpp in asked if vpp not in ids]
    twice = dict.fromkeys(vpp for vpp in asked if asked.count(vpp) > 1)
    faults += [Fault("each VPP once", repr(vpp), "--id", "name it once") for vpp in twice]
    if faults:
        raise ScenarioError(faults)


def _ended(run: NodeRun, ending: NodeEnding, folder: RunFolder, say: Callable[[str], None]) -> int:
    """Leave the day in the node's folder, and say what it came to, or why it did not come to anything."""
    try:
        write_node_day(run, ending, folder)
    except MarketError as error:
        echo_error(f"error: {error}")
        return ending.exit_code or 4
    if ending.day is not None:
        for line in node_lines(run, ending.day):
            say(telling_of(run.scenario).text(line))
        say(f"all of it is in {folder.path}")
    if ending.exit_code:
        echo_error(f"error: {ending.why}")
    return ending.exit_code


def _quiet(text: str) -> None:
    """Say nothing."""


def _check_address(address: str) -> None:
    if not is_address(address):
        remedy = "copy it from what the broker printed"
        raise ScenarioError([Fault("must look like tcp://host:port", repr(address), "--broker", remedy)])
