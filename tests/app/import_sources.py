"""Raw files as other tools have them, made by formulas: a meter's CSV, households of EMHASS, a fleet of ASSUME."""

from __future__ import annotations

import json
from math import cos, pi, sin
from pathlib import Path

FIRMS, UNITS = 10, 149
FUELS = {"uranium": 1.0, "lignite": 2.5, "hard coal": 9.8, "natural gas": 24.5, "oil": 41.0}
CO2 = 62.5
_THERMAL = (  # technology, fuel, emission factor, least share, efficiency, additional cost
    ("nuclear", "uranium", 0.0, 0.4, 0.33, 10.3),
    ("lignite", "lignite", 0.406, 0.5, 0.38, 1.65),
    ("hard coal", "hard coal", 0.335, 0.4, 0.42, 1.3),
    ("combined cycle gas turbine", "natural gas", 0.201, 0.3, 0.56, 1.0),
    ("oil", "oil", 0.288, 0.2, 0.35, 2.8),
)
RENEWABLE = ("wind_onshore", "solar", "hydro")


def meter(folder: Path) -> Path:
    """Quarter hours of three columns in kW, with semicolons and decimal commas, and a price in ct/kWh."""
    rows = ["Zeit;Hof;Dorf;Dach;Wind;Preis"]
    for day in (15, 16):
        for quarter in range(96):
            hour = quarter / 4
            numbers = (
                300 + 100 * cos((hour - 9) * pi / 12),
                250 + day,
                max(0.0, 900 * cos((hour - 13) * pi / 15)),
                400 + 200 * sin(hour + day),
                25 + 5 * cos((hour - 19) * pi / 12),
            )
            cells = ";".join(f"{value:.3f}" for value in numbers).replace(".", ",")
            rows.append(f"{day:02d}.06.2016 {quarter // 4:02d}:{quarter % 4 * 15:02d};{cells}")
    path = folder / "meter.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def household(folder: Path, number: int = 1, *, old: bool = True) -> Path:
    """A household with two deferrable loads; from its second on with a battery and another tariff.

    old : the YAML of older versions, with PV; else the flat JSON of newer ones, with its prices in files
    """
    data = folder / "data"
    data.mkdir(parents=True)
    stamps = [f"2021-04-29 {step // 2:02d}:{step % 2 * 30:02d}:00+00:00" for step in range(48)]
    loads = [300 + 50 * number + 900 * max(0.0, sin((step / 2 - 15) * pi / 8)) for step in range(48)]
    suns = [max(0.0, 3900 * cos((step / 2 - 12.5) * pi / 13)) for step in range(48)]
    costs = [0.21 + 0.08 * sin(step * pi / 24) for step in range(48)]
    _columns(data / "data_load_forecast.csv", stamps, loads)
    if old:
        _columns(data / "data_weather_forecast.csv", stamps, suns)
        path = folder / "config_emhass.yaml"
        path.write_text(_old_config(number))
        return path
    _columns(data / "data_load_cost_forecast.csv", stamps, costs)
    _columns(data / "data_prod_price_forecast.csv", stamps, [cost - 0.15 for cost in costs])
    path = folder / "config.json"
    path.write_text(json.dumps(_new_config(), indent=1))
    return path


def _columns(path: Path, stamps: list[str], values: list[float]) -> None:
    path.write_text("".join(f"{stamp},{value!r}\n" for stamp, value in zip(stamps, values, strict=True)))


def _old_config(number: int) -> str:
    return f"""\
retrieve_hass_conf:
  freq: 30 # minutes
  var_PV: 'sensor.power_photovoltaics'
optim_conf:
  set_use_battery: {number > 1}
  num_def_loads: 2
  P_deferrable_nom: # Watts
  - 3000.0
  - 750.0
  def_total_hours:
  - {4 + number}
  - 8
  def_start_timestep:
  - 0
  - 12
  def_end_timestep:
  - 0
  - 40
  treat_def_as_semi_cont:
  - True
  - True
  load_cost_forecast_method: 'hp_hc_periods'
  list_hp_periods:
  - period_hp_1:
    - start: '02:54'
    - end: '15:24'
  - period_hp_2:
    - start: '17:24'
    - end: '20:24'
  load_cost_hp: 0.1907
  load_cost_hc: 0.1419
  prod_price_forecast_method: 'constant'
  prod_sell_price: 0.065
plant_conf:
  P_from_grid_max: 9000
  P_to_grid_max: 9000
  Pd_max: 1000
  Pc_max: 1200
  eta_disch: 0.95
  eta_ch: 0.94
  Enom: 5000
  SOCmin: 0.3
  SOCmax: 0.9
  SOCtarget: 0.6
"""


