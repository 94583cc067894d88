"""Claims about tables made of columns: the same cells, and the same text, as row by row."""

from __future__ import annotations

import math

import numpy as np
import pytest

from market.app.results.blocks import Cells, block, blocks_of, join
from market.app.results.columns import COLUMNS
from market.app.results.table import Table

TRACE = COLUMNS["trace"]
ODD = [0.0, -0.0, 5e-324, 1e22, 0.1, -1e-7, math.nan, math.inf, -math.inf, 1.0]
"""Numbers whose text is easily got wrong."""


def part(values: list[float], period: int) -> Cells:
    """Some rows of a trace: arrays, tuples, and one value for all."""
    names = tuple("P1" for _ in values)
    return 0.5, np.arange(len(values)), names, "", period, "price", np.array(values), values


def rows(values: list[float], period: int) -> list[tuple[str | int | float, ...]]:
    """The same rows, one by one."""
    return [(0.5, k, "P1", "", period, "price", value, value) for k, value in enumerate(values)]


@pytest.mark.parametrize("values", [ODD, [0.0, -0.0], [-0.0, -0.0], [math.nan] * 3, [2.5] * 4, [1.0]])
def test_columns_read_as_rows_do(values: list[float]) -> None:
    made = Table.of_blocks("trace", TRACE, lambda: blocks_of(TRACE, [part(values, 1), part([7.0], 2)]))
    assert made.csv() == Table("trace", TRACE, (*rows(values, 1), *rows([7.0], 2))).csv()


@pytest.mark.parametrize("count", [1, 2, 3000])
def test_parts_together_are_the_parts_one_after_the_other(count: int) -> None:
    """Also where a cell is one value in one part and an array in another, and more than a block holds."""
    parts = [
        (0.0, [k, k], ["A", "B"], "", k, "price", np.array([0.1 * k, 0.2]), 0.0 if k % 2 else np.ones(2))
        for k in range(count)
    ]
    together, apart = join(list(blocks_of(TRACE, parts))), join([block(TRACE, *each) for each in parts])
    assert len(together) == 2 * count
    for name in TRACE:
        assert together[name].dtype == apart[name].dtype
        np.testing.assert_array_equal(together[name], apart[name])


def test_of_no_parts_there_is_no_block() -> None:
    assert list(blocks_of(TRACE, [])) == []
