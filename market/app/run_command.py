"""Owns the command `run`: from its flags to what is shown and the exit code. Knows nothing of how a day is run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from market.app.command_line import pasted
from market.app.exit_codes import exit_code_of_error
from market.app.network_flags import network_changes
from market.app.run_day import Report, Runner, json_text, run_day
from market.app.run_facts import RunProgress
from market.app.run_folder.folder import RunFolder, new_run_folder
from market.app.run_folder.manifest import Undertaking
from market.app.run_options import RunOptions, check_flags
from market.app.screen import complain, live_progress, put, put_json
from market.app.warm_up import start_fork_server
from market.disclosure import Disclosure
from market.errors import DispatchError, Fault, MarketError, ScenarioError
from market.network import OnLoss
from market.scenario import DEFAULT_CASE, load_scenario, scenario_advice, with_overrides
from market.scenario.model import Scenario
from market.scenario.parts import public_part, require_plants
from market.system_fault import in_words

if TYPE_CHECKING:
    from market.app.keyring import Keyring

Opener: TypeAlias = Callable[[Undertaking, RunFolder], Runner]
"""Makes the way in which a market is run of what is to be run, and where."""


@dataclass(slots=True)
class Hosting:
    """A market whose nodes others start: how it is opened, and how it is taken up once it has broken off.

    check : told of the scenario before anything is made, ScenarioError where a flag does not fit it
    flags : those that are to be given again · port : the first that it listens on, 0 as long as it does not
    """

    opener: Opener
    check: Callable[[Scenario], None]
    flags: Sequence[str]
    port: int = 0


def run_command(options: RunOptions, hosting: Hosting | None = None) -> int:
    """Run a day and show what came of it. Raises MarketError; with --json the object tells of it as well."""
    try:
        with in_words():
            report = _run(options, hosting)
    except MarketError as error:
        if options.as_json:
            put_json(json_text(_refusal(error)))
        raise
    _show(report, options)
    for law in report.broken_laws:
        complain(f"error: {law}")
    return report.exit_code


def _run(options: RunOptions, hosting: Hosting | None) -> Report:
    since, started = time.monotonic(), datetime.now().astimezone()
    check_flags(options)
    if options.resume is None:
        what, folder = _new(options, started, hosting)
    else:
        folder = RunFolder(options.resume)
    with folder.held():
        runner: Runner | None = None
        if options.resume is not None:
            what, runner = _taken_up(options, started, own_plants=hosting is None)
        if runner is None:
            runner = hosting.opener(what, folder) if hosting else _runner(what, folder, options)
        try:
            with in_words():
                return _carried_out(what, folder, runner, options, since)
        except KeyboardInterrupt:
            for line in _how_to_go_on(folder, options, hosting):
                complain(line)
            raise
        except Exception as error:
            if not isinstance(error, ScenarioError | DispatchError):  # these would only come again
                for line in _how_to_go_on(folder, options, hosting):
                    error.add_note(line)
            raise


def _how_to_go_on(folder: RunFolder, options: RunOptions, hosting: Hosting | None) -> Iterator[str]:
    """A run that has broken off can be taken up where its tape ends, once what broke it has been seen to."""
    from market.app.resume import can_be_taken_up

    if not options.in_process and can_be_taken_up(folder.path):
        yield f"what was said so far is in {folder.path}; take the run up with"
        yield f"  {_resuming(folder, options, hosting)}"


def _resuming(folder: RunFolder, options: RunOptions, hosting: Hosting | None) -> str:
    """The command that takes a run up, with the flags that do not follow from its tape."""
    command, flags, port = ("broker", hosting.flags, hosting.port) if hosting else ("run", (), options.port)
    words: list[str | Path] = [command, *flags]
    values = (("--port", port), ("--keys", options.keys), ("--restart", options.restarts))
    for flag, value in values:
        if value:
            words += [flag, value if isinstance(value, Path) else str(value)]
    wishes = (("--figures", options.figures), ("--report", options.report), ("--watch", options.watch))
    words += [flag for flag, wanted in wishes if wanted]
    return pasted(*words, "--resume", folder.path)


def _carried_out(
    what: Undertaking, folder: RunFolder, runner: Runner, options: RunOptions, since: float
) -> Report:
    with live_progress(since, wanted=not (options.quiet or options.as_json)) as on_progress:
        report = run_day(what, runner, folder, on_progress, since)
        if options.figures or options.report:
            from market.app.report.write import write_figures

            on_progress(RunProgress("drawing"))
            write_figures(folder.path, report=options.report)
        return report


def _new(options: RunOptions, started: datetime, hosting: Hosting | None) -> tuple[Undertaking, RunFolder]:
    """Where one person owns all plants everything may be shown in the end; where others bring theirs, totals."""
    own_plants = hosting is None
    scenario = _scenario(options)
    scenario = require_plants(scenario) if own_plants else public_part(scenario)
    audit = options.audit or scenario.audit or (Disclosure.FULL if own_plants else Disclosure.TOTALS)
    what = Undertaking(scenario, options.seed or 0, options.in_process, started, audit)
    check = hosting.check if hosting else partial(_check_keys, options)
    check(scenario)
    return what, new_run_folder(options.out, scenario.name, started)


def _taken_up(options: RunOptions, started: datetime, *, own_plants: bool) -> tuple[Undertaking, Runner | None]:
    """The run that broke off, and how it goes on where that does not depend on who hosts it."""
    from market.app.resume import broken_off, scenario_to_resume

    assert options.resume is not None
    found = broken_off(options.resume)
    if found.torn_bytes and not options.quiet:
        complain(f"note: the tape ends in {found.torn_bytes} bytes of an unfinished record, kept in tape.cut-…")
    scenario = scenario_to_resume(options.resume, found.shared, own_plants=own_plants and not found.ended)
    what = Undertaking(scenario, found.seed, in_process=False, started=started, audit=found.audit)
    if not found.ended:
        return what, None
    from market.app.scene.export import retold

    return what, retold


def _check_keys(options: RunOptions, scenario: Scenario) -> None:
    if options.keys is not None:
        from market.app.keyring import keyring

        keyring(options.keys, scenario.roster)


def _runner(what: Undertaking, folder: RunFolder, options: RunOptions) -> Runner:
    """The way to run a day. Imported late: each way needs packages that the other does without."""
    if options.in_process:
        from market.app.in_process import run_in_process

        return run_in_process
    from market.app.distributed import LOOPBACK, Listening, Opening, run_distributed
    from market.app.keyring import keyring

    start_fork_server()  # where `entry` has not done so already
    keys = keyring(options.keys, what.scenario.roster)
    listening = Listening(LOOPBACK, options.port, keys.broker, resumed=options.resume is not None)
    announce = partial(_tell_viewers, folder=folder, options=options, keys=keys)
    opening = Opening(keys.token, options.join_s, what.audit, announce, complain)
    restarts = options.restarts
    return partial(run_distributed, listening=listening, opening=opening, node_keys=keys.nodes, restarts=restarts)


def _tell_viewers(address: str, folder: RunFolder, options: RunOptions, keys: Keyring) -> None:
    """Say how the run can be watched, if it is to be."""
    from market.app.watch_hint import tell_by_fresh_keys, tell_by_keys

    if not options.watch:
        return
    if options.keys is not None:
        tell_by_keys(address, options.keys)
    elif keys.watcher is not None:
        tell_by_fresh_keys(address, folder.path, keys.watcher)


def _scenario(options: RunOptions) -> Scenario:
    scenario = load_scenario(options.scenario or DEFAULT_CASE)
    changes = network_changes(options.network, scenario.roster)
    if options.restarts and "network.on_loss" not in changes.values and scenario.network.on_loss is OnLoss.STOP:
        changes.values["network.on_loss"] = OnLoss.WAIT.value  # what is started again is worth waiting for
        changes.told_as["network.on_loss"] = "--restart"
    scenario = with_overrides(scenario, changes.values, changes.told_as)
    if not options.quiet:
        for advice in scenario_advice(scenario):
            complain(f"note: {advice}")
    return scenario


def _show(report: Report, options: RunOptions) -> None:
    if options.as_json:
        put_json(json_text(_result(report)))
    elif not options.quiet:
        from market.app.summary.page import summary_text

        put(summary_text(report))


def _result(report: Report) -> dict[str, Any]:
    """What `--json` prints of a run that came to its end: the manifest, and the tables one asks for first."""
    shown = ("periods", "offers", "selections", "costs")
    return {
        "exit_code": int(report.exit_code),
        "folder": str(report.folder),
        **report.manifest,
        "tables": {name: report.tables[name].records() for name in shown},
    }


def _refusal(error: MarketError) -> dict[str, Any]:
    faults: Sequence[Fault] = error.faults if isinstance(error, ScenarioError) else ()
    return {
        "exit_code": int(exit_code_of_error(error)),
        "verdict": "aborted",
        "error": str(error),
        "faults": [asdict(fault) for fault in faults],
    }
