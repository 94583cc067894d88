"""Which files of a run folder are not what its run wrote, by the digests that its manifest holds of them.

A manifest of an earlier version holds that of the tape alone. Of itself it holds none: who can write the whole
folder anew, manifest included, has made another run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from broker.tape.files import file_sha256
from market.app.results.kept_scenario import SCENARIO_FOLDER
from market.errors import TapeError

FILES: Final = "files"
"""The manifest's field: SHA-256 by the file's name, those of the scenario's copy as `scenario/NAME`."""


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file that is not what the run wrote. sha256 : what is there instead, None where nothing can be read"""

    name: str
    wanted: str
    sha256: str | None

    def __str__(self) -> str:
        return f"{self.name} ({'missing' if self.sha256 is None else 'altered'})"


def digests(run: Path, written: Iterable[str]) -> dict[str, str]:
    """Of the files of these names in a run folder, and of the scenario's copy. TapeError if one cannot be read."""
    kept = sorted(f"{SCENARIO_FOLDER}/{path.name}" for path in (run / SCENARIO_FOLDER).iterdir())
    return {name: file_sha256(run / name) for name in (*written, *kept)}


def foreign_files(run: Path, manifest: Mapping[str, Any]) -> Iterator[ForeignFile]:
    """Every file of a run that came to its end, its tape included, that is not the one its manifest tells of."""
    wanted = dict(manifest.get(FILES, {}))
    if manifest.get("tape") is not None and manifest.get("tape_sha256") is not None:
        wanted[manifest["tape"]] = manifest["tape_sha256"]
    for name, digest in wanted.items():
        if (found := _sha256(run / name)) != digest:
            yield ForeignFile(name, digest, found)


def foreign_note(whose: str, foreign: Sequence[object]) -> str:
    """What to tell people of them, in a line; empty if there are none. whose : the folder, as people know it"""
    names = ", ".join(map(str, foreign))
    return names and f"{whose} is not as its run wrote it: {names}; take what is named from where it is whole"


def _sha256(path: Path) -> str | None:
    if not os.path.exists(path):
        return None
    try:
        return file_sha256(path)
    except TapeError:
        return None
