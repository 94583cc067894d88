"""Claims: the page, without a browser: it shows where the market stands, and its controls move it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import solara

from market.app.feeds.recorded import RecordedFeed
from market.app.results.recorded import read_run
from market.app.view import page
from market.app.view import target as target
from market.app.view.panels import PANELS
from market.app.view.target import Target
from tests.processes.command import manifest
from tests.view.test_live import until


class Shown:
    """A page that is open, as its widgets tell."""

    def __init__(self, rendered: Any) -> None:
        self._rendered = rendered

    def widgets(self) -> Iterator[Any]:
        """All of them, outer ones first."""
        waiting = [self._rendered.container]
        while waiting:
            widget = waiting.pop(0)
            yield widget
            waiting = [c for c in getattr(widget, "children", ()) if not isinstance(c, str)] + waiting

    def button(self, label: str) -> Any:
        """The button that carries this label."""
        labelled = [w for w in self.widgets() if label in map(str, getattr(w, "children", ()))]
        return next(w for w in labelled if type(w).__name__ == "Btn")

    def field(self, label: str) -> Any:
        """The input under this label."""
        return next(w for w in self.widgets() if getattr(w, "label", None) == label)

    def enter(self, label: str, text: str) -> None:
        """Type into a field, key by key."""
        for end in range(1, len(text) + 1):
            self.field(label).vue_changed(text[:end])

    def fact(self, name: str) -> str:
        """A number of the line that says where the market stands; empty if it is not told."""
        (line,) = [w for w in self.widgets() if 'class="facts status"' in str(getattr(w, "unsafe_innerHTML", ""))]
        found = re.search(rf'class="fact-{name}">([^<]*)<', line.unsafe_innerHTML)
        return unescape(found[1]) if found else ""

    def pictures(self) -> list[Any]:
        """The strip of periods, and the chosen tab's panel."""
        return [w for w in self.widgets() if isinstance(getattr(w, "html", None), str)]

    def panel(self) -> str:
        """The chosen tab's HTML."""
        html: str = self.pictures()[1].html
        return html

    def choose_tab(self, name: str) -> None:
        """Go to another tab, and wait until it is drawn."""
        (tabs,) = [w for w in self.widgets() if type(w).__name__ == "Tabs"]
        tabs.v_model = page.NAMES.index(name)
        until(lambda: "being drawn" not in self.panel())


@contextmanager
def shown(what: Target) -> Iterator[Shown]:
    """The page, its clock stopped: a picture drawn by the clock's thread puts off what is pressed meanwhile."""
    target.choose(what)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page, "BEAT_S", threading.TIMEOUT_MAX)
        _, rendered = solara.render(solara.AppLayout(children=[page.Page()]), handle_error=False)
        try:
            yield Shown(rendered)
        finally:
            rendered.close()
            target.choose(Target())


@pytest.fixture(scope="module")
def recorded(default_run: Path) -> Target:
    return Target((RecordedFeed(default_run),))


def test_a_recorded_run_is_shown_at_its_end(recorded: Target, default_run: Path) -> None:
    told = manifest(default_run)
    with shown(recorded) as seen:
        assert seen.fact("verdict") == told["verdict"]
        assert seen.fact("rounds") == str(told["rounds"])
        assert seen.fact("messages") == str(told["counters"]["sent"])
        assert seen.fact("in-flight") == "0"
        assert "drawing strip" in seen.pictures()[0].html
        assert "drawing network" in seen.panel()


def test_one_steps_and_moves_the_slider(recorded: Target, default_run: Path) -> None:
    with shown(recorded) as seen:
        slider = next(w for w in seen.widgets() if type(w).__name__ == "Slider")
        slider.v_model = 13
        assert seen.fact("phase") == "trading"
        assert seen.fact("messages") == "5"
        seen.button("Step").click()
        assert "record 14 of" in next(w for w in seen.widgets() if type(w).__name__ == "Slider").label
        seen.button("Newest").click()
        assert seen.fact("verdict") == "equilibrium"


def test_a_click_in_a_picture_chooses_a_period_and_a_vpp(recorded: Target, default_run: Path) -> None:
    offers = read_run(default_run)["offers"]
    with shown(recorded) as seen:
        seen.pictures()[0].vue_pick("period:13")
        for vpp in offers.where(period=14)["vpp"]:
            price = float(offers.where(period=14, vpp=vpp)["price_cny_per_mwh"][0])
            assert f"asks {price / 1000:.4f} CNY/kWh" in seen.panel()
        seen.pictures()[1].vue_pick("vpp:VPP4")
        seen.choose_tab("Plant")
        assert "The day of VPP4" in seen.panel()


@pytest.mark.parametrize("name", list(PANELS))
def test_every_tab_opens(recorded: Target, name: str) -> None:
    with shown(recorded) as seen:
        seen.choose_tab(name)
        assert seen.panel() == PANELS[name](_frame(recorded))


def _frame(what: Target) -> Any:
    target.choose(what)
    return target.open_sessions()[0].frame()


def test_a_model_is_stepped_changed_and_reset() -> None:
    with shown(Target(scenario="two_vpp")) as seen:
        assert seen.fact("phase") == "joining"
        seen.button("Step").click()
        assert seen.fact("phase") == "planning"
        seen.enter("growth α", "0.5")
        seen.button("Reset").click()
        assert seen.fact("phase") == "joining"
        assert seen.field("growth α").value == "0.5"
        seen.enter("loss", "7")
        seen.button("Reset").click()
        assert any("loss" in str(w.children) for w in seen.widgets() if type(w).__name__ == "Alert")


def test_the_scenario_of_a_recorded_run_can_be_run_here(recorded: Target) -> None:
    with shown(recorded) as seen:
        seen.button("Run this scenario here").click()
        assert seen.fact("phase") == "joining"
        seen.button("Step").click()
        assert seen.fact("phase") == "planning"
        seen.button("Back").click()
        assert seen.fact("verdict") == "equilibrium"


def test_export_writes_a_run_folder(
    recorded: Target, default_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with shown(recorded) as seen:
        seen.button("Export run folder").click()
        assert any("written to" in str(w.children) for w in seen.widgets() if type(w).__name__ == "Alert")
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "costs.csv").read_bytes() == (default_run / "costs.csv").read_bytes()
