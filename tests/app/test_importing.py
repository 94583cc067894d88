"""Claims: data of others become runs by commands alone; powers, energies and prices are those of the raw files,
worked out here a second time; plants balance in every period; what an importer leaves reads, checks and tells."""

from __future__ import annotations

import csv
import json
import math
import re
import shlex
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backend_bases import RendererBase

from market.app.cli.main import command
from market.app.importing.libraries import quiet
from market.scenario import load_scenario
from market.scenario.document import parse_document
from market.scenario.scenario import Scenario
from tests.app import import_sources
from tests.app.import_sources import CO2, FIRMS, FUELS, UNITS

pytestmark = pytest.mark.timeout(900)
SUPPLY = (
    *("wt_mw", "pv_mw", "mt_mw", "discharge_mw", "cl_mw", "buy_mw", "direct_in_mw"),
    *("biomass_mw", "hydro_mw", "must_run_mw", "moved_away_mw"),
)
USE = ("load_mw", "charge_mw", "sell_mw", "direct_out_mw", "moved_here_mw", "tasks_mw")


def imported(*arguments: str | Path | int) -> None:
    assert command(["import", *map(str, arguments)]) == 0


def ran(folder: Path) -> list[dict[str, str]]:
    """A run in one process: that it ends in equilibrium and balances; its rows of dispatch."""
    out = folder.with_name(f"{folder.name}_run")
    assert command(["run", str(folder), "--in-process", "--quiet", "--out", str(out)]) == 0
    rows = table(out / "dispatch.csv")
    assert rows
    for row in rows:
        supply = sum(float(row.get(name, 0)) for name in SUPPLY)
        use = sum(float(row.get(name, 0)) for name in USE)
        assert abs(supply - use) <= 1e-6, row
    return rows


def table(path: Path, sep: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=sep))


def read(folder: Path) -> Any:
    """A scenario; of any kind of asset, since the tests know which they expect."""
    return load_scenario(folder)


def loads(scenario: Scenario) -> dict[str, np.ndarray[Any, Any]]:
    return {vpp.id: vpp.load_mw for vpp in scenario.vpps}


def parsed(folder: Path) -> dict[str, Any]:
    """A scenario's file as it is written."""
    return dict(parse_document((folder / "scenario.yaml").read_text()).values)


def close(found: Any, expected: Any) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-9, atol=1e-12))


# A CSV file


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csv")
    file = import_sources.meter(folder)
    columns = ("--load", "Farm=Hof", "--pv", "Farm=Dach", "--load", "Village=Dorf", "--wind", "Village=Wind")
    prices = ("--retail", "Preis", "--price-unit", "ct/kWh", "--feed-in", "8 ct/kWh", "--tz", "Europe/Berlin")
    battery = ("--battery", "Farm=400 kWh,150 kW")
    imported("csv", file, "--unit", "kW", *columns, *battery, *prices, "--out", folder / "farm")
    return folder / "farm"


def test_a_csv_file_is_taken_as_it_is(farm: Path) -> None:
    raw = [line.replace(",", ".").split(";") for line in (farm.parent / "meter.csv").read_text().splitlines()[1:]]
    scenario = read(farm)
    first, second = scenario.vpps
    assert scenario.public.horizon.periods == 192 == len(raw)
    found = (first.load_mw, second.load_mw, first.pv.forecast_mw, second.wt.forecast_mw)
    for place, values in enumerate(found, start=1):
        assert close(values, [float(row[place]) / 1000 for row in raw])
    assert close(scenario.public.tariff.retail_cny_per_mwh, [float(row[5]) * 10 for row in raw])
    assert set(scenario.public.tariff.feed_in_cny_per_mwh) == {80.0}
    assert (first.ess.energy_mwh, first.ess.charge_max_mw) == (0.4, 0.15)
    assert (farm / "meter.csv").read_bytes() == (farm.parent / "meter.csv").read_bytes()
    ran(farm)


