"""Turns a table into a pandas data frame, for notebooks and for Mesa."""

from __future__ import annotations

from typing import Any

import pandas

from market.app.results.records import Records
from market.app.results.telling import PERIOD, START, Telling
from market.model.calendar import starts
from market.model.currency import spoken_name


def data_frame(records: Records, told: Telling | None = None) -> pandas.DataFrame:
    """The table with a column for each of its own, of the same name; NaN where there is no such number.

    told : how the run is told: money by its currency, and times with their zone in a column `start`
    """
    told = told or Telling()
    made: dict[str, Any] = {}
    for name, column in records.columns.items():
        made[spoken_name(name, told.currency)] = column
        if name == PERIOD and told.starts:
            moments = pandas.DatetimeIndex(starts(told.horizon))
            made[START] = moments[column - 1]
    return pandas.DataFrame(made)
