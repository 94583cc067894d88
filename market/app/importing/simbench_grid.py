"""`vppmarket import simbench`: a benchmark network of SimBench, cut into plants by feeders.

Loads, generators and batteries keep what the data set says of them: a power, and a profile of a year of quarter
hours by which it is scaled. Loads of a plant with one profile are one entry of its load; each generator and each
battery is a unit of its own. The data come with the package `simbench`.
Source: S. Meinecke et al., SimBench, Energies 13 (2020) 3290; database under ODbL 1.0, contents under DbCL 1.0.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from market.app.importing.charging import leaves_h, sessions
from market.app.importing.draft import Draft, Entry, Fields, Provenance, number, rules
from market.app.importing.feeders import feeders, grouped
from market.app.importing.libraries import need_libraries, quiet
from market.app.importing.source_tables import refuse
from market.app.importing.wanted import ImportWishes, step_text
from market.model.calendar import starts, zone_of
from market.model.rules import Horizon
from market.scenario.faults import suggestion
from market.scenario.shown_value import shown

PLACE: Final = "vppmarket import simbench"
DAY, ZONE, STEP_H = "2016-06-15", "Europe/Berlin", 0.25
LOAD_FILE, GENERATION_FILE = "load.csv", "generation.csv"
TIME_FORMAT: Final = "%d.%m.%Y %H:%M"
HOME, WORK = "HLS_", "APLS_"
LEAVES: Final = {HOME: 7, WORK: 17}
"""When vehicles leave, by how their profile's name begins: at home in the morning, at work in the afternoon."""

_KINDS: Final = (("wind", "wt"), ("pv", "pv"), ("hydro", "hydro"), ("biomass", "must_run"), ("lv_res", "pv"))
_HOURS_A_DAY = 24.0
_CITED: Final = (
    "SimBench {code} (www.simbench.de), S. Meinecke et al., Energies 13 (2020) 3290, as shipped with the package "
    "simbench; database under the Open Database License 1.0, contents under the Database Contents License 1.0: "
    "what is derived from it, these CSV files among it, stays under the ODbL"
)
_BATTERIES_ASSUMED: Final = (
    "batteries: efficiency as in the data, of charging and of discharging each; half full at the start and the end"
)
_GENERATORS_ASSUMED: Final = (
    "generators cost nothing to run (om_cost); what stands for a grid below is one PV plant where it is "
    "called lv_RES, a wind plant where other grids are meant"
)
_NOISE_SHARE: Final = 1e-4
"""Down to this share below 0 of what 1 in a profile stands for, a value is noise: wind's is below 1e-5."""

_NOISE_ASSUMED: Final = "small negatives of profiles, below 0.01 % of what 1 stands for, are noise and count as 0"
_VEHICLES_ASSUMED: Final = "vehicles leave at 7 o'clock where they charge at home, at 17 o'clock where they work"


@dataclass(frozen=True, slots=True)
class Element:
    """What hangs on a node. power_mw : what 1 in its profile stands for · more : what its table has besides"""

    table: str
    name: str
    node: int
    power_mw: float
    profile: str
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Network:
    """A network: its graph, the substation's nodes, what hangs on it; profiles by file and column, row by row."""

    code: str
    graph: Mapping[int, Sequence[int]]
    station: frozenset[int]
    elements: Sequence[Element]
    times: Sequence[str]
    profiles: Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(slots=True)
class _Plants:
    """Plants on the way to a draft."""

    network: Network
    horizon: Horizon
    currency: str
    flexible: bool
    vpps: list[Fields] = field(default_factory=list)
    series: dict[str, Entry] = field(default_factory=dict)
    used: dict[str, dict[str, None]] = field(default_factory=lambda: {LOAD_FILE: {}, GENERATION_FILE: {}})
    counts: Counter[str] = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)
    noisy: bool = False


def simbench_draft(code: str, count: int | None, flexible_vehicles: bool, wanted: ImportWishes) -> Draft:
    """A network by its feeders. count : of plants, one a feeder if None · ScenarioError for what cannot be"""
    need_libraries(PLACE)
    fields, horizon = wanted.horizon(DAY, 1, STEP_H, ZONE)
    if flexible_vehicles and horizon.period_h != STEP_H:
        refuse(
            "must have steps of 15 min, as the profiles of vehicles have",
            step_text(horizon.period_h * 3600),
            "--flexible-vehicles",
            "leave it out, or take steps of 15 min",
        )
    return draft_of(read_network(code, horizon), fields, horizon, count, flexible_vehicles, wanted)


