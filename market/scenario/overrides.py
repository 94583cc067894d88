"""Overrides a scenario's values from outside its files: command-line flags, experiments, sweeps, Mesa's keywords.

A change is made at a path of `scenario.yaml`, in the scenario as the file would have it; the whole is then read as
the file is, by the same rules and with the same messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from market.errors import Fault, ScenarioError
from market.model.arrays import Array
from market.model.calendar import whole_days
from market.model.rules import Horizon
from market.scenario.as_fields import SHORTHANDS, Fields, long_fields
from market.scenario.build import build_scenario
from market.scenario.catalogue import UNITS, known_paths
from market.scenario.document import FILE_NAME, path_text
from market.scenario.faults import Place, schema_faults, suggestion
from market.scenario.fields import Section
from market.scenario.horizon import horizon_in
from market.scenario.money import money_faults
from market.scenario.network_ids import unknown_id, unknown_ids
from market.scenario.plain_value import plain_value
from market.scenario.profiles import FEED_IN, RETAIL, power_column
from market.scenario.realised import drawn_anew, persistence_faults
from market.scenario.scenario import Scenario, is_timed
from market.scenario.schema import QUOTAS, PartialFile, QuotaSource, ScenarioFile
from market.scenario.shown_value import shown
from market.scenario.spoken import plain_path, spoken_fault
from market.scenario.unit_columns import (
    GRID_EMISSION,
    TARIFF_COLUMNS,
    imbalance_prices_by_period,
    realised_columns,
    tariff_column,
    tariff_columns,
    unit_columns,
)

_SECTIONS = ("horizon", "rolling", "market", "carbon", "imbalance", "forecast", "network")
_FIXED = ("name", "profiles", "roster", "currency", "series", "series_defaults", "sources", "groups")
_WORDS = ("audit", "title")
_ABSENT = "rolling"  # a section that may be null as a whole
_OLDER = {"coupling": "market.coupling"}  # paths of before, which mean these
_FORECAST = ("wt", "pv")
_PLANTS = "vpps"
_ROWS = "must be the number of rows in the profiles"

Changes: TypeAlias = Mapping[str, object]
_Value = TypeVar("_Value")


def with_overrides(scenario: Scenario, changes: Changes, sources: Mapping[str, str] | None = None) -> Scenario:
    """The scenario with some of its fields changed, and new digests.

    `changes` maps paths as in `scenario.yaml` to values, plants by their ids: {"network.delay_s": 0.05,
    "carbon.mode": "flat", "vpps.VPP1.ess.energy_mwh": 2.0, "vpps.VPP2.mt": None}. "market.satisfaction" sets κ of
    every VPP that has none of its own among the changes. A quota factor above 0 counts, unless
    "carbon.quota_sources" is changed as well; a measured latency comes as `samples_s`, not as a file.
    `sources` says by path where a value came from, for messages. Raises ScenarioError with every fault at once.
    """
    currency = scenario.public.currency
    changes = require_changes(changes)
    changes, sources, faults = _plain(scenario, _today(changes), _today(sources or {}))
    place = _Placer(scenario, sources)
    faults += [fault for path in changes for fault in _closed(scenario, path, place)]
    sound = {path: value for path, value in changes.items() if not list(_closed(scenario, path, place))}
    fields = _changed(scenario, sound, faults, place)
    schema = ScenarioFile if scenario.whole else PartialFile
    try:
        plants = [_with_units_listed(vpp) for vpp in fields[_PLANTS].values()]
        file = schema.model_validate({**fields, _PLANTS: plants})
    except ValidationError as error:
        faults += schema_faults(schema, error, place.of, in_file=False)
        file = None
    faults += unknown_ids(fields["network"], scenario.roster, place.of)
    if file is not None:
        faults += [*_files(file, place.of), *_columns_missing(scenario, file, place.of)]
        faults += [
            *_other_length(scenario, horizon_in(file.horizon), place.of),
            *_other_days(scenario, horizon_in(file.horizon), place.of),
        ]
        faults += money_faults(file, currency, place.of)
        faults += persistence_faults(file.forecast, place.of)
    if file is None or faults:
        raise ScenarioError([spoken_fault(fault, currency) for fault in faults])
    columns, horizon = columns_of(scenario), horizon_in(file.horizon)
    if f"carbon.{GRID_EMISSION}" in changes:
        columns.pop(GRID_EMISSION, None)
    columns = drawn_anew(file.forecast, columns)
    changed = build_scenario(scenario.name, file, columns, {}, horizon, scenario.sources)
    return replace(changed, name=scenario.name)


def require_changes(changes: object, where: str = "changes") -> Changes:
    """The changes, which map paths to values, these as a file has them. ScenarioError for anything else."""
    if isinstance(changes, Mapping) and all(isinstance(path, str) for path in changes):
        return {path: plain_value(value) for path, value in changes.items()}
    no_paths = [path for path in changes if not isinstance(path, str)] if isinstance(changes, Mapping) else []
    found, remedy = shown(no_paths[0] if no_paths else changes), 'write them like {"carbon.growth": 0.5}'
    raise ScenarioError([Fault("must map paths of scenario.yaml to values", found, where, remedy)])


def _plain(
    scenario: Scenario, changes: Changes, sources: Mapping[str, str]
) -> tuple[dict[str, object], dict[str, str], list[Fault]]:
    """Changes and their sources by the names of the model, and values in its units; what is wrong with units."""
    schema, currency = (ScenarioFile if scenario.whole else PartialFile), scenario.public.currency
    made, named, faults = dict[str, object](), dict(sources), list[Fault]()
    kinds = {vpp.id: {unit.id: unit.kind.value for unit in vpp.units} for vpp in scenario.vpps}
    for written, value in changes.items():
        path, plain_value, found = plain_path(schema, written, value, currency, kinds)
        where = sources.get(written, f"override {written}")
        faults += [Fault(fault.rule, fault.value, where, fault.remedy) for fault in found]
        if path in made:
            faults.append(Fault("must be changed only once", shown(written), where, "leave one of the two out"))
        elif not found:
            made[path] = plain_value
            if path != written and written in named:
                named[path] = named.pop(written)
    return made, named, faults


def _with_units_listed(vpp: Fields) -> Fields:
    """A plant whose units are by their ids as the file has it; a unit that is null is taken out."""
    units = vpp.get(UNITS)
    if not isinstance(units, dict):
        return vpp
    listed = [
        {"id": name, **unit} if isinstance(unit, dict) else unit
        for name, unit in units.items()
        if unit is not None
    ]
    return {**vpp, UNITS: listed}


def _today(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """The same by the paths of today."""
    return {_OLDER.get(path, path): value for path, value in values.items()}


class _Placer:
    """How messages name a path: by where its value came from, else as an override."""

    def __init__(self, scenario: Scenario, sources: Mapping[str, str]) -> None:
        self._ids = [vpp.id for vpp in scenario.vpps]
        self._units = {vpp.id: [unit.id for unit in vpp.units] for vpp in scenario.vpps}
        self._sources = sources

    def of(self, path: Sequence[str | int]) -> str:
        """A place in the file as it would be; plants stand there by their number."""
        if path[:1] == (_PLANTS,) and len(path) > 1 and isinstance(path[1], int):
            path = (_PLANTS, self._ids[path[1]], *path[2:])
            if path[2:3] == (UNITS,) and len(path) > 3 and isinstance(path[3], int):
                units = self._units[str(path[1])]
                path = (*path[:3], units[path[3]] if path[3] < len(units) else path[3], *path[4:])
        for length in range(len(path), 0, -1):
            source = self._sources.get(path_text(path[:length]))
            if source is not None:
                return f"{source} {path_text(path[length:])}".rstrip()
        where = path_text(path)
        beneath = [
            source for changed_path, source in self._sources.items() if changed_path.startswith(f"{where}.")
        ]
        beside = [
            source
            for changed_path, source in self._sources.items()
            if changed_path.startswith(f"{path_text(path[:-1])}.")
        ]
        if beneath:
            return beneath[0]
        return f"{where} with {', '.join(beside)}" if beside else f"override {where}"

    def whole(self, path: str) -> str:
        """Where a path itself was given."""
        return self._sources.get(path, "override")


def _closed(scenario: Scenario, path: str, place: _Placer) -> Iterator[Fault]:
    """Why nothing can be changed at a path, whatever the value."""
    first, *below = path.split(".")
    where = place.whole(path)
    if first in (*_WORDS, _ABSENT) and not below:
        return
    if first == _PLANTS and below:
        yield from _no_plant(scenario, path, below, where)
    elif first in (*_FIXED, _PLANTS):
        elsewhere = f"change {FILE_NAME} itself"
        remedy = f"go on with an id and a field{_example(scenario)}" if first == _PLANTS else elsewhere
        yield Fault("must be a field that can be changed from outside", shown(path), where, remedy)
    elif first not in _SECTIONS or not all(below) or not below:
        known = (*_SECTIONS, *_WORDS, _PLANTS)
        remedy = f"{_meant(path, known_paths(scenario))}a path begins with one of {', '.join(known)}"
        yield Fault(f"must be the path of a field of {FILE_NAME}", shown(path), where, remedy)


def _meant(path: str, known: Sequence[str]) -> str:
    """A suggestion by the whole path, or by its last part: the section is often left out."""
    by_name = {each.rpartition(".")[2]: each for each in reversed(known)}
    name = next(iter(get_close_matches(path.rpartition(".")[2], by_name, n=1)), "")
    return suggestion(path, known) or (f"did you mean {by_name[name]}? " if name else "")


def _no_plant(scenario: Scenario, path: str, below: Sequence[str], where: str) -> Iterator[Fault]:
    here = [vpp.id for vpp in scenario.vpps]
    vpp, *field = below
    if vpp not in here:
        if vpp in scenario.roster:
            remedy = "change it where the whole scenario is, or that plant's own part"
            yield Fault("must be a plant that is known here", shown(vpp), where, remedy)
        else:
            yield unknown_id(vpp, scenario.roster, where, "must be the id of a VPP")
    elif not field or not all(field):
        remedy = f"go on with a field{_example(scenario, vpp)}"
        yield Fault("must be the path of a field", shown(path), where, remedy)
    elif field[:1] == [UNITS] and (no_unit := _no_unit(scenario, vpp, field)):
        yield Fault(*no_unit[:2], where, no_unit[2])
    elif field == ["id"]:
        remedy = f"change {FILE_NAME} itself, and the columns called after it"
        yield Fault("must be a field that can be changed from outside", shown(path), where, remedy)


def _no_unit(scenario: Scenario, vpp: str, field: Sequence[str]) -> tuple[str, str, str] | None:
    """Why nothing can be changed at a path below `units`: rule, value, remedy; None where something can."""
    here = [unit.id for unit in scenario.vpp(vpp).units]
    if len(field) == 1:
        example = f", such as vpps.{vpp}.units.{here[0]}" if here else ""
        remedy = f"go on with the id of a unit{example}: null takes it away"
        return "must be changed unit by unit, never as a whole list", shown(UNITS), remedy
    if field[1] not in here:
        named = (
            f"go on with the id of a unit: {', '.join(here[:8])}"
            if here
            else f"it has none: add it in {FILE_NAME}"
        )
        return "must be the id of a unit", shown(field[1]), suggestion(field[1], here) + named
    if field[2:] in (["id"], ["kind"]):
        return (
            "must be a field that can be changed from outside",
            shown(".".join(field)),
            f"change {FILE_NAME} itself",
        )
    return None


def _example(scenario: Scenario, vpp: str = "") -> str:
    """A path below a plant, the first that is here if no other is named; there is none where no plant is."""
    here = vpp or next((vpp.id for vpp in scenario.vpps), "")
    return f", such as {_PLANTS}.{here}.satisfaction" if here else ""


def _changed(scenario: Scenario, changes: Changes, faults: list[Fault], place: _Placer) -> Fields:
    """The scenario as fields, plants by their ids, with the changes made; and what cannot be, among `faults`."""
    fields = long_fields(scenario)
    fields[_PLANTS] = {
        vpp["id"]: {**vpp, UNITS: {unit["id"]: unit for unit in vpp[UNITS]}} for vpp in fields[_PLANTS]
    }
    _make_way(fields, changes)
    for path, value in changes.items():
        *above, last = path.split(".")
        node: Any = fields
        for name in above:
            if node.get(name) is None:
                node[name] = {}  # what was not there; what it then lacks is told by its section
            node = node[name]
            if not isinstance(node, dict):
                remedy = f"end the path at {name}, and give the whole value"
                faults.append(Fault("must be the path of a field", shown(path), place.whole(path), remedy))
                break
        else:
            node[last] = deepcopy(value)
    return fields


def _make_way(fields: Fields, changes: Changes) -> None:
    """Take out what a change stands in place of: long forms of a short one, sources, every plant's own κ."""
    for path in changes:
        above, _, last = path.rpartition(".")
        for name in SHORTHANDS.get(last, ()):
            if f"{above}.{name}" not in changes and (node := _at(fields, above)) is not None:
                node.pop(name, None)
    sources = changes.get("carbon.quota_sources")
    if sources is None:
        fields["carbon"]["quota_sources"] = list(QuotaSource)
    for name, earns in QUOTAS.items():
        if isinstance(sources, list) and set(earns) & {s for s in sources if isinstance(s, str)}:
            fields["carbon"] = {k: v for k, v in fields["carbon"].items() if k != name or v}
    if "market.satisfaction" in changes:
        for vpp in fields[_PLANTS].values():
            vpp.pop("satisfaction")


