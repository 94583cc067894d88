"""Claims: who is let in to the page is decided for every kind of request, and nobody is who lacks token or pass.

Enumerated: way × method × path × host × origin × site × token × cookie, their kinds in all combinations and
each pair of them in every form; the answer is said here in other words than in the code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import pytest

from market.app.view.door import Door, DoorVerdict, Knock, Way
from market.app.view.porter import Message, Porter, Receive, Scope, Send

PORT = 8765
DOOR = Door(PORT, token="the-token", pass_value="the-pass")
PASS = f"{DOOR.cookie_name}={DOOR.pass_value}"

OWN_HOSTS = ("127.0.0.1:8765", "localhost:8765", "[::1]:8765", "LOCALHOST:8765")
FOREIGN_HOSTS: tuple[tuple[str, ...], ...] = (
    (),
    ("",),
    ("evil.example:8765",),
    ("evil.example",),
    ("127.0.0.1",),
    ("127.0.0.1:80",),
    ("127.0.0.1:87650",),
    ("127.0.0.1.evil.example:8765",),
    ("localhost.evil.example:8765",),
    ("evil.example@127.0.0.1:8765",),
    ("127.0.0.1:8765", "127.0.0.1:8765"),
    ("127.0.0.1:8765", "evil.example"),
    ("0.0.0.0:8765",),
)
HOSTS = (*((host,) for host in OWN_HOSTS), *FOREIGN_HOSTS)
OWN = "own"
ORIGINS = (
    (),
    (OWN,),
    ("null",),
    ("",),
    ("http://evil.example",),
    ("http://evil.example:8765",),
    ("https://127.0.0.1:8765",),
    ("http://127.0.0.1",),
    ("http://127.0.0.1:8888",),
    ("http://127.0.0.1:8765.evil.example",),
    (OWN, OWN),
    (OWN, "http://evil.example"),
)
SITES = ((), ("none",), ("same-origin",), ("same-site",), ("cross-site",), ("same-origin", "cross-site"))
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE")
PATHS = ("/", "/jupyter/api/kernels/k/channels", "/_solara/cdn/a.js", "/static/main.js", "//", "/elsewhere")
QUERIES = {
    "": None,
    "token=the-token": True,
    "a=b&token=the-token": True,
    "token=": False,
    "token=the-toke": False,
    "token=the-token&token=the-token": False,
    "token=%ff": False,
}
COOKIES = {
    (): False,
    (PASS,): True,
    (f"other=1; {PASS}",): True,
    ("other=1", PASS): True,
    (f"{DOOR.cookie_name}=the-token",): False,
    (f"{DOOR.cookie_name}=",): False,
    ("vppmarket-page-8766=the-pass",): False,
    ("the-pass",): False,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One combination."""

    way: Way
    method: str
    path: str
    host: tuple[str, ...]
    origin: tuple[str, ...]
    site: tuple[str, ...]
    query: str
    cookie: tuple[str, ...]

    @property
    def knock(self) -> Knock:
        own = f"http://{self.host[0].lower()}" if self.host else "http://127.0.0.1:8765"
        headers = {
            "host": self.host,
            "origin": tuple(own if origin == OWN else origin for origin in self.origin),
            "sec-fetch-site": self.site,
            "cookie": self.cookie,
        }
        present = {name: values for name, values in headers.items() if values}
        return Knock(self.way, self.method, self.path, self.query, present)


WAYS = [(Way.HTTP, method) for method in METHODS] + [(Way.WEBSOCKET, "GET")]
KINDS = (
    ((Way.HTTP, "GET"), (Way.HTTP, "POST"), (Way.WEBSOCKET, "GET")),
    PATHS[:2],
    (("127.0.0.1:8765",), ("localhost:8765",), ("[::1]:8765",), (), ("evil.example:8765",), ("127.0.0.1",)),
    ORIGINS[:5],
    ((), ("same-origin",), ("cross-site",)),
    ("", "token=the-token", "token=the-toke"),
    ((), (PASS,), (f"{DOOR.cookie_name}=the-token",)),
)
FORMS = (WAYS, PATHS, HOSTS, ORIGINS, SITES, tuple(QUERIES), tuple(COOKIES))


def cases() -> Iterator[Case]:
    """Kinds in all combinations, then each pair of dimensions in every form, the rest as the owner's."""
    own = [(Way.HTTP, "GET"), "/", ("127.0.0.1:8765",), (OWN,), ("same-origin",), "", (PASS,)]
    for chosen in product(*KINDS):
        yield _case(chosen)
    for one, other in combinations(range(len(FORMS)), 2):
        for first, second in product(FORMS[one], FORMS[other]):
            yield _case([{one: first, other: second}.get(at, usual) for at, usual in enumerate(own)])


def _case(chosen: Sequence[Any]) -> Case:
    (way, method), *rest = chosen
    return Case(way, method, *rest)


def expected(case: Case) -> bool:
    """Whether it may be let in at all, whether by pass or by token."""
    named = len(case.host) == 1 and case.host[0] in OWN_HOSTS
    own_page = case.origin == (OWN,) or (case.origin == () and case.way is Way.HTTP)
    tells = QUERIES[case.query] if case.way is Way.HTTP and case.method in ("GET", "HEAD") else None
    first = tells if case.path == "/" else None
    if not (named and own_page):
        return False
    if first is not None:
        return first
    return COOKIES[case.cookie] and set(case.site) <= {"none", "same-origin"}


def test_every_combination_has_the_answer_that_it_should() -> None:
    let_in = 0
    for case in cases():
        answer = DOOR.answer(case.knock)
        assert answer.refused != expected(case), (case, answer)
        let_in += not answer.refused
    assert let_in > 100


