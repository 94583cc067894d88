"""Makes the screenshots of docs/view.md and README: a real run, a real server, a real browser.

    python scripts/view_screenshots.py [FOLDER]        default: docs/figures

Needs Debian's chromium (apt-get install chromium) and the extras `view` and `test`.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).parent / "vppmarket"
WIDE, NARROW, PHONE = (1440, 900), (1024, 768), (390, 844)
FLAGS = ("--delay", "lognormal:50ms:0.5", "--loss", "0.1", "--seed", "3")
LIMIT_MS = 60_000
COLOURS = 200
"""Few colours keep the files small; the page has hardly more."""


@contextmanager
def serving(target: str | Path) -> Iterator[str]:
    """`vppmarket view` at work; its address."""
    server = subprocess.Popen([COMMAND, "view", target, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        found = (re.search(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", line) for line in server.stderr)
        yield next(match[0] for match in found if match)
    finally:
        server.terminate()
        server.wait(timeout=20)


@contextmanager
def opened(browser: Browser, address: str, size: tuple[int, int]) -> Iterator[Page]:
    """The page in a tab of this size, ready to be looked at."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(LIMIT_MS)
    page.goto(address)
    page.locator("svg.network").wait_for()
    yield page
    page.close()


def shoot(page: Page, path: Path) -> None:
    """Save what is to be seen."""
    page.mouse.move(2, 2)
    page.wait_for_timeout(700)  # ripples and transitions of the controls
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}  {path.stat().st_size // 1024} KiB")


def to_position(page: Page, share: float) -> None:
    """Move the slider to a share of the tape."""
    box = page.locator(".transport .v-slider").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 8 + (box["width"] - 16) * share, box["y"] + box["height"] / 2)
    page.wait_for_timeout(500)


def tabs(page: Page, folder: Path, mark: str, names: tuple[str, ...]) -> None:
    """One picture for each of these tabs."""
    for name in names:
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator(f".panel.{name.lower()}-tab").wait_for()
        page.get_by_text("being drawn").wait_for(state="detached")
        shoot(page, folder / f"view-{name.lower()}{mark}.png")


def main() -> None:
    """Run a day, show it, take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    browser_path = shutil.which("chromium")
    if browser_path is None:
        sys.exit("error: there is no chromium; apt-get install chromium")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        run = Path(temporary) / "five_vpp-slow"
        subprocess.run([COMMAND, "run", "--quiet", "--out", run, *FLAGS], check=True)
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        with serving(run) as address:
            every = ("Prices", "Choice", "Plant", "Costs", "Network", "Certificate", "Log")
            for size, mark in ((WIDE, ""), (NARROW, "-narrow"), (PHONE, "-phone")):
                with opened(browser, address, size) as page:
                    to_position(page, 0.18)
                    shoot(page, folder / f"view-market{mark}.png")
                    page.locator("button.follow").click()
                    tabs(page, folder, mark, every if mark != "-phone" else ("Prices",))
        with serving("five_vpp") as address, opened(browser, address, WIDE) as page:
            page.get_by_text("trading", exact=True).first.wait_for()
            page.wait_for_timeout(1500)
            page.locator("button.play").click()  # it plays as it opens
            shoot(page, folder / "view-model.png")
        browser.close()


if __name__ == "__main__":
    main()
