"""What is asked of one run beside its recipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from os import PathLike
from typing import Any

import torch

from advnets import distributed
from advnets.assessment import MEASURES
from advnets.data import DIRECTIONS, UNPAIRED, Dataset, ImageOptions, holds_image_files, load, load_unpaired
from advnets.errors import BadInput, unknown
from advnets.games import CycleGame, CycleRow
from advnets.recipes import Recipe
from advnets.records import parse_record
from advnets.runs import RunDirectory, read_sealed, write_sealed

SWITCH, ON_COLLAPSE = ("on", "off"), ("warn", "stop", "rollback")
"""Whether the doctor looks, and what a collapse leads to."""
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class ImageFlags:
    """How image files are read.

    Attributes:
        image_size: Scale images to so many pixels; default their own, or a power of two.
        image_fit: Cut out the centre (default), or keep all and add borders.
        image_alpha: The colour behind transparent pixels and of borders; default white.
        image_channels: The colours that are read; default grey if all files are grey.
        cache_memory: Larger caches of decoded images are mapped from a file; default 2GiB.
        verify: Compare the contents of image files, not only sizes and times.
    """

    image_size: int | str | None = None
    image_fit: str | None = None
    image_alpha: str | None = None
    image_channels: str | None = None
    cache_memory: int | str | None = None
    verify: bool = False

    @property
    def image_options(self) -> ImageOptions:
        """How image files become tensors."""
        return ImageOptions(
            self.image_size, self.image_fit, self.image_alpha, self.image_channels, self.cache_memory, self.verify
        )


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained on, for how long, and what is written.

    Attributes:
        data: A data set or a path.
        other: For cyclegan: the other kind of images.
        data_dir: A folder where data sets are looked for first.
        direction: Of pairs, which kind is given: AtoB (default), or BtoA.
        start_from: Begin with the weights of a file or a run.
        out: The run directory; default runs/<time>-<recipe>-<data>.
        steps: Stop at this step; a run with a limit in steps resumes bit for bit.
        minutes: Stop after so many minutes of running.
        seed: Seed of all random numbers.
        device: Where the networks are trained.
        capture: Replay each move as a CUDA graph.
        journal_steps: Steps between two lines of the journal; default 50, or 2 seconds.
        preview_minutes: Minutes between two previews.
        preview_steps: Steps between two previews, in place of minutes.
        checkpoint_minutes: Minutes between two checkpoints.
        checkpoint_steps: Steps between two checkpoints, in place of minutes.
        doctor: Look for failures, in about 2 % of the time.
        on_collapse: What a collapse leads to.
        keep_best: Measure each checkpoint on held-out data, such as by fid; keep the best.
        patience: End after so many checkpoints in a row that are no better.
    """

    data: str = "digits"
    other: str | None = None
    data_dir: str | None = None
    direction: str | None = None
    start_from: str | None = None
    out: str | None = None
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    device: str = "auto"
    capture: bool = False
    journal_steps: int | None = None
    preview_minutes: float = 1.0
    preview_steps: int | None = None
    checkpoint_minutes: float = 1.0
    checkpoint_steps: int | None = None
    doctor: str = "on"
    on_collapse: str = "warn"
    keep_best: str | None = None
    patience: int | None = None


