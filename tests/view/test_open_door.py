"""Claims: in a real browser the printed address works, and nothing else does: a name that another's name server
gave, another page's websocket, post or script, an address without its token. Nothing behind it asks the internet.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.view.test_browser import CHROMIUM, LIMIT_MS, Seen, serving

REBOUND = "rebound.example"
KERNEL = "/jupyter/api/kernels/stranger/channels?session_id=stranger"
TRY_ALL = """async (at) => {
    const socket = new Promise(tell => {
        const ws = new WebSocket(at.replace("http", "ws") + "KERNEL");
        ws.onopen = () => tell("open");
        ws.onerror = () => tell("refused");
    });
    const ask = (method, mode) => fetch(at + "/", {method, mode, credentials: "include"})
        .then(answer => answer.type === "opaque" ? "opaque" : String(answer.status), () => "failed");
    const script = new Promise(tell => {
        const tag = document.createElement("script");
        tag.onload = () => tell("loaded");
        tag.onerror = () => tell("refused");
        tag.src = at + "/static/main-vuetify.js";
        document.head.append(tag);
    });
    return [await socket, await ask("GET", "cors"), await ask("POST", "cors"), await script];
}""".replace("KERNEL", KERNEL)

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: apt-get install chromium, then run this again"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage", f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving("two_vpp") as printed:
        yield printed


class Stranger(BaseHTTPRequestHandler):
    """Another page, on another port of this machine."""

    def do_GET(self) -> None:
        """An empty page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>stranger</title>")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def stranger_page(page: Page, host: str) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        page.goto(f"http://{host}:{server.server_port}/")
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def owning(browser: Browser, address: str) -> Iterator[Seen]:
    """The page in a tab of a browser that holds the pass from then on, in further tabs as well."""
    context = browser.new_context()
    try:
        yield Seen(context.new_page(), address)
    finally:
        context.close()


def place(address: str) -> str:
    """The address without its token."""
    return f"http://{urlsplit(address).netloc}"


def test_the_printed_address_plays_reloads_and_serves_a_second_tab(browser: Browser, address: str) -> None:
    with owning(browser, address) as seen:
        assert seen.page.url == place(address) + "/"
        expect(seen.fact("verdict")).to_have_text("equilibrium")
        seen.page.reload()
        expect(seen.fact("phase")).not_to_have_text("over")  # another model, which plays by itself as well
        expect(seen.fact("verdict")).to_have_text("equilibrium")
        other = seen.page.context.new_page()
        other.goto(place(address))
        expect(other.locator(".status .fact-verdict")).to_have_text("equilibrium")
        assert "vppmarket-page" not in other.evaluate("document.cookie")
        assert seen.strangers() == []
        assert seen.errors == []


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong"])
def test_without_its_token_the_page_says_how_to_get_its_address(
    browser: Browser, address: str, query: str
) -> None:
    page = browser.new_page()
    answer = page.goto(f"{place(address)}/{query}")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("body")).to_contain_text("`vppmarket view` printed")
    page.close()


def test_a_name_that_is_not_this_machines_is_refused_with_the_token_too(browser: Browser, address: str) -> None:
    page = browser.new_page()
    answer = page.goto(address.replace("127.0.0.1", REBOUND))
    assert answer is not None
    assert answer.status == 403
    with stranger_page(page, REBOUND):
        port = urlsplit(address).port
        tried = page.evaluate(TRY_ALL, f"http://{REBOUND}:{port}")
    assert tried == ["refused", "failed", "failed", "refused"]
    page.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", REBOUND])
def test_another_page_gets_nothing_though_the_browser_holds_the_pass(
    browser: Browser, address: str, host: str
) -> None:
    with owning(browser, address) as seen:
        page = seen.page.context.new_page()
        with stranger_page(page, host):
            assert page.evaluate(TRY_ALL, place(address)) == ["refused", "failed", "failed", "refused"]
        assert seen.page.evaluate(TRY_ALL, place(address))[:2] == ["open", "200"]  # the same, from the page itself


def test_a_frame_without_an_origin_gets_nothing(browser: Browser, address: str) -> None:
    with owning(browser, address) as seen:
        page = seen.page.context.new_page()
        with stranger_page(page, "127.0.0.1"):
            page.evaluate(
                "() => { const f = document.createElement('iframe'); f.sandbox = 'allow-scripts';"
                " f.srcdoc = '<!doctype html><head></head>'; document.body.append(f); }"
            )
            page.wait_for_function("document.querySelector('iframe').contentWindow !== null")
            frame = next(frame for frame in page.frames if frame != page.main_frame)
            assert frame.evaluate(TRY_ALL, place(address)) == ["refused", "failed", "failed", "refused"]


def test_the_page_is_not_shown_in_another_page(browser: Browser, address: str) -> None:
    with owning(browser, address) as seen:
        page = seen.page.context.new_page()
        with stranger_page(page, "127.0.0.1"):
            with page.expect_response(place(address) + "/") as answer:
                page.evaluate(
                    "at => { const f = document.createElement('iframe'); f.src = at; document.body.append(f); }",
                    place(address) + "/",
                )
            assert answer.value.status == 403


def asked(address: str, method: str, path: str, cookie: str) -> int:
    """The status of an answer to the owner."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=150)
    try:
        connection.request(method, path, headers={"Cookie": cookie})
        return connection.getresponse().status
    finally:
        connection.close()


def pass_of(address: str) -> str:
    """The cookie that the printed address is exchanged for."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=150)
    try:
        connection.request("GET", address.removeprefix(place(address)))
        told = connection.getresponse().getheader("Set-Cookie")
    finally:
        connection.close()
    assert told is not None
    return told.split(";")[0]


ABSENT = (
    "/_solara/cdn/no-such@1.0.0/file.js",
    "/_solara/cdn/@widgetti",
    "/_solara/cdn/..%2f..%2f..%2f..%2fpyvenv.cfg",
    "/readyz",
    "/resourcez",
    "/jupyter/api/kernels/k",
    "/static/public/page.py",
    "/static/..%2fserver.py",
    "/_solara/api/close/k?session_id=p",
    "/elsewhere",
)


def test_what_the_page_does_not_need_is_not_there_even_for_its_owner(address: str) -> None:
    cookie = pass_of(address)
    assert asked(address, "GET", "/", cookie) == 200
    assert {path: asked(address, "GET", path, cookie) for path in ABSENT} == dict.fromkeys(ABSENT, 404)
    assert {asked(address, "POST", path, cookie) for path in (*ABSENT, "/")} == {405}


def test_a_missing_file_is_neither_fetched_nor_a_folder_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cdn"
    (cache / "folder").mkdir(parents=True)
    (cache / "folder" / "kept.js").write_text("kept")
    monkeypatch.setenv("SOLARA_ASSETS_PROXY_CACHE_DIR", str(cache))
    with serving("two_vpp") as printed:
        cookie = pass_of(printed)
        assert asked(printed, "GET", "/_solara/cdn/folder/kept.js", cookie) == 200
        assert asked(printed, "GET", "/_solara/cdn/folder/none.js", cookie) == 404
        assert asked(printed, "GET", "/_solara/cdn/folder", cookie) == 404
    assert [path.name for path in cache.rglob("*.*")] == ["kept.js"]
