"""`vppmarket import assume`: a folder as ASSUME describes a market, its units grouped by the firms that run them.

ASSUME (github.com/assume-framework/assume) is licensed AGPL-3.0: the form of its files was read off its
documentation and examples; no code and no data of it are used. A folder has `config.yaml`, `powerplant_units.csv`,
`storage_units.csv`, `demand_units.csv`, `demand_df.csv`, `fuel_prices_df.csv` (or `fuel_prices.csv`) and
`availability_df.csv`. Powers are in MW, prices in money per MWh of fuel, emission factors in t/MWh of fuel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from market.app.importing.csv_form import refuse_steps, usual_step_s
from market.app.importing.draft import Draft, Entry, Fields, Provenance, number, rules, unique_ids
from market.app.importing.folder import parts
from market.app.importing.source_tables import SourceRow, bytes_of, refuse, rows_of, table_of
from market.app.importing.wanted import ImportWishes
from market.errors import ScenarioError
from market.scenario.document import parse_document
from market.scenario.faults import suggestion
from market.scenario.series.table import CellTable
from market.scenario.shown_value import shown

_PLANTS, _STORES, _DEMANDS = "powerplant_units.csv", "storage_units.csv", "demand_units.csv"
_DEMAND, _AVAILABLE = "demand_df.csv", "availability_df.csv"
_FUELS: Final = ("fuel_prices_df.csv", "fuel_prices.csv")
_OTHERS: Final = {
    "exchange_units.csv": "exchange with other zones",
    "exchanges_units.csv": "exchange with other zones",
    "industrial_dsm_units.csv": "industrial processes",
    "residential_dsm_units.csv": "buildings' processes",
    "lines.csv": "lines: the market has no grid constraints",
    "buses.csv": "nodes: the market has no grid constraints",
    "forecasts_df.csv": "forecasts of prices and residual load",
}
_WINDS, _SUNS = ("wind",), ("solar", "pv", "photovoltaic")
_UNUSED_COLUMNS: Final = {
    "bidding_": "bidding strategies: the market has its own (vpps[].strategy)",
    "node": "nodes: the market has no grid constraints",
    "heat_extraction": "heat extraction",
    "max_heat_extraction": "heat extraction",
    "natural_inflow": "natural inflow of stores",
}

_NOTHING: Final = frozenset({"n.a.", "None", "-", "none", "nan"})  # what ASSUME takes for an empty cell
_OFF_H: Final = 8.0
"""A night: how long a unit is taken to have been off when it starts."""

_COUNTED: Final = {_PLANTS: "power plants", _STORES: "stores", _DEMANDS: "demand units"}
_USUAL_PER_MWH: Final = (200.0, 20.0)
_COSTS_ASSUMED: Final = (
    "a plant's cost is its fuel's price over its efficiency and its additional cost; its emission is its fuel's "
    "over its efficiency, and costs carbon.base_price"
)


@dataclass(slots=True)
class _Fleet:
    """A folder on the way to a draft."""

    folder: Path
    currency: str
    fuel: Mapping[str, float]
    commitment: bool
    available: CellTable | None
    series: dict[str, Entry] = field(default_factory=dict)
    units: dict[str, list[Fields]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Something that was not taken, told once."""
        if line not in self.dropped:
            self.dropped.append(line)


def fleet_draft(folder: Path, scenario: str | None, commitment: bool, wanted: ImportWishes) -> Draft:
    """The fleet of a folder. ScenarioError for what cannot be.

    scenario : section of config.yaml, the first if None
    commitment : whether units may be switched off, which makes plans integer programs
    """
    if not folder.is_dir():
        refuse("must be a folder of ASSUME", "no such folder", str(folder), f"give the one that holds {_PLANTS}")
    name, config = _config(folder, scenario)
    demand = _table(folder, _DEMAND)
    if demand is None:
        remedy = "add it: datetime, and a column a demand unit, MW"
        refuse(f"must have {_DEMAND}", "no such file", str(folder), remedy)
    fields, _ = _horizon(demand, config, wanted)
    fleet = _Fleet(folder, wanted.currency, _fuel_prices(folder), commitment, _table(folder, _AVAILABLE))
    rows = {file: _rows(folder, file) for file in (_PLANTS, _STORES, _DEMANDS)}
    if not rows[_PLANTS]:
        refuse(f"must have units in {_PLANTS}", "none", str(folder), "add the file, a unit a row")
    firms = _take(fleet, rows, demand)
    vpps = _vpps(fleet, firms)
    _note_unused(fleet, rows)
    co2 = f"{number(fleet.fuel.get('co2', 0.0))} {wanted.currency}/t"
    prices = replace(wanted, carbon=wanted.carbon or co2).prices(_USUAL_PER_MWH)
    used = {source["file"] for entry in fleet.series.values() for source in parts(entry)}
    counts = ", ".join(f"{len(rows[file])} {what}" for file, what in _COUNTED.items())
    fuels = ", ".join(f"{fuel} {number(price)}" for fuel, price in fleet.fuel.items() if fuel != "co2")
    return Draft(
        f"{len(firms)} firms of {folder.absolute().name}",
        wanted.currency,
        {"horizon": fields, **rules(wanted.currency, prices)},
        {**fleet.series, "retail": prices.retail, "feed_in": prices.feed_in},
        vpps,
        {file: bytes_of(folder / file) for file in sorted(used)},
        Provenance(
            (f"{folder}, a scenario of ASSUME" + (f", section {name} of its configuration" if name else ""),),
            (
                f"{counts} of {len(firms)} firms",
                f"fuel, {wanted.currency} for each MWh of it: {fuels}; carbon: {co2}",
            ),
            tuple(fleet.dropped),
            (*wanted.assumed(prices), *fleet.assumed, _COSTS_ASSUMED),
        ),
    )