@dataclass(frozen=True)
class Settings(ImageFlags, TrainingPlan):
    """What is asked of one run beside its recipe; of it data, how it is read, seed and budget change what is learnt.

    Raises:
        BadInput: If a device, a measure or another word is unknown, a number is out of range, or two settings do not go
            together.
    """

    # The fields of the last base come first: in the help, what is trained on stands before how it is read.

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise unknown("device", self.device, DEVICES)
        for name, known in (("doctor", SWITCH), ("on_collapse", ON_COLLAPSE)):
            if getattr(self, name) not in known:
                raise unknown(name, str(getattr(self, name)), known)
        if self.doctor == "off" and self.on_collapse != "warn":
            raise BadInput(
                f"on_collapse is {self.on_collapse!r} with the doctor off, who alone can tell a collapse: expected "
                "'warn'. Leave --doctor off out."
            )
        if self.keep_best is not None and self.keep_best not in MEASURES:
            raise unknown("measure", str(self.keep_best), MEASURES)
        if self.patience is not None and self.keep_best is None:
            raise BadInput(
                f"--patience {self.patience}: found no --keep-best, which says what is measured of each checkpoint. "
                "Give both, as in --keep-best fid --patience 5, or leave --patience out."
            )
        for name in ("steps", "journal_steps", "preview_steps", "checkpoint_steps", "patience"):
            _expect_positive(name, getattr(self, name), int)
        for name in ("minutes", "preview_minutes", "checkpoint_minutes"):
            _expect_positive(name, getattr(self, name), float)
        _ = self.image_options
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise unknown("direction", self.direction, DIRECTIONS)
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise BadInput(f"seed is {self.seed!r}; expected a whole number from 0 to 2^63 - 1")

    def dataset(self) -> Dataset:
        """The data asked for; raises what `data.load` and `data.load_unpaired` raise.

        Returns:
            The data set.
        """
        if self.other is not None:
            return load_unpaired(self.data, self.other, self.data_dir, options=self.image_options)
        return load(self.data, self.data_dir, options=replace(self.image_options, direction=self.direction))

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON.

        Returns:
            Its fields.
        """
        return asdict(self)


def settle_direction(settings: Settings, learner: Any, data: Any = None) -> Settings:
    """Return the settings with the direction in which the files of a learner that is given images are read.

    Args:
        settings: Settings of a new run, which may say the direction.
        learner: What is trained, the learner of a recipe or a game.
        data: Data in place of those of the settings, as `start` takes them, or None.

    Returns:
        The settings. Of image files, pairs are read from A to B unless they say otherwise, and of a cycle images that
        nothing pairs.

    Raises:
        BadInput: For a direction that this learner cannot have.
    """
    direction, is_cycle = settings.direction, isinstance(learner, CycleRow | CycleGame)
    is_translation = is_cycle or getattr(learner, "given", None) == "images"
    if settings.other is not None:
        _expect_two_kinds(settings, is_cycle)
        return settings
    if direction is None:
        name = settings.data if data is None else data
        if not is_translation or not isinstance(name, str | PathLike) or not holds_image_files(str(name)):
            return settings
        return replace(settings, direction=UNPAIRED if is_cycle else DIRECTIONS[0])
    if not is_translation:
        raise BadInput(
            f"--direction {direction}: found a recipe that is given no images; expected one that translates, such as "
            "pix2pix. Leave it out."
        )
    if (direction == UNPAIRED) != is_cycle:
        expected = UNPAIRED if is_cycle else f"{DIRECTIONS[0]} or {DIRECTIONS[1]}"
        advice = "a cycle goes both ways" if is_cycle else "images without pairs are translated by the recipe cyclegan"
        raise BadInput(f"--direction {direction}: expected {expected} for this recipe, for {advice}.")
    return settings


def _expect_two_kinds(settings: Settings, is_cycle: bool) -> None:
    if not is_cycle:
        raise BadInput(
            f"--other {settings.other}: found a recipe that does not translate without pairs, expected cyclegan. Leave "
            "it out, or train cyclegan."
        )
    if settings.direction is not None:
        raise BadInput(
            f"--direction {settings.direction}: found it beside --other {settings.other}, which names the other kind "
            "of images. Leave --direction out, for a cycle goes both ways."
        )


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings of these names; raises BadInput for a name that is none, with the nearest."""
    if not isinstance(values, Mapping):
        raise BadInput(f"found {type(values).__name__}, expected settings as a JSON object of its fields")
    known = [spec.name for spec in fields(Settings)]
    for name in values:
        if name not in known:
            raise unknown("setting", name, known)
    return parse_record(Settings, values, what="settings")


def with_budget(settings: Settings, recipe: Recipe) -> Settings:
    """The settings with the recipe's usual budget, where they have none of their own."""
    if settings.steps or settings.minutes:
        return settings
    if recipe.budget.steps:
        return replace(settings, steps=recipe.budget.steps)
    return replace(settings, minutes=recipe.budget.minutes)


BUDGET_ADVICE = "Resume the run with --steps or --minutes, which writes it anew."
"""What to do about a budget.json that is not as it was written."""


def settle_budget(directory: RunDirectory, steps: int | None, minutes: float | None) -> dict[str, Any]:
    """The budget that was asked for last: the one that is given, which is written down, or the one that the run has.

    It is written before a resumed run trains, so that the run goes on to it when it is resumed again.

    Args:
        directory: The run, whose budget.json is written.
        steps: A new budget in steps; None with None for the former one.
        minutes: A new budget in minutes.

    Returns:
        {"steps": ..., "minutes": ...}; empty if the run still has the budget that it was started with.

    Raises:
        BadInput: For a budget that is not above 0.
        Damaged: If the file is not as it was written.
        CannotWrite: If the disk fails or is full.
    """
    if steps is not None or minutes is not None:
        budget = {"steps": steps, "minutes": minutes}
        settings_from(budget)
        write_sealed(directory.budget_json, budget, directory.held)
        return budget
    if not directory.budget_json.exists():
        return {}
    return read_sealed(directory.budget_json, BUDGET_ADVICE, directory.held)


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is the fastest there is.

    Args:
        name: "auto", "cpu", "cuda" or "mps".

    Returns:
        The device; "cuda" is the one of this process.

    Raises:
        BadInput: If torch does not find it here.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[name]:
        found = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise BadInput(f"device {name!r} is not available to torch here; found: {found}. Use --device auto.")
    if name == "cuda":
        distributed.set_device()
    return torch.device(name)


def _expect_positive(name: str, value: Any, kind: type) -> None:
    fits = isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    if value is not None and not (fits and 0 < value < float("inf")):
        what = "a whole number" if kind is int else "a number"
        raise BadInput(f"{name} is {value!r}; expected {what} above 0")
