"""The guard of a page: what every request and every WebSocket passes, known routes and unknown ones alike."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from advnets.web.json_text import json_response
from advnets.web.keys import Keys
from advnets.web.limits import Bucket, Limits
from advnets.web.requests import (
    READS,
    Headers,
    bearer_of,
    cookie_of,
    is_own_origin,
    is_plain_path,
    own_host,
    query_word,
)

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' ws://{host}; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page may load and run: files of this server alone, and nothing that stands within the page."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
"""What every response says."""

ENTRY = b'<!doctype html><meta charset="utf-8"><title>advnets</title><script src="/static/enter.js"></script>'
"""What is served to who comes with a key: the cookie is set, and the page itself asks for / without it, so that a
strict cookie is sent wherever the address was clicked."""

REFUSALS = {
    400: "this path is none of this server's",
    401: "open the address that the command has printed, with its token",
    403: "this request comes from another page, or by another name than this machine's own",
    405: "expected GET or POST",
    408: "the request took too long",
    413: "the request is too long",
    429: "too many requests; wait a second",
}


class Guard:
    """An application of ASGI that lets through what its own page asks for, on this machine, with the token.

    Args:
        application: What is guarded.
        port: The port that the server listens on, which Host and Origin have to name.
        keys: What opens it.
        limits: How much it takes.
        uploads: As in `Page`.
    """

    def __init__(
        self,
        application: ASGIApp,
        *,
        port: int,
        keys: Keys,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        uploads: frozenset[str] = frozenset(),
    ) -> None:
        self.application, self.port, self.keys, self.limits, self.uploads = application, port, keys, limits, uploads
        self.cookie = f"advnets-{port}"
        self._requests = Bucket(limits.requests_per_second, limits.requests_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a WebSocket."""
        if scope["type"] == "http":
            await self._serve_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
        else:
            await self.application(scope, receive, send)

    def refusal(self, scope: MutableMapping[str, Any]) -> int | None:
        """Return why a request is refused, as a status of HTTP; None if it is not.

        Args:
            scope: The request, as ASGI has it.

        Returns:
            400 for a path that cannot be, 403 for another host or origin, 401 without a key, 405 for another method,
            429 for too many.
        """
        found, headers = dict(scope), Headers(scope["headers"])
        host, has_token = own_host(headers, self.port), self.keys.is_token(bearer_of(headers))
        if host is None:
            return 403
        if not is_own_origin(found, headers, host, has_token=has_token):
            return 403
        if not has_token and not self.keys.is_session(cookie_of(headers, self.cookie)):
            return 401
        if not is_plain_path(found, self.limits.path_bytes):
            return 400
        if scope["type"] == "http" and scope["method"] not in (*READS, "POST"):
            return 405
        return None if self._requests.take() else 429

    async def _serve_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = own_host(Headers(scope["headers"]), self.port) or ""
        guarded = _with_headers(_in_time(send, self.limits.send_seconds), host)
        if host and self._is_entry(scope):
            await self._entry()(scope, receive, guarded)
            return
        status = self.refusal(scope)
        if status is None:
            status, receive = await self._read_body(scope, receive)
        if status is None:
            await self.application(scope, receive, guarded)
        else:
            await json_response({"error": REFUSALS[status]}, status)(scope, receive, guarded)

    def _is_entry(self, scope: Scope) -> bool:
        """Whether a request brings a key in the address: to / alone, by a link or by hand, never by another page."""
        if scope["path"] != "/" or scope["method"] != "GET" or Headers(scope["headers"]).all(b"origin"):
            return False
        found = dict(scope)
        return self.keys.is_token(query_word(found, "token")) or self.keys.use_ticket(query_word(found, "ticket"))

    def _entry(self) -> Response:
        response = Response(ENTRY, media_type="text/html")
        response.set_cookie(self.cookie, self.keys.session, path="/", httponly=True, samesite="strict")
        return response

    async def _read_body(self, scope: Scope, receive: Receive) -> tuple[int | None, Receive]:
        """Read a body to its end, or say why it is refused: too long, or too slow."""
        is_upload = scope["path"].rpartition("/")[2] in self.uploads
        most = self.limits.upload_bytes if is_upload else self.limits.body_bytes
        lengths = Headers(scope["headers"]).all(b"content-length")
        if any(not length.isdigit() or int(length[:20]) > most for length in lengths):
            return 413, receive
        try:
            body = await asyncio.wait_for(_gather_body(receive, most), self.limits.body_seconds)
        except TimeoutError:
            return 408, receive
        return (413, receive) if body is None else (None, _replay(body, receive))

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.refusal(scope) is not None:
            await send({"type": "websocket.close", "code": 1008})
            return
        messages = Bucket(self.limits.messages_per_second, self.limits.messages_at_once)

        async def receive_some() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            content = message.get("text") or message.get("bytes") or b""
            code = 1009 if len(content) > self.limits.message_bytes else None if messages.take() else 1008
            if code is None:
                return message
            await send({"type": "websocket.close", "code": code})
            return {"type": "websocket.disconnect", "code": code}

        await self.application(scope, receive_some, _in_time(send, self.limits.send_seconds))


def _with_headers(send: Send, host: str) -> Send:
    added = {
        **HEADERS,
        "content-security-policy": POLICY.format(host=host) if host else POLICY.format(host="localhost"),
    }

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", []) if name.decode("latin-1") not in added]
            message = {
                **message,
                "headers": [*kept, *((name.encode(), value.encode()) for name, value in added.items())],
            }
        await send(message)

    return send_with_headers


def _in_time(send: Send, seconds: float) -> Send:
    """A viewer that does not read what is sent ends its own connection, and holds nobody up."""

    async def send_in_time(message: Message) -> None:
        await asyncio.wait_for(send(message), seconds)

    return send_in_time


async def _gather_body(receive: Receive, most: int) -> bytes | None:
    """The body of a request; None if it is longer than so many bytes, or its sender is gone."""
    parts, length, goes_on = [], 0, True
    while goes_on:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > most:
            return None
        goes_on = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Callable[[], Awaitable[Message]]) -> Receive:
    """What hands a body on that was read already, then what comes behind it."""
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again
