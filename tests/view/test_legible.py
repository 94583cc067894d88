"""Claims: every word of the market's picture and of the strip can be read, at any size of market and screen.

Nothing crosses it, covers it or cuts it off. Axes and tables of periods show the clock where there is one, and
legends begin with what every reader needs.
"""

from __future__ import annotations

import math
import re
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from market.app.feeds.recorded import RecordedFeed
from market.app.view.draw.network import CENTRE, FOOT, HEIGHT, MOST_ROOMY, TOP, WIDTH, ring_of, trade_between
from market.app.view.panels import panel
from market.app.view.session import Frame, Session
from tests.view.crowds import recorded_crowd
from tests.view.test_browser import CHROMIUM, Seen, browser, serving  # noqa: F401  a fixture
from tests.view.test_usable_page import SIZES, sized

pytestmark = pytest.mark.timeout(240)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: apt-get install chromium, then run this again"
)

UNREADABLE = """(name) => {
    const svg = document.querySelector("svg." + name), found = [];
    svg.scrollIntoView({block: "center"});
    const whole = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter(t => !t.closest(".card") && t.textContent);
    const corners = texts.map(t => {
        const b = t.getBBox(), m = t.getScreenCTM(), at = (x, y) => new DOMPoint(x, y).matrixTransform(m);
        return [at(b.x, b.y), at(b.x + b.width, b.y), at(b.x + b.width, b.y + b.height), at(b.x, b.y + b.height)];
    });
    texts.forEach((t, k) => {
        const box = corners[k], words = t.textContent;
        if (box.some(p => p.x < whole.left - 0.5 || p.x > whole.right + 0.5 || p.y < whole.top - 0.5
                          || p.y > whole.bottom + 0.5)) found.push(`cut off: ${words}`);
        const ground = t.parentNode;
        for (let i = 0.5; i < 24; i++) for (const j of [0.3, 0.5, 0.7]) {
            const along = (a, b) => ({x: a.x + (b.x - a.x) * i / 24, y: a.y + (b.y - a.y) * i / 24});
            const top = along(box[0], box[1]), foot = along(box[3], box[2]);
            const x = top.x + (foot.x - top.x) * j, y = top.y + (foot.y - top.y) * j;
            for (const other of document.elementsFromPoint(x, y)) {
                if (other === t || other.classList.contains("spot")) continue;
                if (!svg.contains(other) || other === svg) break;
                const plain = other.tagName === "circle" || other.tagName === "rect";
                if (plain && other.parentNode === ground && getComputedStyle(other).fill !== "none") break;
                found.push(`${words}: ${other.tagName} ${other.getAttribute("class") || ""} ${other.textContent}`);
                return;
            }
        }
    });
    return found;
}"""
"""What crosses, covers or cuts off any word: at many points of each, whatever is painted there that is not the
ground it stands on, above it or below."""

BESIDE_FRAME = """() => {
    const svg = document.querySelector("svg.strip");
    const frames = [...svg.querySelectorAll("rect[fill=none]")].map(r => r.getBoundingClientRect());
    const boxes = [...svg.querySelectorAll("text")].map(t => t.getBoundingClientRect());
    const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom - 2 <= b.top
        || b.bottom <= a.top + 2;
    return boxes.every((a, i) => frames.every(f => apart(f, a)) && boxes.every((b, j) => i === j || apart(a, b)));
}"""


@pytest.fixture(scope="module", params=[2, 5, 6, 10, 12, 30])
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_crowd(tmp_path_factory.mktemp("crowd"), plants=request.param, periods=3)


