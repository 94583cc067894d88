"""Decides who may see the page: a pure decision about one request, from what its sender said of itself.

The page's owner holds its address, which carries a token; the first visit turns it into a cookie. Another web page
has neither, and browsers mark its requests with a foreign Host or Origin.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""What a browser on this machine may call it. Another name was pointed at us by a stranger's name server."""

TOKEN_BYTES = 32
PAGE = "/"
READING = frozenset({"GET", "HEAD"})
OWN_SITE = frozenset({"same-origin", "none"})
HTTP_PORT = 80


class Way(StrEnum):
    """How somebody comes."""

    HTTP = "http"
    WEBSOCKET = "websocket"


class DoorVerdict(StrEnum):
    """What is decided. All but the first two are refusals."""

    ENTER = "enter"
    EXCHANGE = "exchange"
    """The token is right: hand out the cookie, and lead to the address without the token."""
    FOREIGN_HOST = "foreign host"
    FOREIGN_ORIGIN = "foreign origin"
    FOREIGN_SITE = "foreign site"
    NO_ORIGIN = "no origin"
    WRONG_TOKEN = "wrong token"
    NO_TOKEN = "no token"

    @property
    def refused(self) -> bool:
        """Whether nothing behind the door is touched."""
        return self not in (DoorVerdict.ENTER, DoorVerdict.EXCHANGE)


@dataclass(frozen=True, slots=True)
class Knock:
    """What is known of one request. Names of headers are in lower case; a repeated one has several values."""

    way: Way
    method: str
    path: str
    query: str
    headers: Mapping[str, tuple[str, ...]]

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header."""
        return self.headers.get(name, ())


@dataclass(frozen=True, slots=True)
class Door:
    """The secrets of one serving of the page; another one, on the same port too, has others."""

    port: int
    token: str
    pass_value: str

    @staticmethod
    def fresh(port: int) -> Door:
        """A door that nobody can know."""
        return Door(port, secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES))

    @property
    def address(self) -> str:
        """What the owner is told."""
        return f"http://{HOSTS[0]}:{self.port}{PAGE}?token={self.token}"

    @property
    def cookie_name(self) -> str:
        """Bound to the port: browsers hand the cookies of one host to all of its ports."""
        return f"vppmarket-page-{self.port}"

    @property
    def cookie(self) -> str:
        """The header that hands out the pass, until the browser is closed."""
        return f"{self.cookie_name}={self.pass_value}; Path=/; HttpOnly; SameSite=Strict"

    def answer(self, knock: Knock) -> DoorVerdict:
        """Decide. Names are looked at first, so that a stranger's request never gets to try a token."""
        hosts = knock.values("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts():
            return DoorVerdict.FOREIGN_HOST
        foreign = _origin(knock, hosts[0].lower())
        if foreign is not None:
            return foreign
        token = parse_qs(knock.query, keep_blank_values=True).get("token")
        if token is not None and knock.way is Way.HTTP and knock.path == PAGE and knock.method in READING:
            return (
                DoorVerdict.EXCHANGE
                if len(token) == 1 and _same(token[0], self.token)
                else DoorVerdict.WRONG_TOKEN
            )
        if _foreign_site(knock):
            return DoorVerdict.FOREIGN_SITE
        return DoorVerdict.ENTER if self._has_pass(knock) else DoorVerdict.NO_TOKEN

    def _hosts(self) -> frozenset[str]:
        bare = HOSTS if self.port == HTTP_PORT else ()
        return frozenset((*bare, *(f"{host}:{self.port}" for host in HOSTS)))

    def _has_pass(self, knock: Knock) -> bool:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load("; ".join(knock.values("cookie")))
        except CookieError:
            return False
        held = jar.get(self.cookie_name)
        return held is not None and _same(held.value, self.pass_value)


def _origin(knock: Knock, host: str) -> DoorVerdict | None:
    """What is wrong with the Origin, if anything is.

    It must be the page's own as this request calls it; `null`, which a sandbox or a file has, is foreign. A
    websocket must have one: each browser sends it there, so who does not is no page of ours, cookie or not.
    """
    origins = knock.values("origin")
    if any(origin.lower() != f"http://{host}" for origin in origins) or len(origins) > 1:
        return DoorVerdict.FOREIGN_ORIGIN
    return DoorVerdict.NO_ORIGIN if knock.way is Way.WEBSOCKET and not origins else None


def _foreign_site(knock: Knock) -> bool:
    """Whether the browser says that another page makes this request, other than by a link to ours."""
    if all(site in OWN_SITE for site in knock.values("sec-fetch-site")):
        return False
    link = knock.values("sec-fetch-mode") == ("navigate",) and knock.values("sec-fetch-dest") == ("document",)
    return not (link and knock.way is Way.HTTP and knock.method in READING and knock.path == PAGE)


def _same(given: str, secret: str) -> bool:
    """Compare in a time that tells nothing."""
    return compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
