"""Claims: Mesa's own page, in a real browser, plays a market of each of the three kinds with our components beside
one of a user's own; nothing is asked of the internet; and processes end with the page, or with a reset.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from market.app.mesa_model import MarketModel
from market.app.view.server import SETTINGS
from tests.processes.command import finish, held_node, node_processes, settle_session, start
from tests.view.test_browser import CHROMIUM, LIMIT_MS, browser  # noqa: F401  a fixture
from tests.view.test_live import until, whereabouts

ROOT = Path(__file__).parent.parent.parent
SOLARA = Path(sys.executable).parent / "solara"

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: apt-get install chromium, then run this again"),
]

APP = """
import solara
from mesa.visualization import SolaraViz
from mesa.visualization.utils import update_counter

from market.app.mesa_model import MarketModel
from market.app.view.components import Certificate, Costs, Market, Periods, Plant

@solara.component
def Census(model):
    update_counter.get()
    sold_mwh = sum(agent.sold_mwh for agent in model.agents)
    solara.Text(f"{{len(model.agents)}} agents sell {{sold_mwh:.6f}} MWh", classes=["census"])

@solara.component
def Page():
    given = {given!r}
    model = solara.use_memo(lambda: MarketModel(**given), [])
    SolaraViz(
        model,
        components=[(Market, 0), (Census, 0), (Periods, 0), (Plant, 1), (Costs, 1), (Certificate, 2)],
        model_params=given,
        play_interval=1,
        name="A market",
    )
"""


@contextmanager
def mesa_server(app: Path, **environment: str) -> Iterator[tuple[str, int]]:
    """Mesa's page as Solara serves it: its address, and the process. Nothing of it is left behind."""
    server = subprocess.Popen(
        [SOLARA, "run", app, "--no-open", "--host", "127.0.0.1", "--port", "0", "--production"],
        env={**os.environ, **{k: v for k, v in SETTINGS.items() if k != "SOLARA_APP"},
             "SOLARA_KERNEL_CULL_TIMEOUT": "1s", **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stdout)
        address = next(match[0] for match in found if match)
        until(lambda: listens(address))  # it says so before it does
        yield address, server.pid
    finally:
        server.terminate()
        server.communicate(timeout=150)
        assert settle_session(server.pid) == []


def listens(address: str) -> bool:
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.socket() as end:
        return end.connect_ex((host, int(port))) == 0


@contextmanager
def mesa_page(browser: Browser, address: str) -> Iterator[Page]:  # noqa: F811
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(LIMIT_MS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.locator("svg.network").wait_for()
    try:
        yield page
        ours = (address, address.replace("http", "ws"), "data:", "blob:")
        assert [url for url in asked if not url.startswith(ours)] == []
    finally:
        page.close()


def play_to_the_end(page: Page, given: dict[str, Any]) -> None:
    """Play, and see that the components tell what a model of the same market in this process tells."""
    here = MarketModel(given.get("scenario", "five_vpp"))
    here.run_model()
    assert here.settlement is not None
    census = page.locator(".census")
    expect(census).to_have_text(f"{len(here.agents)} agents sell 0.000000 MWh")
    page.get_by_role("button", name="Step").click()
    expect(page.get_by_text("Step: 1", exact=True)).to_be_visible()
    page.get_by_role("button", name="▶").click()
    expect(page.get_by_text(f"Step: {here.steps}", exact=True)).to_be_visible()
    sold_mwh = sum(agent.sold_mwh for agent in here.agents)
    expect(census).to_have_text(f"{len(here.agents)} agents sell {sold_mwh:.6f} MWh")
    offered = here.data_frames()["offers"]
    period = int(offered["period"].iloc[-1])
    page.locator(f'svg.strip [data-pick="period:{period - 1}"]').dispatch_event("pointerdown")
    for _, offer in offered[offered["period"] == period].iterrows():
        words = page.locator(f'svg.network g.vpp[data-pick="vpp:{offer["vpp"]}"]')
        asked = re.compile(rf"asks {offer['price_cny_per_mwh'] / 1000:.4f} CNY/kWh")
        expect(words).to_have_attribute("aria-label", asked)
    page.get_by_role("tab", name="Page 1").click()
    for account in here.settlement.game:
        expect(page.locator(".accounts")).to_contain_text(f"{account.total_cny:,.2f}".replace("-", "−"))
    page.get_by_role("tab", name="Page 2").click()
    expect(page.locator(".certificate")).to_contain_text("equilibrium")


def written_app(folder: Path, given: dict[str, Any]) -> Path:
    app = folder / "app.py"
    app.write_text(APP.format(given=given))
    return app


@pytest.mark.parametrize("processes", [False, True])
def test_mesas_page_plays_a_market_of_its_own(browser: Browser, processes: bool, tmp_path: Path) -> None:  # noqa: F811
    given: dict[str, Any] = {"scenario": "five_vpp", "processes": processes}
    with mesa_server(written_app(tmp_path, given)) as (address, server):
        with mesa_page(browser, address) as page:
            play_to_the_end(page, given)
            page.get_by_role("tab", name="Page 0").click()
            page.get_by_role("button", name="Reset").click()
            expect(page.get_by_text("Step: 0", exact=True)).to_be_visible()
            play_to_the_end(page, given)
        until(lambda: node_processes(server) == [])


def test_mesas_page_plays_a_market_that_runs_elsewhere(browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    run = start(
        "run", "--watch", "--quiet", "--silence", "120s", "--out", tmp_path / "run"
    )  # until the page is up
    with held_node(run) as node:
        way = whereabouts(run)
        given = {"address": way.address, "keys": str(way.path)}
        with mesa_server(written_app(tmp_path, given)) as (address, _), mesa_page(browser, address) as page:
            expect(page.locator("svg.network")).to_contain_text("joining")
            node.resume()
            play_to_the_end(page, given)
    assert finish(run).returncode == 0


def test_processes_end_with_a_reset_and_with_the_page(browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    """Though their market would go on for hours."""
    given = {"scenario": "two_vpp", "processes": True, "time": "wall", "delay_s": 3000.0}
    with mesa_server(written_app(tmp_path, given)) as (address, server):
        with mesa_page(browser, address) as page:
            for _ in range(2):
                page.get_by_role("button", name="Step").click()
            until(lambda: len(node_processes(server)) == 2)
            first = {node.pid for node in node_processes(server)}
            page.get_by_role("button", name="Reset").click()
            until(lambda: not first & {node.pid for node in node_processes(server)})
            until(lambda: len(node_processes(server)) == 2)
        until(lambda: node_processes(server) == [])


def test_the_example_is_such_a_page(browser: Browser) -> None:  # noqa: F811
    with (
        mesa_server(ROOT / "scripts" / "mesa_page.py", MARKET_SCENARIO="two_vpp") as (address, _),
        mesa_page(browser, address) as page,
    ):
        expect(page.locator(".offered")).to_contain_text("Farm: 0 offers, sells 0.00 MWh")
        page.get_by_role("button", name="▶").click()
        expect(page.locator(".offered")).to_contain_text(re.compile(r"Farm: [1-9]\d* offers"))
        expect(page.locator("svg.network")).to_contain_text("asks")
