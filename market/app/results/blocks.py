"""Tables whose rows stand in columns, block after block: a day's large tables are made and written so.

A block is a `Records`, made when it is asked for and forgotten again, so that memory holds a period and not a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import numpy as np

from market.app.results.kept import TraceLevel
from market.app.results.records import Column, Records, column_type

if TYPE_CHECKING:
    from market.app.results.table import Cell

_ROWS_AT_LEAST = 2048  # of a block, but for the last
_MANY = (np.ndarray, list, tuple)
_Part = TypeVar("_Part")

Cells: TypeAlias = Sequence[Any]
"""Of some rows, by column: arrays, lists, or one value for every row.

At least one of them has to be an array or a list, which says how many rows there are.
"""
Blocks: TypeAlias = Callable[[], Iterator[Records]]
"""Makes all blocks of a table, from the first, as often as it is called."""

Trace: TypeAlias = Callable[[TraceLevel], Iterator[Records]]
"""Makes the blocks of a day's trace, as much of it as is asked for."""


def no_trace(level: TraceLevel) -> Iterator[Records]:
    """That of a day of which nobody knows how it came about."""
    return iter(())


class BlockRows(Sequence[tuple["Cell", ...]]):
    """The rows of blocks, as if they were tuples of cells. columns : their names, for a table without a row"""

    def __init__(self, columns: tuple[str, ...], blocks: Blocks) -> None:
        self._columns, self._blocks = columns, blocks

    def blocks(self) -> Iterator[Records]:
        """All blocks that hold a row; small ones come joined."""
        return _joined(block for block in self._blocks() if len(block))

    def records(self) -> Records:
        """All blocks as one."""
        blocks = list(self.blocks())
        if not blocks:
            return Records({name: np.zeros(0, column_type(name)) for name in self._columns})
        return join(blocks)

    def __iter__(self) -> Iterator[tuple[Cell, ...]]:
        for block in self.blocks():
            yield from zip(*(block[name].tolist() for name in self._columns), strict=True)

    def __len__(self) -> int:
        return sum(map(len, self.blocks()))

    @overload
    def __getitem__(self, place: int) -> tuple[Cell, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[tuple[Cell, ...]]: ...
    def __getitem__(self, place: int | slice) -> tuple[Cell, ...] | Sequence[tuple[Cell, ...]]:
        return tuple(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # what can be equal to a list has no hash


def block(columns: Sequence[str], *cells: Any) -> Records:
    """A block of columns and their cells, in their order: `Cells`."""
    return _block(columns, [cells])


def blocks_of(columns: Sequence[str], parts: Iterable[Cells]) -> Iterator[Records]:
    """Blocks of the cells of parts, one after the other, small ones together."""
    return (_block(columns, some) for some in _gathered(parts, _rows))


def join(blocks: Sequence[Records]) -> Records:
    """Blocks, at least one, as one."""
    if len(blocks) == 1:
        return blocks[0]
    return Records({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0].columns})


def _joined(blocks: Iterator[Records]) -> Iterator[Records]:
    """The same rows in fewer blocks: what is done with a block costs as much for a few rows as for many."""
    return (join(some) for some in _gathered(blocks, len))


def _gathered(parts: Iterable[_Part], rows_of: Callable[[_Part], int]) -> Iterator[list[_Part]]:
    """The parts in their order, so many together that they have rows enough for a block."""
    together, rows = list[_Part](), 0
    for part in parts:
        together.append(part)
        rows += rows_of(part)
        if rows >= _ROWS_AT_LEAST:
            yield together
            together, rows = [], 0
    if together:
        yield together


def _block(columns: Sequence[str], parts: Sequence[Cells]) -> Records:
    rows = [_rows(cells) for cells in parts]
    each = zip(columns, zip(*parts, strict=True), strict=True)
    return Records({name: _column(column_type(name), cells, rows) for name, cells in each})


def _rows(cells: Cells) -> int:
    return next(len(cell) for cell in cells if isinstance(cell, _MANY))


def _column(kind: np.dtype[Any], parts: Sequence[Any], rows: Sequence[int]) -> Column:
    """One column of these parts, each with so many rows."""
    if len(parts) > 1 and not any(isinstance(part, _MANY) for part in parts):
        return np.repeat(np.array(parts, dtype=kind), rows)
    spread = [_spread(kind, part, count) for part, count in zip(parts, rows, strict=True)]
    return spread[0] if len(spread) == 1 else np.concatenate(spread)


def _spread(kind: np.dtype[Any], cell: Any, rows: int) -> Column:
    if isinstance(cell, np.ndarray):
        return cell.astype(kind, copy=False)
    return np.array(cell, dtype=kind) if isinstance(cell, _MANY) else np.full(rows, cell, dtype=kind)
