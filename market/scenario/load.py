"""Loads a scenario: from a folder, or the name of a built-in case, to a validated `Scenario`."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import ValidationError

from market.errors import Fault, ScenarioError
from market.forecast.errors import ForecastModel
from market.model.calendar import day_earlier, stamps
from market.model.currency import DEFAULT_CURRENCY, is_currency, plain_column, spoken_name
from market.model.parameter import Parameter
from market.model.rules import Horizon
from market.model.unit_limits import SERIES
from market.scenario.build import build_scenario
from market.scenario.cases import case_folder
from market.scenario.document import FILE_NAME, MAX_MEBIBYTES, Document, parse_document
from market.scenario.faults import schema_faults
from market.scenario.fields import ID_PATTERN, Section, is_inside, is_reserved
from market.scenario.files import read_text
from market.scenario.horizon import horizon_in, tolerant_horizon
from market.scenario.money import money_faults
from market.scenario.network_build import Samples
from market.scenario.network_ids import unknown_id, unknown_ids
from market.scenario.network_samples import read_samples
from market.scenario.profiles import (
    ASSETS,
    FEED_IN,
    RETAIL,
    Wanted,
    parameter_of_column,
    power_column,
    read_profiles,
)
from market.scenario.realised import (
    Columns,
    realised_wanted,
    rewarding_prices,
    without_forecast,
    without_yesterday,
)
from market.scenario.scenario import Scenario
from market.scenario.schema import DEFAULT_PROFILES, PartialFile, ScenarioFile, roster_entry
from market.scenario.series.series import (
    Given,
    Place,
    PowerColumns,
    columns_of_series,
    read_series,
    realised_by_series,
)
from market.scenario.shown_value import shown
from market.scenario.spoken import plain, spoken_fault
from market.scenario.unit_columns import (
    GRID_EMISSION,
    called_for,
    claimed_twice,
    grid_emission,
    has_load_units,
    has_unsound_units,
    imbalance_columns,
    realised_column,
    unit_column,
    units_in,
)


def load_scenario(source: str | Path) -> Scenario:
    """Read and validate a scenario: a folder with `scenario.yaml` and its CSV profiles, or a built-in case.

    The path of its `scenario.yaml` stands for the folder. A folder wins over a built-in case of the same name.
    The scenario is called after its folder, unless it has a name of its own. With a roster it may hold the plants
    of some VPPs only, or of none: see `Scenario.whole`.
    Raises ScenarioError with every fault that can be told at once.
    """
    folder = scenario_folder(source)
    if not os.path.exists(folder / FILE_NAME) and os.path.isfile(kept := folder / "scenario" / FILE_NAME):
        remedy = f"its scenario is {kept.parent}"
        raise ScenarioError([Fault("must be the folder of a scenario", "that of a run", str(source), remedy)])
    text = read_text(folder / FILE_NAME, FILE_NAME, MAX_MEBIBYTES)
    if isinstance(text, Fault):
        raise ScenarioError([text])
    document = parse_document(text)
    currency = _currency(document)
    found = _read(folder, document, currency)
    if found.faults:
        raise ScenarioError([spoken_fault(fault, currency) for fault in dict.fromkeys(found.faults)])
    assert found.file is not None
    scenario = build_scenario(
        folder.resolve().name, found.file, found.columns, found.samples, found.horizon, found.sources
    )
    wrong = [
        *_altered(found.file, scenario, document),
        *rewarding_prices(scenario.public, scenario.vpps, ", ".join(_profile_files(document.values))),
    ]
    if wrong:
        raise ScenarioError([spoken_fault(fault, currency) for fault in wrong])
    return scenario


def _currency(document: Document) -> str:
    """The currency of all money. ScenarioError where it is none: every value would be told wrongly."""
    named = document.values.get("currency", DEFAULT_CURRENCY)
    if isinstance(named, str) and is_currency(named):
        return named
    rule, remedy = "must be the code of a currency, three capital letters", "write it like EUR, CNY or USD"
    raise ScenarioError([Fault(rule, shown(named), document.place(("currency",)), remedy)])


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a folder holds; where there are faults, not all of it is there."""

    file: Section | None
    columns: Columns
    samples: Samples
    sources: Mapping[str, str]
    horizon: Horizon
    faults: list[Fault]


