"""Answers of a hub, which may lie: bounded in bytes and time, by known hosts only, and without the token elsewhere."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin, urlsplit

from advnets.data.sets.download import CHUNK, MOST_REDIRECTS, TIMEOUT_SECONDS, expect_pace
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported

USUAL_ENDPOINT = "https://huggingface.co"
STORES = ("huggingface.co", "hf.co")
"""Domains whose hosts hold the files of hubs; to others no answer leads, but to the hub itself."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Hub:
    """A hub that speaks as Hugging Face's does.

    Attributes:
        endpoint: Its address, without a slash at the end.
        token: The user's token, or None; it is sent to the endpoint alone, and never printed.
    """

    endpoint: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Hub({self.endpoint!r})"

    @contextmanager
    def stream(self, path: str) -> Iterator["Answer"]:
        """Ask for something, and follow where the answers lead.

        Args:
            path: The path, quoted, from "/" on.

        Yields:
            The answer, whose status is 200.

        Raises:
            Missing: If it is not there, is not given without another token, or the hub cannot be reached.
            Unsupported: If an answer leads to a host that is neither the hub's nor its store's.
            BadInput: For any other status.
        """
        url = f"{self.endpoint}{path}"
        for _ in range(MOST_REDIRECTS + 1):
            with self._request(url) as response:
                target = response.headers.get("location")  # h11 bounds the size of all headers
                if response.status_code // 100 != 3 or target is None:
                    _expect_success(self, path, response.status_code)
                    yield Answer(f"{self.endpoint}{path}", response, http_errors())
                    return
            url = self._expect_known(path, _join(url, target))
        raise Unsupported(f"{self.endpoint}{path}: found more than {MOST_REDIRECTS} redirects, expected an answer")

    def read(self, path: str, most: int) -> bytes:
        """Ask for something small.

        Args:
            path: As in `stream`.
            most: Most bytes that are read.

        Returns:
            Its bytes.

        Raises:
            TooBig: If there are more.
            Missing: As `stream` does, and if the answer ends early.
            BadInput: As `stream` does.
        """
        with self.stream(path) as answer:
            return b"".join(answer.pieces(most))

    def redact(self, text: str) -> str:
        """Return a text of the hub's without the token, which an answer may repeat."""
        return re.sub(re.escape(self.token), "[token]", text, flags=re.IGNORECASE) if self.token else text

    @contextmanager
    def _request(self, url: str) -> Iterator[Any]:
        from huggingface_hub import get_session  # an extra

        headers = {"user-agent": f"advnets/{version('advnets')}", "accept-encoding": "identity"}
        if self.token is not None and origin_of(url) == origin_of(self.endpoint):
            headers["authorization"] = f"Bearer {self.token}"
        began = False
        try:
            asked = get_session().stream("GET", url, headers=headers, follow_redirects=False, timeout=TIMEOUT_SECONDS)
            with asked as response:
                began = True
                yield response
        except AdvnetsError:
            raise
        except http_errors() as error:
            if began:  # it is the caller's, such as of its own disk
                raise
            raise _unreachable(url, error) from error

    def _expect_known(self, path: str, target: str) -> str:
        if not is_known_host(target, self.endpoint):
            raise Unsupported(
                f"{self.endpoint}{path}: the hub leads to {self.redact(origin_text(target))}, expected its own host or "
                f"one of {', '.join(STORES)} by https. Nothing was fetched from there; check HF_ENDPOINT."
            )
        return target


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer whose body is read in pieces.

    Attributes:
        url: What was asked for.
        response: The answer.
        errors: What its library raises where the network fails.
    """

    url: str
    response: Any
    errors: tuple[type[Exception], ...]

    def pieces(self, most: int) -> Iterator[bytes]:
        """Read the body.

        Args:
            most: Most bytes that are read.

        Yields:
            Its bytes, as they come.

        Raises:
            TooBig: If it has more, by what it says or by what it sends.
            Missing: If it ends early, or is too slow to be waited for.
        """
        said = self.response.headers.get("content-length", "")
        if said.isascii() and said.isdigit() and (len(said) > 18 or int(said) > most):
            raise TooBig(f"{self.url}: the hub says that it sends {said[:30]} bytes, expected at most {most:,}")
        received, began = 0, time.monotonic()
        for piece in self._raw_pieces():
            received += len(piece)
            if received > most:
                raise TooBig(f"{self.url}: the hub sends more than {most:,} bytes, which is most that was expected")
            expect_pace(self.url, received, time.monotonic() - began)
            yield piece
        if said.isdigit() and received < int(said):
            raise Missing(f"{self.url}: ended after {received:,} of {int(said):,} bytes. Try again.")

    def _raw_pieces(self) -> Iterator[bytes]:
        pieces = self.response.iter_raw(CHUNK)
        while True:
            try:
                piece = next(pieces, None)
            except self.errors as error:
                raise _unreachable(self.url, error) from error
            if piece is None:
                return
            yield piece


def open_hub() -> Hub:
    """Return the hub at $HF_ENDPOINT, or Hugging Face's, with the user's token ($HF_TOKEN, or that of `hf auth login`).

    Raises:
        Unsupported: If huggingface_hub is not installed.
        BadInput: If the endpoint is no address, or a token would be sent in the clear to another machine.
    """
    try:
        from huggingface_hub import get_token  # an extra
    except ImportError as error:
        raise Unsupported(
            "huggingface_hub is not installed, which reaches the hub. Install the extra: pip install 'advnets[hub]'"
        ) from error
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or USUAL_ENDPOINT
    found = urlsplit(endpoint)
    if found.scheme not in PORTS or not found.hostname or "@" in found.netloc or found.query or found.fragment:
        raise BadInput("HF_ENDPOINT is no address of a hub; expected one such as https://huggingface.co")
    token = get_token()
    if token is not None and found.scheme == "http" and found.hostname not in LOOPBACK:
        raise BadInput(
            f"HF_ENDPOINT is {origin_text(endpoint)}, to which your token would be sent unencrypted; expected https. "
            "Change HF_ENDPOINT, or unset HF_TOKEN to read without it."
        )
    return Hub(endpoint, token)


def http_errors() -> tuple[type[Exception], ...]:
    """Return what the library of huggingface_hub raises where the network fails: the root of its own error."""
    from huggingface_hub.errors import HfHubHTTPError  # an extra

    return (*HfHubHTTPError.__bases__, OSError)


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address; what is none has the scheme ""."""
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None


