"""The type of an argument that names a file or folder: what no system takes is refused before it is looked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click

from market.scenario.shown_value import shown

_LONGEST_PART: Final = 255
"""Bytes of one name, as POSIX systems have it; a few file systems take less, and say so themselves."""
_LONGEST: Final = 4095
"""Bytes of a whole path."""


class PathValue(click.Path):
    """A path, as yet to be looked for; no part of it is longer than a system takes."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        self._check("a path", os.fspath(value), _LONGEST, param, ctx)
        for part in Path(value).parts:
            self._check("each name in a path", part, _LONGEST_PART, param, ctx)
        return super().convert(value, param, ctx)

    def _check(
        self, what: str, text: str, limit: int, param: click.Parameter | None, ctx: click.Context | None
    ) -> None:
        if (size := len(os.fsencode(text))) > limit:
            self.fail(
                f"{what} has at most {limit} bytes; got {shown(text)} of {size}; give a shorter one", param, ctx
            )


PATH = PathValue()
