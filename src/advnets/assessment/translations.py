"""Translations beside what needs no generator: the images of each side, their scores, and their jackknives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from advnets.assessment.reference import Reference
from advnets.data import Split
from advnets.errors import BadInput
from advnets.extractors import extract_features
from advnets.metrics.fast_jackknives import frechet_jackknife, kernel_jackknife
from advnets.metrics.paired import PAIRED
from advnets.statistics import BLOCKS, Jackknife, find_nearest, jackknife
from advnets.statistics.arrays import Floats

MODEL = "model"
BASELINES = {
    "copy": "the input itself",
    "mean": "the mean training image of the kind that is made",
    "nearest": "the target of the nearest training input",
}
"""{side: what it makes of an input}; none of them needs a generator."""

DISTANCES = {"fid": frechet_jackknife, "kid": kernel_jackknife}
"""{measure: the jackknife of the distance of two sets of features}"""


@dataclass(frozen=True, eq=False)
class Translations:
    """What samples are translations of.

    Attributes:
        inputs: Images that were translated, (n, c', h', w') uint8, in the order of the samples.
        targets: What each should be, (n, c, h, w) uint8; None where nothing pairs both kinds of images.
        again: The translations on the way back, (n, c', h', w') uint8; None where there is no way back.
        labels: The class of each input, (n,) int64; None where it is not known.
    """

    inputs: Tensor
    targets: Tensor | None = None
    again: Tensor | None = None
    labels: Tensor | None = None

    def require_targets(self) -> Tensor:
        """Return the targets.

        Returns:
            What each translation should be, (n, c, h, w) uint8.

        Raises:
            BadInput: If nothing pairs the images.
        """
        if self.targets is None:
            raise BadInput("no targets: nothing pairs the inputs with images that they should become")
        return self.targets

    def require_again(self) -> Tensor:
        """Return what came back.

        Returns:
            The translations on the way back, (n, c', h', w') uint8.

        Raises:
            BadInput: If there is no way back.
        """
        if self.again is None:
            raise BadInput("no way back: it takes the run of a cycle")
        return self.again

    def require_labels(self) -> Tensor:
        """Return the classes of the inputs.

        Returns:
            The class of each input, (n,) int64.

        Raises:
            BadInput: If they are not known.
        """
        if self.labels is None:
            raise BadInput("no classes of the inputs are known")
        return self.labels


def baseline_images(train: Split, inputs: Tensor, shape: tuple[int, ...]) -> dict[str, Tensor]:
    """Return what needs no generator, in place of translations.

    Args:
        train: Training images, with those that they are made of as `given`.
        inputs: Images that are translated, (n, c', h', w') uint8.
        shape: Of a translation, (c, h, w).

    Returns:
        {side: images (n, c, h, w) uint8} of the sides of `BASELINES` that there are: a copy where both kinds are of
        one shape, the nearest pair where there are pairs.
    """
    train.verify()
    mean = (train.values.sum(0, dtype=torch.int64) / len(train)).round().to(torch.uint8)
    sides = {"mean": mean.expand(len(inputs), *shape)}
    if inputs.shape[1:] == shape:
        sides["copy"] = inputs
    if train.given is not None and train.is_paired:
        sides["nearest"] = train.values[find_nearest(inputs.contiguous(), train.given.contiguous())[0]]
    return {side: sides[side] for side in BASELINES if side in sides}


def jackknife_scores(scores: Floats) -> Jackknife:
    """Return the jackknife of the mean of a score of images, over blocks of them.

    Args:
        scores: One an image, (n,). Two sides whose scores are of the same images, in one order, are paired by it.

    Returns:
        The jackknife, on which no other real items have any effect.

    Raises:
        BadInput: For fewer images than blocks.
    """
    column = torch.from_numpy(scores).double()[:, None]
    return jackknife(lambda some, _: float(some.mean()), column, torch.zeros(BLOCKS, 1), crossed=False)


@dataclass(frozen=True, eq=False)
class TranslationSides:
    """Translations beside the baselines, each of which is computed once.

    Attributes:
        made: The translations, (n, c, h, w) uint8.
        translations: What they are translations of.
        reference: The real images of the kind that is made.
        features: Features of the translations, (n, d).
    """

    made: Tensor
    translations: Translations
    reference: Reference
    _jackknives: dict[tuple[str, str], Jackknife] = field(default_factory=dict, init=False, repr=False)
    _scores: dict[tuple[str, str], Floats] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def images(self) -> Mapping[str, Tensor]:
        """Images of each side."""
        train = self.reference.dataset.train
        shape = tuple(self.made.shape[1:])
        return {MODEL: self.made, **baseline_images(train, self.translations.inputs, shape)}

    def of(self, side: str) -> Tensor:
        """Return the images of a side; raises BadInput if there is none, with the reason."""
        if side not in self.images:
            reasons = {
                "copy": "the inputs are of another shape than what is made of them",
                "nearest": "the training images are no pairs",
            }
            raise BadInput(f"nothing to hold beside it: {reasons[side]}")
        return self.images[side]

    def scores(self, measure: str, side: str) -> Floats:
        """Return the scores of a side against the targets, (n,).

        Args:
            measure: A row of PAIRED.
            side: MODEL, or a name in BASELINES.

        Raises:
            BadInput: If there are no targets, no such side, or images too small for the measure.
        """
        if (measure, side) not in self._scores:
            found = PAIRED[measure](self.of(side), self.translations.require_targets())
            self._scores[measure, side] = found
        return self._scores[measure, side]

    def jackknife(self, measure: str, side: str) -> Jackknife:
        """Return the jackknife of the distance of a side from held-out images.

        Args:
            measure: A name in DISTANCES.
            side: As in `scores`.

        Raises:
            BadInput: If there is no such side, or there are too few images.
        """
        if (measure, side) not in self._jackknives:
            extractor, reference = self.reference.extractor, self.reference
            images = self.of(side)
            features = extract_features(extractor, images[:1]).expand(len(images), -1) if side == "mean" else None
            features = extract_features(extractor, images) if features is None else features
            found = DISTANCES[measure](features, reference.held_out_features[reference.order])
            self._jackknives[measure, side] = found
        return self._jackknives[measure, side]
