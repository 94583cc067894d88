"""What every test starts from, and which cases of it are tried today."""

from __future__ import annotations

import os
import signal
from collections import defaultdict

import pytest

from tests.sampling import ALL_ARE_RUN, choose_day, is_its_turn, sampled

LONG = (
    *("tests/test_style.py", "tests/processes/", "tests/view/test_browser.py", "tests/broker/test_every_frame.py"),
    *("tests/app/test_audited_pictures.py", "tests/app/test_hostile_tapes.py", "tests/app/test_paper.py"),
)
"""They take longest and begin first: a file that begins last keeps all who run tests side by side waiting."""

TAKING_TURNS = ("tests/processes/", "tests/broker/test_node_end.py", "tests/view/test_browser.py")
"""Minutes of real processes: each of these tests is tried on every third day."""

# A shell that starts the tests in the background has Ctrl-C ignored, and their processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--whole`: every case, not the day's sample."""
    parser.addoption("--whole", action="store_true", help="try every case, not a sample that changes each day")


def pytest_configure(config: pytest.Config) -> None:
    """Before other processes are started for tests, which then try the same sample.

    Workers are told a width of the terminal, which is nobody's who reads what commands print here.
    """
    os.environ.pop("COLUMNS", None)
    choose_day(whole=config.getoption("whole"))
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ[ALL_ARE_RUN] = "1"


def pytest_report_header(config: pytest.Config) -> str:
    """What is tried."""
    day = choose_day(whole=config.getoption("whole"))
    return f"cases: the sample of {day}; all with --whole" if day else "cases: all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep whose turn it is, and the day's sample of each test that is marked `sampled(count)`.

    All where one is asked for by name.
    """
    named = any("[" in str(argument) for argument in config.args)
    groups = defaultdict[tuple[str, int], list[pytest.Item]](list)
    for item in items:
        mark = item.get_closest_marker("sampled")
        if mark is not None and not named:
            groups[item.nodeid.partition("[")[0], mark.args[0]].append(item)
    left_out = {
        item for (name, count), group in groups.items() for item in set(group) - set(sampled(group, count, name))
    }
    left_out |= {
        item
        for item in items
        if item.nodeid.startswith(TAKING_TURNS) and not is_its_turn(item.nodeid.partition("[")[0])
    }
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    kept = [item for item in items if item not in left_out]
    items[:] = sorted(kept, key=lambda item: not item.nodeid.startswith(LONG))
