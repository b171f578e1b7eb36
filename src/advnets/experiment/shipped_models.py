"""Models that come with the package: share files, by the name of the recipe that trained them."""

import difflib
from pathlib import Path

from advnets.errors import Missing

SHIPPED = {path.stem: path for path in sorted((Path(__file__).parent.parent / "models").glob("*.safetensors"))}


def shipped_model_path(path: Path) -> Path | None:
    """The share file that comes with the package under that name, unless there is something else at the path.

    Raises Missing, with the nearest name, where nothing is at the path and a name is nearly that.
    """
    if path.exists() or str(path) in SHIPPED:
        return None if path.exists() else SHIPPED[str(path)]
    near = difflib.get_close_matches(str(path), SHIPPED, n=1, cutoff=0.8)
    if near and path.parent == Path("."):
        raise Missing(f"{path} is not there. Did you mean {near[0]}, a model that ships with advnets?")
    return None