def _at(fields: Fields, path: str) -> Fields | None:
    node: Any = fields
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def _files(file: Section, place: Place) -> list[Fault]:
    """Files named in place of samples: there is no folder to look for them in."""
    sections: list[tuple[tuple[str | int, ...], Section]] = [(("network",), file.network)]
    sections += [(("network", "links", index), link) for index, link in enumerate(file.network.links)]
    rule, remedy = "must be given as samples_s in an override", "give the numbers themselves"
    return [
        Fault(rule, shown(section.latency.file), place((*path, "latency", "file")), remedy)
        for path, section in sections
        if section.latency is not None and section.latency.file is not None
    ]


def _columns_missing(scenario: Scenario, file: Section, place: Place) -> Iterator[Fault]:
    """What the profiles would have to hold and do not."""
    tariffs = {vpp.tariff.name for vpp in scenario.vpps if vpp.tariff}
    for index, (vpp, section) in enumerate(zip(scenario.vpps, file.vpps, strict=True)):
        if section.tariff is not None and section.tariff not in tariffs:
            columns = " and ".join(tariff_column(section.tariff, price) for price in TARIFF_COLUMNS)
            rule, where = f"must have its prices, the profile columns {columns}", (_PLANTS, index, "tariff")
            yield Fault(rule, "no such columns", place(where), f"add them, and the tariff to {FILE_NAME}")
        for asset in _FORECAST:
            if getattr(section, asset) is not None and getattr(vpp, asset) is None:
                column = power_column(vpp.id, asset)
                rule = f"must have its forecast, the profile column {column}"
                remedy = f"add it, and `{asset}: {{}}` to {FILE_NAME}"
                yield Fault(rule, "no such column", place((_PLANTS, index, asset)), remedy)


