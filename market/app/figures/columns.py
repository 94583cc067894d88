"""Columns of a study's tables as numbers, and as the columns of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from market.app.figures.named import largest
from market.app.figures.names import short_names
from market.app.results.table import Table
from market.model.arrays import Array

MOST_COLUMNS = 24
MOST_LETTERS_ABREAST = 44  # below half of a picture


def numbers(table: Table, column: str) -> Array:
    """A column as numbers."""
    place = table.columns.index(column)
    return np.array([float(row[place]) for row in table.rows])


def columns_by_name(vpps: Sequence[str], amounts: Mapping[str, Array]) -> dict[str, list[int]]:
    """The columns of a picture by their names, and the places of those who stand in each.

    Of many VPPs those whose amounts are largest have a column each, the others one with their mean.
    """
    if len(vpps) <= MOST_COLUMNS:
        return {vpp: [place] for place, vpp in enumerate(vpps)}
    sizes = np.sum([np.abs(np.nan_to_num(values)) for values in amounts.values()], axis=0)
    chief = largest(dict(zip(vpps, sizes.tolist(), strict=True)), MOST_COLUMNS - 1)
    others = [place for place, vpp in enumerate(vpps) if vpp not in chief]
    return {**{vpp: [vpps.index(vpp)] for vpp in chief}, f"mean of {len(others)} others": others}


def name_columns(ax: Axes, names: Sequence[str]) -> None:
    """Names below columns, upright where they would not stand abreast."""
    short = short_names(names)
    crowded = sum(len(name) + 2 for name in short.values()) > MOST_LETTERS_ABREAST
    size = 10.0 if len(names) <= 8 else 7.0
    upright = 90 if crowded else 0
    ax.set_xticks(np.arange(len(names)), [short[name] for name in names], rotation=upright, fontsize=size)
    ax.grid(axis="x", visible=False)
