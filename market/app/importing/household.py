"""`vppmarket import emhass`: households as EMHASS describes them, each from its configuration and its CSV files.

EMHASS (github.com/davidusb-geek/emhass, MIT) plans one home: load, PV, battery, deferrable loads, a tariff. Its
configuration is YAML in three sections in older versions, and one flat JSON in newer ones, with other names for
the same things; its series are `data_*.csv` without a header, a time and a number a row. Formats were read off
its documentation and examples; no code of it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

from market.app.importing.csv_form import refuse_steps, usual_step_s
from market.app.importing.draft import Draft, Fields, Provenance, number, rules, unique_ids
from market.app.importing.source_tables import bytes_of, refuse, rows_of, table_of
from market.app.importing.wanted import ImportWishes
from market.errors import ScenarioError
from market.model.calendar import stamps
from market.model.rules import Horizon
from market.scenario.document import parse_document
from market.scenario.series.table import CellTable

_OLD_NAMES: Final = {
    "optimization_time_step": "freq",
    "number_of_deferrable_loads": "num_def_loads",
    "nominal_power_of_deferrable_loads": "P_deferrable_nom",
    "operating_hours_of_each_deferrable_load": "def_total_hours",
    "start_timesteps_of_each_deferrable_load": "def_start_timestep",
    "end_timesteps_of_each_deferrable_load": "def_end_timestep",
    "treat_deferrable_load_as_semi_cont": "treat_def_as_semi_cont",
    "set_deferrable_load_single_constant": "set_def_constant",
    "set_deferrable_startup_penalty": "def_start_penalty",
    "load_peak_hour_periods": "list_hp_periods",
    "load_peak_hours_cost": "load_cost_hp",
    "load_offpeak_hours_cost": "load_cost_hc",
    "production_price_forecast_method": "prod_price_forecast_method",
    "photovoltaic_production_sell_price": "prod_sell_price",
    "maximum_power_from_grid": "P_from_grid_max",
    "maximum_power_to_grid": "P_to_grid_max",
    "battery_discharge_power_max": "Pd_max",
    "battery_charge_power_max": "Pc_max",
    "battery_discharge_efficiency": "eta_disch",
    "battery_charge_efficiency": "eta_ch",
    "battery_nominal_energy_capacity": "Enom",
    "battery_minimum_state_of_charge": "SOCmin",
    "battery_maximum_state_of_charge": "SOCmax",
    "battery_target_state_of_charge": "SOCtarget",
}
"""What newer versions call a setting, and what older ones did."""

_LOAD, _SUN, _COST, _SALE = (
    *("data_load_forecast.csv", "data_weather_forecast.csv"),
    *("data_load_cost_forecast.csv", "data_prod_price_forecast.csv"),
)
_TIME: Final = {"header": False, "time": "1"}


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration, by the names of newer versions. place : its file, for messages"""

    values: Mapping[str, Any]
    place: str

    def get(self, name: str, default: Any = None) -> Any:
        """A setting, or its default."""
        return self.values.get(name, default)

    def number(self, name: str, default: float | None = None) -> float:
        """A setting that is a number of at least 0; without a default it has to be there."""
        value = self.values.get(name, default)
        return self._checked(name, value)

    def listed(self, name: str, count: int, default: float | None = None) -> list[float]:
        """A setting of each deferrable load: numbers in a list, also where each is wrapped in its name."""
        given = self.values.get(name, self.values.get(f"list_{name}"))
        if given is None and default is not None:
            return [default] * count
        items = given if isinstance(given, list) else [given]
        plain = [item.get(name) if isinstance(item, dict) else item for item in items]
        if len(plain) < count:
            rule = f"must have a number for each of the {count} deferrable loads"
            refuse(
                rule,
                f"{len(plain)}",
                f"{self.place} {name}",
                "give one for each, or lower number_of_deferrable_loads",
            )
        return [self._checked(name, item) for item in plain[:count]]

    def any_true(self, name: str, count: int) -> bool:
        """Whether it is true, or not 0, of any deferrable load."""
        return any(self.listed(name, count, 0.0))

    def _checked(self, name: str, value: Any) -> float:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = value or None
        if not isinstance(value, int | float) or not 0 <= value < 1e12:
            rule = "must be a number of at least 0"
            refuse(
                rule, "nothing" if value is None else repr(value), f"{self.place} {name}", "correct the setting"
            )
        return float(value)


