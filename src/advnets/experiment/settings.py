"""What is asked of one run beside its recipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch

from advnets import distributed
from advnets.data import Dataset, ImageOptions, load
from advnets.errors import BadInput, unknown
from advnets.recipes import Recipe
from advnets.records import parse_record

DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class ImageFlags:
    """How image files are read."""

    image_size: int | str | None = None
    """Scale image files to this size in pixels, one number or HEIGHTxWIDTH; default: their own, or a power of two."""
    image_fit: str | None = None
    """How image files come to that size: crop cuts out the centre (default), pad keeps all and adds borders."""
    image_alpha: str | None = None
    """The colour behind transparent pixels and of borders (default white), or keep: transparency is a channel."""
    image_channels: str | None = None
    """Read image files as grey or as rgb; default: grey if all of them are stored so."""
    cache_memory: int | str | None = None
    """Read decoded images into memory up to this size, and map a larger cache file instead; default 2GiB."""
    verify: bool = False
    """Compare the contents of image files with the cache, not only their sizes and times."""

    @property
    def image_options(self) -> ImageOptions:
        """How image files become tensors."""
        return ImageOptions(
            self.image_size, self.image_fit, self.image_alpha, self.image_channels, self.cache_memory, self.verify
        )


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained on, for how long, and what is kept of it."""

    data: str = "digits"
    """A data set by name, or the path of a folder or .zip of images, an .npz file, or TFD_48x48.mat[:FOLD]."""
    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    out: str | None = None
    """The run directory; default runs/<time>-<recipe>-<data>."""
    steps: int | None = None
    """Steps to train; a run with a limit in steps resumes bit for bit."""
    minutes: float | None = None
    """Minutes to train; with --steps, whichever comes first."""
    seed: int = 0
    """Of the initial weights, the order of the data, the noises."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    capture: bool = False
    """Record each player's move as a CUDA graph and replay it; faster where nets are small, the same is learnt."""
    journal_steps: int = 50
    """Steps between two lines of the journal."""
    preview_steps: int = 1000
    """Steps between two pictures of the fixed noises."""
    checkpoint_minutes: float = 1.0
    """Minutes between two checkpoints."""
    checkpoint_steps: int | None = None
    """Steps between two checkpoints, in place of minutes."""


@dataclass(frozen=True)
class Settings(ImageFlags, TrainingPlan):
    """What is asked of one run beside its recipe; of it data, how it is read, seed and budget change what is learnt."""

    # The fields of the last base come first: in the help, what is trained on stands before how it is read.

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise unknown("device", self.device, DEVICES)
        for name in ("steps", "journal_steps", "preview_steps", "checkpoint_steps"):
            _expect_positive(name, getattr(self, name), int)
        for name in ("minutes", "checkpoint_minutes"):
            _expect_positive(name, getattr(self, name), float)
        _ = self.image_options
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise BadInput(f"seed is {self.seed!r}; expected a whole number from 0 to 2^63 - 1")

    def dataset(self) -> Dataset:
        """The data asked for; raises what `data.load` raises."""
        return load(self.data, self.data_dir, options=self.image_options)

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON."""
        return asdict(self)


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


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is the fastest there is. Raises BadInput if it is not there."""
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
