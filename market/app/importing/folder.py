"""Writes a draft as a folder: `scenario.yaml` with its sources in comments, `README.md`, and the files of series.

The folder appears when it is whole and loads as a scenario; else there is an error, and nothing is left behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Final

from market.app.importing.draft import Draft, Entry, Fields, Provenance
from market.errors import Fault, RunError, ScenarioError
from market.scenario.document import FILE_NAME
from market.scenario.load import load_scenario
from market.scenario.private import FOLDER_MODE, create_file
from market.scenario.scenario import Scenario
from market.scenario.series.source import DefaultsSection
from market.scenario.yaml_text import yaml_lines
from market.system_fault import reason_and_remedy, reason_of

_WIDTH: Final = 110
_PARTS: Final = (
    ("Sources", "sources"),
    ("Taken", "took"),
    ("Not taken, and why", "dropped"),
    ("Assumed, since the source does not say; change it where you know better", "assumed"),
)


def write_draft(draft: Draft, folder: Path) -> Scenario:
    """Write it, and return the scenario that it loads as. ScenarioError where it is none, or the folder is not."""
    _free(folder)
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.absolute().parent, prefix=".import-") as kept:
            made = Path(kept) / folder.absolute().name
            made.mkdir(mode=FOLDER_MODE)
            for name, data in _contents(draft).items():
                (made / name).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                create_file(made / name, data)
            scenario = load_scenario(made)
            made.rename(folder.absolute())
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {reason_and_remedy(error)}") from None
    return scenario


def _free(folder: Path) -> None:
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise ScenarioError(
            [Fault("must be a folder of our own", reason_of(error), str(folder), "name another with --out")]
        ) from None
    if taken:
        remedy = "name a new folder with --out: nothing is ever overwritten"
        raise ScenarioError([Fault("the folder must be new or empty", "something there", str(folder), remedy)])


def _contents(draft: Draft) -> dict[str, bytes]:
    """Every file by its name, `scenario.yaml` last."""
    return {
        **draft.files,
        "README.md": _readme(draft).encode(),
        FILE_NAME: "".join(f"{line}\n" for line in scenario_lines(draft)).encode(),
    }


def scenario_lines(draft: Draft) -> Iterator[str]:
    """The text of `scenario.yaml`."""
    yield from _comment(f"{draft.title}. Written by vppmarket import, to be read and edited; README.md says more.")
    for source in draft.account.sources:
        yield from _comment(f"Source: {source}")
    yield ""
    yield from yaml_lines({"title": draft.title, "currency": draft.currency})
    for name, fields in draft.sections.items():
        yield ""
        yield from yaml_lines({name: fields})
    defaults, series = lifted(draft.series)
    yield ""
    yield from _comment(
        "Columns of files as they are: `unit` is that of the file's numbers, `scale` a factor or what 1 is."
    )
    if defaults:
        yield from yaml_lines({"series_defaults": defaults})
    yield from yaml_lines({"series": series})
    yield ""
    yield from yaml_lines({"vpps": list(draft.vpps)})


def lifted(series: Mapping[str, Entry]) -> tuple[Fields, dict[str, Entry]]:
    """What all sources from files have in common, and the series without it.

    >>> lifted({"a": {"file": "f.csv", "column": "x"}, "b": {"file": "f.csv", "column": "y"}, "c": "1 MW"})
    ({'file': 'f.csv'}, {'a': {'column': 'x'}, 'b': {'column': 'y'}, 'c': '1 MW'})
    """
    sources = [source for entry in series.values() for source in parts(entry) if "file" in source]
    first = sources[0] if len(sources) > 1 else {}
    common = {
        name: value
        for name, value in first.items()
        if name in DefaultsSection.model_fields and all(source.get(name) == value for source in sources)
    }

    def without(entry: Entry) -> Entry:
        if isinstance(entry, list):
            return [without(part) for part in entry]
        if isinstance(entry, dict) and "file" in entry:
            return {name: value for name, value in entry.items() if name not in common}
        return entry

    return common, {name: without(entry) for name, entry in series.items()}


def parts(entry: Entry) -> list[Fields]:
    """The sources that a series is made of."""
    return [part for part in (entry if isinstance(entry, list) else [entry]) if isinstance(part, dict)]


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _readme(draft: Draft) -> str:
    lines = [f"# {draft.title}", "", "Written by `vppmarket import`. `scenario.yaml` is to be read and edited."]
    for title, name in _PARTS:
        if told := getattr(draft.account, name):
            lines += ["", f"## {title}", "", *(f"- {line}" for line in told)]
    return "".join(f"{line}\n" for line in lines)


def account_text(account: Provenance) -> str:
    """The account for the terminal."""
    return "".join(
        f"{title}:\n" + "".join(f"  - {line}\n" for line in told)
        for title, name in _PARTS
        if (told := getattr(account, name))
    )