def _read(folder: Path, document: Document, currency: str) -> _Reading:
    """Read everything, and find every fault that can be told at once."""
    schema = ScenarioFile if document.values.get("roster") is None else PartialFile
    spoken = plain(schema, document.values, currency)
    values = spoken.values

    def place(path: Sequence[str | int]) -> str:
        return document.place(spoken.as_written(path))

    horizon, known = _horizon(values), _known(values)
    given = Given(values.get("series"), values.get("series_defaults"), currency, horizon, place)
    powers = PowerColumns(
        {column: realised_column(column) for column in known.powers}, _day_before(values, horizon)
    )
    series = read_series(folder, given, known.all, known.parameter, powers)
    named = columns_of_series(_mapping(values.get("series")), known.all or (), currency)
    by_series = {*named, *realised_by_series(_mapping(values.get("series")), named, powers)}
    wanted = _wanted(values, horizon, known, by_series, currency)
    if lacking := _without_profiles(folder, values, wanted, place) if by_series else None:
        series.faults.append(lacking)
    if lacking or _are_series_alone(folder, values, known):
        wanted = replace(wanted, files=(), columns=None)
    profiles = read_profiles(folder, wanted)
    samples = read_samples(folder, values.get("network"))
    made = {plain_column(name, currency): column for name, column in profiles.columns.items()}
    columns: Columns = {**made, **series.columns}
    faults = [
        *document.faults,
        *(Fault(f.rule, f.value, place(path), f.remedy) for path, f in spoken.faults),
        *_repeated_ids(document),
        *_strangers(document),
        *_shared_columns(document),
        *_two_emissions(values, columns, place),
        *without_forecast(columns, powers.realised, place),
    ]
    if powers.day_before is not None or _forecast_model(values) is ForecastModel.PERSISTENCE:
        faults += without_yesterday(columns, powers.realised, horizon, place)
    file: Section | None = None
    try:
        file = schema.model_validate(values)
    except ValidationError as error:
        told = [path for path, _ in spoken.faults]
        faults += schema_faults(schema, error, place, told=told)
    else:
        faults += money_faults(file, currency, place)
    sources = dict(file.sources) if file is not None else {}
    return _Reading(
        file,
        columns,
        samples.by_file,
        {**sources, **{spoken_name(name, currency): text for name, text in series.sources.items()}},
        horizon_in(file.horizon) if file is not None else Horizon(),
        [*faults, *series.faults, *profiles.faults, *samples.faults],
    )


def _forecast_model(values: Mapping[str, object]) -> object:
    """The model of forecasts that a file names, as far as it is sound."""
    named = _mapping(values.get("forecast")).get("model")
    return next((model for model in ForecastModel if model.value == named), None)


def _day_before(values: Mapping[str, object], horizon: Horizon | None) -> Horizon | None:
    """The horizon a day earlier, where what was realised then is the forecast."""
    if _forecast_model(values) is not ForecastModel.PERSISTENCE or horizon is None or not horizon.start:
        return None
    return day_earlier(horizon)


def says_rolling(source: str | Path) -> bool:
    """Whether a scenario may have a section `rolling`: a look at its text, which is not read in full."""
    try:
        text = read_text(scenario_folder(source) / FILE_NAME, FILE_NAME, MAX_MEBIBYTES)
    except ScenarioError:
        return False
    return isinstance(text, str) and "rolling" in text


def is_folder(source: str | Path) -> bool:
    """Whether a text names a scenario's folder, or the file in it that stands for it, and not a built-in case."""
    return os.path.isdir(source) or (os.path.isfile(source) and Path(source).name == FILE_NAME)


def scenario_folder(source: str | Path) -> Path:
    """The folder of a scenario. ScenarioError if there is none, nor a built-in case of that name."""
    text = str(source)
    if is_folder(text):
        return Path(text) if os.path.isdir(text) else Path(text).parent
    if os.path.exists(text):
        remedy = f"give the folder that holds {FILE_NAME} and the profiles"
        raise ScenarioError([Fault("must be a folder", "a file", shown(text), remedy)])
    return case_folder(text)


def _horizon(values: Mapping[str, object]) -> Horizon | None:
    """The horizon, as far as the file, which may have faults of its own, tells."""
    horizon = values.get("horizon", {})
    return tolerant_horizon(horizon) if isinstance(horizon, dict) else None


