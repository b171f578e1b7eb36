"""Connections that are counted, and ended where a request does not come: what uvicorn leaves open."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from advnets.web.limits import Limits

BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedConnection(H11Protocol):
    """A connection of HTTP: one of so many, whose headers have to come within so many seconds."""

    limits = Limits()
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it where there are enough; WebSockets count as well."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.write(BUSY)
            transport.close()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read what has come; the clock runs while headers are not whole."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the connection go."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.limits.header_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bounded_connections(limits: Limits) -> type[BoundedConnection]:
    """Return the kind of connection that has these limits.

    Args:
        limits: The limits.

    Returns:
        A class, as uvicorn takes it.
    """
    return type("LimitedConnection", (BoundedConnection,), {"limits": limits})