@dataclass(slots=True)
class _Home:
    """A household on the way to a draft."""

    id: str
    settings: Settings
    data: Path
    series: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    took: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    least_price: float = 0.0

    def take(self, name: str, unit: str) -> Fields | None:
        """A series of one of its files, which is copied; None where there is no such file."""
        path = self.path(name)
        if path is None:
            return None
        copied = f"{self.id}_{name}"
        self.files[copied] = bytes_of(path)
        return {"file": copied, **_TIME, "column": 2, "unit": unit}

    def path(self, name: str) -> Path | None:
        """Where EMHASS keeps it: in `data` beside the configuration, or beside it."""
        return next((at for at in (self.data / "data" / name, self.data / name) if at.is_file()), None)


def household_draft(configs: Sequence[Path], wanted: ImportWishes) -> Draft:
    """Households, one from each configuration. ScenarioError for what cannot be."""
    currency = wanted.currency
    for flag, text in (("--retail", wanted.retail), ("--feed-in", wanted.feed_in)):
        if text is not None:
            refuse(
                "must be left out: households have prices of their own", text, flag, "edit the scenario instead"
            )
    ids = unique_ids((_home_name(path) for path in configs), "Home")
    homes = [_Home(name, settings_of(path), path.parent) for name, path in zip(ids, configs, strict=True)]
    fields, known = _horizon(homes[0], wanted)
    vpps = [_household(home, currency, known) for home in homes]
    cap = _tariffs(homes, vpps)
    series = {name: entry for home in homes for name, entry in home.series.items()}
    prices = replace(wanted.prices(), assumed=())
    sections = rules(currency, prices)
    capped: tuple[str, ...] = ()
    if cap is not None:
        sections["market"]["price_max"] = f"{number(cap)} {currency}/kWh"
        capped = (
            f"no offer is above {number(cap)} {currency}/kWh, the lowest price of energy of all (price_max)",
        )
    assumed = () if wanted.carbon or wanted.base else ("carbon costs nothing (carbon.base_price)",)
    several = f"{len(homes)} households" if len(homes) > 1 else "A household"
    return Draft(
        f"{several} as EMHASS describes {'them' if len(homes) > 1 else 'it'}",
        currency,
        {"horizon": fields, **sections},
        series,
        vpps,
        {name: data for home in homes for name, data in home.files.items()},
        Provenance(
            tuple(
                f"{home.settings.place}, an EMHASS configuration, and the CSV files beside it" for home in homes
            ),
            tuple(f"{home.id}: {line}" for home in homes for line in home.took),
            tuple(f"{home.id}: {line}" for home in homes for line in home.dropped),
            (
                *(f"{home.id}: {line}" for home in homes for line in home.assumed),
                *assumed,
                *capped,
                *wanted.assumed(prices),
            ),
        ),
    )