@dataclass(frozen=True, slots=True)
class _Known:
    """The columns that a file calls for. required : None where it does not tell · optional : what may be there

    told : what is said of those beside the columns of every VPP · powers : those that may be realised otherwise
    """

    required: frozenset[str] | None
    optional: frozenset[str]
    told: Mapping[str, Parameter]
    powers: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str] | None:
        """Every column that has a meaning."""
        return None if self.required is None else self.required | self.optional

    def parameter(self, column: str) -> Parameter:
        """What is said of the field that a column is for."""
        return self.told.get(column) or parameter_of_column(column)


def _known(values: Mapping[str, object]) -> _Known:
    columns, optional = _columns(values), _optional(values)
    told: dict[str, Parameter] = {}
    for vpp in _sound_vpps(values):
        told |= called_for(vpp)
    required = None if columns is None else (columns | frozenset(told)) - optional
    powers = {column: told.get(column) or parameter_of_column(column) for column in (columns or set()) | set(told)}
    powers = {column: parameter for column, parameter in powers.items() if column.endswith("_mw")}
    realised = realised_wanted(powers, frozenset(powers))
    others = {GRID_EMISSION: grid_emission(), **imbalance_columns(), **realised}
    return _Known(required, optional | frozenset(others), {**told, **others}, frozenset(powers))


def _wanted(
    values: Mapping[str, object],
    horizon: Horizon | None,
    known: _Known,
    by_series: Collection[str],
    currency: str,
) -> Wanted:
    """What the profiles must hold, as far as the file tells; nothing where series give every column.

    by_series : the columns that series are given for, whatever comes of them
    """

    def spoken(columns: frozenset[str]) -> frozenset[str]:
        return frozenset(spoken_name(column, currency) for column in columns - set(by_series))

    left = None if known.required is None else spoken(known.required)
    files = () if left is not None and not left and "profiles" not in values else _profile_files(values)
    periods = None if horizon is None else horizon.periods
    starts = stamps(horizon) if horizon is not None else ()
    told = {spoken_name(column, currency): parameter for column, parameter in known.told.items()}
    return Wanted(files, periods, left if files else None, starts, spoken(known.optional), told)


def _without_profiles(folder: Path, values: Mapping[str, object], wanted: Wanted, place: Place) -> Fault | None:
    """What series do not give, where no profiles are named and there are none."""
    if "profiles" in values or not wanted.columns or os.path.exists(folder / DEFAULT_PROFILES):
        return None
    names = ", ".join(sorted(wanted.columns))
    rule = f"must give every column, where there is no {DEFAULT_PROFILES}"
    remedy = f"add a series for each, or the columns to {DEFAULT_PROFILES}"
    return Fault(rule, f"nothing for {names}", place(("series",)), remedy)


