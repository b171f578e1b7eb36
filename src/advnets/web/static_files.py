"""The files of the pages: a closed table that is read at the start, so that no path of a request reaches the disk."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""The folder of the pages' own modules, style sheets and vendored libraries."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served, by its ending; licences and notes beside the files are not."""


def static_table() -> dict[str, tuple[bytes, str]]:
    """Return what is served of the static folder.

    Returns:
        {path of the address: bytes and media type}, such as "/static/theme.css".
    """
    files = sorted(path for path in STATIC.rglob("*") if path.is_file() and path.suffix in TYPES)
    return {f"/static/{path.relative_to(STATIC).as_posix()}": (_content(path), TYPES[path.suffix]) for path in files}


def _content(path: Path) -> bytes:
    """The bytes of a file; preact's hooks name preact by its path, for an import map would be an inline script."""
    content = path.read_bytes()
    if path.name == "preact-hooks.js":
        return content.replace(b'from"preact"', b'from"./preact.js"')
    return content
