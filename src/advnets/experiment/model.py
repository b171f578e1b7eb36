"""A model: a generator ready to draw samples, out of a run's newest checkpoint or out of a share file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets import data, figures, statistics
from advnets.assessment import (
    Report,
    Subject,
    evaluate_sampler,
    exhaust,
    plan_from,
)
from advnets.data import TRANSFORMS, Dataset, ImageOptions, Transform, to_uint8
from advnets.errors import AdvnetsError, BadInput, NonFinite, TooBig, Unsupported, unknown
from advnets.experiment.samples import Samples
from advnets.experiment.shipped_models import shipped_model_path
from advnets.latents import LATENTS
from advnets.randomness import Streams, mix_seed
from advnets.recipes import generator_from_json, lower_from_json
from advnets.runs import Card, share

MOST_NUMBERS = 2**28
MOST_UNITS = 2**16
MOST_ITEMS = 64
MOST_PRODUCTS = 2**33
"""Steps of a chain times numbers of its network that a sample may take: seconds, not hours."""
MOST_STAGES = 8
BLOCK = 1000
"""Samples that are made at once."""


@dataclass(frozen=True, eq=False)
class Model:
    """A generator and what its samples need; sampling takes no data.

    name: how reports call it. network: in evaluation mode, on the CPU. card: what it is.
    """

    name: str
    network: nn.Module
    card: Card

    @property
    def step(self) -> int:
        """The step that it was trained to."""
        return self.card.step

    def sample(self, n: int = 64, *, seed: int = 0) -> Samples:
        """n samples, by noises of that seed; those of chains depend on n too, as moves are drawn for all at once."""
        if n < 1:
            raise BadInput(f"n is {n}; expected at least 1 sample")
        return self.emit(self.draw(n, seed=seed), seed=seed)

    def draw(self, n: int, *, seed: int) -> Tensor:
        """n noises z, (n, latent_size)."""
        return LATENTS[self.card.latent](self.card.latent_size)(n, torch.Generator().manual_seed(seed))

    def emit(self, z: Tensor, *, seed: int = 0) -> Samples:
        """The samples of those noises; what a network draws for itself, as chains do, is a function of `seed`.

        Raises NonFinite if the network makes a NaN or an Inf.
        """
        with torch.no_grad(), Streams(mix_seed("chain", seed), torch.device("cpu")).as_defaults():
            blocks = [self._made(block).values for block in torch.split(z, BLOCK)]
        values: Any = np.concatenate(blocks)
        return Samples(values)

    def _made(self, z: Tensor) -> Samples:
        emitted = self.network(z)
        if not bool(emitted.isfinite().all()):
            raise NonFinite(f"{self.name}: its network makes NaN or Inf of finite noises; its numbers are too large")
        return Samples.of(emitted, self.transform)

    @property
    def transform(self) -> Transform:
        """Between stored values and what the network emits."""
        return TRANSFORMS[self.card.transform]

    def dataset(self, name_or_path: str | None = None, data_dir: str | None = None) -> Dataset:
        """The data that it was trained on, by the name on its card, or those that are named; of the same shape.

        The images of a folder or a zip that is named are brought to the card's size and channels, by a centre crop.
        Raises BadInput for a card's data set that is not at hand under its name, or is another one by now.
        """
        told = self.card.data
        if name_or_path is None and told.name not in data.DATASETS:
            raise BadInput(
                f"{self.name} was trained on {told.name!r}, which is no data set by name; give the path of it"
            )
        dataset = data.load(name_or_path or told.name, data_dir, options=self._image_options(name_or_path))
        if name_or_path is None and dataset.digest != told.digest:
            raise BadInput(
                f"{told.name} is not the data that {self.name} was trained on: its digest is {dataset.digest[:12]}, "
                f"expected {told.digest[:12]}. Name the data, to measure against them all the same."
            )
        if dataset.shape != told.shape:
            raise BadInput(
                f"{dataset.name}: samples of shape {dataset.shape}, expected {told.shape}, as {self.name} draws"
            )
        return dataset

    def _image_options(self, path: str | None) -> ImageOptions | None:
        if path is None or not (Path(path).is_dir() or path.lower().endswith(".zip")):
            return None
        channels, height, width = self.card.data.shape
        alpha = "keep" if channels in (2, 4) else None
        return ImageOptions(size=(height, width), channels="grey" if channels < 3 else "rgb", alpha=alpha)

    def evaluate(self, dataset: Dataset | None = None, **plan: Any) -> Report:
        """Measure its samples against data; nothing is written.

        Args:
            dataset: The real images, or points; default the data that it was trained on.
            **plan: Fields of `EvaluationPlan`.

        Returns:
            The report.

        Raises:
            BadInput: If nothing that was asked for can be measured.
            Unsupported: As `evaluate_sampler` and `draw_subject` do.
        """
        report = exhaust(evaluate_sampler(self, dataset or self.dataset(), plan_from(plan)))
        report.must_have_measures()
        return report

    def draw_subject(self, n: int, *, seed: int) -> Subject:
        """Draw samples that are measured.

        Args:
            n: Number of samples.
            seed: Seed of the noises.

        Returns:
            The samples.

        Raises:
            Unsupported: As `must_keep_contrast` does.
        """
        self.must_keep_contrast()
        return Subject(self.name, self.sample(n, seed=seed).stored_values, self.step)

    def must_keep_contrast(self) -> None:
        """Check that its samples can be measured.

        Raises:
            Unsupported: If its transform has no inverse, as then brightness and contrast are lost.
        """
        if not self.transform.invertible:
            raise Unsupported(
                f"{self.name}: samples under the transform {self.card.transform!r} have lost the brightness and "
                "contrast that are measured; look at them: `advnets sample`, `advnets figures figure2`"
            )

    def figure2(self, dataset: Dataset, *, seed: int = 0) -> Any:
        """Figure 2 of the 2014 paper: 4 x 5 fresh samples; last column, the nearest training image of the fifth."""
        samples = self.sample(20, seed=seed).values
        fifth = torch.from_numpy(samples[4::5]).permute(0, 3, 1, 2).flatten(1)
        nearest = self._nearest(fifth, dataset.train.values).permute(0, 2, 3, 1).numpy()
        return figures.draw_figure2(samples.astype(np.uint8), nearest)

    def _nearest(self, samples: Tensor, values: Tensor) -> Tensor:
        """The nearest of stored images as they are shown, (n, c, h, w), to each sample; a block in memory at a time."""
        best = torch.full((len(samples),), torch.inf, dtype=torch.float64)
        images = values[:1].repeat(len(samples), 1, 1, 1)
        for block in torch.split(values, BLOCK):
            shown = self._as_shown(block)
            indices, distances = statistics.find_nearest(samples, shown)
            nearer = distances < best
            best[nearer], images[nearer] = distances[nearer], shown[indices[nearer]]
        return images

    def _as_shown(self, images: Tensor) -> Tensor:
        """Stored images, through a transform that samples are shown without the inverse of."""
        transform = self.transform
        return images if transform.invertible else to_uint8(transform.back(transform.forward(images)))

    def figure3(self, *, rows: int = 4, columns: int = 12, seed: int = 0) -> Any:
        """Figure 3 of the 2014 paper: straight lines between two points of z.

        Raises Unsupported for a baseline, whose chains forget the z that they begin at.
        """
        if hasattr(self.network, "walk"):
            raise Unsupported(
                f"{self.name} draws by Markov chains, which forget where in z they began, so that a line in z is not "
                "seen. Look at its samples: `advnets figures grid`."
            )
        ends = self.draw(2 * rows, seed=seed)
        weights = torch.linspace(0, 1, columns)[None, :, None]
        z = torch.lerp(ends[:rows, None], ends[rows:, None], weights.expand(rows, columns, 1))
        images = self.emit(z.flatten(0, 1)).values
        return figures.draw_figure3(images.astype(np.uint8).reshape(rows, columns, *images.shape[1:]))


def open_model(path: str | Path) -> Model:
    """The model in a share file, or one that ships, by its name ("paper-mnist").

    It draws the very samples of the run that it was exported from (in half: nearly).
    Nothing in the file is executed: its architecture is a row of NETWORKS with numbers, whose size is known before
    anything is allocated. Raises Missing, Unsupported, TooBig, Damaged, NonFinite or BadInput, naming the file.
    """
    path = shipped_model_path(Path(path)) or Path(path)
    if (path / "recipe.json").is_file():
        raise Unsupported(
            f"{path} is a run directory, expected a share file, as `advnets export` writes it. Open the run: "
            f"advnets.Run({str(path)!r}), whose .model is its model."
        )
    card, tensors = share.read_generator(path, expected_tensors)
    return Model(path.name, with_weights(build_on_meta(card), tensors), card)


def export(model: Model, path: Path, *, half: bool, licence: str, notes: str, report: Mapping[str, Any] | None) -> Path:
    """Write a model as a share file, and read it back; raises what both functions of `share` raise."""
    card = replace(model.card, half=half, licence=licence, notes=notes, report=report)
    expected_tensors(card)
    share.write_generator(path, card, model.network.state_dict())
    open_model(path)
    return path


def expected_tensors(card: Card) -> dict[str, Tensor]:
    """The tensors of a card's generator, on the meta device, where nothing is allocated.

    Raises BadInput for a row, a number or a shape that cannot be, TooBig for one over the limits.
    """
    _check(card)
    tensors = build_on_meta(card).state_dict()
    count = sum(tensor.numel() for tensor in tensors.values())
    if count > MOST_NUMBERS:
        raise TooBig(f"the generator has {count:,} numbers; at most {MOST_NUMBERS:,} are read")
    burn_in = card.generator.get("burn_in", 0)
    if isinstance(burn_in, int) and burn_in * count > MOST_PRODUCTS:
        raise TooBig(
            f"a sample takes {burn_in:,} steps of a chain of {count:,} numbers; at most {MOST_PRODUCTS:,} products "
            "are made"
        )
    return tensors


def build_on_meta(card: Card) -> nn.Module:
    """The card's generator without its numbers, on the meta device; raises BadInput for one that cannot be built."""
    row = generator_from_json(card.generator)
    try:
        with torch.device("meta"):
            return with_lower_layers(row.build(card.latent_size, card.data.shape, torch.zeros(card.data.shape)), card)
    except AdvnetsError:
        raise
    except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise BadInput(f"the generator cannot be built of {row}: {error}") from error