def _take(fleet: _Fleet, rows: Mapping[str, Sequence[SourceRow]], demand: CellTable) -> dict[str, str]:
    """Every unit to its firm; returns the firms' ids by their names."""
    firms = _firms([row for file in rows.values() for row in file])
    ids = _unit_ids(rows)
    for row in rows[_PLANTS]:
        _plant(fleet, firms[_operator(row)], ids[row.place], row)
    for row in rows[_STORES]:
        _store(fleet, firms[_operator(row)], ids[row.place], row)
    for row in rows[_DEMANDS]:
        _demand(fleet, firms[_operator(row)], row, demand)
    return firms


def _note_unused(fleet: _Fleet, rows: Mapping[str, Sequence[SourceRow]]) -> None:
    """Files and columns that nothing is made of."""
    for file, what in _OTHERS.items():
        if (fleet.folder / file).is_file():
            fleet.note(f"{file}: {what}")
    columns = {column for file in rows.values() for row in file[:1] for column in row.cells}
    for name, why in _UNUSED_COLUMNS.items():
        if any(column.startswith(name) if name.endswith("_") else column == name for column in columns):
            fleet.note(f"columns {name}{'…' if name.endswith('_') else ''}: {why}")


def _rows(folder: Path, name: str) -> list[SourceRow]:
    table = _table(folder, name)
    return [] if table is None else [_emptied(row) for row in rows_of(table)]


def _emptied(row: SourceRow) -> SourceRow:
    return replace(row, cells={name: "" if cell in _NOTHING else cell for name, cell in row.cells.items()})


def _table(folder: Path, name: str) -> CellTable | None:
    return table_of(folder / name) if (folder / name).is_file() else None


def _config(folder: Path, scenario: str | None) -> tuple[str, Mapping[str, Any]]:
    """A section of the configuration and its name; nothing where there is none."""
    path = next((at for at in (folder / "config.yaml", folder / "config.yml") if at.is_file()), None)
    if path is None:
        if scenario:
            refuse("must have config.yaml", "no such file", str(folder), "leave --scenario out, or add the file")
        return "", {}
    try:
        values = parse_document(bytes_of(path).decode("utf-8", errors="replace")).values
    except ScenarioError as error:
        fault = error.faults[0]
        refuse(fault.rule, fault.value, fault.place.replace("scenario.yaml", str(path)), fault.remedy)
    sections = {name: value for name, value in values.items() if isinstance(value, dict)}
    chosen = scenario or next(iter(sections), "")
    if scenario and scenario not in sections:
        remedy = f"{suggestion(scenario, list(sections))}there are {', '.join(sections)}"
        refuse("must be a section of the configuration", shown(scenario), f"--scenario, {path}", remedy)
    return chosen, sections.get(chosen, {})


def _horizon(demand: CellTable, config: Mapping[str, Any], wanted: ImportWishes) -> Any:
    """A day from the configuration's start on, in steps of its own or of the demand's rows."""
    try:
        times = [datetime.fromisoformat(row[0]) for row in demand.cells]
    except ValueError as error:
        refuse("must have times in ISO 8601 in its first column", str(error), demand.name, "correct the file")
    step_s = usual_step_s(times)
    if step_s <= 0:
        refuse_steps(times, demand.name)
    start = str(config.get("start_date") or times[0].date().isoformat())
    named = str(config.get("time_step", "")).replace("15min", "15 min")
    steps = {"1h": 1.0, "60min": 1.0, "30min": 0.5, "15 min": 0.25, "h": 1.0}
    return wanted.horizon(start.removesuffix(" 00:00"), 1, steps.get(named, step_s / 3600.0), "UTC")


