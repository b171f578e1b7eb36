"""The live page: a server on this machine alone, what guards it, and the pages that it serves.

    page = Page(index="watch.html", routes=[Route("/api/runs", list_runs)])
    serve(page, open_browser=True, show=print)      # prints http://127.0.0.1:PORT/?token=..., until Ctrl-C

Inside of the room a file imports only from those before it: static_files, json_text, limits, keys, page, requests,
guard, connections, server, watch, beside, play.
"""

from advnets.web.guard import Guard
from advnets.web.json_text import json_response, read_json_body
from advnets.web.keys import Keys
from advnets.web.limits import Limits
from advnets.web.page import Page
from advnets.web.server import Address, serve
from advnets.web.static_files import STATIC, static_table

__all__ = [
    "STATIC",
    "Address",
    "Guard",
    "Keys",
    "Limits",
    "Page",
    "json_response",
    "read_json_body",
    "serve",
    "static_table",
]