def with_lower_layers(network: nn.Module, card: Card) -> nn.Module:
    """The generator with the layers of the card's later stages before it."""
    for layers in card.below:
        network = nn.Sequential(lower_from_json(layers).build(card.latent_size, card.latent_size), network)
    return network


def with_weights(network: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The network with copies of these tensors as its own, to be sampled; raises BadInput if they are of another."""
    # Copies lie as torch aligns them: products of matrices that lie otherwise may differ in their last bit.
    aligned = {name: tensor.clone() for name, tensor in tensors.items()}
    try:
        network.load_state_dict(aligned, assign=True)
    except RuntimeError as error:
        raise BadInput(f"the checkpoint is of other networks than these: {error}") from error
    return network.eval().requires_grad_(False)


def _check(card: Card) -> None:
    """The card's names are in their tables, and its numbers within limits."""
    for name, table in (("latent", LATENTS), ("transform", TRANSFORMS)):
        if getattr(card, name) not in table:
            raise unknown(name, getattr(card, name), table)
    shape, classes = card.data.shape, card.data.classes
    if len(shape) not in (1, 3) or (card.transform == "identity") != (len(shape) == 1):
        raise BadInput(
            f"transform {card.transform!r} with samples of shape {shape}; expected images (c, h, w), or "
            "points (d,) with 'identity'"
        )
    if card.step < 0 or (classes is not None and classes < 1):
        raise BadInput(f"step is {card.step} and classes {classes}; expected 0 or more, and 1 or more or none")
    if not all(1 <= number <= MOST_UNITS for number in (card.latent_size, *shape)):
        raise TooBig(f"latent_size is {card.latent_size} and shape {shape}; expected numbers of 1 to {MOST_UNITS:,}")
    if len(card.below) > MOST_STAGES:
        raise TooBig(f"the card has {len(card.below)} stages; expected at most {MOST_STAGES}")
    for row in (card.generator, *card.below):
        _refuse_huge(row)


def _refuse_huge(value: Any) -> None:
    """No whole number of a network's row is negative or huge, and no list of them long."""
    if isinstance(value, int) and not 0 <= value <= MOST_UNITS:
        raise TooBig(f"the generator has the number {value}; expected 0 to {MOST_UNITS:,}")
    items = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []
    if len(items) > MOST_ITEMS:
        raise TooBig(f"the generator has a list of {len(items):,}; expected at most {MOST_ITEMS}")
    for item in items:
        _refuse_huge(item)
