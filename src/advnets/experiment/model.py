"""A model: a generator ready to draw samples, out of a run's newest checkpoint or out of a share file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets import data, figures, statistics
from advnets.assessment import (
    AskedClasses,
    Report,
    Subject,
    evaluate_sampler,
    exhaust,
    plan_from,
)
from advnets.averaging import prepare_sampling
from advnets.baselines import Baseline, is_chain
from advnets.data import TRANSFORMS, Dataset, ImageOptions, Transform, to_uint8
from advnets.errors import AdvnetsError, BadInput, NonFinite, TooBig, Unsupported
from advnets.experiment.samples import Samples
from advnets.games import make
from advnets.latents import LATENTS
from advnets.networks import GeneratorRow, Sizes
from advnets.randomness import Streams, mix_seed
from advnets.recipes import lower_from_json, maker_from_json
from advnets.runs import Card, expected_tensors, physical_memory, share

Given = Tensor | Sequence[int | str] | int | str | None
"""What is given beside noises: classes by name or number, or images."""

BLOCK = 1000
"""Samples that are made at once."""


@dataclass(frozen=True, eq=False)
class Model:
    """A generator and what its samples need; sampling takes no data.

    Attributes:
        name: How reports call it.
        network: The generator, in evaluation mode, on the CPU.
        card: What it is.
    """

    name: str
    network: nn.Module
    card: Card

    @property
    def step(self) -> int:
        """The step that it was trained to."""
        return self.card.step

    def sample(self, n: int = 64, *, seed: int = 0, given: Given = None) -> Samples:
        """Draw samples.

        Args:
            n: How many, 1 or more.
            seed: Seed of the noises. Samples of chains depend on n too, because moves are drawn for all at once.
            given: A class for all or n classes, by name or number; or n images as the network sees them. Where no
                class is given, each is drawn by its share in the training split.

        Returns:
            The samples.

        Raises:
            BadInput: For n below 1, a seed out of range, classes that are not there, and where images have to be given.
            TooBig: If the machine has no memory for so many.
            NonFinite: If the network makes a NaN or an Inf.
        """
        if n < 1:
            raise BadInput(f"n is {n}; expected at least 1 sample")
        if not 0 <= seed < 2**63:
            raise BadInput(f"seed is {seed}; expected a whole number from 0 to 2^63 - 1")
        self._expect_memory(n)
        return self.emit(self.draw(n, seed=seed), seed=seed, given=self._given(n, seed, given))

    def _expect_memory(self, n: int) -> None:
        """Check that n samples and their noises fit in memory; the samples are there twice when they are joined."""
        shape = self.card.data.shape
        each = 2 * math.prod(shape) * (1 if len(shape) == 3 else 4) + 4 * self.card.latent_size
        most = physical_memory() // each
        if n > most:
            raise TooBig(f"n is {n:,}; this machine has memory for {most:,} samples at once. Draw fewer of them.")

    def translate(self, images: Tensor) -> Samples:
        """Translate images by a generator that is given images and takes no noise.

        Args:
            images: Stored images, uint8 (n, c, h, w), of the shape that it was trained on.

        Returns:
            The images that it makes of them.

        Raises:
            BadInput: If it is given no images, or these are of another shape.
        """
        shape = self.card.data.given_shape
        if self.card.given != "images" or tuple(images.shape[1:]) != shape:
            expected = f"images of shape {shape}" if self.card.given == "images" else "a generator that is given images"
            raise BadInput(f"{self.name}: found images of shape {tuple(images.shape[1:])}, expected {expected}")
        seen = self.transform.forward(images)
        return self.emit(self.draw(len(seen), seed=0) if self.card.latent_size else None, given=seen)

    def draw(self, n: int, *, seed: int) -> Tensor:
        """Draw n noises z, (n, latent_size)."""
        if not self.card.latent_size:
            return torch.zeros(n, 0)
        return LATENTS[self.card.latent](self.card.latent_size, self.card.code)(n, torch.Generator().manual_seed(seed))

    def emit(self, z: Tensor | None, *, seed: int = 0, given: Tensor | None = None) -> Samples:
        """Make the samples of noises, or of what is given.

        Args:
            z: Noises (n, latent_size), or None where the generator takes none.
            seed: Seed of what a network draws for itself, as chains do.
            given: Labels (n,), or images as the network sees them, or None.

        Returns:
            The samples.

        Raises:
            NonFinite: If the network makes a NaN or an Inf.
        """
        z = None if z is None or z.shape[1] == 0 else z
        n = len(z if z is not None else given if given is not None else [])
        with torch.no_grad(), Streams(mix_seed("chain", seed), torch.device("cpu")).as_defaults():
            blocks = [self._made(*(part if part is None else part[i : i + BLOCK] for part in (z, given))).values
                      for i in range(0, n, BLOCK)]  # fmt: skip
        values: Any = np.concatenate(blocks)
        return Samples(values)

    def _made(self, z: Tensor | None, given: Tensor | None) -> Samples:
        emitted = make(self.network, z, given)
        if not bool(emitted.isfinite().all()):
            raise NonFinite(f"{self.name}: its network makes NaN or Inf of finite noises; its numbers are too large")
        return Samples.of(emitted, self.transform)

    def _given(self, n: int, seed: int, given: Given) -> Tensor | None:
        """What is given, checked; labels that are not said are drawn by their shares in the training split."""
        if self.card.given is None:
            if given is not None:
                raise BadInput(
                    f"{self.name} was trained without labels and is given nothing beside its noises; expected a model "
                    "that is given labels, as the recipe dcgan-classes trains one. Leave the class out."
                )
            return None
        if self.card.given == "images":
            if not isinstance(given, Tensor):
                raise BadInput(f"{self.name} is given images; expected them as given=, or use translate(images)")
            return given
        classes = self.card.data.classes or 1
        if given is None:
            shares = torch.tensor(self.card.data.frequencies or [1.0] * classes)
            rng = torch.Generator().manual_seed(mix_seed("labels", seed))
            return torch.multinomial(shares, n, replacement=True, generator=rng)
        labels = self._labels(given)
        labels = labels.expand(n) if labels.numel() == 1 else labels
        if len(labels) != n:
            raise BadInput(f"given: found {len(labels)} classes, expected one for all samples, or {n}, one for each")
        if not bool(((labels >= 0) & (labels < classes)).all()):
            wrong = int(labels[(labels < 0) | (labels >= classes)][0])
            raise BadInput(f"given: found class {wrong}, expected 0 to {classes - 1}. Name a class that is there.")
        return labels

    def _labels(self, given: Tensor | Sequence[int | str] | int | str) -> Tensor:
        """Numbers of classes that are given by name or number, (m,) int64."""
        named = [given] if isinstance(given, str) else given.tolist() if isinstance(given, np.ndarray) else given
        if isinstance(named, Sequence):
            named = [self.card.data.label_of(one) if isinstance(one, str) else one for one in named]
        return torch.as_tensor(named).long().reshape(-1)

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
            Unsupported: As `must_be_measurable` does.
        """
        self.must_be_measurable()
        labels = self._given(n, seed, None)  # those that `sample` draws where no class is given
        asked = None if labels is None else AskedClasses(labels, self.card.data.class_names)
        return Subject(self.name, self.sample(n, seed=seed).stored_values, self.step, asked=asked)

    def must_be_measurable(self) -> None:
        """Check that its samples can be measured.

        Raises:
            Unsupported: If its transform has no inverse, as then brightness and contrast are lost; and if it is
                given images.
        """
        if not self.transform.invertible:
            raise Unsupported(
                f"{self.name}: samples under the transform {self.card.transform!r} have lost the brightness and "
                "contrast that are measured; look at them: `advnets sample`, `advnets figures figure2`"
            )
        if self.card.given == "images":
            raise Unsupported(f"{self.name} translates images, and `evaluate` measures what is drawn of noises alone")

    def figure2(self, dataset: Dataset, *, seed: int = 0) -> Any:
        """Figure 2 of the 2014 paper: 4 x 5 fresh samples; last column, the nearest training image of the fifth."""
        samples = self.sample(20, seed=seed).values
        fifth = torch.from_numpy(samples[4::5]).permute(0, 3, 1, 2).flatten(1)
        dataset.train.verify()
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
        if is_chain(self.network):
            raise Unsupported(
                f"{self.name} draws by Markov chains, which forget where in z they began, so that a line in z is not "
                "seen. Look at its samples: `advnets figures grid`."
            )
        ends = self.draw(2 * rows, seed=seed)
        weights = torch.linspace(0, 1, columns)[None, :, None]
        z = torch.lerp(ends[:rows, None], ends[rows:, None], weights.expand(rows, columns, 1))
        images = self.emit(z.flatten(0, 1)).values
        return figures.draw_figure3(images.astype(np.uint8).reshape(rows, columns, *images.shape[1:]))


