"""What the guard asks of a request: its path, its headers, its keys."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

PATH = re.compile(rb"/[A-Za-z0-9/_.-]*")
"""What a path may hold: no percent sign, so that none is decoded, and nothing that a disk would read otherwise."""
READS = ("GET", "HEAD")
"""Methods that change nothing."""


@dataclass(frozen=True)
class Headers:
    """The headers of a request, in which a name may stand twice."""

    pairs: Sequence[tuple[bytes, bytes]]

    def all(self, name: bytes) -> list[bytes]:
        """Return all values of a name."""
        return [value for found, value in self.pairs if found.lower() == name]

    def only(self, name: bytes) -> str | None:
        """Return the value of a name that stands once; None where it does not, or is not ASCII."""
        values = self.all(name)
        return values[0].decode() if len(values) == 1 and values[0].isascii() else None


def is_plain_path(scope: dict[str, Any], most: int) -> bool:
    """Return whether a request's path is short, plain and without dots that lead upwards."""
    path: bytes = scope.get("raw_path") or scope["path"].encode(errors="replace")
    return len(path) <= most and PATH.fullmatch(path) is not None and b"//" not in path and b".." not in path


def own_hosts(port: int) -> frozenset[str]:
    """Return what the header Host may say: this machine by its own names, with the server's port, letter for letter."""
    names = ("127.0.0.1", "localhost", "[::1]")
    bare = names if port == 80 else ()
    return frozenset([*(f"{name}:{port}" for name in names), *bare])


def own_host(headers: Headers, port: int) -> str | None:
    """Return the host that a request names, in small letters; None unless it is this server, named once."""
    host = headers.only(b"host")
    return host.lower() if host is not None and host.lower() in own_hosts(port) else None


def is_own_origin(scope: dict[str, Any], headers: Headers, host: str, *, has_token: bool) -> bool:
    """Return whether a request comes from the page itself.

    Browsers leave Origin out where a page reads from its own server, and always send it with a POST or a WebSocket. So
    it may be missing where nothing is changed, or where the request holds the token itself, as a program's does.
    """
    origins = headers.all(b"origin")
    site = headers.all(b"sec-fetch-site")
    if scope["path"] != "/" and any(value not in (b"same-origin", b"none") for value in site):
        return False
    if origins:
        return origins == [f"http://{host}".encode()]
    return has_token or (scope["type"] == "http" and scope["method"] in READS)


def bearer_of(headers: Headers) -> str:
    """Return the token of the header Authorization, "" if there is none."""
    scheme, _, token = (headers.only(b"authorization") or "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def cookie_of(headers: Headers, name: str) -> str:
    """Return a cookie, "" if there is none."""
    try:
        found = SimpleCookie(headers.only(b"cookie") or "").get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def query_word(scope: dict[str, Any], name: str) -> str:
    """Return a word of the address, "" unless it stands there once."""
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        found = parse_qs(text, max_num_fields=8).get(name, [])
    except ValueError:
        return ""
    return found[0] if len(found) == 1 else ""
