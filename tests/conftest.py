"""What every test starts from, and which cases of it are tried."""

from __future__ import annotations

import os
import signal
import sys
from collections import defaultdict
from zlib import crc32

import pytest

from tests.costs import CostRecorder, turn_name
from tests.sampling import ALL_ARE_RUN, choose_sample, dealt_turns, is_its_turn, sampled
from tests.shared_runs import default_run, in_process_run, slow_run  # noqa: F401  fixtures

LONG = (
    *("tests/test_style.py", "tests/test_site.py", "tests/processes/", "tests/view/"),
    *("tests/app/test_audited_pictures.py", "tests/app/test_hostile_tapes.py", "tests/app/test_paper.py"),
    "tests/broker/test_every_frame.py",
)
"""They take longest, so none comes last: who is done early would wait for it. Nor do all of them come first: the
counter of tests done would hardly move for half the time."""

TAKING_TURNS = (
    *("tests/processes/", "tests/broker/test_node_end.py", "tests/api/test_scripts.py"),
    *("tests/view/test_browser.py", "tests/view/test_usable_page.py"),
    *("tests/view/test_mesa_page.py", "tests/view/test_open_door.py"),
)
"""Of real processes and browsers, which take turns even if they are short, as do tests that are marked `in_turn`,
and all whose cost is in the table."""
ALWAYS = (
    *("tests/processes/test_default_run.py", "tests/test_style.py", "tests/test_shape.py"),
    *("tests/test_docs.py", "tests/test_documented_commands.py", "tests/test_doctests.py"),
)

# A shell that starts tests in the background has Ctrl-C ignored, `nohup` a closed terminal, and their processes
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--whole`: every case, not a sample; `--record-costs`: see `tests.costs`."""
    parser.addoption(
        "--whole", action="store_true", help="try every case, not a sample that changes with each commit"
    )
    parser.addoption("--record-costs", action="store_true", help="put what is measured into tests/costs.csv")


def pytest_configure(config: pytest.Config) -> None:
    """Before other processes are started for tests, which then try the same sample.

    Workers are told a width of the terminal, which is nobody's who reads what commands print here.
    """
    os.environ.pop("COLUMNS", None)
    # Else hundreds of processes would each compile all that they import.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    choose_sample(whole=config.getoption("whole"))
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ[ALL_ARE_RUN] = "1"
    hands_out = config.getoption("numprocesses") and not hasattr(config, "workerinput")  # and tries none itself
    if config.getoption("record_costs") and not hands_out:
        config.pluginmanager.register(CostRecorder())


def pytest_report_header(config: pytest.Config) -> str:
    """What is tried."""
    name = choose_sample(whole=config.getoption("whole"))
    return f"cases: the sample of {name}; all with --whole" if name else "cases: all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep whose turn it is, and the sample of each test that is marked `sampled(count)`.

    All where one is asked for by name.
    """
    named = any("[" in str(argument) for argument in config.args)
    left_out = _not_sampled(items) if not named else set[pytest.Item]()
    left_out |= {item for item in items if _waits(item)}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid.partition("::")[0]))


def _not_sampled(items: list[pytest.Item]) -> set[pytest.Item]:
    groups = defaultdict[tuple[str, int], list[pytest.Item]](list)
    for item in items:
        if mark := item.get_closest_marker("sampled"):
            groups[item.nodeid.partition("[")[0], mark.args[0]].append(item)
    kept = {item for (name, count), group in groups.items() for item in sampled(group, count, name)}
    return {item for group in groups.values() for item in group} - kept


def _waits(item: pytest.Item) -> bool:
    """Whether a test that takes turns is left to another commit."""
    if item.nodeid.startswith(ALWAYS):
        return False
    name = turn_name(item)
    in_turn = name in dealt_turns() or item.nodeid.startswith(TAKING_TURNS) or item.get_closest_marker("in_turn")
    return bool(in_turn) and not is_its_turn(name)


def _place(file: str) -> float:
    """Where a file stands among those that several workers share: well mixed, and the long ones not at the end."""
    return crc32(file.encode()) * (0.7 if file.startswith(LONG) else 1.0)
