"""Which modes samples fall into: the nearest real image, its class, and the share of each class."""

import math

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.estimate import Estimate, Note
from advnets.metrics.parzen import Array, flatten, full_precision, same_width, squared_distances

BLOCK = (1024, 4096)
"""Samples x real images of one product."""

CANDIDATES = 4
"""Real images that the fast distances name for each sample, to be compared without rounding."""


def nearest(samples: Array, real: Array, *, block: tuple[int, int] = BLOCK) -> tuple[Tensor, Tensor]:
    """The nearest real image of every sample by squared pixel distance, |x - r|^2.

    The CANDIDATES nearest by a float32 matrix product are measured again by direct difference in float64, so that a
    copy is at distance 0; of equally near ones among them the first is taken.
    samples: x, (n, ...); real: r, (m, ...); both bytes, or both floats in the same unit.
    block: samples x real images of one product; changes the speed, not the result.
    Gives indices into real, (n,) int64, and squared distances, (n,) float64, in that unit squared.
    Raises BadInput for a bad shape or value, or for bytes beside floats.
    """
    x, r = flatten(samples, "samples"), flatten(real, "real")
    same_width(x, r, "samples and real")
    if x.is_floating_point() != r.is_floating_point():
        raise BadInput(f"samples and real: found {x.dtype} and {r.dtype}, expected one scale. Bring both to [0, 1].")
    r = r.to(x.device)
    # In parts: real images may be mapped, and more than memory holds.
    parts = r.chunk(-(-len(r) // block[1]))
    origin = (torch.stack([part.double().sum(0) for part in parts]).sum(0) / len(r)).float()
    with full_precision():
        found = [_nearest(x[start : start + block[0]], r, origin, block[1]) for start in range(0, len(x), block[0])]
    return torch.cat([index for index, _ in found]), torch.cat([distance for _, distance in found])


def _nearest(x: Tensor, r: Tensor, origin: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """`nearest` for one block of samples x (b, d)."""
    centred = x.float() - origin
    norms = centred.square().sum(1, keepdim=True)
    best, index = centred.new_empty(len(x), 0), torch.empty(len(x), 0, dtype=torch.int64, device=x.device)
    for start in range(0, len(r), width):
        part = r[start : start + width].float() - origin
        distances = squared_distances(centred, part, norms, s_norms=part.square().sum(1))
        near, where = distances.topk(min(CANDIDATES, len(part)), largest=False)
        best, index = torch.cat([best, near], 1), torch.cat([index, where + start], 1)
        best, kept = best.topk(min(CANDIDATES, best.shape[1]), largest=False)
        index = index.gather(1, kept)
    index = index.sort(1).values  # argmin takes the first of equals: the lowest index
    exact = torch.stack([(x.double() - r[column].double()).square().sum(1) for column in index.T], 1)
    first = exact.argmin(1, keepdim=True)
    return index.gather(1, first)[:, 0], exact.gather(1, first)[:, 0]


def nearest_class(samples: Array, real: Array, labels: Array) -> Tensor:
    """The class of every sample: the label of its nearest real image (1-nearest-neighbour rule, Cover and Hart, 1967).

    samples, real: as in `nearest`. labels: the classes of real, (m,) integers from 0.
    Gives (n,) int64. Raises BadInput as `nearest` does, and for labels that do not fit.
    """
    classes = torch.as_tensor(labels)
    if classes.shape != (len(real),) or classes.is_floating_point() or bool((classes < 0).any()):
        found = f"{tuple(classes.shape)} of {classes.dtype}"
        raise BadInput(f"labels: found {found}, expected ({len(real)},) integers from 0. Give one for each real image.")
    index, _ = nearest(samples, real)
    return classes.to(index)[index]


def class_shares(samples: Array, real: Array, labels: Array, n_classes: int) -> Estimate:
    """The smallest share p_c that any class has among samples: 0 if one is missing, 1 / n_classes if all are even.

    samples, real, labels: as in `nearest_class`. n_classes: how many classes there are.
    Its error is sqrt(p_c (1 - p_c) / n), that of a class named beforehand; the smallest of several is biased low.
    Notes: "class 0" and so on, their shares; entropy, -sum_c p_c log p_c, nats, at most log n_classes; missing,
    classes without a sample, counted; n. Raises BadInput as `nearest_class` does, and for a label from n_classes on.
    """
    classes = nearest_class(samples, real, labels)
    largest = int(torch.as_tensor(labels).max())
    if largest >= n_classes:
        raise BadInput(f"labels: found class {largest}, expected below {n_classes}. Raise n_classes.")
    n = len(classes)
    shares = [count / n for count in torch.bincount(classes, minlength=n_classes).tolist()]
    notes: dict[str, Note] = {f"class {name}": share for name, share in enumerate(shares)}
    notes["entropy"] = -sum(share * math.log(share) for share in shares if share > 0)
    notes |= {"missing": shares.count(0.0), "n": n}
    least = min(shares)
    return Estimate(least, math.sqrt(least * (1 - least) / n), notes=notes)
