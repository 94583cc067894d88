"""Measures the page in a real browser: how soon the first picture is there, and how often it changes.

    python scripts/bench/view.py

Needs Debian's chromium. Changes are counted in the browser, where they are seen.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

COMMAND = Path(sys.executable).parent / "vppmarket"
COUNT = """() => { window.changes = 0; new MutationObserver(() => window.changes++)
    .observe(document.querySelector('.panel.market-tab'), {childList: true}); }"""


@contextmanager
def process(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A command at work, ended at the end."""
    started = subprocess.Popen([COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=20)


def line_of(started: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """The first line that says so."""
    assert started.stderr is not None
    found = (re.search(pattern, line) for line in started.stderr)
    return next(match for match in found if match)


def opened(browser: Browser, address: str) -> tuple[Page, float]:
    """The page, and the seconds until its first picture."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    since = time.monotonic()
    page.goto(address)
    page.locator("svg.network").wait_for(timeout=60_000)
    return page, time.monotonic() - since


def changes_per_s(page: Page, seconds: float) -> float:
    """How often the picture changes from now on."""
    page.evaluate(COUNT)
    page.wait_for_timeout(1000 * seconds)
    return float(page.evaluate("() => window.changes")) / seconds


def main() -> None:
    """Measure a recorded run and one that goes on."""
    browser_path = shutil.which("chromium")
    if browser_path is None:
        sys.exit("error: there is no chromium; apt-get install chromium")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        run = Path(temporary) / "run"
        subprocess.run([COMMAND, "run", "--quiet", "--delay", "lognormal:50ms:0.5", "--out", run], check=True)
        with process("view", run, "--port", "0") as server:
            address = line_of(server, r"http://\S+?(?=;)")[0]
            for visit in ("first", "second"):
                page, seconds = opened(browser, address)
                print(f"recorded run, {visit} visit: first picture after {seconds:.1f} s")
            page.locator("button.play").click()
            print(f"recorded run, playing: {changes_per_s(page, 6):.1f} changes a second")
        flags = ("--watch", "--time", "wall", "--delay", "800ms", "--quiet")
        with process("run", *flags, "--out", Path(temporary) / "live") as market:
            watch = line_of(market, r"vppmarket view (\S+) --keys (.+)")
            with process("view", watch[1], "--keys", watch[2], "--port", "0") as server:
                page, seconds = opened(browser, line_of(server, r"http://\S+?(?=;)")[0])
                page.locator("svg.network .message").first.wait_for(timeout=30_000)
                rate = changes_per_s(page, 4)
                phase = page.locator(".status .fact-phase").inner_text()
                print(f"running five-VPP market ({phase}): {rate:.1f} changes a second")
        browser.close()


if __name__ == "__main__":
    main()
