"""Claims: units of plants take values with units, another currency and series, and come out as the same plants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from market.errors import ScenarioError
from market.scenario import load_scenario, scenario_schema, with_overrides, write_scenario
from market.scenario.understood import understood
from tests.market.unit_files import UNITS_FILES

_LEFT_OUT = ("grid_emission_t_per_mwh", "std_feed_in_eur_per_mwh", "F01_H1_mw", "F02_HY_mw")
_PRICES = (  # what has a default that is an amount of CNY, said in EUR
    ("{price_min_eur_per_mwh: 300}", "{price_min: 300 EUR/MWh, price_max: 1.2 EUR/kWh, choice_temperature: "
     "50 EUR/MWh}\ncarbon: {base_price: 280 EUR/t}"),
    ("pv: {}", "pv: {om_cost: 1.2 ct/kWh}"),
    ("kind: wt}", "kind: wt, om_cost: 15 EUR/MWh}"),
    ("ess: {energy_mwh: 2,", "ess: {wear: 0.008 EUR/kWh, energy: 2000 kWh,"),
    ("kind: ess, energy_mwh: 1,", "kind: ess, wear_eur_per_mwh: 8, energy: 1000 kWh,"),
    ("curve_mw: [0.2, 0.7, 1.2]", "curve_mw: [200 kW, 700 kW, 1.2 MW]"),
    ("curve_eur_per_h: [150, 420, 650]", "curve_eur_per_h: [150, 7 EUR/min, 650]"),
    ("start_cost_eur: 80", "start_cost: 80 EUR"),
    ("min_up_h: 2", "min_up: 120 min"),
    ("window_h: 3", "window: 180 min"),
)  # fmt: skip
_SERIES = """\
series:
  F01_H1: {file: houses.csv, column: kw, time: at, unit: kW}
  std_feed_in: [{file: prices.csv, column: ct, unit: ct/kWh, time: at}]
  grid_emission: {file: prices.csv, column: g, unit: g/kWh, time: at}
  F02_HY: 400 kW
