"""advnets data [NAME|PATH]: what can be trained on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from advnets import data, experiment
from advnets.cli.arguments import parse, print_result, split_words
from advnets.errors import BadInput
from advnets.experiment.settings import ImageFlags

ABOUT = """List the data sets, or describe one: advnets data [NAME|PATH].

PATH is a folder or .zip of images, an .npz file, or TFD_48x48.mat[:FOLD]. Told are counts, sizes, channels, classes,
duplicates, images that cannot be read, and what training a recipe on it would take."""
KINDS = ("FOLDER", "FILE.zip", "FILE.npz", "TFD_48x48.mat[:FOLD]")
MOST_NAMES = 20
RECIPE = "paper-adam"
PICTURED = 64


@dataclass(frozen=True)
class DataFlags(ImageFlags):
    """Where to look, how image files are read, and what to print."""

    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    picture: Path | None = None
    """FILE.png for a picture of 64 training images; nothing is overwritten."""
    recipe: str | None = None
    """The recipe whose cost is told, by name or recipe.json; default paper-adam."""
    json: bool = False
    """Print JSON."""

    def settings(self, name: str) -> experiment.Settings:
        """What a training on that data set would be asked."""
        how = {spec.name: getattr(self, spec.name) for spec in fields(ImageFlags)}
        return experiment.Settings(data=name, data_dir=self.data_dir, **how)


def main(argv: Sequence[str]) -> int:
    """List or describe."""
    names, flags = split_words(argv)
    asked = parse(DataFlags, flags, verb="data [NAME|PATH]", about=ABOUT)
    if len(names) > 1:
        raise BadInput(f"found {' '.join(names)!r}; expected one data set, or none")
    if not names:
        if asked != DataFlags(json=asked.json):
            raise BadInput("flags are given and no data set; expected: advnets data NAME|PATH")
        print_result(list(data.DATASETS), as_json=asked.json, text="\n".join([*data.DATASETS, *KINDS]))
        return 0
    told = describe(names[0], asked)
    print_result(told, as_json=asked.json, text=text(told))
    return 0


def describe(name: str, asked: DataFlags) -> dict[str, Any]:
    """What is told of one data set, as JSON values; the picture is drawn on the way."""
    recipe, settings = experiment.find_recipe(asked.recipe or RECIPE), asked.settings(name)
    if asked.picture is not None and (asked.picture.suffix.lower() != ".png" or asked.picture.exists()):
        raise BadInput(f"--picture {asked.picture}: expected the name of a .png file that is not there yet")
    dataset = settings.dataset()
    told = data.describe(dataset)
    if asked.picture is not None:
        experiment.Samples.first(dataset.train, PICTURED).save(asked.picture)
        told["picture"] = str(asked.picture)
    try:
        told["cost"] = experiment.dry_run(recipe, settings=settings, dataset=dataset).as_dict()
    except BadInput as error:
        # A recipe that was not asked for may not fit the data, which are described all the same.
        if asked.recipe is not None:
            raise
        told["cost"] = f"{recipe.name} cannot be trained on it: {error}"
    return told


def text(told: dict[str, Any]) -> str:
    """The description in lines; long lists are cut, and say so."""
    return "\n".join(f"{key:<18} {_value(key, value)}" for key, value in told.items())


def _value(key: str, value: Any) -> str:
    if key in ("unreadable", "sizes", "notes") and value:
        lines = list(value) if key == "notes" else [f"{name}: {what}" for name, what in value.items()]
        more = [f"and {len(lines) - MOST_NAMES:,} more (--json tells all)"] if len(lines) > MOST_NAMES else []
        return f"\n{'':<19}".join([*lines[:MOST_NAMES], *more])
    if key == "cost" and isinstance(value, dict):
        return (
            f"{value['recipe']}, batch {value['batch_size']}: {value['milliseconds_per_step']:.1f} ms a step on "
            f"{value['device']}; {value['steps']:,} steps in {value['minutes']:.1f} minutes; "
            f"{value['mebibytes'] or 0:,.0f} MiB at the peak"
        )
    return str(value)
