"""A day over the bus of which only the outcome is wanted: every plant a process, nothing kept."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from market.app.results.manifest import RunSpec
from market.app.results.network_totals import network_document
from market.app.runs.ways import ProcessOptions, as_processes
from market.model.disclosure import Disclosure
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome


def day_over_bus(scenario: Scenario, seed: int) -> tuple[MarketOutcome, Mapping[str, Any]]:
    """The day, and what its network came to. MarketError if it breaks."""
    what = RunSpec(scenario, seed, in_process=False, started=datetime.min, audit=Disclosure.FULL)
    how = ProcessOptions(on_notice=lambda text: None, on_open=lambda address, keys: None)
    with tempfile.TemporaryDirectory(prefix="vppmarket-") as place:
        outcome, facts = as_processes(what, how)(scenario, seed, Path(place), lambda progress: None)
    return outcome, network_document(facts, outcome.verdict) or {}