vpps:
"""
_STAMPS = [f"2026-06-15T{hour:02d}:00+02:00" for hour in range(6, 12)]


def _without(table: str, names: tuple[str, ...]) -> str:
    rows = [line.split(",") for line in table.splitlines()]
    kept = [place for place, name in enumerate(rows[0]) if name not in names]
    return "".join(",".join(row[place] for place in kept) + "\n" for row in rows)


def spoken_folder(folder: Path) -> Path:
    """The market of `unit_files`, in EUR, on a morning, with values in other units and columns of other files."""
    text = UNITS_FILES["scenario.yaml"].replace("_cny", "_eur")
    for plain, spoken in _PRICES:
        assert plain in text
        text = text.replace(plain, spoken)
    when = f"currency: EUR\nhorizon: {{periods: 6, start: '{_STAMPS[0]}', tz: Europe/Berlin}}"
    text = text.replace("horizon: {periods: 6}", when).replace("vpps:\n", _SERIES, 1)
    files = {name: _without(UNITS_FILES[name].replace("_cny", "_eur"), _LEFT_OUT) for name in UNITS_FILES}
    houses, feed_in = (3500, 3400, 1300, 1300, 4000, 4200), (28, 28, 29, 29, 30, 30)
    grams = (900, 800, 500, 400, 700, 950)
    files["scenario.yaml"] = text
    files["houses.csv"] = _table("kw", *([value] for value in houses))
    files["prices.csv"] = _table("ct,g", *zip(feed_in, grams, strict=True))
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def _table(names: str, *rows: object) -> str:
    lines = (",".join([stamp, *map(str, row)]) for stamp, row in zip(_STAMPS, rows, strict=True))  # type: ignore[call-overload]
    return "\n".join([f"at,{names}", *lines]) + "\n"


def plain_folder(folder: Path) -> Path:
    folder.mkdir()
    for name, content in UNITS_FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_spoken_units_are_the_plants_of_the_plain_file(tmp_path: Path) -> None:
    plain = load_scenario(plain_folder(tmp_path / "plain"))
    spoken = load_scenario(spoken_folder(tmp_path / "spoken"))
    for ours, theirs in zip(plain.vpps, spoken.vpps, strict=True):
        assert [unit.id for unit in ours.units] == [unit.id for unit in theirs.units]
        assert np.allclose(ours.total_load_mw, theirs.total_load_mw, rtol=0, atol=1e-12)
    tariff = spoken.vpp("F01").tariff
    assert tariff is not None
    assert tariff.prices.feed_in_cny_per_mwh.tolist() == [280, 280, 290, 290, 300, 300]
    emission, wanted = (each.public.carbon.grid_emission_by_period_t_per_mwh for each in (spoken, plain))
    assert emission is not None
    assert wanted is not None
    assert np.allclose(emission, wanted, rtol=0, atol=1e-15)
    turbine, known = spoken.vpp("F02").mt, plain.vpp("F02").mt
    assert turbine == known


def test_a_source_is_told_of_every_column(tmp_path: Path) -> None:
    lines = list(understood(load_scenario(spoken_folder(tmp_path / "spoken"))))
    told = {line.partition(":")[0] for line in lines if not line.startswith("  ")}
    assert {"F01 H1", "F02 HY", "std feed in", "grid emission"} <= told


def test_written_out_it_is_the_same_scenario(tmp_path: Path) -> None:
    spoken = load_scenario(spoken_folder(tmp_path / "spoken"))
    write_scenario(spoken, tmp_path / "copy")
    again = load_scenario(tmp_path / "copy")
    assert again.plant_digests == spoken.plant_digests
    assert again.public.digest == spoken.public.digest


def test_a_unit_is_changed_by_values_with_units(tmp_path: Path) -> None:
    spoken = load_scenario(spoken_folder(tmp_path / "spoken"))
    changes = {
        "vpps.F01.units.B1.energy": "500 kWh",
        "vpps.F01.units.C1.compensation_eur_per_mwh": 700,
        "vpps.F02.units.G2.cost_b": "40 ct/kWh",
        "vpps.F02.mt.start_cost": "90 EUR",
    }
    changed = with_overrides(spoken, changes)
    units = {unit.id: unit.asset for vpp in changed.vpps for unit in vpp.units}
    assert units["B1"].energy_mwh == 0.5  # type: ignore[union-attr]
    assert units["C1"].compensation_cny_per_mwh == 700  # type: ignore[union-attr]
    assert units["G2"].cost_b_cny_per_mwh == 400  # type: ignore[union-attr]
    turbine = changed.vpp("F02").mt
    assert turbine is not None
    assert turbine.start_cost_cny == 90


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: ess, wear_eur_per_mwh: 8, energy: 1000 kWh,", "kind: ess, wear: 8 EUR/MWh, energy: 1 MW,",
         r"units\[4\] \(B1\)\.energy|units\[4\]\.energy"),
        ("kind: wt, om_cost: 15 EUR/MWh}", "kind: wt}", r"vpps\[0\]\.units\[3\]\.om_cost_eur_per_mwh"),
        ("compensation_eur_per_mwh: 800", "compensation_cny_per_mwh: 800", "call it compensation_eur_per_mwh"),
        ("F02_HY: 400 kW", "F02_HY: 400 kWh", "series.F02_HY"),
        ("F02_HY: 400 kW", "F02_HX: 400 kW", "did you mean F02_HY"),
        ("carbon: {base_price: 280 EUR/t}", "carbon: {base_price: 280 EUR/t, grid_emission: 0.9 t/MWh}",
         "must not be given together with the profile column or series grid_emission_t_per_mwh"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_unit_is_told_where_it_stands(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = spoken_folder(tmp_path / "spoken")
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "scenario.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ScenarioError, match=said):
        load_scenario(folder)


def test_the_schema_lets_fields_of_units_have_units() -> None:
    battery = scenario_schema()["$defs"]["EssUnit"]
    assert {"type", "pattern"} <= set(battery["properties"]["energy_mwh"]["anyOf"][-1])
    assert "energy" in battery["properties"]
    assert any("wear" in pattern for pattern in battery["patternProperties"])
