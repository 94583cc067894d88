"""Turns a table into a pandas data frame, for notebooks and for Mesa."""

from __future__ import annotations

import pandas

from market.app.results.records import Records


def data_frame(records: Records) -> pandas.DataFrame:
    """The table with a column for each of its own, of the same name; NaN where there is no such number."""
    return pandas.DataFrame(dict(records.columns))