def _new_config() -> dict[str, object]:
    return {
        "optimization_time_step": 30,
        "number_of_deferrable_loads": 2,
        "list_nominal_power_of_deferrable_loads": [
            {"nominal_power_of_deferrable_loads": 2000.0},
            {"nominal_power_of_deferrable_loads": 750.0},
        ],
        "operating_hours_of_each_deferrable_load": [3, 0],
        "start_timesteps_of_each_deferrable_load": [16, 0],
        "end_timesteps_of_each_deferrable_load": [36, 0],
        "load_cost_forecast_method": "csv",
        "production_price_forecast_method": "csv",
        "photovoltaic_production_sell_price": 0.05,
        "maximum_power_from_grid": 12000,
        "maximum_power_to_grid": 12000,
        "set_use_battery": False,
    }


_WARMTH = (",", "8,48", "5,48")
"""Hours within which a start is hot, and within which it is warm; nothing is 0."""


def fleet(folder: Path) -> Path:
    """Ten firms with 149 power plants, each with its customers' demand; three have a store."""
    folder.mkdir(parents=True)
    plants = [
        "name,technology,bidding_EOM,fuel_type,emission_factor,max_power,min_power,efficiency,ramp_up,ramp_down,"
        "additional_cost,hot_start_cost,warm_start_cost,cold_start_cost,downtime_hot_start,downtime_warm_start,"
        "min_operating_time,min_down_time,unit_operator"
    ]
    renewable = list[str]()
    for at in range(UNITS):
        firm, name = f"FIRM {at % FIRMS + 1}", f"Block {at + 1}"
        if at % 7 == 3:
            technology = RENEWABLE[at // 7 % 3]
            renewable.append(name)
            plants.append(f"{name},{technology},naive_eom,renewable,0,{40 + at},0,1,,,0.5,0,0,0,0,0,0,0,{firm}")
        else:
            technology, fuel, factor, least, efficiency, extra = _THERMAL[(at // FIRMS) % 5]
            power = 60 + 3 * at
            fall, off_h = (power, 10) if at % 2 else ("-", 3)
            plants.append(
                f"{name},{technology},naive_eom,{fuel},{factor},{power},{power * least:g},{efficiency + at / 1e4},"
                f"{power},{fall},{extra},30.4,47.5,69.3,{_WARMTH[at % 3]},4,{off_h},{firm}"
            )
    (folder / "powerplant_units.csv").write_text("\n".join(plants) + "\n")
    stores = [
        "name,technology,max_power_charge,max_power_discharge,efficiency_charge,efficiency_discharge,min_soc,max_soc,"
        "additional_cost_charge,additional_cost_discharge,unit_operator",
        *(
            f"Lake {firm},PSPP,{50 + firm},{60 + firm},0.85,0.9,1,{400 + firm},0.28,0.3,FIRM {firm}"
            for firm in (2, 5, 9)
        ),
    ]
    (folder / "storage_units.csv").write_text("\n".join(stores) + "\n")
    demands = [f"demand_{firm}" for firm in range(1, FIRMS + 1)]
    lines = [f"{name},inflex_demand,naive_eom,100000,0,FIRM {at}" for at, name in enumerate(demands, start=1)]
    (folder / "demand_units.csv").write_text(
        "\n".join(["name,technology,bidding_EOM,max_power,min_power,unit_operator", *lines]) + "\n"
    )
    hours = [f"2019-01-{1 + hour // 24:02d} {hour % 24:02d}:00:00" for hour in range(48)]
    _table(
        folder / "demand_df.csv",
        hours,
        demands,
        lambda hour, at: 600 + 500 * at + (150 + 40 * at) * sin((hour - 8 - at) * pi / 12),
    )
    _table(
        folder / "availability_df.csv",
        hours,
        renewable,
        lambda hour, at: max(0.0, 0.4 + 0.35 * sin(hour * pi / 12 + at)),
    )
    fuels = {**FUELS, "co2": CO2}
    (folder / "fuel_prices_df.csv").write_text(
        f"fuel,{','.join(fuels)}\nprice,{','.join(map(repr, fuels.values()))}\n"
    )
    (folder / "config.yaml").write_text(
        "base:\n  start_date: 2019-01-01 00:00\n  end_date: 2019-01-02 00:00\n  time_step: 1h\n"
    )
    return folder


def _table(path: Path, hours: list[str], names: list[str], value: object) -> None:
    assert callable(value)
    rows = (
        ",".join([stamp, *(f"{value(hour, at)!r}" for at in range(len(names)))])
        for hour, stamp in enumerate(hours)
    )
    path.write_text("\n".join([",".join(["datetime", *names]), *rows]) + "\n")