def export(model: Model, path: Path, *, half: bool, licence: str, notes: str, report: Mapping[str, Any] | None) -> Path:
    """Write a model as a share file, and read it back.

    Args:
        model: The model.
        path: The file, which must not be there.
        half: Whether its numbers are written in half precision.
        licence: The author's words, on the card.
        notes: The author's words, on the card.
        report: What `evaluate` measured of it, if it did.

    Returns:
        The path.

    Raises:
        BadInput: As `share.write_generator` and `share.read_generator` do.
    """
    card = replace(model.card, half=half, licence=licence, notes=notes, report=report)
    expected_tensors(card, build_on_meta)
    share.write_generator(path, card, model.network.state_dict())
    read_model(path)
    return path


def read_model(path: Path) -> Model:
    """Return the model in a share file. Raises what `share.read_generator` does."""
    card, tensors = share.read_generator(path, lambda card: expected_tensors(card, build_on_meta))
    return Model(path.name, with_weights(build_on_meta(card), tensors), card)


def build_on_meta(card: Card) -> nn.Module:
    """Build a card's generator without its numbers, on the meta device. Raises BadInput if it cannot be built."""
    return build_row_on_meta(maker_from_json(card.generator), card)


def build_row_on_meta(row: GeneratorRow | Baseline, card: Card) -> nn.Module:
    """Build a generator without its numbers, on the meta device.

    Args:
        row: The generator's row.
        card: What it is sized by, and the layers of later stages.

    Returns:
        The network.

    Raises:
        BadInput: If it cannot be built.
    """
    data = card.data
    classes = data.classes if card.given == "labels" else None
    sizes = Sizes(data.shape, card.latent_size, classes, data.given_shape, card.code)
    try:
        with torch.device("meta"):
            return with_lower_layers(row.build(sizes), card)
    except AdvnetsError:
        raise
    except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise BadInput(f"the generator cannot be built of {row}: {error}") from error


def with_lower_layers(network: nn.Module, card: Card) -> nn.Module:
    """Return the generator with the layers of the card's later stages before it."""
    for layers in card.below:
        network = nn.Sequential(lower_from_json(layers).build(Sizes(card.data.shape, card.latent_size)), network)
    return network


def with_weights(network: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return the network with copies of these tensors as its own, to be sampled. Raises BadInput if they do not fit."""
    # Copies lie as torch aligns them: products of matrices that lie otherwise may differ in their last bit.
    aligned = {name: tensor.clone() for name, tensor in tensors.items()}
    try:
        network.load_state_dict(aligned, assign=True)
    except RuntimeError as error:
        raise BadInput(f"the checkpoint is of other networks than these: {error}") from error
    # A product with a tensor without numbers may raise nothing, and read what lies in memory.
    assert not any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())), "a buffer of no state"
    return prepare_sampling(network)
