"""Claims: figures, report, comparison and the page's panels show what is shown of a day, and say what is not.

No number of a plan that is not shown is in any file that a run, its figures, its report or a comparison writes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broker.tape import AuditGiven, Record
from market.app.analysis.changes import CompareInput
from market.app.analysis.compare import Comparison, compare_runs
from market.app.cli.compare import compare_command
from market.app.feeds.feed import State, Status
from market.app.history.timeline import Timeline
from market.app.mesa_model import MarketModel
from market.app.mesa_model.reporters import MODEL_REPORTERS
from market.app.report.compare_text import comparison_text
from market.app.report.terminal.screen import Screen
from market.app.report.write import write_figures
from market.app.results.concluded_day import conclude_day
from market.app.results.manifest import RunSpec
from market.app.results.recorded import RecordedRun, read_run
from market.app.results.run_metadata import RunMetadata
from market.app.runs.local_market import LocalMarket
from market.app.view.panels import PANELS
from market.app.view.session import Frame
from market.model.disclosure import Disclosure, shown
from market.model.plan import DispatchPlan, PlanTotals
from market.settlement.settlement import direct_exchange
from tests.app.audited_days import (
    FULL,
    MIXES,
    NONE,
    STARTED,
    VPPS,
    level_pairs,
    record,
    shown_day,
    unmistakable,
    whole_day,
)

DRAWN_MIXES = ("full", "totals", "none", "one_of_each", "by_stage")
DIGITS = 6
"""Fewer are no proof: short numbers are everywhere."""


class Runs:
    """The day's run folder for every mix, with figures, report and a comparison with the whole day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.of = cache(self._of)

    def _of(self, mix: str) -> Path:
        run = self.folder / mix
        record(MIXES[mix], run)
        write_figures(run, report=True)
        return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("drawn"))


drawn_mixes = pytest.mark.parametrize("mix", DRAWN_MIXES)


