"""What is at a path: a run, a share file, a model that ships with the package."""

from pathlib import Path

from advnets.experiment.model import Model, open_model
from advnets.experiment.run import Run
from advnets.experiment.shipped_models import shipped_model_path


def find_model(path: str | Path) -> Model:
    """The model in a share file, that of the run in a folder, or one that ships with the package, by its name."""
    found = open_source(path)
    return found.model if isinstance(found, Run) else found


def open_source(path: str | Path) -> Run | Model:
    """What is at a path: a share file's model, or a run; or a model that ships with the package, by its name."""
    path = Path(path)
    path = shipped_model_path(path) or path
    is_file = path.suffix == ".safetensors" or (path.exists() and not path.is_dir())
    return open_model(path) if is_file else Run(path)
