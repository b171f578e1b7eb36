"""What is compared: words of a user, what lies at their paths, and the data that all of it is held against."""

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advnets.assessment import Subject, is_of_files, load_reference_data, subject_of_files
from advnets.data import Dataset
from advnets.errors import BadInput, Missing, Unsupported
from advnets.experiment.model import Model
from advnets.experiment.opening import open_source
from advnets.experiment.run import Run
from advnets.recipes import to_json


@dataclass(frozen=True)
class SideRequest:
    """A side as it was asked for: a name and its paths; several are runs that differ by seed."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class SideInput:
    """What lies at a path: a run with its model, a model, or samples in files."""

    path: str
    run: Run | None = None
    model: Model | None = None
    subject: Subject | None = None

    @property
    def step(self) -> int | None:
        """That a model was trained to."""
        return None if self.model is None else self.model.step

    @property
    def seed(self) -> int | None:
        """That a run was started with."""
        return None if self.run is None else self.run.settings.seed

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        if self.model is not None:
            return self.model.card.data.shape
        assert self.subject is not None
        return tuple(self.subject.values.shape[1:])

    def samples(self, n: int, seed: int) -> Tensor:
        """N samples as a Split has them: drawn by a model, or the same draw of those in files, in their order."""
        if self.model is not None:
            return self.model.sample(n, seed=seed).stored_values
        assert self.subject is not None
        values = self.subject.values
        return values[torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))[:n].sort().values]


def parse_sides(words: Sequence[str]) -> tuple[SideRequest, ...]:
    """Sides out of words: PATH, or NAME=PATH, or NAME=PATH,PATH,... for runs that differ by seed.

    Raises BadInput for fewer than two sides, a name given twice, one run beside several, and, among seeds, a run given
    twice, which would count as two.
    """
    sides = _unlike_names([_side(word) for word in words])
    if len(sides) < 2:
        raise BadInput(f"found {len(sides)} side, expected two or more to compare. Name another run, file or group.")
    several = [side for side in sides if len(side.paths) > 1]
    if not several:
        return sides
    single = [side.name for side in sides if len(side.paths) == 1]
    if single:
        raise BadInput(
            f"{single[0]} is one run, beside {len(several[0].paths)} of {several[0].name}; expected two seeds or more "
            "a group, as one run says nothing of the luck of its seed. Train more: NAME=RUN,RUN"
        )
    seen: set[Path] = set()
    for path in (path for side in sides for path in side.paths):
        if Path(path).resolve() in seen:
            raise BadInput(f"{path} is given twice, and would count as two seeds. Leave one out.")
        seen.add(Path(path).resolve())
    return sides


def expect_seeds(side: SideRequest, runs: Mapping[str, tuple[Run | None, int | None]]) -> None:
    """Raise BadInput unless the runs of a group differ by their seed, and by nothing else, naming what is unlike.

    runs: by path, with their steps; None where there is no run, but a share file or a report, whose seed is not known.
    """
    taken: dict[int, str] = {}
    (first, one), *_ = ((path, _made_by(*runs[path])) for path in side.paths)
    for path in side.paths:
        run, step = runs[path]
        if run is not None and taken.setdefault(run.settings.seed, path) != path:
            raise BadInput(
                f"{side.name}: {taken[run.settings.seed]} and {path} both have the seed {run.settings.seed}, and would "
                "count as two. Leave one out, or train with another seed."
            )
        other = _made_by(run, step)
        unlike = [
            f"{name}: {reprlib.repr(one[name])} and {reprlib.repr(other[name])}"
            for name in one
            if name in other and one[name] != other[name]
        ]
        if unlike:
            raise BadInput(
                f"{side.name}: {first} and {path} differ by more than their seed ({'; '.join(unlike)}); expected runs "
                "of one recipe, trained to one step. Leave one out, or train it as the other."
            )


def _made_by(run: Run | None, step: int | None) -> dict[str, Any]:
    return {"step": step} if run is None else {**to_json(run.recipe), "step": step}


def _side(word: str) -> SideRequest:
    name, equals, rest = word.partition("=")
    if not equals or Path(word).exists():
        return SideRequest(word, (word,))
    paths = tuple(path.strip() for path in rest.split(","))
    if not name or not all(paths):
        raise BadInput(f"{word!r}: expected PATH, NAME=PATH, or NAME=PATH,PATH,... for runs that differ by seed")
    return SideRequest(name, paths)


def _unlike_names(sides: Iterable[SideRequest]) -> tuple[SideRequest, ...]:
    """The same path may be given twice, to see that nothing differs; a name of the user's own may not."""
    taken: dict[str, int] = {}
    found = []
    for side in sides:
        taken[side.name] = taken.get(side.name, 0) + 1
        if taken[side.name] > 1 and side.paths != (side.name,):
            raise BadInput(f"two sides are called {side.name!r}; expected names that tell them apart. Rename one.")
        again = f" ({taken[side.name]})" if taken[side.name] > 1 else ""
        found.append(SideRequest(side.name + again, side.paths))
    return tuple(found)


def find_input(path: str) -> SideInput:
    """What lies at a path. Raises Missing, and whatever reading it raises; Unsupported for samples without contrast."""
    if is_of_files(Path(path)):
        return SideInput(path, subject=subject_of_files(Path(path)))
    if Path(path).suffix.lower() == ".json":
        raise BadInput(f"{path} is a report; give --reports to compare reports, or the run or samples it is of")
    at = open_source(path)
    run = at if isinstance(at, Run) else None
    model = run.model if run is not None else at
    assert isinstance(model, Model)
    if not model.transform.invertible:
        raise Unsupported(
            f"{path}: samples under the transform {model.card.transform!r} have lost the brightness and contrast that "
            "is measured; look at them: `advnets sample`"
        )
    return SideInput(path, run, model)


def common_data(found: Sequence[SideInput], others: str | None, data_dir: str | None) -> Dataset:
    """The data that all sides are held against: `others`, or those that every model was trained on.

    Raises BadInput where models were trained on unlike data, where there are only files and no `others`, and for
    samples of another shape.
    """
    dataset = _trained_on(found, data_dir) if others is None else load_reference_data(others, data_dir)
    for each in found:
        if each.shape != dataset.shape:
            raise BadInput(
                f"{each.path}: samples of shape {each.shape}, expected {dataset.shape}, as {dataset.name} has them. "
                "Bring all sides to one size and as many channels first, and say how: resizing changes every measure."
            )
    return dataset


def _trained_on(found: Sequence[SideInput], data_dir: str | None) -> Dataset:
    models = {each.path: each.model for each in found if each.model is not None}
    if not models:
        raise Missing("all sides are files; expected data to hold them against. Name them: --against DATA|FOLDER")
    (path, first), *others = models.items()
    for other_path, other in others:
        mine, theirs = asdict(first.card.data), asdict(other.card.data)
        unlike = [f"{name}: {mine[name]!r} and {theirs[name]!r}" for name in mine if mine[name] != theirs[name]]
        if unlike:
            raise BadInput(
                f"{path} and {other_path} were trained on unlike data ({'; '.join(unlike)}), and cannot be compared on "
                "both. Name the data to hold all sides against: --against DATA|FOLDER"
            )
    run = next(each.run for each in found if each.path == path)
    return run.dataset if run is not None else first.dataset(None, data_dir)
