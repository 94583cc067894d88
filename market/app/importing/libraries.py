"""The seam to libraries of the extra `import`: loaded when they are needed, and their warnings kept from users.

What they warn of is how they call each other; what is wrong with data is told by the importers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from market.extras import need

EXTRA: Final = "import"


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of libraries within, and pictures are drawn afterwards as they were before.

    pandapower gives all lines that matplotlib draws in its process round ends, once it is imported.
    """
    with warnings.catch_warnings(), _drawing_as_it_was():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _drawing_as_it_was() -> Iterator[None]:
    try:
        renderer: Any = import_module("matplotlib.backend_bases").RendererBase
    except ImportError:
        yield
        return
    before = renderer.new_gc
    try:
        yield
    finally:
        renderer.new_gc = before


def need_libraries(place: str) -> None:
    """ScenarioError in one line if the extra is not there."""
    need(EXTRA, place)
