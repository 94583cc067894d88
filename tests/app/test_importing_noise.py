"""Claims: a little noise below 0 in a profile of SimBench keeps no day from being imported, counts as 0 and is
told; what is further below 0 is refused as everywhere. On a network of two nodes, without SimBench's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market.app.importing.draft import Draft
from market.app.importing.folder import write_draft
from market.app.importing.simbench_grid import GENERATION_FILE, LOAD_FILE, Element, Network, draft_of
from market.app.importing.wanted import ImportWishes
from market.errors import ScenarioError

DAY, HOURS, SIZE_MW = "2016-01-13", 24, 2.0
NOISE = -9.9e-6
"""What wind has in some quarter hours of SimBench's year, of what is installed."""


def draft(*, wind: float = 0.4, load: float = 0.5) -> Draft:
    """A load and a wind plant on one node, by the hour. wind, load : in the eighth hour of their profiles"""
    fields, horizon = ImportWishes().horizon(DAY, 1, 1.0, "Europe/Berlin")
    shapes = {"W": [0.4] * HOURS, "L_pload": [0.5] * HOURS}
    shapes["W"][7], shapes["L_pload"][7] = wind, load
    elements = (
        Element("load", "Village", 1, 1.0, "L", {}),
        Element("sgen", "Hill", 1, SIZE_MW, "W", {"type": "Wind_MV"}),
    )
    network = Network(
        "test",
        {0: [1], 1: [0]},
        frozenset({0}),
        elements,
        [f"13.01.2016 {hour:02d}:00" for hour in range(HOURS)],
        {LOAD_FILE: {"L_pload": shapes["L_pload"]}, GENERATION_FILE: {"W": shapes["W"]}},
    )
    return draft_of(network, fields, horizon, None, False, ImportWishes())


def told(made: Draft) -> bool:
    return any("noise" in line for line in made.account.assumed)


@pytest.mark.parametrize(("wind", "load"), [(NOISE, 0.5), (0.4, NOISE), (NOISE, NOISE)])
def test_noise_below_zero_counts_as_zero_and_is_told(wind: float, load: float, tmp_path: Path) -> None:
    made = draft(wind=wind, load=load)
    plant: Any = write_draft(made, tmp_path / "out").vpps[0]
    expected_wind, expected_load = np.full(HOURS, 0.4 * SIZE_MW), np.full(HOURS, 0.5)
    expected_wind[7], expected_load[7] = max(0.0, wind) * SIZE_MW, max(0.0, load)
    assert np.allclose(plant.units[0].asset.forecast_mw, expected_wind, rtol=1e-12, atol=0.0)
    assert np.allclose(plant.load_mw, expected_load, rtol=1e-12, atol=0.0)
    assert told(made)


def test_where_there_is_none_nothing_is_said(tmp_path: Path) -> None:
    made = draft()
    write_draft(made, tmp_path / "out")
    assert not told(made)
    assert "clip" not in (tmp_path / "out" / "scenario.yaml").read_text(encoding="utf-8")


def test_what_is_no_noise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"series\.F01_wt1: must be from 0 to 1000000 MW; got -0\.2 MW"):
        write_draft(draft(wind=-0.1), tmp_path / "out")
    assert not (tmp_path / "out").exists()
