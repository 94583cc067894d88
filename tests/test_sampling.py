"""Claims: whatever takes turns has one turn; turns are equally long; what the table of costs lists is there."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from zlib import crc32

import pytest

from tests.costs import LONG_S, CostRecorder, read_costs
from tests.sampling import ALL_ARE_RUN, SAMPLE, TURNS, dealt_turns, is_its_turn

ROOT = Path(__file__).parent.parent
SAMPLES = {crc32(name.encode()) % TURNS: name for name in map(str, range(1000))}
"""The name of a sample for each turn."""


def test_each_has_its_turn_once_though_its_cost_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALL_ARE_RUN, "1")
    assert SAMPLES.keys() == set(range(TURNS))
    tried = Counter[str]()
    names = [*read_costs(), "a test that has just been written"]
    for sample in SAMPLES.values():
        monkeypatch.setenv(SAMPLE, sample)
        tried.update(name for name in names if is_its_turn(name))
    assert tried == Counter(names)


def test_what_is_asked_for_by_name_or_with_all_cases_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SAMPLE, SAMPLES[0])
    monkeypatch.delenv(ALL_ARE_RUN, raising=False)
    assert all(is_its_turn(name) for name in read_costs())
    monkeypatch.setenv(ALL_ARE_RUN, "1")
    assert not all(is_its_turn(name) for name in read_costs())
    monkeypatch.setenv(SAMPLE, "")
    assert all(is_its_turn(name) for name in read_costs())


def test_turns_are_equally_long() -> None:
    """No two differ by more than the longest of all, which cannot be parted."""
    costs_s, lengths_s = read_costs(), dict.fromkeys(range(TURNS), 0.0)
    for name, turn in dealt_turns().items():
        lengths_s[turn] += costs_s[name]
    assert max(lengths_s.values()) - min(lengths_s.values()) <= max(costs_s.values())


def test_each_that_is_listed_is_a_file_of_tests_or_a_name_that_tests_are_marked_with() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    listed = {name.partition("::")[0].partition("[")[0] for name in read_costs()}
    assert [name for name in listed if not (ROOT / name).is_file() and f'in_turn("{name}")' not in source] == []


def test_what_was_measured_takes_the_place_of_what_was_known(tmp_path: Path) -> None:
    table = tmp_path / "costs.csv"
    table.write_text('turn,processor_s\none,5.0\n"two, three",7.0\n', encoding="utf-8")
    recorder = CostRecorder(table)
    recorder.spent_s |= {"one": 9.0, "another": LONG_S / 2}
    recorder.pytest_sessionfinish()
    assert read_costs(table) == {"one": 9.0, "two, three": 7.0}
    assert os.listdir(tmp_path) == ["costs.csv"]