def draft_of(
    network: Network,
    fields: Fields,
    horizon: Horizon,
    count: int | None,
    flexible_vehicles: bool,
    wanted: ImportWishes,
) -> Draft:
    """The same of a network that is read."""
    by_node: dict[int, list[Element]] = defaultdict(list)
    for element in network.elements:
        by_node[element.node].append(element)
    weights = {node: len(found) for node, found in by_node.items()}
    lines = feeders(network.graph, network.station)
    natural = [line for line in (*lines, sorted(network.station)) if any(node in weights for node in line)]
    groups = grouped(natural, weights, count or len(natural))
    if count and len(groups) < count:
        rule = f"must be at most {len(groups)}, the nodes with anything on them"
        refuse(rule, str(count), "--vpps", "ask for fewer, or take a larger network")
    plants = _Plants(network, horizon, wanted.currency, flexible_vehicles)
    for place, nodes in enumerate(groups, start=1):
        _plant(plants, f"F{place:02d}", nodes, [element for node in nodes for element in by_node[node]])
    reached = {node for nodes in groups for node in nodes}
    cut_off = [element.name for element in network.elements if element.node not in reached]
    if cut_off:
        plants.dropped.append(
            f"not connected to the substation: {', '.join(cut_off[:5])}"
            + ("" if len(cut_off) < 6 else f" and {len(cut_off) - 5} more")
        )
    prices = wanted.prices()
    how = "" if len(groups) == len(natural) else f", {_regrouped(len(natural), len(groups))}"
    files = {file: list(columns) for file, columns in plants.used.items() if columns}
    return Draft(
        f"SimBench {network.code}, {len(groups)} plants by feeders",
        wanted.currency,
        {"horizon": fields, **rules(wanted.currency, prices)},
        {**plants.series, "retail": prices.retail, "feed_in": prices.feed_in},
        plants.vpps,
        {file: _csv(network, file, columns) for file, columns in files.items()},
        Provenance(
            (_CITED.format(code=network.code),),
            (
                f"{len(natural)} feeders{how}: {len(groups)} plants",
                ", ".join(f"{amount} {what}" for what, amount in plants.counts.items()),
                f"rows of {span(horizon)} and the columns in use, as they are, in {' and '.join(files)}",
            ),
            (
                *plants.dropped,
                "reactive power, lines, transformers and voltages: the market has no grid constraints",
                "profiles of batteries: the plant itself decides when they charge",
            ),
            (
                *wanted.assumed(prices, DAY),
                f"{_BATTERIES_ASSUMED}, wear 5 {wanted.currency}/MWh",
                _GENERATORS_ASSUMED,
                *([_VEHICLES_ASSUMED] if flexible_vehicles else []),
                *([_NOISE_ASSUMED] if plants.noisy else []),
            ),
        ),
    )


def _regrouped(natural: int, groups: int) -> str:
    return "the lightest put together" if groups < natural else "the heaviest cut along the line"


def span(horizon: Horizon) -> str:
    """First and last day, in words."""
    first, last = starts(horizon)[0], starts(horizon)[-1]
    return f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _plant(plants: _Plants, vpp: str, nodes: Sequence[int], elements: Sequence[Element]) -> None:
    units: list[Fields] = []
    loads: dict[str, float] = {}
    names: Counter[str] = Counter()
    for element in elements:
        if element.table == "load" and not (plants.flexible and element.profile.startswith((HOME, WORK))):
            loads[element.profile] = loads.get(element.profile, 0.0) + element.power_mw
            plants.counts["loads"] += 1
        elif element.table == "load":
            units += _vehicles(plants, element, names)
        elif element.table == "storage":
            units += _battery(plants, element, names)
        else:
            units.append(_generator(plants, vpp, element, names))
    entries = []
    for profile, power in loads.items():
        entries.append(_scaled(plants, LOAD_FILE, f"{profile}_pload", round(power, 9)))
    plants.series[f"{vpp}_load"] = entries if len(entries) > 1 else entries[0] if entries else "0 MW"
    label = f"{len(nodes)} node{'s' * (len(nodes) > 1)}, {len(elements)} loads, generators and batteries"
    plants.vpps.append({"id": vpp, "label": label, **({"units": units} if units else {})})


