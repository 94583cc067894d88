"""Claims: in a real browser the page keeps what is typed, is read at any size and reached by keyboard alone, has
no serious finding of axe, tells the values at the pointer, and shows a stretch of a plot, several runs, or the one
that has just begun.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from market.app.mesa_model import MarketModel
from market.app.view.panels import PANELS
from tests.processes.command import finish, manifest, node_processes, start
from tests.view.crowds import recorded_crowd
from tests.view.test_browser import ADDRESS, CHROMIUM, Seen, browser, looking, serving  # noqa: F401  a fixture
from tests.view.test_live import until, watching, whereabouts

SIZES = ((1440, 900), (1024, 768), (390, 844))

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: apt-get install chromium, then run this again"),
]


@pytest.fixture(scope="module")
def thirty_plants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_crowd(tmp_path_factory.mktemp("crowd"), plants=30, periods=4)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of quarter hours."""
    return recorded_crowd(tmp_path_factory.mktemp("week"), plants=2, periods=672)


@contextmanager
def sized(browser: Browser, address: str, size: tuple[int, int]) -> Iterator[Seen]:  # noqa: F811
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    try:
        seen = Seen(page, address)
        yield seen
        assert seen.errors == []
    finally:
        page.close()


def position_of(page: Page) -> int:
    label = page.get_by_text(re.compile(r"^record [\d,]+ of [\d,]+$")).inner_text()
    return int(label.split()[1].replace(",", ""))


# --- what is typed ---


def test_what_is_typed_while_the_model_plays_is_kept_and_used(browser: Browser) -> None:  # noqa: F811
    with serving("two_vpp") as address, looking(browser, address) as seen:
        expect(seen.page.locator("button.play")).to_contain_text("Pause")  # it opens in the middle of things
        field, loss = seen.page.get_by_label("satisfaction κ"), seen.page.get_by_label("growth α")
        field.click()
        field.press("Control+a")
        before = position_of(seen.page)
        for key in "0.65":
            seen.page.keyboard.type(key)
            until(lambda: position_of(seen.page) != before or "equilibrium" in seen.page.inner_text(".status"))
        expect(field).to_have_value("0.65")
        loss.fill("0.")
        expect(field).to_have_value("0.65")
        loss.fill("zero")
        expect(seen.page.locator(".wrong")).to_contain_text("must be a number")
        seen.press("reset")
        expect(seen.page.locator(".side .fault")).to_contain_text("must be a number")
        box, side = seen.page.locator(".side .fault").bounding_box(), seen.page.locator(".side").bounding_box()
        assert box is not None
        assert side is not None
        assert box["x"] + box["width"] <= side["x"] + side["width"]
        loss.fill("0.5")
        seen.press("reset")
        expect(seen.page.locator(".side .fault")).to_have_count(0)
        expect(seen.fact("verdict")).to_have_text("equilibrium")
        expect(field).to_have_value("0.65")
        model = MarketModel("two_vpp", satisfaction=0.65, growth=0.5)
        model.run_model()
        assert model.settlement is not None
        seen.tab("Costs")
        for account in model.settlement.game:
            expect(seen.page.locator(".accounts")).to_contain_text(f"{account.total_cny:,.2f}".replace("-", "−"))


def test_a_model_of_processes_is_played_on_the_page_and_ends_with_it(browser: Browser) -> None:  # noqa: F811
    with serving("two_vpp") as address, looking(browser, address) as seen:
        seen.page.get_by_label("every plant a process").check()
        seen.press("reset")
        expect(seen.fact("verdict")).to_have_text("equilibrium")
        assert seen.errors == []


# --- at any size ---


@pytest.mark.parametrize("what", ["default_run", "thirty_plants", "week"])
def test_nothing_is_wider_than_the_window_and_no_gap_parts_tabs_and_content(
    browser: Browser, what: str, request: pytest.FixtureRequest  # noqa: F811
) -> None:  # fmt: skip
    with serving(request.getfixturevalue(what)) as address:
        for size in SIZES:
            with sized(browser, address, size) as seen:
                for name in ("Market", "Prices", "Choice", "Network", "Log"):
                    seen.tab(name)
                    panel = seen.page.locator(f".panel.{name.lower()}-tab")
                    expect(panel.locator("svg, table").first).to_be_visible()
                    assert seen.page.evaluate("document.documentElement.scrollWidth") <= size[0], (name, size)
                    bar, content = seen.page.locator(".v-tabs").bounding_box(), panel.bounding_box()
                    assert bar is not None
                    assert content is not None
                    limit = 110 if name == "Choice" else 40  # where one may choose whose choices
                    assert 0 <= content["y"] - bar["y"] - bar["height"] < limit, (name, size)


