"""Claims: whichever one control message is lost with its connection, day and nodes end as if nothing had happened.

Whole markets of two behind a proxy, started as people start them, in virtual time with the rule to stop and in
wall time with the rule to wait. Which of the messages of a kind is lost is drawn at random; every one is lost in
memory, with either rule, in `tests/broker/test_every_frame.py`; with processes by `scripts/bench/lost_messages.py`
every kind with every rule; here six kinds a day.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench.lost_messages import cases, table, trials
from scripts.bench.network_blows import KINDS
from scripts.bench.started_market import FIVE, TWO, Setup, Undisturbed, undisturbed
from tests.sampling import sampled

AT_ONCE = 3  # they mostly wait
LIMIT_S = 100.0  # two silences of 10 s, on a machine that does much else besides


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The day of two that nobody disturbs."""
    return undisturbed(TWO, tmp_path_factory.mktemp("calm") / "run")


def all_held(
    setup: Setup, blows: list[str], combination: tuple[str, str], seed: int, calm: Undisturbed, folder: Path
) -> None:
    time_mode, rule = combination
    found = trials(cases(setup, blows, [time_mode], [rule], [seed]), folder, calm, AT_ONCE, LIMIT_S)
    assert [str(trial) for trial in found if trial.fault] == [], table(found)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("time_mode", "rule"), [("virtual", "stop"), ("wall", "wait")])
def test_one_message_of_any_kind_may_be_lost(time_mode: str, rule: str, calm: Undisturbed, tmp_path: Path) -> None:
    blows = [f"lost {kind}" for kind in sampled(list(KINDS), 6, time_mode)]
    all_held(TWO, blows, (time_mode, rule), seed=len(time_mode) + len(rule), calm=calm, folder=tmp_path)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("time_mode", ["virtual", "wall"])
def test_all_connections_may_be_reset_at_once_in_mid_trade(time_mode: str, tmp_path: Path) -> None:
    calm = undisturbed(FIVE, tmp_path / "calm")
    all_held(FIVE, ["reset all"], (time_mode, "stop"), seed=2, calm=calm, folder=tmp_path)
