"""Claim: an interrupt ends a mixed-integer search here and now, as an interrupt; never as an answer."""

from __future__ import annotations

import signal
from random import Random

import numpy as np
import pytest

from vpp_nodes.dispatch.linear import LinearProgram


def long_search() -> LinearProgram:
    """A packing problem that takes far longer than anybody waits."""
    draw, program = Random(1), LinearProgram()
    worth = np.array([float(draw.randint(1, 99)) for _ in range(200)])
    items = program.columns(np.zeros(200), np.ones(200), -worth, integer=True)
    for _ in range(60):
        program.row(-np.inf, 2500.0, list(items), [float(draw.randint(1, 99)) for _ in items])
    return program


@pytest.mark.timeout(60)
@pytest.mark.parametrize("after_s", [0.01, 0.5])
def test_an_interrupt_is_no_answer(after_s: float) -> None:
    program, before = long_search(), signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, after_s)
        with pytest.raises(KeyboardInterrupt):
            program.solve_milp()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
