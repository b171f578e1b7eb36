"""advnets data [NAME|PATH]: the data sets, and the description of one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from advnets import data, experiment
from advnets.cli.flags.arguments import parse, print_result, split_words
from advnets.data import Dataset
from advnets.errors import BadInput
from advnets.experiment.machine.cost import format_disk, format_doubt, format_length
from advnets.experiment.run_data import warnings_of_data
from advnets.experiment.settings import ImageFlags, settle_direction
from advnets.recipes import Recipe
from advnets.runs import expect_new
from advnets.text import escape

ABOUT = """List the data sets, or describe one.

PATH is a folder or .zip of images, an .npz file, or TFD_48x48.mat[:FOLD]. The description has counts, sizes, channels,
classes, duplicates, images that cannot be read, and the time and memory that training takes."""
KINDS = ("FOLDER", "FILE.zip", "FILE.npz", "TFD_48x48.mat[:FOLD]")
MOST_NAMES = 20
REST = "--json prints all"
WIDTH = 18
INDENT = f"\n{'':<{WIDTH + 1}}"
PICTURED = 64
"""Images in the picture."""


@dataclass(frozen=True)
class DataFlags(ImageFlags):
    """Flags of `advnets data`."""

    data_dir: str | None = None
    """Folder that is searched first for the files of data sets."""
    picture: Path | None = None
    """Write a picture of 64 training images to FILE.png; nothing is overwritten."""
    recipe: str | None = None
    """Estimate the cost of training this recipe, a name or a recipe.json; default the one that train would choose."""
    json: bool = False
    """Print JSON."""

    def settings(self, name: str) -> experiment.Settings:
        """Return the settings of a training on a data set.

        Args:
            name: Name or path of the data set.
        """
        how = {spec.name: getattr(self, spec.name) for spec in fields(ImageFlags)}
        return experiment.Settings(data=name, data_dir=self.data_dir, **how)


def main(argv: Sequence[str]) -> int:
    """List the data sets, or describe one.

    Args:
        argv: Words and flags of the command.

    Returns:
        The exit status, 0.

    Raises:
        BadInput: If there are several names, or flags without a name.
    """
    names, words = split_words(argv)
    flags = parse(DataFlags, words, verb="data [NAME|PATH]", about=ABOUT)
    if len(names) > 1:
        raise BadInput(f"found {' '.join(names)!r}, expected one data set, or none. Describe one at a time.")
    if not names:
        if flags != DataFlags(json=flags.json):
            raise BadInput("found flags and no data set, expected: advnets data NAME|PATH. Name the data set.")
        print_result(list(data.DATASETS), as_json=flags.json, text="\n".join([*data.DATASETS, *KINDS]))
        return 0
    if flags.picture is not None:
        expect_new(flags.picture, ".png", flag="--picture")
    settings = flags.settings(names[0])
    if flags.recipe is not None:  # pairs, or two kinds of images, for one that translates
        settings = settle_direction(settings, experiment.find_recipe(flags.recipe).learner)
    dataset = _load_however_unreadable(settings)
    description = describe(dataset, settings, flags.recipe)
    try:
        if flags.picture is not None:
            experiment.Samples.first(dataset.train, PICTURED).save(flags.picture)
            description["picture"] = str(flags.picture)
    finally:  # what was found is printed, even if the picture cannot be kept
        print_result(description, as_json=flags.json, text=format_description(description))
    return 0


def _load_however_unreadable(settings: experiment.Settings) -> Dataset:
    """The data of settings, in which more images may be unreadable than a training would leave out."""
    options = replace(settings.image_options, direction=settings.direction, any_unreadable=True)
    return data.load(settings.data, settings.data_dir, options=options)


def describe(dataset: Dataset, settings: experiment.Settings, asked: str | None) -> dict[str, Any]:
    """Describe a data set and the cost of training on it.

    Args:
        dataset: The data set.
        settings: Settings of a training on it.
        asked: The recipe that is asked for; None for the one that a training without a recipe takes.

    Returns:
        What `data.describe` returns, with `cost`.

    Raises:
        BadInput: If a recipe is asked for that cannot be trained on the data.
    """
    description = data.describe(dataset)
    if warnings := warnings_of_data(dataset):
        description["warnings"] = warnings
    try:
        if dataset.survey is not None:
            data.expect_readable(dataset.source, dataset.survey)
    except BadInput as error:  # a training refuses them, and they are described all the same
        return {**description, "cost": f"nothing can be estimated: {error}"}
    try:
        recipe = _find_recipe(dataset, settings, asked)
        description["cost"] = experiment.dry_run(recipe, settings=settings, dataset=dataset).as_dict()
    except BadInput as error:
        # There may be no recipe that fits the data, which are described all the same.
        if asked is not None:
            raise
        description["cost"] = f"nothing can be estimated: {error}"
    return description


def _find_recipe(dataset: Dataset, settings: experiment.Settings, asked: str | None) -> Recipe:
    """The recipe that is asked for, or that a training of images takes by itself; for points paper-adam."""
    if asked is None and dataset.is_image:
        return experiment.choose_recipe_for(dataset, settings).recipe
    return experiment.find_recipe(asked or "paper-adam")


def format_description(description: Mapping[str, Any]) -> str:
    """Format a description as lines of text; long lists are cut, and the text says so.

    Args:
        description: What `describe` returns.
    """
    rows = ((key.replace("_", " "), FORMATS.get(key, _format_plainly)(value)) for key, value in description.items())
    return "\n".join(f"{name:<{WIDTH}} {INDENT.join(lines)}" for name, lines in rows)


def _format_plainly(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return _cut([f"{escape(str(name))}: {_number(item)}" for name, item in value.items()])
    if isinstance(value, list | tuple):
        return _cut([_number(item) for item in value])
    return ["none" if value is None else escape(str(value))]


def _format_shape(shape: Sequence[int]) -> list[str]:
    return [" x ".join(map(str, shape))]


def _format_splits(splits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each split, and a second one for its samples per class."""
    lines = []
    for name, split in splits.items():
        moments = f"mean {split['mean']:.3g}, standard deviation {split['std']:.3g}"
        lines.append(f"{name:<10} {split['count']:,} samples, {moments}")
        if (counts := split["per_class"]) is not None:
            listed = ", ".join(f"{count:,}" for count in counts[:MOST_NAMES])
            more = f" and {len(counts) - MOST_NAMES:,} more ({REST})" if len(counts) > MOST_NAMES else ""
            lines.append(f"{'':<10} per class: {listed}{more}")
    return lines