def settings_of(path: Path) -> Settings:
    """Read a configuration of either form. ScenarioError where it is none."""
    text = bytes_of(path).decode("utf-8", errors="replace")
    try:
        values = json.loads(text) if path.suffix.lower() == ".json" else parse_document(text).values
    except json.JSONDecodeError as error:
        refuse("must be readable JSON", error.msg, f"{path}:{error.lineno}", "correct the line, or the one before")
    except ScenarioError as error:
        fault = error.faults[0]
        refuse(fault.rule, fault.value, fault.place.replace("scenario.yaml", str(path)), fault.remedy)
    sections = ("retrieve_hass_conf", "optim_conf", "plant_conf")
    if not isinstance(values, dict):
        refuse(
            "must be a configuration of EMHASS", "no mapping", str(path), "give config_emhass.yaml or config.json"
        )
    flat: dict[str, Any] = {}
    for section in sections:
        if isinstance(part := values.get(section), dict):
            flat |= part
    flat = flat or values
    new_names = {old: new for new, old in _OLD_NAMES.items()}
    settings = {new_names.get(name, name): value for name, value in flat.items()}
    if "number_of_deferrable_loads" not in settings:
        known = ", ".join(list(settings)[:8]) or "nothing"
        remedy = "give config_emhass.yaml or config.json of EMHASS"
        refuse("must be a configuration of EMHASS, with number_of_deferrable_loads", known, str(path), remedy)
    return Settings(settings, str(path))


def _home_name(path: Path) -> str:
    """A household is called after its file, or its folder where the file has its usual name."""
    usual = path.stem in ("config_emhass", "config", "config_defaults", "options")
    return (path.absolute().parent.name if usual else path.stem) or "Home"


