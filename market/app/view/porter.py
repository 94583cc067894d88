"""Guards the page's server: reads each request for the door's decision, refuses, adds what browsers must obey.

The decision itself is `market.app.view.door`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from market.app.view.door import PAGE, Door, DoorVerdict, Knock, Way

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

FORWARDED = (b"x-", b"forwarded", b"script-name")
"""Beginnings of headers by which a proxy tells where the page lies. Solara would believe anybody's."""

POLICY_VIOLATION = 1008
FORBIDDEN = 403
SEE_OTHER = 303
METHOD_NOT_ALLOWED = 405
READING = ("GET", "HEAD")

_CONTENT = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Solara's inline scripts; Vue compiles templates
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SAFETY: tuple[Header, ...] = (
    (b"content-security-policy", _CONTENT.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""On every answer, refusals too."""

REASONS = {
    DoorVerdict.FOREIGN_HOST: "This request does not name this machine by its own name.",
    DoorVerdict.FOREIGN_ORIGIN: "Another web page made this request.",
    DoorVerdict.FOREIGN_SITE: "Another web page made this request.",
    DoorVerdict.NO_ORIGIN: "This request does not say which page made it.",
    DoorVerdict.WRONG_TOKEN: "The token in this address is not that of the page which is served here now.",
    DoorVerdict.NO_TOKEN: "This address lacks its token, or the browser has been closed since.",
}
REMEDY = "Copy the whole address that `vppmarket view` printed, ?token=… included, into the browser's address bar."


@dataclass(frozen=True, slots=True)
class Porter:
    """An ASGI application that stands before another one."""

    door: Door
    behind: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection. What is no request of anybody's (start and end of the server) passes."""
        if scope["type"] not in (Way.HTTP, Way.WEBSOCKET):
            await self.behind(scope, receive, send)
            return
        answer = self.door.answer(_knock(scope))
        if answer.refused:
            await _refuse(scope, receive, send, answer)
        elif answer is DoorVerdict.EXCHANGE:
            cookie = (b"set-cookie", self.door.cookie.encode())
            await _reply(send, SEE_OTHER, "", (b"location", PAGE.encode()), cookie)
        elif scope["type"] == Way.HTTP and scope["method"] not in READING:
            await _reply(send, METHOD_NOT_ALLOWED, "The page is only read.\n", (b"allow", b"GET, HEAD"))
        else:
            headers = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(FORWARDED)]
            await self.behind({**scope, "headers": headers}, receive, _safe(send))


def _knock(scope: Scope) -> Knock:
    headers: dict[str, tuple[str, ...]] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        headers[name] = (*headers.get(name, ()), raw_value.decode("latin-1"))
    query = scope.get("query_string", b"").decode("latin-1")
    return Knock(Way(scope["type"]), scope.get("method", "GET"), scope["path"], query, headers)


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: DoorVerdict) -> None:
    """403 with a word on what to do; over a websocket as well, where the server can say so before it opens."""
    text = f"{REASONS[answer]}\n{REMEDY}\n"
    if scope["type"] == Way.HTTP:
        await _reply(send, FORBIDDEN, text)
        return
    await receive()  # the request to connect
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await _reply(send, FORBIDDEN, text, kind="websocket.http.response")
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})


async def _reply(send: Send, status: int, text: str, *more: Header, kind: str = "http.response") -> None:
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *SAFETY,
        *more,
    ]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


def _safe(send: Send) -> Send:
    """Let each answer carry the headers that browsers must obey, in place of any of the same name."""
    names = {name for name, _ in SAFETY}

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
            message = {**message, "headers": [*kept, *SAFETY]}
        await send(message)

    return sending
