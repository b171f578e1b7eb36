"""Pushing a model to a hub: the share file, its card and the picture, and nothing else, in one commit."""

import contextlib
import hashlib
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from advnets.errors import BadInput, Damaged, Missing
from advnets.experiment.exports.share_file import read_share_file
from advnets.experiment.opening import open_source, shipped_model_path
from advnets.experiment.publication.card_subject import CardSubject, open_subject
from advnets.experiment.publication.hub_lock import HubAddress, HubLock, Pin, parse_address
from advnets.experiment.publication.model_card import CARD, PICTURE, SHARE_FILE, draw_picture, format_card
from advnets.experiment.publication.pull import LARGEST_ANSWER, read_info
from advnets.experiment.publication.transfer import Hub, expect_digest, http_errors, open_hub, parse_digest
from advnets.experiment.run import Run


def push(
    source: str | Path | Run,
    repository: str,
    *,
    public: bool = False,
    half: bool = False,
    licence: str = "",
    notes: str = "",
) -> HubLock:
    """Put a generator on a hub: its share file, its model card and a picture of samples, as one commit.

    Args:
        source: A run or its folder, a share file, or the name of one that ships.
        repository: Where it goes, as user/name. It is made where it is missing.
        public: Whether everybody sees a repository that is made; one that is there stays as it is.
        half: Of a run, whether numbers are stored in half precision.
        licence: Of a run, the licence under which others may use the generator.
        notes: Of a run, what else they should know.

    Returns:
        The commit, and the bytes that the hub says it has now.

    Raises:
        BadInput: For a name that cannot be, without a token, for words or `half` beside a share file, and as
            `Run.export` does.
        Missing: If the hub takes no such token or cannot be reached, or there is nothing to push.
        Damaged: If the hub holds other bytes than were pushed.
        Unsupported: If huggingface_hub is not installed, or for a run on networks of your own.
    """
    address = parse_address(repository)
    if address.revision != "main":
        raise BadInput(f"found {repository!r}, expected user/name; a push makes the next commit of the branch main")
    hub = open_hub()
    if hub.token is None:
        raise BadInput("found no token for the hub. Log in by `hf auth login`, or set HF_TOKEN.")
    hub.read("/api/whoami-v2", LARGEST_ANSWER)  # before what takes long
    with tempfile.TemporaryDirectory(prefix="advnets-push-") as folder:
        subject, file = _prepare(source, Path(folder), half=half, licence=licence, notes=notes)
        small = {CARD: format_card(subject, address.repository).encode(), PICTURE: draw_picture(subject)}
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            opened.seek(0)
            files = {SHARE_FILE: opened, **{name: content for name, content in small.items() if content is not None}}
            commit = _commit(
                hub, address, files, public=public, what=f"{subject.model.name}, step {subject.model.step}"
            )
    return _expect_held(hub, HubAddress(address.repository, commit), digest)


def _prepare(
    source: str | Path | Run, folder: Path, *, half: bool, licence: str, notes: str
) -> tuple[CardSubject, Path]:
    """The subject of the card, and the share file, which is read back as others will read it."""
    found = open_source(source) if isinstance(source, str | Path) else source
    if not isinstance(found, Run):
        if half:
            raise BadInput(f"{source}: found --half beside a share file, which is pushed as it is. Leave it out.")
        path = Path(str(source))
        if path.suffix not in ("", ".safetensors"):
            raise BadInput(f"{source}: found a {path.suffix} file; expected a run or a share file, FILE.safetensors.")
        return open_subject(found, licence=licence, notes=notes), shipped_model_path(path) or path
    path = found.export(folder / SHARE_FILE, half, licence=licence, notes=notes)
    subject = open_subject(found, licence=licence, notes=notes)
    return replace(subject, model=replace(read_share_file(path), name=found.path.name)), path


def _commit(hub: Hub, address: HubAddress, files: Mapping[str, Any], *, public: bool, what: str) -> str:
    """Make the repository where it is missing, and commit the files; returns the commit."""
    from huggingface_hub import CommitOperationAdd, HfApi  # an extra

    api = HfApi(endpoint=hub.endpoint, token=hub.token, library_name="advnets")
    with _hub_errors(hub, address), _fewer_words():
        api.create_repo(address.repository, private=not public, exist_ok=True)
        added = [CommitOperationAdd(name, content) for name, content in files.items()]
        made = api.create_commit(address.repository, added, commit_message=f"Push {what}"[:200])
    commit = parse_digest(made.oid, 40)
    if commit is None:
        raise Damaged(f"{address}: the hub names no commit, expected 40 hexadecimal digits. Look at the repository.")
    return commit


@contextlib.contextmanager
def _hub_errors(hub: Hub, address: HubAddress) -> Iterator[None]:
    """Within, whatever an answer makes the hub's library raise becomes one line, in which no token stands."""
    answers: tuple[type[Exception], ...] = (*http_errors(), RuntimeError, ValueError, LookupError)
    answers = (*answers, TypeError, AttributeError)  # an answer of another form
    try:
        yield
    except answers as error:
        said = next((line for line in str(error).splitlines() if line.strip()), "")
        cause = f" {error.__cause__}" if isinstance(error, RuntimeError) and error.__cause__ is not None else ""
        raise Missing(
            f"{hub.endpoint}/{address.repository}: nothing was pushed ({type(error).__name__}: "
            f"{hub.redact(said + cause)[:300]}). Check the name, and that your token may write there."
        ) from None


@contextlib.contextmanager
def _fewer_words() -> Iterator[None]:
    """Without the library's words to programmers, and without its bars where nobody watches.

    One of them is that an open file goes by HTTP: that way is taken on purpose, as each hub knows it.
    """
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    logger, bars = logging.getLogger("huggingface_hub"), not are_progress_bars_disabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    if bars and not sys.stderr.isatty():
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
        if bars:
            enable_progress_bars()


def _expect_held(hub: Hub, address: HubAddress, digest: str) -> HubLock:
    """Expect that the commit holds what was pushed."""
    _, files = read_info(hub, address)
    expect_digest(files[SHARE_FILE].sha256 or "none", {"this machine": digest}, f"{address}: {SHARE_FILE} on the hub")
    pins = {name: Pin(file.sha256, file.bytes) for name, file in files.items() if file.sha256 is not None}
    return HubLock(address.repository, address.revision, pins)