def _fuel_prices(folder: Path) -> dict[str, float]:
    """Prices by fuel: a row of them, or, of a series of rows, their mean."""
    table = next((table for name in _FUELS if (table := _table(folder, name))), None)
    if table is None:
        refuse(
            f"must have {_FUELS[0]}", "no such file", str(folder), "add it: fuel,uranium,…,co2 and a row of prices"
        )
    rows = list(rows_of(table))
    names = [name for name in table.header[1:] if name]
    return {name: sum(row.number(name) for row in rows) / len(rows) for name in names}


def _operator(row: SourceRow) -> str:
    return row.text("unit_operator")


def _firms(rows: Sequence[SourceRow]) -> dict[str, str]:
    """Ids of firms by their names, in the order of the files."""
    names = list(dict.fromkeys(map(_operator, rows)))
    return dict(zip(names, unique_ids(names, "Firm"), strict=True))


def _unit_ids(rows: Mapping[str, Sequence[SourceRow]]) -> dict[str, str]:
    """An id for each unit by its place in its file."""
    every = [row for file in rows.values() for row in file]
    names = unique_ids((f"{row.text('name')}" for row in every), "Unit")
    return dict(zip((row.place for row in every), names, strict=True))


def _plant(fleet: _Fleet, firm: str, unit: str, row: SourceRow) -> None:
    """A power plant: by its availability where it has one and burns nothing, else a turbine."""
    name, technology = row.text("name"), row.text("technology").casefold()
    power = row.number("max_power", least=0.0)
    fuel = row.text("fuel_type", default="")
    renewable = fuel.casefold() in ("", "renewable") or any(word in technology for word in (*_WINDS, *_SUNS))
    column = fleet.available is not None and name in fleet.available.header
    own = fleet.units.setdefault(firm, [])
    if not renewable:
        if column:
            fleet.note(f"availability of plants that burn something, such as {name}")
        made = _turbine(fleet, row, fuel)
        kind = "mt" if row.number("emission_factor", default=0.0) else "biomass"
        own.append({"kind": kind, "id": unit, "label": name, **made})
        return
    kind = _kind(technology)
    cost = f"{number(row.number('additional_cost', default=0.0))} {fleet.currency}/MWh"
    own.append(
        {
            "kind": kind,
            "id": unit,
            "label": name,
            **({"p_max": f"{number(power)} MW"} if kind == "hydro" else {}),
            "om_cost": cost,
        }
    )
    if column:
        fleet.series[f"{firm}_{unit}"] = {
            "file": _AVAILABLE,
            "time": _first(fleet.available),
            "column": name,
            "scale": f"{number(power)} MW",
        }
    else:
        fleet.series[f"{firm}_{unit}"] = f"{number(power)} MW"
        fleet.assumed.append(f"{name} could always deliver all its {number(power)} MW: it has no availability")


def _first(table: CellTable | None) -> str:
    return table.header[0] if table is not None else ""


def _kind(technology: str) -> str:
    if any(word in technology for word in _SUNS):
        return "pv"
    if "hydro" in technology or "run_of_river" in technology:
        return "hydro"
    return "must_run" if "biomass" in technology else "wt"


def _turbine(fleet: _Fleet, row: SourceRow, fuel: str) -> Fields:
    """What a plant that burns something has of a turbine."""
    efficiency = row.number("efficiency", default=1.0)
    if efficiency <= 0:
        refuse("must be above 0", number(efficiency), f"{row.place} column efficiency", "correct the cell")
    if fuel not in fleet.fuel:
        known = ", ".join(fleet.fuel)
        remedy = f"{suggestion(fuel, list(fleet.fuel))}there are {known}"
        refuse("must be a fuel with a price", shown(fuel), f"{row.place} column fuel_type", remedy)
    low, high = row.number("min_power", default=0.0, least=0.0), row.number("max_power", least=0.0)
    cost = fleet.fuel[fuel] / efficiency + row.number("additional_cost", default=0.0)
    made: Fields = {
        "p_min": f"{number(low)} MW",
        "p_max": f"{number(high)} MW",
        "cost_b": f"{number(cost)} {fleet.currency}/MWh",
        "emission": f"{number(row.number('emission_factor', default=0.0) / efficiency)} t/MWh",
    }
    for name, column in (("ramp_up", "ramp_up"), ("ramp_down", "ramp_down")):
        if limit := row.number(column, default=0.0, least=0.0):  # 0 is no limit to ASSUME
            made[name] = f"{number(limit)} MW/h"
    if not fleet.commitment:
        made["p_min"] = "0 MW"
        if low:
            fleet.note("least outputs, start costs and least times of plants (--commitment takes them)")
        return made
    made["commitment"] = True
    if start := _start_cost_per_mw(fleet, row) * high:
        made["start_cost"] = f"{number(start)} {fleet.currency}"
    for name, column in (("min_up", "min_operating_time"), ("min_down", "min_down_time")):
        if hours := row.number(column, default=0.0, least=0.0):
            made[name] = f"{number(hours)} h"
    return made


