"""Reads the scenario that a run folder keeps, and checks it against the run's tape."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from market.errors import ScenarioError
from market.model.public import PublicScenario
from market.scenario import load_scenario
from market.scenario.digest import plant_digest
from market.scenario.scenario import Scenario

SCENARIO_FOLDER: Final = "scenario"
"""Where a run folder keeps the scenario as it was run."""


def kept_scenario(run: Path) -> Scenario | None:
    """The scenario that a run folder keeps, None if it keeps none. ScenarioError if it cannot be read."""
    folder = run / SCENARIO_FOLDER
    if not os.path.exists(folder):
        return None
    try:
        return load_scenario(str(folder))
    except ScenarioError as error:
        remedy = "the run wrote it otherwise: put that back"
        here = [replace(fault, place=f"{folder}: {fault.place}", remedy=remedy) for fault in error.faults]
        raise ScenarioError(here) from None


def scenario_as_run(run: Path, digest: str) -> Scenario | None:
    """The scenario that a run folder keeps, if it is the one that was run, by its digest; None else."""
    try:
        kept = kept_scenario(run)
    except ScenarioError:
        return None
    return kept if kept is not None and kept.digest == digest else None


def unlike(kept: Scenario, shared: PublicScenario) -> list[str]:
    """What in a kept scenario is not the run's, in words; empty where it is the one that was run.

    Its name, a folder's, does not count.
    """
    found = list(_unlike(kept, shared))
    return found or ([] if kept.digest == shared.digest else ["another scenario, by its digest"])


def _unlike(kept: Scenario, shared: PublicScenario) -> Iterator[str]:
    wanted = shared.digest_by_vpp
    if kept.roster != shared.roster:
        yield f"other VPPs: {', '.join(kept.roster)}"
    for vpp in kept.vpps:
        if wanted.get(vpp.id) not in (None, "", plant_digest(vpp)):
            yield f"another plant of {vpp.id}"
    if kept.public.digest != shared.public.digest:
        yield "other rules of the market"
    pairs = {
        "another title": (kept.title, shared.title),
        "another network": (kept.network, shared.network),
        "another audit": (kept.audit, shared.audit),
    }
    yield from (what for what, (ours, theirs) in pairs.items() if ours != theirs)
