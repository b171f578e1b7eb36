"""Measuring a run: the number, its protocol, and the controls that show what it is worth."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from advnets import metrics, runs
from advnets.data import Dataset, Split
from advnets.errors import Unsupported, unknown
from advnets.experiment.measure import Measure
from advnets.experiment.recognition import Recognition, in_percent, recognise
from advnets.experiment.samples import Samples

SPLITS = ("validation", "test")
MOST_FLOATS = 2**28
"""Pixels of a split that are measured, 1 GiB as floats: of larger splits a fixed random draw is."""
SELECTION = 1000
"""Images that sigma is chosen on: the first of the validation split, as in parzen_ll.py."""


@dataclass(frozen=True)
class Report:
    """What `evaluate` measured of a run: the Parzen score of its samples, its controls, and the classes it draws.

    classes: shares by the nearest real image, of 1,000 samples; recognition: what a classifier makes of the samples.
    Both are None where the data have no labels, and the latter where it was not asked for.
    """

    run: str
    step: int
    parzen: Measure
    controls: Mapping[str, metrics.Estimate]
    classes: metrics.Estimate | None
    recognition: Recognition | None
    seconds: float

    def share_of_the_way(self) -> float:
        """Where the score lies between the mean image (0) and as many real images (1)."""
        low, high = self.controls["mean image"].value, self.controls["real images"].value
        return (self.parzen.estimate.value - low) / (high - low)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "run": self.run,
            "step": self.step,
            "parzen": self.parzen.as_dict(),
            "controls": {name: estimate.as_dict() for name, estimate in self.controls.items()},
            "share_of_the_way": self.share_of_the_way(),
            "classes": None if self.classes is None else self.classes.as_dict(),
            "recognition": None if self.recognition is None else self.recognition.as_dict(),
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        return self.markdown()

    def markdown(self) -> str:
        """The report as a page of Markdown."""
        protocol = self.parzen.protocol
        rows = [("this run", self.parzen.estimate), *self.controls.items()]
        lines = [
            f"# {self.run} at step {self.step}",
            "",
            f"Parzen window log-likelihood, {protocol['parzen']}, {protocol['split']} split, in nats; sigma was chosen "
            f"on {protocol['n_selection']} validation images and the score read on {protocol['n']} others.",
            "",
            "| centres | how many | nats | standard error | sigma | edge | ceiling |",
            "| --- | ---: | ---: | ---: | ---: | --- | ---: |",
            *(_row(name, estimate) for name, estimate in rows),
            "",
            f"{100 * self.share_of_the_way():.0f} % of the way from the mean image to as many real images. It is not "
            "a log-likelihood of the model, and centres above the real images' row are blur, not quality "
            "(Theis et al. 2016).",
        ]
        if self.classes is not None:
            lines += ["", f"Classes of the samples by the nearest real image, in %: {in_percent(self.classes)}."]
        if self.recognition is not None:
            lines += ["", *self.recognition.lines()]
        return "\n".join(lines) + "\n"


def measure(
    samples: Samples,
    dataset: Dataset,
    *,
    split: str,
    protocol: str,
    seed: int,
    run: str,
    step: int,
    classifier: bool = True,
) -> Report:
    """Measure samples of a run on a split of its data; with a classifier too, unless told not to.

    Sigma is chosen on the first 1,000 validation images, or the first half if there are fewer than 2,000; the score
    of the validation split is read on its other images. Raises BadInput for an unknown split or protocol.
    """
    began = time.monotonic()
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if protocol not in metrics.PROTOCOLS:
        raise unknown("protocol", protocol, metrics.PROTOCOLS)
    if not dataset.is_image:
        raise Unsupported(f"{dataset.name} holds points; Parzen windows on [0, 1] images are what is measured here")
    held = within_memory(dataset)
    selection, points = selection_and_points(held, split)
    centres = centres_of(samples)
    train = flat(held.train)
    estimate = metrics.parzen(points, centres, selection, protocol=protocol)
    told = {"parzen": protocol, "split": split, "n": len(points), "n_selection": len(selection),
            "samples": len(centres), "train": len(train), "seed": seed,
            "data": dataset.name, "digest": dataset.digest}  # fmt: skip
    return Report(
        run=run,
        step=step,
        parzen=Measure("parzen", estimate, told),
        controls=metrics.controls(train, points, selection, n=len(centres), seed=seed, protocol=protocol),
        classes=_classes(centres, held, train),
        recognition=recognise(samples, dataset, split=split, seed=seed) if classifier and dataset.classes else None,
        seconds=time.monotonic() - began,
    )


def within_memory(dataset: Dataset, most: int = MOST_FLOATS) -> Dataset:
    """The data set, with a fixed random draw in place of each split of more than `most` pixels; its digest is kept."""
    rows = max(1, most // dataset.train.values[0].numel())
    if all(len(split) <= rows for split in dataset.splits.values()):
        return dataset
    train, validation, test = (_drawn(split, rows) for split in dataset.splits.values())
    return replace(dataset, train=train, validation=validation, test=test, digest_known=dataset.digest)


def _drawn(split: Split, rows: int) -> Split:
    chosen = torch.randperm(len(split), generator=torch.Generator().manual_seed(0))[:rows].sort().values
    return Split(split.values[chosen], None if split.labels is None else split.labels[chosen])


def flat(split: Split) -> Tensor:
    """The images of a split as (n, d) float32 in [0, 1]."""
    return split.values.flatten(1).float() / 255


def note_reading(path: Path, report: Report) -> None:
    """Add one line to the run's list of readings of the test split, which is to be read once."""
    told = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "step": report.step,
            "nats": report.parzen.estimate.value, **report.parzen.protocol}  # fmt: skip
    runs.Journal(path).append(told)


def write_report(folder: Path, report: Report) -> None:
    """Write report.json and report.md, each whole or not at all."""
    runs.write_json(folder / "report.json", report.as_dict())
    runs.write_bytes(folder / "report.md", report.markdown().encode())


def usual_samples(dataset: Dataset) -> int:
    """Samples that are measured: 10,000, or as many as there are training images or as 1 GiB holds."""
    most = min(10_000, MOST_FLOATS // dataset.train.values[0].numel())
    return min(most, len(dataset.train) // 1000 * 1000 or len(dataset.train))


def centres_of(samples: Samples) -> Tensor:
    """Samples that are images as (n, d) float32 in [0, 1]."""
    return torch.from_numpy(samples.values).permute(0, 3, 1, 2).flatten(1).float() / 255


def selection_and_points(dataset: Dataset, split: str) -> tuple[Tensor, Tensor]:
    """The images that sigma is chosen on, and those of the split that the score is read on."""
    validation = flat(dataset.validation)
    chosen = min(SELECTION, len(validation) // 2)
    rest = validation[chosen:] if split == "validation" else flat(dataset.test)
    return validation[:chosen], rest


def _classes(centres: Tensor, dataset: Dataset, train: Tensor) -> metrics.Estimate | None:
    if dataset.train.labels is None or not dataset.classes:
        return None
    some = np.random.default_rng(0).permutation(len(train))[:10_000]
    near = metrics.nearest_class(centres[:1000], train[some], dataset.train.labels[some])
    return metrics.class_shares(near, dataset.classes)


def _row(name: str, estimate: metrics.Estimate) -> str:
    notes = estimate.notes
    edge = "yes" if notes["edge"] else "no"
    return (
        f"| {name} | {notes['n_centres']:,} | {estimate.value:.1f} | {estimate.standard_error:.1f} "
        f"| {notes['sigma']:.4f} | {edge} | {notes['ceiling']:.0f} |"
    )
