"""The inputs of a comparison: words of a user, what lies at their paths, and the data to measure against."""

import itertools
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from advnets.assessment import Sampler, Subject, is_of_files, load_reference_data, subject_of_files
from advnets.comparison.settings_difference import flatten_settings
from advnets.data import Dataset, ImageOptions
from advnets.data.conversion import to_values
from advnets.errors import BadInput, Missing
from advnets.experiment.evaluation import training_data
from advnets.experiment.model import Model
from advnets.experiment.opening import find_model, open_source
from advnets.experiment.run import Run
from advnets.experiment.sampling import Samples
from advnets.games import CycleGame, Game
from advnets.recipes import to_json

OWN_CODE, PYTHON = ".own_code.", ".own_code.python"
"""What names hold under which the code of functions of one's own is told, and the version of Python of its digests."""


@dataclass(frozen=True)
class SideRequest:
    """A side as the user gave it.

    Attributes:
        name: How it is called.
        paths: Its path, or the paths of runs that differ by seed.
        objects: Of what was given as an object of Python, the object by its path or name.
    """

    name: str
    paths: tuple[str, ...]
    objects: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, eq=False)
class SideInput:
    """What lies at a path: a run with its model, a model, or samples in files.

    Attributes:
        path: The path.
        run: The run.
        model: The model of the run, or of a share file.
        subject: Samples in files.
        sampler: What draws the samples of the model: itself, or of a cycle both of its ways.
    """

    path: str
    run: Run | None = None
    model: Model | None = None
    subject: Subject | None = None
    sampler: Sampler | None = None

    @property
    def step(self) -> int | None:
        """The step that its model was trained to; None for files."""
        return None if self.model is None else self.model.step

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        if self.model is not None:
            return self.model.card.data.shape
        assert self.subject is not None
        return tuple(self.subject.values.shape[1:])

    def draw(self, n: int, *, seed: int, dataset: Dataset, split: str) -> Subject:
        """Draw samples by the model, or from those in files.

        Args:
            n: Number of samples.
            seed: Seed of the noises, or of the draw.
            dataset: What they are measured against.
            split: The split whose images are translated, by a model that is given images.

        Returns:
            The samples; those of files in their order.
        """
        if self.sampler is not None:
            return self.sampler.draw_subject(n, seed=seed, dataset=dataset, split=split)
        assert self.subject is not None
        values = self.subject.values
        drawn = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))[:n].sort().values
        return replace(self.subject, values=values[drawn])


def parse_sides(words: Sequence[Any]) -> tuple[SideRequest, ...]:
    """Read sides out of words, or of objects of Python.

    Args:
        words: Each is PATH, or NAME=PATH, or NAME=PATH,PATH,... for runs that differ by seed; or a run, a model,
            samples, a list of them, (name, one of these), or a SideRequest.

    Returns:
        The sides.

    Raises:
        BadInput: For fewer than two sides, a name given twice, one run beside several, and, among seeds, a run given
            twice, which would count as two.
    """
    taken: dict[str, Any] = {}
    sides = _expect_different_names([_read_side(word, taken) for word in words])
    if len(sides) < 2:
        raise BadInput(f"found {len(sides)} side, expected two or more to compare. Name another run, file or group.")
    several = [side for side in sides if len(side.paths) > 1]
    if not several:
        return sides
    single = [side.name for side in sides if len(side.paths) == 1]
    if single:
        raise BadInput(
            f"{single[0]} is one run, beside {len(several[0].paths)} of {several[0].name}; expected two seeds or more "
            "a group, as one run does not show how much its seed matters. Train more: NAME=RUN,RUN"
        )
    seen: set[Path] = set()
    for path in (path for side in sides for path in side.paths if not isinstance(side.objects.get(path), Model)):
        if Path(path).resolve() in seen:
            raise BadInput(f"{path} is given twice, and would count as two seeds. Leave one out.")
        seen.add(Path(path).resolve())
    return sides


def expect_seeds(side: SideRequest, runs: Mapping[str, tuple[Run | None, int | None]]) -> None:
    """Check that the runs of a group differ by their seed, and by nothing else.

    Args:
        side: The group.
        runs: Runs and their steps by path; the run is None for a share file or a report, whose seed is not known.

    Raises:
        BadInput: If they do not; names what differs.
    """
    taken: dict[int, str] = {}
    (first, one), *_ = ((path, _describe_training(*runs[path])) for path in side.paths)
    for path in side.paths:
        run, step = runs[path]
        if run is not None and taken.setdefault(run.settings.seed, path) != path:
            raise BadInput(
                f"{side.name}: {taken[run.settings.seed]} and {path} both have the seed {run.settings.seed}, and would "
                "count as two. Leave one out, or train with another seed."
            )
        other = _describe_training(run, step)
        unlike = [
            f"{name}: {reprlib.repr(one.get(name))} and {reprlib.repr(other.get(name))}"
            for name in _names_to_compare(one, other, are_runs=runs[first][0] is not None and run is not None)
            if one.get(name) != other.get(name)
        ]
        if unlike:
            raise BadInput(
                f"{side.name}: {first} and {path} differ by more than their seed ({'; '.join(unlike)}); expected runs "
                "of one recipe, trained to one step. Leave one out, or train it as the other."
            )