def test_thirty_plants_are_told_apart(browser: Browser, thirty_plants: Path) -> None:  # noqa: F811
    with serving(thirty_plants) as address, looking(browser, address) as seen:
        names = seen.page.locator("svg.network g.vpp")
        expect(names).to_have_count(30)
        assert len(set(names.all_text_contents())) == 30
        inside = """() => { const box = document.querySelector('svg.network').getBoundingClientRect();
            return [...document.querySelectorAll('svg.network g.vpp text')].map(t => t.getBoundingClientRect())
              .every(t => t.left >= box.left && t.right <= box.right && t.top >= box.top
                          && t.bottom <= box.bottom)}"""
        assert seen.page.evaluate(inside)
        seen.page.locator('g.vpp[data-pick="vpp:Village-20"]').focus()
        seen.page.keyboard.press("Enter")
        seen.tab("Plant")
        expect(seen.page.locator(".plant-tab")).to_contain_text("What Village-20 declares")


def test_each_of_672_periods_is_there_and_can_be_reached(browser: Browser, week: Path) -> None:  # noqa: F811
    with serving(week) as address, looking(browser, address) as seen:
        cells = seen.page.locator("svg.strip g.period")
        expect(cells).to_have_count(672)
        drawn = """() => [...document.querySelectorAll('svg.strip g.period')].filter(g =>
            [...g.querySelectorAll('rect')].some(r => r.width.baseVal.value > 0.5 && r.height.baseVal.value > 0)
          ).length"""
        assert seen.page.evaluate(drawn) == 672
        strip = seen.page.get_by_role("slider", name="period")
        strip.focus()
        seen.page.keyboard.press("End")
        expect(strip).to_have_attribute("aria-valuenow", "672")
        expect(seen.page.locator(".period-caption")).to_contain_text("Period 672")
        seen.page.keyboard.press("PageDown")
        expect(strip).to_have_attribute("aria-valuenow", "605")
        seen.page.keyboard.press("ArrowLeft")
        expect(strip).to_have_attribute("aria-valuenow", "604")


# --- plots ---


def test_a_plot_tells_values_at_the_pointer_and_shows_a_stretch(browser: Browser, slow_run: Path) -> None:  # noqa: F811
    with serving(slow_run) as address, looking(browser, address) as seen:
        seen.tab("Prices")
        plot = seen.page.locator("svg.price-paths")
        box = plot.bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2
        seen.page.mouse.move(box["x"] + box["width"] * 0.6, y)
        reading = plot.locator(".reading")
        expect(reading).to_contain_text("simulated time, s")
        for seller in ("VPP1", "VPP3", "VPP4"):
            expect(reading).to_contain_text(seller)
        whole = plot.get_attribute("data-x")
        seen.page.mouse.down()
        seen.page.mouse.move(box["x"] + box["width"] * 0.8, y, steps=4)
        seen.page.mouse.up()
        expect(plot).not_to_have_attribute("data-x", str(whole))
        low, high, *_ = map(float, str(plot.get_attribute("data-x")).split())
        assert 0.4 < low < high < 2.0
        plot.dblclick()
        expect(plot).to_have_attribute("data-x", str(whole))
        plot.focus()
        seen.page.keyboard.press("+")
        expect(plot).not_to_have_attribute("data-x", str(whole))
        seen.page.keyboard.press("0")
        expect(plot).to_have_attribute("data-x", str(whole))


# --- who does not see, or has no mouse ---


def test_axe_has_no_serious_finding_on_any_tab(browser: Browser, default_run: Path) -> None:  # noqa: F811
    with serving(default_run) as address:
        for size in (SIZES[0], SIZES[-1]):
            with sized(browser, address, size) as seen:
                assert seen.page.locator("html").get_attribute("lang") == "en"
                for name in PANELS:
                    seen.tab(name)
                    expect(seen.page.get_by_text("being drawn")).to_have_count(0)
                    assert findings(seen.page) == [], (name, size)


def test_axe_has_no_serious_finding_on_a_model(browser: Browser) -> None:  # noqa: F811
    with serving("two_vpp") as address, looking(browser, address) as seen:
        seen.page.get_by_text("all other parameters").click()
        expect(seen.fact("verdict")).to_have_text("equilibrium")
        assert findings(seen.page) == []


