"""Joins a draft to a scenario that is there: its plants come beside the others', in a folder of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from market.app.importing.draft import Draft, Entry, Fields, Provenance
from market.errors import Fault, ScenarioError
from market.model.rules import Horizon
from market.scenario import load_scenario
from market.scenario.document import FILE_NAME, MAX_MEBIBYTES, parse_document
from market.scenario.files import read_text
from market.scenario.load import scenario_folder
from market.scenario.schema import DEFAULT_PROFILES

PLACE = "--add-to"
_PRICES = ("retail", "feed_in")
_OF_DRAFT = ("title", "currency", "series_defaults", "series", "vpps")


@dataclass(frozen=True, slots=True)
class Base:
    """A scenario as its file has it, with what it means. horizon : as it was understood"""

    folder: Path
    values: Mapping[str, Any]
    horizon: Horizon
    currency: str

    @property
    def horizon_fields(self) -> Fields:
        """The section `horizon` as the file has it."""
        return dict(self.values["horizon"])


def base_of(source: Path) -> Base:
    """Read a scenario to add plants to. ScenarioError if it is none, or has no start."""
    scenario = load_scenario(source)
    folder = scenario_folder(source)
    horizon = scenario.public.horizon
    if not horizon.start:
        remedy = "give it one: horizon: {start: 2016-06-15, days: 1, step: 15min, tz: Europe/Berlin}"
        raise ScenarioError(
            [Fault("must be a scenario whose horizon has a start", "none", f"{PLACE} {source}", remedy)]
        )
    text = read_text(folder / FILE_NAME, FILE_NAME, MAX_MEBIBYTES)
    if isinstance(text, Fault):
        raise ScenarioError([text])
    base = Base(folder, parse_document(text).values, horizon, scenario.public.currency)
    if next(_named(base.values, "root"), None) is not None:
        remedy = "copy the files into it, and take root out"
        raise ScenarioError([Fault("must have its files in its own folder", "root", f"{PLACE} {source}", remedy)])
    return base


def joined(base: Base, draft: Draft) -> Draft:
    """The base with the plants of the draft; prices and rules are the base's. ScenarioError where ids meet."""
    _same_currency(base, draft)
    _new_ids(base, draft)
    values = base.values
    names = _free_names(base, draft.files)
    series = {
        **_spelled(values),
        **{
            name: _renamed(entry, names)
            for name, entry in draft.series.items()
            if name not in (*_PRICES, *_called(base))
        },
    }
    sections = {name: value for name, value in values.items() if name not in _OF_DRAFT}
    files = {names[name]: data for name, data in draft.files.items()}
    account = Provenance(
        (f"the scenario {base.folder.name}, to which plants were added: README_{base.folder.name}.md",),
        (f"{len(values['vpps'])} plants, prices, rules and horizon of {base.folder.name}",),
    )
    return Draft(
        f"{values.get('title') or base.folder.name}; {draft.title}"[:200],
        base.currency,
        sections,
        series,
        [*values["vpps"], *draft.vpps],
        {**_files_of(base), **files},
        account.with_(draft.account),
    )


def _same_currency(base: Base, draft: Draft) -> None:
    if base.currency != draft.currency:
        rule = f"must be in the currency of what is added, {draft.currency}"
        remedy = f"say --currency {base.currency}"
        raise ScenarioError([Fault(rule, base.currency, f"{PLACE} {base.folder}", remedy)])


def _new_ids(base: Base, draft: Draft) -> None:
    there = {str(vpp["id"]).casefold() for vpp in base.values["vpps"]}
    again = [vpp["id"] for vpp in draft.vpps if vpp["id"].casefold() in there]
    if again:
        rule, remedy = "must have no plant that is added", "give the new ones other ids"
        raise ScenarioError([Fault(rule, ", ".join(again), f"{PLACE} {base.folder}", remedy)])


def _called(base: Base) -> set[str]:
    return set(base.values.get("series") or {})


def _spelled(values: Mapping[str, Entry]) -> dict[str, Entry]:
    """The series of the base, with what its defaults say written out in each source."""
    defaults = dict(values.get("series_defaults") or {})

    def full(entry: Entry) -> Entry:
        if isinstance(entry, list):
            return [full(part) for part in entry]
        if not isinstance(entry, dict):
            return entry
        return {**defaults, **entry} if "series" not in entry else _full_reality(entry, defaults)

    return {name: full(entry) for name, entry in (values.get("series") or {}).items()}


def _full_reality(entry: Fields, defaults: Fields) -> Fields:
    """A series made of another; what became of it, where that is in a file, with what the defaults say."""
    said = entry.get("realised")
    real = {"file": said} if isinstance(said, str) else said
    return {**entry, "realised": {**defaults, **real}} if real and "file" in real else entry


def _files_of(base: Base) -> dict[str, bytes]:
    """The files of the base's profiles, and all that its sections and series name."""
    profiles = base.values.get("profiles", DEFAULT_PROFILES)
    wanted = dict.fromkeys(profiles if isinstance(profiles, list) else [profiles])
    wanted |= dict.fromkeys([*_named(base.values, "file"), *_named(base.values, "realised")])
    files = {name: (base.folder / name).read_bytes() for name in wanted if (base.folder / name).is_file()}
    readme = base.folder / "README.md"
    return {**files, f"README_{base.folder.name}.md": readme.read_bytes()} if readme.is_file() else files


def _named(values: object, field: str) -> Iterator[str]:
    """The texts of a field wherever it stands; a section in its place is gone into."""
    if isinstance(values, list):
        for part in values:
            yield from _named(part, field)
    elif isinstance(values, Mapping):
        for name, value in values.items():
            if name == field and isinstance(value, str):
                yield value
            else:
                yield from _named(value, field)


def _free_names(base: Base, files: Mapping[str, bytes]) -> dict[str, str]:
    """By the name of each new file one that no other file of the base has, unless it is the same to the byte."""
    taken, names = _files_of(base), {}
    for name, data in files.items():
        made, count = name, 1
        while taken.get(made, data) != data:
            count += 1
            made = re.sub(r"(\.[^.]*)?$", rf"_{count}\1", name, count=1)
        taken[made] = data
        names[name] = made
    return names


def _renamed(entry: Entry, names: Mapping[str, str]) -> Entry:
    if isinstance(entry, list):
        return [_renamed(part, names) for part in entry]
    if isinstance(entry, dict) and entry.get("file") in names:
        return {**entry, "file": names[entry["file"]]}
    return entry
