"""Tapes for tests of the replay: real plants in memory, under any rules, with deaths on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from broker.protocol.run_progress import Phase
from broker.tape import TAPE_NAME, Record, TapeWriter, read_tape
from market.scenario import load_scenario, with_overrides
from market.scenario.scenario import Scenario
from vpp_nodes.in_memory import Loopback
from vpp_nodes.plant import plant_node

STEPS = 40_000


def scenario_with(values: Mapping[str, Any], case: str = "two_vpp") -> Scenario:
    """A built-in case with some values changed."""
    return with_overrides(load_scenario(case), dict(values))


def market_of(scenario: Scenario, seed: int = 0) -> Loopback:
    """The scenario's market in memory, its plants real."""
    nodes = {vpp.id: partial(plant_node, vpp, scenario.public) for vpp in scenario.vpps}
    run = Loopback(
        scenario.public,
        nodes=nodes,
        network=scenario.network,
        network_seed=seed,
        seed=seed,
        shared=scenario.shared,
    )
    run.join()
    return run


def finished(run: Loopback, strike: Callable[[Loopback], None] = lambda run: None, every: int = STEPS) -> Loopback:
    """The market at its end; something strikes it after so many steps, three times at most."""
    for step in range(STEPS):
        if run.coordinator.phase is Phase.OVER:
            return run
        if step and step % every == 0 and step <= 3 * every:
            strike(run)
        run.step()
    raise AssertionError(f"does not end: {run.coordinator.progress(run.now)}")


def any_death(seed: int) -> Callable[[Loopback], None]:
    """A node or the broker dies, drawn at random."""
    chance = random.Random(seed)

    def strike(run: Loopback) -> None:
        victim = chance.choice([*run.clients, "broker"])
        run.kill_broker() if victim == "broker" else run.kill(victim)

    return strike


def written(records: Sequence[Record], folder: Path) -> Path:
    """A run folder that holds a tape of these records."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TAPE_NAME).unlink(missing_ok=True)
    with TapeWriter(folder / TAPE_NAME) as tape:
        for record in records:
            tape.add(record)
    return folder


def read(folder: Path) -> list[Record]:
    """The records of a run folder's tape."""
    return list(read_tape(folder / TAPE_NAME))