def _start_cost_per_mw(fleet: _Fleet, row: SourceRow) -> float:
    """What ASSUME asks for a start after a night, for each MW of max_power.

    Up to downtime_hot_start hours off a start is hot, up to downtime_warm_start warm, after more it is cold; both
    are 0 where they are not given.
    """
    costs = {kind: row.number(f"{kind}_start_cost", default=0.0) for kind in ("hot", "warm", "cold")}
    off_h = max(_OFF_H, row.number("min_down_time", default=0.0))
    limits = {kind: row.number(f"downtime_{kind}_start", default=0.0) for kind in ("hot", "warm")}
    chosen = next((kind for kind, limit in limits.items() if off_h <= limit), "cold")
    if len(set(costs.values())) > 1:
        line = (
            f"a start costs what ASSUME asks after {number(_OFF_H)} h off, or min_down_time where that is longer: "
            "a cold one where downtime_hot_start and downtime_warm_start are not given"
        )
        fleet.assumed += [] if line in fleet.assumed else [line]
    return costs[chosen]


def _store(fleet: _Fleet, firm: str, unit: str, row: SourceRow) -> None:
    """A store: its levels are energies, or shares of its capacity where that is given."""
    shares = bool(row.text("capacity", default=""))
    energy = row.number("capacity") if shares else row.number("max_soc", least=0.0)
    if energy <= 0:
        fleet.note(f"store {row.text('name')}: it holds nothing")
        return
    low = row.number("min_soc", default=0.0, least=0.0) / (1.0 if shares else energy)
    high = row.number("max_soc", default=1.0) if shares else 1.0
    begun = row.number("initial_soc", default=(low + high) / 2 * (1.0 if shares else energy)) / (
        1.0 if shares else energy
    )
    if not row.text("initial_soc", default=""):
        line = "stores begin half way between their least and most"
        fleet.assumed += [] if line in fleet.assumed else [line]
    wear = (
        row.number("additional_cost_charge", default=0.0) + row.number("additional_cost_discharge", default=0.0)
    ) / 2
    fleet.units.setdefault(firm, []).append(
        {
            "kind": "ess",
            "id": unit,
            "label": row.text("name"),
            "energy": f"{number(energy)} MWh",
            "charge_max": f"{number(abs(row.number('max_power_charge')))} MW",
            "discharge_max": f"{number(row.number('max_power_discharge', least=0.0))} MW",
            "charge_efficiency": row.number("efficiency_charge", default=1.0),
            "discharge_efficiency": row.number("efficiency_discharge", default=1.0),
            "soc_min": low,
            "soc_max": high,
            "soc_initial": begun,
            "wear": f"{number(wear)} {fleet.currency}/MWh",
        }
    )


def _demand(fleet: _Fleet, firm: str, row: SourceRow, demand: CellTable) -> None:
    """A demand unit: part of its firm's load. What the table has is demand, whatever its sign."""
    name = row.text("name")
    if name not in demand.header:
        remedy = f"{suggestion(name, demand.header)}{demand.name} has {', '.join(demand.header[:12])}"
        refuse("must have a column of its demand", shown(name), row.place, remedy)
    column = demand.header.index(name)
    sign = -1 if any(cells[column].startswith("-") for cells in demand.cells) else 1
    entry = {
        "file": _DEMAND,
        "time": demand.header[0],
        "column": name,
        "unit": "MW",
        **({"scale": sign} if sign < 0 else {}),
    }
    fleet.series.setdefault(f"{firm}_load", [])
    fleet.series[f"{firm}_load"].append(entry)


def _vpps(fleet: _Fleet, firms: Mapping[str, str]) -> list[Fields]:
    found = list(_with_loads(fleet, firms))
    without = [vpp["id"] for vpp in found if fleet.series[f"{vpp['id']}_load"] == "0 MW"]
    if without:
        fleet.assumed.append(f"no load, since no demand unit is theirs: {', '.join(without)}")
    return found


def _with_loads(fleet: _Fleet, firms: Mapping[str, str]) -> Iterator[Fields]:
    """The firms, each with a load, of nothing where it has no demand unit."""
    for name, firm in firms.items():
        loads = fleet.series.get(f"{firm}_load")
        fleet.series[f"{firm}_load"] = "0 MW" if not loads else loads[0] if len(loads) == 1 else loads
        units = fleet.units.get(firm)
        yield {"id": firm, "label": name, **({"units": units} if units else {})}
