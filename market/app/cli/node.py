"""The command `node`: one VPP of a market that a broker has opened, here or on another machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
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
from vpp_nodes.process import NodeEnding, serve_node
from vpp_nodes.task import NodeTask


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The flags of `node`, as given."""

    vpp: str
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
    """Be one VPP until the run is over; returns the exit code. Raises MarketError."""
    started, since = datetime.now().astimezone(), time.monotonic()
    scenario, task = _task(options)
    folder = new_run_folder(options.out, f"{scenario.name}-{options.vpp}", started)
    say = _quiet if options.quiet else echo_error
    say(f"{options.vpp} of {scenario.name}, process {os.getpid()}; looking for the broker at {options.broker}")
    run = NodeRun(scenario, task.vpp, started, since)
    with folder.held():
        keep_scenario(own_part(scenario, options.vpp), folder.path)
        try:
            ending = serve_node(task, say)
        except KeyboardInterrupt:
            write_node_day(run, NodeEnding(130, "interrupted", None), folder)
            raise
        return _ended(run, ending, folder, say)


def _task(options: NodeOptions) -> tuple[Scenario, NodeTask]:
    """The scenario, and what the node is given of it; ScenarioError for whatever is wrong with the flags."""
    _check_address(options.broker)
    keys = load_node_keys(options.keys, options.vpp) if options.keys else None
    known = options.token or options.token_file
    token = token_from_key(keys.broker) if keys and not known else token_of(options.token, options.token_file)
    if note := shown_to_others(options.token):
        echo_error(note)
    scenario = changed(load_scenario(options.scenario), options.settings)
    ids = [vpp.id for vpp in scenario.vpps]
    if options.vpp not in ids:
        remedy = f"choose one of {', '.join(ids)}, or another --scenario" if ids else "take its own folder"
        raise ScenarioError([Fault("must be a VPP of the scenario", repr(options.vpp), "--id", remedy)])
    audit = options.audit or scenario.audit or Disclosure.FULL
    vpp = scenario.vpp(options.vpp)
    named = (vpp, scenario.public, scenario.name, options.broker)
    return scenario, NodeTask(*named, token, keys, audit, options.patience_s)


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
