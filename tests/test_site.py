"""Claims: the site builds without a warning and without asking anybody for anything; its notebooks and the
commands that its pages show run; its links lead somewhere; its pages fetch nothing; its reference is the code's.

Of the pages that run anything a sample is tried, all with `--whole`; the others are then only shown.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

import market
from docs.extensions.help_texts import COLUMNS
from docs.extensions.terminals import CommandFailed, Terminals
from market.app.cli.commands import commands
from tests.sampling import sampled

pytestmark = [pytest.mark.timeout(1600), pytest.mark.in_turn("the site")]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md")
}
NOTEBOOKS = sorted(name for name, text in PAGES.items() if "\n```{code-cell}" in text)
SHELL_PAGES = sorted(name for name, text in PAGES.items() if "\n```{executed}" in text)
FLAGS = "-b html -j auto -q -E -W --keep-going"
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: whatever is asked for through it is not had."""


class Asked(HTMLParser):
    """What a page has a browser load, where its links lead, and which places in it can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads, self.links, self.places = list[str](), list[str](), {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("next", "prev", "index", "search", "genindex"):
            self.loads.append(given["href"])
        elif "src" in given:
            self.loads.append(given["src"])


@pytest.fixture(scope="module")
def executed() -> list[str]:
    """The pages that are run."""
    return [*sampled(NOTEBOOKS, 1, "notebooks"), *sampled(SHELL_PAGES, 1, "commands")]


@pytest.fixture(scope="module")
def site(executed: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `scripts/site` does."""
    folder = tmp_path_factory.mktemp("site") / "site"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *FLAGS.split(), DOCS, folder],
        env={**os.environ, **proxies, "NO_PROXY": "127.0.0.1", "SITE_EXECUTES": " ".join(executed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Asked]:
    return {path: Asked(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_there_and_what_was_to_run_has_run(site: Path, executed: list[str]) -> None:
    assert [name for name in PAGES if not (site / f"{name}.html").is_file()] == []
    assert (len(NOTEBOOKS), len(SHELL_PAGES)) >= (5, 6)
    for name in executed:
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        assert re.search(r'class="(output|cell_output)', text), name


def test_the_script_builds_in_the_same_way() -> None:
    script = (ROOT / "scripts" / "site").read_text(encoding="utf-8")
    assert f'"$venv/bin/python" -m sphinx {FLAGS} "$root/docs" "$site"' in script


def test_links_lead_somewhere(site: Path, pages: dict[Path, Asked]) -> None:
    broken = [
        f"{page.relative_to(site)}: {link}"
        for page, asked in pages.items()
        for link in asked.links
        if not urlsplit(link).scheme and not leads_somewhere(page, link, pages)
    ]
    assert broken == []


def leads_somewhere(page: Path, link: str, pages: dict[Path, Asked]) -> bool:
    parts = urlsplit(link)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    return unquote(parts.fragment) in pages[target].places if target in pages else target.is_file()


def test_pages_fetch_nothing(site: Path, pages: dict[Path, Asked]) -> None:
    loads = {load for asked in pages.values() for load in asked.loads}
    loads |= {load for style in site.rglob("*.css") for load in loaded_by(style)}
    assert len(loads) > 5
    assert (
        sorted(load for load in loads if urlsplit(load).scheme not in ("", "data") or load.startswith("//")) == []
    )


def loaded_by(style: Path) -> Iterator[str]:
    text = style.read_text(encoding="utf-8")
    yield from (found.strip("\"'") for found in re.findall(r"url\(([^)]*)\)", text))
    yield from re.findall(r"@import\s+[\"']([^\"']+)", text)


def test_the_reference_has_every_command_and_every_name(site: Path) -> None:
    told = (site / "commands.html").read_text(encoding="utf-8")
    named = re.findall(r'<section id="vppmarket-?([a-z-]*)">', told)
    groups = [(name, found) for name, found in commands.commands.items() if isinstance(found, click.Group)]
    within = {f"{name}-{word}" for name, group in groups for word in group.commands}
    assert set(named) == {"", *commands.commands, *within}
    assert (
        max(len(line) for line in re.sub(r"<.*?>", "", told).splitlines() if line.startswith("  -"))
        <= COLUMNS + 20
    )
    reference = (site / "api.html").read_text(encoding="utf-8")
    assert [
        n for n in market.__all__ if n not in ("__version__", "errors") and f'id="market.{n}"' not in reference
    ] == []


def test_notebooks_are_kept_as_text_without_what_comes_out() -> None:
    assert list(DOCS.rglob("*.ipynb")) == []
    assert [name for name in NOTEBOOKS if not PAGES[name].startswith("---\nfile_format: mystnb\n")] == []


def test_a_page_whose_commands_fail_is_found_out(tmp_path: Path) -> None:
    """Otherwise a build without a warning would say nothing."""
    terminals = Terminals()
    try:
        assert terminals.run("echo port 5555; pwd; exit 3", exit_code=3) == "port 5555\n~\n"
        with pytest.raises(CommandFailed, match="exit code 2, not 0: error: "):
            terminals.run("vppmarket check nowhere")
        with pytest.raises(CommandFailed, match="exit code 1"):
            terminals.run("false\ntrue")
        assert (
            terminals.start("one", "echo first; until [ -e go ]; do sleep 0.02; done; echo second", "first")
            == "first\n"
        )
        (terminals.folder / "go").touch()
        assert terminals.finish("one") == "second\n"
    finally:
        terminals.close()
    (tmp_path / "index.md").write_text(
        "# A page\n\n```{executed}\nvppmarket check nowhere\n```\n", encoding="utf-8"
    )
    (tmp_path / "conf.py").write_text("extensions = ['myst_nb', 'docs.extensions.executed']\n", encoding="utf-8")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 1
    assert "a command of this page fails: exit code 2, not 0: error: " in done.stderr
