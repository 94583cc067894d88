"""The seam to libraries of the extra `import`: loaded when they are needed, and their warnings kept from users.

What they warn of is how they call each other; what is wrong with data is told by the importers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from market.extras import need

EXTRA: Final = "import"


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of libraries within."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def need_libraries(place: str) -> None:
    """ScenarioError in one line if the extra is not there."""
    need(EXTRA, place)