SETTLED = """() => {
    for (let part = document.querySelector(".state-chip"); part; part = part.parentElement)
        if (getComputedStyle(part).opacity !== "1") return false;
    return document.getAnimations().every((each) => each.playState !== "running");
}"""
"""Whether nothing that the status stands in is faded, as all of it is while the server works."""


def findings(page: Page) -> list[tuple[str, ...]]:
    """What axe holds to be serious or worse, once what the server is busy with no longer shines through."""
    page.wait_for_function(SETTLED)
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], each["nodes"][0]["html"], each["nodes"][0]["any"][0]["message"])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_strip_plants_and_play_are_reached_by_keyboard_alone(browser: Browser, slow_run: Path) -> None:  # noqa: F811
    with serving(slow_run) as address, looking(browser, address) as seen:
        page = seen.page
        tab_to(page, "document.activeElement.matches('button.play')")
        page.keyboard.press("Enter")
        expect(page.locator("button.play")).to_contain_text("Pause")
        tab_to(page, "document.activeElement.matches('svg.strip')")
        strip = page.get_by_role("slider", name="period")
        before = position_of(page)
        until(lambda: position_of(page) > before)  # it plays, and the focus stays
        page.keyboard.press("Home")
        expect(strip).to_have_attribute("aria-valuenow", "1")
        page.keyboard.press("ArrowRight")
        expect(strip).to_have_attribute("aria-valuenow", "2")
        assert page.evaluate("document.activeElement.matches('svg.strip')")
        tab_to(page, "document.activeElement.matches('g.vpp[data-pick=\"vpp:VPP3\"]')")
        page.keyboard.press("Space")
        expect(page.locator('g.vpp[data-pick="vpp:VPP3"]')).to_have_attribute("aria-pressed", "true")


def tab_to(page: Page, there: str) -> None:
    for _ in range(60):
        if page.evaluate(there):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"never reached: {there}")


# --- several, and those that have just begun ---


def test_several_runs_stand_side_by_side(browser: Browser, default_run: Path, slow_run: Path) -> None:  # noqa: F811
    with serving(default_run, slow_run) as address, looking(browser, address) as seen:
        expect(seen.page.locator("svg.strip")).to_have_count(2)
        expect(seen.page.locator("svg.network")).to_have_count(2)
        expect(seen.page.locator(".fact-messages").nth(0)).to_have_text(
            f"{manifest(default_run)['counters']['sent']:,}"
        )
        expect(seen.page.locator(".fact-messages").nth(1)).to_have_text(
            f"{manifest(slow_run)['counters']['sent']:,}"
        )
        seen.page.get_by_role("slider", name="period").first.focus()
        seen.page.keyboard.press("Home")
        for place in range(2):
            expect(seen.page.locator(".period-caption").nth(place)).to_contain_text("Period 1:")
        boxes = [seen.page.locator("svg.network").nth(place).bounding_box() for place in range(2)]
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert boxes[0]["y"] == boxes[1]["y"]
        assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]


def test_run_view_plays_the_day_from_its_first_message(browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    environment = {**os.environ, "BROWSER": "true"}
    run = start("run", "five_vpp", "--view", "--quiet", "--out", tmp_path / "run", env=environment)
    assert run.stderr is not None
    address = next(found[0] for line in run.stderr if (found := re.search(ADDRESS, line)))
    with looking(browser, address) as seen:
        expect(seen.page.locator("button.play")).to_contain_text("Pause")
        expect(seen.fact("verdict")).to_have_count(0)
        seen.page.locator("button.follow").click()
        expect(seen.fact("verdict")).to_have_text("equilibrium")
    run.send_signal(signal.SIGINT)
    assert finish(run).returncode == 0
    assert manifest(tmp_path / "run")["verdict"] == "equilibrium"


def test_a_run_can_wait_for_its_first_viewer(tmp_path: Path) -> None:
    run = start("run", "two_vpp", "--watch", "--await-viewer", "120", "--quiet", "--out", tmp_path / "run")
    way = whereabouts(run)
    assert node_processes(run.pid) == []
    with watching(way.address, way.token, None, way.keys) as feed:
        ended = finish(run)
        until(lambda: feed.status().words == "ended")
    assert ended.returncode == 0, ended.stderr
    assert feed.timeline.newest.verdict == "equilibrium"