def _horizon(home: _Home, wanted: ImportWishes) -> tuple[Fields, Horizon]:
    """From the first row of the load on, as many whole days as it has."""
    path = home.path(_LOAD) or _no_load(home)
    times = _times(table_of(path, header=False))
    step_s = usual_step_s(times)
    covered_s = (times[-1] - times[0]).total_seconds() + step_s
    first = times[0].replace(tzinfo=None).isoformat(timespec="minutes")
    return wanted.horizon(first, max(1, int(covered_s // 86400)), step_s / 3600.0, _zone_of(times[0]))


def _no_load(home: _Home) -> NoReturn:
    looked = f"{home.data / 'data' / _LOAD} and {home.data / _LOAD}"
    remedy = "save the household's load there, a time and W a row"
    refuse(f"must have its load in {_LOAD}", f"no such file; looked for {looked}", home.settings.place, remedy)


def _times(table: CellTable) -> list[datetime]:
    try:
        times = [datetime.fromisoformat(row[0]) for row in table.cells]
    except ValueError as error:
        refuse("must have times in ISO 8601 in its first column", str(error), table.name, "correct the file")
    if len(times) < 2 or usual_step_s(times) <= 0:
        refuse_steps(times, table.name)
    return times


def _zone_of(time: datetime) -> str:
    """The zone of a time with a distance from UTC; UTC where it has none."""
    distance = time.utcoffset() or timedelta()
    if not distance:
        return "UTC"
    minutes = int(distance.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _household(home: _Home, currency: str, horizon: Horizon) -> Fields:
    settings = home.settings
    load = home.take(_LOAD, "W")
    if load is None:
        _no_load(home)
    home.series[f"{home.id}_load"] = load
    home.took.append(f"its load without deferrable loads: {_LOAD}, W")
    vpp: Fields = {"id": home.id}
    if sun := home.take(_SUN, "W"):
        home.series[f"{home.id}_pv"] = sun
        vpp["pv"] = {"om_cost": f"0 {currency}/MWh"}
        home.took.append(f"PV power: {_SUN}, W")
        home.assumed.append("PV costs nothing to run (om_cost)")
    elif settings.get("pv_module_model") or settings.get("module_model") or settings.get("list_pv_module_model"):
        home.dropped.append(
            f"PV modules and inverter: there is no {_SUN}; vppmarket import pvlib works out their power"
        )
    if settings.get("set_use_battery"):
        vpp["ess"] = _battery(home, currency)
    vpp["exchange"] = {
        name: f"{number(settings.number(setting) / 1000)} kW"
        for name, setting in (
            ("grid_buy_max", "maximum_power_from_grid"),
            ("grid_sell_max", "maximum_power_to_grid"),
        )
        if setting in settings.values
    }
    if not vpp["exchange"]:
        del vpp["exchange"]
    if units := list(_tasks(home, horizon)):
        vpp["units"] = units
    _prices(home, currency, horizon)
    for name, why in _UNUSED.items():
        if settings.get(name):
            home.dropped.append(f"{name}: {why}")
    return vpp


_UNUSED: Final = {
    "set_nocharge_from_grid": "a battery may take what it takes from anywhere",
    "set_nodischarge_to_grid": "what a battery gives may be sold",
    "set_battery_dynamic": "a battery's power may change at once",
    "set_total_pv_sell": "PV serves its own household first",
    "inverter_is_hybrid": "no losses between battery and inverter are told apart",
}


def _battery(home: _Home, currency: str) -> Fields:
    settings = home.settings
    home.took.append("its battery; EMHASS's target is the state of charge at the start and at the end")
    home.assumed.append("the battery's wear costs nothing (wear)")
    return {
        "energy": f"{number(settings.number('battery_nominal_energy_capacity') / 1000)} kWh",
        "charge_max": f"{number(settings.number('battery_charge_power_max') / 1000)} kW",
        "discharge_max": f"{number(settings.number('battery_discharge_power_max') / 1000)} kW",
        "charge_efficiency": settings.number("battery_charge_efficiency", 0.95),
        "discharge_efficiency": settings.number("battery_discharge_efficiency", 0.95),
        "soc_min": settings.number("battery_minimum_state_of_charge", 0.3),
        "soc_max": settings.number("battery_maximum_state_of_charge", 0.9),
        "soc_initial": settings.number("battery_target_state_of_charge", 0.6),
        "wear": f"0 {currency}/MWh",
    }


def _tasks(home: _Home, horizon: Horizon) -> Iterator[Fields]:
    """Deferrable loads, one for each day of the horizon."""
    settings = home.settings
    count = int(settings.number("number_of_deferrable_loads"))
    powers = settings.listed("nominal_power_of_deferrable_loads", count)
    hours = settings.listed("operating_hours_of_each_deferrable_load", count)
    first = settings.listed("start_timesteps_of_each_deferrable_load", count, 0.0)
    last = settings.listed("end_timesteps_of_each_deferrable_load", count, 0.0)
    step_h = settings.number("optimization_time_step", 30.0) / 60.0
    days = max(1, round(horizon.periods * horizon.period_h / 24.0))
    for place in range(count):
        name = f"deferrable {place + 1}, {number(powers[place])} W for {number(hours[place])} h"
        if not powers[place] or not hours[place]:
            home.dropped.append(f"{name}: it needs no energy")
            continue
        end_h = last[place] * step_h if last[place] else 24.0
        if end_h <= first[place] * step_h:
            rule = "must end after it may begin"
            remedy = "correct its start and end time steps"
            refuse(rule, f"{name}, {number(first[place])} to {number(last[place])}", settings.place, remedy)
        home.took.append(f"{name}, a day")
        for day in range(days):
            yield {
                "kind": "deferrable",
                "id": f"task{place + 1}" + (f"_day{day + 1}" if days > 1 else ""),
                "label": f"deferrable load {place + 1}" + (f", day {day + 1}" if days > 1 else ""),
                "energy": f"{number(powers[place] * hours[place] / 1000)} kWh",
                "power_max": f"{number(powers[place] / 1000)} kW",
                "earliest": f"{number(24 * day + first[place] * step_h)} h",
                "latest": f"{number(24 * day + end_h)} h",
            }
    for setting, why in (
        ("treat_deferrable_load_as_semi_cont", "a task may take any power up to its own, not just all or none"),
        ("set_deferrable_load_single_constant", "a task may be interrupted"),
        ("set_deferrable_startup_penalty", "a start costs nothing"),
    ):
        if settings.any_true(setting, count):
            home.dropped.append(f"{setting}: {why}")


def _prices(home: _Home, currency: str, horizon: Horizon) -> None:
    """The household's tariff, as the series `<id>_retail` and `<id>_feed_in`."""
    settings = home.settings
    unit = f"{currency}/kWh"
    cost = home.take(_COST, unit) if settings.get("load_cost_forecast_method") == "csv" else None
    if cost is not None:
        home.took.append(f"its price of energy: {_COST}, {unit}")
        home.least_price = min(
            row.number("2") for row in rows_of(table_of(home.path(_COST) or home.data, header=False))
        )
    else:
        cost = _by_hours(home, unit, horizon)
    sale = home.take(_SALE, unit) if settings.get("production_price_forecast_method") == "csv" else None
    if sale is not None:
        home.took.append(f"its price of energy fed in: {_SALE}, {unit}")
    home.series[f"{home.id}_retail"] = cost
    price = settings.number("photovoltaic_production_sell_price")
    home.series[f"{home.id}_feed_in"] = sale or f"{number(price)} {unit}"
    if sale is None:
        home.took.append(f"its price of energy fed in: {number(price)} {unit}")


def _by_hours(home: _Home, unit: str, horizon: Horizon) -> Fields:
    """A price for peak hours and one for the others, written out for each period of the horizon."""
    settings = home.settings
    peak, other = settings.number("load_peak_hours_cost"), settings.number("load_offpeak_hours_cost")
    spans = list(_spans(settings))
    home.least_price = min(peak, other)
    name = f"{home.id}_prices.csv"
    starts = stamps(horizon)
    lines = [f"{start},{number(peak if _inside(start, spans) else other)}" for start in starts]
    home.files[name] = "".join(f"{line}\n" for line in ("begins,price", *lines)).encode()
    hours = ", ".join(f"{_clock(begin)} to {_clock(end)}" for begin, end in spans)
    home.took.append(
        f"its price of energy: {number(peak)} {unit} from {hours}, else {number(other)}, written to {name}"
    )
    return {"file": name, "time": "begins", "column": "price", "unit": unit}


def _spans(settings: Settings) -> Iterator[tuple[int, int]]:
    """Peak periods as minutes of the day."""
    given = settings.get("load_peak_hour_periods") or []
    named = given if isinstance(given, dict) else {key: value for item in given for key, value in item.items()}
    for name, ends in named.items():
        said = {key: value for end in ends for key, value in end.items()} if isinstance(ends, list) else ends
        times = [re.fullmatch(r"(\d{1,2}):(\d{2})", str(said.get(key, ""))) for key in ("start", "end")]
        if times[0] is None or times[1] is None:
            refuse(
                "must have a start and an end as HH:MM",
                repr(said),
                f"{settings.place} {name}",
                "write it like 02:54",
            )
        yield tuple(int(time[1]) * 60 + int(time[2]) for time in times if time)  # type: ignore[misc]


def _inside(start: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether the clock stands within a span; one that ends before it begins goes over midnight."""
    time = datetime.fromisoformat(start)
    minute = time.hour * 60 + time.minute
    return any(begin <= minute < end if begin < end else not end <= minute < begin for begin, end in spans)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _tariffs(homes: Sequence[_Home], vpps: Sequence[Fields]) -> float | None:
    """The first household's prices are everybody's; whoever has others has a tariff of its own.

    Returns the lowest price that the grid asks of anybody where somebody has, since offers above it help nobody.
    """
    first = homes[0]
    common = {name: first.series.pop(f"{first.id}_{name}") for name in ("retail", "feed_in")}
    first.series.update(common)
    for home, vpp in zip(homes[1:], vpps[1:], strict=True):
        own = {name: home.series[f"{home.id}_{name}"] for name in common}
        if _meant(own, home) == _meant(common, first):
            for name in common:
                del home.series[f"{home.id}_{name}"]
                home.files.pop(f"{home.id}_prices.csv", None)
        else:
            vpp["tariff"] = home.id
    return min(home.least_price for home in homes) if any("tariff" in vpp for vpp in vpps) else None


def _meant(prices: Mapping[str, Any], home: _Home) -> list[Any]:
    """Prices with what their files hold, in place of the files' names."""
    return [
        {**entry, "file": home.files[entry["file"]]} if isinstance(entry, dict) else entry
        for entry in prices.values()
    ]
