"""The FID that a library would print: python examples/published_fid.py MADE REAL [LIBRARY] [WEIGHTS]

MADE, REAL: folders, .zip or .npz files of images, or data sets by name. LIBRARY: a name of metrics.CONVENTIONS.
WEIGHTS: the file of Inception's weights; without it they are taken from the cache, or downloaded once and verified.
"""

import sys
from pathlib import Path

import torch

from advnets import data, extractors, metrics


def images(place: str) -> torch.Tensor:
    """All of them, whatever split they would be in: published numbers part nothing."""
    return torch.cat([split.values for split in data.load(place).splits.values()])


made, real, *more = sys.argv[1:]
convention = metrics.convention(more[0] if more else "pytorch-fid")
if convention.frechet is None or convention.preparation is None:
    sys.exit(f"{convention.library}: it has no FID")
weights = Path(more[1]) if len(more) > 1 else None
inception = extractors.inception_extractor(weights, convention=convention.preparation)
sides = [inception.features(images(place)) for place in (made, real)]
print(metrics.frechet(sides[0], sides[1], **convention.frechet))
print(inception.id)
if convention.differs:
    print("not copied:", convention.differs)
