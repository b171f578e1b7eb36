"""How near translations come to their targets, beside what needs no generator."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from advnets.assessment import Progress, baseline_images
from advnets.data import Dataset, Split
from advnets.errors import BadInput
from advnets.experiment.sampling.blocks import ShowProgress, ignore_progress
from advnets.experiment.sampling.translation import TranslationPlan, translate_stored
from advnets.metrics.paired import PAIRED, mean_score
from advnets.metrics.paired.ssim import SIDE
from advnets.runs import Card
from advnets.statistics import Estimate, paired_difference
from advnets.statistics.arrays import Floats

MODEL = "model"
ABOUT = {
    MODEL: "translations by the generator",
    "nearest": "the target of the training pair whose given image is nearest",
    "mean": "the mean of all training targets, for every image",
    "copy": "the given image itself",
}
"""{side: what is held against the targets}"""


@dataclass(frozen=True)
class TranslationScores:
    """Scores of a generator and of what needs none, on the same held-out pairs.

    Attributes:
        split: Name of the split that the pairs are of.
        scores: {measure: {side: scores (n,) in the order of the split}}; the sides are those of `ABOUT`.
    """

    split: str
    scores: Mapping[str, Mapping[str, Floats]]

    def mean(self, measure: str, side: str = MODEL) -> Estimate:
        """Return the mean score of a side, with its error over the draw of images.

        Args:
            measure: Name of the measure, a key of `scores`.
            side: One of `ABOUT`; by default the generator.

        Returns:
            The mean over the images, in the unit of the measure.
        """
        return mean_score(self.scores[measure][side])

    def difference(self, measure: str, side: str) -> Estimate:
        """Return the generator's score less that of another side, paired by image; see `paired_difference`.

        Args:
            measure: Name of the measure, a key of `scores`.
            side: The other side, one of `ABOUT`.

        Returns:
            The mean difference with its error, in the unit of the measure.
        """
        return paired_difference(self.scores[measure][MODEL], self.scores[measure][side])

    def __str__(self) -> str:
        """A row for each measure and side: its mean, and how far the generator is from it."""
        rows = ["| measure | side | mean | model less side | p |", "| --- | --- | --- | --- | --- |"]
        for measure, sides in self.scores.items():
            for side in sides:
                mean, apart = self.mean(measure, side), "" if side == MODEL else self.difference(measure, side)
                p = f"{apart.p_value:.2g}" if isinstance(apart, Estimate) else ""
                less = f"{apart.value:+.3g} +- {apart.error or 0:.2g}" if isinstance(apart, Estimate) else ""
                error = "" if mean.error is None else f" +- {mean.error:.2g}"
                rows.append(f"| {measure} | {side} | {mean.value:.4g}{error} | {less} | {p} |")
        return "\n".join(rows)


def score_translations(
    network: nn.Module,
    card: Card,
    dataset: Dataset,
    *,
    name: str = "model",
    split: str = "test",
    plan: TranslationPlan = TranslationPlan(),  # noqa: B008 - frozen
    show: ShowProgress = ignore_progress,
) -> TranslationScores:
    """Translate held-out images, and score them and what needs no generator against the targets.

    The sides that need no generator are the given image itself, the mean of all training targets, and the target of the
    training pair whose given image is nearest. L1 and PSNR reward what is blurred: the mean image is hard to beat.

    Args:
        network: The generator, in evaluation mode.
        card: What it is.
        dataset: Pairs of the size that it was trained on; the training split is read for the baselines.
        name: How errors call the generator.
        split: Which of its splits is scored.
        plan: How images are translated, once each.
        show: Called with the progress.

    Returns:
        The scores. SSIM is left out of images whose sides are below 11, its window.

    Raises:
        BadInput: If the data are no pairs, for several translations of an image, and as `translate_image` does.
    """
    train, held_out = dataset.train, dataset.splits[split]
    _expect_pairs(dataset, held_out)
    if plan.n != 1:
        raise BadInput(f"n is {plan.n}; expected 1, for each image is scored once. Score other seeds by themselves.")
    held_out.verify()
    given, targets = _given_of(held_out), held_out.values
    sides = baseline_images(train, given, tuple(targets.shape[1:]))
    sides[MODEL] = _translate(network, card, given, plan, name, show)
    measures = {key: score for key, score in PAIRED.items() if key != "ssim" or min(targets.shape[2:]) >= SIDE}
    order = [side for side in ABOUT if side in sides]
    return TranslationScores(
        split, {key: {side: score(sides[side], targets) for side in order} for key, score in measures.items()}
    )


def _translate(
    network: nn.Module, card: Card, given: Tensor, plan: TranslationPlan, name: str, show: ShowProgress
) -> Tensor:
    made = []
    for number, image in enumerate(given, 1):
        made.append(translate_stored(network, card, image[None], plan, name=name))
        show(Progress(f"{number:,} of {len(given):,} images", number / len(given)))
    return torch.from_numpy(np.concatenate(made)).permute(0, 3, 1, 2)


def _given_of(split: Split) -> Tensor:
    assert split.given is not None
    return split.given


def _expect_pairs(dataset: Dataset, split: Split) -> None:
    if split.given is None or not split.is_paired:
        found = "no given images" if split.given is None else "images that nothing pairs"
        raise BadInput(
            f"{dataset.name}: found {found}, expected pairs, for each translation is held against its target. Give "
            "data as the recipe pix2pix reads them."
        )
