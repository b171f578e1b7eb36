"""What opens a page: the token in its address, a ticket that opens it once, and the cookie that stands for both."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

TICKET_SECONDS = 60.0
"""How long a browser that this program opens may take to come."""


@dataclass
class Keys:
    """The secrets of one server, 32 random bytes each, which live as long as it does.

    The token stands in the address that is printed, and opens the page again and again. The ticket stands in the
    address that a browser is opened with, where other users of the machine may read it in the list of processes: so it
    opens the page once, within a minute. The cookie holds a third one, so that neither of them stays in a browser.

    Attributes:
        token: What the printed address holds.
        session: What the cookie holds.
        ticket: What the browser is opened with.
        now: The time in seconds.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    ticket: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    now: Callable[[], float] = field(default=monotonic, repr=False)

    def __post_init__(self) -> None:
        self._made_at = self.now()
        self._is_ticket_used = False

    def is_token(self, found: str) -> bool:
        """Return whether a text is the token, in a time that does not depend on where they differ.

        Args:
            found: The text.

        Returns:
            True if it is the token.
        """
        return _is_same(found, self.token)

    def is_session(self, found: str) -> bool:
        """Return whether a text is what the cookie holds.

        Args:
            found: The text.

        Returns:
            True if it is.
        """
        return _is_same(found, self.session)

    def use_ticket(self, found: str) -> bool:
        """Return whether a text is the ticket, which it is once, within TICKET_SECONDS.

        Args:
            found: The text.

        Returns:
            True the first time that the ticket is given in time; False after that, and for another text.
        """
        if not _is_same(found, self.ticket) or self._is_ticket_used or self.now() - self._made_at > TICKET_SECONDS:
            return False
        self._is_ticket_used = True
        return True


def _is_same(found: str, secret: str) -> bool:
    return secrets.compare_digest(found.encode(errors="replace"), secret.encode())
