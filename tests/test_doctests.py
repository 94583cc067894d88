"""Claims: every example in a docstring gives what it says; everything that the front door offers has one."""

from __future__ import annotations

import doctest
from importlib import import_module
from inspect import isclass, isfunction
from pathlib import Path

import pytest

import market

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("market", "broker", "vpp_nodes", "docs")
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_examples_hold(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = doctest.testmod(import_module(module))
    assert done.attempted
    assert not done.failed


def test_whatever_the_front_door_offers_has_an_example() -> None:
    offered = {name: getattr(market, name) for name in market.__all__}
    callables = {name: found for name, found in offered.items() if isfunction(found) or isclass(found)}
    assert {"run", "load", "open_run", "solve_period", "certify", "best_response"} <= callables.keys()
    assert [name for name, found in callables.items() if not _has_example(found)] == []


def _has_example(found: object) -> bool:
    """In its own docstring, or in that of a method."""
    return any(test.examples for test in doctest.DocTestFinder(exclude_empty=True).find(found))
