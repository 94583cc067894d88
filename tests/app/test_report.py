"""Claims about the report: one file that refers to nothing outside, tells the day, and escapes its input."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import market
from market.app.cli.main import command
from market.app.figures import style
from market.app.figures.day import _carbon, day_drawings
from market.app.figures.network import network_pictures
from market.app.figures.picture import Picture
from market.app.report import write
from market.app.report.page import HtmlPage, ReportSection, cards, number_text, paragraph, picture, table
from market.app.report.run_report import run_page
from market.app.report.run_words import reality_words
from market.app.report.terminal.numbers import ranges
from market.app.results.flat import flat
from market.app.results.gains import gains
from market.app.results.recorded import read_run
from scripts.bench.days_of_size import day_of_size
from tests.app.recorded_days import aborted, run_kind
from tests.view.crowds import crowd

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Reader(HTMLParser):
    """Reads a page as a browser does: elements must close in order; addresses and text are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, report included."""
    run = tmp_path_factory.mktemp("report") / "run"
    assert command(["run", "two_vpp", "--in-process", "--out", str(run), "--report", "--quiet"]) == 0
    return run


@pytest.mark.in_turn
def test_who_plays_a_strategy_and_who_would_gain_are_named(tmp_path: Path) -> None:
    """With their regrets, as the tables have them; of a day without strategies nothing is said of any."""
    flags = ["--strategy", "VPP1=tatonnement", "--strategy", "VPP4=gradient"]
    command(["run", "five_vpp", "--in-process", "--out", str(tmp_path / "run"), "--report", "--quiet", *flags])
    run, page = read_run(tmp_path / "run"), (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert run.manifest["strategies"] == {"VPP1": "tatonnement", "VPP4": "gradient"}
    text = read(page).text
    lost = run["strategies"]
    for vpp, prices in zip(lost["vpp"].tolist(), lost["selling_regret_cny"].tolist(), strict=True):
        assert f"{vpp}{run.manifest['strategies'][vpp]}{number_text(prices)}" in text
    found = gains(run.certificate["periods"])
    assert found
    for gain in found[:5]:
        assert f"{gain.vpp} {gain.cny:,.2f} CNY by {gain.by}" in text


def test_tables_of_a_day_that_begins_at_a_time_show_the_clock(tmp_path: Path) -> None:
    case = crowd(tmp_path / "case", plants=2, periods=100, start="2024-10-27")
    assert command(["run", str(case), "--in-process", "--out", str(tmp_path / "run"), "--report", "--quiet"]) == 0
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert html.count("<th>time, Europe/Berlin</th>") == 2
    assert re.search(r"<td>[^<]*\b1–\d+ \(00:00–\d\d:\d\d\)", html)
    assert re.search(r"<td>[^<]*–100 \(\d\d:\d\d–00:00\)", html)


def test_run_with_report_writes_one_file_that_needs_no_other(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    page = read(html)
    assert page.addresses
    assert all(re.match(r"#|data:image/svg\+xml;base64,", address) for address in page.addresses)
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "base"}
    assert "url(" not in html
    assert "@import" not in html
    pictures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert pictures == {path.stem for path in (folder / "figures").glob("*.svg")}
    assert {f"figure-{name}" for name in pictures} == set(re.findall(r'<figure id="([^"]+)"', html))


def test_it_tells_the_numbers_of_the_day(folder: Path) -> None:
    run = read_run(folder)
    text = read(run_page(run, []).html()).text
    system = run["costs"].where(vpp="system", scenario="game")
    for number in (float(system["total_cny"][0]), float(system["carbon_cny"][0])):
        assert number_text(number, 0) in text
    assert "No seller gains by another price" in text
    assert run.manifest["scenario_digest"] in text
    assert all(vpp in text for vpp in run.vpps)
    assert "without messages" in text


def test_a_verdict_that_is_none_is_not_dressed_up(folder: Path) -> None:
    run = read_run(folder)
    manifest = {**run.manifest, "verdict": "cycling", "broken_laws": ["payments must sum to 0"]}
    worse = type(run)(run.name, manifest, run.tables, run.certificate)
    html = run_page(worse, []).html()
    assert html.count('class="callout bad"') == 2
    assert "payments must sum to 0" in html
    assert 'class="callout good"' not in html


@pytest.mark.parametrize(
    ("changes", "told", "silent"),
    [
        ({}, "CNY/kWh, and within; grid alone. Where; A buyer spreads", "by the rule of"),
        ({"market.mechanism": "sdr"}, "by the rule of sdr; Nobody chooses", "and within that; A buyer spreads"),
        ({"market.mechanism": "consensus"}, "agree on one price; Every plan sees; Nobody chooses", "grid alone."),
        ({"market.coupling": "iterate", "market.coupling_rounds": 1}, "In rounds each VPP", "grid alone."),
        ({"carbon.mode": "stepped"}, "in steps that; Dotted lines part", "paid for, at one price"),
        ({"carbon.mode": "flat"}, "at one price; marks: with it", "in steps that; Dotted lines part"),
    ],
    ids=["game", "a rule", "consensus", "rounds", "steps", "one carbon price"],
)
def test_what_the_report_says_holds_under_the_rules_of_the_day(
    changes: dict[str, object], told: str, silent: str, tmp_path: Path
) -> None:
    market.run("two_vpp", changes, out=tmp_path / "run")
    run = read_run(tmp_path / "run")
    shown = [draw() for draw in day_drawings(run) if getattr(draw, "func", None) is _carbon]
    page = run_page(run, shown).html()
    assert [words for words in told.split("; ") if words not in page] == []
    assert [words for words in silent.split("; ") if words in page] == []


def test_a_deviation_to_the_other_side_is_said_to_gain_where_one_price_holds_for_all() -> None:
    single, dual = (reality_words({"imbalance": {"pricing": pricing}}) for pricing in ("single", "dual"))
    assert "who stands on the other side gains by it" in single
    assert "nobody deviates for gain" not in single
    assert "nobody deviates for gain" in dual


def test_who_had_no_part_in_the_end_is_named(folder: Path) -> None:
    run = read_run(folder)
    lost = type(run)(run.name, {**run.manifest, "withdrawn": ["Farm"]}, run.tables, run.certificate)
    assert "Without Farm, lost and not back before the end" in read(run_page(lost, []).html()).text


def test_everything_given_is_escaped() -> None:
    evil = '<script>alert("x")</script> & \'"'
    shown = Picture("p", evil, evil, style.nothing_to_draw(evil))
    blocks = [paragraph(evil), cards([(evil, evil)]), table((evil,), [(evil,)], evil), picture(shown)]
    page = read(HtmlPage(evil, evil, [ReportSection(evil, blocks)]).html())
    assert "script" not in page.tags
    assert page.text.count(evil) >= 9


def test_numbers_are_written_for_people() -> None:
    told = [number_text(cell, 2) for cell in (1234567.891, -5.0, 0.0, 3e-7, float("nan"), 12345, "x")]
    assert told == ["1,234,567.89", "−5.00", "0.00", "3.0e−07", "", "12,345", "x"]
    assert ranges([]) == ""
    assert ranges([1, 2, 3, 7, 9, 10]) == "1–3, 7, 9–10"
    assert dict(flat({"a": {"b": [1, 2]}, "c": [{"d": False}], "e": []})) == {
        "a.b": "1, 2",
        "c.1.d": "no",
        "e": "none",
    }


@pytest.fixture
def one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first picture of a day is drawn."""
    monkeypatch.setattr(write, "day_drawings", lambda run: day_drawings(run)[:1])


