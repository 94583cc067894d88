"""Runs a day for many values of a scenario's fields, from Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from market.api.arguments import folder_at, listed, told, yes_or_no
from market.app.results.run_metadata import RunProgress
from market.errors import Fault, ScenarioError
from market.model.arguments import word_of
from market.scenario import DEFAULT_CASE, load_scenario, require_plants
from market.scenario.overrides import require_changes
from market.scenario.scenario import Scenario
from market.scenario.shown_value import shown
from market.system_fault import as_run_error

if TYPE_CHECKING:
    import pandas

    from market.app.analysis.sweep.journal import Journal
    from market.app.analysis.sweep.plan import SweepPlan
    from market.app.results.table import Table

Source = str | Path | Scenario
Values = Mapping[str, Sequence[object]] | Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class SweepResult:
    """A sweep that has been carried out.

    runs : one row a run, with what was run and what came of it · timing : how long each took, and in which process
    folder : where it is written, None where nothing was

    >>> import market
    >>> market.sweep("two_vpp", {"carbon.mode": ["none", "flat"]})
    <market.SweepResult: 2 runs, 0 failed; nothing was written>
    """

    runs: pandas.DataFrame
    timing: pandas.DataFrame
    folder: Path | None

    def __repr__(self) -> str:
        failed = int((self.runs["verdict"] == "failed").sum())
        where = self.folder or "nothing was written"
        return f"<market.SweepResult: {len(self.runs)} runs, {failed} failed; {where}>"


def sweep(
    scenarios: Source | Sequence[Source] = DEFAULT_CASE,
    values: Values | None = None,
    *,
    combine: str = "grid",
    seeds: Sequence[int] = (0,),
    processes: bool = False,
    engine: str = "local",
    jobs: int | None = None,
    address: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    on_progress: Callable[[RunProgress], None] | None = None,
) -> SweepResult:
    """Run a day for every combination of values, several at once, and wait for the end.

    scenarios : a folder, a built-in case, a scenario from `load`, or several of them
    values : lists by their paths in `scenario.yaml`; or the changes of each run, one after the other
    combine : "grid", each value with each, or "zip", the first with the first and so on
    seeds : of all that is random, which is only the network; each run under each of them
    processes : whether each day runs over the bus, with the scenario's network
    engine : "local", processes of this machine, or "ray"; jobs : runs at once · address : of a Ray cluster
    out : the folder, new or empty; None leaves no files · resume : take up the same sweep that broke off there
    A run that cannot be carried out has a row with verdict "failed" and its reason.
    Raises: ScenarioError for bad input, RunError if the engine or the disk breaks; what has ended stays in `out`.

    >>> import market
    >>> swept = market.sweep("two_vpp", {"market.satisfaction": [0.8, 0.9], "carbon.mode": ["none", "flat"]})
    >>> swept.runs[["run", "market.satisfaction", "carbon.mode", "verdict"]].values.tolist()[1]
    [2, 0.8, 'flat', 'equilibrium']
    """
    from market.app.analysis.sweep.sweep import Engine, Means, carry_out, check_means

    over_bus, again = yes_or_no(processes, "processes"), yes_or_no(resume, "resume")
    listener = told(on_progress)
    if again and out is None:
        raise ScenarioError(
            [Fault("a sweep is taken up where it was written", "no out", "resume", "give its folder")]
        )
    means = Means(Engine(word_of(engine, Engine, "engine")), jobs, address)
    check_means(means)
    with as_run_error():
        plan = _plan(scenarios, {} if values is None else values, combine, seeds, processes=over_bus)
        with _journal(plan, out, resume=again) as journal:
            carry_out(journal, means, listener)
            return _told(journal, out)


def _plan(
    scenarios: Source | Sequence[Source], values: Values, combine: str, seeds: Sequence[int], *, processes: bool
) -> SweepPlan:
    from market.app.analysis.sweep.plan import Combine, combined, plan_of

    together = Combine(word_of(combine, Combine, "combine"))
    several = [scenarios] if isinstance(scenarios, str | Path | Scenario) else listed(scenarios, "scenarios")
    loaded = [require_plants(s if isinstance(s, Scenario) else load_scenario(s)) for s in several]
    if isinstance(values, Mapping):
        lists = {path: listed(each, path) for path, each in require_changes(values, "values").items()}
        changes = combined(lists, together)
    else:
        changes = tuple(_changes_of_runs(values))
    return plan_of(loaded, changes, tuple(listed(seeds, "seeds")), processes=processes)


def _changes_of_runs(values: object) -> Iterator[Mapping[str, object]]:
    """The changes of each run. ScenarioError for anything else, such as a data frame, which gives names."""
    for each in listed(values, "values"):
        if not isinstance(each, Mapping):
            rule = "must be lists of values by their paths, or a list of the changes of each run"
            remedy = 'write [{"carbon.growth": 0}, {"carbon.growth": 1}], of a data frame .to_dict("records")'
            raise ScenarioError([Fault(rule, f"{type(values).__name__} of {shown(each)}", "values", remedy)])
        yield require_changes(each, "values")


@contextmanager
def _journal(plan: SweepPlan, out: str | Path | None, *, resume: bool) -> Iterator[Journal]:
    from market.app.analysis.sweep.journal import Journal
    from market.app.results.folder import RunFolder, new_run_folder

    if out is None:
        with tempfile.TemporaryDirectory(prefix="vppmarket-") as place:
            yield Journal.begun(RunFolder(Path(place)), plan)
        return
    now = datetime.now().astimezone()
    asked = folder_at(out, "out")
    folder = RunFolder(asked) if resume else new_run_folder(asked, "sweep", now, 'out="{}"')
    with folder.held():
        yield Journal.taken_up(folder, plan) if resume else Journal.begun(folder, plan)


def _told(journal: Journal, out: str | Path | None) -> SweepResult:
    import pandas

    def frame(table: Table) -> pandas.DataFrame:
        return pandas.DataFrame.from_records(list(table.rows), columns=list(table.columns))

    folder = None if out is None else journal.folder.path.absolute()
    return SweepResult(frame(journal.table()), frame(journal.timing()), folder)
