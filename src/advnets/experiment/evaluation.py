"""Measuring a run: the number, its protocol, and the controls that show what it is worth."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from advnets import metrics
from advnets.data import Dataset, Split
from advnets.errors import BadInput, Unsupported, unknown
from advnets.experiment.samples import Samples

SPLITS = ("validation", "test")
MOST_FLOATS = 2**28
"""Pixels of a split that are measured, 1 GiB as floats: of larger splits a fixed random draw is."""
SELECTION = 1000
"""Images that sigma is chosen on: the first of the validation split, as in parzen_ll.py."""


@dataclass(frozen=True)
class Measure:
    """An estimate and the protocol it was made by; measures of different protocols refuse to be compared.

    name: what was measured. estimate: the number. protocol: split, n, samples, seed, data and settings.
    """

    name: str
    estimate: metrics.Estimate
    protocol: Mapping[str, Any]

    def __sub__(self, other: "Measure") -> float:
        """The difference of two values, in their unit; raises BadInput if their protocols differ."""
        differing = sorted(
            key for key in {*self.protocol, *other.protocol} if self.protocol.get(key) != other.protocol.get(key)
        )
        if self.name != other.name or differing:
            what = differing or ["name"]
            raise BadInput(
                f"{self.name} and {other.name} were measured differently ({', '.join(what)}): not comparable"
            )
        return self.estimate.value - other.estimate.value


@dataclass(frozen=True)
class Report:
    """What `evaluate` measured of a run: the Parzen score of its samples, its controls, and the classes it draws."""

    run: str
    step: int
    parzen: Measure
    controls: Mapping[str, metrics.Estimate]
    classes: metrics.Estimate | None
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
            "parzen": {**asdict(self.parzen.estimate), "protocol": dict(self.parzen.protocol)},
            "controls": {name: asdict(estimate) for name, estimate in self.controls.items()},
            "share_of_the_way": self.share_of_the_way(),
            "classes": None if self.classes is None else asdict(self.classes),
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
            shares = ", ".join(f"{name} {100 * float(share):.1f}" for name, share in _shares(self.classes).items())
            lines += ["", f"Classes of the samples by the nearest real image, in %: {shares}."]
        return "\n".join(lines) + "\n"


def measure(samples: Samples, dataset: Dataset, *, split: str, protocol: str, seed: int, run: str, step: int) -> Report:
    """Measure samples of a run on a split of its data.

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
    dataset = within_memory(dataset)
    selection, points = _selection_and_points(dataset, split)
    centres = torch.from_numpy(samples.values).permute(0, 3, 1, 2).flatten(1).float() / 255
    train = flat(dataset.train)
    estimate = metrics.parzen(points, centres, selection, protocol=protocol)
    told = {"parzen": protocol, "split": split, "n": len(points), "n_selection": len(selection),
            "samples": len(centres), "train": len(train), "seed": seed,
            "data": dataset.name, "digest": dataset.digest}  # fmt: skip
    return Report(
        run=run,
        step=step,
        parzen=Measure("parzen", estimate, told),
        controls=metrics.controls(train, points, selection, n=len(centres), seed=seed, protocol=protocol),
        classes=_classes(centres, dataset, train),
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
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")


def _selection_and_points(dataset: Dataset, split: str) -> tuple[Tensor, Tensor]:
    validation = flat(dataset.validation)
    chosen = min(SELECTION, len(validation) // 2)
    rest = validation[chosen:] if split == "validation" else flat(dataset.test)
    return validation[:chosen], rest


def _classes(centres: Tensor, dataset: Dataset, train: Tensor) -> metrics.Estimate | None:
    if dataset.train.labels is None or not dataset.classes:
        return None
    some = np.random.default_rng(0).permutation(len(train))[:10_000]
    return metrics.class_shares(centres[:1000], train[some], dataset.train.labels[some], dataset.classes)


def _shares(classes: metrics.Estimate) -> dict[str, float]:
    return {
        name.removeprefix("class "): float(share) for name, share in classes.notes.items() if name.startswith("class ")
    }


def _row(name: str, estimate: metrics.Estimate) -> str:
    notes = estimate.notes
    edge = "yes" if notes["edge"] else "no"
    return (
        f"| {name} | {notes['n_centres']:,} | {estimate.value:.1f} | {estimate.error:.1f} | {notes['sigma']:.4f} "
        f"| {edge} | {notes['ceiling']:.0f} |"
    )
