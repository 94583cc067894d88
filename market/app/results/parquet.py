"""Tables as Parquet files: the same numbers to the last digit, and null where there is no such number.

This module owns pyarrow, which the extra `parquet` brings; nobody imports it before it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet

from market.app.results.blocks import BlockRows
from market.app.results.records import TEXT, Records, column_type
from market.app.results.table import Table

_ROWS_AT_ONCE = 1 << 17  # of one row group: enough for a reader to skip by, little enough to hold


def fill_parquet(file: BinaryIO, table: Table) -> None:
    """Write a table whose columns are those of a run folder."""
    schema = arrow.schema([(name, _arrow_type(name)) for name in table.columns])
    blocks = table.rows.blocks() if isinstance(table.rows, BlockRows) else iter([table.by_column()])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for records in _gathered(blocks):
            columns = [arrow.array(records[name], kind, from_pandas=True) for name, kind in zip(
                table.columns, schema.types, strict=True)]  # fmt: skip
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))


def read_parquet(path: Path) -> tuple[tuple[str, ...], Records]:
    """The names of a file's columns, and the columns as they were written; OSError or ValueError if it is none."""
    with open(path, "rb") as file:
        found = parquet.read_table(file)
    return tuple(found.column_names), Records({name: _column(name, found[name]) for name in found.column_names})


def _column(name: str, column: Any) -> Any:
    kind = column_type(name)
    if kind == np.int64 and column.null_count:
        raise ValueError(f"{name}: whole numbers stand in every row")
    fits = {np.dtype(np.int64): arrow.types.is_integer, TEXT: _is_text}.get(kind, arrow.types.is_floating)
    if not fits(column.type):
        raise ValueError(f"{name}: a column of {column.type}")
    return np.array(column.to_pylist(), dtype=object) if kind == TEXT else column.to_numpy().astype(kind)


def _is_text(kind: Any) -> bool:
    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


def _gathered(blocks: Iterator[Records]) -> Iterator[Records]:
    """Blocks put together, so that a file has few row groups."""
    waiting: list[Records] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= _ROWS_AT_ONCE:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(blocks: list[Records]) -> Records:
    return Records({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0].columns})


def _arrow_type(name: str) -> Any:
    kind = column_type(name)
    if kind == TEXT:
        return arrow.string()
    return arrow.int64() if kind == np.int64 else arrow.float64()


def fill_rows(file: BinaryIO, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows by column name; a column is of text where one of its values is, and null where there is none."""
    columns = {name: _alike([row.get(name) for row in rows]) for name in names}
    parquet.write_table(arrow.table(columns), file, compression="zstd")


def _alike(values: list[Any]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and float in kinds:
        return arrow.array(values, arrow.float64())
    if len(kinds) > 1:
        return arrow.array([None if value is None else str(value) for value in values], arrow.string())
    return arrow.array(values, arrow.float64() if not kinds else None)