def words(html: str) -> str:
    """What a reader sees of HTML or SVG: its texts, one after the other; pictures inside it are left out."""
    seen = re.sub(r"<style.*?</style>|data:image/svg\+xml;base64,[^\"]+", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", seen)).split())


# --- figures and report ---


@drawn_mixes
def test_pictures_are_of_what_is_shown_and_name_who_is_left_out(runs: Runs, mix: str) -> None:
    levels = level_pairs(MIXES[mix])
    pictures = {path.stem: path.read_text("utf-8") for path in (runs.of(mix) / "figures").glob("*.svg")}
    report = words((runs.of(mix) / "report.html").read_text("utf-8"))
    planned = {vpp for vpp, pair in zip(VPPS, levels, strict=True) if FULL in pair}
    forecast = [vpp for vpp, pair in zip(VPPS, levels, strict=True) if pair[0] is not FULL]
    uncosted = [vpp for vpp, pair in zip(VPPS, levels, strict=True) if pair == (NONE, NONE)]
    assert {name for name in pictures if name.startswith("dispatch_")} == {f"dispatch_{vpp}" for vpp in planned}
    assert ("costs" in pictures, "carbon_steps" in pictures) == ((len(uncosted) < 5,) * 2)
    lacking = {"forecast": forecast, "sdr": forecast, "costs": uncosted, "carbon_steps": uncosted}
    for name, svg in pictures.items():
        note = re.search(r"not shown by ([^<]*)<", svg)
        assert (note.group(1) if note else "") == ", ".join(lacking.get(name, []))
        if lacking.get(name):
            assert f"Not shown by {', '.join(lacking[name])}" in report


@drawn_mixes
def test_report_says_what_is_not_shown_and_what_was_not_checked(runs: Runs, mix: str) -> None:
    text = words((runs.of(mix) / "report.html").read_text("utf-8"))
    assert "nan" not in text.lower().split()
    least = {
        vpp: min(pair, key=list(Disclosure).index) for vpp, pair in zip(VPPS, level_pairs(MIXES[mix]), strict=True)
    }
    totals, nothing = ([v for v in VPPS if least[v] is level] for level in (Disclosure.TOTALS, NONE))
    assert (f"without plans: {', '.join(totals)}." in text) is bool(totals)
    assert (f"Not shown: what the day of {', '.join(nothing)} comes to" in text) is bool(nothing)
    assert ("Not checked: that " in text) is (mix != "full")
    assert ("not shown" in text) is (mix != "full")
    for vpp, pair in zip(VPPS, level_pairs(MIXES[mix]), strict=True):
        assert (f"{vpp} does not show its plans." in text) is (FULL not in pair)


# --- comparison ---


def compared_runs(*recorded: RecordedRun) -> Comparison:
    return compare_runs(*map(CompareInput, recorded))


@drawn_mixes
def test_what_is_not_shown_is_no_difference_but_is_said(runs: Runs, mix: str, tmp_path: Path) -> None:
    whole, part = read_run(runs.of("full")), read_run(runs.of(mix))
    for one, other, which in ((whole, part, "second"), (part, whole, "first")):
        compared = compared_runs(one, other)
        assert {name: dict(compared[name].differing().rows) for name in compared.tables} == {
            name: {} for name in compared.tables
        }
        scenarios, *notes = compared.notes
        assert scenarios.startswith("no scenario as it was run is kept with the first and the second run")
        assert bool(notes) is (mix != "full")
        assert all(note.startswith(f"the {which} run ") for note in notes)
        named = {vpp for vpp in VPPS if any(vpp in note for note in notes)}
        assert named == {v for v, p in zip(VPPS, level_pairs(MIXES[mix]), strict=True) if p != (FULL, FULL)}
    text = comparison_text(compared_runs(whole, part), ("whole", "part"), Screen(200))
    assert ("Nothing that all runs show: carbon and curtailment" in text) is (mix == "none")
    assert compare_command((runs.of("full"), runs.of(mix)), tmp_path / "compared") == 0


def test_what_is_shown_is_compared(runs: Runs, tmp_path: Path) -> None:
    """A tonne more in the totals of VPP2 and VPP5 is found, in VPP3, which shows nothing, it cannot be."""
    days = tuple(replace(day, after=_tonne_more(day.after)) for day in whole_day().days)
    record(MIXES["one_of_each"], tmp_path / "other", whole=replace(whole_day(), days=days))
    compared = compared_runs(read_run(runs.of("full")), read_run(tmp_path / "other"))
    carbon = compared["carbon"].differing(1e-9)
    assert {(key[0], key[2]) for key in carbon.rows} == {(vpp, "emission_t") for vpp in VPPS if vpp != "VPP3"}
    assert [carbon.difference(key, 1) for key in carbon.rows] == pytest.approx([1.0] * 4)


def _tonne_more(plan: Any) -> DispatchPlan:
    assert isinstance(plan, DispatchPlan)
    return replace(plan, emission_t=plan.emission_t + 1.0)


# --- a run that lost somebody ---


@pytest.mark.in_turn
def test_a_run_that_went_on_without_a_vpp_is_drawn_and_compared(runs: Runs, tmp_path: Path) -> None:
    whole = whole_day()
    others = replace(whole, days=tuple(day for day in whole.days if day.declaration.vpp != "VPP2"))
    record((FULL,) * 4, tmp_path / "lost", whole=others)
    write_figures(tmp_path / "lost", report=True)
    assert not (tmp_path / "lost" / "figures" / "dispatch_VPP2.png").exists()
    compared = compared_runs(read_run(runs.of("full")), read_run(tmp_path / "lost"))
    _, note = compared.notes
    assert note.startswith("the second run went on without VPP2")
    assert {key[0] for key in compared["costs"].rows} == {"VPP1", "VPP3", "VPP4", "VPP5"}


# --- panels of the page ---


@pytest.fixture(scope="module")
def tape() -> list[Record]:
    market = LocalMarket(unmistakable(), 0)
    while not market.over:
        market.more()
    return market.tape


def as_shown(record: Record, levels: Mapping[str, tuple[Disclosure, Disclosure]]) -> Record:
    """The same, but for what a VPP shows of its day."""
    if not isinstance(record, AuditGiven):
        return record
    before, after = levels[record.vpp]
    return replace(record, before=shown(record.before, before), after=shown(record.after, after))


@drawn_mixes
def test_panels_show_what_is_shown(tape: list[Record], mix: str) -> None:
    levels = dict(zip(VPPS, level_pairs(MIXES[mix]), strict=True))
    film = Timeline([as_shown(record, levels) for record in tape])
    for vpp, pair in levels.items():
        frame = Frame(film, film.newest, Status(State.ENDED, "recorded"), len(film), False, False, 1, 9, vpp, "")
        plant = PANELS["Plant"](frame)
        assert (f"{vpp} does not show its plans" in words(plant)) is (FULL not in pair)
        assert ("with trading" in words(plant)) is (pair[1] is FULL)
    costs = words(PANELS["Costs"](frame))
    assert ("not shown" in costs) is (mix not in ("full", "totals"))
    for name, panel in PANELS.items():
        assert "nan" not in words(panel(frame)).lower().split(), name


# --- the Mesa model ---


def test_a_model_collects_nan_for_what_is_not_shown() -> None:
    model = MarketModel("two_vpp")
    while model.running:
        model.step()
    outcome = model.outcome
    assert outcome is not None
    one, two = outcome.days
    part = replace(outcome, days=(replace(one, before=None, after=None), two))
    model.__dict__["_day"] = conclude_day(
        RunSpec(model.scenario, 0, False, STARTED), part, RunMetadata("virtual", {})
    )
    told = {name: reporter(model) for name, reporter in MODEL_REPORTERS.items()}
    assert {name for name, value in told.items() if value != value} == {
        f"system_{scenario}_{quantity}" for scenario in ("grid_only", "game") for quantity in ("cny", "emission_t")
    }
    first, second = sorted(model.agents, key=lambda agent: str(agent.vpp))
    assert np.isnan([first.grid_only_cny, first.game_cny]).all()
    assert np.isfinite([second.grid_only_cny, second.game_cny]).all()
    assert set(model.data_frames()["dispatch"]["vpp"]) == {second.vpp}


# --- nothing is given away ---


def numbers_in(value: object) -> Iterator[float]:
    """Every double of a value: of its fields, items and arrays."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from numbers_in(getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        yield from (float(number) for number in value.flat)
    elif isinstance(value, tuple):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, float):
        yield value


def as_written(number: float) -> set[tuple[int, ...]]:
    """A number's digits as any text may have them: all, and rounded to DIGITS or more; sign and place apart.

    Empty if it has fewer digits than that.
    """
    texts = {repr(number), *(f"{number:.{digits - 1}e}" for digits in range(DIGITS, 18))} if number else set()
    return {digits for text in texts if len(digits := _digits(text)) >= DIGITS}


def _digits(text: str) -> tuple[int, ...]:
    """The digits that count: without zeros before and behind."""
    digits = Decimal(text).as_tuple().digits
    kept = "".join(map(str, digits)).strip("0")
    return tuple(map(int, kept))


def texts_in(path: Path) -> Iterator[str]:
    """What is written in a file, pictures inside it included; their lines and marks are no text."""
    if path.suffix in (".csv", ".json"):
        yield path.read_text("utf-8")
    elif path.suffix in (".svg", ".html"):
        html = path.read_text("utf-8")
        yield words(html)
        for data in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html):
            yield words(base64.b64decode(data).decode())


def digits_in(folder: Path) -> set[tuple[int, ...]]:
    """In all files that tell of the run; its scenario is kept beside them by whoever owns the plants."""
    found: set[tuple[int, ...]] = set()
    for path in sorted(path for path in folder.rglob("*.*") if path.parent != folder / "scenario"):
        for text in texts_in(path):
            plain = text.replace("−", "-").replace(",", " ") if path.suffix == ".csv" else text.replace(",", "")
            numbers = re.findall(r"\d+\.?\d*(?:e[-+]?\d+)?", plain)
            found |= {digits for number in set(numbers) if len(digits := _digits(number)) >= DIGITS}
    return found


def private(levels: tuple[tuple[Disclosure, Disclosure], ...]) -> set[tuple[int, ...]]:
    """Digits of every number of a plan that is not shown, save what is public all the same.

    Public is what was declared, concluded and delivered, the grid's tariff, and costs where they are shown.
    """
    whole, seen, public_rules = whole_day(), shown_day(levels), unmistakable().public
    hidden, public = set(), set(numbers_in((whole.periods, public_rules)))
    for day, seen_day in zip(whole.days, seen.days, strict=True):
        name = day.declaration.vpp
        public |= {*numbers_in(day.declaration), *numbers_in(direct_exchange(name, whole.periods, public_rules))}
        for plan, part in ((day.before, seen_day.before), (day.after, seen_day.after)):
            hidden |= set() if part is plan else set(numbers_in(plan))
            public |= set(numbers_in(part))
            public |= {part.operation_cny + part.carbon_cny} if isinstance(part, PlanTotals) else set()
    known = {digits for number in public for digits in as_written(number)}
    return {digits for number in hidden for digits in as_written(number)} - known


@pytest.mark.parametrize("mix", [mix for mix in DRAWN_MIXES if mix != "full"])
def test_no_number_that_is_not_shown_is_in_any_file(runs: Runs, mix: str, tmp_path: Path) -> None:
    secret = private(level_pairs(MIXES[mix]))
    assert len(secret) > 500
    run = runs.of(mix)
    compare_command((run, run), tmp_path / "compared")
    assert secret & (digits_in(run) | digits_in(tmp_path / "compared")) == set()
    assert len(secret & digits_in(runs.of("full"))) > 50  # the search finds what is there