def _other_length(scenario: Scenario, horizon: Horizon, place: Place) -> Iterator[Fault]:
    """There are data for so many periods, and no others; the first days of them can be run by themselves."""
    before = scenario.public.horizon
    if horizon.periods == before.periods:
        return
    rule, remedy = _ROWS, f"change it in {FILE_NAME}, with the profiles"
    if _timed(scenario):
        rule, remedy = "must be the number of periods that series were read for", f"change {FILE_NAME} itself"
    days = whole_days(horizon)
    if 0 < days < whole_days(before):
        remedy = (
            f"run its first days by themselves: vppmarket run --days {days}, in Python market.run_days(…, {days})"
        )
    where = place(("horizon", "periods"))
    yield Fault(f"{rule}, {before.periods}", str(horizon.periods), where, remedy)


def _timed(scenario: Scenario) -> list[str]:
    """The columns that were read by their times."""
    return [column for column, told in scenario.sources.items() if is_timed(told)]


def _other_days(scenario: Scenario, horizon: Horizon, place: Place) -> Iterator[Fault]:
    """Data of one day are not those of another, and days are as long as their clocks make them."""
    before = scenario.public.horizon
    fields = ("start", "tz", "period_h")
    changed_fields = [name for name in fields if getattr(horizon, name) != getattr(before, name)]
    if not changed_fields:
        return
    changed = place(("horizon", changed_fields[0]))
    if timed := _timed(scenario):
        rule = "must stay what it is where series were read by their times"
        read = f"{', '.join(timed[:3])}{' and others' if len(timed) > 3 else ''} of {before.start}"
        value = getattr(horizon, changed_fields[0]) or "none"
        yield Fault(rule, f"{value}, with {read}", changed, f"change {FILE_NAME} itself")
    elif changed_fields[0] in ("start", "tz") and (days := whole_days(before)) and whole_days(horizon) != days:
        rule = f"must make whole days of the {before.periods} periods of {before.period_h:g} h, as they are now"
        remedy = f"change {FILE_NAME} itself, with the profiles"
        yield Fault(rule, horizon.start or "none", changed, remedy)


def columns_of(scenario: Scenario) -> dict[str, Array]:
    """The columns of the profiles as the scenario has them."""
    tariff = scenario.public.tariff
    columns: dict[str, Array] = {RETAIL: tariff.retail_cny_per_mwh, FEED_IN: tariff.feed_in_cny_per_mwh}
    for vpp in scenario.vpps:
        columns[power_column(vpp.id, "load")] = vpp.load_mw
        for asset in _FORECAST:
            if (plant := getattr(vpp, asset)) is not None:
                columns[power_column(vpp.id, asset)] = plant.forecast_mw
        columns |= dict(unit_columns(vpp))
        columns |= dict(realised_columns(vpp))
    columns |= dict(tariff_columns(scenario.vpps))
    if (emission := scenario.public.carbon.grid_emission_by_period_t_per_mwh) is not None:
        columns[GRID_EMISSION] = emission
    return columns | dict(imbalance_prices_by_period(scenario.public))
