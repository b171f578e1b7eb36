"""What lies at a path: a run, a share file, a model that ships with the package."""

import difflib
from dataclasses import replace
from functools import partial
from pathlib import Path

from advnets import runs
from advnets.errors import BadInput, Missing, Unsupported
from advnets.experiment.exports import READABLE, ExportedFile, find_exporter, read_model
from advnets.experiment.model import Model
from advnets.experiment.run import Run
from advnets.experiment.run_model import export_model
from advnets.games import CycleGame, Game

SHIPPED = {path.stem: path for path in sorted((Path(__file__).parent.parent / "models").glob("*.safetensors"))}
"""Share files that come with the package, by the name of the recipe that trained them."""


def open_model(path: str | Path) -> Model:
    """Open the model in a file that `advnets export` wrote, or one that ships, by its name ("paper-mnist").

    Of a share file, it draws the very samples of the run that it was exported from (in half: nearly). Nothing in the
    file is executed: its architecture is a row of NETWORKS with numbers, whose size is known before anything is
    allocated. An ONNX file is run by onnxruntime; its samples differ from the run's by rounding, and it has no
    gradients.

    Args:
        path: The file, or the name.

    Returns:
        The model.

    Raises:
        Missing: If there is neither.
        Unsupported: For a run directory, or a file of another kind.
        TooBig: If it is over the limits.
        Damaged: If its bytes are not those once written.
        NonFinite: If it holds a NaN or an Inf.
        BadInput: If its card cannot be.
    """
    shipped = shipped_model_path(Path(path))
    if shipped is not None:
        return replace(read_model(shipped), source=str(path))
    path = Path(path)
    if (path / "recipe.json").is_file():
        raise Unsupported(
            f"{path} is a run directory, expected a share file, as `advnets export` writes it. Open the run: "
            f"advnets.Run({str(path)!r}), whose .model is its model."
        )
    return read_model(path)


def find_model(
    path: str | Path,
    *,
    last: bool = False,
    way: str | None = None,
    game: Game | CycleGame | None = None,
    checkpoint: int | str | None = None,
) -> Model:
    """Return the model in a share file, that of the run in a folder, or one that ships with the package.

    Args:
        path: The file, the folder, or the name of one that ships.
        last: Whether it has the last weights of a run, in place of their moving average.
        way: "there" or "back" of a cycle; None for "there", and for a generator of another game.
        game: The game of a run of networks of one's own.
        checkpoint: As in `open_source`.

    Returns:
        The model.

    Raises:
        BadInput: As `open_model` and `Run.model` do, for the last weights of a share file, and for a way that is not
            there.
    """
    found = open_source(path, game, checkpoint)
    if isinstance(found, Run):
        return found.model_of(way, last=last)
    _expect_way_of_file(found, way)
    if last:
        raise BadInput(
            f"{path} is an exported file, which holds the average of the weights alone; expected a run, whose "
            "checkpoint holds the last ones too. Leave --last out, or name the run."
        )
    return found


def _expect_way_of_file(found: Model, way: str | None) -> None:
    """Expect that a model of a file goes the way that is asked for. Raises BadInput if it goes another, or none."""
    if way not in (None, found.card.way):
        held = f"the way {found.card.way}" if found.card.way else "a generator that has no ways"
        told = "Name the run, which holds both ways of a cycle."
        raise BadInput(f"{found.name}: found {held}, expected the way {way}. {told}")


def open_source(
    path: str | Path, game: Game | CycleGame | None = None, checkpoint: int | str | None = None
) -> Run | Model:
    """Return what lies at a path: the model of a share file or one that ships, or a run.

    Args:
        path: The file, the folder, or the name of a model that ships.
        game: The game of a run of networks of one's own.
        checkpoint: Which checkpoint of a run is looked at: its step, or "best"; None for the newest good one.

    Returns:
        The run or the model.

    Raises:
        Missing: If there is nothing at the path.
        BadInput: As `open_model` does, and for a game or a checkpoint beside a file, which has its networks.
    """
    path = Path(path)
    held = shipped_model_path(path) or path
    is_file = held.suffix in READABLE or (held.exists() and not held.is_dir())
    if is_file and game is not None:
        raise BadInput(f"{path} is a file, which has its own network; --game is for runs. Leave it out.")
    if is_file and checkpoint is not None:
        raise BadInput(f"{path} is a file, which holds one model; --checkpoint is for runs. Leave it out.")
    if not is_file and not path.exists():
        runs.open_run(
            path, f"a run directory, a file that `advnets export` wrote, or a model that ships ({', '.join(SHIPPED)})"
        )
    return open_model(path) if is_file else Run(path, game, checkpoint=checkpoint)


def shipped_model_path(path: Path) -> Path | None:
    """Return the share file that comes with the package under a name, unless there is something else at the path.

    Args:
        path: The name, or any path.

    Returns:
        The file; None where the path is something of its own.

    Raises:
        Missing: With the nearest name, where nothing is at the path and a name is nearly that.
    """
    if path.exists() or str(path) in SHIPPED:
        return None if path.exists() else SHIPPED[str(path)]
    near = difflib.get_close_matches(str(path), SHIPPED, n=1, cutoff=0.8)
    if near and path.parent == Path("."):
        raise Missing(f"{path} is not there. Did you mean {near[0]}, a model that ships with advnets?")
    return None


def export_generator(
    source: str | Path | Run | Model,
    out: str | Path,
    *,
    half: bool = False,
    licence: str = "",
    notes: str = "",
    way: str | None = None,
) -> ExportedFile:
    """Write a generator as a file of the kind that its ending says; nothing is overwritten.

    Args:
        source: A run or a model; or the path of a run or of a file of one, or the name of a model that ships.
        out: The file; its ending is one of EXPORTERS.
        half: Whether its numbers are written in half precision, of half the size; a pixel may then differ by a level or
            two.
        licence: Your words, on its card; those on the card of a file stay where there are none.
        notes: Your words, likewise.
        way: Which generator of a cycle's run, "there" or "back"; None for "there", and for all else.

    Returns:
        What was written.

    Raises:
        Missing: If there is no such source.
        Unsupported: For another ending, and for what such a file cannot hold.
        BadInput: If the file is there, and for a way that is not.
    """
    found = open_source(source) if isinstance(source, str | Path) else source
    path = Path(out)
    if isinstance(found, Run):
        load = partial(found.model_of, way)
        return export_model(found, load, path, way=way, half=half, licence=licence, notes=notes)
    _expect_way_of_file(found, way)
    exporter = find_exporter(path)
    runs.expect_new(path)
    told = found.card
    card = replace(told, half=half or told.half, licence=licence or told.licence, notes=notes or told.notes)
    return ExportedFile(path, found.step, exporter.write(path, replace(found, card=card)), exporter.use)