@pytest.mark.parametrize("way", Way)
def test_a_stranger_never_gets_to_try_a_token(way: Way) -> None:
    for case in cases():
        stranger = case.host in FOREIGN_HOSTS or "null" in case.origin
        if case.way is way and stranger:
            right, wrong = replace(case, query="token=the-token"), replace(case, query="token=no")
            assert DOOR.answer(right.knock) is DOOR.answer(wrong.knock)


def test_a_token_is_taken_at_the_page_alone_and_led_away_from_the_address() -> None:
    exchanged = {(c.way, c.method, c.path) for c in cases() if DOOR.answer(c.knock) is DoorVerdict.EXCHANGE}
    assert exchanged == {(Way.HTTP, "GET", "/"), (Way.HTTP, "HEAD", "/")}


LINK = {"sec-fetch-site": ("cross-site",), "sec-fetch-mode": ("navigate",), "sec-fetch-dest": ("document",)}


@pytest.mark.parametrize(
    ("changed", "path", "answer"),
    [
        ({}, "/", DoorVerdict.ENTER),
        ({"sec-fetch-dest": ("iframe",)}, "/", DoorVerdict.FOREIGN_SITE),
        ({"sec-fetch-mode": ("no-cors",), "sec-fetch-dest": ("script",)}, "/", DoorVerdict.FOREIGN_SITE),
        ({}, "/static/main.js", DoorVerdict.FOREIGN_SITE),
    ],
)
def test_another_page_may_link_to_the_page_and_not_take_it_in(
    changed: dict[str, tuple[str, ...]], path: str, answer: DoorVerdict
) -> None:
    headers = {"host": ("127.0.0.1:8765",), "cookie": (PASS,), **LINK, **changed}
    assert DOOR.answer(Knock(Way.HTTP, "GET", path, "", headers)) is answer


def test_port_80_is_left_out_as_browsers_do() -> None:
    door = replace(DOOR, port=80)
    for host in ("127.0.0.1", "localhost", "127.0.0.1:80"):
        headers = {"host": (host,), "origin": (f"http://{host}",)}
        assert door.answer(Knock(Way.HTTP, "GET", "/", "token=the-token", headers)) is DoorVerdict.EXCHANGE


def test_no_two_doors_share_a_secret() -> None:
    doors = [Door.fresh(PORT) for _ in range(20)]
    assert len({secret for door in doors for secret in (door.token, door.pass_value)}) == 40
    assert all(len(door.token) >= 43 for door in doors)
    assert doors[0].address == f"http://127.0.0.1:{PORT}/?token={doors[0].token}"
    for attribute in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert attribute in doors[0].cookie.split("; ")
    assert doors[0].token not in doors[0].cookie


# --- at the server ---


class Behind:
    """What lies behind the door: it notes what reaches it."""

    def __init__(self) -> None:
        self.reached: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.append(scope)
        if scope["type"] == "http":
            headers = [(b"x-frame-options", b"ALLOWALL"), (b"content-type", b"text/html")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"inside"})


def ask(
    headers: dict[str, str], behind: Behind, *, way: str = "http", query: str = "", **more: object
) -> list[Message]:
    """What is sent to somebody who comes with these headers."""
    said: list[Message] = []
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": way,
        "method": "GET",
        "path": "/",
        "query_string": query.encode(),
        "headers": raw,
        **more,
    }

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        said.append(message)

    asyncio.run(Porter(DOOR, behind)(scope, receive, send))
    return said


OWNER = {"host": "127.0.0.1:8765", "cookie": PASS}


def test_every_answer_carries_the_headers_of_safety() -> None:
    for headers, query in (
        (OWNER, ""),
        ({"host": "evil.example"}, ""),
        ({"host": "127.0.0.1:8765"}, "token=the-token"),
    ):
        start = ask(headers, Behind(), query=query)[0]
        told = dict(start["headers"])
        assert told[b"x-frame-options"] == b"DENY"
        assert told[b"x-content-type-options"] == b"nosniff"
        assert told[b"referrer-policy"] == b"no-referrer"
        assert b"frame-ancestors 'none'" in told[b"content-security-policy"]
        assert [name for name, _ in start["headers"]].count(b"x-frame-options") == 1


def test_who_is_refused_is_told_how_to_get_in_and_reaches_nothing() -> None:
    behind = Behind()
    start, body = ask({"host": "127.0.0.1:8765"}, behind)
    assert start["status"] == 403
    assert b"vppmarket view" in body["body"]
    refused = ask({"host": "127.0.0.1:8765"}, behind, way="websocket")
    assert [message["type"] for message in refused] == ["websocket.close"]
    told = ask(OWNER, behind, way="websocket", extensions={"websocket.http.response": {}})
    assert told[0]["status"] == 403
    assert behind.reached == []


def test_the_token_is_exchanged_for_the_pass() -> None:
    behind = Behind()
    start = ask({"host": "127.0.0.1:8765"}, behind, query="token=the-token")[0]
    told = dict(start["headers"])
    assert (start["status"], told[b"location"]) == (303, b"/")
    assert told[b"set-cookie"] == DOOR.cookie.encode()
    assert behind.reached == []


def test_the_page_is_only_read() -> None:
    behind = Behind()
    for method in METHODS[2:]:
        assert ask(OWNER, behind, method=method)[0]["status"] == 405
    assert behind.reached == []


def test_what_a_proxy_would_say_does_not_reach_the_page() -> None:
    behind = Behind()
    ask({**OWNER, "x-script-name": "/evil", "script-name": "/evil", "X-Forwarded-Host": "evil.example"}, behind)
    (scope,) = behind.reached
    assert [name for name, _ in scope["headers"]] == [b"host", b"cookie"]
