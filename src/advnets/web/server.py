"""A server on this machine alone, until a signal ends it."""

import errno
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from advnets.errors import BadInput
from advnets.web.connections import bounded_connections
from advnets.web.guard import Guard
from advnets.web.keys import Keys
from advnets.web.limits import Limits
from advnets.web.page import Page

LOOPBACK = "127.0.0.1"
TICK_SECONDS = 0.2
"""How often it is asked whether the server shall end."""
END_SECONDS = 3
"""How long open connections are waited for at the end."""


@dataclass(frozen=True)
class Address:
    """Where a page is: http://127.0.0.1:PORT/?token=TOKEN#STATE.

    Attributes:
        port: The port.
        key: The word of the address that opens it, such as "token=...".
        state: What the page begins with, as it writes it behind the #.
    """

    port: int
    key: str
    state: str = ""

    def __str__(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/?{self.key}{f'#{self.state}' if self.state else ''}"


def serve(
    page: Page,
    *,
    port: int = 0,
    open_browser: bool = False,
    show: Callable[[str], object] = print,
    until: Callable[[], bool] = lambda: False,
    state: str = "",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> None:
    """Serve a page until a signal ends the program, or `until` says so; whoever hears the signal decides how it ends.

    Args:
        page: The page.
        port: The port; 0 for any that is free.
        open_browser: Whether a browser is opened.
        show: Called once with the address, when the page can be opened.
        until: Asked several times a second whether the server shall end.
        state: What the page begins with, as it writes it behind the # of its address.
        limits: How much it takes of its viewers.

    Raises:
        BadInput: If the port is taken.
        KeyboardInterrupt: At Ctrl-C, once the server has ended.
    """
    keys = Keys()
    with _listen(port) as listener:
        port = listener.getsockname()[1]
        guard = Guard(page.application(), port=port, keys=keys, limits=limits, uploads=page.uploads)
        server = uvicorn.Server(_configure(guard, limits))
        thread = threading.Thread(target=server.run, args=([listener],), name="server", daemon=True)
        thread.start()
        try:
            show(str(Address(port, f"token={keys.token}", state)))
            if open_browser:
                address = str(Address(port, f"ticket={keys.ticket}", state))
                threading.Thread(target=webbrowser.open, args=(address,), name="browser", daemon=True).start()
            while thread.is_alive() and not until():
                time.sleep(TICK_SECONDS)  # no join, which takes a thread for ended once a signal has interrupted it
        finally:
            server.should_exit = True
            thread.join(2 * END_SECONDS)
            page.close()


def _listen(port: int) -> socket.socket:
    """A socket that this machine alone reaches."""
    try:
        return socket.create_server((LOOPBACK, port), backlog=128)
    except OverflowError as error:
        raise BadInput(f"--port {port}: expected a number from 0 to 65535") from error
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise BadInput(f"--port {port} {reason}. Name another one, or leave it out for any that is free.") from error


def _configure(guard: Guard, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        guard,
        http=bounded_connections(limits),
        ws="websockets-sansio",
        ws_max_size=limits.message_bytes,
        ws_max_queue=8,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=limits.header_bytes,
        timeout_graceful_shutdown=END_SECONDS,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="critical",
    )
