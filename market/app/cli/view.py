"""The command `view`: chooses what the page shows, checks that the extra is installed, starts the server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from broker.tape import TAPE_NAME
from market.app.cli.console import echo_error
from market.app.results.run_tape import unreadable
from market.app.runs.system import need_linux
from market.app.runs.tokens import WATCHING, shown_to_others
from market.app.runs.whole_day import fill_day
from market.errors import Fault, ScenarioError, TapeError
from market.extras import need
from market.scenario import DEFAULT_CASE, builtin_cases
from market.scenario.changes import SET, changed
from market.scenario.shown_value import shown

if TYPE_CHECKING:
    from market.app.feeds.feed import Feed
    from market.app.feeds.live import LiveFeed
    from market.app.view.target import Target


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """The flags of `view`, as given. targets : none, one, or several runs"""

    targets: tuple[str, ...]
    token: str | None
    port: int | None
    open_browser: bool
    keys: Path | None = None
    token_file: Path | None = None
    settings: tuple[str, ...] = ()
    from_start: bool = False


def view_command(options: ViewOptions) -> int:
    """Serve the page until interrupted. Raises MarketError."""
    need("view", "vppmarket view")
    from market.app.view.server import serve
    from market.app.view.target import choose

    choose(_target(options))
    serve(
        options.port,
        lambda address: echo_error(f"look at {address} (Ctrl-C ends it)"),
        open_browser=options.open_browser,
    )
    return 0


def _live(address: str, options: ViewOptions) -> LiveFeed:
    need_linux(f"vppmarket view {shown(address)}", "look on from a machine with Linux")
    from market.app.feeds.live import LiveFeed
    from market.app.feeds.whereabouts import whereabouts

    where = whereabouts(address, options.keys, options.token, options.token_file)
    if note := shown_to_others(options.token, WATCHING):
        echo_error(note)
    return LiveFeed(where, echo_error)


def _for_a_live_run(options: ViewOptions, target: str) -> Iterator[Fault]:
    """Flags that would do nothing: only a broker asks for a token or a key. A variable may be set all the same."""
    token = None if options.token == os.environ.get(WATCHING.variable) else options.token
    for flag, value in (("--token", token), ("--token-file", options.token_file), ("--keys", options.keys)):
        if value is not None:
            remedy = f"leave out {flag}, or name the run's address, tcp://host:port"
            yield Fault(f"only a run at tcp://… is looked at with {flag}", shown(target), "RUN", remedy)


def _target(options: ViewOptions) -> Target:
    from market.app.view.target import Target

    targets = options.targets or (DEFAULT_CASE,)
    for target in targets:
        fill_day(Path(target))
    if not any("://" in target for target in targets):
        faults = list(_for_a_live_run(options, targets[0]))
        if faults:
            raise ScenarioError(faults)
    if len(targets) == 1 and not _is_run(targets[0]):
        return _scenario(targets[0], options)
    if options.settings:
        remedy = f"leave out {SET}, or name a scenario"
        raise ScenarioError([Fault("a run is looked at as it is", options.settings[0], SET, remedy)])
    return Target(tuple(_feed(target, options) for target in targets), from_the_start=options.from_start)


def _is_run(target: str) -> bool:
    folder = Path(target)
    return "://" in target or os.path.exists(folder / TAPE_NAME) or os.path.isfile(folder / "manifest.json")


def _feed(target: str, options: ViewOptions) -> Feed:
    """One run, recorded or elsewhere."""
    from market.app.feeds.recorded import RecordedFeed

    if "://" in target:
        return _live(target, options)
    if not _is_run(target):
        remedy = "name the folders of runs, or a single scenario"
        raise ScenarioError([Fault("runs alone are looked at side by side", shown(target), "RUN", remedy)])
    try:
        return RecordedFeed(Path(target))
    except TapeError as error:
        raise unreadable(target, error) from None


def _scenario(target: str, options: ViewOptions) -> Target:
    """A scenario, of which each page runs a model of its own."""
    from market.app.view.target import Target
    from market.scenario import load_scenario, require_plants
    from market.scenario.load import is_folder

    if target not in builtin_cases() and not is_folder(Path(target)):
        rule = "must be a run folder, a scenario, or the address of a broker"
        remedy = f"name a folder, one of {', '.join(builtin_cases())}, or tcp://host:port"
        raise ScenarioError([Fault(rule, shown(target), "RUN", remedy)])
    require_plants(changed(load_scenario(target), options.settings))
    return Target(scenario=target, settings=options.settings)
