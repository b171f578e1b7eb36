"""Models that come with the package: share files, by the name of the recipe that trained them."""

from pathlib import Path

SHIPPED = {path.stem: path for path in sorted((Path(__file__).parent.parent / "models").glob("*.safetensors"))}


def shipped(path: Path) -> Path | None:
    """The share file that comes with the package under that name, unless there is something else at the path."""
    return None if path.exists() else SHIPPED.get(str(path))
