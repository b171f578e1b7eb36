"""A page: its static files, its routes, and what it answers where something goes wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from advnets.errors import AdvnetsError, InUse, Missing, TooBig
from advnets.web.json_text import json_response
from advnets.web.static_files import static_table

STATUSES: Mapping[type[AdvnetsError], int] = {Missing: 404, TooBig: 413, InUse: 429}
"""What HTTP calls an error; any other is a request that cannot be answered, 422."""


def _do_nothing() -> None:
    pass


@dataclass(frozen=True)
class Page:
    """What a server serves beside the static files that all pages share.

    Attributes:
        index: Name of the HTML file in the static folder that is served at /.
        routes: Its routes, of HTTP and of WebSockets. Their paths hold letters, digits and `/ _ . -` alone.
        uploads: Last words of the paths that take a large body, such as "translate".
        close: Called when the server ends.
    """

    index: str
    routes: Sequence[BaseRoute] = ()
    uploads: frozenset[str] = frozenset()
    close: Callable[[], object] = _do_nothing

    def application(self) -> Starlette:
        """Return the page as an application of ASGI, which a `Guard` has to stand before.

        Returns:
            The application: the page at /, the static files, and the routes. Its errors are answered as JSON.
        """
        table = static_table()
        shown = {"/": table[f"/static/{self.index}"], **table}
        static = [Route(path, _serve_bytes(*found), methods=["GET"]) for path, found in shown.items()]
        handlers = {AdvnetsError: _answer_error, HTTPException: _answer_status, Exception: _answer_failure}
        application = Starlette(routes=[*static, *self.routes], exception_handlers=handlers)  # type: ignore[arg-type]
        application.router.redirect_slashes = False
        return application


def _serve_bytes(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    return partial(_send_bytes, content, media_type)


async def _send_bytes(content: bytes, media_type: str, request: Request) -> Response:
    return Response(content, headers={"content-type": media_type})


async def _answer_error(request: Request, error: AdvnetsError) -> Response:
    status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 422)
    return json_response({"error": str(error)}, status)


async def _answer_status(request: Request, error: HTTPException) -> Response:
    return json_response({"error": error.detail}, error.status_code)


async def _answer_failure(request: Request, error: Exception) -> Response:
    return json_response({"error": f"the server failed at this: {type(error).__name__}"}, 500)