def _format_duplicates(counts: Mapping[str, int | None]) -> list[str]:
    near = "near-duplicates are not searched for among points and images under 32 pixels"
    return [
        f"{counts['copies']:,} exact copies",
        f"{counts['held_out_in_train']:,} validation and test samples that are also in train",
        near if counts["near"] is None else f"{counts['near']:,} images with a near-duplicate",
    ]


def _format_cost(cost: Mapping[str, Any] | str) -> list[str]:
    if isinstance(cost, str):
        return [escape(cost)]
    doubt = format_doubt([stage["timed"] for stage in cost["stages"]])
    return [
        f"{escape(cost['recipe'])}, batch {cost['batch_size']}: {cost['milliseconds_per_step']:.1f} ms a step on "
        f"{cost['device']}; "
        f"{format_length(cost['steps'], cost['minutes'], cost['steps_range'], cost['minutes_range'])}; "
        f"{cost['mebibytes'] or 0:,.0f} MiB of memory at the peak; "
        f"{format_disk(cost['checkpoint_mebibytes'], cost['checkpoints'])}",
        *([doubt] if doubt else []),
    ]


def _cut(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - MOST_NAMES:,} more ({REST})"] if len(lines) > MOST_NAMES else []
    return [*lines[:MOST_NAMES], *more] or ["none"]


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


FORMATS: dict[str, Callable[[Any], list[str]]] = {
    "shape": _format_shape,
    "given_shape": _format_shape,
    "splits": _format_splits,
    "duplicates": _format_duplicates,
    "cost": _format_cost,
}
"""How parts of a description are formatted; the others plainly."""
