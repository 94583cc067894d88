"""The command `view`: chooses what the page shows, checks that the extra is installed, starts the server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from broker.bus.addresses import is_address
from broker.tape import TAPE_NAME
from market.app.cli.console import echo_error
from market.app.results.run_tape import unreadable
from market.app.runs.system import need_linux
from market.app.runs.tokens import WATCHING, shown_to_others, token_from_key, token_of
from market.errors import Fault, ScenarioError, TapeError
from market.extras import need
from market.scenario import DEFAULT_CASE, builtin_cases
from market.scenario.changes import SET, changed
from market.scenario.shown_value import shown

if TYPE_CHECKING:
    from market.app.view.feeds.live import LiveFeed
    from market.app.view.target import Target


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """The flags of `view`, as given."""

    target: str | None
    token: str | None
    port: int | None
    open_browser: bool
    keys: Path | None = None
    token_file: Path | None = None
    settings: tuple[str, ...] = ()


def view_command(options: ViewOptions) -> int:
    """Serve the page until interrupted. Raises MarketError."""
    need("view", "vppmarket view")
    from market.app.view.server import serve
    from market.app.view.target import choose

    choose(_target(options))
    serve(
        options.port,
        lambda address: echo_error(f"look at {address}; end with Ctrl-C"),
        open_browser=options.open_browser,
    )
    return 0


def _live(address: str, options: ViewOptions) -> LiveFeed:
    need_linux(f"vppmarket view {shown(address)}", "look on from a machine with Linux")
    from broker.bus.keys import WATCHER, load_node_keys
    from market.app.view.feeds.live import LiveFeed

    if not is_address(address):
        remedy = "copy it from what the run printed"
        raise ScenarioError([Fault("must look like tcp://host:port", shown(address), "RUN", remedy)])
    keys = load_node_keys(options.keys, WATCHER) if options.keys else None
    token = token_from_key(keys.broker) if keys else token_of(options.token, options.token_file, WATCHING)
    if note := shown_to_others(options.token, WATCHING):
        echo_error(note)
    return LiveFeed(address, token, echo_error, keys)


def _for_a_live_run(options: ViewOptions, target: str) -> Iterator[Fault]:
    """Flags that would do nothing: only a broker asks for a token or a key. A variable may be set all the same."""
    token = None if options.token == os.environ.get(WATCHING.variable) else options.token
    for flag, value in (("--token", token), ("--token-file", options.token_file), ("--keys", options.keys)):
        if value is not None:
            remedy = f"leave out {flag}, or name the run's address, tcp://host:port"
            yield Fault(f"only a run at tcp://… is looked at with {flag}", shown(target), "RUN", remedy)


def _target(options: ViewOptions) -> Target:
    from market.app.view.feeds.recorded import RecordedFeed
    from market.app.view.target import Target
    from market.scenario import load_scenario, require_plants
    from market.scenario.load import is_folder

    target = options.target or DEFAULT_CASE
    folder = Path(target)
    is_live = "://" in target
    if not is_live and (faults := list(_for_a_live_run(options, target))):
        raise ScenarioError(faults)
    is_run = is_live or os.path.exists(folder / TAPE_NAME) or os.path.isfile(folder / "manifest.json")
    if is_run and options.settings:
        remedy = f"leave out {SET}, or name a scenario"
        raise ScenarioError([Fault("a run is looked at as it is", options.settings[0], SET, remedy)])
    if is_live:
        return Target(feed=_live(target, options))
    if is_run:
        try:
            return Target(feed=RecordedFeed(folder))
        except TapeError as error:
            raise unreadable(str(folder), error) from None
    if target not in builtin_cases() and not is_folder(folder):
        rule = "must be a run folder, a scenario, or the address of a broker"
        remedy = f"name a folder, one of {', '.join(builtin_cases())}, or tcp://host:port"
        raise ScenarioError([Fault(rule, shown(target), "RUN", remedy)])
    require_plants(changed(load_scenario(target), options.settings))
    return Target(scenario=target, settings=options.settings)
