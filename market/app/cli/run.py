"""The command `run`: from its flags to the run, the summary and the exit code."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from market.app.cli.console import echo, echo_error, live_progress, put_json
from market.app.cli.page_beside import PageBeside
from market.app.cli.run_options import RunOptions, check_flags
from market.app.results.concluded_day import ConcludedDay
from market.app.results.exit_codes import exit_code_of_error
from market.app.results.folder import RunFolder, new_run_folder
from market.app.results.keep_file import again, read_keep
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import RunProgress
from market.app.results.telling import telling_of
from market.app.runs.run_day import Runner, json_text, run_day
from market.app.runs.ways import ProcessOptions, as_processes, in_this_process
from market.errors import DispatchError, Fault, MarketError, ScenarioError
from market.model.disclosure import Disclosure
from market.model.network import OnLoss
from market.scenario import DEFAULT_CASE, load_scenario
from market.scenario.changes import set_changes, together, with_changes
from market.scenario.network_flags import network_changes
from market.scenario.parts import public_part, require_one_plan, require_plants
from market.scenario.scenario import Scenario
from market.system_fault import as_run_error

if TYPE_CHECKING:
    from market.app.runs.keyring import Keyring

Opener: TypeAlias = Callable[[RunSpec, RunFolder], Runner]
"""Makes the way in which a market is run of what is to be run, and where."""


@dataclass(frozen=True, slots=True)
class Hosting:
    """A market whose nodes others start: how it is opened, and how it is taken up once it has broken off.

    check : told of the scenario before anything is made, ScenarioError where a flag does not fit it
    resume : the command that takes a run up
    """

    opener: Opener
    check: Callable[[Scenario], None]
    resume: Callable[[RunFolder], str]


def run_command(options: RunOptions, hosting: Hosting | None = None) -> int:
    """Run a day and show what came of it. Raises MarketError; with --json the object tells of it as well."""
    with PageBeside() as page:
        try:
            with as_run_error(), _apart_from_json(options):
                report = _run(options, hosting, page)
        except MarketError as error:
            if options.as_json:
                put_json(json_text(refusal(error)))
            raise
        _show(report, options)
        for law in report.broken_laws:
            echo_error(f"error: {telling_of(report.scenario).text(law)}")
        page.wait()
    return report.exit_code


def _apart_from_json(options: RunOptions) -> AbstractContextManager[Any]:
    """Where the object goes to standard output, what a plant's own code prints does not."""
    return redirect_stdout(sys.stderr) if options.as_json else nullcontext()


def _run(options: RunOptions, hosting: Hosting | None, page: PageBeside) -> ConcludedDay:
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
            runner = hosting.opener(what, folder) if hosting else _runner(what, folder, options, page)
        try:
            with as_run_error():
                return _carried_out(what, folder, runner, options, since)
        except KeyboardInterrupt:
            for line in _how_to_go_on(folder, options, hosting):
                echo_error(line)
            raise
        except Exception as error:
            if not isinstance(error, ScenarioError | DispatchError):  # these would only come again
                for line in _how_to_go_on(folder, options, hosting):
                    error.add_note(line)
            raise


def _how_to_go_on(folder: RunFolder, options: RunOptions, hosting: Hosting | None) -> Iterator[str]:
    """A run that has broken off can be taken up where its tape ends, once what broke it has been seen to."""
    from market.app.cli.resume_hint import resume_command
    from market.app.runs.resume import can_be_taken_up

    if not options.in_process and can_be_taken_up(folder.path):
        command = hosting.resume(folder) if hosting else resume_command("run", folder.path, options, options.port)
        yield f"what was said so far is in {folder.path}; take the run up with"
        yield f"  {command}"


def _carried_out(
    what: RunSpec, folder: RunFolder, runner: Runner, options: RunOptions, since: float
) -> ConcludedDay:
    with live_progress(since, wanted=not (options.quiet or options.as_json)) as on_progress:
        report = run_day(what, runner, folder, on_progress, since)
        if options.figures or options.report:
            from market.app.report.write import write_figures

            on_progress(RunProgress("drawing"))
            write_figures(folder.path, report=options.report)
        return report


def _new(options: RunOptions, started: datetime, hosting: Hosting | None) -> tuple[RunSpec, RunFolder]:
    """Where one person owns all plants everything may be shown in the end; where others bring theirs, totals."""
    own_plants = hosting is None
    scenario = require_one_plan(scenario_of(options))
    scenario = require_plants(scenario) if own_plants else public_part(scenario)
    audit = options.audit or scenario.audit or (Disclosure.FULL if own_plants else Disclosure.TOTALS)
    what = RunSpec(scenario, options.seed or 0, options.in_process, started, audit, options.keep)
    check = hosting.check if hosting else partial(_check_keys, options)
    check(scenario)
    return what, new_run_folder(options.out, scenario.name, started)


