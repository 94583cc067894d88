"""Claims: the Python that README.md and docs/ show runs as it stands, what it calls true is true, and the first
example is a short one; every path, module and link that pages and docstrings name is there."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from market.scenario.catalogue import catalogue

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "```python\n" in path.read_text(encoding="utf-8")
)
WORDS_MOST = 1200


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_first_example_has_six_lines_at_most() -> None:
    assert {"README.md", "docs/python.md"} <= set(PAGES)
    for page in ("README.md", "docs/python.md"):
        assert len(examples(page)[0].splitlines()) <= 6
    assert "  # True" in "".join(examples("docs/python.md"))


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < WORDS_MOST


@pytest.mark.sampled(3)
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_one_after_the_other(page: str, tmp_path: Path) -> None:
    program = re.sub(r"^(.+?)  # True\b.*$", r"assert \1", "\n".join(examples(page)), flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SOLARA_CHECK_HOOKS": "off"},  # Mesa's page breaks its rules
        input=program,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} <= {"runs"}


# --- names -------------------------------------------------------------------------------------------------------

PACKAGES = ("market", "broker", "vpp_nodes")
SOURCES = [path for folder in (*PACKAGES, "scripts", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
PAGES_OF_TEXT = [
    path
    for pattern in ("*.md", "docs/**/*.md", "market/cases/**/*.md")
    for path in sorted(ROOT.glob(pattern))
    if ".venv" not in path.parts
]
A_PATH = re.compile(r"(?<![\w./-])((?:market|broker|vpp_nodes|tests|scripts|docs)(?:/[\w.-]+)+)")
A_NAME = re.compile(r"(?<![\w./-])((?:market|broker|vpp_nodes)(?:\.[A-Za-z_]\w*)+)(?![\w/])")
A_LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")
A_KEY_FILE = re.compile(r"broker\.key(_secret)?")


def test_every_path_that_is_named_exists() -> None:
    named = [
        (path, found.rstrip("."))
        for path in (*PAGES_OF_TEXT, *SOURCES)
        for found in A_PATH.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(named) > 100
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in named if not (ROOT / name).exists()] == []


def test_every_module_and_name_in_one_that_is_named_exists() -> None:
    texts = [(path, path.read_text(encoding="utf-8")) for path in PAGES_OF_TEXT]
    texts += [(path, text) for path in SOURCES if path.parts[-2] != "tests" for text in docstrings(path)]
    named = [(path, name) for path, text in texts for name in A_NAME.findall(text)]
    assert len(named) > 50
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in named if not exists(name)] == []


def test_links_of_pages_lead_somewhere() -> None:
    links = [
        (page, link, heading)
        for page in PAGES_OF_TEXT
        for link, heading in A_LINK.findall(page.read_text(encoding="utf-8"))
    ]
    assert len(links) > 50
    broken = [
        f"{page.relative_to(ROOT)}: {link}#{heading}"
        for page, link, heading in links
        for target in [page.parent / link if link else page]
        if not target.exists() or (heading and heading not in headings(target))
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("market.game", True),
        ("market.settlement.settlement", True),
        ("market.game.verdict.conclude", True),
        ("market.run", True),
        ("market.price_rule", True),
        ("broker.key_secret", True),
        ("market.settled", False),
        ("market.game.verdict.decide", False),
        ("broker.wires", False),
    ],
)
def test_the_search_tells_right_from_wrong(name: str, verdict: bool) -> None:
    assert exists(name) is verdict


def exists(name: str) -> bool:
    """Whether a dotted name is a module, something in one, of the front door, or the path of a parameter."""
    if A_KEY_FILE.fullmatch(name) or name in {entry.path for entry in catalogue()}:
        return True
    module, rest = ROOT, name.split(".")
    while rest and (module / rest[0]).is_dir():
        module, rest = module / rest[0], rest[1:]
    if rest and (module / f"{rest[0]}.py").is_file():
        module, rest = module / f"{rest[0]}.py", rest[1:]
    source = module if module.is_file() else module / "__init__.py"
    return not rest or (source.is_file() and rest[0] in names_in(source))


@cache
def names_in(source: Path) -> frozenset[str]:
    """What is defined at the top of a module, imported there, or offered by name."""
    names = set[str]()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        names |= {str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)}
        names |= {part.asname or part.name for part in ast.walk(node) if isinstance(part, ast.alias)}
    return frozenset(names)


def docstrings(path: Path) -> list[str]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [text for node in ast.walk(tree) if isinstance(node, kinds) and (text := ast.get_docstring(node))]


@cache
def headings(page: Path) -> frozenset[str]:
    """The headings of a page as links name them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in found)
