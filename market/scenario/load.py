"""Loads a scenario: from a folder, or the name of a built-in case, to a validated `Scenario`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import ValidationError

from market.errors import Fault, ScenarioError
from market.model.parameter import Parameter
from market.model.rules import MAX_PERIODS, Horizon
from market.model.unit_limits import SERIES
from market.scenario.build import build_scenario
from market.scenario.cases import case_folder
from market.scenario.document import FILE_NAME, MAX_MEBIBYTES, Document, parse_document
from market.scenario.faults import schema_faults
from market.scenario.fields import ID_PATTERN, Section, is_inside, is_reserved
from market.scenario.files import read_text
from market.scenario.network_ids import unknown_id, unknown_ids
from market.scenario.network_samples import read_samples
from market.scenario.profiles import ASSETS, FEED_IN, RETAIL, Wanted, power_column, read_profiles
from market.scenario.scenario import Scenario
from market.scenario.schema import DEFAULT_PROFILES, PartialFile, ScenarioFile, roster_entry
from market.scenario.shown_value import shown
from market.scenario.unit_columns import (
    GRID_EMISSION,
    called_for,
    claimed_twice,
    grid_emission,
    has_load_units,
    has_unsound_units,
    unit_column,
)


def load_scenario(source: str | Path) -> Scenario:
    """Read and validate a scenario: a folder with `scenario.yaml` and its CSV profiles, or a built-in case.

    A folder wins over a built-in case of the same name. The scenario is called after its folder, unless it has
    a name of its own. With a roster it may hold the plants of some VPPs only, or of none: see `Scenario.whole`.
    Raises ScenarioError with every fault that can be told at once.
    """
    folder = _folder(source)
    text = read_text(folder / FILE_NAME, FILE_NAME, MAX_MEBIBYTES)
    if isinstance(text, Fault):
        raise ScenarioError([text])
    document = parse_document(text)
    profiles = read_profiles(folder, _wanted(document.values))
    samples = read_samples(folder, document.values.get("network"))
    schema = ScenarioFile if document.values.get("roster") is None else PartialFile
    faults = [*document.faults, *_repeated_ids(document), *_strangers(document), *_shared_columns(document)]
    faults += _two_emissions(document, profiles.columns)
    try:
        file = schema.model_validate(document.values)
    except ValidationError as error:
        faults += schema_faults(schema, error, document.place)
        raise ScenarioError([*faults, *profiles.faults, *samples.faults]) from None
    if faults or profiles.faults or samples.faults:
        raise ScenarioError([*faults, *profiles.faults, *samples.faults])
    scenario = build_scenario(folder.resolve().name, file, profiles.columns, samples.by_file)
    if altered := list(_altered(file, scenario, document)):
        raise ScenarioError(altered)
    return scenario


def _folder(source: str | Path) -> Path:
    text = str(source)
    if os.path.isdir(text):
        return Path(text)
    if os.path.exists(text):
        remedy = f"give the folder that holds {FILE_NAME} and the profiles"
        raise ScenarioError([Fault("must be a folder", "a file", shown(text), remedy)])
    return case_folder(text)


def _wanted(values: dict[str, object]) -> Wanted:
    """What the profiles must hold, as far as the file, which may have faults of its own, tells."""
    files, columns = _profile_files(values), _columns(values)
    horizon = values.get("horizon", {})
    periods = horizon.get("periods", Horizon().periods) if isinstance(horizon, dict) else None
    known = type(periods) is int and 1 <= periods <= MAX_PERIODS
    told, optional = _told_columns(values), _optional(values)
    called_for_all = None if columns is None or not files else (columns | frozenset(told)) - optional
    told[GRID_EMISSION] = grid_emission()
    return Wanted(files, periods if known else None, called_for_all, optional, told)


def _told_columns(values: dict[str, object]) -> dict[str, Parameter]:
    """The columns that units and tariffs call for, with what is said of them."""
    told: dict[str, Parameter] = {}
    for vpp in _sound_vpps(values):
        told |= called_for(vpp)
    return told


def _sound_vpps(values: dict[str, object]) -> list[dict[str, Any]]:
    """The plants as given, those with an id."""
    return [vpp for vpp in _entries(values, "vpps") if isinstance(vpp, dict) and _is_id(vpp.get("id"))]


def _optional(values: dict[str, object]) -> frozenset[str]:
    """The columns that may be left out: the grid's emission, and a VPP's own load beside loads that are units."""
    vpps = _sound_vpps(values)
    return frozenset({GRID_EMISSION, *(power_column(vpp["id"], "load") for vpp in vpps if has_load_units(vpp))})


def _shared_columns(document: Document) -> Iterator[Fault]:
    """Units of different VPPs whose columns would be one."""
    places: dict[str, list[tuple[int, int]]] = {}
    for index, vpp in enumerate(_entries(document.values, "vpps")):
        if not isinstance(vpp, dict) or not _is_id(vpp.get("id")) or has_unsound_units(vpp):
            continue
        for number, unit in enumerate(vpp.get("units") or ()):
            if unit["kind"] in SERIES:
                places.setdefault(unit_column(vpp["id"], unit["id"]), []).append((index, number))
    apart = {name: found for name, found in places.items() if len({vpp for vpp, _ in found}) > 1}
    yield from claimed_twice(document, apart)


def _two_emissions(document: Document, columns: Mapping[str, object]) -> Iterator[Fault]:
    """The grid's emission is one number, or a column."""
    carbon = document.values.get("carbon")
    if GRID_EMISSION in columns and isinstance(carbon, dict) and GRID_EMISSION in carbon:
        rule = f"must not be given together with the profile column {GRID_EMISSION}"
        place = document.place(("carbon", GRID_EMISSION))
        yield Fault(rule, shown(carbon[GRID_EMISSION]), place, "keep one of the two")


def _profile_files(values: dict[str, object]) -> tuple[str, ...]:
    given = values.get("profiles", DEFAULT_PROFILES)
    names = given if isinstance(given, list) else [given]
    sound = [name for name in names if isinstance(name, str) and is_inside(name)]
    return tuple(dict.fromkeys(sound)) if len(sound) == len(names) else ()


def _columns(values: dict[str, object]) -> frozenset[str] | None:
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


def _entries(values: dict[str, object], name: str) -> list[Any]:
    """The items of `vpps` or `roster`, as given, but for the short form in the roster."""
    entries = values.get(name)
    if not isinstance(entries, list):
        return []
    return [roster_entry(entry) for entry in entries] if name == "roster" else entries


def _id_of(entry: object) -> object:
    return entry.get("id") if isinstance(entry, dict) else None


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None and not is_reserved(value)
