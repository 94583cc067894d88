"""Claims about the list of equations: every number a docstring cites is in it, every place it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from market.equations import EQUATIONS, Equation, equation

ROOT = Path(__file__).parents[2]
PACKAGES = ("market", "broker", "vpp_nodes")
CITED = re.compile(r"(?<![\w)\]])\((M?\d{1,2})\)(?!\w)")
CITED_RANGE = re.compile(r"\((\d{1,2})\)(?: to |–|-)\((\d{1,2})\)")
EXPECTED = [str(number) for number in range(1, 27)] + [f"M{number}" for number in range(1, 23)]


@cache
def docstrings() -> list[tuple[str, str]]:
    """(place, text) of every docstring of the three packages."""
    found = list[tuple[str, str]]()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    text = ast.get_docstring(node)
                    if text:
                        found.append((f"{path.relative_to(ROOT)}:{getattr(node, 'name', '')}", text))
    return found


def test_the_list_is_complete_and_every_number_stands_once() -> None:
    assert [entry.number for entry in EQUATIONS] == EXPECTED
    assert all(entry.statement.endswith(".") and entry.marks for entry in EQUATIONS)
    with pytest.raises(KeyError):
        equation("27")


def test_every_number_cited_in_a_docstring_is_in_the_list() -> None:
    cited = [(place, number) for place, text in docstrings() for number in CITED.findall(text)]
    assert len(cited) > 100
    unknown = [f"{place} cites ({number})" for place, number in cited if number not in EXPECTED]
    assert unknown == []
    backwards = [
        f"{place}: ({first})–({last})"
        for place, text in docstrings()
        for first, last in CITED_RANGE.findall(text)
        if int(first) >= int(last)
    ]
    assert backwards == []


@pytest.mark.parametrize("entry", EQUATIONS, ids=lambda entry: entry.number)
def test_every_place_named_exists(entry: Equation) -> None:
    assert entry.where
    for place in entry.where:
        module, _, name = place.partition(":")
        tree: ast.AST = ast.parse(source_of(module).read_text(encoding="utf-8"))
        for part in name.split("."):
            found = [
                node
                for node in ast.iter_child_nodes(tree)
                if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == part
            ]
            assert found, place
            tree = found[0]


def test_every_equation_is_cited_where_it_is_said_to_be() -> None:
    """At least one of an equation's modules speaks of it by its number, alone or within a range."""
    silent = []
    for entry in EQUATIONS:
        sources = [source_of(place.partition(":")[0]).read_text(encoding="utf-8") for place in entry.where]
        if not any(speaks_of(source, entry.number) for source in sources):
            silent.append(entry.number)
    assert silent == []


def speaks_of(source: str, number: str) -> bool:
    if f"({number})" in source:
        return True
    ranges = [(int(first), int(last)) for first, last in CITED_RANGE.findall(source)]
    return number.isdigit() and any(first <= int(number) <= last for first, last in ranges)


def source_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.exists() else ROOT.joinpath(*module.split("."), "__init__.py")
