"""JSON files that hold the SHA-256 of their own content, so that no bit of them changes unnoticed.

    {"a": 1, "b": [2, 3], "sha256": "..."}

The digest is that of all other members, and the file has one form only: what is read must be, letter for letter, what
would be written. So a person may read the file, and whoever edits it is told.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advnets.disk import Folder
from advnets.errors import Damaged
from advnets.runs.files import parse_json, read_content, write_bytes

SEAL = "sha256"
"""The member that holds the digest."""


def sealed_text(value: Mapping[str, Any]) -> str:
    """Return an object as the text of a sealed file.

    Args:
        value: The object; a digest in it is left out.

    Returns:
        The text, with the object's digest in it.
    """
    # As it will be read: keys are texts, which sort otherwise than whole numbers.
    plain = json.loads(json.dumps(value))
    bare = {name: item for name, item in plain.items() if name != SEAL}
    digest = hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()
    return json.dumps({**bare, SEAL: digest}, indent=2, sort_keys=True) + "\n"


def write_sealed(path: Path, value: Mapping[str, Any], held: Folder | None = None) -> None:
    """Write an object with its digest, whole or not at all.

    Args:
        path: The file.
        value: The object.
        held: As in `open_folder`.

    Raises:
        CannotWrite: If the disk fails or is full.
    """
    write_bytes(path, sealed_text(value).encode(), held)


def read_sealed(path: Path, advice: str, held: Folder | None = None) -> dict[str, Any]:
    """Return the object of a sealed file.

    Args:
        path: The file.
        advice: What to do where it has changed, for the error.
        held: As in `open_folder`.

    Returns:
        The object, without its digest.

    Raises:
        Missing: If there is no such file.
        Damaged: If the file is not, letter for letter, what was written.
        BadInput: If it cannot be read.
    """
    content = read_content(path, held)
    value = parse_json(content, path)
    expect_seal(path, content, value, advice)
    return {name: item for name, item in value.items() if name != SEAL}


def expect_seal(path: Path, content: bytes, value: Mapping[str, Any], advice: str) -> None:
    """Expect an object's digest in it, and the one form that a sealed file has.

    Args:
        path: The file, for the error.
        content: Its bytes.
        value: The object that they hold.
        advice: What to do where it has changed, for the error.

    Raises:
        Damaged: If the file is not, letter for letter, what was written.
    """
    try:
        expected = sealed_text(value)
    except RecursionError as error:
        raise Damaged(f"{path} is nested too deep, expected what was written. {advice}") from error
    # A shell that redirects what is printed may end its lines, or encode its letters, in its own way.
    if content.decode(json.detect_encoding(content), "surrogatepass").replace("\r\n", "\n") == expected:
        return
    if SEAL not in value:
        raise Damaged(f"{path} holds no {SEAL!r}, expected the SHA-256 of the rest. {advice}")
    found, wanted = str(value[SEAL]), json.loads(expected)[SEAL]
    what = "is in another form" if found == wanted else f"has the SHA-256 {wanted[:12]}, expected {found[:12]}"
    raise Damaged(f"{path} {what}: it is not as it was written, damaged or edited. {advice}")