def _names_to_compare(one: Mapping[str, Any], other: Mapping[str, Any], *, are_runs: bool) -> list[str]:
    """All names of two runs; of files those of both. Digests of code are compared under one version of Python."""
    names = [name for name in dict.fromkeys([*one, *other]) if are_runs or (name in one and name in other)]
    is_one_python = all(one.get(name) == other.get(name) for name in names if name.endswith(PYTHON))
    return [name for name in names if OWN_CODE not in name or (is_one_python and not name.endswith(PYTHON))]


def _describe_training(run: Run | None, step: int | None) -> dict[str, Any]:
    """What runs of a group share; the best checkpoint of each may be of another step."""
    if run is None:
        return {"step": step}
    own = flatten_settings({"game": run.record.game, "optimizers": run.record.optimizers})
    return {**to_json(run.recipe), **own, "step": "best" if run.checkpoint == "best" else step}


def _read_side(word: Any, taken: dict[str, Any]) -> SideRequest:
    """A side that was given as a word or as an object; `taken` has the objects by the names that they got."""
    if isinstance(word, SideRequest):
        return word
    if isinstance(word, tuple) and len(word) == 2 and isinstance(word[0], str):
        return replace(_read_side(word[1], taken), name=word[0])
    if isinstance(word, str | Path):
        return _parse_side(str(word))
    members = list(word) if isinstance(word, list | tuple) else [word]
    _refuse_twice(members)
    objects = {_name_object(one, taken): one for one in members}
    if not objects:
        raise BadInput("found a side without runs; expected one, or several that differ by seed")
    paths = {path: one for path, one in objects.items() if not isinstance(one, str | Path)}
    return SideRequest(next(iter(objects)) if len(objects) == 1 else ", ".join(objects), tuple(objects), paths)


def _refuse_twice(members: Sequence[Any]) -> None:
    """One run counts as one seed."""
    if len({id(one) for one in members}) < len(members):
        raise BadInput("found a run that is given twice within a side, and would count as two seeds. Leave one out.")


def _name_object(one: Any, taken: dict[str, Any]) -> str:
    """A name of its own for a run, a model or samples."""
    if isinstance(one, str | Path):
        return str(one)
    name = str(one.path) if isinstance(one, Run) else one.name if isinstance(one, Model) else "samples"
    number = next(n for n in itertools.count(1) if taken.get(f"{name} ({n})" if n > 1 else name, one) is one)
    name = f"{name} ({number})" if number > 1 else name
    taken[name] = one
    return name


def open_runs(
    sides: Sequence[SideRequest], game: Game | CycleGame | None = None, checkpoint: str | int | None = None
) -> tuple[SideRequest, ...]:
    """Return sides whose runs are opened with a game of one's own, or by a checkpoint.

    Args:
        sides: The sides.
        game: The game of runs of networks of one's own, which runs of a recipe's networks do not get; None for none.
        checkpoint: Which checkpoint of every run is compared: its step, or "best"; None for the newest good one.

    Returns:
        The sides.

    Raises:
        BadInput: For a checkpoint where no side is a run, and as `Run` does.
    """
    if game is None and checkpoint is None:
        return tuple(sides)
    paths = {path for side in sides for path in side.paths if (Path(path) / "recipe.json").is_file()}
    if not paths and checkpoint is not None:
        raise BadInput(f"found no run among the sides, which have no checkpoint {checkpoint}. Leave --checkpoint out.")
    own = {path for path in paths if game is not None and Run(Path(path)).record.game is not None}
    found = {
        path: Run(Path(path), game if path in own else None, checkpoint=checkpoint)
        for path in (paths if checkpoint is not None else own)
    }
    return tuple(
        replace(side, objects={**side.objects, **{path: found[path] for path in side.paths if path in found}})
        for side in sides
    )


def _parse_side(word: str) -> SideRequest:
    name, equals, rest = word.partition("=")
    if not equals or Path(word).exists():
        return SideRequest(word, (word,))
    paths = tuple(path.strip() for path in rest.split(","))
    if not name or not all(paths):
        raise BadInput(f"{word!r}: expected PATH, NAME=PATH, or NAME=PATH,PATH,... for runs that differ by seed")
    return SideRequest(name, paths)


