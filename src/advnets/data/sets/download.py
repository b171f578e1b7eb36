"""Downloads of published files: mirrors in turn, checksums verified, never half a file under its name."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pooch

from advnets.errors import AdvnetsError, Damaged, Missing

TIMEOUT_SECONDS = 30


def fetch(filename: str, sha256: str, mirrors: Sequence[str], *, folder: Path) -> Path:
    """Download a published file from the first mirror that has the published bytes.

    Args:
        filename: Name of the file, at the mirrors and in `folder`.
        sha256: Published SHA-256, 64 hex digits.
        mirrors: URLs that end in "/", tried in order.
        folder: Folder for the file, made where it is missing; the file appears there after its checksum was verified.

    Returns:
        The path of the file.

    Raises:
        Missing: If no mirror has the file, or `folder` cannot be written.
        Damaged: If a mirror gave other bytes, and none gave the right ones.
    """
    failures: list[str] = []
    damaged = False
    for mirror in mirrors:
        try:
            return _from_mirror(mirror + filename, sha256, folder)
        except Damaged as error:
            damaged = True
            failures.append(str(error))
        except Missing as error:
            failures.append(str(error))
    kind = Damaged if damaged else Missing
    raise kind(
        f"{filename}: could not be downloaded.\n  " + "\n  ".join(failures) + f"\nGet a {filename} whose sha256 is "
        f"{sha256} by hand and put it into {folder}, or check the network and try again."
    )


def _from_mirror(url: str, sha256: str, folder: Path) -> Path:
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        # pooch writes to a temporary file of the same folder and moves it after the checksum.
        downloader = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS, progressbar=False)
        name = url.rsplit("/", 1)[1]
        return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=folder, downloader=downloader))
    except OSError as error:
        raise _failure(url, folder, error) from error
    except ValueError as error:
        raise Damaged(f"{url}: its bytes are not the published ones ({' '.join(str(error).split())})") from error
    finally:
        logger.setLevel(level)


def _failure(url: str, folder: Path, error: OSError) -> AdvnetsError:
    # The errors of requests are OSErrors without a number; one with a number comes from our own disk.
    if error.errno is not None:
        return Missing(f"{folder}: cannot be written ({error.strerror}). Free some space, or choose another folder")
    return Missing(f"{url}: {type(error).__name__} ({error})")
