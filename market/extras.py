"""Optional packages: which extra installs each, and the error for one that is missing.

Whoever needs one asks here first, before any work that would then be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from market.errors import Fault, ScenarioError

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "figures": ("matplotlib",),
    "import": ("pandapower", "pvlib", "simbench", "windpowerlib"),
    "learn": ("gymnasium", "pettingzoo"),
    "tables": ("openpyxl", "pyarrow"),
    "parquet": ("pyarrow",),
    "sweep": ("pyarrow", "ray"),
    "view": ("ipyvue", "ipyvuetify", "matplotlib", "solara", "starlette", "uvicorn"),
}
"""The modules without which the program can do nothing of what an extra is for."""


def missing(extra: str, place: str) -> Fault | None:
    """What is wrong if an extra is not there. place : what asks for it, such as a flag"""
    absent = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if not absent:
        return None
    remedy = f"install it: pip install 'vppmarket[{extra}]'"
    return Fault(f"it needs the extra `{extra}`", f"no {', '.join(absent)}", place, remedy)


def need(extra: str, place: str) -> None:
    """ScenarioError if an extra is not there, as above."""
    if fault := missing(extra, place):
        raise ScenarioError([fault])
