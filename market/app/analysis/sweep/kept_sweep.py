"""The files of a sweep's folder as they are read back: what it is to be, and a line for each run that has ended.

Whatever is not what a sweep writes is refused, with the file, the line and the field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from market.app.analysis.sweep.plan import SweepPlan
from market.app.analysis.sweep.row import FAILED, RESULTS, EndedRun, columns_of, head_of, told_name
from market.app.results.document import check_shape, read_document, refused
from market.app.results.shapes import (
    Misfit,
    Shape,
    fields,
    flag,
    many,
    maybe,
    number,
    one_of_words,
    text,
    whole,
)
from market.game.result import Verdict

PLAN: Final = "sweep.json"
LINES: Final = "runs.jsonl"
FORMAT: Final = 1
_NAME_IT: Final = "name the folder of a sweep, or begin a new one"
_WHOLE: Final = "take the folder from where it is whole, or begin a new sweep"
_DIGEST: Final = text(r"[0-9a-f]{64}", "must be 64 hexadecimal digits")


def _run(value: Any, place: str) -> Iterator[Misfit]:
    """The place of a scenario, changes by their paths, a seed."""
    if type(value) is not list or list(map(type, value)) != [int, dict, int]:
        yield Misfit(place, "must be a scenario's place, changes and a seed", json.dumps(value)[:60])


_SHAPE: Final = fields(
    {
        "format": whole(FORMAT, FORMAT),
        "digest": _DIGEST,
        "scenarios": many(fields({"name": text(), "digest": _DIGEST}), least=1),
        "paths": many(text(), distinct=True),
        "runs": many(_run, least=1),
        "processes": flag(),
    }
)


def sweep_document(folder: Path) -> Mapping[str, Any]:
    """What a sweep's folder says that it is to be. ScenarioError if it does not say that."""
    path = folder / PLAN
    try:
        document = read_document(path, _NAME_IT)
    except FileNotFoundError:
        raise refused(folder, f"the folder of a sweep holds {PLAN}", "a folder without it", _NAME_IT) from None
    check_shape(document, _SHAPE, path, _NAME_IT)
    told: Mapping[str, Any] = document
    for at, (place, _, _) in enumerate(told["runs"]):
        check_shape(place, whole(0, len(told["scenarios"]) - 1), Path(f"{path}: runs[{at}][0]"), _NAME_IT)
    return told


def ended_runs(path: Path, data: bytes, plan: SweepPlan) -> list[EndedRun]:
    """The runs that lines tell of. ScenarioError for a line that the sweep has not written. path : their file"""
    shape = _line(plan)
    lines: dict[int, int] = {}
    found = []
    for at, line in enumerate(data.splitlines(), 1):
        place = f"{path}: line {at}"
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            raise refused(place, "it must be readable JSON", repr(line)[1:61], _WHOLE) from None
        for misfit in shape(told, ""):
            raise refused(f"{place}: {misfit.place}".rstrip(": "), misfit.rule, misfit.value, _WHOLE)
        count, wall_s, process_id, row = told
        if count in lines:
            raise refused(place, "every run has one line", f"run {count}, as in line {lines[count]}", _WHOLE)
        lines[count] = at
        found.append(EndedRun(count, row, wall_s, process_id))
    return found


def _line(plan: SweepPlan) -> Shape:
    """Number, seconds, process, and the row of that very run."""
    parts = {"run": whole(1, len(plan.runs)), "wall_s": number(0), "process_id": whole()}
    results = _results(plan)

    def misfits(value: Any, place: str) -> Iterator[Misfit]:
        if type(value) is not list or len(value) != len(parts) + 1:
            yield Misfit(place, "it must be a run's number, seconds, process and row", json.dumps(value)[:60])
            return
        for (name, shape), part in zip(parts.items(), value, strict=False):
            yield from (found := list(shape(part, name)))
            if found:
                return
        row = value[-1]
        if type(row) is not dict:
            yield Misfit("row", "must be an object", json.dumps(row)[:60])
            return
        head = head_of(plan, plan.runs[value[0] - 1])
        yield from _of_plan(row, head)
        told = {name: cell for name, cell in row.items() if name not in head}
        yield from results[row.get("verdict") == FAILED](told, "")

    return misfits


def _of_plan(row: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Misfit]:
    """What was run is what the plan says."""
    for name, wanted in head.items():
        if name not in row or row[name] != wanted:
            value = json.dumps(row.get(name))[:60]
            yield Misfit(name, f"must be {json.dumps(wanted)[:60]}, as {PLAN} has it", value)


def _results(plan: SweepPlan) -> Mapping[bool, Shape]:
    """The shapes of results, by whether a run failed: then there is a reason, and no number."""
    verdicts = one_of_words(*(verdict.value for verdict in Verdict if verdict is not Verdict.ABORTED))
    first = {told_name(plan, name): maybe(number()) for name in RESULTS} | {"verdict": verdicts, "reason": text()}
    head = ("run", "scenario", "seed", *plan.paths)
    more = {name: maybe(number()) for name in columns_of(plan) if name not in (*head, *first)}
    return {False: fields(first, more), True: fields({"verdict": one_of_words(FAILED), "reason": text()})}
