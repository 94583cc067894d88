"""A finished run in Python: its verdict, its manifest, and its tables as pandas data frames.

What is in memory and what is read back from a run folder look alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market.app.results.recorded import RecordedRun, read_run, recorded
from market.app.results.telling import telling_of_manifest
from market.app.results.written_files import foreign_note
from market.app.runs.whole_day import fill_day
from market.errors import Fault, ScenarioError
from market.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pandas

    from market.app.results.concluded_day import ConcludedDay


class Tables(Mapping[str, "pandas.DataFrame"]):
    """The tables of a run by name, each made a data frame when it is first asked for."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._made: dict[str, pandas.DataFrame] = {}

    def __getitem__(self, name: str) -> pandas.DataFrame:
        if name not in self._made:
            records = self._run.tables[name]
            from market.app.results.frames import data_frame

            self._made[name] = data_frame(records, self._run.told)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.tables)

    def __len__(self) -> int:
        return len(self._run.tables)

    def __repr__(self) -> str:
        return f"<tables {', '.join(self)}>"

    def __reduce__(self) -> tuple[type[dict[str, pandas.DataFrame]], tuple[dict[str, pandas.DataFrame]]]:
        """Sent to another process, all of them go as frames."""
        return dict, (dict(self),)


@dataclass(frozen=True, repr=False, eq=False)  # no slots: the scenario is kept once read
class Run:
    """A market day that came to its end.

    manifest : what was run, how, on what, and how it ended · certificate : the regrets (M4) of every period
    tables : data frames by name; each is an attribute as well: `offers`, `costs`, …
    folder : the run folder, None where nothing was written

    >>> import market
    >>> day = market.run("two_vpp")
    >>> list(day.tables)[:3]
    ['roles', 'bids', 'offers']
    >>> sorted(day.costs.scenario.unique())
    ['game', 'grid_only']
    """

    manifest: Mapping[str, Any]
    certificate: Mapping[str, Any]
    tables: Mapping[str, pandas.DataFrame]
    folder: Path | None
    _scenario: Scenario | None = None

    @classmethod
    def of(cls, report: ConcludedDay, *, written: bool) -> Run:
        """A run that has just ended. written : whether its folder stays"""
        found = recorded(report.scenario.name, report.manifest, report.tables, report.certificate)
        folder = report.folder.absolute() if written else None
        return cls(found.manifest, found.certificate, Tables(found), folder, report.scenario)

    @classmethod
    def at(cls, folder: Path) -> Run:
        """A run that was written. ScenarioError if there is none, or none that came to its end.

        Warns where a file is not what the run wrote.
        """
        fill_day(folder)
        found = read_run(folder)
        if note := foreign_note(str(folder), found.foreign):
            warnings.warn(note, stacklevel=3)
        return cls(found.manifest, found.certificate, Tables(found), folder.absolute())

    @property
    def verdict(self) -> str:
        """How the day ended: as its worst period, `equilibrium` if each is in one or has nothing to trade."""
        return str(self.manifest["verdict"])

    @property
    def epsilon_cny(self) -> float:
        """The most that anybody could still gain by moving, in any period."""
        return float(self.manifest["epsilon_cny"])

    @property
    def broken_laws(self) -> list[str]:
        """The laws of settlement that the day does not obey; where there are any, do not rely on it."""
        return list(self.manifest["broken_laws"])

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario as it was run. ScenarioError if the run folder does not keep one."""
        if self._scenario is not None:
            return self._scenario
        from market.app.results.kept_scenario import SCENARIO_FOLDER, kept_scenario

        assert self.folder is not None
        kept = kept_scenario(self.folder)
        if kept is None:
            rule, remedy = "a run folder keeps its scenario", "load the scenario from where it is"
            raise ScenarioError([Fault(rule, "a folder without one", str(self.folder / SCENARIO_FOLDER), remedy)])
        return kept

    def __getattr__(self, name: str) -> pandas.DataFrame:
        if not name.startswith("_"):
            if name in self.tables:
                return self.tables[name]
            names = ", ".join(self.tables)
            raise AttributeError(f"this run has no table {name!r}; it has {names}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.tables})

    def __repr__(self) -> str:
        return "\n".join(["<market.Run", *(f"  {line}" for line in self._lines()), ">"])

    def _repr_html_(self) -> str:
        name, *lines = self._lines()
        body = "<br>".join(escape(line) for line in lines)
        return f"<div><strong>{escape(name)}</strong><br>{body}</div>"

    def _lines(self) -> Iterator[str]:
        manifest = self.manifest
        yield f"{manifest['scenario']}: {self.verdict}"
        yield from (f"broken law: {law}" for law in self.broken_laws)
        told = telling_of_manifest(manifest)
        part = f"{float(manifest['epsilon_relative']):.2g} of the value traded"
        yield f"ε = {self.epsilon_cny:.2g} {told.currency}, {part}"
        periods = ", ".join(
            f"{count} {verdict.replace('_', ' ')}" for verdict, count in manifest["periods"].items()
        )
        yield f"periods: {periods} · rounds: {manifest['rounds']}"
        yield f"tables: {', '.join(self.tables)}"
        yield f"folder: {self.folder}" if self.folder else "nothing was written"
