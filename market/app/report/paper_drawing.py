"""Draws the figures of the case study in parts, so that several processes can share the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from market.app.analysis.sensitivity import Sweep
from market.app.figures.economics import economics_picture
from market.app.figures.paper import models_picture, robustness_picture
from market.app.figures.picture import Picture, Rendered, rendered
from market.app.figures.sweep import sweep_picture
from market.app.report.paper_report import paper_pictures
from market.app.results.recorded import read_run
from market.app.results.table import Table

PARTS = 2  # of the run's pictures; each part is drawn by one process


@dataclass(frozen=True, slots=True)
class Job:
    """Some pictures: the `part`-th of PARTS of a run's, or those that `tables` and `sweep` are enough for."""

    run: Path
    part: int | None = None
    tables: Mapping[str, Table] = field(default_factory=dict)
    label: str = ""
    base: float = 0.0


def drawing_jobs(run: Path, tables: Mapping[str, Table], asked: tuple[Sweep, ...]) -> list[Job]:
    """Everything to be drawn for a case study, in the order of the report."""
    names = [name for name in tables if name in ("table2", "robustness") or name.startswith("economics_")]
    return [
        *(Job(run, part) for part in range(PARTS)),
        Job(run, tables={name: tables[name] for name in names}),
        *(
            Job(run, tables={"sweep": tables[f"sensitivity_{sweep.name}"]}, label=sweep.label, base=sweep.base)
            for sweep in asked
        ),
    ]


def render(job: Job) -> list[Rendered]:
    """Draw a job's pictures."""
    return [rendered(picture) for picture in _pictures(job)]


def _pictures(job: Job) -> Iterator[Picture]:
    if job.part is not None:
        yield from paper_pictures(read_run(job.run), slice(job.part, None, PARTS))
    elif "sweep" in job.tables:
        yield sweep_picture(job.label, job.base, job.tables["sweep"])
    else:
        yield models_picture(job.tables["table2"])
        measured = [table for name, table in job.tables.items() if name.startswith("economics_")]
        yield economics_picture(measured)
        if "robustness" in job.tables:
            yield robustness_picture(job.tables["robustness"])
