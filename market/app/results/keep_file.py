"""What whoever began a run wants its folder to keep, beside the tape: a run that is taken up knows it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from market.app.results.document import check_shape, read_document
from market.app.results.kept import UNASKED, Keep, TableFormat, TraceLevel
from market.app.results.shapes import fields, maybe, one_of

KEEP_FILE: Final = "keep.json"
"""Only there where something was asked for."""
_SHAPE: Final = fields({"trace": maybe(one_of(TraceLevel)), "format": one_of(TableFormat)})
_REMEDY: Final = "put it back as it was, or move it away and give --trace and --format"


def keep_document(keep: Keep) -> dict[str, Any]:
    """For JSON."""
    return {"trace": None if keep.trace is None else keep.trace.value, "format": keep.format.value}


def read_keep(run: Path) -> Keep:
    """What a run was begun with. ScenarioError if the file was altered."""
    path = run / KEEP_FILE
    try:
        document = read_document(path, _REMEDY)
    except FileNotFoundError:
        return UNASKED
    check_shape(document, _SHAPE, path, _REMEDY)
    trace = document["trace"]
    return Keep(None if trace is None else TraceLevel(trace), TableFormat(document["format"]))


def again(begun: Keep, asked: Keep) -> Keep:
    """What a run that is taken up keeps: what is asked for now, else what was when it was begun."""
    return Keep(asked.trace or begun.trace, begun.format if asked.format is UNASKED.format else asked.format)
