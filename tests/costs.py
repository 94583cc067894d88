"""What tests cost: measured with `scripts/test --record-costs`, kept in `costs.csv`, and used to deal turns.

The unit is processor time, of the browsers and other processes that a test starts too: unlike a time by the clock
it hardly depends on what else a machine does.
"""

from __future__ import annotations

import csv
import fcntl
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

COSTS = Path(__file__).parent / "costs.csv"
LONG_S = 0.5
"""From so much processor time on a test is kept in the table, and takes turns."""


def read_costs(file: Path = COSTS) -> dict[str, float]:
    """Processor time in seconds of each that is long, by the name of its turn."""
    with file.open(newline="", encoding="utf-8") as table:
        return {row["turn"]: float(row["processor_s"]) for row in csv.DictReader(table)}


def turn_name(item: pytest.Item) -> str:
    """With whom a test has its turn: those of its `in_turn("name")`, or its file's tests of the same case.

    A test that is marked `sampled` has its turn alone, and then a sample of its cases.
    """
    if (mark := item.get_closest_marker("in_turn")) and mark.args:
        return str(mark.args[0])
    test, _, case = item.nodeid.partition("[")
    file = test.partition("::")[0]
    return f"{file}[{case}" if case and not item.get_closest_marker("sampled") else test


class CostRecorder:
    """Adds up what tests cost; at the end it puts that in the table in place of what was known of them."""

    def __init__(self, file: Path = COSTS) -> None:
        self._file = file
        self.spent_s = defaultdict[str, float](float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A test with all that is set up for it and torn down after it."""
        before_s = processor_s()
        answer = yield
        self.spent_s[turn_name(item)] += processor_s() - before_s
        return answer

    def pytest_sessionfinish(self) -> None:
        """Workers side by side wait for each other."""
        with self._file.open("r+", newline="", encoding="utf-8") as table:
            fcntl.flock(table, fcntl.LOCK_EX)
            known = read_costs(self._file) | self.spent_s
            rows = [(name, f"{spent_s:.1f}") for name, spent_s in sorted(known.items()) if spent_s >= LONG_S]
            table.truncate()
            csv.writer(table, lineterminator="\n").writerows([("turn", "processor_s"), *rows])


def processor_s() -> float:
    """Processor time of this process and of all that it has started, those that still run included."""
    spent = os.times()
    total_s = sum(spent[:4])
    for process in psutil.Process().children(recursive=True):
        try:
            total_s += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total_s