def test_what_was_taken_and_what_not_is_told(farm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(
        "csv", farm.parent / "meter.csv", "--unit", "kW", "--load", "Farm=Hof", "--out", farm.parent / "small"
    )
    told = capsys.readouterr().out
    assert "columns that no flag names: Dorf, Dach, Wind, Preis" in told
    assert "retail: 300 EUR/MWh" in told
    readme = (farm.parent / "small" / "README.md").read_text()
    assert all(line.removeprefix("  ") in readme for line in told.splitlines() if line.startswith("  - "))
    assert (
        (farm.parent / "small" / "scenario.yaml")
        .read_text()
        .startswith("# Plants of meter.csv. Written by vppmarket")
    )


@pytest.mark.parametrize(
    ("sep", "decimal", "form", "stamp"),
    [
        (",", ".", "%Y-%m-%d %H:%M", "start"),
        (";", ",", "%d.%m.%Y %H:%M", "end"),
        ("\t", ",", "%Y/%m/%d %H:%M", "start"),
    ],
)
@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_the_form_of_a_file_is_read_off_it(
    sep: str, decimal: str, form: str, stamp: str, minutes: int, tmp_path: Path
) -> None:
    begins = [datetime(2023, 3, 1) + timedelta(minutes=minutes * at) for at in range(1440 // minutes)]
    values = [round(100 + 10 * math.sin(at), 3) for at in range(len(begins))]
    shift = timedelta(minutes=minutes if stamp == "end" else 0)
    rows = [
        f"{(at + shift).strftime(form)}{sep}{str(value).replace('.', decimal)}"
        for at, value in zip(begins, values, strict=True)
    ]
    (tmp_path / "a.csv").write_text("\n".join([f"when{sep}W", *rows]), encoding="utf-8-sig")
    imported("csv", tmp_path / "a.csv", "--unit", "W", "--load", "A=W", "--stamp", stamp, "--out", tmp_path / "a")
    (vpp,) = read(tmp_path / "a").vpps
    assert close(vpp.load_mw, np.array(values) / 1e6)


def test_rows_beyond_whole_days_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"2025-03-0{1 + (hour + 22) // 24} {(hour + 22) % 24:02}:00,{hour}" for hour in range(33)]
    (tmp_path / "odd.csv").write_text("\n".join(["time,A", *rows]) + "\n", encoding="utf-8")
    flags = ("--unit", "kW", "--load", "X=A", "--start", "2025-03-02")
    imported("csv", tmp_path / "odd.csv", *flags, "--out", tmp_path / "o")
    told = capsys.readouterr().out
    assert "2 rows before 2025-03-02 00:00; say --start" in told
    assert "7 rows after the last whole day taken" in told
    assert "7 rows after" in (tmp_path / "o" / "README.md").read_text(encoding="utf-8")


# Households of EMHASS


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emhass")
    files = [import_sources.household(folder / "home"), import_sources.household(folder / "next", 2)]
    files.append(import_sources.household(folder / "third", old=False))
    imported("emhass", *files, "--out", folder / "street")
    return folder / "street"


def columns(path: Path) -> list[float]:
    return [float(line.split(",")[1]) for line in path.read_text().splitlines()]


def test_a_household_with_two_deferrable_loads_and_its_neighbours(street: Path) -> None:
    scenario = read(street)
    home, neighbour, third = scenario.vpps
    for vpp in scenario.vpps:
        raw = columns(street.parent / vpp.id / "data" / "data_load_forecast.csv")
        assert close(vpp.load_mw, np.array(raw) / 1e6)
    assert close(
        home.pv.forecast_mw, np.array(columns(street.parent / "home" / "data" / "data_weather_forecast.csv")) / 1e6
    )
    tasks = [
        (unit.asset.energy_mwh, unit.asset.power_max_mw, unit.asset.earliest_h, unit.asset.latest_h)
        for unit in home.units
    ]
    assert close(tasks, [(0.015, 0.003, 0, 24), (0.006, 0.00075, 6, 20)])
    assert [round(unit.asset.energy_mwh, 9) for unit in third.units] == [0.006]
    ess = neighbour.ess
    assert close(
        (ess.energy_mwh, ess.charge_max_mw, ess.discharge_max_mw, ess.soc_initial), (0.005, 0.0012, 0.001, 0.6)
    )
    rows = ran(street)
    for vpp in scenario.vpps:
        mine = [
            float(row["tasks_mw"]) for row in rows if row["vpp"] == vpp.id and row["stage"] == rows[-1]["stage"]
        ]
        assert math.isclose(sum(mine) / 2, sum(unit.asset.energy_mwh for unit in vpp.units), abs_tol=1e-9)


def test_a_household_keeps_its_tariff(street: Path) -> None:
    scenario = read(street)
    expected = []
    for step in range(48):
        minute = step * 30
        peak = 174 <= minute < 924 or 1044 <= minute < 1224
        expected.append(190.7 if peak else 141.9)
    assert close(scenario.public.tariff.retail_cny_per_mwh, expected)
    assert set(scenario.public.tariff.feed_in_cny_per_mwh) == {65.0}
    home, neighbour, third = scenario.vpps
    assert home.tariff is None
    assert neighbour.tariff is None
    costs = np.array(columns(street.parent / "third" / "data" / "data_load_cost_forecast.csv")) * 1000
    assert close(third.tariff.prices.retail_cny_per_mwh, costs)
    assert close(scenario.public.market.price_max_cny_per_mwh, min(141.9, costs.min()))


def test_tasks_come_again_on_each_day(tmp_path: Path) -> None:
    config = import_sources.household(tmp_path / "home")
    data = tmp_path / "home" / "data" / "data_load_forecast.csv"
    more = data.read_text().replace("2021-04-29", "2021-04-30")
    data.write_text(data.read_text() + more)
    sun = data.with_name("data_weather_forecast.csv")
    sun.write_text(sun.read_text() + sun.read_text().replace("2021-04-29", "2021-04-30"))
    imported("emhass", config, "--out", tmp_path / "two")
    (vpp,) = read(tmp_path / "two").vpps
    windows = [(unit.asset.earliest_h, unit.asset.latest_h) for unit in vpp.units]
    assert windows == [(0, 24), (24, 48), (6, 20), (30, 44)]


# A fleet of ASSUME


@pytest.fixture(scope="module")
def firms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assume")
    imported("assume", import_sources.fleet(folder / "fleet"), "--out", folder / "firms")
    return folder / "firms"


def test_ten_firms_with_149_units(firms: Path) -> None:
    scenario = read(firms)
    raw = firms.parent / "fleet"
    rows = table(raw / "powerplant_units.csv")
    assert len(scenario.vpps) == FIRMS
    units = {unit.label: unit.asset for vpp in scenario.vpps for unit in vpp.units}
    assert len(rows) == UNITS
    assert set(units) == {row["name"] for row in (*rows, *table(raw / "storage_units.csv"))}
    hours = table(raw / "availability_df.csv")[:24]
    for row in rows:
        unit, power = units[row["name"]], float(row["max_power"])
        if row["fuel_type"] == "renewable":
            expected = [float(hour[row["name"]]) * power for hour in hours]
            assert close(
                getattr(unit, "forecast_mw", None) if row["technology"] != "hydro" else unit.inflow_mw, expected
            )
            continue
        efficiency = float(row["efficiency"])
        cost = FUELS[row["fuel_type"]] / efficiency + float(row["additional_cost"])
        assert close((unit.p_max_mw, unit.cost_b_cny_per_mwh), (power, cost))
        assert close(unit.emission_t_per_mwh, float(row["emission_factor"]) / efficiency)
    assert scenario.public.carbon.base_price_cny_per_t == CO2
    demand = table(raw / "demand_df.csv")[:24]
    for place, load in enumerate(loads(scenario).values(), start=1):
        assert close(load, [float(hour[f"demand_{place}"]) for hour in demand])
    ran(firms)


def test_commitment_takes_least_outputs_starts_and_times(firms: Path) -> None:
    imported("assume", firms.parent / "fleet", "--commitment", "--out", firms.parent / "committed")
    scenario = read(firms.parent / "committed")
    units = {unit.label: unit.asset for vpp in scenario.vpps for unit in vpp.units}
    for row in table(firms.parent / "fleet" / "powerplant_units.csv"):
        if row["fuel_type"] != "renewable":
            unit, power = units[row["name"]], float(row["max_power"])
            assert unit.commitment
            assert close((unit.p_min_mw, unit.start_cost_cny), (float(row["min_power"]), start_cost(row) * power))
            assert (unit.min_up_h, unit.min_down_h) == (4.0, float(row["min_down_time"]))


def start_cost(row: dict[str, str]) -> float:
    """What ASSUME asks for a start after a night of 8 h, or after the least time off, for each MW."""
    off_h = max(8.0, float(row["min_down_time"]))
    if off_h <= float(row["downtime_hot_start"] or 0):
        return 30.4
    return 47.5 if off_h <= float(row["downtime_warm_start"] or 0) else 69.3


# Sun and wind of a typical year

ROOFS = tuple(
    (f"Roof{at}", 200.0 + 50 * at, (20, 30, 45)[at % 3], (90, 180, 270, 200, 150)[at]) for at in range(5)
)
HILLS = tuple(
    (f"Hill{at}", ("E-126/4200", "V90/2000", "E-101/3050")[at % 3], 1 + at, (99.0, 105.0, 120.0)[at % 3])
    for at in range(5)
)


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten plants: five roofs, then five hills beside them."""
    folder = tmp_path_factory.mktemp("tmy")
    roofs = [
        f"{name}={size:g} kW,tilt={tilt},azimuth={azimuth},load=150 kW" for name, size, tilt, azimuth in ROOFS
    ]
    hills = [f"{name}={kind},number={count},hub={hub:g},load=1.5 MW" for name, kind, count, hub in HILLS]
    flags = ("--start", "2025-04-10", "--days", "2")
    imported("pvlib", *(word for roof in roofs for word in ("--plant", roof)), *flags, "--out", folder / "sun")
    imported(
        "wind",
        *(word for hill in hills for word in ("--plant", hill)),
        "--add-to",
        folder / "sun",
        "--out",
        folder / "ten",
    )
    return folder / "ten"


def typical_hours() -> list[dict[str, float]]:
    """The 48 hours of 10 and 11 April in the year that pvlib ships, straight from its file."""
    import pvlib

    path = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
    with path.open(encoding="utf-8") as file:
        next(file)
        rows = [row for row in csv.DictReader(file) if row["Date (MM/DD/YYYY)"][:5] in ("04/10", "04/11")]
    names = {
        "ghi": "GHI (W/m^2)",
        "dni": "DNI (W/m^2)",
        "dhi": "DHI (W/m^2)",
        "temp": "Dry-bulb (C)",
        "wind": "Wspd (m/s)",
    }
    return [{name: float(row[column]) for name, column in names.items()} for row in rows]


def sun_power(hour: dict[str, float], zenith: float, azimuth: float, tilt: float, facing: float) -> float:
    """PVWatts under an isotropic sky, from its formulas: share of what is installed."""
    beta, turn, high = math.radians(tilt), math.radians(azimuth - facing), math.radians(zenith)
    straight = math.cos(high) * math.cos(beta) + math.sin(high) * math.sin(beta) * math.cos(turn)
    diffuse = hour["dhi"] * (1 + math.cos(beta)) / 2 + hour["ghi"] * 0.25 * (1 - math.cos(beta)) / 2
    light = hour["dni"] * max(0.0, straight) + diffuse
    warm = hour["temp"] + light / (25.0 + 6.84 * hour["wind"])
    direct = light / 1000 * (1 - 0.004 * (warm - 25)) * 0.86
    zeta = direct * 0.96
    if zeta <= 0:
        return 0.0
    efficiency = 0.96 / 0.9637 * (-0.0162 * zeta - 0.0059 / zeta + 0.9858)
    return min(1.0, max(0.0, efficiency * direct))


def test_ten_plants_of_sun_and_wind(ten: Path) -> None:
    import pandas as pd
    import pvlib
    import windpowerlib

    scenario, hours = read(ten), typical_hours()
    assert len(scenario.vpps) == 10
    assert scenario.public.horizon.periods == 48 == len(hours)
    middles = pd.date_range("2025-04-10 00:30", periods=48, freq="h", tz="Etc/GMT+5")
    with quiet():
        sun = pvlib.solarposition.ephemeris(middles, 36.1, -79.95)  # another algorithm than the importer's
    for (name, size, tilt, facing), vpp in zip(ROOFS, scenario.vpps[:5], strict=True):
        assert vpp.id == name
        angles = zip(sun["apparent_zenith"], sun["azimuth"], strict=True)
        expected = [
            sun_power(hour, *angle, tilt, facing) * size / 1000 for hour, angle in zip(hours, angles, strict=True)
        ]
        assert np.allclose(vpp.pv.forecast_mw, expected, rtol=2e-3, atol=2e-4 * size / 1000)
        assert set(vpp.load_mw) == {0.15}
    curves = Path(windpowerlib.__file__).parent / "oedb" / "power_curves.csv"
    by_type = {row["turbine_type"]: row for row in table(curves)}
    for (name, kind, count, hub), vpp in zip(HILLS, scenario.vpps[5:], strict=True):
        assert vpp.id == name
        points = [
            (float(speed), float(watts))
            for speed, watts in by_type[kind].items()
            if speed != "turbine_type" and watts
        ]
        speeds = [hour["wind"] * math.log(hub / 0.15) / math.log(10 / 0.15) for hour in hours]
        known, watts = zip(*points, strict=True)
        expected = list(np.interp(speeds, known, watts, left=0, right=0) * count / 1e6)
        assert np.allclose(vpp.wt.forecast_mw, expected, rtol=1e-6, atol=1e-6)
    ran(ten)
    assert (ten / "README_sun.md").is_file()
    assert not (ten / "weather_2.csv").exists()


def test_a_typical_year_of_ones_own_is_read_too(tmp_path: Path) -> None:
    import pvlib

    raw = (Path(pvlib.__file__).parent / "data" / "703165TY.csv").read_bytes()
    (tmp_path / "mine.csv").write_bytes(raw)
    for name, tmy in (("a", tmp_path / "mine.csv"), ("b", "sand-point")):
        imported("pvlib", "--tmy", tmy, "--plant", "Roof=10 kW", "--out", tmp_path / name)
    assert (tmp_path / "a" / "sun.csv").read_bytes() == (tmp_path / "b" / "sun.csv").read_bytes()


# SimBench by feeders

CODE = "1-MV-rural--1-sw"


def raw_grid() -> Path:
    with quiet():
        import simbench

    return Path(simbench.__file__).parent / "networks" / "1-complete_data-mixed-all-1-sw"


def raw_rows(name: str) -> list[dict[str, str]]:
    """What hangs on the network's nodes, in the package's table."""
    return [
        row
        for row in table(raw_grid() / name, ";")
        if row["node"].startswith("MV1.101 ") and row["voltLvl"] == "5"
    ]


def raw_profiles(name: str) -> dict[str, np.ndarray[Any, Any]]:
    with (raw_grid() / name).open(encoding="utf-8") as file:
        rows = csv.reader(file, delimiter=";")
        header = next(rows)
        day = [row for row in rows if row[0].startswith("15.06.2016")]
    return {column: np.array([float(row[at]) for row in day]) for at, column in enumerate(header) if at}


def raw_feeders() -> dict[str, int]:
    """By node the number of its feeder, from lines and closed switches; 0 on the busbars."""
    edges = defaultdict(set)
    for row in table(raw_grid() / "Line.csv", ";"):
        if row["nodeA"].startswith("MV1.101 "):
            edges[row["nodeA"]].add(row["nodeB"])
            edges[row["nodeB"]].add(row["nodeA"])
    for row in table(raw_grid() / "Switch.csv", ";"):
        if row["nodeA"].startswith("MV1.101 ") and row["nodeB"].startswith("MV1.101 ") and row["cond"] == "1":
            edges[row["nodeA"]].add(row["nodeB"])
            edges[row["nodeB"]].add(row["nodeA"])
    found = {node: 0 for node in edges if "busbar" in node}
    count = 0
    for start in edges:
        if start not in found:
            count += 1
            queue = [start]
            found[start] = count
            while queue:
                new = [node for node in edges[queue.pop()] if node not in found]
                found.update(dict.fromkeys(new, count))
                queue += new
    return found


@pytest.fixture(scope="module")
def rural(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("simbench")
    for count in (9, 20):
        imported("simbench", CODE, "--by", "feeder", "--vpps", count, "--out", folder / f"rural{count}")
    return {count: folder / f"rural{count}" for count in (9, 20)}


@pytest.mark.in_turn("simbench")
def test_pictures_after_an_import_are_those_before(rural: dict[int, Path]) -> None:
    """A library that draws all lines anew when it is loaded is not let do so."""
    assert len(rural) == 2
    assert RendererBase.new_gc.__module__ == "matplotlib.backend_bases"


@pytest.mark.in_turn("simbench")
@pytest.mark.sampled(1)
@pytest.mark.parametrize("count", [9, 20])
def test_a_network_by_feeders(count: int, rural: dict[int, Path]) -> None:
    scenario = read(rural[count])
    assert (len(scenario.vpps), scenario.public.horizon.periods) == (count, 96)
    load_rows, sun_rows, stores = raw_rows("Load.csv"), raw_rows("RES.csv"), raw_rows("Storage.csv")
    profiles, shapes = raw_profiles("LoadProfile.csv"), raw_profiles("RESProfile.csv")
    expected = sum(float(row["pLoad"]) * profiles[f"{row['profile']}_pload"] for row in load_rows)
    assert close(sum(loads(scenario).values()), expected)
    units = {unit.label: unit.asset for vpp in scenario.vpps for unit in vpp.units}
    assert set(units) == {row["id"] for row in (*sun_rows, *stores)}
    for row in sun_rows:
        unit = units[row["id"]]
        made = next(
            value
            for name in ("forecast_mw", "inflow_mw", "output_mw")
            if (value := getattr(unit, name, None)) is not None
        )
        assert close(made, float(row["pRES"]) * shapes[row["profile"]])
    for row in stores:
        unit = units[row["id"]]
        assert close((unit.energy_mwh, unit.charge_max_mw), (float(row["eStore"]), float(row["sR"])))
    ran(rural[count])


@pytest.mark.in_turn("simbench")
def test_each_plant_is_a_feeder_of_the_raw_network(rural: dict[int, Path]) -> None:
    """Nine plants are its eight feeders and what hangs on the busbars; of twenty none reaches over two feeders."""
    feeder_of = raw_feeders()
    node_of = {row["id"]: row["node"] for name in ("RES.csv", "Storage.csv") for row in raw_rows(name)}
    for count, scenario in ((count, read(folder)) for count, folder in rural.items()):
        held = [{feeder_of[node_of[unit.label]] for unit in vpp.units} for vpp in scenario.vpps]
        assert all(len(found) <= 1 for found in held)
        if count == 9:
            assert sorted(number for found in held for number in found) == sorted({*feeder_of.values()})


@pytest.mark.in_turn
def test_vehicles_may_charge_until_they_leave(tmp_path: Path) -> None:
    code = "1-LV-semiurb5--2-sw"
    flags = ("--start", "2016-06-15", "--days", "2", "--vpps", "5")
    imported("simbench", code, *flags, "--out", tmp_path / "fixed")
    imported("simbench", code, *flags, "--flexible-vehicles", "--out", tmp_path / "flexible")
    fixed, free = read(tmp_path / "fixed"), read(tmp_path / "flexible")
    vehicles = [unit.asset for vpp in free.vpps for unit in vpp.units if unit.kind == "ev"]
    assert len(vehicles) > 10
    charged = sum(vehicle.energy_mwh for vehicle in vehicles)
    less = sum(float(vpp.load_mw.sum()) for vpp in fixed.vpps) - sum(float(vpp.load_mw.sum()) for vpp in free.vpps)
    assert math.isclose(less * 0.25, charged, rel_tol=1e-6)
    assert all(vehicle.departure_h - vehicle.arrival_h >= charged_h(vehicle) - 1e-9 for vehicle in vehicles)


def charged_h(vehicle: Any) -> float:
    return float(vehicle.energy_mwh / vehicle.power_max_mw)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("day", "rows"), [("2016-03-27", 92), ("2016-10-30", 100)])
def test_a_day_on_which_clocks_change_has_all_its_quarter_hours(day: str, rows: int, tmp_path: Path) -> None:
    """The hour that is left out, and the one that comes twice, as the package's own rows have them."""
    imported("simbench", "1-LV-rural1--1-sw", "--start", day, "--out", tmp_path / "day")
    scenario = read(tmp_path / "day")
    assert scenario.public.horizon.periods == rows
    raw = [
        row
        for row in table(raw_grid() / "RESProfile.csv", ";")
        if row["time"].startswith(f"{day[8:]}.{day[5:7]}.")
    ]
    assert len(raw) == rows
    entry = next(entry for entry in parsed(tmp_path / "day")["series"].items() if entry[0] == "F01_pv1")[1]
    (sun,) = (unit.asset for unit in scenario.vpps[0].units if unit.id == "pv1")
    size = float(entry["scale"].removesuffix(" MW"))
    assert close(sun.forecast_mw, [float(row[entry["column"]]) * size for row in raw])


# What is left


@pytest.mark.parametrize("name", ["farm", "street", "firms", "ten"])
def test_a_folder_reads_as_people_write_it(name: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(name)
    text = (folder / "scenario.yaml").read_text()
    assert max(map(len, text.splitlines())) <= 250
    assert "# Source: " in text
    values = parse_document(text).values
    series = json.dumps(values["series"])
    assert '"column"' in series
    assert len(re.findall(r"\d+\.\d{10,}", series)) == 0
    assert command(["check", str(folder)]) == 0
    assert "## Taken" in (folder / "README.md").read_text()


ROOT = Path(__file__).parents[2]


@pytest.mark.in_turn
def test_the_documented_way_from_raw_files_to_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the page, one after the other, beside nothing but the raw files."""
    page = (ROOT / "docs" / "your-data.md").read_text(encoding="utf-8")
    part = page.partition("## From data that others publish")[2].partition("## By hand")[0]
    lines = [line.strip() for line in part.splitlines() if line.startswith("    vppmarket ")]
    import_sources.meter(tmp_path)
    import_sources.fleet(tmp_path / "fleet")
    for number, name in enumerate(("home", "next", "third"), start=1):
        import_sources.household(tmp_path / name, number, old=name != "third")
    monkeypatch.chdir(tmp_path)
    assert len(lines) == 13
    for line in lines:
        assert command([*shlex.split(line)[1:], "--quiet"]) == 0, line
    assert len(list((tmp_path / "runs").iterdir())) == 6
