"""Writes a table into a run folder: as CSV, or as Parquet for programs that read it by columns."""

from __future__ import annotations

from market.app.results.folder import RunFolder
from market.app.results.kept import TableFormat
from market.app.results.table import Table


def write_table(folder: RunFolder, table: Table, format: TableFormat) -> str:
    """Write a table; returns the file's name. RunError if the disk does not take it."""
    name = file_of(table.name, format)
    if format is TableFormat.CSV:
        folder.write(name, table.csv_parts())
        return name
    from market.app.results.parquet import fill_parquet

    folder.fill(name, lambda file: fill_parquet(file, table))
    return name


def file_of(table: str, format: TableFormat) -> str:
    """The name of a table's file."""
    return f"{table}.{format.value}"
