"""Takes numbers of numpy, which people reckon with, for the numbers of Python that a file can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain_value(value: Any) -> Any:
    """A value as `scenario.yaml` would hold it, whatever stands in it; anything else as it is.

    >>> plain_value(np.int64(3)), plain_value([np.float64(0.5), {"a": np.arange(2)}])
    (3, [0.5, {'a': [0, 1]}])
    """
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain_value(item) for name, item in value.items()}
    return value
