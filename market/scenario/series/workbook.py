"""Reads Parquet and Excel with pandas: the only place of the scenario that loads it, and only for such files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas


def read_workbook(
    path: Path, sheet: str | None = None, *, skip: int = 0
) -> tuple[tuple[str, ...], list[list[str]]]:
    """Header and cells as text: doubles with every digit, times in ISO 8601, nothing where there is nothing.

    An index with a name counts as columns. Raises what the library raises for what is no such file.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        frame = pandas.read_parquet(path)
        if frame.index.names != [None]:
            frame = frame.reset_index()
    else:
        frame = pandas.read_excel(path, sheet_name=sheet if sheet is not None else 0, skiprows=skip)
    columns = [[_text(value) for value in frame[name].tolist()] for name in frame.columns]
    return tuple(str(name).strip() for name in frame.columns), [list(row) for row in zip(*columns, strict=True)]


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return "" if pandas.isna(value) else value.isoformat()
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return repr(value) if isinstance(value, float) else str(value).strip()
