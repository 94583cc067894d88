"""Claims: in a real browser the page is complete without internet, plays, steps, changes a model, switches tabs.

Its numbers are those of the run folder; it follows a market of processes to its verdict, and sees one break.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

from market.app.mesa_model import MarketModel
from market.app.results.recorded import read_run
from market.app.runs.tokens import TOKEN_FILE, read_token
from market.app.view.panels import PANELS
from market.scenario import load_scenario
from market.scenario.cases import case_folder
from tests.processes.command import finish, manifest, rows, settle_session, start
from tests.view.test_live import whereabouts

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LIMIT_MS = 90_000
ADDRESS = r"http://127\.0\.0\.1:\d+/\?token=[\w-]+"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: apt-get install chromium, then run this again"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@contextmanager
def serving(*arguments: str | Path, token: str = "") -> Iterator[str]:
    """`vppmarket view` at work; its address. Nothing of it is left behind."""
    flags = ("--token", token) if token else ()
    server = start("view", *arguments, *flags, "--port", "0")
    try:
        assert server.stderr is not None
        lines = iter(server.stderr)
        address = next(found[0] for line in lines if (found := re.search(ADDRESS, line)))
        yield address
    finally:
        server.terminate()
        server.communicate(timeout=150)
        assert settle_session(server.pid) == []


class Seen:
    """A tab of the browser on the page, and every request that it made."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.set_default_timeout(LIMIT_MS)
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.locator("svg.network").first.wait_for()

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)

    def strangers(self) -> list[str]:
        """Requests that left the machine."""
        return [
            u
            for u in self.requests
            if not u.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
        ]

    def fact(self, name: str) -> Locator:
        return self.page.locator(f".status .fact-{name}")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def press(self, name: str) -> None:
        self.page.locator(f"button.{name}").click()

    def choose_period(self, period: int) -> None:
        self.page.locator(f'svg.strip [data-pick="period:{period - 1}"]').dispatch_event("pointerdown")


@contextmanager
def looking(browser: Browser, address: str) -> Iterator[Seen]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        yield Seen(page, address)
    finally:
        page.close()


def position(seen: Seen) -> int:
    """Where the slider stands."""
    label = seen.page.get_by_text(re.compile(r"^record [\d,]+ of [\d,]+$")).inner_text()
    return int(label.split()[1].replace(",", ""))


def test_a_recorded_run_is_played_stepped_and_looked_at_from_all_sides(browser: Browser, slow_run: Path) -> None:
    told = manifest(slow_run)
    with serving(slow_run) as address, looking(browser, address) as seen:
        expect(seen.fact("verdict")).to_have_text(told["verdict"])
        expect(seen.fact("messages")).to_have_text(f"{told['counters']['sent']:,}")
        seen.choose_period(14)
        offers = read_run(slow_run)["offers"].where(period=14)
        for vpp, price in zip(offers["vpp"], offers["price_cny_per_mwh"], strict=True):
            words = seen.page.locator(f'svg.network g.vpp[data-pick="vpp:{vpp}"]')
            expect(words).to_have_attribute("aria-label", re.compile(rf"asks {price / 1000:.4f} CNY/kWh"))
        for name in PANELS:
            seen.tab(name)
            expect(seen.page.locator(".panel").last.locator("svg, table, .note").first).to_be_visible()
        seen.tab("Costs")
        costs = seen.page.locator(".accounts")
        for row in rows(slow_run, "costs"):
            expect(costs).to_contain_text(f"{float(row['total_cny']):,.2f}")
        seen.tab("Certificate")
        expect(seen.page.locator(".certificate")).to_contain_text(f"{told['epsilon_cny']:.3g} CNY")
        seen.tab("Market")
        seen.press("play")  # from the beginning
        expect(seen.fact("phase")).to_have_text("trading")
        expect(seen.page.locator("svg.network .message").first).to_be_visible()
        seen.press("play")
        expect(seen.page.locator("button.play")).to_contain_text("Play")
        paused = position(seen)
        assert paused > 0
        seen.press("step")
        expect(seen.page.get_by_text(f"record {paused + 1:,} of")).to_be_visible()
        seen.press("follow")
        expect(seen.fact("verdict")).to_have_text(told["verdict"])
        assert seen.strangers() == []
        assert seen.errors == []


