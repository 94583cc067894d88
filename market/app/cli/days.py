"""The command `run` of many days: from its flags to the days, the summary and the exit code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from market.app.cli.console import echo, echo_error, live_progress, put_json
from market.app.cli.run import refusal, scenario_of
from market.app.cli.run_options import RunOptions, check_flags, check_taken_up
from market.app.results.days_folder import is_run_of_days
from market.app.results.exit_codes import ExitCode, exit_code_of
from market.app.results.folder import RunFolder, new_run_folder
from market.app.results.manifest import RunSpec
from market.app.results.telling import telling_of
from market.app.runs.command_line import pasted
from market.app.runs.days_ways import days_in_process
from market.app.runs.many_days import DaysReport, DaysSpec, Way, days_spec, run_days
from market.app.runs.run_day import json_text
from market.app.runs.ways import ProcessOptions
from market.app.runs.whole_day import taken_up
from market.errors import DispatchError, Fault, MarketError, ScenarioError
from market.game.result import Verdict
from market.model.disclosure import Disclosure
from market.scenario.parts import require_plants
from market.system_fault import as_run_error


def days_command(options: RunOptions) -> int:
    """Run the days and show what came of them. Raises MarketError; with --json the object tells of it as well."""
    try:
        with as_run_error():
            run = _run(options)
    except MarketError as error:
        if options.as_json:
            put_json(json_text(refusal(error)))
        raise
    code = exit_code_of_days(run)
    told = telling_of(run.scenario)
    if options.as_json:
        put_json(json_text(_result(run, code)))
    elif not options.quiet:
        from market.app.report.summary.days import days_text

        echo(told.text(days_text(run)), styled=True)
    for law in run.broken_laws:
        echo_error(f"error: {told.text(law)}")
    return code


def exit_code_of_days(run: DaysReport) -> ExitCode:
    """By the worst day, unless a law is broken."""
    return ExitCode.BROKEN if run.broken_laws else exit_code_of(Verdict(run.manifest["verdict"]))


def _run(options: RunOptions) -> DaysReport:
    since, started = time.monotonic(), datetime.now().astimezone()
    _check(options)
    if options.resume is None:
        spec = _new(options, started)
        folder = new_run_folder(options.out, spec.scenario.name, started)
    else:
        folder = RunFolder(options.resume)
    with folder.held():
        if options.resume is not None:
            spec = taken_up(options.resume)
        try:
            with (
                as_run_error(),
                live_progress(since, wanted=not (options.quiet or options.as_json)) as on_progress,
            ):
                return run_days(spec, _way(spec, options), folder, on_progress, since)
        except KeyboardInterrupt:
            for line in _how_to_go_on(folder):
                echo_error(line)
            raise
        except Exception as error:
            if not isinstance(error, ScenarioError | DispatchError):  # these would only come again
                for line in _how_to_go_on(folder):
                    error.add_note(line)
            raise


def _new(options: RunOptions, started: datetime) -> DaysSpec:
    scenario = require_plants(scenario_of(options))
    audit = options.audit or scenario.audit or Disclosure.FULL
    what = RunSpec(scenario, options.seed or 0, options.in_process, started, audit, options.keep)
    whole = None if options.day_folders is None else options.day_folders == "whole"
    return days_spec(what, options.days, whole=whole)


def _way(spec: DaysSpec, options: RunOptions) -> Way:
    if spec.what.in_process:
        return days_in_process
    from market.app.runs.days_over_bus import days_over_the_bus

    how = ProcessOptions(
        on_notice=echo_error,
        on_open=lambda address, keys: None,
        keys=options.keys,
        restarts=options.restarts,
        join_s=options.join_s,
    )
    return partial(days_over_the_bus, spec, how)


def _how_to_go_on(folder: RunFolder) -> Iterator[str]:
    if is_run_of_days(folder.path):
        yield f"the days that are finished are in {folder.path}; go on with"
        yield f"  {pasted('run', '--resume', folder.path)}"


def _check(options: RunOptions) -> None:
    """What days in a row have no use for."""
    faults = list(_useless(options))
    if options.resume is not None:
        faults += check_taken_up(options)
    if faults:
        raise ScenarioError(faults)
    if options.resume is None:
        check_flags(options)


def _useless(options: RunOptions) -> Iterator[Fault]:
    one = "leave it out; vppmarket {} RUN/days/001 does it for a day"
    flags: Sequence[tuple[str, object, str, str]] = (
        ("--figures", options.figures, "many days are drawn one at a time", one.format("report")),
        ("--report", options.report, "many days are drawn one at a time", one.format("report")),
        ("--view", options.view, "many days are looked at one at a time", one.format("view")),
        ("--watch", options.watch, "many days are looked at one at a time", one.format("view")),
        (
            "--port",
            options.port,
            "each of many days has a market of its own",
            "leave it out: free ports are taken",
        ),
    )
    for flag, given, rule, remedy in flags:
        if given:
            yield Fault(rule, "many days" if given is True else str(given), flag, remedy)
    if options.day_folders == "small" and not options.in_process:
        rule, remedy = "a day over the bus leaves its tape", "leave it out, or add --in-process"
        yield Fault(rule, "small", "--day-folders", remedy)
    if options.audit not in (None, Disclosure.FULL):
        rule = "days go on from plans that are shown"
        yield Fault(rule, str(options.audit), "--audit", "leave it out, or take full")


def _result(run: DaysReport, code: ExitCode) -> dict[str, Any]:
    """What `--json` prints of days that came to their end: the manifest, and the tables of days and costs."""
    told = telling_of(run.scenario)
    return {
        "exit_code": int(code),
        "folder": str(run.folder),
        **told.document(run.manifest),
        "tables": {name: told.table(run.tables[name]).records() for name in ("days", "costs")},
    }