def origin_text(url: str) -> str:
    """Return scheme, host and port of an address as text; the rest may hold secrets, such as signatures."""
    scheme, host, port = origin_of(url)
    return f"{scheme}://{host[:100]}{'' if port == PORTS.get(scheme) else f':{port}'}" if scheme else "no address"


def is_known_host(url: str, endpoint: str) -> bool:
    """Return whether an answer may lead to an address: to the hub's own origin, or by https into its store.

    Args:
        url: The address.
        endpoint: The hub.

    Example:
        >>> is_known_host("https://cdn-lfs.hf.co/x", "https://huggingface.co")
        True
        >>> is_known_host("https://hf.co.evil.example/x", "https://huggingface.co")
        False
    """
    scheme, host, port = origin_of(url)
    if (scheme, host, port) == origin_of(endpoint):
        return True
    in_store = any(host == store or host.endswith(f".{store}") for store in STORES)
    return scheme == "https" and port == PORTS["https"] and in_store and "@" not in urlsplit(url).netloc


def _join(url: str, target: str) -> str:
    """Where an answer leads to; "" where that is no address."""
    try:
        return urljoin(url, target)
    except ValueError:
        return ""


def _expect_success(hub: Hub, path: str, status: int) -> None:
    if status == 200:
        return
    where = f"{hub.endpoint}{path}"
    if status in (401, 403):
        held = "does not take your token for this" if hub.token else "asks for a token"
        raise Missing(
            f"{where}: the hub {held} (status {status}). Check the name, which may be wrong too; log in by `hf auth "
            "login`, or set HF_TOKEN."
        )
    if status == 404:
        raise Missing(f"{where} is not there (status 404). Check the name and the revision.")
    raise BadInput(f"{where}: the hub answers with status {status}, expected 200. Try again later.")


def _unreachable(url: str, error: Exception) -> Missing:
    reason = (str(error).splitlines() or [""])[0][:200]
    return Missing(
        f"{origin_text(url)}: the hub cannot be reached, or broke off ({type(error).__name__}: {reason}). Check the "
        "network and HF_ENDPOINT, and try again."
    )


def parse_digest(text: Any, digits: int) -> str | None:
    """Return a digest that an answer holds, as lower-case hexadecimal digits; None for anything else."""
    is_hex = isinstance(text, str) and len(text) == digits and all(digit in "0123456789abcdef" for digit in text)
    return text if is_hex else None


def expect_digest(found: str, expected: Mapping[str, str | None], where: str) -> None:
    """Expect that bytes are those that were announced.

    Args:
        found: Their SHA-256.
        expected: SHA-256 by who named it; None where somebody did not.
        where: What the error calls them.

    Raises:
        Damaged: If it is another.
    """
    for who, digest in expected.items():
        if digest is not None and digest != found:
            raise Damaged(f"{where}: found sha256 {found}, expected {digest}, as {who} has it. Do not use it.")
