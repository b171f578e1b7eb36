"""The flags that say how samples are measured, which `evaluate` and `compare` share."""

from dataclasses import dataclass
from pathlib import Path

from advnets.assessment import EvaluationPlan, parse_measure_names

IMAGE_GROUP = {
    "images in files, and those of --against": (
        "image_size", "image_fit", "image_alpha", "image_channels", "cache_memory", "verify",
    ),
}  # fmt: skip
"""The flags of images in the help of both verbs."""


@dataclass(frozen=True)
class MeasuringFlags:
    """How samples are measured.

    Attributes:
        split: The split of the real images that is read.
        measures: Take only these measures; default all that the data allow.
        extractor: What computes features; default classifier with labels, random without.
        weights: The weights of inception (default: cached or downloaded), or the .onnx file.
        protocol: How the Parzen window score chooses its width: from ten, by golden section, or always .2.
        n: Number of samples; default 10,000, or fewer if there are fewer training images, or samples in a file.
        seed: Seed of the noise and of random draws.
        no_classifier: Leave out the measures that need a classifier.
    """

    split: str = "validation"
    measures: str | None = None
    extractor: str | None = None
    weights: Path | None = None
    protocol: str = "goodfellow2014"
    n: int | None = None
    seed: int = 0
    no_classifier: bool = False

    @property
    def measure_names(self) -> tuple[str, ...] | None:
        """The measures that are asked for; None for the default."""
        return parse_measure_names(self.measures)

    def plan(self, *, figures: bool = False) -> EvaluationPlan:
        """Return the plan of an evaluation by these flags.

        Args:
            figures: Whether figures are drawn too.

        Returns:
            The plan.

        Raises:
            BadInput: As `EvaluationPlan` does.
            Missing: If the file of weights is not there.
        """
        return EvaluationPlan(
            split=self.split,
            measures=self.measure_names,
            extractor=self.extractor,
            weights=self.weights,
            classifier=not self.no_classifier,
            protocol=self.protocol,
            n=self.n,
            seed=self.seed,
            figures=figures,
        )
