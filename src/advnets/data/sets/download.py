"""Downloads of published files: mirrors in turn, checksums verified, never half a file under its name.

A mirror, or whatever stands between, may send without end, far too slowly, or packed so that it unpacks without end. No
more bytes are taken than the published file has, none are unpacked on the way, and a transfer that is too slow is left.
"""

import io
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch

from advnets.errors import AdvnetsError, Damaged, Missing

TIMEOUT_SECONDS = 30
"""Longest silence of a mirror."""
PATIENCE_SECONDS = 60
"""Time that a transfer may take beside that of its bytes."""
SLOWEST = 2**14
"""Fewest bytes a second."""
CHUNK = 2**16
MOST_REDIRECTS = 5


def fetch(filename: str, sha256: str, mirrors: Sequence[str], *, size: int, folder: Path) -> Path:
    """Download a published file from the first mirror that has the published bytes.

    Args:
        filename: Name of the file, at the mirrors and in `folder`.
        sha256: Published SHA-256, 64 hex digits.
        mirrors: URLs that end in "/", tried in order.
        size: Number of bytes of the published file; no more are taken from a mirror.
        folder: Folder for the file, made where it is missing; the file appears there after its checksum was verified.

    Returns:
        The path of the file.

    Raises:
        Missing: If no mirror has the file or sends it fast enough, or `folder` cannot be written.
        Damaged: If a mirror gave other bytes, and none gave the right ones.
    """
    failures: list[str] = []
    damaged = False
    for mirror in mirrors:
        try:
            return _from_mirror(mirror + filename, sha256, size, folder)
        except Damaged as error:
            damaged = True
            failures.append(str(error))
        except Missing as error:
            failures.append(str(error))
    kind = Damaged if damaged else Missing
    raise kind(
        f"{filename} could not be downloaded ({'; '.join(failures)}). Check the network and try again, or get a "
        f"{filename} whose sha256 is {sha256} by hand and put it into {folder}. Or take "
        "data that come with advnets, by --data digits."
    )


def _from_mirror(url: str, sha256: str, size: int, folder: Path) -> Path:
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        # pooch writes to a temporary file of the same folder and moves it after the checksum.
        name = url.rsplit("/", 1)[1]
        return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=folder, downloader=_Transfer(size)))
    except AdvnetsError:
        raise
    except OSError as error:
        raise _failure(url, folder, error) from error
    except ValueError as error:
        raise _other_bytes(url, " ".join(str(error).split())) from error
    finally:
        logger.setLevel(level)


@dataclass(frozen=True)
class _Transfer:
    """A transfer of so many bytes at most, as pooch calls it."""

    size: int

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        import requests  # takes a tenth of a second, and few commands download

        with requests.Session() as session, Path(output_file).open("wb") as file:
            session.max_redirects = MOST_REDIRECTS
            session.headers["Accept-Encoding"] = "identity"  # packed for the way, it would be other bytes
            session.hooks["response"] = [_drop_body_of_redirect]
            began = time.monotonic()
            with session.get(url, stream=True, timeout=TIMEOUT_SECONDS) as response:
                response.raise_for_status()
                self._receive(url, response.raw, file, began)

    def _receive(self, url: str, stream: Any, file: io.BufferedWriter, began: float) -> None:
        from urllib3.exceptions import HTTPError  # as above

        received = 0
        try:
            while chunk := stream.read1(CHUNK, decode_content=False):
                received += len(chunk)
                if received > self.size:
                    raise _other_bytes(url, f"more than the {self.size:,} of the published file")
                expect_pace(url, received, time.monotonic() - began)
                file.write(chunk)
        except HTTPError as error:
            raise Missing(
                f"{url}: {type(error).__name__} ({error}) after {received:,} of {self.size:,} bytes"
            ) from error
        if received < self.size:
            raise Missing(f"{url}: ended after {received:,} of {self.size:,} bytes")


def expect_pace(url: str, received: int, seconds: float) -> None:
    """Check that a transfer is not too slow to be waited for.

    Args:
        url: Where it comes from, for the error.
        received: Number of bytes that were received.
        seconds: Time that it took.

    Raises:
        Missing: If it took longer than a minute and what `SLOWEST` bytes a second take.
    """
    if seconds > PATIENCE_SECONDS + received / SLOWEST:
        raise Missing(
            f"{url}: sent {received:,} bytes in {seconds:,.0f} seconds, fewer than {SLOWEST:,} a second, and was left"
        )


def _drop_body_of_redirect(response: Any, **_: Any) -> None:
    """Leave the body of a redirect unread, which requests would read to its end, into memory."""
    if response.is_redirect:
        response.raw.close()
        response.raw = io.BytesIO()


def _other_bytes(url: str, found: str) -> Damaged:
    return Damaged(f"{url}: its bytes are not the published ones ({found})")


def _failure(url: str, folder: Path, error: OSError) -> AdvnetsError:
    # The errors of requests are OSErrors without a number; one with a number comes from our own disk.
    if error.errno is not None:
        return Missing(f"{folder}: cannot be written ({error.strerror}). Free some space, or choose another folder")
    return Missing(f"{url}: {_reason(error)}")


def _reason(error: OSError) -> str:
    """Why a request failed, without the chain of objects through which requests tells it."""
    inner = getattr(error.args[0], "reason", None) if error.args else None
    return re.sub(r"^\w+\([^()]*\): ", "", str(inner or error)) or type(error).__name__