def _expect_different_names(sides: Iterable[SideRequest]) -> tuple[SideRequest, ...]:
    """Number a path that is given twice, which shows that nothing differs; refuse a name that is given twice."""
    taken: dict[str, int] = {}
    found = []
    for side in sides:
        taken[side.name] = taken.get(side.name, 0) + 1
        if taken[side.name] > 1 and side.paths != (side.name,):
            raise BadInput(f"two sides are called {side.name!r}; expected names that tell them apart. Rename one.")
        again = f" ({taken[side.name]})" if taken[side.name] > 1 else ""
        found.append(replace(side, name=side.name + again))
    return tuple(found)


def find_input(
    path: str, options: ImageOptions | None = None, given: Any = None, *, way: str | None = None
) -> SideInput:
    """Find what lies at a path, or what was given as an object.

    Args:
        path: A run, a share file, the name of a model that ships, or samples in files.
        options: How image files become tensors; None for the defaults.
        given: The run, the model or the samples that were given under this name, or None.
        way: Of cycles, "there" or "back"; None for the way there.

    Returns:
        What lies there.

    Raises:
        BadInput: For a report.
        Missing: If nothing is there.
        Unsupported: For a model whose samples have lost their contrast.
    """
    if given is not None and not isinstance(given, Run | Model):
        values = given.stored_values if isinstance(given, Samples) else to_values(given)
        return SideInput(path, subject=Subject(path, values))
    if given is None and is_of_files(Path(path)):
        if way is not None:
            raise BadInput(f"--way {way}: {path} holds samples, which go no way; expected runs of cycles")
        return SideInput(path, subject=subject_of_files(Path(path), options))
    if given is None and Path(path).suffix.lower() == ".json":
        raise BadInput(f"{path} is a report; give --reports to compare reports, or the run or samples it is of")
    at = open_source(path) if given is None else given
    if isinstance(at, Run):
        run, model = at, at.model_of(way)
    else:
        run, model = None, at if given is not None else find_model(path, way=way)
    model.must_be_measurable()
    return SideInput(path, run, model, sampler=model if run is None else run.sampler(way))


def common_data(
    found: Sequence[SideInput],
    others: Dataset | str | None,
    *,
    data: str | None = None,
    data_dir: str | None = None,
    options: ImageOptions | None = None,
) -> Dataset:
    """The data that all sides are measured against.

    Args:
        found: What lies at the paths.
        others: Data, or the name or path of some; None for those that every model was trained on.
        data: The new place of the data that every model was trained on, if they were moved.
        data_dir: Folder where data sets are looked for first.
        options: How the image files at `others` become tensors; None for the defaults.

    Returns:
        The data set.

    Raises:
        BadInput: If models were trained on different data, for `others` at a path that one was trained on, and for
            samples of another shape.
        Missing: If there are only files, and no `others`.
    """
    if others is None:
        dataset = _load_training_data(found, data, data_dir)
    elif isinstance(others, Dataset):
        dataset = others
    else:
        models = [(each.path, each.run or each.model) for each in found]
        trained = [training_data(one, path, others) for path, one in models if one is not None]
        dataset = load_reference_data(others, data_dir, options, trained)
    for each in found:
        if each.shape != dataset.shape:
            raise BadInput(
                f"{each.path}: samples of shape {each.shape}, expected {dataset.shape}, as {dataset.name} has them. "
                "Bring all sides to one size and as many channels first: how they are resized changes every measure."
            )
    return dataset


def _load_training_data(found: Sequence[SideInput], data: str | None, data_dir: str | None) -> Dataset:
    models = {each.path: each.model for each in found if each.model is not None}
    if not models:
        raise Missing("all sides are files; expected data to measure them against. Name them: --against DATA|FOLDER")
    (path, first), *others = models.items()
    for other_path, other in others:
        mine, theirs = asdict(first.card.data), asdict(other.card.data)
        unlike = [f"{name}: {mine[name]!r} and {theirs[name]!r}" for name in mine if mine[name] != theirs[name]]
        if unlike:
            raise BadInput(
                f"{path} and {other_path} were trained on unlike data ({'; '.join(unlike)}), and cannot be compared on "
                "both. Name the data to measure all sides against: --against DATA|FOLDER"
            )
    run = next(each.run for each in found if each.path == path)
    if run is None:
        return first.dataset(data, data_dir)
    again = run if data is None and data_dir is None else Run(run.path, data=data, data_dir=data_dir)
    return again.dataset.turn() if first.card.way == "back" else again.dataset