@pytest.mark.usefixtures("one_picture")
def test_a_run_that_is_over_can_be_reported_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_kind("dark", tmp_path)
    tables = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for _ in range(2):
        assert command(["report", str(run)]) == 0
        assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert {path.name for path in run.iterdir()} - tables.keys() == {"scenario", "figures", "report.html"}
    assert all((run / name).read_bytes() == data for name, data in tables.items())
    assert (run / "figures" / "forecast.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("one_picture")
def test_run_with_figures_draws_and_json_stays_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "two_vpp", "--in-process", "--out", str(tmp_path / "run"), "--figures", "--json"]
    assert command(arguments) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "equilibrium"
    assert not (tmp_path / "run" / "report.html").exists()
    assert {path.name for path in (tmp_path / "run" / "figures").iterdir()} == {"forecast.png", "forecast.svg"}


@pytest.mark.parametrize("harm", ["missing", "file", "no_manifest", "not_json", "no_table", "word", "aborted"])
def test_a_folder_that_is_no_run_is_bad_input(
    harm: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "run"
    told = harmed(harm, folder, place)
    assert command(["report", str(place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {place}")
    assert told in line


def harmed(harm: str, folder: Path, place: Path) -> str:
    """Put something that is no whole run at `place`; returns what must be said of it."""
    if harm == "missing":
        return "no such folder"
    if harm == "file":
        place.write_text("")
        return "a file"
    place.mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (place / path.name).write_bytes(path.read_bytes())
    if harm == "no_manifest":
        (place / "manifest.json").unlink()
        return "a folder without manifest.json"
    if harm == "not_json":
        (place / "manifest.json").write_text("{")
        return "readable JSON"
    if harm == "no_table":
        (place / "offers.csv").unlink()
        return "no such file"
    if harm == "word":
        text = (place / "costs.csv").read_text()
        (place / "costs.csv").write_text(text + "VPPX,game," + ",".join(["much"] * 7) + "\n")
        return "numbers stand where numbers belong"
    manifest = json.loads((place / "manifest.json").read_text())
    broken = aborted({**manifest, "error": "node died"})
    (place / "manifest.json").write_text(json.dumps(broken))
    return "a run that broke: node died"


def test_pictures_that_processes_share_are_the_same_in_the_same_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = read_run(folder)
    alone = write.drawn_together(run, None)
    monkeypatch.setattr(write, "FEWEST_EACH", 4)
    monkeypatch.setattr(write, "workers", lambda: 2)
    assert write.drawn_together(run, None) == alone
    assert [shown.name for shown in alone] == [draw().name for draw in write.run_drawings(run, None)]


def test_what_is_long_is_folded_and_what_is_not_is_open(folder: Path) -> None:
    few, many = run_page(read_run(folder), []), run_page(day_of_size(12, perfect=True), [])
    assert {section.title: section.folded for section in few.sections}["Each VPP's day"] is False
    told = {section.title: section.folded for section in many.sections}
    assert [title for title, folded in told.items() if folded] == [
        *("Each VPP's day", "Certificate", "Communication", "Rules and conditions"),
    ]
    assert many.html().count("<details open>") == len(told) - 4
    assert "<details>" in table(("a",), [(k,) for k in range(100)], "Numbers")
    assert "<details>" not in table(("a",), [(k,) for k in range(9)], "Numbers")


def test_a_perfect_network_is_told_in_a_sentence_and_has_no_empty_picture() -> None:
    still, slow = day_of_size(2, perfect=True), day_of_size(2)
    assert [shown.name for shown in network_pictures(still)] == ["messages"]
    assert [shown.name for shown in network_pictures(slow)] == ["messages", "network", "delays", "links"]
    assert "every message reached everybody at once" in run_page(still, []).html()
    assert "every message reached everybody at once" not in run_page(slow, []).html()


def test_a_report_of_households_speaks_of_kilowatt_hours() -> None:
    html = run_page(day_of_size(5, power_scale=0.001, perfect=True), []).html()
    assert re.search(r"<strong>[\d,.]+ kWh</strong><span>traded", html)
    assert "traded kWh" in html