def _are_series_alone(folder: Path, values: Mapping[str, object], known: _Known) -> bool:
    """Whether there are no profiles, and series may give every column, which a fault elsewhere hides."""
    if known.required is not None or "profiles" in values or not _mapping(values.get("series")):
        return False
    return not os.path.exists(folder / DEFAULT_PROFILES)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _sound_vpps(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """The plants as given, those with an id."""
    return [vpp for vpp in _entries(values, "vpps") if isinstance(vpp, dict) and _is_id(vpp.get("id"))]


def _optional(values: Mapping[str, object]) -> frozenset[str]:
    """The columns that may be left out: the grid's emission, and a VPP's own load beside loads that are units."""
    vpps = _sound_vpps(values)
    return frozenset({GRID_EMISSION, *(power_column(vpp["id"], "load") for vpp in vpps if has_load_units(vpp))})


def _shared_columns(document: Document) -> Iterator[Fault]:
    """Units of different VPPs whose columns would be one."""
    places: dict[str, list[tuple[int, int]]] = {}
    for index, vpp in enumerate(_entries(document.values, "vpps")):
        if not isinstance(vpp, dict) or not _is_id(vpp.get("id")) or has_unsound_units(vpp):
            continue
        for number, unit in enumerate(units_in(vpp)):
            if unit["kind"] in SERIES:
                places.setdefault(unit_column(vpp["id"], unit["id"]), []).append((index, number))
    apart = {name: found for name, found in places.items() if len({vpp for vpp, _ in found}) > 1}
    yield from claimed_twice(document, apart)


def _two_emissions(values: Mapping[str, object], columns: Mapping[str, object], place: Place) -> Iterator[Fault]:
    """The grid's emission is one number, or a column."""
    carbon = values.get("carbon")
    if GRID_EMISSION in columns and isinstance(carbon, dict) and GRID_EMISSION in carbon:
        rule = f"must not be given together with the profile column or series {GRID_EMISSION}"
        yield Fault(rule, shown(carbon[GRID_EMISSION]), place(("carbon", GRID_EMISSION)), "keep one of the two")


def _profile_files(values: Mapping[str, object]) -> tuple[str, ...]:
    given = values.get("profiles", DEFAULT_PROFILES)
    names = given if isinstance(given, list) else [given]
    sound = [name for name in names if isinstance(name, str) and is_inside(name)]
    return tuple(dict.fromkeys(sound)) if len(sound) == len(names) else ()


def _columns(values: Mapping[str, object]) -> frozenset[str] | None:
    """The columns called for, those of units aside; None where ids are at fault: no fault is told twice."""
    vpps = _sound_vpps(values)
    ids = {vpp["id"].casefold() for vpp in vpps}
    partial = values.get("roster") is not None and isinstance(values.get("vpps", []), list)
    if len(ids) < len(_entries(values, "vpps")) or not (vpps or partial) or any(map(has_unsound_units, vpps)):
        return None
    columns = {RETAIL, FEED_IN}
    for vpp in vpps:
        present = [asset for asset in ASSETS if asset == "load" or vpp.get(asset) is not None]
        columns |= {power_column(vpp["id"], asset) for asset in present}
    return frozenset(columns)


def _repeated_ids(document: Document) -> Iterator[Fault]:
    """Ids must differ in more than the case of their letters: they become names of columns and files."""
    for name in ("vpps", "roster"):
        first: dict[str, int] = {}
        for index, entry in enumerate(_entries(document.values, name)):
            vpp_id = _id_of(entry)
            if not _is_id(vpp_id):
                continue
            other = first.setdefault(vpp_id.casefold(), index)
            if other != index:
                place, value = document.place((name, index, "id")), f"{vpp_id!r}, as in {name}[{other}]"
                yield Fault("must be an id of its own", value, place, "choose another id")


def _strangers(document: Document) -> Iterator[Fault]:
    """Ids that no VPP of the market has: in the section network, and of plants that the roster does not name.

    Found where the VPPs' own ids are sound.
    """
    name = "vpps" if document.values.get("roster") is None else "roster"
    entries = _entries(document.values, name)
    known = tuple(vpp_id for entry in entries if _is_id(vpp_id := _id_of(entry)))
    if not known or len(known) < len(entries):
        return
    yield from unknown_ids(document.values.get("network"), known, document.place)
    for index, entry in enumerate(_entries(document.values, "vpps")):
        if _is_id(vpp_id := _id_of(entry)) and vpp_id not in known:
            place = document.place(("vpps", index, "id"))
            yield unknown_id(vpp_id, known, place, "must be the id of a VPP in the roster")


def _altered(file: Section, scenario: Scenario, document: Document) -> Iterator[Fault]:
    """Plants that are not the ones the roster has the fingerprints of."""
    named = {entry.id: entry.plant_digest for entry in file.roster or ()}
    found = scenario.digest_by_vpp
    remedy = "take this plant back to what it was, or have the market's public part made anew from the changed one"
    for index, vpp in enumerate(file.vpps):
        digest = named.get(vpp.id)
        if digest is not None and digest != found[vpp.id]:
            rule = f"must be the plant that the roster has by its digest, {_short(digest)}"
            yield Fault(rule, f"one of digest {_short(found[vpp.id])}", document.place(("vpps", index)), remedy)


def _short(digest: str) -> str:
    return f"{digest[:12]}…"


def _entries(values: Mapping[str, object], name: str) -> list[Any]:
    """The items of `vpps` or `roster`, as given, but for the short form in the roster."""
    entries = values.get(name)
    if not isinstance(entries, list):
        return []
    return [roster_entry(entry) for entry in entries] if name == "roster" else entries


def _id_of(entry: object) -> object:
    return entry.get("id") if isinstance(entry, dict) else None


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None and not is_reserved(value)