def _scaled(plants: _Plants, file: str, column: str, power_mw: float) -> Fields:
    """A column of a file, by the power that 1 in it stands for; with `clip` where it has noise below 0."""
    plants.used[file][column] = None
    source = {"file": file, "sep": ";", "time": "time", "time_format": TIME_FORMAT, "tz": ZONE}
    entry = {**source, "column": column, "scale": f"{number(power_mw)} MW"}
    if -_NOISE_SHARE <= min(plants.network.profiles[file][column]) < 0:
        plants.noisy = True
        entry["clip"] = f"{number(round(_NOISE_SHARE * power_mw * 1000, 9))} kW"
    return entry


def _called(kind: str, names: Counter[str]) -> str:
    names[kind] += 1
    return f"{kind}{names[kind]}"


def _generator(plants: _Plants, vpp: str, element: Element, names: Counter[str]) -> Fields:
    told = f"{element.more.get('type', '')}".casefold()
    kind = "must_run" if element.table == "gen" else next((found for word, found in _KINDS if word in told), "wt")
    unit = _called({"must_run": "bio" if "bio" in told else "plant"}.get(kind, kind), names)
    plants.series[f"{vpp}_{unit}"] = _scaled(plants, GENERATION_FILE, element.profile, element.power_mw)
    plants.counts["generators"] += 1
    size = {"p_max": f"{number(element.power_mw)} MW"} if kind == "hydro" else {}
    return {"kind": kind, "id": unit, "label": element.name, **size, "om_cost": f"0 {plants.currency}/MWh"}


def _battery(plants: _Plants, element: Element, names: Counter[str]) -> list[Fields]:
    energy, efficiency = float(element.more["energy_mwh"]), float(element.more["efficiency"])
    if energy <= 0:
        plants.dropped.append(f"battery {element.name}: it holds nothing")
        return []
    plants.counts["batteries"] += 1
    loss = float(element.more["loss_per_day"]) / _HOURS_A_DAY
    return [
        {
            "kind": "ess",
            "id": _called("battery", names),
            "label": element.name,
            "energy": f"{number(energy)} MWh",
            "charge_max": f"{number(element.power_mw)} MW",
            "discharge_max": f"{number(element.power_mw)} MW",
            "charge_efficiency": efficiency,
            "discharge_efficiency": efficiency,
            "soc_min": 0.0,
            "soc_max": 1.0,
            "self_discharge_per_h": round(loss, 9),
            "wear": f"5 {plants.currency}/MWh",
        }
    ]


def _vehicles(plants: _Plants, element: Element, names: Counter[str]) -> Iterator[Fields]:
    """A vehicle for each session of a charger within the horizon."""
    begins = starts(plants.horizon)
    profile = _within(plants.network, plants.network.profiles[LOAD_FILE][f"{element.profile}_pload"], begins)
    hour = LEAVES[HOME if element.profile.startswith(HOME) else WORK]
    plants.counts["chargers"] += 1
    for session in sessions(profile, STEP_H):
        plants.counts["charging sessions"] += 1
        yield {
            "kind": "ev",
            "id": _called("ev", names),
            "label": f"{element.name}, {element.profile}",
            "energy": f"{number(round(session.hours * element.power_mw * 1000, 6))} kWh",
            "power_max": f"{number(round(max(1.0, session.most) * element.power_mw * 1000, 6))} kW",
            "arrival": f"{number(session.first * STEP_H)} h",
            "departure": f"{number(leaves_h(session, begins, STEP_H, hour))} h",
            "charge_efficiency": 1.0,
        }


def _within(network: Network, column: Sequence[float], begins: Sequence[datetime]) -> Sequence[float]:
    """The rows of the horizon: those of the data are a quarter of an hour each, as its periods have to be."""
    at = network.times.index(begins[0].astimezone(zone_of(ZONE)).strftime(TIME_FORMAT))
    return column[at : at + len(begins)]