def _taken_up(options: RunOptions, started: datetime, *, own_plants: bool) -> tuple[RunSpec, Runner | None]:
    """The run that broke off, and how it goes on where that does not depend on who hosts it."""
    from market.app.runs.resume import broken_off, scenario_to_resume

    assert options.resume is not None
    found = broken_off(options.resume)
    if found.torn_bytes and not options.quiet:
        echo_error(f"note: the tape ends in {found.torn_bytes} bytes of an unfinished record, kept in tape.cut-…")
    scenario = scenario_to_resume(options.resume, found.shared, own_plants=own_plants and not found.ended)
    keep = again(read_keep(options.resume), options.keep)
    what = RunSpec(scenario, found.seed, False, started, found.audit, keep)
    if not found.ended:
        return what, None
    from market.app.replay.export import tell_again

    return what, tell_again


def _check_keys(options: RunOptions, scenario: Scenario) -> None:
    if options.keys is not None:
        from market.app.runs.keyring import keyring

        keyring(options.keys, scenario.roster)


def _runner(what: RunSpec, folder: RunFolder, options: RunOptions, page: PageBeside) -> Runner:
    """The way to run a day that the flags ask for."""
    if options.in_process:
        return in_this_process()
    how = ProcessOptions(
        on_notice=echo_error,
        on_open=partial(_tell_viewers, folder=folder, options=options, page=page),
        port=options.port,
        keys=options.keys,
        restarts=options.restarts,
        resumed=options.resume is not None,
        join_s=options.join_s,
        processes=options.processes,
        viewer_s=options.viewer_s,
    )
    return as_processes(what, how)


def _tell_viewers(address: str, keys: Keyring, folder: RunFolder, options: RunOptions, page: PageBeside) -> None:
    """Say how the run can be watched, if it is to be, and open the page on it, if that is asked for."""
    from market.app.cli.watch_hint import tell_by_fresh_keys, tell_by_keys

    if options.view:
        page.open(folder.path)
    if not options.watch:
        return
    if options.keys is not None:
        tell_by_keys(address, options.keys)
    elif keys.watcher is not None:
        tell_by_fresh_keys(address, folder.path, keys.watcher)


def scenario_of(options: RunOptions) -> Scenario:
    """The scenario that flags name, as they change it; advice on it goes to people."""
    scenario = load_scenario(options.scenario or DEFAULT_CASE)
    changes = together(network_changes(options.network, scenario.roster), set_changes(options.settings))
    if options.restarts and "network.on_loss" not in changes.values and scenario.network.on_loss is OnLoss.STOP:
        changes.values["network.on_loss"] = OnLoss.WAIT.value  # what is started again is worth waiting for
        changes.sources["network.on_loss"] = "--restart"
    if options.day_certificate:
        changes.values["market.day_certificate"] = True
        changes.sources["market.day_certificate"] = "--day-certificate"
    given, scenario = scenario, with_changes(scenario, changes)
    if not options.quiet:
        from market.scenario.advice import change_notes, scenario_advice

        for advice in (*change_notes(given, scenario), *scenario_advice(scenario)):
            echo_error(f"note: {advice}")
    return scenario


def _show(report: ConcludedDay, options: RunOptions) -> None:
    if options.as_json:
        put_json(json_text(_result(report)))
    elif not options.quiet:
        from market.app.report.summary.page import summary_text

        echo(telling_of(report.scenario).text(summary_text(report)), styled=True)


def _result(report: ConcludedDay) -> dict[str, Any]:
    """What `--json` prints of a run that came to its end: the manifest, and the tables one asks for first."""
    shown = ("periods", "offers", "selections", "costs")
    told = telling_of(report.scenario)
    return {
        "exit_code": int(report.exit_code),
        "folder": str(report.folder),
        **told.document(report.manifest),
        "tables": {name: told.table(report.tables[name]).records() for name in shown},
    }


def refusal(error: MarketError) -> dict[str, Any]:
    """What `--json` prints of a run that did not come to its end."""
    faults: Sequence[Fault] = error.faults if isinstance(error, ScenarioError) else ()
    return {
        "exit_code": int(exit_code_of_error(error)),
        "verdict": "aborted",
        "error": str(error),
        "faults": [asdict(fault) for fault in faults],
    }