def test_a_model_is_changed_and_run_to_its_verdict(browser: Browser) -> None:
    with serving("two_vpp") as address, looking(browser, address) as seen:
        field = seen.page.get_by_label("satisfaction κ")
        field.fill("0.7")
        field.press("Enter")  # as Reset
        expect(seen.fact("verdict")).to_have_text("equilibrium")
        model = MarketModel("two_vpp", satisfaction=0.7)
        model.run_model()
        usual = MarketModel("two_vpp")
        usual.run_model()
        assert model.settlement is not None
        assert usual.settlement is not None
        total = model.settlement.game_system.total_cny
        assert [a.trade_cny for a in model.settlement.game] != [a.trade_cny for a in usual.settlement.game]
        seen.tab("Costs")
        expect(seen.page.locator(".accounts")).to_contain_text(f"{total:,.2f}".replace("-", "−"))
        for account in model.settlement.game:
            expect(seen.page.locator(".accounts")).to_contain_text(f"{account.trade_cny:,.2f}".replace("-", "−"))
        assert seen.strangers() == []


@contextmanager
def joining(address: str, token: bytes, where: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A node process for each VPP of the default case, by VPP. None of them is left behind."""
    environment = {**os.environ, "VPPMARKET_TOKEN": token.hex()}
    nodes = {
        vpp.id: subprocess.Popen(
            [sys.executable, "-m", "vpp_nodes", "--id", vpp.id, "--broker", address, "--scenario", "five_vpp"],
            env=environment,
            cwd=where,
            stderr=subprocess.DEVNULL,
        )
        for vpp in load_scenario("five_vpp").vpps
    }
    try:
        yield nodes
    finally:
        for node in nodes.values():
            node.kill()
            node.wait(timeout=150)


def test_a_market_of_processes_is_followed_by_two_tabs_to_its_verdict(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    conditions = ("--time", "wall", "--delay", "40ms")
    market = start("broker", "--wait", "100", *conditions, "--quiet", "--out", folder)
    way = whereabouts(market)
    address, token = way.address, read_token(folder / TOKEN_FILE)
    with (
        serving(address, way.flag, way.path) as page_address,
        looking(browser, page_address) as one,
        looking(browser, page_address) as other,
    ):
        expect(one.page.locator(".state-chip")).to_have_text("live")
        expect(one.fact("waiting")).to_contain_text("VPP1, VPP2, VPP3, VPP4, VPP5")
        expect(one.fact("verdict")).to_have_count(0)
        with joining(address, token, tmp_path):
            expect(one.page.locator("svg.network .message.offer").first).to_be_visible()
            expect(one.fact("verdict")).to_have_text("equilibrium")
            ended = finish(market)
        assert ended.returncode == 0, ended.stderr
        for seen in (one, other):
            expect(seen.page.locator(".state-chip")).to_have_text("ended")
            expect(seen.fact("messages")).to_have_text(f"{manifest(folder)['counters']['sent']:,}")
            seen.tab("Costs")
            for row in rows(folder, "costs"):
                expect(seen.page.locator(".accounts")).to_contain_text(f"{float(row['total_cny']):,.2f}")
            assert seen.strangers() == []


def test_a_killed_node_turns_absent_and_the_others_go_on(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    scenario = shutil.copytree(case_folder("five_vpp"), tmp_path / "five")
    document = yaml.safe_load((scenario / "scenario.yaml").read_text())
    document["network"] = {"time": "wall", "delay_s": 0.03, "on_loss": "withdraw", "silence_s": 2.0}
    (scenario / "scenario.yaml").write_text(yaml.safe_dump(document))
    market = start("broker", scenario, "--wait", "100", "--quiet", "--out", folder)
    way = whereabouts(market)
    address, token = way.address, read_token(folder / TOKEN_FILE)
    with serving(address, way.flag, way.path) as page_address, looking(browser, page_address) as seen:
        expect(seen.page.locator(".state-chip")).to_have_text("live")
        with joining(address, token, tmp_path) as nodes:
            expect(seen.fact("phase")).to_have_text("trading")
            expect(seen.page.locator("svg.network .absent")).to_have_count(0)
            nodes["VPP3"].kill()
            expect(seen.page.locator('svg.network .absent[data-pick="vpp:VPP3"]')).to_be_visible()
            expect(seen.fact("absent")).to_contain_text("VPP3")
            expect(seen.fact("epoch")).to_have_text("2")
            expect(seen.fact("verdict")).to_have_text("equilibrium")
            ended = finish(market)
        assert ended.returncode == 0, ended.stderr
        assert "VPP3" not in {row["vpp"] for row in rows(folder, "offers")}


def test_a_wrong_address_is_told_on_the_page(browser: Browser) -> None:
    with serving("tcp://127.0.0.1:1", token="0" * 32) as address, looking(browser, address) as seen:
        expect(seen.page.locator(".fault")).to_contain_text("nobody listens at tcp://127.0.0.1:1")
