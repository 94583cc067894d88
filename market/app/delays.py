"""Owns the notation of delays on the command line: `50ms`, `constant:50ms`. Knows nothing of networks."""

from __future__ import annotations

import re

from market.errors import Fault, ScenarioError

_PER_SECOND = {"us": 1e6, "µs": 1e6, "ms": 1e3, "s": 1.0}
_NOTATION = re.compile(r"(?:constant:)?(?P<number>\d+(?:\.\d+)?)(?P<unit>us|µs|ms|s)")


def parse_delay_s(text: str) -> float:
    """Seconds of a delay such as `50ms`, `constant:50ms`, `1.5s`. ScenarioError for anything else.

    >>> parse_delay_s("constant:50ms")
    0.05
    """
    match = _NOTATION.fullmatch(text.strip())
    if match is None:
        remedy = "write it like 50ms, 1.5s, 200us or constant:50ms"
        raise ScenarioError([Fault("must be a number and a unit (us, ms, s)", repr(text), "--delay", remedy)])
    return float(match["number"]) / _PER_SECOND[match["unit"]]
