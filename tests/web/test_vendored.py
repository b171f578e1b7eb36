"""The vendored libraries of the live page are those that their page names, byte for byte."""

import hashlib
import re

from advnets.web import STATIC

VENDOR = STATIC / "vendor"


def listed_digests() -> dict[str, str]:
    rows = re.findall(r"^\| ([\w.-]+) \|.*\| ([0-9a-f]{64}) \|$", (VENDOR / "VENDORED.md").read_text(), re.MULTILINE)
    return dict(rows)


def test_every_vendored_file_has_the_digest_that_is_listed() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "VENDORED.md"
    }
    assert found == listed_digests()


def test_every_library_stands_beside_its_licence() -> None:
    licences = {name for name in listed_digests() if name.startswith("LICENSE")}
    rows = re.findall(
        r"^\| ([\w-]+\.(?:js|css)) \|.*, (LICENSE-\w+\.txt) \|", (VENDOR / "VENDORED.md").read_text(), re.M
    )
    assert len(rows) == 5
    assert {licence for _, licence in rows} == licences