@pytest.fixture(scope="module")
def change_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day on which clocks go back, 100 quarter hours."""
    return recorded_crowd(tmp_path_factory.mktemp("change"), plants=2, periods=100, start="2024-10-27")


@needs_browser
def test_no_word_of_the_market_is_crossed_covered_or_cut(browser: Browser, market: Path) -> None:  # noqa: F811
    with serving(market) as address, sized(browser, address, SIZES[0]) as seen:
        strip = seen.page.get_by_role("slider", name="period")
        for key in ("Home", "End"):
            strip.focus()
            seen.page.keyboard.press(key)
            expect(strip).to_have_attribute("aria-valuenow", "1" if key == "Home" else "3")
            expect(seen.page.locator("g.trade").first).to_be_attached()
            seen.page.mouse.move(2, 2)
            for size in SIZES:
                resize(seen, size)
                assert seen.page.evaluate(UNREADABLE, "network") == [], (size, key)


def resize(seen: Seen, size: tuple[int, int]) -> None:
    """The same page in a window of another size: to load it anew takes as long as all the rest."""
    seen.page.set_viewport_size({"width": size[0], "height": size[1]})
    assert seen.page.evaluate("[innerWidth, innerHeight]") == [*size]


@needs_browser
def test_what_crosses_a_word_is_found(browser: Browser, change_day: Path) -> None:  # noqa: F811
    with serving(change_day) as address, sized(browser, address, SIZES[0]) as seen:
        assert seen.page.evaluate(UNREADABLE, "network") == []
        seen.page.evaluate("""() => {
            const all = document.querySelector("svg.network"), at = all.querySelector("g.vpp text");
            all.append(Object.assign(document.createElementNS("http://www.w3.org/2000/svg", "path")));
            const x = Number(at.getAttribute("x")), y = Number(at.getAttribute("y"));
            all.lastChild.setAttribute("d", `M${x - 90} ${y - 5}H${x + 90}`);
            all.lastChild.setAttribute("stroke", "black");
            all.lastChild.setAttribute("stroke-width", "6");
        }""")
        assert len(seen.page.evaluate(UNREADABLE, "network")) == 1


@needs_browser
def test_the_strip_names_each_chosen_quarter_hour_clear_of_its_frame(browser: Browser, change_day: Path) -> None:  # noqa: F811
    with serving(change_day) as address, sized(browser, address, SIZES[0]) as seen:
        strip = seen.page.get_by_role("slider", name="period")
        strip.focus()
        for key, period, clock in (("Home", 1, "00:00"), ("End", 100, "23:45"), ("PageDown", 90, "21:15")):
            seen.page.keyboard.press(key)
            expect(strip).to_have_attribute("aria-valuenow", str(period))
            expect(strip).to_contain_text(f"{period}, {clock}")
            for size in SIZES:
                resize(seen, size)
                assert seen.page.evaluate(BESIDE_FRAME), (size, period)


# --- without a browser ---


@pytest.mark.sampled(8)
@pytest.mark.parametrize("count", range(1, 61))
def test_vpps_stand_apart_and_no_arrow_comes_to_the_names_outside(count: int) -> None:
    ring = ring_of([f"V{n}" for n in range(count)])
    for at in ring.places.values():
        assert ring.radius <= at.x <= WIDTH - ring.radius
        assert TOP + ring.radius <= at.y + 1e-9 <= FOOT - ring.radius + 2e-9 < HEIGHT
    for one, other in combinations(ring.places.values(), 2):
        assert math.dist((one.x, one.y), (other.x, other.y)) > 2 * ring.radius
    if count <= MOST_ROOMY:
        return
    widest = 16.0 * ring.radius / 36.0 / 2
    places = np.array([(place.x, place.y) for place in ring.places.values()])
    outwards = places - (CENTRE.x, CENTRE.y)
    outwards /= np.hypot(*outwards.T)[:, None]
    for seller, buyer in permutations(ring.places, 2):
        trade = trade_between(seller, buyer, 1.0, ring)
        points = [trade.at(k / 20) for k in range(1, 20)]
        away = np.array([(at.x, at.y) for at in points])[:, None] - places
        along = (away * outwards).sum(axis=2)
        across = np.abs(away[..., 0] * outwards[:, 1] - away[..., 1] * outwards[:, 0])
        assert ((along < ring.radius + 5 - widest) | (across > 6 + widest)).all(), (seller, buyer)


def frame_of(run: Path) -> Frame:
    return Session(RecordedFeed(run)).frame()


def test_band_and_clearing_price_come_first_in_the_legend_however_many_sell(market: Path) -> None:
    drawn = panel("Prices", frame_of(market))
    paths, day = (
        re.search(rf'<svg[^>]*class="drawing price-{each}".*?</svg>', drawn, re.S) for each in ("paths", "day")
    )
    for picture, first in ((day, ["band", "clearing price"]), (paths, ["clearing price"])):
        assert picture is not None
        words = re.findall(r"<text[^>]*>([^<]+)</text>", picture[0])
        sellers = [k for k, word in enumerate(words) if re.match(r"(Farm|Village)-", word)]
        assert all(words.index(each) < min(sellers) for each in first)


def test_every_axis_of_periods_and_every_table_shows_the_clock(change_day: Path) -> None:
    frame = frame_of(change_day)
    for name, pictures in (("Prices", ("price-day",)), ("Choice", ("choice-heat",)), ("Plant", ("volumes",))):
        drawn = panel(name, frame)
        for each in pictures:
            picture = re.search(rf'<svg[^>]*class="drawing {each}".*?</svg>', drawn, re.S)
            assert picture is not None
            words = re.findall(r"<text[^>]*>([^<]+)</text>", picture[0])
            assert "time, Europe/Berlin" in words, each
            assert "12:00" in words, each
            assert words.count("02:00") <= 1, each
    assert "time, Europe/Berlin" in panel("Plant", frame).partition("The day of")[2]
    certificate = panel("Certificate", frame)
    assert "<th>time, Europe/Berlin</th>" in certificate
    assert certificate.count("<td>02:15</td>") == 2
