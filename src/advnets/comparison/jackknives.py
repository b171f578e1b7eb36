"""The measures of which two sets of samples are compared against the same real images, block by block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import torch
from torch import Tensor

from advnets import metrics, statistics
from advnets.assessment.context import Context
from advnets.assessment.reference import selection_and_points, to_unit_interval
from advnets.errors import BadInput, NonFinite

Pair = tuple[Tensor, Tensor]


def _whole(case: Context) -> Pair:
    """Features of all samples, and of all held-out images in random order."""
    return case.features, case.reference.held_out_features[case.reference.order]


def _drawn_features(case: Context) -> Pair:
    """Features of a draw of the samples, in the order they were made, and of as many held-out images."""
    real = case.reference.draw_indices(case.n)
    return case.features[case.order[: len(real)].sort().values], case.reference.held_out_features[real]


def _manifolds(case: Context) -> dict[str, statistics.Jackknife]:
    return metrics.manifold_jackknife(*_drawn_features(case))


def _class_distance(case: Context) -> dict[str, statistics.Jackknife]:
    """Total variation distance of the classes of samples from those of held-out images, both by the classifier."""
    classes = case.reference.dataset.classes
    assert classes is not None
    real = case.reference.held_out_logits[case.reference.order]
    votes = [torch.eye(classes)[each.argmax(1)] for each in (case.logits, real)]
    return {"class-distance": statistics.jackknife(lambda p, q: float((p.mean(0) - q.mean(0)).abs().sum() / 2), *votes)}


def _nearest_training(case: Context) -> dict[str, statistics.Jackknife]:
    """The chance that a sample lies nearer to the training images than a held-out image does, which are as they are."""
    train = case.reference.train_features
    ours, theirs = (statistics.find_nearest(features, train)[1][:, None] for features in _whole(case))
    return {"nearest-training": statistics.jackknife(_chance_smaller, ours, theirs)}


def _chance_smaller(ours: Tensor, theirs: Tensor) -> float:
    a, b = ours[:, 0].contiguous(), theirs[:, 0].sort().values
    below, to = torch.searchsorted(b, a), torch.searchsorted(b, a, right=True)
    return 1 - float((below + to).double().mean()) / (2 * len(b))


def _parzen(case: Context) -> dict[str, statistics.Jackknife]:
    selection, points = selection_and_points(case.reference.dataset, case.reference.split)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    centres = case.centres
    choose = metrics.PROTOCOLS[case.protocol].choose
    sigma, _ = choose(lambda sigmas: metrics.log_densities(selection, centres, sigmas).mean(1).tolist())
    return {"parzen": metrics.parzen_jackknife(points[order], centres, sigma)}


FAMILIES: dict[tuple[str, ...], Callable[[Context], dict[str, statistics.Jackknife]]] = {
    ("fid",): lambda case: {"fid": metrics.frechet_jackknife(*_whole(case))},
    ("kid",): lambda case: {"kid": metrics.kernel_jackknife(*_whole(case))},
    ("precision", "density", "recall", "coverage"): _manifolds,
    ("class-distance",): _class_distance,
    ("nearest-training",): _nearest_training,
    ("parzen",): _parzen,
}
"""What is computed together, by the names of its measures in MEASURES."""

PAIRED = tuple(name for names in FAMILIES for name in names)
"""The measures that are compared by pairing."""


def floors(case: Context, measures: Sequence[str]) -> tuple[dict[str, float], dict[str, str]]:
    """What real images get, for the measures of which either side of it is off: of Parzen's and precision, as many
    training images do, for all held-out images are there to be held against.

    Also the measures of which that cannot be told, with the reason: they cannot be compared.
    """
    found, refused = {"nearest-training": 0.5, "density": 1.0}, {}
    order = torch.randperm(len(case.reference.train), generator=torch.Generator().manual_seed(case.seed))
    if "precision" in measures:
        samples, real = _drawn_features(case)
        with suppress(BadInput):  # of too few, `take_jackknives` says why
            stand_in = case.reference.train_features[order[: len(samples)]]
            found["precision"] = metrics.manifolds(stand_in, real)["precision"].value
    if "parzen" in measures:
        try:
            found["parzen"] = _parzen_of_real(case, order)
        except (BadInput, NonFinite) as error:
            refused["parzen"] = str(error)
    return found, refused


def _parzen_of_real(case: Context, order: Tensor) -> float:
    selection, points = selection_and_points(case.reference.dataset, case.reference.split)
    centres = to_unit_interval(case.reference.train)[order[: case.n]]
    return metrics.parzen(points, centres, selection, protocol=case.protocol).value


def take_jackknives(
    case: Context, measures: Sequence[str]
) -> Iterator[tuple[list[str], dict[str, statistics.Jackknife], str]]:
    """Take measures of samples: each time what was taken, its jackknives, and why not where they are none."""
    for names, take in FAMILIES.items():
        wanted = [name for name in names if name in measures]
        if not wanted:
            continue
        try:
            found = take(case)
        except (BadInput, NonFinite) as error:
            yield wanted, {}, str(error)
            continue
        yield wanted, {name: found[name] for name in wanted}, ""
