"""How much one server takes of its viewers, so that no flood reaches a training or other viewers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(frozen=True)
class Limits:
    """The most that is taken of all viewers together, or of one message.

    Attributes:
        connections: Open connections; further ones are closed at once.
        header_bytes: Bytes of a request's first line and headers.
        header_seconds: Seconds for a request's headers.
        path_bytes: Bytes of a path.
        body_bytes: Bytes of a request's body.
        upload_bytes: Bytes of a body where a page takes uploads.
        body_seconds: Seconds for a body.
        requests_per_second: Requests with the token, over a time.
        requests_at_once: Such requests in a burst.
        messages_per_second: Messages of one WebSocket, over a time.
        messages_at_once: Such messages in a burst.
        message_bytes: Bytes of a WebSocket's message.
        send_seconds: Seconds that a viewer may take to read what is sent.
    """

    connections: int = 64
    header_bytes: int = 16 * 2**10
    header_seconds: float = 10.0
    path_bytes: int = 512
    body_bytes: int = 64 * 2**10
    upload_bytes: int = 16 * 2**20
    body_seconds: float = 10.0
    requests_per_second: float = 300.0
    requests_at_once: float = 600.0
    messages_per_second: float = 60.0
    messages_at_once: float = 120.0
    message_bytes: int = 64 * 2**10
    send_seconds: float = 10.0


@dataclass
class Bucket:
    """Allows so many things a second over a time, and more at once after a pause (a token bucket).

    Attributes:
        per_second: How many it allows, over a time.
        at_once: How many after a pause.
        now: The time in seconds.
    """

    per_second: float
    at_once: float
    now: Callable[[], float] = field(default=monotonic, repr=False)

    def __post_init__(self) -> None:
        self._left, self._asked_at = self.at_once, self.now()

    def take(self) -> bool:
        """Return whether one more is allowed now, and count it if so."""
        now = self.now()
        self._left = min(self.at_once, self._left + (now - self._asked_at) * self.per_second)
        self._asked_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
