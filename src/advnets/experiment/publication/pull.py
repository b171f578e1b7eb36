"""Pulling a model from a hub: the share file and its card alone, pinned by commit and SHA-256, checked before named."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from advnets import runs
from advnets.disk import Folder
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig
from advnets.experiment.exports.share_file import read_share_file
from advnets.experiment.publication.hub_lock import LOCK, HubAddress, HubLock, Pin, parse_address, read_lock
from advnets.experiment.publication.model_card import CARD, SHARE_FILE
from advnets.experiment.publication.transfer import Hub, expect_digest, open_hub, parse_digest
from advnets.runs.card_checks import MOST_NUMBERS
from advnets.runs.share import LARGEST_HEADER
from advnets.runs.strict_json import parse_strict_json

LARGEST_FILE = 8 + LARGEST_HEADER + 4 * MOST_NUMBERS
LARGEST_CARD = 2**20
LARGEST_ANSWER = 2**22
"""Bytes of what a hub tells of a revision."""


@dataclass(frozen=True)
class HubFile:
    """What a hub says of a file before it sends it.

    Attributes:
        sha256: SHA-256 of its bytes; None of files that are not in large file storage.
        bytes: How many they are.
    """

    sha256: str | None
    bytes: int


def pull(model: str | Path, out: str | Path, *, sha256: str | None = None) -> HubLock:
    """Fetch a share file and its card from a hub into a new folder, beside a lock that pins their bytes.

    Nothing else of the repository is fetched: no pickle, no code, whatever is there. The share file gets its name once
    its size and SHA-256 are those that the hub, the lock and you have named, and every check of `open_model` is passed.

    Args:
        model: user/name, user/name@revision, or a hub-lock.json of a former pull, by which the very same bytes are
            fetched.
        out: The folder, which is not there yet, or is empty.
        sha256: SHA-256 that the share file must have, if you know it.

    Returns:
        The lock.

    Raises:
        Missing: If there is no such model, it is not given to you, or the hub cannot be reached.
        Damaged: If the hub sends other bytes than it, the lock or you have named, or they are no whole share file.
        TooBig: If it sends, or says that it has, more than a share file may have.
        Unsupported: If the file is of another kind, such as a pickle, or an answer leads elsewhere.
        BadInput: For a name that cannot be, a folder that is taken, and any other answer of the hub.
        CannotWrite: If the disk fails or is full.
    """
    address, lock = _find_address(model)
    if sha256 is not None and parse_digest(sha256.lower(), 64) is None:
        raise BadInput(f"sha256 is {sha256[:80]!r}, expected 64 hexadecimal digits")
    runs.expect_new_folder(Path(out), "--out")
    hub = open_hub()
    address, files = read_info(hub, address)
    asked = {"the hub": files[SHARE_FILE].sha256, "the lock": lock.digest_of(SHARE_FILE) if lock else None}
    asked["--sha256"] = None if sha256 is None else sha256.lower()
    if not any(asked.values()):
        raise BadInput(
            f"{address}: the hub names no SHA-256 of {SHARE_FILE}, expected one, as of all large files. Give --sha256."
        )
    pulled: dict[str, Pin] = {}
    fill = partial(_fill_folder, hub, address, files, {SHARE_FILE: asked, CARD: _card_pins(lock)}, pulled)
    runs.write_new_folder(Path(out), fill)
    return HubLock(address.repository, address.revision, pulled)


def _find_address(model: str | Path) -> tuple[HubAddress, HubLock | None]:
    if str(model).endswith(".json"):
        lock = read_lock(Path(model))
        return HubAddress(lock.repository, lock.commit), lock
    return parse_address(str(model)), None


def _card_pins(lock: HubLock | None) -> dict[str, str | None]:
    return {"the lock": None if lock is None else lock.digest_of(CARD)}


def read_info(hub: Hub, address: HubAddress) -> tuple[HubAddress, dict[str, HubFile]]:
    """Return the commit that a revision is, and what the hub says of the two files that are fetched of it.

    Args:
        hub: The hub.
        address: The revision.

    Returns:
        The address of the commit, and the files by name; the share file is among them.

    Raises:
        Missing: If there is no such revision, or no share file in it.
        Damaged: If the answer tells no commit or another one than was asked for, or no sizes.
        BadInput: As `Hub.read` does.
    """
    where = f"{hub.endpoint}{address.info_path}"
    try:
        told = parse_strict_json(hub.read(address.info_path, LARGEST_ANSWER).decode(), where)
    except UnicodeDecodeError as error:
        raise Damaged(f"{where}: the hub's answer is not UTF-8. Check HF_ENDPOINT.") from error
    commit = parse_digest(told.get("sha"), 40)
    if commit is None:
        raise Damaged(f"{where}: the hub names no commit, expected 40 hexadecimal digits. Check HF_ENDPOINT.")
    if re.fullmatch("[0-9a-f]{40}", address.revision) and commit != address.revision:
        raise Damaged(f"{where}: the hub answers with commit {commit}, expected {address.revision}. Check HF_ENDPOINT.")
    siblings = told.get("siblings")
    listed = [one for one in siblings if isinstance(one, dict)] if isinstance(siblings, list) else []
    files = {name: _parse_file(one, where) for one in listed if (name := one.get("rfilename")) in (SHARE_FILE, CARD)}
    if SHARE_FILE not in files:
        raise Missing(
            f"{address}: there is no {SHARE_FILE}, expected a model that `advnets push` put there. Nothing else is "
            "fetched, for other kinds of files may hold code."
        )
    return HubAddress(address.repository, commit), files


def _parse_file(told: Mapping[str, Any], where: str) -> HubFile:
    lfs = told.get("lfs")
    stored = lfs if isinstance(lfs, Mapping) else told
    size = stored.get("size", told.get("size"))
    if type(size) is not int or size < 0:
        raise Damaged(f"{where}: the hub names no size of {told.get('rfilename')}, expected one. Check HF_ENDPOINT.")
    return HubFile(parse_digest(stored.get("sha256"), 64), size)


def _fill_folder(
    hub: Hub,
    address: HubAddress,
    files: Mapping[str, HubFile],
    pins: Mapping[str, Mapping[str, str | None]],
    pulled: dict[str, Pin],
    folder: Folder,
) -> None:
    """Fetch the files into a folder that has no name yet, and check all of it."""
    for name, most in ((SHARE_FILE, LARGEST_FILE), (CARD, LARGEST_CARD)):
        if name in files:
            pulled[name] = _fetch(hub, address, name, files[name], min(most, files[name].bytes), folder)
            expect_digest(pulled[name].sha256, pins[name], f"{address}: {name}")
    if CARD not in files and pins[CARD].get("the lock") is not None:
        raise Missing(f"{address}: {CARD} is not there, which the lock pins. Nothing was kept.")
    _expect_share_file(folder.place / SHARE_FILE, f"{address}: {SHARE_FILE}")
    folder.create(LOCK, HubLock(address.repository, address.revision, pulled).text().encode())


def _fetch(hub: Hub, address: HubAddress, name: str, file: HubFile, most: int, folder: Folder) -> Pin:
    if file.bytes > most:
        raise TooBig(f"{address}: the hub has {file.bytes:,} bytes of {name}, expected at most {most:,}")
    digest, sizes = hashlib.sha256(), list[int]()

    def receive(into: IO[bytes]) -> None:
        with hub.stream(address.file_path(name)) as answer:
            for piece in answer.pieces(most):
                digest.update(piece)
                sizes.append(into.write(piece))

    folder.create(name, receive)
    if sum(sizes) != file.bytes:
        raise Damaged(f"{address}: {name} ended after {sum(sizes):,} of {file.bytes:,} bytes. Nothing was kept.")
    return Pin(digest.hexdigest(), sum(sizes))


def _expect_share_file(path: Path, where: str) -> None:
    """Expect a share file that passes every check, before anybody can find it under its name."""
    try:
        read_share_file(path)
    except AdvnetsError as error:
        said = str(error).removeprefix(f"{path}: ")
        raise type(error)(f"{where}: {said} Nothing was kept.") from error
