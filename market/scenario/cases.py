"""The built-in cases: which there are, where they lie, and copying one to start a scenario from."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from market.errors import Fault, ScenarioError
from market.scenario import DEFAULT_CASE
from market.scenario.document import FILE_NAME
from market.scenario.faults import suggestion
from market.scenario.private import FOLDER_MODE, create_file
from market.scenario.schema import scenario_schema
from market.scenario.shown_value import shown
from market.system_fault import reason_of

SCHEMA_NAME = "scenario.schema.json"
_CASES = Path(__file__).parent.parent / "cases"
_COPIED = (".csv", ".md")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def builtin_cases() -> tuple[str, ...]:
    """Names of the cases that come with the package, in alphabetical order."""
    return tuple(sorted(folder.name for folder in _CASES.iterdir() if os.path.isfile(folder / FILE_NAME)))


def case_folder(name: str) -> Path:
    """The folder of a built-in case. Raises ScenarioError if there is none of that name."""
    cases = builtin_cases()
    if name in cases:
        return _CASES / name
    remedy = f"{suggestion(name, cases)}built-in cases: {', '.join(cases)}"
    rule = "must be a scenario folder or the name of a built-in case"
    raise ScenarioError([Fault(rule, "neither", shown(name), remedy)])


def copy_case(name: str, target: Path, source: str = DEFAULT_CASE) -> Path:
    """Create the folder `target / name` with a copy of a built-in case and the JSON Schema for editors.

    Its plants are for its owner alone (0700, files 0600). Never overwrites: what is there stays as it is.
    Returns the new folder; raises ScenarioError.
    """
    origin, folder = case_folder(source), target / name
    if not _NAME.fullmatch(name):
        rule = "must be 1 to 64 letters, digits, _, - or ., a letter or digit first"
        raise ScenarioError([Fault(rule, shown(name), "name of the new scenario", "choose another name")])
    text = (origin / FILE_NAME).read_text(encoding="utf-8")
    files = {
        path.name: path.read_text(encoding="utf-8") for path in sorted(origin.iterdir()) if path.suffix in _COPIED
    }
    files[FILE_NAME] = f"# yaml-language-server: $schema={SCHEMA_NAME}\n{text}"
    files[SCHEMA_NAME] = json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(mode=FOLDER_MODE)
        for file, content in files.items():
            create_file(folder / file, content.encode())
    except FileExistsError:
        remedy = "choose another name, or remove what is there"
        raise ScenarioError([Fault("must not exist yet", "something there", str(folder), remedy)]) from None
    except OSError as error:
        remedy = "choose a folder that exists and that you may write to"
        raise ScenarioError([Fault("must be possible to create", reason_of(error), str(folder), remedy)]) from None
    return folder
