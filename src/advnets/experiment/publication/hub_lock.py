"""What names a model on a hub: a repository with a revision, or a lock, which pins the very bytes."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from advnets import runs
from advnets.errors import BadInput, Damaged
from advnets.experiment.publication.transfer import parse_digest
from advnets.records import parse_record

LOCK = "hub-lock.json"
"""How the lock is called, beside the files that it pins."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
LONGEST_REVISION = 200
SCHEMA = 1


@dataclass(frozen=True)
class Pin:
    """The bytes of one file.

    Attributes:
        sha256: Their SHA-256.
        bytes: How many they are.
    """

    sha256: str
    bytes: int


@dataclass(frozen=True)
class HubLock:
    """What was pulled: a later pull by it gives the very same bytes, or an error.

    Attributes:
        repository: user/name.
        commit: The commit, 40 hexadecimal digits.
        files: The files, by name.
        schema: Version of the form of this record.
    """

    repository: str
    commit: str
    files: Mapping[str, Pin]
    schema: int = SCHEMA

    def text(self) -> str:
        """Return the lock as the text of its file.

        Returns:
            A JSON object, which ends with a line break.
        """
        return runs.json_bytes(asdict(self)).decode()

    def digest_of(self, name: str) -> str | None:
        """Return the SHA-256 of a file; None if the lock has no such file.

        Args:
            name: Name of the file in the repository.

        Returns:
            The digest, 64 hexadecimal digits, or None.
        """
        return self.files[name].sha256 if name in self.files else None


@dataclass(frozen=True)
class HubAddress:
    """Which revision of which repository is asked for.

    Attributes:
        repository: user/name.
        revision: A branch, a tag or a commit.
    """

    repository: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision}"

    @property
    def info_path(self) -> str:
        """Path of what the hub tells of the revision and its files."""
        return f"/api/models/{self.repository}/revision/{quote(self.revision, safe='')}?blobs=true"

    def file_path(self, name: str) -> str:
        """Return the path of a file of the revision."""
        return f"/{self.repository}/resolve/{quote(self.revision, safe='')}/{name}"


def parse_address(text: str) -> HubAddress:
    """Return what a text names on a hub.

    Args:
        text: user/name, or user/name@revision.

    Returns:
        The address.

    Raises:
        BadInput: If it names nothing that can be there.

    Example:
        >>> parse_address("ada/digits@v1")
        HubAddress(repository='ada/digits', revision='v1')
    """
    repository, at, revision = text.partition("@")
    fits = NAME.fullmatch(repository) and not re.search(r"\.\.|--|[.-](/|$)|\.git$", repository)
    if not fits or (at and not 0 < len(revision) <= LONGEST_REVISION):
        raise BadInput(f"found {text[:120]!r}, expected a model on a hub as user/name or user/name@revision")
    return HubAddress(repository, revision if at else "main")


def read_lock(path: Path) -> HubLock:
    """Return the lock in a file that `advnets pull` wrote.

    Args:
        path: The file.

    Returns:
        The lock.

    Raises:
        Missing: If there is no such file.
        BadInput: If it is no lock.
        Damaged: If it is not JSON.
    """
    lock = _parse_lock(runs.read_json(path), str(path))
    pins_are_whole = all(parse_digest(pin.sha256, 64) and pin.bytes >= 0 for pin in lock.files.values())
    if lock.schema != SCHEMA or parse_digest(lock.commit, 40) is None or not pins_are_whole or not lock.files:
        raise Damaged(f"{path}: expected a lock that `advnets pull` wrote, with a commit and a SHA-256 for each file")
    parse_address(lock.repository)
    return lock


def _parse_lock(value: Mapping[str, Any], where: str) -> HubLock:
    try:
        return parse_record(HubLock, value, what=where)
    except BadInput as error:
        raise BadInput(f"{error}. Expected a {LOCK} that `advnets pull` wrote.") from error