def _csv(network: Network, file: str, columns: Sequence[str]) -> bytes:
    profiles = [network.profiles[file][column] for column in columns]
    rows = (
        ";".join([time, *(number(profile[at]) for profile in profiles)]) for at, time in enumerate(network.times)
    )
    return "".join(f"{line}\n" for line in (";".join(["time", *columns]), *rows)).encode()


def read_network(code: str, horizon: Horizon) -> Network:
    """Read a network from the package, and of its year the rows of the horizon."""
    with quiet():
        import simbench

        known = [str(found) for found in simbench.collect_all_simbench_codes()]
        if code not in known:
            close = suggestion(code, known)
            remedy = f"{close}take one such as 1-MV-urban--1-sw or 1-LV-semiurb5--2-sw"
            refuse("must be a code of SimBench", shown(code), PLACE, remedy)
        net = simbench.get_simbench_net(code)
        from pandapower.topology import create_nxgraph

        adjacency = create_nxgraph(net, respect_switches=True).adj
    graph = {int(node): [int(near) for near in around] for node, around in adjacency.items()}
    times, profiles = _profiles(net, horizon)
    return Network(code, graph, frozenset(_station(net)), list(_elements(net)), times, profiles)


def _station(net: Any) -> set[int]:
    """The substation's nodes: those of the grid above, of transformers to it, and what busbar switches join."""
    joined: dict[int, set[int]] = defaultdict(set)
    for switch in net.switch.itertuples():
        if switch.et == "b" and switch.closed:
            joined[int(switch.bus)].add(int(switch.element))
            joined[int(switch.element)].add(int(switch.bus))
    found = _spread({int(bus) for bus in net.ext_grid.bus}, joined)
    below = {int(trafo.lv_bus) for trafo in net.trafo.itertuples() if int(trafo.hv_bus) in found}
    return _spread(found | below, joined)


def _spread(nodes: set[int], joined: Mapping[int, set[int]]) -> set[int]:
    found, queue = set(nodes), list(nodes)
    while queue:
        new = joined.get(queue.pop(), set()) - found
        found |= new
        queue += new
    return found


def _elements(net: Any) -> Iterator[Element]:
    for table in ("load", "sgen", "gen", "storage"):
        for row in net[table].to_dict("records"):
            if not row.get("in_service", True):
                continue
            power = abs(float(row["sn_mva"] if table == "storage" else row["p_mw"])) * float(
                row.get("scaling", 1.0)
            )
            yield Element(table, str(row["name"]), int(row["bus"]), power, str(row["profile"]), _more(table, row))


def _more(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    if table == "storage":
        return {
            "energy_mwh": row["max_e_mwh"],
            "efficiency": _share(row.get("efficiency_percent"), 0.95),
            "loss_per_day": float(row.get("self-discharge_percent_per_day") or 0.0) / 100.0,
        }
    return {"type": row.get("type")}


def _share(value: Any, default: float) -> float:
    """An efficiency, which the data set gives as a share, though its column is called percent."""
    found = default if value is None or math.isnan(float(value)) else float(value)
    return found if 0 < found <= 1 else found / 100.0


def _profiles(net: Any, horizon: Horizon) -> tuple[list[str], dict[str, dict[str, list[float]]]]:
    """The rows of the days of the horizon, by file and column."""
    frames = {
        LOAD_FILE: [net.profiles["load"]],
        GENERATION_FILE: [net.profiles["renewables"], net.profiles["powerplants"]],
    }
    every = [str(time) for time in net.profiles["load"]["time"]]
    days = _days(horizon)
    rows = [at for at, time in enumerate(every) if time[:10] in days]
    if not rows or {every[at][:10] for at in rows} != days:
        first = re.sub(r"(\d+)\.(\d+)\.(\d+).*", r"\3-\2-\1", every[0])
        refuse("must be days of the year that SimBench has", span(horizon), "--start", f"take days of {first[:4]}")
    found: dict[str, dict[str, list[float]]] = {}
    for file, tables in frames.items():
        found[file] = {
            str(name): [float(value) for value in table[name].iloc[rows]]
            for table in tables
            for name in table.columns
            if name != "time" and not str(name).endswith("_qload")
        }
    return [every[at] for at in rows], found


def _days(horizon: Horizon) -> set[str]:
    """The days of the horizon as the data set writes them."""
    return {each.astimezone(zone_of(ZONE)).strftime("%d.%m.%Y") for each in starts(horizon)}
