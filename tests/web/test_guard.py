"""The guard: who may open the page, and that every check of it is seen to fail where the guard is sabotaged."""

import fnmatch
import os
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

import web_client
from advnets.web import Keys, Page, guard, json_text
from advnets.web.requests import query_word
from advnets.web.watch import watch_page
from web_client import CANARY, HOST, ORIGIN, PORT, ask, guarded, watched_runs, with_cookie, with_token

BAD_HOSTS = [
    None, "", "evil.com", f"evil.com:{PORT}", f"127.0.0.1.evil.com:{PORT}", f"localhost.evil.com:{PORT}",
    f"10.evil.example:{PORT}", f"192.168.evil.example:{PORT}", f"127.0.0.1:{PORT + 1}", "localhost:80@evil.com",
    f"evil.com#127.0.0.1:{PORT}", f"2130706433:{PORT}", f"0x7f000001:{PORT}", f"127.1:{PORT}", f"0.0.0.0:{PORT}",
    f"[::ffff:127.0.0.1]:{PORT}", f"localhost.:{PORT}", f"127.0.0.1:{PORT},evil.com", f"l\u0131calhost:{PORT}",
    f"127.0.0.1:{PORT}x", "127.0.0.1", "localhost", f"[::1%25lo]:{PORT}", f"127.0.0.1:{PORT}\x00", f"127.0.0.1:0{PORT}",
    "a" * 65536,
]  # fmt: skip
GOOD_HOSTS = [HOST, f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"]
BAD_ORIGINS = [
    "null", "http://evil.com", "http://127.0.0.1:9999", "http://localhost:9999", f"https://{HOST}", "file://",
    "chrome-extension://abcdef", f"http://{HOST}.evil.com", f"{ORIGIN}.evil.com", f"http://evil.com/{ORIGIN}",
    f"http://evil-{HOST}", f"http://user@{HOST}", f"http://{HOST}@evil.com", f"HTTP://{HOST}", f"{ORIGIN}/",
    f"{ORIGIN}.",
    f"http://0.0.0.0:{PORT}", f"{ORIGIN}, http://evil.com", f"{ORIGIN} http://evil.com", f"http://localhost:{PORT}", "",
    f"{ORIGIN}#",
]  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Check = Callable[[Any, Keys], list[str]]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    watched = watch_page(watched_runs(tmp_path))
    return Page(watched.index, [*watched.routes, WebSocketRoute("/api/echo", web_client.echo)], watched.uploads)


def all_paths(app: Any) -> list[str]:
    """An example of every route of HTTP."""
    filled = [route.path for route in app.application.routes if isinstance(route, Route)]
    return [path.replace("{key}", "0" * 16).replace("{step:int}", "10") for path in filled]


def wants_token(app: Any, keys: Keys) -> list[str]:
    """Routes and methods that answer without the right key."""
    wrong = [
        [], [("authorization", "Bearer wrong")], [("authorization", f"Bearer {keys.token[:-1]}")],
        [("authorization", f"Basic {keys.token}")], [("cookie", f"advnets-{PORT}={keys.token}")],
        [("cookie", f"advnets-{PORT + 1}={keys.session}")], [("cookie", f"advnets-{PORT}=")],
    ]  # fmt: skip
    paths = [*all_paths(app), "/nowhere", f"/api/runs?token={keys.token}", f"/static/theme.css?token={keys.token}"]
    found = [
        f"{method} {path} with {more}"
        for path in paths for method in METHODS for more in wrong
        if ask(app, path, method=method, headers=[("host", HOST), *more]).status not in (401, 403)
    ]  # fmt: skip
    return found + [
        f"WS {more}" for more in wrong
        if ask(app, "/api/echo", headers=[("host", HOST), ("origin", ORIGIN), *more], kind="websocket").status != 403
    ]  # fmt: skip


def wants_own_host(app: Any, keys: Keys) -> list[str]:
    """Hosts that are let in and should not be, or the other way round."""
    found = []
    for host in (*BAD_HOSTS, *GOOD_HOSTS):
        named = [] if host is None else [("host", host)]
        key = ("authorization", f"Bearer {keys.token}")
        for kind, path in (("http", "/api/runs"), ("websocket", "/api/echo"), ("http", f"/?token={keys.token}")):
            is_in = ask(app, path, headers=[*named, key], kind=kind).status in (101, 200)
            found += [f"{kind} {str(host)[:60]}"] if is_in != (host in GOOD_HOSTS) else []
    twice = [("host", HOST), ("host", "evil.com"), ("authorization", f"Bearer {keys.token}")]
    forwarded = [("host", "evil.com"), ("x-forwarded-host", HOST), ("authorization", f"Bearer {keys.token}")]
    return found + [str(sent) for sent in (twice, forwarded) if ask(app, "/api/runs", headers=sent).status != 403]


def wants_own_origin(app: Any, keys: Keys) -> list[str]:
    """Origins that are let in and should not be, or the other way round, on reads, writes and WebSockets."""
    asked = [("http", "GET", "/api/runs"), ("http", "POST", "/api/explore/00"), ("websocket", "GET", "/api/echo")]
    found = []
    for kind, method, path in asked:
        for origin in (*BAD_ORIGINS, ORIGIN):
            for sign in (with_cookie, with_token):
                sent = sign(keys, ("origin", origin))
                is_in = ask(app, path, method=method, headers=sent, kind=kind, body=b"{}").status != 403
                found += [f"{method} {kind} {origin}"] if is_in != (origin == ORIGIN) else []
        is_read = kind == "http" and method == "GET"
        absent = ask(app, path, method=method, headers=with_cookie(keys), kind=kind, body=b"{}").status != 403
        found += [f"{method} {kind} without an origin"] if absent != is_read else []
        two = with_token(keys, ("origin", ORIGIN), ("origin", "http://evil.com"))
        found += [f"{kind} two origins"] if ask(app, path, method=method, headers=two, kind=kind).status != 403 else []
    site = with_cookie(keys, ("sec-fetch-site", "same-site"))
    return found + (["a script of another port"] if ask(app, "/api/runs", headers=site).status != 403 else [])


def wants_safe_headers(app: Any, keys: Keys) -> list[str]:
    """Answers that lack a header, or that a browser may run a script in."""
    found = []
    for path in (*all_paths(app), "/nowhere", "/%00", "/api/run/<script>"):
        for sent in (with_token(keys), [("host", HOST)], [("host", "evil.com")]):
            headers = ask(app, path, headers=sent).headers
            policy = headers.get("content-security-policy", "")
            is_safe = (
                policy.startswith("default-src 'self';") and "unsafe" not in policy and "*" not in policy
                and "frame-ancestors 'none'" in policy and "script-src 'self';" in policy
                and headers.get("x-content-type-options") == "nosniff" and headers.get("cache-control") == "no-store"
                and headers.get("referrer-policy") == "no-referrer"
            )  # fmt: skip
            found += [] if is_safe else [path]
    return found


SEEDS = [
    "../outside.png", "../runs2/00000010.png", "../runs2/one/journal.jsonl", "one/../../outside.png",
    "linked/journal.jsonl",
    "one/previews/00000030.png", "one/secret.txt", "/etc/passwd", "//etc/passwd", "C:\\windows\\win.ini",
    "file:///etc/passwd", "..\\outside.png", "one#/../../outside.png", "one?/../../outside.png",
    "one/secret.txt\x00.png",
    "../runs2", "ONE/secret.txt", "one/secret.txt.", "one/secret.txt ", "one/" + "a" * 4096, "....//outside.png",
    "..;/outside.png", "one/./secret.txt", "~/secret", "$HOME", "one/previews/../secret.txt", "..\u2215outside.png",
    "%c0%ae%c0%ae/outside.png", "one\\secret.txt", ".", "..", "...", "/", "one//secret.txt", "\u202eone",
]  # fmt: skip
PREFIXES = ("/static/", "/api/preview/")


def _quote_all(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


ENCODINGS: list[Callable[[str], str]] = [
    lambda text: text, _quote_all, lambda text: _quote_all(_quote_all(text)), lambda text: text.replace("/", "%2f"),
    lambda text: text.replace(".", "%2e"), lambda text: text.replace("..", "..%c0%af"),
    lambda text: text.replace("/", "%5c"), lambda text: text.replace("/", "\\"),
]  # fmt: skip


def hides_files(app: Any, keys: Keys) -> list[str]:
    """Paths by which a file outside of the table can be read: 560 that are encoded, and 5,000 that are made."""
    encoded = [prefix + encode(seed) for prefix in PREFIXES for seed in SEEDS for encode in ENCODINGS]
    assert len(encoded) == 560
    draw, letters = (
        random.Random(0),
        ["..", "/", "%2e", "%2f", "\\", "%5c", "one", "secret.txt", "outside.png", "runs2"],
    )
    letters += ["previews", "00000030.png", "%00", ".", "//", "%252e", "?", "#", *string.ascii_lowercase[:6]]
    made = [draw.choice(PREFIXES) + "".join(draw.choices(letters, k=draw.randint(1, 9))) for _ in range(5000)]
    key = ask(app, "/api/runs", headers=with_token(keys)).json()["runs"][0]["key"]
    linked = [f"/api/preview/{key}/30", f"/api/preview/{key}/1e1", f"/api/preview/{key}/-1"]
    found = []
    for path in (*encoded, *made, *linked):
        answer = ask(app, path.encode(errors="replace"), headers=with_token(keys))
        if CANARY in answer.body or b"root:" in answer.body or answer.status >= 500:
            found.append(path)
    return found


SCRIPTS = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "javascript:alert(1)",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>", "<body onload=alert(1)>", "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.com/x.js></script>",
    "<<script>alert(1)//<</script>", "<math><mtext></mtext><script>alert(1)</script>",
    "<style>@import'//evil.com'</style>",
    "<link rel=stylesheet href=//evil.com>", "<meta http-equiv=refresh content=0;url=//evil.com>",
    "<base href=//evil.com>",
    "<form action=//evil.com><input>", "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>",
    "${alert(1)}",
    "{{constructor.constructor('alert(1)')()}}", "<template><script>alert(1)</script></template>",
    "\u2028<script>alert(1)</script>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<!--<script>alert(1)</script>-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<object data=javascript:alert(1)>", "]]><script>alert(1)</script>",
]  # fmt: skip


def escapes_names(app: Any, keys: Keys) -> list[str]:
    """Answers in which a name or a note stands so that a browser could take it for a tag."""
    listed = ask(app, "/api/runs", headers=with_token(keys))
    answers = [listed]
    for run in listed.json()["runs"]:
        answers += [
            ask(app, f"/api/{what}/{run['key']}", headers=with_token(keys)) for what in ("run", "journal", "findings")
        ]
    bad = (b"<", b">", b"&")
    return [
        answer.body.decode()[:80]
        for answer in answers
        if any(mark in answer.body for mark in bad) or answer.headers["content-type"] != "application/json"
    ]


def bounds_bodies(app: Any, keys: Keys) -> list[str]:
    """Bodies that are taken though they are too long."""
    found = []
    for path, most in (("/api/explore/00", 64 * 2**10), ("/api/upload/00/translate", 16 * 2**20)):
        for length in ((most, 404), (most + 1, 413)):
            body = b'{"seed": 1' + b" " * (length[0] - 11) + b"}"
            status = ask(app, path, method="POST", headers=with_token(keys), body=body).status
            found += [] if status == length[1] else [f"{path}: {length[0]} bytes, {status}"]
    return found


CHECKS: dict[str, Check] = {
    "token": wants_token,
    "host": wants_own_host,
    "origin": wants_own_origin,
    "headers": wants_safe_headers,
    "files": hides_files,
    "names": escapes_names,
    "bodies": bounds_bodies,
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_guard_lets_in_what_its_page_asks_for_and_nothing_else(name: str, page: Page, tmp_path: Path) -> None:
    make_hostile_runs(tmp_path / "runs")
    keys = Keys()
    assert CHECKS[name](guarded(page, keys), keys) == []


def make_hostile_runs(root: Path) -> None:
    """Runs whose names, notes, states and findings are scripts."""
    for number, script in enumerate(SCRIPTS):
        run = root / script.replace("/", "\u2215")
        run.mkdir()
        text = json_text.json_text(script).encode()
        (run / "journal.jsonl").write_bytes(b'{"step": 1, ' + text + b": 0.5}\n")
        (run / "status.json").write_bytes(b'{"state": "failed", "message": ' + text + b"}")
        (run / "findings.jsonl").write_bytes(b'{"name": ' + text + b', "what": ' + text + b"}\n")
        assert number < 30


async def serve_by_path(request: Any) -> Response:
    """What a careless server does: a file by its path."""
    place = f"{os.environ['SERVED']}/{request.path_params['rest']}"
    is_there = "\x00" not in place and os.path.isfile(place)
    return Response(Path(place).read_bytes()) if is_there else Response(status_code=404)


SABOTAGE: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "no key is asked for": ("token", lambda patch: patch.setattr(Keys, "is_token", lambda self, found: True)),
    "the token is taken out of any address": (
        "token",
        lambda patch: patch.setattr(guard.Guard, "refusal", _refusal_unless_in_address),
    ),
    "a cookie of another port is taken": (
        "token",
        lambda patch: patch.setattr(Keys, "is_session", lambda self, found: True),
    ),
    "hosts by their beginning": ("host", lambda patch: patch.setattr(guard, "own_host", _host_by_prefix)),
    "hosts by a pattern": ("host", lambda patch: patch.setattr(guard, "own_host", _host_by_pattern)),
    "a forwarded host": ("host", lambda patch: patch.setattr(guard, "own_host", _forwarded_host)),
    "origins by their beginning": (
        "origin",
        lambda patch: patch.setattr(guard, "is_own_origin", _origin_by_prefix),
    ),
    "no origin is asked for": ("origin", lambda patch: patch.setattr(guard, "is_own_origin", lambda *_, **__: True)),
    "inline scripts are allowed": (
        "headers",
        lambda patch: patch.setattr(guard, "POLICY", "default-src 'self'; script-src 'self' 'unsafe-inline'"),
    ),
    "types may be guessed": ("headers", lambda patch: patch.delitem(guard.HEADERS, "x-content-type-options")),
    "files by their path": ("files", lambda patch: patch.setattr(guard, "is_plain_path", lambda *_: True)),
    "tags stand in JSON": ("names", lambda patch: patch.setattr(json_text, "MARKS", {})),
    "bodies of any length": ("bodies", lambda patch: patch.setattr(guard.Guard, "_read_body", _read_all)),
}


async def _read_all(self: Any, scope: Any, receive: Any) -> Any:
    return None, receive


REFUSAL = guard.Guard.refusal


def _refusal_unless_in_address(self: Any, scope: Any) -> int | None:
    return None if self.keys.is_token(query_word(dict(scope), "token")) else REFUSAL(self, scope)


def _host_by_prefix(headers: Any, port: int) -> str | None:
    host = headers.only(b"host") or ""
    return host if host.startswith(("127.0.0.1", "localhost", "[::1]", "LOCALHOST")) else None


def _host_by_pattern(headers: Any, port: int) -> str | None:
    host = (headers.only(b"host") or "").lower()
    patterns = (f"127.0.0.1:{port}", f"localhost:{port}", "[[]::1]*", "10.*", "192.168.*")
    return host if any(fnmatch.fnmatch(host, pattern) for pattern in patterns) else None


def _forwarded_host(headers: Any, port: int) -> str | None:
    host = headers.only(b"x-forwarded-host") or headers.only(b"host") or ""
    return host.lower() if host.lower() in {one.lower() for one in GOOD_HOSTS} else None


def _origin_by_prefix(scope: Any, headers: Any, host: str, *, has_token: bool) -> bool:
    origins = headers.all(b"origin")
    return not origins or origins[0].startswith(f"http://{host}".encode())


@pytest.mark.parametrize("name", SABOTAGE)
def test_every_check_sees_a_guard_that_is_sabotaged(
    name: str, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, sabotage = SABOTAGE[name]
    make_hostile_runs(tmp_path / "runs")
    monkeypatch.setenv("SERVED", str(tmp_path / "runs"))
    careless = [Route(f"{prefix}{{rest:path}}", serve_by_path) for prefix in PREFIXES] if check == "files" else []
    keys = Keys()
    sabotage(monkeypatch)
    app = guarded(Page(page.index, [*careless, *page.routes], page.uploads), keys)
    assert CHECKS[check](app, keys) != []


def test_the_address_opens_the_page_once_more_and_a_ticket_once() -> None:
    keys = Keys(now=lambda: 0.0)
    app = guarded(Page("watch.html"), keys)
    for query, status in (
        (f"token={keys.token}", 200), (f"token={keys.token}", 200), (f"ticket={keys.ticket}", 200),
        (f"ticket={keys.ticket}", 401), ("token=wrong", 401), (f"token={keys.token}&token=x", 401),
    ):  # fmt: skip
        answer = ask(app, f"/?{query}")
        assert answer.status == status, query
        assert ("set-cookie" in answer.headers) == (status == 200)
        assert keys.token.encode() not in answer.body
    cookie = ask(app, f"/?token={keys.token}").headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize("index", ["watch.html", "play.html"])
def test_a_page_without_javascript_says_what_it_needs(index: str) -> None:
    keys = Keys()
    answer = ask(guarded(Page(index), keys), "/", headers=with_token(keys))
    assert b"This page needs JavaScript. Its scripts come from this server alone." in answer.body


def test_a_ticket_lasts_a_minute() -> None:
    times = iter([0.0, 61.0])
    assert not (keys := Keys(now=lambda: next(times))).use_ticket(keys.ticket)


def test_an_upload_is_bounded_by_what_comes_not_by_what_is_said() -> None:
    keys = Keys()
    app = guarded(Page("watch.html"), keys)
    sent = with_token(keys, ("content-length", "10"))
    assert ask(app, "/api/explore/00", method="POST", headers=sent, body=b"x" * 10**6).status == 413
    sent = with_token(keys, ("content-length", "9" * 30))
    assert ask(app, "/api/explore/00", method="POST", headers=sent).status == 413
